//! `sidestep fault`: rehearse an incident, the day before it happens.

use std::time::Duration;

use clap::{ArgGroup, Args};
use clap_complete::ArgValueCompleter;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::AdminAddress;
use super::disable::Actor;
use super::table::fault_line;
use super::{CliError, names, span, terminal};
use crate::config::Period;
use crate::escape;

const EXAMPLES: &str = "\
Examples:
  sidestep fault anthropic --status 529 --rate 0.3 --for 5m
                                               three in ten attempts there are answered as in an overload
  sidestep fault anthropic --status 429 --retry-after 20 --for 2m --reason \"game day\"
  sidestep fault opus --cut 40 --rate 0.1      streams of one model break off after 40 events
  sidestep fault anthropic --hang --for 3m     nobody answers there
  sidestep fault                               what is in force
  sidestep fault --clear anthropic             end it, at once
  sidestep fault --clear                       end all of them

Traffic and probes meet the fault, so verdicts, rerouting and alerts are the real ones; everything that shows it \
calls it a rehearsal. The configuration has to allow it (faults: { allow: true }), and caps it (faults.max_rate, \
faults.max_duration). It ends by itself, with a restart, and when a real incident leaves a route nobody else.";

/// Rehearse an incident with faults between Sidestep and a provider
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[command(group(ArgGroup::new("kind").args(["status", "delay", "hang", "reset", "cut", "slow"])))]
pub(super) struct Fault {
    /// Provider or model, by its name in the configuration; none to see what is in force
    #[arg(value_name = "NAME", add = ArgValueCompleter::new(names::subjects))]
    subject: Option<String>,
    #[command(flatten)]
    kind: Kind,
    /// The part of attempts that it hits, above 0 and at most 1; by default all that the configuration allows
    #[arg(long, value_name = "PART", requires = "kind")]
    rate: Option<f64>,
    /// How long, like 90s or 5m
    #[arg(long = "for", value_name = "SPAN", value_parser = span::parse, default_value = "5m")]
    span: Duration,
    /// Why; shown to everybody who asks for the status
    #[arg(long, value_name = "TEXT", default_value = "no reason given")]
    reason: String,
    /// Even if a route is left without any healthy model that is not rehearsed
    #[arg(long, requires = "kind")]
    even_all: bool,
    /// End the rehearsal on NAME, or all of them
    #[arg(long, conflicts_with = "kind")]
    clear: bool,
    #[command(flatten)]
    actor: Actor,
    #[command(flatten)]
    admin: AdminAddress,
}

/// What the fault does: one of these.
#[derive(Args, Debug)]
struct Kind {
    /// An error answer in the provider's own words: 401, 402, 403, 404, 408, 429 or 500 to 599
    #[arg(long, value_name = "CODE")]
    status: Option<u16>,
    /// What the Retry-After of the error answer says
    #[arg(long, value_name = "SECONDS", requires = "status")]
    retry_after: Option<u32>,
    /// The provider is asked late, like 800ms or 8s
    #[arg(long, value_name = "TIME", value_parser = time)]
    delay: Option<Duration>,
    /// No answer at all
    #[arg(long)]
    hang: bool,
    /// The connection is refused
    #[arg(long)]
    reset: bool,
    /// Streams break off after so many events, whole answers at once
    #[arg(long, value_name = "EVENTS")]
    cut: Option<u32>,
    /// Answers come in slowly: the pause before each piece, like 200ms
    #[arg(long, value_name = "TIME", value_parser = time)]
    slow: Option<Duration>,
}

impl Fault {
    pub(super) async fn run(&self) -> Result<(), CliError> {
        let client = self.admin.client()?;
        let answer = match (&self.subject, self.kind.order(), self.clear) {
            (subject, _, true) => {
                let actor = escape::encode(&self.actor.name());
                let name = subject.as_deref().map(|name| format!("/{}", escape::encode(name)));
                let path = format!("/faults{}?actor={actor}", name.unwrap_or_default());
                client.ask(Method::DELETE, &path, None).await?
            }
            (Some(subject), Some(kind), false) => {
                client.ask(Method::POST, "/faults", Some(&self.order(subject, &kind))).await?
            }
            (None, None, false) => client.ask(Method::GET, "/faults", None).await?,
            (Some(_), None, false) => return Err(usage("say what happens there: --status 529, --hang, …")),
            (None, Some(_), false) => return Err(usage("say where: sidestep fault NAME")),
        };
        Ok(terminal::print(&told(&answer))?)
    }

    fn order(&self, subject: &str, kind: &Value) -> Value {
        let mut order = json!({
            "subject": subject,
            "fault": kind,
            "for_seconds": self.span.as_secs(),
            "reason": self.reason,
            "actor": self.actor.name(),
            "even_all": self.even_all,
        });
        if let Some(rate) = self.rate {
            order["rate"] = rate.into();
        }
        order
    }
}

impl Kind {
    fn order(&self) -> Option<Value> {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let status = self.status.map(|status| match self.retry_after {
            Some(seconds) => json!({ "kind": "status", "status": status, "retry_after_seconds": seconds }),
            None => json!({ "kind": "status", "status": status }),
        });
        let delay = self.delay.map(|time| json!({ "kind": "delay", "delay_ms": millis(time) }));
        let cut = self.cut.map(|events| json!({ "kind": "cut", "after_events": events }));
        let slow = self.slow.map(|time| json!({ "kind": "slow", "pause_ms": millis(time) }));
        let hang = self.hang.then(|| json!({ "kind": "hang" }));
        let reset = self.reset.then(|| json!({ "kind": "reset" }));
        status.or(delay).or(cut).or(slow).or(hang).or(reset)
    }
}

/// What is in force, a line each.
fn told(answer: &Value) -> String {
    let faults = Vec::<super::status::Fault>::deserialize(&answer["faults"]).unwrap_or_default();
    if faults.is_empty() {
        return "No rehearsal is in force.\n".to_owned();
    }
    faults.iter().map(|fault| format!("{}\n", fault_line(fault))).collect()
}

fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time; write it like 500ms, 8s or 1m");
    Period::parse(text).map(|period| period.0).ok_or_else(wrong)
}

fn usage(why: &str) -> CliError {
    CliError::Usage(format!("{why}\nFor more information, try '--help'."))
}
