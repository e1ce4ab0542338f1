//! Tells people and machines of incidents: chats by webhooks, anything by JSON, Alertmanager by its API.
//!
//! ```text
//! incidents, journal, routes ─ report → editor (what, and when) → mailbox → courier → outlet   a mailbox and a courier
//!                                                                                              for each target
//! ```
//!
//! Nothing here is on a call's way: calls, the judge and the record write to feeds that drop what nobody reads in time.

mod alertmanager;
mod courier;
mod desk;
mod editor;
mod mailbox;
mod notice;
mod outlet;
mod report;
mod slack;
mod webhook;

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use self::desk::Desk;
use self::notice::{Letterhead, Notice};
use self::outlet::Failure;
use crate::config::{NotifyConfig, NotifyTarget, REDACTED};
use crate::incidents::Incidents;
use crate::journal::Journal;
use crate::stack::Foundation;
use crate::tasks::Tasks;

/// Who is told. Clones are the same.
#[derive(Clone)]
pub struct Notifier {
    config: Arc<watch::Sender<NotifyConfig>>,
}

// === impl Notifier ===

impl Notifier {
    /// Starts to tell those whom `config` names of what `incidents` and `journal` say.
    #[must_use]
    pub fn start(
        config: &NotifyConfig,
        on: &Foundation,
        (incidents, journal): (&Arc<Incidents>, &Arc<Journal>),
        tasks: &Tasks,
    ) -> Notifier {
        let (sender, receiver) = watch::channel(config.clone());
        let desk = Desk::new(on, incidents, receiver);
        tasks.spawn("notifications", desk.run(journal.clone(), tasks.stopping()));
        Notifier { config: Arc::new(sender) }
    }

    /// Tells those whom `config` names from now on.
    pub fn replace(&self, config: &NotifyConfig) {
        // Nobody listens any more while the process ends.
        self.config.send(config.clone()).ok();
    }
}

/// Sends a message that says only that messages arrive, and returns what the target said.
///
/// # Errors
/// In words, when it did not arrive. No text of it holds the address.
pub async fn test(config: &NotifyConfig, target: &NotifyTarget, now: f64) -> Result<String, String> {
    let body = courier::body(target.kind, Notice::test(now), &Letterhead::from(config), now);
    let outlet = outlet::Outlet::build(target).map_err(|failure| failure.to_string())?;
    match outlet.post(Bytes::from(body.to_string())).await {
        Ok(taken) => Ok(format!("{} {}", taken.status.as_u16(), taken.said).trim_end().to_owned()),
        Err(Failure::Refused { status, said, .. }) => Err(format!("it answered {status}: {said}")),
        Err(failure) => Err(failure.to_string().replace(REDACTED, "")),
    }
}
