//! Who may change state: somebody on this machine who is not a web page, or somebody with the token.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::{AUTHORIZATION, FORWARDED, HOST, ORIGIN, VIA};
use http::uri::Authority;
use sha2::{Digest, Sha256};

use crate::config::Secret;

/// Headers that a proxy on this machine adds for somebody who is elsewhere.
const PROXIED: [&str; 3] = ["x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/// Why a change was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Denied {
    #[error("the bearer token is wrong")]
    WrongToken,
    #[error("a bearer token was sent, but this Sidestep has none configured (admin.token)")]
    NoToken,
    #[error("a change from elsewhere than this machine needs the bearer token (admin.token)")]
    Remote,
    #[error("a change from a web page needs the bearer token (admin.token)")]
    CrossSite,
}

/// Decides by the peer's address and the request's headers.
///
/// A loopback peer needs no token: whoever is in the pod may do worse than flip a switch. But a browser on
/// this machine may be steered by a foreign page, and browsers send `Origin` or `Sec-Fetch-Site` with every
/// cross-site request (Fetch standard; Fetch Metadata), so either one calls for the token.
pub(super) fn may_change(
    peer: SocketAddr,
    headers: &HeaderMap,
    token: Option<&Secret>,
) -> Result<(), Denied> {
    if let Some(shown) = headers.get(AUTHORIZATION) {
        let token = token.ok_or(Denied::NoToken)?;
        return if is_bearer(shown.as_bytes(), token) { Ok(()) } else { Err(Denied::WrongToken) };
    }
    let proxied = headers.contains_key(FORWARDED) || headers.contains_key(VIA);
    let proxied = proxied || PROXIED.iter().any(|name| headers.contains_key(*name));
    if !peer.ip().to_canonical().is_loopback() || proxied {
        return Err(Denied::Remote);
    }
    let site = headers.get("sec-fetch-site").is_some_and(|site| site != "none");
    if headers.contains_key(ORIGIN) || site {
        return Err(Denied::CrossSite);
    }
    Ok(())
}

/// Whether the request was made for a name that this address has.
///
/// A foreign page whose own name is made to resolve to loopback (DNS rebinding) may read what it likes here, for to
/// the browser it is one origin. But the browser still names that page's host. On loopback only the names that nobody
/// can give to another machine are taken: addresses, and `localhost` with what ends in it (RFC 6761, 6.3). Callers
/// from elsewhere reach this machine by names of their own, and no page is steered to loopback there.
pub(super) fn is_addressed(peer: SocketAddr, headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).filter(|_| peer.ip().to_canonical().is_loopback()) else {
        return true;
    };
    let Some(host) = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok()) else { return false };
    let name = host.host().to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    address || name == "localhost" || name.ends_with(".localhost")
}

/// Compares digests, every byte of them, so that the time taken says nothing about the token.
fn is_bearer(shown: &[u8], token: &Secret) -> bool {
    let Some((scheme, shown)) = shown.split_at_checked(7) else { return false };
    let (shown, token) = (Sha256::digest(shown), Sha256::digest(token.expose().as_bytes()));
    let differences = shown.iter().zip(token.iter()).fold(0, |seen, (a, b)| seen | (a ^ b));
    scheme.eq_ignore_ascii_case(b"bearer ") && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(
        peer: &str,
        headers: &[(&'static str, &'static str)],
        token: Option<&str>,
    ) -> Result<(), Denied> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        may_change(peer.parse().unwrap(), &map, token.map(Secret::new).as_ref())
    }

    #[test]
    fn loopback_needs_no_token_unless_it_speaks_for_somebody_else() {
        for peer in ["127.0.0.1:9", "[::1]:9", "127.8.8.8:9", "[::ffff:127.0.0.1]:9"] {
            assert_eq!(decide(peer, &[], None), Ok(()));
            assert_eq!(decide(peer, &[("sec-fetch-site", "none")], None), Ok(()));
            for site in ["cross-site", "same-site", "same-origin"] {
                assert_eq!(decide(peer, &[("sec-fetch-site", site)], Some("t")), Err(Denied::CrossSite));
            }
            for origin in ["https://evil.example", "null", "http://127.0.0.1:6181"] {
                assert_eq!(decide(peer, &[("origin", origin)], Some("t")), Err(Denied::CrossSite));
            }
            for header in ["forwarded", "via", "x-forwarded-for", "x-real-ip"] {
                assert_eq!(decide(peer, &[(header, "10.0.0.7")], Some("t")), Err(Denied::Remote));
            }
        }
    }

    #[test]
    fn a_name_that_was_made_to_mean_loopback_is_not_ours() {
        let asked = |peer: &str, host: &str| {
            let headers = HeaderMap::from_iter([(HOST, host.parse().unwrap())]);
            is_addressed(peer.parse().unwrap(), &headers)
        };
        for host in [
            "127.0.0.1:6181",
            "127.0.0.1",
            "[::1]:6181",
            "10.0.0.7",
            "localhost:9",
            "LocalHost",
            "a.localhost",
        ] {
            assert!(asked("127.0.0.1:9", host), "{host}");
            assert!(asked("[::ffff:127.0.0.1]:9", host), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:6181",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "xlocalhost",
            "",
            "a b",
        ] {
            assert!(!asked("127.0.0.1:9", host), "{host}");
            assert!(asked("10.0.0.7:9", host), "{host}");
        }
        assert!(is_addressed("127.0.0.1:9".parse().unwrap(), &HeaderMap::new()), "HTTP/1.0 names no host");
    }

    #[test]
    fn elsewhere_needs_the_token() {
        for peer in ["10.0.0.7:9", "[fe80::1]:9", "0.0.0.0:9", "128.0.0.1:9"] {
            assert_eq!(decide(peer, &[], Some("secret")), Err(Denied::Remote));
            assert_eq!(decide(peer, &[("authorization", "Bearer secret")], Some("secret")), Ok(()));
            assert_eq!(decide(peer, &[("authorization", "bearer secret")], Some("secret")), Ok(()));
        }
    }

    #[test]
    fn a_wrong_token_is_wrong_from_everywhere() {
        for wrong in [
            "Bearer ",
            "Bearer secre",
            "Bearer secrets",
            "Basic secret",
            "secret",
            "Bearer",
            "bearer  secret",
        ] {
            assert_eq!(
                decide("127.0.0.1:9", &[("authorization", wrong)], Some("secret")),
                Err(Denied::WrongToken)
            );
        }
        assert_eq!(decide("127.0.0.1:9", &[("authorization", "Bearer secret")], None), Err(Denied::NoToken));
    }

    #[test]
    fn the_token_speaks_for_a_web_page_too() {
        let headers = [("authorization", "Bearer secret"), ("origin", "https://ops.example")];
        assert_eq!(decide("10.0.0.7:9", &headers, Some("secret")), Ok(()));
    }
}
