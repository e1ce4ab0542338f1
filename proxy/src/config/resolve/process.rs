//! `listen:`, `admin:`, `limits:`, `probes:`, `drain:`, `log:`.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use super::Resolver;
use crate::config::{
    AccessConfig, AdminConfig, DrainConfig, Limits, LogConfig, LogFormat, ProbeBudget, ProbesConfig,
    place::Place,
    schema::{
        AccessSchema, BudgetSchema, DrainSchema, FileSchema, FormatWord, LimitsSchema, LogSchema, Period,
        Size,
    },
};
use crate::logging::filter;

const LISTEN_PORT: u16 = 6180;
const ADMIN_PORT: u16 = 6181;
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// What the health model can wait between the probes that decide on a model.
const LONGEST_SUSPECT_INTERVAL: Duration = Duration::from_secs(60);

impl Resolver<'_> {
    pub(super) fn listeners(&mut self, file: &FileSchema) -> (SocketAddr, AdminConfig) {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listen = file.listen.map_or(local(LISTEN_PORT), |address| address.0);
        let place = Place::default().name("admin");
        let schema = file.admin.as_ref();
        let admin = schema.and_then(|admin| admin.listen).map_or(local(ADMIN_PORT), |address| address.0);
        let token = schema.and_then(|admin| admin.token.as_ref());
        let token = token.and_then(|token| self.credential(token, &place.name("token")));
        let overlap = |a: SocketAddr, b: SocketAddr| {
            a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified()
        };
        if listen.port() == admin.port() && listen.port() != 0 && overlap(listen, admin) {
            self.refuse(&place.name("listen"), format!("is the address that `listen` has already: {listen}"));
        }
        if !listen.ip().is_loopback() {
            self.warn(format!("listen: whoever reaches {listen} can spend on the keys of the providers"));
        }
        (listen, AdminConfig { listen: admin, token })
    }

    pub(super) fn limits(&mut self, schema: Option<&LimitsSchema>) -> Limits {
        let default = Limits::default();
        let Some(schema) = schema else { return default };
        let place = Place::default().name("limits");
        let mut size = |key: &str, given: Option<Size>, default: usize, least: usize| {
            let bytes = given.map_or(default, |size| size.0);
            if bytes < least {
                self.refuse(&place.name(key), format!("has to be at least {}", Size(least)));
            }
            bytes
        };
        let limits = Limits {
            body_bytes: size("body_bytes", schema.body_bytes, default.body_bytes, 1 << 10),
            // Below 8 KiB hyper does not read a head at all.
            header_bytes: size("header_bytes", schema.header_bytes, default.header_bytes, 8 << 10),
            uri_bytes: size("uri_bytes", schema.uri_bytes, default.uri_bytes, 64),
            header_timeout: schema.header_timeout.map_or(default.header_timeout, |period| period.0),
            connections: schema.connections.unwrap_or(default.connections),
            event_bytes: size("event_bytes", schema.event_bytes, default.event_bytes, 1 << 10),
            answer_bytes: size("answer_bytes", schema.answer_bytes, default.answer_bytes, 1 << 10),
        };
        if limits.header_timeout.is_zero() {
            self.refuse(&place.name("header_timeout"), "leaves no time to send a head");
        }
        if limits.connections == 0 {
            self.refuse(&place.name("connections"), "lets nobody in");
        }
        limits
    }

    pub(super) fn probes(&mut self, file: &FileSchema) -> ProbesConfig {
        let default = ProbesConfig::default();
        let Some(schema) = &file.probes else { return default };
        let place = Place::default().name("probes");
        let mut period = |key: &str, given: Option<Period>, default: Duration| {
            if given.is_some_and(|given| given.0 < SHORTEST_INTERVAL) {
                self.refuse(&place.name(key), "has to be at least 100ms");
            }
            given.map_or(default, |period| period.0)
        };
        let interval = period("interval", schema.interval, default.interval);
        let suspect_default = default.suspect_interval.min(interval);
        let suspect_interval = period("suspect_interval", schema.suspect_interval, suspect_default);
        let timeout = period("timeout", schema.timeout, default.timeout);
        if suspect_interval > interval || suspect_interval > LONGEST_SUSPECT_INTERVAL {
            let message = "has to be at most 1m, and not longer than the `interval` of healthy models";
            self.refuse(&place.name("suspect_interval"), message);
        }
        let budget = schema.budget.and_then(|budget| self.budget(budget, file, &place.name("budget")));
        let enabled = schema.enabled.unwrap_or(default.enabled);
        if !enabled {
            self.warn(
                "probes: without them nothing brings a model back that was taken out of service".to_owned(),
            );
        }
        ProbesConfig {
            enabled,
            interval,
            suspect_interval,
            timeout,
            budget: budget.unwrap_or(default.budget),
        }
    }

    fn budget(&mut self, schema: BudgetSchema, file: &FileSchema, place: &Place) -> Option<ProbeBudget> {
        match (schema.usd_per_day, schema.tokens_per_day) {
            (Some(usd), None) if usd > 0.0 && usd.is_finite() => {
                let unpriced = file.models.0.iter().find(|(_, model)| model.price.is_none());
                if let Some((id, _)) = unpriced {
                    let message = format!("cannot be kept, the model `{id}` has no `price`");
                    self.refuse(&place.name("usd_per_day"), message);
                }
                Some(ProbeBudget::UsdPerDay(usd))
            }
            (None, Some(tokens)) if tokens > 0 => Some(ProbeBudget::TokensPerDay(tokens)),
            (Some(_), Some(_)) | (None, None) => {
                self.refuse(&place.key(), "expected either `usd_per_day` or `tokens_per_day`");
                None
            }
            _ => {
                self.refuse(&place.key(), "has to be above 0; `probes: { enabled: false }` stops all probes");
                None
            }
        }
    }

    pub(super) fn drain(&mut self, schema: Option<&DrainSchema>) -> DrainConfig {
        let default = DrainConfig::default();
        DrainConfig {
            grace: schema.and_then(|drain| drain.grace).map_or(default.grace, |period| period.0),
            timeout: schema.and_then(|drain| drain.timeout).map_or(default.timeout, |period| period.0),
        }
    }

    pub(super) fn log(&mut self, schema: Option<&LogSchema>) -> LogConfig {
        let default = LogConfig::default();
        let Some(schema) = schema else { return default };
        let level = schema.level.clone().unwrap_or(default.level);
        let place = Place::default().name("log");
        if let Err(error) = filter(&level) {
            self.refuse(&place.name("level"), error.to_string());
        }
        let format = match schema.format {
            Some(FormatWord::Json) => LogFormat::Json,
            Some(FormatWord::Text) => LogFormat::Text,
            None => default.format,
        };
        let access = schema.access.map(|access| self.access(access, &place.name("access")));
        LogConfig { level, format, access }
    }

    fn access(&mut self, schema: AccessSchema, place: &Place) -> AccessConfig {
        let default = AccessConfig::default();
        let sample = schema.sample.unwrap_or(default.sample);
        if !(0.0..=1.0).contains(&sample) {
            self.refuse(&place.name("sample"), "has to be a share, 0 to 1");
        }
        AccessConfig { sample, errors: schema.errors.unwrap_or(default.errors) }
    }
}
