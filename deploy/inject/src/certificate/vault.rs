//! What the replicas share, in one Secret.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::UnixTime;
use serde_json::{Map, Value, json};

use super::identity::{Authority, Identity, IdentityError};
use crate::cluster;

/// Earlier authorities at most; each ends by itself when its certificate would have.
pub(super) const RETIRED: usize = 16;

/// What a Secret holds, as far as it is of use.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Vault {
    /// What every replica serves: `tls.crt`, `tls.key`, vouched for by `ca.crt`.
    pub(super) current: Option<Identity>,
    /// What will be served once its authority is known everywhere: the same with `next.` in front.
    pub(super) next: Option<Identity>,
    /// Authorities of what was served before, `retired.crt`: somebody may serve it still.
    pub(super) retired: Vec<Authority>,
}

/// The keys of an identity in a Secret: certificate, private key, authority.
type Keys = [&'static str; 3];

const CURRENT: Keys = ["tls.crt", "tls.key", "ca.crt"];
const NEXT: Keys = ["next.tls.crt", "next.tls.key", "next.ca.crt"];
const EARLIER: &str = "retired.crt";

impl Vault {
    /// Reads a Secret. What is of no use counts as absent, and the second value says why.
    pub(super) fn read(secret: &cluster::Secret, hosts: &[String], now: UnixTime) -> (Vault, Vec<String>) {
        let empty = BTreeMap::new();
        let data = secret.data.as_ref().unwrap_or(&empty);
        let mut complaints = Vec::new();
        let mut identity = |keys: Keys| {
            let texts = keys.map(|key| data.get(key).and_then(|value| decode(value)));
            match texts {
                _ if keys.iter().all(|key| !data.contains_key(*key)) => None,
                [Some(certificate), Some(key), Some(authority)] => {
                    let read = Identity::read((&certificate, &key), &authority, hosts, now);
                    read.map_err(|error| complaints.push(format!("{}: {error}", keys[0]))).ok()
                }
                _ => {
                    let error = IdentityError::Pem("a part");
                    complaints.push(format!("{}: {error}", keys.join(", ")));
                    None
                }
            }
        };
        let (current, next) = (identity(CURRENT), identity(NEXT));
        let earlier = data.get(EARLIER).and_then(|value| decode(value)).unwrap_or_default();
        let retired = each(&earlier).filter_map(|pem| Authority::read(&pem).ok());
        let retired = retired.filter(|authority| authority.not_after >= now.as_secs()).collect();
        (Vault { current, next, retired }, complaints)
    }

    /// A change that makes the `secret` that was read hold this, unless someone else changed it since.
    pub(super) fn change(&self, secret: &cluster::Secret) -> Value {
        let mut data = Map::new();
        // What is not ours, or not of use, goes.
        for key in secret.data.iter().flatten().map(|(key, _)| key) {
            data.insert(key.clone(), Value::Null);
        }
        for (keys, identity) in [(CURRENT, &self.current), (NEXT, &self.next)] {
            let Some(identity) = identity else { continue };
            let authority = identity.authority.as_ref().map_or("", |authority| &authority.pem);
            for (key, text) in keys.into_iter().zip([&identity.certificate, identity.key.expose(), authority])
            {
                data.insert(key.to_owned(), STANDARD.encode(text).into());
            }
        }
        if !self.retired.is_empty() {
            let earlier: String = self.retired.iter().map(|authority| authority.pem.as_str()).collect();
            data.insert(EARLIER.to_owned(), STANDARD.encode(earlier).into());
        }
        json!({ "metadata": { "resourceVersion": secret.metadata.resource_version }, "data": data })
    }

    /// Whom callers have to trust: whoever vouches for what some replica may serve, or will.
    pub(super) fn authorities(&self) -> impl Iterator<Item = &Authority> {
        let identities = [&self.current, &self.next].into_iter().flatten();
        identities.filter_map(|identity| identity.authority.as_ref()).chain(&self.retired)
    }

    /// The same as PEM.
    pub(super) fn bundle(&self) -> String {
        self.authorities().map(|authority| authority.pem.as_str()).collect()
    }

    /// Keeps an authority among those that are trusted, unless it is there.
    pub(super) fn retire(&mut self, authority: Authority) {
        if self.authorities().all(|known| *known != authority) {
            self.retired.insert(0, authority);
            self.retired.truncate(RETIRED);
        }
    }
}

fn decode(value: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(value).ok()?).ok()
}

/// Each block of a PEM text.
fn each(pem: &str) -> impl Iterator<Item = String> + '_ {
    pem.split_inclusive("-----END CERTIFICATE-----").filter(|block| block.contains("BEGIN")).map(|block| {
        let block = block.trim_start();
        format!("{block}\n")
    })
}
