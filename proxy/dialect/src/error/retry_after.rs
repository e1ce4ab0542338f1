//! How long an upstream asks to be left alone.
//!
//! `retry-after-ms` comes before `retry-after`, as in the official SDKs; rate-limit resets speak only of
//! the limits that are used up. Anthropic sends `retry-after` with 200s too, where it means nothing.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;

/// The longest wait that is believed. A limit that resets later is asked about again after it.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// `(remaining, reset)` headers of each limit, in OpenAI's, xAI's and Anthropic's naming.
const LIMITS: [(&str, &str); 6] = [
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
];

/// The wait that an answer of `status` asks for in its headers: none unless it is 429 or 5xx.
///
/// Dates are read against the answer's own `Date`, so that a skewed clock on either side does no harm.
#[must_use]
pub fn retry_after(status: u16, headers: &HeaderMap) -> Option<Duration> {
    if status != 429 && !(500..600).contains(&status) {
        return None;
    }
    let now = text(headers, "date").and_then(http_date).unwrap_or_else(unix_now);
    let millis = text(headers, "retry-after-ms").and_then(seconds).map(|ms| ms / 1000.0);
    let plain = || text(headers, "retry-after").and_then(|value| wait(value, now));
    let resets = || {
        let used_up = LIMITS.iter().filter(|(left, _)| text(headers, left) == Some("0"));
        used_up.filter_map(|(_, reset)| wait(text(headers, reset)?, now)).reduce(f64::max)
    };
    millis.or_else(plain).or_else(resets).map(clamp)
}

/// A wait given in a body, such as Gemini's `retryDelay: "34s"`.
pub(super) fn in_body(value: &str) -> Option<Duration> {
    go_duration(value).map(clamp)
}

fn clamp(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds.clamp(0.0, MAX_RETRY_AFTER.as_secs_f64()))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn unix_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Any of the forms in use: seconds, a Go duration, an HTTP date, an RFC 3339 instant.
fn wait(value: &str, now: f64) -> Option<f64> {
    let until = |instant: Option<f64>| instant.map(|at| at - now);
    seconds(value)
        .or_else(|| go_duration(value))
        .or_else(|| until(http_date(value)))
        .or_else(|| until(rfc3339(value)))
}

/// A finite number that is not negative; vendors send `-1` for "unknown".
fn seconds(value: &str) -> Option<f64> {
    value.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
}

/// `6m0s`, `120ms`, `1h2m3.5s`.
fn go_duration(value: &str) -> Option<f64> {
    let mut rest = value;
    let mut total = 0.0;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, tail) = rest.split_at(unit_at);
        let next = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(next);
        let scale = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += seconds(number)? * scale;
        rest = tail;
    }
    (!value.is_empty()).then_some(total)
}

/// Seconds since the epoch of `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7; the obsolete forms are not
/// sent by anyone here).
fn http_date(value: &str) -> Option<f64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = value.split_once(", ")?.1.split(' ');
    let day = words.next()?.parse().ok()?;
    let month = words.next().and_then(|name| MONTHS.iter().position(|month| *month == name))?;
    let year = words.next()?.parse().ok()?;
    let clock = words.next()?;
    (words.next()? == "GMT").then_some(())?;
    epoch(year, i64::try_from(month).ok()? + 1, day, clock)
}

/// Seconds since the epoch of `2026-11-20T12:00:00.5Z` or with an offset such as `+02:00`.
fn rfc3339(value: &str) -> Option<f64> {
    let (date, rest) = value.split_once(['T', 't', ' '])?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone_at);
    let offset = match zone {
        "Z" | "z" => 0.0,
        _ => {
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            let size = seconds(hours)? * 3600.0 + seconds(minutes)? * 60.0;
            if zone.starts_with('-') { -size } else { size }
        }
    };
    let mut parts = date.splitn(3, '-').map(str::parse::<i64>);
    let mut part = || parts.next()?.ok();
    Some(epoch(part()?, part()?, part()?, clock)? - offset)
}

#[expect(clippy::cast_precision_loss, reason = "seconds since the epoch fit into an f64 many times over")]
fn epoch(year: i64, month: i64, day: i64, clock: &str) -> Option<f64> {
    let possible = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let mut parts = clock.splitn(3, ':').map(seconds);
    let mut part = || parts.next()?;
    let of_day = part()? * 3600.0 + part()? * 60.0 + part()?;
    possible.then(|| days_since_epoch(year, month, day) as f64 * 86_400.0 + of_day)
}

/// Howard Hinnant's `days_from_civil`, for years after 1970.
const fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_era = year % 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    (year / 400) * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests;
