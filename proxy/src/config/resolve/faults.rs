//! `faults:`.

use super::Resolver;
use crate::config::{FaultsConfig, place::Place, schema::FaultsSchema};

impl Resolver<'_> {
    pub(super) fn faults(&mut self, schema: Option<&FaultsSchema>) -> FaultsConfig {
        let default = FaultsConfig::default();
        let Some(schema) = schema else { return default };
        let place = Place::default().name("faults");
        let max_rate = schema.max_rate.unwrap_or(default.max_rate);
        if !(max_rate > 0.0 && max_rate <= 1.0) {
            self.refuse(&place.name("max_rate"), "has to be above 0 and at most 1");
        }
        let max_duration = schema.max_duration.map_or(default.max_duration, |period| period.0);
        if max_duration.is_zero() || max_duration > FaultsConfig::LONGEST {
            self.refuse(&place.name("max_duration"), "has to be above 0s and at most 1h");
        }
        FaultsConfig { allow: schema.allow.unwrap_or(default.allow), max_rate, max_duration }
    }
}
