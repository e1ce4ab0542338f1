//! `sidestep incidents`: what went wrong lately, and a report of one of them.

use clap::Args;
use clap_complete::ArgValueCompleter;
use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::client::{AdminAddress, AdminClient, ClientError};
use super::report::{Dress, report};
use super::terminal::tame;
use super::{CliError, names, span, terminal};
use crate::escape;
use crate::incidents::{Calls, Evidence, Extra, stamp};

const EXAMPLES: &str = "\
Examples:
  sidestep incidents                           the latest ones, newest first
  sidestep incidents last                      a report of the latest one, to show around
  sidestep incidents 2026-11-20T14-03-09Z-anthropic
  sidestep incidents last --markdown           the same, to paste into a postmortem
  sidestep incidents --json | jq '.incidents[] | {id, title, calls, extra}'

NOTICED are calls whose callers saw an error: refused, failed or cut. EXTRA is what Sidestep spent beyond the usual.";

const HEADINGS: [&str; 7] = ["ID", "LASTED", "REROUTED", "RESCUED", "NOTICED", "EXTRA", "WHAT"];

/// List incidents, or report one of them
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Incidents {
    /// The incident's id, or `last`; without it all are listed
    #[arg(value_name = "ID", add = ArgValueCompleter::new(names::incidents))]
    id: Option<String>,
    /// List so many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 20, conflicts_with = "id")]
    limit: usize,
    /// Print the JSON as it is served
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print the report as Markdown, for a postmortem
    #[arg(long, requires = "id")]
    markdown: bool,
    #[command(flatten)]
    admin: AdminAddress,
}

/// What of `/incidents` is shown. Unknown fields are fine, so that an older command reads a newer Sidestep.
#[derive(Debug, Deserialize)]
pub(super) struct List {
    pub(super) at: f64,
    pub(super) kept_on_disk: bool,
    pub(super) incidents: Vec<Incident>,
}

/// One incident, as far as it is shown.
#[derive(Debug, Deserialize)]
pub(super) struct Incident {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) scope: String,
    pub(super) started: f64,
    pub(super) ended: Option<f64>,
    pub(super) updated: f64,
    pub(super) models: Vec<Model>,
    #[serde(default)]
    pub(super) models_omitted: u64,
    pub(super) decisions: Vec<Decision>,
    #[serde(default)]
    pub(super) omitted: u64,
    pub(super) calls: Calls,
    pub(super) extra: Extra,
    #[serde(default)]
    pub(super) rehearsal: bool,
    #[serde(default)]
    pub(super) relapses: u32,
    #[serde(default)]
    pub(super) interrupted: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Model {
    pub(super) id: String,
    pub(super) provider: String,
    pub(super) worst: String,
    pub(super) verdict: String,
    pub(super) since: f64,
    pub(super) why: String,
    pub(super) evidence: Evidence,
}

#[derive(Debug, Deserialize)]
pub(super) struct Decision {
    pub(super) at: f64,
    pub(super) kind: String,
    pub(super) subject: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) why: String,
    pub(super) actor: Option<String>,
}

// === impl Incidents ===

impl Incidents {
    pub(super) async fn run(&self) -> Result<(), CliError> {
        let client = self.admin.client()?;
        let told = match self.id.as_deref() {
            None => self.list(&client).await?,
            Some(id) => self.one(&client, id).await?,
        };
        Ok(terminal::print(&told)?)
    }

    async fn list(&self, client: &AdminClient) -> Result<String, ClientError> {
        let answer = client.ask(Method::GET, &format!("/incidents?limit={}", self.limit), None).await?;
        if self.json {
            return Ok(format!("{answer:#}\n"));
        }
        Ok(table(&read(client, &answer)?))
    }

    async fn one(&self, client: &AdminClient, id: &str) -> Result<String, CliError> {
        let answer = match id {
            "last" => {
                let mut list = client.ask(Method::GET, "/incidents?limit=1", None).await?;
                let last = list["incidents"].get_mut(0).map(Value::take);
                last.ok_or_else(|| CliError::Failed("no incident is on record".to_owned()))?
            }
            id => client.ask(Method::GET, &format!("/incidents/{}", escape::encode(id)), None).await?,
        };
        if self.json {
            return Ok(format!("{answer:#}\n"));
        }
        let dress = if self.markdown { Dress::Markdown } else { Dress::Plain };
        Ok(report(&read(client, &answer)?, dress))
    }
}

fn read<'a, T: Deserialize<'a>>(client: &AdminClient, answer: &'a Value) -> Result<T, ClientError> {
    T::deserialize(answer).map_err(|error| client.strange(&error.to_string()))
}

/// The list for people.
pub(super) fn table(list: &List) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(list.incidents.iter().map(|incident| cells(incident, list.at)));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..HEADINGS.len()).map(width).collect();
    let mut out = String::new();
    if list.incidents.is_empty() {
        out.push_str("No incident is on record.\n");
    } else {
        for row in &rows {
            let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            out += padded.collect::<Vec<_>>().join("  ").trim_end();
            out.push('\n');
        }
    }
    if !list.kept_on_disk {
        out += "\nThey are kept in memory only, and lost at the next start; configure a `state` folder to keep them.\n";
    }
    out
}

fn cells(incident: &Incident, now: f64) -> [String; 7] {
    let lasted = span::show(incident.ended.unwrap_or(now) - incident.started);
    let rehearsal = if incident.rehearsal { "rehearsal: " } else { "" };
    [
        tame(&incident.id),
        if incident.ended.is_some() { lasted } else { format!("{lasted} so far") },
        incident.calls.rerouted.to_string(),
        incident.calls.rescued.to_string(),
        incident.calls.noticed().to_string(),
        extra(&incident.extra),
        tame(&format!("{rehearsal}{}", incident.title)),
    ]
}

/// Money where it is known, else tokens.
fn extra(extra: &Extra) -> String {
    match extra.usd {
        Some(usd) => format!("{usd:.2} USD"),
        None => format!("{} tokens", extra.tokens),
    }
}

/// `2026-11-20 14:03:09 UTC`.
pub(super) fn when(unix: f64) -> String {
    stamp(unix).replace('T', " ").replace('Z', " UTC")
}
