//! A vendor's error response, or an error that came inside a 200, as a class.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use super::{ErrorClass, Failure, retry_after};
use crate::Dialect;

/// The parts of an error body that decide; every vendor's form fits.
#[derive(Default)]
struct Told {
    /// `error.type`, Gemini's `error.status`.
    kind: String,
    /// `error.code` or Anthropic's `error.details.error_code`.
    code: String,
    /// Lower case; read for known phrases and then thrown away.
    message: String,
    delay: Option<Duration>,
}

const QUOTA: [&str; 10] = [
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "enforced_spend_limit_reached",
    "contract_spend_limit_reached",
    "billing_error",
    "billing_hard_limit_reached",
    "billing_not_active",
];
const OVERLOAD: [&str; 4] = ["overloaded_error", "server_is_overloaded", "engine_overloaded", "overloaded"];
const CONTEXT: [&str; 2] = ["context_length_exceeded", "model_context_window_exceeded"];
const FILTER: [&str; 4] =
    ["content_filter", "content_policy_violation", "responsibleaipolicyviolation", "moderation_blocked"];
const MISSING: [&str; 3] = ["model_not_found", "deploymentnotfound", "model_not_available"];
const AUTH: [&str; 5] =
    ["authentication_error", "permission_error", "invalid_api_key", "unauthenticated", "permission_denied"];

/// What an error means.
///
/// `status` 200 stands for an error inside an answer that began as a success: there the body's own
/// type decides, and what it does not name is the upstream's failure. A body that is not JSON is read as
/// nothing. All dialects' bodies are understood whatever the dialect asked for, because gateways mix them.
#[must_use]
pub fn classify(_dialect: Dialect, status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
    let told = Told::read(body);
    let wait = retry_after::retry_after(status, headers);
    let class = match status {
        200..=299 => told.in_band(),
        400 | 422 => told.of_bad_request(),
        401 | 403 => ErrorClass::Auth,
        402 => ErrorClass::Quota,
        404 => told.of_not_found(),
        413 => ErrorClass::TooLarge,
        429 => told.of_too_many(),
        529 => ErrorClass::Overload,
        503 if wait.is_some() => ErrorClass::Overload,
        500..=599 if told.is(&OVERLOAD) => ErrorClass::Overload,
        // 409 is a lock at the vendor's side: the official SDKs retry it like a 5xx.
        408 | 409 => ErrorClass::Hard,
        405..=499 => told.of_bad_request(),
        _ => ErrorClass::Hard,
    };
    let in_band = (200..300).contains(&status);
    Failure {
        class,
        status: (!in_band).then_some(status),
        retry_after: wait.or(told.delay.filter(|_| status == 429 || status >= 500)),
        code: told.machine_code(),
    }
}

impl Told {
    fn read(body: &[u8]) -> Self {
        // Gemini wraps its errors in a list.
        let body = match serde_json::from_slice(body) {
            Ok(Value::Object(body)) => Value::Object(body),
            Ok(Value::Array(list)) => list.into_iter().next().unwrap_or_default(),
            _ => return Self::default(),
        };
        match body.get("error") {
            Some(Value::Object(error)) => {
                let field = |name: &str| text(error.get(name));
                let nested = error.get("details").and_then(|details| details.get("error_code"));
                let code = [text(nested), field("code")].into_iter().find(|code| !code.is_empty());
                let kind = [field("type"), field("status")].into_iter().find(|kind| !kind.is_empty());
                Self {
                    kind: kind.unwrap_or_default(),
                    code: code.unwrap_or_default(),
                    message: field("message").to_lowercase(),
                    delay: error.get("details").and_then(gemini_delay),
                }
            }
            // xAI sends {"code": "...", "error": "text"}, the Responses stream a flat {"type":"error",…}.
            other => {
                let said = [text(other), text(body.get("message")), text(body.get("detail"))];
                Self {
                    kind: text(body.get("type")),
                    code: text(body.get("code")),
                    message: said.join(" ").to_lowercase(),
                    delay: None,
                }
            }
        }
    }

    /// Whether type or code is one of `names`.
    fn is(&self, names: &[&str]) -> bool {
        [&self.kind, &self.code].iter().any(|told| names.iter().any(|name| told.eq_ignore_ascii_case(name)))
    }

