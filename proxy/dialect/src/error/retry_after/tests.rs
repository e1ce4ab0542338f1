use http::{HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

fn asked(status: u16, pairs: &[(&'static str, &str)]) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    retry_after(status, &headers)
}

fn millis(ms: u64) -> Option<Duration> {
    Some(Duration::from_millis(ms))
}

#[test]
fn every_form_in_use_is_read() {
    assert_eq!(asked(429, &[("retry-after", "1.5")]), millis(1500));
    assert_eq!(asked(503, &[("retry-after-ms", "250"), ("retry-after", "9")]), millis(250));
    let date = ("date", "Fri, 20 Nov 2026 12:00:00 GMT");
    assert_eq!(asked(429, &[date, ("retry-after", "Fri, 20 Nov 2026 12:00:40 GMT")]), millis(40_000));
    assert_eq!(asked(429, &[date, ("retry-after", "Fri, 20 Nov 2026 11:00:00 GMT")]), millis(0));
    let anthropic = |reset| {
        let left = ("anthropic-ratelimit-requests-remaining", "0");
        asked(429, &[date, left, ("anthropic-ratelimit-requests-reset", reset)])
    };
    assert_eq!(anthropic("2026-11-20T12:00:07Z"), millis(7000));
    assert_eq!(anthropic("2026-11-20T14:00:07+02:00"), millis(7000));
    let openai =
        |reset| asked(429, &[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", reset)]);
    assert_eq!(
        (openai("120ms"), openai("6m0s"), openai("17")),
        (millis(120), millis(360_000), millis(17_000))
    );
}

#[test]
fn waits_that_mean_nothing_are_ignored() {
    assert_eq!(asked(200, &[("retry-after", "25")]), None, "Anthropic sends it with successes");
    assert_eq!(asked(400, &[("retry-after", "25")]), None);
    assert_eq!(
        asked(429, &[("x-ratelimit-remaining-tokens", "900"), ("x-ratelimit-reset-tokens", "60s")]),
        None
    );
    assert_eq!(asked(429, &[("retry-after", "-1")]), None);
    assert_eq!(asked(429, &[("retry-after", "999999999")]), Some(MAX_RETRY_AFTER));
}

#[test]
fn dates_agree_with_known_instants() {
    assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777.0));
    assert_eq!(rfc3339("2000-02-29T00:00:00Z"), Some(951_782_400.0));
    assert_eq!(rfc3339("1999-12-31T23:59:59.5-00:30"), Some(946_686_599.5));
}

proptest! {
    #[test]
    fn no_header_panics_or_exceeds_the_cap(value in "\\PC{0,40}|[0-9hmsunTZ:+. -]{0,30}") {
        if let Ok(value) = HeaderValue::from_str(&value) {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", value.clone());
            headers.insert("x-ratelimit-remaining-requests", HeaderValue::from_static("0"));
            headers.insert("x-ratelimit-reset-requests", value);
            prop_assert!(retry_after(429, &headers).is_none_or(|wait| wait <= MAX_RETRY_AFTER));
        }
    }
}
