//! The status page: files that are part of the program, and the state of the moment in the page itself, so that the
//! first paint is whole. The page follows `/events` from there.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY, VARY};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::Admin;
use super::reply::{Reply, reply};

/// Where the state of the moment goes.
const STATE: &str = "@state@";
/// Incidents that the page knows from the beginning.
const INCIDENTS: usize = 8;
const PAGE: &str = include_str!("page.html");
/// Nothing but our own files; nobody may frame the page, for it has switches (Content Security Policy, level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const PICTURE: &str = "image/svg+xml";
const STYLE: &str = "text/css; charset=utf-8";

/// Every file beside the page, by its name under `/page/`.
const ASSETS: [(&str, &str, &str); 16] = [
    ("page.css", STYLE, include_str!("page.css")),
    ("parts.css", STYLE, include_str!("parts.css")),
    ("theme.js", SCRIPT, include_str!("theme.js")),
    ("page.js", SCRIPT, include_str!("page.js")),
    ("dom.js", SCRIPT, include_str!("dom.js")),
    ("feed.js", SCRIPT, include_str!("feed.js")),
    ("headline.js", SCRIPT, include_str!("headline.js")),
    ("lists.js", SCRIPT, include_str!("lists.js")),
    ("models.js", SCRIPT, include_str!("models.js")),
    ("store.js", SCRIPT, include_str!("store.js")),
    ("switching.js", SCRIPT, include_str!("switching.js")),
    ("timeline.js", SCRIPT, include_str!("timeline.js")),
    ("words.js", SCRIPT, include_str!("words.js")),
    ("well.svg", PICTURE, include_str!("well.svg")),
    ("watch.svg", PICTURE, include_str!("watch.svg")),
    ("ill.svg", PICTURE, include_str!("ill.svg")),
];

/// Whether somebody asks who shows HTML: a browser, and no script.
pub(super) fn is_wanted(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    accepted
        .flat_map(|accept| accept.split(','))
        .any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/html")))
}

/// One of the page's files.
pub(super) fn asset(name: &str) -> Option<Reply> {
    let (_, kind, content) = ASSETS.iter().find(|(known, ..)| *known == name)?;
    Some(guarded(kind, Bytes::from_static(content.as_bytes())))
}

impl Admin {
    /// The page, with everything that it shows first.
    pub(super) async fn page(&self) -> Reply {
        let status = self.report().await;
        let state = json!({
            "status": status,
            "history": &*self.history,
            "incidents": self.incidents.recent(INCIDENTS),
            "changeable": self.token.is_some(),
        });
        // The state stands in a script element, which ends at the first `</script`, wherever that stands.
        let state = state.to_string().replace('<', "\\u003c");
        let (head, tail) = PAGE.split_once(STATE).unwrap_or((PAGE, ""));
        guarded("text/html; charset=utf-8", [head, &state, tail].concat().into())
    }
}

fn guarded(kind: &'static str, content: Bytes) -> Reply {
    let mut reply = reply(StatusCode::OK, kind, content);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert(VARY, HeaderValue::from_static("accept"));
    reply
}
