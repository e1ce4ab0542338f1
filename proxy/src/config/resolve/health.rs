//! `health:`, of the file and of a model.

use std::{sync::Arc, time::Duration};

use sidestep_table::{Knobs, Policy, PolicyError};

use super::Resolver;
use crate::config::{place::Place, schema::HealthSchema};

impl Resolver<'_> {
    /// Sets what holds for models without `health:` of their own.
    pub(super) fn health(&mut self, schema: Option<&HealthSchema>, suspect_interval: Duration) {
        // What is probed more seldom than the table counts probes would never recover.
        let mut knobs = Knobs { probe_gap: Some(suspect_interval), ..Knobs::default() };
        overlay(&mut knobs, schema);
        match Policy::from_knobs(&knobs) {
            Ok(policy) => self.policy = Arc::new(policy),
            Err(error) => {
                self.refuse_knob(&error, &Place::default().name("health"));
                // So that models are not blamed for it as well.
                knobs = Knobs::default();
            }
        }
        self.knobs = knobs;
    }

    /// What holds for a model with `schema`, found at `place`.
    pub(super) fn policy(&mut self, schema: Option<&HealthSchema>, place: &Place) -> Arc<Policy> {
        let Some(schema) = schema else { return Arc::clone(&self.policy) };
        let mut knobs = self.knobs.clone();
        overlay(&mut knobs, Some(schema));
        match Policy::from_knobs(&knobs) {
            Ok(policy) => Arc::new(policy),
            Err(error) => {
                self.refuse_knob(&error, place);
                Arc::clone(&self.policy)
            }
        }
    }

    fn refuse_knob(&mut self, error: &PolicyError, place: &Place) {
        let knob = match error {
            PolicyError::FailureRate(_) => "failure_rate_threshold",
            PolicyError::ConsecutiveFailures(_) => "consecutive_failures",
            PolicyError::Duration { knob, .. } => knob,
            PolicyError::CooldownAboveMax { .. } => "cooldown",
        };
        self.refuse(&place.name(knob), error.to_string());
    }
}

fn overlay(knobs: &mut Knobs, schema: Option<&HealthSchema>) {
    let Some(schema) = schema else { return };
    knobs.failure_rate_threshold = schema.failure_rate_threshold.or(knobs.failure_rate_threshold);
    knobs.consecutive_failures = schema.consecutive_failures.or(knobs.consecutive_failures);
    knobs.cooldown = schema.cooldown.map(|period| period.0).or(knobs.cooldown);
    knobs.max_cooldown = schema.max_cooldown.map(|period| period.0).or(knobs.max_cooldown);
    knobs.slow_start = schema.slow_start.map(|period| period.0).or(knobs.slow_start);
}