    fn says(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.message.contains(phrase))
    }

    fn of_bad_request(&self) -> ErrorClass {
        let model_gone =
            ["model does not exist", "model not found", "does not exist or you do not have access"];
        if self.is(&CONTEXT) || self.says(&CONTEXT_PHRASES) {
            ErrorClass::ContextLength
        } else if self.is(&["invalid_encrypted_content"]) || self.blames_history() {
            ErrorClass::HistorySignature
        } else if self.says(&PREFILL_PHRASES) {
            ErrorClass::Prefill
        } else if self.is(&FILTER) || self.says(&["content management policy", "content filtering policy"]) {
            ErrorClass::ContentFilter
        } else if self.is(&QUOTA) || self.says(&["credit balance is too low", "spend limit", "usage limits"])
        {
            ErrorClass::Quota
        } else if self.is(&AUTH) || self.says(&["incorrect api key", "invalid api key", "api key not valid"])
        {
            ErrorClass::Auth
        } else if self.is(&MISSING) || self.says(&model_gone) {
            ErrorClass::ModelMissing
        } else if self.is(&["request_too_large"]) {
            ErrorClass::TooLarge
        } else {
            ErrorClass::Client
        }
    }

    /// The phrases with which Anthropic and OpenAI refuse another issuer's reasoning in the history.
    fn blames_history(&self) -> bool {
        let signature = self.says(&["signature"]) && self.says(&["thinking"]);
        let modified = self.says(&["cannot be modified"]) && self.says(&["thinking"]);
        let orphaned = self.says(&[
            "expected `thinking` or `redacted_thinking`",
            "without its required following item",
            "without its required 'reasoning' item",
            "encrypted content could not be verified",
            "items are not persisted when",
        ]);
        signature || modified || orphaned
    }

    fn of_not_found(&self) -> ErrorClass {
        if self.blames_history() {
            return ErrorClass::HistorySignature;
        }
        // State that lives at another provider is the caller's matter; the model is well.
        let state = ["previous_response_not_found", "conversation_not_found", "file_not_found"];
        if self.is(&state) { ErrorClass::Client } else { ErrorClass::ModelMissing }
    }

    fn of_too_many(&self) -> ErrorClass {
        if self.is(&QUOTA) || self.says(&["exceeded your current quota", "credit balance"]) {
            ErrorClass::Quota
        } else if self.is(&OVERLOAD) || self.says(&["engine is currently overloaded"]) {
            ErrorClass::Overload
        } else {
            ErrorClass::Rate
        }
    }

    fn in_band(&self) -> ErrorClass {
        let rate = ["rate_limit_error", "rate_limit_exceeded", "slow_down", "resource_exhausted", "429"];
        let client = ["invalid_request_error", "invalid_prompt", "bad_request", "invalid_argument", "400"];
        if self.is(&QUOTA) {
            ErrorClass::Quota
        } else if self.is(&OVERLOAD) || self.is(&["529"]) {
            ErrorClass::Overload
        } else if self.is(&rate) {
            ErrorClass::Rate
        } else if self.is(&AUTH) || self.is(&["401", "403"]) {
            ErrorClass::Auth
        } else if self.is(&MISSING) || self.is(&["not_found_error"]) {
            ErrorClass::ModelMissing
        } else if self.is(&CONTEXT) || self.is(&FILTER) || self.is(&client) || self.is(&["request_too_large"])
        {
            self.of_bad_request()
        } else {
            ErrorClass::Hard
        }
    }

    /// Code or type, unless it is prose: only what a machine wrote may reach logs and metrics.
    fn machine_code(self) -> Option<String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let machine = |text: &String| (1..=64).contains(&text.len()) && text.chars().all(plain);
        [self.code, self.kind].into_iter().find(machine)
    }
}

const CONTEXT_PHRASES: [&str; 8] = [
    "prompt is too long",
    "maximum context length",
    "maximum prompt length",
    "exceeds the context window",
    "exceed context limit",
    "context_length_exceeded",
    "input is too long",
    "exceeds the maximum number of tokens",
];

/// How vendors refuse to continue a message: Anthropic, Google, then servers such as vLLM and llama.cpp, and last
/// OpenAI-compatible ones that are strict about fields or the order of roles.
const PREFILL_PHRASES: [&str; 13] = [
    "does not support assistant message prefill",
    "conversation must end with a user message",
    "final assistant content cannot end with trailing whitespace",
    "requests ending with a model turn",
    "assistant response prefill is incompatible",
    "cannot set `continue_final_message`",
    "cannot set continue_final_message",
    "continue_final_message is set but",
    "prefix is not supported",
    "prefill is not supported",
    "prefilling is not supported",
    "expected last role user or tool",
    "last message must be from the user",
];

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

fn gemini_delay(details: &Value) -> Option<Duration> {
    let delay = details.as_array()?.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    super::retry_after::in_body(delay)
}

#[cfg(test)]
mod tests;
