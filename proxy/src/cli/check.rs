//! `sidestep check`: would this configuration do, and what would happen with it.

use std::{
    fmt::{self, Write as _},
    path::PathBuf,
};

use sidestep_dialect::Dialect;

use super::{CliError, notify, terminal};
use crate::config::{
    Config, Credential, Period, ProviderConfig, RouteConfig, SCHEMA, Source, TargetConfig, UpstreamName,
    Variables, environment::compose,
};

const EXAMPLES: &str = "\
Examples:
  sidestep check sidestep.yaml           is it right, and what would happen to each route?
  sidestep check                         what is built from the provider keys in the environment?
  sidestep check --print sidestep.yaml   the same configuration with every default written out
  sidestep check --schema > schema.json  what an editor needs to help with writing one

Exit code 2, with line and column, if it is refused.";

/// Say whether a configuration is right, and what would happen with it
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Check {
    /// The configuration; without it, what is built from the provider keys in the environment
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// A folder whose files stand in for variables that are not set, such as keys: FOLDER/ANTHROPIC_API_KEY
    #[arg(long, value_name = "FOLDER")]
    keys: Option<PathBuf>,
    /// Print the configuration as YAML instead, with all defaults filled in and without secrets
    #[arg(long)]
    print: bool,
    /// Print the JSON schema (draft-07) of a configuration instead, for editors
    #[arg(long, conflicts_with_all = ["file", "print"])]
    schema: bool,
}

// === impl Check ===

impl Check {
    pub(super) fn run(&self, variables: Variables) -> Result<(), CliError> {
        Ok(terminal::print(&self.told(&variables.with_folder(self.keys.clone()))?)?)
    }

    fn told(&self, variables: &Variables) -> Result<String, CliError> {
        if self.schema {
            return Ok(SCHEMA.to_owned());
        }
        let source = self.file.clone().map_or(Source::Environment, Source::File);
        let config = Config::load(&source, variables).map_err(|error| CliError::Usage(error.to_string()))?;
        Ok(if self.print { config.to_yaml() } else { report(&config, variables) })
    }
}

/// What would happen with `config`. Says of secrets only whether they are there.
fn report(config: &Config, variables: &Variables) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write_report(&mut text, config, variables);
    text
}

fn write_report(text: &mut String, config: &Config, variables: &Variables) -> fmt::Result {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let (providers, models) =
        (count(config.providers.len(), "provider"), count(config.models.len(), "model"));
    let routes = count(config.routes.len(), "route");
    writeln!(text, "{}: fine, {providers}, {models}, {routes}", config.source)?;
    if let (Source::Environment, Ok(yaml)) = (&config.source, compose(variables)) {
        writeln!(text, "\n{}", indented(yaml.trim_end()))?;
    }
    writeln!(
        text,
        "\nApplications call http://{}, operators http://{}.",
        config.listen, config.admin.listen
    )?;
    match &config.admin.token {
        Some(token) => writeln!(text, "Switches: from loopback, or with a token ({}).", presence(token))?,
        None => writeln!(text, "Switches: from loopback only.")?,
    }
    write_traces(text, config)?;
    writeln!(text, "\nProviders")?;
    let rows = config.providers.iter().map(provider_row).collect::<Vec<_>>();
    write_rows(text, "  ", &rows)?;
    writeln!(text, "\nRoutes")?;
    for route in &config.routes {
        write_route(text, config, route)?;
    }
    let told = notify::rows(config, presence);
    if !told.is_empty() {
        writeln!(text, "\nNotifications")?;
    }
    write_rows(text, "  ", &told)?;
    if !config.warnings.is_empty() {
        writeln!(text, "\nWarnings")?;
    }
    config.warnings.iter().try_for_each(|warning| writeln!(text, "  {warning}"))
}

fn write_traces(text: &mut String, config: &Config) -> fmt::Result {
    match &config.telemetry {
        Some(to) => {
            let percent = to.sample * 100.0;
            writeln!(text, "Traces: to {}, of {percent} % of the calls without one.", to.endpoint)
        }
        None if cfg!(feature = "otel") => writeln!(text, "Traces: none (telemetry)."),
        None => writeln!(text, "Traces: none, this program is built without OpenTelemetry."),
    }
}

