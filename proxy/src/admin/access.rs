//! Who may change state: somebody on this machine who is not a web page, or somebody with the token.

use std::net::SocketAddr;

use http::HeaderMap;
use http::header::{AUTHORIZATION, FORWARDED, ORIGIN, VIA};
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
