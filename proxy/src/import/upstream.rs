//! Where a deployment is: the provider behind `model`, `api_base` and `api_key`.

use http::Uri;

use super::{
    credentials::{Credentials, Reference, reference},
    document::Spot,
    finding::Findings,
    names,
    tree::Node,
    vendor::{Reach, Vendor},
};

/// A provider, as far as deployments share it: same place, same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Provider {
    /// Our preset, if it is one.
    pub(super) preset: Option<&'static str>,
    /// As our configuration writes it; `None` for the preset's own.
    pub(super) base_url: Option<String>,
    /// The variable with its key.
    pub(super) key: Option<String>,
    /// What it may be called.
    pub(super) called: String,
}

const OWN_GATEWAY: &str = "put a gateway that speaks the `openai` dialect before it, and name that as a provider with `dialect` and `base_url`.";

/// Reads where deployments are.
pub(super) struct Upstreams<'a, 'f> {
    pub(super) credentials: Credentials<'a>,
    pub(super) findings: &'f mut Findings,
}

// === impl Upstreams ===

impl<'a> Upstreams<'a, '_> {
    /// The provider of a deployment with `params`, found at `spot`; `None`, with a finding, if there is none for it.
    pub(super) fn provider(&mut self, vendor: Vendor, params: &'a Node, spot: &Spot) -> Option<Provider> {
        let base = self.base(params, spot)?;
        let (preset, base_url) = match (vendor.reach, base) {
            (Reach::Not(why), _) => {
                self.findings.lost(&spot.name("model"), why, OWN_GATEWAY);
                return None;
            }
            (Reach::Given, None) => {
                self.findings.lost(&spot.name("model"), "there is no `api_base`.", "say where it is.");
                return None;
            }
            (Reach::Azure, base) => {
                let base = base.unwrap_or_else(|| "${AZURE_API_BASE}".to_owned());
                (Some("openai"), Some(self.azure(&base, spot)))
            }
            // Another server that speaks the dialect: nothing is known of it but that.
            (Reach::Preset("openai"), Some(base)) if !base.contains("api.openai.com") => (None, Some(base)),
            (Reach::Preset(preset), base) => (Some(preset), base),
            (Reach::Fixed(usual), base) => (None, Some(base.unwrap_or_else(|| usual.to_owned()))),
            (Reach::Given, base) => (None, base),
        };
        if vendor.prefix == "gemini" || vendor.prefix.starts_with("ollama") {
            let why = "it is asked in the `openai` dialect, which it speaks beside its own.";
            self.findings.changed(&spot.name("model"), why, "");
        }
        let called = called(vendor, preset, base_url.as_deref());
        let usual = if vendor.variable.is_empty() {
            names::variable(&format!("{called}_API_KEY"))
        } else {
            vendor.variable.to_owned()
        };
        let key = match self.credentials.value(params, "api_key") {
            Some(value) => self.credentials.variable(value, &usual, &spot.name("api_key"), self.findings),
            None => Some(usual).filter(|_| !vendor.variable.is_empty()),
        };
        Some(Provider { preset, base_url, key, called })
    }

    /// `api_base`, as our configuration writes it; `Some(None)` without one, `None` if it cannot be written.
    fn base(&mut self, params: &'a Node, spot: &Spot) -> Option<Option<String>> {
        let (key, value) =
            match (self.credentials.value(params, "api_base"), self.credentials.value(params, "base_url")) {
                (Some(value), _) => ("api_base", value),
                (None, Some(value)) => ("base_url", value),
                (None, None) => return Some(None),
            };
        match reference(value) {
            Some(Reference::Variable(name)) => Some(Some(format!("${{{name}}}"))),
            Some(Reference::Literal(url)) if is_base(url) => Some(Some(url.trim_end_matches('/').to_owned())),
            _ => {
                let why = "it is no plain URL: `http` or `https`, a host, no key and no query in it.";
                self.findings.lost(&spot.name(key), why, "give such a URL, and a key in `api_key`.");
                None
            }
        }
    }

    /// The address of the API that is not versioned by date.
    fn azure(&mut self, base: &str, spot: &Spot) -> String {
        let why = "Azure is asked through its `v1` API, which takes no `api_version`.";
        self.findings.changed(&spot.name("model"), why, "see that the resource serves `/openai/v1`.");
        let resource = base.split("/openai").next().unwrap_or(base);
        format!("{}/openai/v1", resource.trim_end_matches('/'))
    }
}

/// Whether our configuration takes `url` as a base.
fn is_base(url: &str) -> bool {
    let Ok(parsed) = url.parse::<Uri>() else { return false };
    let plain = parsed.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    matches!(parsed.scheme_str(), Some("http" | "https"))
        && plain
        && parsed.query().is_none()
        && !url.contains(['$', '#'])
}

/// What the provider may be called: the preset's name, else what is known of where it is.
fn called(vendor: Vendor, preset: Option<&'static str>, base: Option<&str>) -> String {
    let host = |base: &str| {
        let url: Uri = base.parse().ok()?;
        let host = url.host()?.to_owned();
        let bare = host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[');
        let first = if bare { &host } else { host.split('.').next()? };
        Some(names::name(first))
    };
    match (vendor.reach, preset, base) {
        (Reach::Azure, _, Some(base)) => host(base).unwrap_or_else(|| "azure".to_owned()),
        (_, Some(preset), _) => preset.to_owned(),
        (Reach::Fixed(_), ..) => names::name(vendor.prefix),
        (_, None, base) => base.and_then(host).unwrap_or_else(|| names::name(vendor.prefix)),
    }
}
