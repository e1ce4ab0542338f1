//! What is written to what is meant: names are looked up, texts filled in, values held against their bounds.

mod faults;
mod gap;
mod health;
mod model;
mod notify;
mod process;
mod provider;
mod route;
mod secret;
mod telemetry;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use sidestep_table::{Knobs, Policy};

use self::gap::gaps;
use super::{Config, Source, Variables, place::Place, problem::Finding, schema::FileSchema};

/// Collects everything that is wrong, so that one run of `check` shows it all.
pub(super) struct Resolver<'a> {
    variables: &'a Variables,
    /// What relative paths start from: the folder of the file.
    folder: &'a Path,
    findings: Vec<Finding>,
    warnings: Vec<String>,
    /// `health:` of the file, which that of a model is laid over.
    knobs: Knobs,
    policy: Arc<Policy>,
}

// === impl Resolver ===

impl<'a> Resolver<'a> {
    pub(super) fn new(variables: &'a Variables, folder: &'a Path) -> Self {
        let (knobs, policy) = (Knobs::default(), Arc::default());
        Self { variables, folder, findings: Vec::new(), warnings: Vec::new(), knobs, policy }
    }

    /// The configuration that `file` means, or everything that is wrong with it.
    pub(super) fn resolve(mut self, file: &FileSchema, source: Source) -> Result<Config, Vec<Finding>> {
        let (listen, admin) = self.listeners(file);
        let providers = self.providers(&file.providers.0);
        let probes = self.probes(file);
        self.health(file.health.as_ref(), probes.suspect_interval);
        let models = self.models(file);
        let names: Vec<&str> = file.models.0.iter().map(|(name, _)| name.as_str()).collect();
        let routes = self.routes(&file.routes, &models, &names);
        let limits = self.limits(file.limits.as_ref());
        let faults = self.faults(file.faults.as_ref());
        let notify = self.notify(file.notify.as_ref());
        let drain = self.drain(file.drain.as_ref());
        let log = self.log(file.log.as_ref());
        let telemetry = self.telemetry(file.telemetry.as_ref());
        let state = file.state.as_ref().map(|path| self.path(path));
        if !self.findings.is_empty() {
            return Err(self.findings);
        }
        let providers = providers.into_iter().flatten().collect();
        let models = models.into_iter().flatten().collect();
        let warnings = self.warnings;
        let mut config = Config {
            listen,
            admin,
            limits,
            providers,
            models,
            routes,
            probes,
            faults,
            notify,
            drain,
            state,
            log,
            telemetry,
            source,
            warnings,
        };
        config.warnings.extend(gaps(&config));
        Ok(config)
    }

    fn refuse(&mut self, place: &Place, message: impl Into<String>) {
        self.findings.push(Finding { place: place.clone(), message: message.into() });
    }

    fn warn(&mut self, message: String) {
        self.warnings.push(message);
    }

    /// `path` as seen from the folder of the file.
    fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// `path` as seen from the folder of the file; refused if it cannot be read.
    fn readable(&mut self, path: &Path, place: &Place) -> PathBuf {
        let path = self.path(path);
        if let Err(error) = fs::read(&path) {
            self.refuse(place, format!("{}: {error}", path.display()));
        }
        path
    }

    /// Refuses what cannot be the name of a provider or a model.
    fn check_name(&mut self, name: &str, place: &Place) {
        let fine = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.len() <= 64
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        if !fine {
            let message =
                "a name is up to 64 letters, digits, `.`, `_` and `-`, and begins with a letter or digit";
            self.refuse(&place.key(), message);
        }
    }
}
