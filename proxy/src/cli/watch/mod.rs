//! `sidestep status --watch` in a terminal: as much as the status page shows, on one screen that follows the window.

mod glyph;
mod history;
mod key;
mod line;
mod models;
mod page;
mod screen;
mod state;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use self::glyph::Glyphs;
use self::history::History;
use self::line::Style;
use self::page::page;
use self::screen::Screen;
use self::state::{IncidentLine, Order, Pressed, State};
use super::client::{AdminClient, ClientError};
use super::disable::whoami;
use super::status::Report;
use super::terminal::Paint;
use super::{CliError, signal as ending};
use crate::escape;

/// Incidents that are asked for; of those that are over, few matter now.
const INCIDENTS: &str = "/incidents?limit=5";

/// What one look brought.
struct Look {
    report: Report,
    history: History,
    incidents: Vec<IncidentLine>,
}

/// What became of an order, if one went ahead, and the look after it.
type Looking<'a> = Pin<Box<dyn Future<Output = (Option<Told>, Result<Look, ClientError>)> + 'a>>;
type Told = (Style, String);

/// Shows it until somebody has seen enough. Goes on when Sidestep is away for a while: a restart is part of what one
/// watches.
pub(super) async fn watch(client: &AdminClient, pause: Duration) -> Result<(), CliError> {
    let (paint, glyphs) = (Paint::of_stdout(), Glyphs::of_environment());
    let mut ended = std::pin::pin!(ending::termination()?);
    let mut hung_up = signal(SignalKind::hangup())?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut state = State::new(client.address());
    let mut looking: Looking<'_> = Box::pin(look(client, Duration::ZERO, None));
    let _screen = Screen::enter()?;
    let mut keys = Screen::keys()?;
    loop {
        Screen::show(&page(&state, Screen::size(), glyphs), paint)?;
        tokio::select! {
            () = &mut ended => return Ok(()),
            _ = hung_up.recv() => return Ok(()),
            _ = resized.recv() => {}
            Some(key) = keys.recv() => match state.press(key) {
                Pressed::Nothing => {}
                Pressed::Quit => return Ok(()),
                Pressed::Confirmed(order) => {
                    state.told = Some((Style::Dim, "…".to_owned()));
                    looking = Box::pin(look(client, Duration::ZERO, Some(order)));
                }
            },
            (told, looked) = &mut looking => {
                state.told = told.or(state.told);
                take(&mut state, looked);
                looking = Box::pin(look(client, pause, None));
            }
        }
    }
}

/// Looks again after a pause. An order goes ahead, so that neither keys nor the window wait for it.
async fn look(
    client: &AdminClient,
    pause: Duration,
    order: Option<Order>,
) -> (Option<Told>, Result<Look, ClientError>) {
    sleep(pause).await;
    let told = match order {
        Some(order) => Some(send(client, &order).await),
        None => None,
    };
    (told, ask(client).await)
}

async fn ask(client: &AdminClient) -> Result<Look, ClientError> {
    let status = client.ask(Method::GET, "/status", None).await?;
    let report = Report::deserialize(&status).map_err(|error| client.strange(&error.to_string()))?;
    // An older Sidestep has neither; then there is less to see.
    let history = client.ask(Method::GET, "/history", None).await.ok();
    let history = history.and_then(|told| History::deserialize(told).ok()).unwrap_or_default();
    let incidents = client.ask(Method::GET, INCIDENTS, None).await.ok();
    let incidents = incidents.and_then(|mut told| Vec::deserialize(told["incidents"].take()).ok());
    Ok(Look { report, history, incidents: incidents.unwrap_or_default() })
}

fn take(state: &mut State, looked: Result<Look, ClientError>) {
    match looked {
        Ok(look) => {
            state.heard(look.report);
            state.history = look.history;
            state.incidents = look.incidents;
        }
        // The advice below the first line is for somebody at a prompt.
        Err(error) => state.trouble = error.to_string().lines().next().map(str::to_owned),
    }
}

async fn send(client: &AdminClient, order: &Order) -> Told {
    let actor = whoami();
    let sent = match order {
        Order::Disable(subject) => {
            let wish = json!({
                "subject": subject, "kind": "disable", "actor": actor, "reason": "from `sidestep status --watch`",
            });
            client.ask(Method::POST, "/switches", Some(&wish)).await
        }
        Order::Enable(subject) => {
            let path = format!("/switches/{}?actor={}", escape::encode(subject), escape::encode(&actor));
            client.ask(Method::DELETE, &path, None).await
        }
        Order::Clear => {
            client.ask(Method::DELETE, &format!("/faults?actor={}", escape::encode(&actor)), None).await
        }
    };
    match sent {
        Ok(done) => (Style::Good, done_in_words(&done)),
        Err(error) => (Style::Bad, error.to_string().replace('\n', " ")),
    }
}

fn done_in_words(done: &Value) -> String {
    let decisions = done["decisions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let decisions: Vec<_> = decisions.iter().filter_map(Value::as_str).collect();
    if decisions.is_empty() { "Done.".to_owned() } else { format!("Done: {}", decisions.join("; ")) }
}
