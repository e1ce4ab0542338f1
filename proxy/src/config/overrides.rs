//! What whoever starts the process insists on, whatever the configuration says, now and after each reload.

use std::{net::SocketAddr, time::Duration};

use super::Config;

/// Values that go before those of the configuration; `None` leaves its own. In a pod, the addresses are the pod's
/// matter: one configuration then serves in pods and elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Goes before `listen`.
    pub listen: Option<SocketAddr>,
    /// Goes before `admin.listen`.
    pub admin_listen: Option<SocketAddr>,
    /// Goes before `log.level`.
    pub log_level: Option<String>,
    /// Goes before `drain.grace`.
    pub drain_grace: Option<Duration>,
}

// === impl Overrides ===

impl Overrides {
    /// Puts what is insisted on into `config`.
    pub fn apply(&self, config: &mut Config) {
        let Self { listen, admin_listen, log_level, drain_grace } = self;
        config.listen = listen.unwrap_or(config.listen);
        config.admin.listen = admin_listen.unwrap_or(config.admin.listen);
        if let Some(level) = log_level {
            config.log.level.clone_from(level);
        }
        config.drain.grace = drain_grace.unwrap_or(config.drain.grace);
    }
}
