//! `telemetry:`, and the variables of the OpenTelemetry specification that stand in for what it leaves out.

use std::time::Duration;

use http::Uri;

use super::Resolver;
use crate::config::{
    TelemetryConfig,
    place::Place,
    schema::{Named, TelemetrySchema},
};

/// Whether this program can send traces. Tests of configurations are the same with and without.
const BUILT_IN: bool = cfg!(any(feature = "otel", test));
/// Where a collector takes traces, below its base URL (OTLP specification 1.x, "OTLP/HTTP Request").
const PATH: &str = "/v1/traces";
const TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(60);
const EXPECTED: &str = "expected the URL of a collector such as `http://otel-collector:4318`";

impl Resolver<'_> {
    pub(super) fn telemetry(&mut self, schema: Option<&TelemetrySchema>) -> Option<TelemetryConfig> {
        let schema = schema?;
        let place = Place::default().name("telemetry");
        if !BUILT_IN {
            let message = "this program was built without OpenTelemetry; build it with the cargo feature `otel`, \
                           or take this section out";
            self.refuse(&place.key(), message);
            return None;
        }
        let sample = schema.sample.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&sample) {
            self.refuse(&place.name("sample"), "has to be a share, 0 to 1");
        }
        let timeout = schema.timeout.map_or(TIMEOUT, |period| period.0);
        if timeout.is_zero() || timeout > LONGEST {
            self.refuse(&place.name("timeout"), "has to be above 0s and at most 1m");
        }
        let variable = |name| self.variables.get(name).map(|value| value.trim().to_owned());
        let service_name = schema.service_name.clone().or_else(|| variable("OTEL_SERVICE_NAME"));
        let headers = self.headers(&schema.headers, &place);
        Some(TelemetryConfig {
            endpoint: self.collector(schema.endpoint.as_deref(), &place.name("endpoint"))?,
            headers,
            sample,
            service_name: service_name.unwrap_or_else(|| "sidestep".to_owned()),
            resource: self.resource(&schema.resource),
            timeout,
            propagate: schema.propagate.unwrap_or(false),
        })
    }

    /// As written, or as `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` says, taken as it is, or `OTEL_EXPORTER_OTLP_ENDPOINT`, to
    /// which the path is added.
    fn collector(&mut self, written: Option<&str>, place: &Place) -> Option<Uri> {
        let variable = |name| self.variables.get(name).map(str::to_owned);
        let text = match written {
            Some(text) => self.filled(text, place)?,
            None => {
                let set = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
                    .or_else(|| variable("OTEL_EXPORTER_OTLP_ENDPOINT").map(|base| below(&base)));
                set.unwrap_or_default()
            }
        };
        let url = collector(text.trim());
        if url.is_none() {
            self.refuse(place, EXPECTED);
        }
        url
    }

    /// As written, before what `OTEL_RESOURCE_ATTRIBUTES` says.
    fn resource(&self, written: &Named<String>) -> Vec<(String, String)> {
        let mut resource = written.0.clone();
        let set = self.variables.get("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        for (name, value) in set.split(',').filter_map(|pair| pair.trim().split_once('=')) {
            if !name.is_empty() && !resource.iter().any(|(known, _)| known == name) {
                resource.push((name.to_owned(), value.to_owned()));
            }
        }
        resource
    }
}

fn below(base: &str) -> String {
    format!("{}{PATH}", base.trim().trim_end_matches('/'))
}

/// An absolute URL without a key and a query; a bare host is given the path.
fn collector(text: &str) -> Option<Uri> {
    let url: Uri = text.parse().ok()?;
    let http = matches!(url.scheme_str(), Some("http" | "https"));
    if !http || url.query().is_some() || url.authority()?.as_str().contains('@') {
        return None;
    }
    if url.path() == "/" { below(text).parse().ok() } else { Some(url) }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::tests::EXAMPLE;
    use crate::config::{Config, ConfigError, Source, Variables};

    fn parsed(section: &str, set: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let text = format!("{EXAMPLE}\ntelemetry: {section}\n");
        let keys = [("ANTHROPIC_API_KEY", "k"), ("OPENAI_API_KEY", "k")];
        let variables: Variables = keys.iter().chain(set).copied().collect();
        Config::parse(&text, &Source::File(PathBuf::from("sidestep.yaml")), &variables)
    }

    fn telemetry(section: &str, set: &[(&str, &str)]) -> TelemetryConfig {
        parsed(section, set).unwrap().telemetry.unwrap()
    }

    #[test]
    fn a_bare_collector_is_given_the_path_and_the_variables_stand_in() {
        let endpoint = |section: &str, set: &[(&str, &str)]| telemetry(section, set).endpoint.to_string();
        let bare = "{ endpoint: \"http://otel:4318/\" }";
        let set = [("OTEL_EXPORTER_OTLP_ENDPOINT", "https://a:1/base"), ("OTEL_SERVICE_NAME", "checkout")];
        assert_eq!(endpoint(bare, &set), "http://otel:4318/v1/traces");
        assert_eq!(endpoint("{ endpoint: \"http://otel/own\" }", &set), "http://otel/own");
        assert_eq!(endpoint("{}", &set), "https://a:1/base/v1/traces");
        let own = [set[0], ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b/x")];
        assert_eq!(endpoint("{}", &own), "http://b/x");
        assert_eq!(telemetry(bare, &set).service_name, "checkout");
        assert_eq!(telemetry(bare, &[]).service_name, "sidestep");
    }

    #[test]
    fn what_is_written_goes_before_the_variables() {
        let set = [("OTEL_RESOURCE_ATTRIBUTES", "team=b, k8s.pod.name=pod-1"), ("OTEL_SERVICE_NAME", "x")];
        let section = "{ endpoint: \"http://otel\", service_name: mine, resource: { team: a } }";
        let told = telemetry(section, &set);
        assert_eq!(told.service_name, "mine");
        let pairs = [("team", "a"), ("k8s.pod.name", "pod-1")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(told.resource, pairs);
    }

    #[test]
    fn what_is_no_collector_is_refused() {
        for section in
            ["{}", "{ endpoint: otel }", "{ endpoint: \"http://k@otel\" }", "{ endpoint: \"http://o/?k=1\" }"]
        {
            let refusal = parsed(section, &[]).unwrap_err().to_string();
            assert!(refusal.contains("telemetry.endpoint: expected the URL of a collector"), "{refusal}");
        }
    }
}