fn provider_row(provider: &ProviderConfig) -> Vec<String> {
    let dialects: Vec<&str> = provider.dialects.iter().map(|dialect| dialect.as_str()).collect();
    let key = provider
        .api_key
        .as_ref()
        .map_or_else(|| "without key".to_owned(), |key| format!("key: {}", presence(key)));
    vec![provider.id.clone(), provider.base_url.to_string(), dialects.join(", "), key]
}

fn presence(credential: &Credential) -> String {
    let there = if credential.secret().is_some() { "present" } else { "MISSING" };
    format!("{}, {there}", credential.source())
}

fn write_route(text: &mut String, config: &Config, route: &RouteConfig) -> fmt::Result {
    writeln!(text, "  {}", route.pattern)?;
    let rows = route.targets.iter().enumerate().map(|(at, target)| target_row(config, route, at, target));
    write_rows(text, "    ", &rows.collect::<Vec<_>>())?;
    let first = config.models[route.targets[0].model].provider;
    let mut others: Vec<&str> = Vec::new();
    for target in &route.targets {
        let provider = config.models[target.model].provider;
        let id = config.providers[provider].id.as_str();
        if provider != first && !others.contains(&id) {
            others.push(id);
        }
    }
    match &others[..] {
        [] => writeln!(text, "    failover: none, all targets are at {}", config.providers[first].id)?,
        others => writeln!(text, "    failover: to {}", others.join(", then "))?,
    }
    writeln!(
        text,
        "    answer begins within {}, first token of an attempt within {}, no silence above {}, at most {} attempts",
        Period(route.deadline),
        Period(route.first_token_timeout),
        Period(route.stall_timeout),
        route.max_attempts
    )
}

fn target_row(config: &Config, route: &RouteConfig, at: usize, target: &TargetConfig) -> Vec<String> {
    let model = &config.models[target.model];
    let provider = &config.providers[model.provider];
    let name = match &model.model {
        UpstreamName::Exact(name) => name.as_str(),
        UpstreamName::AsAsked { .. } => "the name asked for",
    };
    let total: u64 = route.targets.iter().filter_map(|target| target.weight.map(u64::from)).sum();
    let share = target.weight.map_or_else(String::new, |weight| format!("weight {weight} of {total}"));
    let own = |dialect: &Dialect| provider.dialects.contains(dialect);
    let list = |dialects: Vec<&str>| if dialects.is_empty() { "-".to_owned() } else { dialects.join(", ") };
    let same =
        list(Dialect::ALL.iter().filter(|dialect| own(dialect)).map(|dialect| dialect.as_str()).collect());
    let other =
        list(Dialect::ALL.iter().filter(|dialect| !own(dialect)).map(|dialect| dialect.as_str()).collect());
    let key = if provider.has_credential() { "" } else { "key MISSING" };
    vec![
        format!("{}. {}", at + 1, model.id),
        format!("{name} at {}", provider.id),
        format!("as it is: {same}"),
        format!("translated: {other}"),
        share,
        key.to_owned(),
    ]
}

/// Rows with their columns aligned.
fn write_rows(text: &mut String, margin: &str, rows: &[Vec<String>]) -> fmt::Result {
    for row in rows {
        let mut line = margin.to_owned();
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
            let gap = if width == 0 { 0 } else { width + 2 };
            write!(line, "{cell:gap$}")?;
        }
        writeln!(text, "{}", line.trim_end())?;
    }
    Ok(())
}

