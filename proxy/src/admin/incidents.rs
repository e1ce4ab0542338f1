//! `/incidents`: what went wrong lately, and what became of it.

use http::{StatusCode, Uri};

use super::Admin;
use super::reply::{Reply, json, refusal};
use crate::escape;

/// Incidents in a list without a limit of its own.
const LISTED: usize = 50;

impl Admin {
    /// The list, newest first; `?limit=` says how many.
    pub(super) fn incidents(&self, uri: &Uri) -> Reply {
        let limit = uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("limit="));
        let limit = match limit.map(str::parse::<usize>) {
            None => LISTED,
            Some(Ok(limit)) => limit,
            Some(Err(_)) => {
                return refusal(StatusCode::BAD_REQUEST, "limit is a number: /incidents?limit=10");
            }
        };
        let kept_on_disk = self.incidents.are_kept();
        let incidents = self.incidents.recent(limit);
        let list = serde_json::json!({
            "at": self.clock.unix_now(),
            "kept_on_disk": kept_on_disk,
            "incidents": incidents,
        });
        json(StatusCode::OK, &list)
    }

    /// One of them.
    pub(super) fn incident(&self, name: &str) -> Reply {
        let found = escape::decode(name).and_then(|id| self.incidents.get(&id));
        match found {
            Some(incident) => json(StatusCode::OK, &incident),
            None => refusal(
                StatusCode::NOT_FOUND,
                "there is no such incident; /incidents lists those that are still kept",
            ),
        }
    }
}
