//! The headers that vendors put on their answers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{HeaderMap, HeaderName, HeaderValue};

use crate::vendor::Maker;

const LIMITED: [(&str, u64); 4] =
    [("requests", 4000), ("tokens", 2_000_000), ("input-tokens", 1_600_000), ("output-tokens", 400_000)];

/// Headers of one answer: its id, and how much may be asked still. `spent` says that nothing is left until then.
pub(crate) fn of(maker: Maker, request_id: &str, spent: Option<Duration>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    match maker {
        Maker::Anthropic => {
            put(&mut headers, "request-id", request_id);
            put(&mut headers, "anthropic-organization-id", "00000000-0000-4000-8000-000000000001");
            let reset = rfc3339(unix_now() + spent.unwrap_or(Duration::from_secs(1)).as_secs());
            for (what, limit) in LIMITED {
                put(&mut headers, &format!("anthropic-ratelimit-{what}-limit"), &limit.to_string());
                put(&mut headers, &format!("anthropic-ratelimit-{what}-remaining"), &left(limit, spent));
                put(&mut headers, &format!("anthropic-ratelimit-{what}-reset"), &reset);
            }
        }
        Maker::OpenAi | Maker::Xai => {
            put(&mut headers, "x-request-id", request_id);
            if maker == Maker::OpenAi {
                put(&mut headers, "openai-version", "2020-10-01");
                put(&mut headers, "openai-organization", "simulated");
                put(&mut headers, "openai-processing-ms", "17");
            }
            let reset = spent.map_or_else(|| "15ms".to_owned(), |left| go_duration(left.as_secs()));
            for (what, limit) in LIMITED.into_iter().take(2) {
                put(&mut headers, &format!("x-ratelimit-limit-{what}"), &limit.to_string());
                put(&mut headers, &format!("x-ratelimit-remaining-{what}"), &left(limit, spent));
                put(&mut headers, &format!("x-ratelimit-reset-{what}"), &reset);
            }
        }
        Maker::Generic => {}
    }
    headers
}

pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn left(limit: u64, spent: Option<Duration>) -> String {
    if spent.is_some() { "0".to_owned() } else { (limit - 1).to_string() }
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        headers.insert(name, value);
    }
}

/// `1h2m3s`, as OpenAI writes resets.
fn go_duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// The civil date of a count of days is Howard Hinnant's `civil_from_days`.
fn rfc3339(unix: u64) -> String {
    let days = unix / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (unix / 3600 % 24, unix / 60 % 60, unix % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_durations_are_written_as_the_vendors_write_them() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_795_179_599), "2026-11-20T12:59:59Z");
        assert_eq!((go_duration(360).as_str(), go_duration(7).as_str()), ("6m0s", "7s"));
    }
}
