//! Request headers: how the application signs, and what of its headers an upstream may see.

use http::HeaderMap;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST,
    HeaderName, HeaderValue, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};

use crate::ask::Ask;
use crate::capability::Target;
use crate::{Dialect, Flavor};

/// Anthropic's API version until the autumn of 2026, and the only one with sampling parameters.
pub const ANTHROPIC_2023: &str = "2023-06-01";

/// Anthropic's current API version.
pub const ANTHROPIC_2026: &str = "2026-10-21";

const ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// How a key is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthForm {
    /// `x-api-key`, as Anthropic's older SDKs have it.
    ApiKey,
    /// `Authorization: Bearer`, as everybody else.
    Bearer,
}

/// Headers that belong to one connection or that the client of the next one sets itself (RFC 9110 §7.6.1).
const HOP: [HeaderName; 14] = [
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    ACCEPT,
    ACCEPT_ENCODING,
    EXPECT,
    HOST,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
];

/// Keys, and names of accounts that other keys than the application's do not belong to.
const ACCOUNT: [HeaderName; 9] = [
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    COOKIE,
    X_API_KEY,
    HeaderName::from_static("api-key"),
    HeaderName::from_static("openai-organization"),
    HeaderName::from_static("openai-project"),
    HeaderName::from_static("anthropic-workspace-id"),
    HeaderName::from_static("anthropic-user-profile-id"),
];

/// What any upstream may see, whatever its dialect: the caller's name.
const NEUTRAL: [HeaderName; 1] = [USER_AGENT];

/// What no upstream sees: the trace that the call is a part of, and what the application's services tell each other
/// along it (W3C Trace Context, W3C Baggage). Providers are others' companies.
const TRACE: [HeaderName; 3] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
];

/// The key that the application presents, in either form; `x-api-key` first, because a client that sends
/// it means it.
#[must_use]
pub fn presented(headers: &HeaderMap) -> Option<(AuthForm, &str)> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(key) = text(&X_API_KEY).filter(|key| !key.is_empty()) {
        return Some((AuthForm::ApiKey, key));
    }
    let (scheme, key) = text(&AUTHORIZATION)?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !key.is_empty()).then_some((AuthForm::Bearer, key))
}

/// The header that presents our key to a target, marked sensitive; `None` when the key has characters that
/// no header may have.
///
/// Anthropic gets `x-api-key`, which all its API versions and its imitators take.
#[must_use]
pub fn sign(dialect: Dialect, key: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = match dialect {
        Dialect::Anthropic => (X_API_KEY, HeaderValue::from_str(key)),
        Dialect::OpenAi | Dialect::Responses => {
            (AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {key}")))
        }
    };
    let mut value = value.ok()?;
    value.set_sensitive(true);
    Some((name, value))
}

/// The dialect of a call to a path that all dialects share, such as `/v1/models`: only Anthropic's clients
/// send an API version.
#[must_use]
pub fn shared_path_dialect(headers: &HeaderMap) -> Dialect {
    if headers.contains_key(&ANTHROPIC_VERSION) { Dialect::Anthropic } else { Dialect::OpenAi }
}

/// The application's headers that go on to the target, with `content-type`, `accept` and, for Anthropic,
/// the API version set; neither key nor host.
///
/// In its own dialect a request keeps what is not bound to a connection, to an account or to Sidestep; a
/// translated one keeps only what means the same everywhere.
#[must_use]
pub fn forwarded(ask: &Ask, headers: &HeaderMap, target: &Target) -> HeaderMap {
    let mut forwarded = kept(headers, ask.dialect == target.dialect);
    forwarded.remove(&ANTHROPIC_VERSION);
    let accept = if ask.stream { "text/event-stream" } else { "application/json" };
    forwarded.insert(ACCEPT, HeaderValue::from_static(accept));
    forwarded.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if target.dialect == Dialect::Anthropic {
        let version = HeaderValue::from_static(anthropic_version(ask, headers, target));
        forwarded.insert(ANTHROPIC_VERSION, version);
    }
    forwarded
}

/// The application's headers for a request that is passed on as it is, to a provider of its own dialect;
/// neither key nor host.
#[must_use]
pub fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let mut passed = kept(headers, true);
    for name in [ACCEPT, CONTENT_TYPE] {
        if let Some(value) = headers.get(&name) {
            passed.insert(name, value.clone());
        }
    }
    passed
}

