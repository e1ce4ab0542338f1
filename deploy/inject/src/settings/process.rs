//! Settings of the service itself: certificates, the end, the log.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// A certificate that the injectors issue themselves.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct OwnCertificate {
    /// The Service that the API server calls.
    pub service: String,
    /// The Secret in which certificates are kept, in the injector's namespace.
    pub secret: String,
    /// The Lease that says who may issue, in the injector's namespace.
    pub lease: String,
    /// The `MutatingWebhookConfiguration` that gets the CA.
    pub webhook: String,
    /// How long a certificate is valid; renewed in its last third.
    #[serde(default = "validity", deserialize_with = "duration")]
    pub validity: Duration,
    /// How far back its validity begins, for callers whose clocks are behind.
    #[serde(default = "skew", deserialize_with = "duration")]
    pub skew: Duration,
    /// How long its authority has been in the caBundle before it is served.
    #[serde(default = "settle", deserialize_with = "duration")]
    pub settle: Duration,
    /// How often Secret, Lease and caBundle are looked at; what was reset is repaired within this time.
    #[serde(default = "poll", deserialize_with = "duration")]
    pub poll: Duration,
    /// How long the Lease lasts after each renewal.
    #[serde(default = "lease_duration", deserialize_with = "duration")]
    pub lease_duration: Duration,
}

/// How the process ends.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Drain {
    /// How long connections are still taken after readiness has fallen: the API server hears of it late.
    #[serde(deserialize_with = "duration")]
    pub grace: Duration,
    /// How long requests under way may go on after that.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
}

/// What is logged. Pods are named there; what is in them is not.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// A filter such as `info` or `info,sidestep_inject=debug`.
    pub level: String,
    /// For people or for machines.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}

// === impls ===

impl Default for Drain {
    fn default() -> Self {
        Self { grace: Duration::from_secs(5), timeout: Duration::from_secs(20) }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// `500ms`, `30s`, `2m`, `1h 30m`, `60d`.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text).map_err(|error| {
        serde::de::Error::custom(format!(
            "`{text}` is no duration ({error}); write it as in 500ms, 30s, 2m or 60d"
        ))
    })
}

const fn validity() -> Duration {
    Duration::from_secs(60 * 24 * 3600)
}

const fn skew() -> Duration {
    Duration::from_secs(3600)
}

const fn settle() -> Duration {
    Duration::from_secs(60)
}

const fn poll() -> Duration {
    Duration::from_secs(5)
}

const fn lease_duration() -> Duration {
    Duration::from_secs(15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Certificate, Settings};

    const FILE: &str = "
namespace: sidestep
certificate:
  mode: self
  service: hook
  secret: hook-tls
  lease: hook
  webhook: sidestep-hook
  validity: 30d
drain: { grace: 500ms }
sidecar: { image: sidestep }
";

    /// The README's defaults are these.
    fn documented(settings: &Settings, own: &OwnCertificate) {
        let readme = include_str!("../../README.md");
        let table = readme.split_once("<!-- settings:begin -->").unwrap().1;
        let table = table.split_once("<!-- settings:end -->").unwrap().0;
        let default = |key: &str| {
            let row = table.lines().find_map(|line| line.strip_prefix(&format!("| `{key}` | `")));
            row.unwrap_or_else(|| panic!("no default of {key}")).split('`').next().unwrap()
        };
        let times = [
            ("certificate.validity", validity()),
            ("certificate.skew", own.skew),
            ("certificate.settle", own.settle),
            ("certificate.poll", own.poll),
            ("certificate.lease_duration", own.lease_duration),
            ("drain.grace", Drain::default().grace),
            ("drain.timeout", settings.drain.timeout),
        ];
        for (key, time) in times {
            assert_eq!(humantime::parse_duration(default(key)), Ok(time), "{key}");
        }
        assert_eq!(default("listen"), settings.listen.to_string());
        assert_eq!(default("admin_listen"), settings.admin_listen.to_string());
        assert_eq!(default("log.level"), settings.log.level);
    }

    #[test]
    fn times_have_units_and_defaults() {
        let settings = Settings::parse(FILE).unwrap();
        let Certificate::Own(own) = &settings.certificate else { panic!("{settings:?}") };
        assert_eq!((own.validity, own.poll), (Duration::from_secs(30 * 86_400), Duration::from_secs(5)));
        assert_eq!(settings.drain.grace, Duration::from_millis(500));
        assert_eq!(settings.drain.timeout, Duration::from_secs(20));
        documented(&settings, own);
        for (good, bad, expected) in [
            ("30d", "soon", "`soon` is no duration"),
            ("validity:", "valdity:", "valdity"),
            ("mode: self", "mode: own", "own"),
            ("grace:", "gracious:", "gracious"),
        ] {
            let error = Settings::parse(&FILE.replace(good, bad)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
