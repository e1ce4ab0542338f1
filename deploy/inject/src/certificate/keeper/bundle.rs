//! Whom callers believe: `caBundle` in the webhook configuration.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::certificate::identity::Authority;
use crate::cluster::WebhookConfiguration;

/// What a webhook configuration says of ours, entry by entry.
pub(super) struct Bundle {
    entries: Vec<Entry>,
}

struct Entry {
    /// Its place in the list, and its name.
    at: usize,
    name: String,
    /// PEM.
    trusts: String,
}

impl Bundle {
    /// The entries that call `service`; `None` when there is none.
    pub(super) fn read(found: WebhookConfiguration, service: &(String, String)) -> Option<Bundle> {
        let calls_us = |webhook: &crate::cluster::Webhook| {
            let called = webhook.client_config.service.as_ref();
            called.is_some_and(|called| (&called.name, &called.namespace) == (&service.0, &service.1))
        };
        let entries = found.webhooks.into_iter().enumerate().filter(|(_, webhook)| calls_us(webhook));
        let entry = |(at, webhook): (usize, crate::cluster::Webhook)| {
            let trusts = STANDARD.decode(webhook.client_config.ca_bundle.unwrap_or_default());
            let trusts = trusts.ok().and_then(|pem| String::from_utf8(pem).ok()).unwrap_or_default();
            Entry { at, name: webhook.name, trusts }
        };
        let entries: Vec<Entry> = entries.map(entry).collect();
        (!entries.is_empty()).then_some(Bundle { entries })
    }

    /// What every entry says after `trusts` was published.
    pub(super) fn of(trusts: String) -> Bundle {
        Bundle { entries: vec![Entry { at: 0, name: String::new(), trusts }] }
    }

    /// True when some entry says something else than `wanted`.
    pub(super) fn differs(&self, wanted: &str) -> bool {
        self.entries.iter().any(|entry| entry.trusts != wanted)
    }

    /// True when every entry makes callers believe `authority`.
    pub(super) fn vouches(&self, authority: &Authority) -> bool {
        self.entries.iter().all(|entry| entry.trusts.contains(authority.pem.trim()))
    }

    /// Makes every entry say `wanted`, and changes nothing else. Fails as a whole when the entries are no longer
    /// where they were.
    pub(super) fn operations(&self, wanted: &str) -> Value {
        let wanted = STANDARD.encode(wanted);
        let operations = self.entries.iter().flat_map(|Entry { at, name, .. }| {
            let path = format!("/webhooks/{at}");
            [
                json!({ "op": "test", "path": format!("{path}/name"), "value": name }),
                json!({ "op": "add", "path": format!("{path}/clientConfig/caBundle"), "value": wanted }),
            ]
        });
        operations.collect()
    }
}
