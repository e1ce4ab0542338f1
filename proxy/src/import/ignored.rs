//! What has no counterpart, why, and what to do about it.

/// Reason and remedy.
pub(super) type Told = (&'static str, &'static str);

const NOTHING_LIKE_IT: &str = "Sidestep has nothing like it.";

/// Of an entry of `model_list`.
pub(super) fn of_deployment(key: &str) -> Told {
    match key {
        "organization" | "extra_headers" | "headers" => (
            "headers belong to a provider in Sidestep, and may hold secrets.",
            "set `headers` of the provider, `OpenAI-Organization` for example.",
        ),
        "temperature"
        | "max_tokens"
        | "max_completion_tokens"
        | "top_p"
        | "seed"
        | "stop"
        | "extra_body"
        | "reasoning_effort"
        | "thinking" => ("Sidestep adds nothing to what the application asks.", "set it in the application."),
        "tags" | "access_groups" | "team_id" => ("Sidestep has no teams, tags or keys for applications.", ""),
        "cooldown_time" | "allowed_fails" => {
            ("it holds for one deployment only.", "set `health` of the model.")
        }
        _ if key.contains("_cost_per_") => {
            ("prices are for plain input and output tokens.", "see `price` of the model.")
        }
        _ if key.starts_with("supports_") => {
            ("what a model can do is known by its name.", "set `capabilities` of the model if it is not.")
        }
        _ => (NOTHING_LIKE_IT, ""),
    }
}

/// Of `router_settings`.
pub(super) fn of_router(key: &str) -> Told {
    match key {
        "context_window_fallbacks" => (
            "what is too long for a target moves on along the route by itself.",
            "see that a model with a larger window is among the route's targets.",
        ),
        "content_policy_fallbacks" => {
            ("what a provider's content filter says is the application's answer; nobody else is asked.", "")
        }
        "retry_policy" | "model_group_retry_policy" | "allowed_fails_policy" => {
            ("which failures are tried again is decided by their class.", "see `retry_budget` of the routes.")
        }
        _ if key.starts_with("redis_") => ("Sidestep needs no Redis to route.", ""),
        _ => (NOTHING_LIKE_IT, ""),
    }
}

/// Of `litellm_settings`.
pub(super) fn of_module(key: &str) -> Told {
    match key {
        "callbacks" | "success_callback" | "failure_callback" | "service_callback" => (
            "Sidestep calls no code, and logs no prompt and no answer.",
            "its metrics are at `/metrics` of the admin side.",
        ),
        "cache" | "cache_params" => ("Sidestep keeps no answers.", ""),
        "guardrails" => ("Sidestep does not look into prompts and answers.", ""),
        "max_budget" | "budget_duration" => ("Sidestep counts no money but that of its own probes.", ""),
        "context_window_fallbacks" | "content_policy_fallbacks" => of_router(key),
        _ => (NOTHING_LIKE_IT, ""),
    }
}

/// Of `general_settings`.
pub(super) fn of_proxy(key: &str) -> Told {
    match key {
        "master_key" => (
            "applications need no key for Sidestep.",
            "keep `listen` on loopback; `admin.token` guards the switches.",
        ),
        _ if key.starts_with("database_") || key == "store_model_in_db" => {
            ("Sidestep has no database, and so no users, keys or budgets in one.", "")
        }
        _ if key.starts_with("alert") => (
            "messages go elsewhere, and say other things.",
            "see `notify`, and the rules in `helm/sidestep/files/rules.yaml`.",
        ),
        "background_health_checks" | "health_check_interval" => {
            ("models are always probed.", "see `probes`.")
        }
        "max_parallel_requests" | "global_max_parallel_requests" => {
            ("calls in flight are bounded for each model.", "see `max_concurrency` of the models.")
        }
        _ => (NOTHING_LIKE_IT, ""),
    }
}

/// Of the whole file.
pub(super) fn of_file(key: &str) -> Told {
    match key {
        "guardrails" => ("Sidestep does not look into prompts and answers.", ""),
        "mcp_servers" => ("Sidestep calls models, not tools.", ""),
        _ => (NOTHING_LIKE_IT, ""),
    }
}
