//! Notices that the configuration, or a file that it names, has become another one.
//!
//! Everything is read and resolved anew at each poll and compared by what it means. So it does not matter how
//! the change came about: a ConfigMap's `..data` symlink, a rotated key in a mounted Secret, an editor. File
//! system watches miss some of these, and their number is limited on a node.

use std::{fs, time::Duration};

use sha2::{Digest, Sha256};
use tokio::{task::spawn_blocking, time::sleep};

use super::{Config, ConfigError, Overrides, Source, Variables};

/// How often the configuration is polled.
pub const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Polls one configuration.
#[derive(Debug)]
pub struct Reload {
    variables: Variables,
    overrides: Overrides,
    current: Config,
    trust: Vec<Option<[u8; 32]>>,
    refused: Option<String>,
}

/// What a poll found.
#[derive(Debug)]
pub enum Polled {
    /// Nothing new.
    Unchanged,
    /// Another configuration, to be put in force; also the old one when it is back after a refused one.
    Changed {
        /// The new configuration.
        config: Box<Config>,
        /// The keys whose change only takes effect when the process is started again.
        restart: Vec<&'static str>,
    },
    /// One that is refused; the old one stays. Each refusal is told once.
    Refused(ConfigError),
}

// === impl Reload ===

impl Reload {
    /// Polls for what comes after `current`.
    pub fn new(current: Config, variables: Variables) -> Self {
        let trust = trust(&current);
        Self { variables, overrides: Overrides::default(), current, trust, refused: None }
    }

    /// The same, with `overrides` put into whatever comes. `current` has them already.
    #[must_use]
    pub fn insisting(self, overrides: Overrides) -> Self {
        Self { overrides, ..self }
    }

    /// Reads everything once. Blocks on the file system.
    pub fn poll_once(&mut self) -> Polled {
        // Only its owner can change it.
        if let Source::Builtin(_) = self.current.source {
            return Polled::Unchanged;
        }
        self.variables = std::mem::take(&mut self.variables).read_again();
        match Config::load(&self.current.source, &self.variables) {
            Ok(mut config) => {
                self.overrides.apply(&mut config);
                self.loaded(config)
            }
            Err(error) => {
                let told = Some(error.to_string());
                if self.refused == told {
                    return Polled::Unchanged;
                }
                self.refused = told;
                Polled::Refused(error)
            }
        }
    }

    fn loaded(&mut self, config: Config) -> Polled {
        let trust = trust(&config);
        let back = self.refused.take().is_some();
        if !back && trust == self.trust && config == self.current {
            return Polled::Unchanged;
        }
        let restart = restart(&self.current, &config);
        self.trust = trust;
        self.current = config.clone();
        Polled::Changed { config: Box::new(config), restart }
    }
}

/// Polls every `interval` for as long as it is not dropped, and hands whatever is new to `publish`.
pub async fn watch(mut reload: Reload, interval: Duration, mut publish: impl FnMut(Polled)) {
    loop {
        sleep(interval).await;
        let poll = spawn_blocking(move || {
            let polled = reload.poll_once();
            (reload, polled)
        });
        // It only fails when the runtime ends.
        let Ok((next, polled)) = poll.await else { return };
        reload = next;
        if !matches!(polled, Polled::Unchanged) {
            publish(polled);
        }
    }
}

/// Digests of the files with certificate authorities, which the configuration itself only names.
fn trust(config: &Config) -> Vec<Option<[u8; 32]>> {
    let providers = config.providers.iter().filter_map(|provider| provider.ca_file.as_ref());
    let files = providers.chain(config.notify.targets.iter().filter_map(|target| target.ca_file.as_ref()));
    files.map(|path| fs::read(path).ok().map(|bytes| Sha256::digest(bytes).into())).collect()
}

/// What differs between `old` and `new` that a running process cannot take over.
fn restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let differs = [
        ("listen", old.listen != new.listen),
        ("admin.listen", old.admin.listen != new.admin.listen),
        ("limits.connections", old.limits.connections != new.limits.connections),
        ("state", old.state != new.state),
        ("log.format", old.log.format != new.log.format),
        ("telemetry", old.telemetry != new.telemetry),
    ];
    differs.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
}