fn indented(yaml: &str) -> String {
    yaml.lines().map(|line| format!("  {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::{path::Path, process::ExitCode};

    use super::*;

    const FILE: &str = r#"
providers:
  anthropic: { api_key: { env: ANTHROPIC_API_KEY } }
  openai: { api_key: { env: OPENAI_API_KEY } }
  own: { dialect: openai, base_url: "http://localhost:8000/v1" }
models:
  opus: { provider: anthropic, model: claude-opus-5-5 }
  gpt: { provider: openai, model: "*", probe: gpt-6-luna }
  own: { provider: own, model: llama }
notify:
  targets:
    chat: { kind: slack, url: { env: CHAT_URL }, events: [opened, restored] }
    alerts: { kind: alertmanager, url: { env: ALERTS_URL } }
routes:
  - match: "claude-opus-*"
    targets: [{ model: opus, weight: 3 }, { model: gpt, weight: 1 }, own]
    first_token_timeout: 1500ms
  - match: llama
    targets: [own]
    single_provider: true
"#;

    const REPORT: &str = r#": fine, 3 providers, 3 models, 2 routes

Applications call http://127.0.0.1:6180, operators http://127.0.0.1:6181.
Switches: from loopback only.
Traces: none, this program is built without OpenTelemetry.

Providers
  anthropic  https://api.anthropic.com/v1  anthropic          key: env ANTHROPIC_API_KEY, present
  openai     https://api.openai.com/v1     openai, responses  key: env OPENAI_API_KEY, MISSING
  own        http://localhost:8000/v1      openai             without key

Routes
  claude-opus-*
    1. opus  claude-opus-5-5 at anthropic  as it is: anthropic          translated: openai, responses     weight 3 of 4
    2. gpt   the name asked for at openai  as it is: openai, responses  translated: anthropic             weight 1 of 4  key MISSING
    3. own   llama at own                  as it is: openai             translated: anthropic, responses
    failover: to openai, then own
    answer begins within 10m, first token of an attempt within 1500ms, no silence above 1m, at most 4 attempts
  llama
    1. own  llama at own  as it is: openai  translated: anthropic, responses
    failover: none, all targets are at own
    answer begins within 10m, first token of an attempt within 1m, no silence above 1m, at most 4 attempts

Notifications
  chat    slack         url: env CHAT_URL, MISSING    opened, restored
  alerts  alertmanager  url: env ALERTS_URL, present  everything

Warnings
  providers.openai.api_key is missing: OPENAI_API_KEY is not set
  notify.targets.chat.url is missing: CHAT_URL is not set
  route `llama`: there is nothing to fail over to, own alone can be called
"#;

    fn told(file: Option<&Path>, print: bool, variables: &[(&str, &str)]) -> Result<String, String> {
        let variables: Variables = variables.iter().copied().collect();
        let told =
            Check { file: file.map(Path::to_owned), keys: None, print, schema: false }.told(&variables);
        told.map_err(|error| {
            assert_eq!(error.exit_code(), ExitCode::from(2));
            error.to_string()
        })
    }

    #[test]
    fn a_file_is_told_route_by_route_without_any_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = &folder.path().join("sidestep.yaml");
        std::fs::write(path, FILE).unwrap();
        let variables = [("ANTHROPIC_API_KEY", "hush"), ("ALERTS_URL", "http://localhost:9093/hush")];
        assert_eq!(told(Some(path), false, &variables), Ok(format!("{}{REPORT}", path.display())));

        let printed = told(Some(path), true, &variables).unwrap();
        assert!(printed.contains("env: ANTHROPIC_API_KEY"), "{printed}");
        std::fs::write(path, &printed).unwrap();
        assert_eq!(told(Some(path), true, &variables), Ok(printed));

        std::fs::write(path, FILE.replace("targets: [own]", "targets: [onw]")).unwrap();
        let refusal = told(Some(path), false, &variables).unwrap_err();
        let expected = ":19:15: routes[1].targets[0]: unknown model `onw`, did you mean `own`?";
        assert!(refusal.contains(expected), "{refusal}");
    }

    #[test]
    fn without_a_file_it_shows_what_it_built_or_which_keys_it_looked_for() {
        let told_of = |variables: &[(&str, &str)]| told(None, false, variables);
        let built = told_of(&[("OPENAI_API_KEY", "hush"), ("XAI_API_KEY", "hush")]).unwrap();
        assert!(built.contains("\n    openai: { api_key: { env: OPENAI_API_KEY } }\n"), "{built}");
        assert!(built.contains("failover: to xai") && !built.contains("hush"), "{built}");
        let refusal = told_of(&[("OPENAI_API_KEY", " ")]).unwrap_err();
        assert!(refusal.contains("ANTHROPIC_API_KEY, OPENAI_API_KEY, XAI_API_KEY"), "{refusal}");
    }
}
