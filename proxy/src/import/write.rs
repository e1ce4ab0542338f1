//! Our configuration as YAML, as a person would write it.

use std::fmt::{self, Write as _};

use super::{
    draft::{Draft, Model, Route},
    finding::{Finding, Kind},
    upstream::Provider,
    wildcard::Asked,
};

/// `draft`, with what was left behind said in front.
pub(super) fn yaml(draft: &Draft, findings: &[Finding]) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write_all(&mut text, draft, findings);
    text
}

fn write_all(text: &mut String, draft: &Draft, findings: &[Finding]) -> fmt::Result {
    writeln!(text, "# From a configuration of LiteLLM's proxy. `sidestep check` says what it does.")?;
    for (kind, title) in [(Kind::Lost, "Not carried over"), (Kind::Changed, "Carried over differently")] {
        let mut of_kind = findings.iter().filter(|finding| finding.kind == kind).peekable();
        if of_kind.peek().is_some() {
            writeln!(text, "#\n# {title}:")?;
        }
        for finding in of_kind {
            let line = finding.line.map_or_else(String::new, |line| format!("{}:{line}: ", finding.origin));
            let instead = if finding.instead.is_empty() {
                String::new()
            } else {
                format!(" Instead: {}", finding.instead)
            };
            writeln!(text, "#   {line}{}: {}{instead}", finding.key, finding.why)?;
        }
    }
    writeln!(text, "\nproviders:")?;
    for (id, provider) in &draft.providers {
        writeln!(text, "  {}: {}", scalar(id), flow(&provider_fields(id, provider)))?;
    }
    writeln!(text, "\nmodels:")?;
    for model in &draft.models {
        writeln!(text, "  {}: {}", scalar(&model.id), flow(&model_fields(draft, model)))?;
    }
    writeln!(text, "\nroutes:")?;
    for route in &draft.routes {
        write_route(text, draft, route)?;
    }
    write_rest(text, draft)
}

fn write_rest(text: &mut String, draft: &Draft) -> fmt::Result {
    let mut health = Vec::new();
    health.extend(draft.failures.map(|failures| field("consecutive_failures", failures)));
    health.extend(draft.cooldown.map(|cooldown| field("cooldown", period(cooldown))));
    if !health.is_empty() {
        writeln!(text, "\nhealth: {}", flow(&health))?;
    }
    if draft.json_logs {
        writeln!(text, "\nlog: {{ format: json }}")?;
    }
    Ok(())
}

fn write_route(text: &mut String, draft: &Draft, route: &Route) -> fmt::Result {
    writeln!(text, "  - match: {}", scalar(&route.pattern))?;
    let targets = route.targets.iter().map(|(model, weight)| {
        let id = scalar(&draft.models[*model].id);
        weight.map_or_else(|| id.clone(), |weight| format!("{{ model: {id}, weight: {weight} }}"))
    });
    writeln!(text, "    targets: [{}]", targets.collect::<Vec<_>>().join(", "))?;
    let mut rest = Vec::new();
    rest.extend(route.single.then(|| field("single_provider", true)));
    rest.extend(route.deadline.map(|deadline| field("deadline", period(deadline))));
    rest.extend(route.first_token.map(|time| field("first_token_timeout", period(time))));
    rest.extend(route.attempts.map(|attempts| field("max_attempts", attempts)));
    rest.extend((!route.retry).then(|| field("retry", false)));
    rest.iter().try_for_each(|field| writeln!(text, "    {field}"))
}

fn provider_fields(id: &str, provider: &Provider) -> Vec<String> {
    let mut fields = Vec::new();
    match provider.preset {
        Some(preset) if preset != id => fields.push(field("preset", preset)),
        Some(_) => {}
        None => fields.push(field("dialect", "openai")),
    }
    fields.extend(provider.base_url.as_ref().map(|url| field("base_url", quoted(url))));
    fields.extend(provider.key.as_ref().map(|name| field("api_key", format!("{{ env: {} }}", scalar(name)))));
    fields
}

fn model_fields(draft: &Draft, model: &Model) -> Vec<String> {
    let mut fields = vec![field("provider", scalar(&draft.providers[model.provider].0))];
    match &model.asked {
        Asked::Exact(name) => fields.push(field("model", scalar(name))),
        Asked::AsAsked(prefix) => {
            fields.push(field("model", quoted("*")));
            fields.extend(model.probe.as_ref().map(|probe| field("probe", scalar(probe))));
            fields.extend((!prefix.is_empty()).then(|| field("strip_prefix", scalar(prefix))));
        }
    }
    let traits = &model.traits;
    fields.extend(traits.max_concurrency.map(|most| field("max_concurrency", most)));
    fields.extend(traits.context_window.map(|tokens| field("context_window", tokens)));
    fields.extend(traits.max_output_tokens.map(|tokens| field("max_output_tokens", tokens)));
    fields.extend(traits.price.map(|(input, output)| {
        field("price", format!("{{ input_usd_per_million: {input}, output_usd_per_million: {output} }}"))
    }));
    fields
}

fn field(name: &str, value: impl fmt::Display) -> String {
    format!("{name}: {value}")
}

fn flow(fields: &[String]) -> String {
    format!("{{ {} }}", fields.join(", "))
}

fn period(millis: u64) -> String {
    crate::config::Period(std::time::Duration::from_millis(millis)).to_string()
}

/// A text without quotes where YAML would read it as that same text, else with.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-/".contains(letter));
    let word = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    if plain && !word.contains(&text.to_ascii_lowercase().as_str()) { text.to_owned() } else { quoted(text) }
}

/// A text in double quotes; what JSON escapes, YAML does, too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
