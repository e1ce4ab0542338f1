//! What an application's container is told: where to call, and something to call a key.

use crate::names::LLM_PORT;
use crate::pod::Container;

/// One vendor's variables, as its own SDKs and the common frameworks read them.
struct Vendor {
    name: &'static str,
    /// With the path that their readers expect to be part of the URL.
    urls: &'static [(&'static str, &'static str)],
    /// The first gets the placeholder if none of them is set.
    keys: &'static [&'static str],
}

/// The vendors' SDKs read `*_BASE_URL`; `LangChain` reads `OPENAI_API_BASE`, `ANTHROPIC_API_URL` and `XAI_API_BASE`,
/// `LiteLLM` the three `*_API_BASE`. What Anthropic's readers are given lacks `/v1`: they put it on, all but one,
/// for which `/messages` is served as well. Gemini's are left alone, for Sidestep does not speak its dialect.
const VENDORS: [Vendor; 3] = [
    Vendor {
        name: "OpenAI",
        urls: &[("OPENAI_BASE_URL", "/v1"), ("OPENAI_API_BASE", "/v1")],
        keys: &["OPENAI_API_KEY"],
    },
    Vendor {
        name: "Anthropic",
        urls: &[("ANTHROPIC_BASE_URL", ""), ("ANTHROPIC_API_URL", ""), ("ANTHROPIC_API_BASE", "")],
        keys: &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"],
    },
    Vendor { name: "xAI", urls: &[("XAI_API_BASE", "/v1")], keys: &["XAI_API_KEY"] },
];

/// In place of a key: SDKs do not start without one. Sidestep takes it off.
const PLACEHOLDER: &str = "provided-by-sidestep";

/// What one container lacks.
#[derive(Debug, Default)]
pub(crate) struct Lacking {
    /// Names and values, in order.
    pub(crate) variables: Vec<(&'static str, String)>,
    /// What a person should know of it.
    pub(crate) remarks: Vec<String>,
}

// === impl Lacking ===

impl Lacking {
    /// What `container` lacks.
    ///
    /// One of a vendor's variables that is set, to whatever, is the application's own choice of where that vendor's
    /// calls go. The others are then left alone as well: some readers would take them first.
    pub(crate) fn of(container: &Container<'_>, placeholders: bool) -> Self {
        let mut lacking = Self::default();
        for vendor in &VENDORS {
            if let Some(own) = vendor.chosen_by(container) {
                lacking.remarks.push(format!(
                    "container {} sets {own} itself: its calls to {} are left as they are",
                    container.name, vendor.name
                ));
                continue;
            }
            lacking.variables.extend(vendor.urls.iter().map(|(name, path)| (*name, url(path))));
            // A key that comes from elsewhere is not seen, and would be overruled.
            let unkeyed = vendor.keys.iter().all(|key| container.variable(key).is_none());
            if placeholders && unkeyed && !container.has_env_from() {
                lacking.variables.extend(vendor.keys.first().map(|key| (*key, PLACEHOLDER.to_owned())));
            }
        }
        if container.has_env_from() && !lacking.variables.is_empty() {
            lacking.remarks.push(format!(
                "container {} takes variables from envFrom, which cannot be seen here: a base URL among them is overruled; \
                 set it in env to keep it",
                container.name
            ));
        }
        lacking
    }
}

/// Whether an earlier call gave `container` what it lacked then.
pub(crate) fn is_provided(container: &Container<'_>) -> bool {
    let mut all = VENDORS.iter().flat_map(|vendor| vendor.urls);
    all.any(|(name, path)| container.variable(name).and_then(|set| set.value) == Some(url(path).as_str()))
}

fn url(path: &str) -> String {
    format!("http://127.0.0.1:{LLM_PORT}{path}")
}

// === impl Vendor ===

impl Vendor {
    fn chosen_by(&self, container: &Container<'_>) -> Option<&'static str> {
        self.urls.iter().map(|(name, _)| *name).find(|name| container.variable(name).is_some())
    }
}