/// What is not bound to a connection, to an account or to Sidestep; away from `home` only what means the
/// same everywhere.
fn kept(headers: &HeaderMap, home: bool) -> HeaderMap {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<&str> = named.flat_map(|value| value.split(',')).map(str::trim).collect();
    let goes = |name: &HeaderName| {
        let ours = name.as_str().starts_with("sidestep-");
        let bound = HOP.contains(name) || named.iter().any(|hop| name.as_str().eq_ignore_ascii_case(hop));
        let kept = ours || bound || ACCOUNT.contains(name) || TRACE.contains(name);
        NEUTRAL.contains(name) || (home && !kept)
    };
    let kept = headers.iter().filter(|(name, _)| goes(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The API version under which a target understands the request.
///
/// A body in Anthropic's own words means what the application's version says. A translated one needs the
/// older version as soon as it may carry sampling parameters, which the newer refuses for every model; an
/// imitator of the API knows no other.
fn anthropic_version(ask: &Ask, headers: &HeaderMap, target: &Target) -> &'static str {
    let newer = if target.flavor != Flavor::Anthropic {
        false
    } else if ask.dialect == Dialect::Anthropic {
        headers.get(&ANTHROPIC_VERSION).is_some_and(|version| version.as_bytes() == ANTHROPIC_2026.as_bytes())
    } else {
        target.capabilities.temperature_max.is_none() && !target.capabilities.top_p
    };
    if newer { ANTHROPIC_2026 } else { ANTHROPIC_2023 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::Capabilities;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        pairs.collect()
    }

    fn sent(from: Dialect, pairs: &[(&'static str, &'static str)], to: Dialect, model: &str) -> HeaderMap {
        let flavor = if to == Dialect::Anthropic { Flavor::Anthropic } else { Flavor::OpenAi };
        let capabilities = Capabilities::preset(flavor, model);
        let target = Target { dialect: to, flavor, model: model.to_owned(), capabilities };
        let ask = crate::peek(from, &HeaderMap::new(), b"{\"model\":\"m\",\"stream\":true}").unwrap();
        forwarded(&ask, &headers(pairs), &target)
    }

    const APP: [(&str, &str); 11] = [
        ("authorization", "Bearer sk-app"),
        ("x-api-key", "sk-app"),
        ("anthropic-version", "2026-10-21"),
        ("anthropic-beta", "context-1m-2025-08-07"),
        ("openai-organization", "org"),
        ("connection", "keep-alive, x-hop"),
        ("x-hop", "1"),
        ("x-stainless-lang", "python"),
        ("sidestep-priority", "batch"),
        ("user-agent", "Anthropic/Python"),
        ("traceparent", "00-1-2-01"),
    ];

    #[test]
    fn both_forms_of_keys_are_recognised() {
        assert_eq!(presented(&headers(&[("x-api-key", "k")])), Some((AuthForm::ApiKey, "k")));
        assert_eq!(presented(&headers(&[("authorization", "bearer k")])), Some((AuthForm::Bearer, "k")));
        assert_eq!(presented(&headers(&[("authorization", "Basic k")])), None);
        let (name, value) = sign(Dialect::OpenAi, "sk").unwrap();
        assert_eq!((name, value.as_bytes(), value.is_sensitive()), (AUTHORIZATION, &b"Bearer sk"[..], true));
        assert!(sign(Dialect::Anthropic, "a\nb").is_none());
    }

    #[test]
    fn no_key_account_or_connection_header_leaves() {
        for to in Dialect::ALL {
            let sent = sent(Dialect::Anthropic, &APP, to, "claude-opus-5-5");
            let text = format!("{sent:?}");
            for gone in ["sk-app", "org", "x-hop", "keep-alive", "sidestep-priority", "00-1-2-01"] {
                assert!(!text.contains(gone), "{gone} in {text}");
            }
            assert_eq!(sent["user-agent"], "Anthropic/Python");
            assert_eq!(sent["accept"], "text/event-stream");
            let home = to == Dialect::Anthropic;
            assert_eq!(
                (sent.contains_key("anthropic-beta"), sent.contains_key("x-stainless-lang")),
                (home, home)
            );
        }
    }

    #[test]
    fn the_api_version_is_the_applications_or_the_one_that_fits() {
        let version = |from, given, model| {
            let pairs: &[_] = if given { &[("anthropic-version", "2026-10-21")] } else { &[] };
            sent(from, pairs, Dialect::Anthropic, model)["anthropic-version"].clone()
        };
        assert_eq!(version(Dialect::Anthropic, true, "claude-opus-5-5"), "2026-10-21");
        assert_eq!(version(Dialect::Anthropic, false, "claude-opus-5-5"), "2023-06-01");
        assert_eq!(version(Dialect::OpenAi, false, "claude-opus-5-5"), "2026-10-21");
        assert_eq!(version(Dialect::OpenAi, false, "claude-haiku-4-5"), "2023-06-01");
    }
}
