//! Names of incidents: when and where, safe as a file's name and in a URL.

/// Longest part of a provider's name in an id, in characters.
const WHERE: usize = 40;

/// An id for trouble at `place` that began at `unix` seconds since 1970, and that `taken` does not have yet.
pub(super) fn id(unix: f64, place: &str, taken: impl Fn(&str) -> bool) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let place: String = place.chars().take(WHERE).map(plain).collect();
    let first = format!("{}-{place}", stamp(unix).replace(':', "-"));
    let mut id = first.clone();
    let mut number = 2_u32;
    while taken(&id) {
        id = format!("{first}-{number}");
        number += 1;
    }
    id
}

/// Whether `name` can be an id: then it is safe as a file's name.
pub(super) fn is_id(name: &str) -> bool {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    plain && name.len() <= WHERE + 40 && name.len() > 20 && name.as_bytes()[0].is_ascii_digit()
}

/// `text`, cut to `most` characters.
pub(super) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// `unix` seconds since 1970 as ISO 8601 in UTC, to the second: `2026-11-20T14:03:09Z`.
pub(crate) fn stamp(unix: f64) -> String {
    // The wall clock of any machine that runs this is far inside the range.
    #[expect(clippy::cast_possible_truncation, reason = "clamped to years that have four digits")]
    let seconds = unix.clamp(0.0, 253_402_300_799.0).floor() as i64;
    let (day, time) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(day);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time / 3600, time / 60 % 60, time % 60)
}

/// Year, month and day of the day number `days` since 1970, not before it. After Howard Hinnant, "chrono-compatible
/// low-level date algorithms", `civil_from_days`.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_those_of_date() {
        // From `date -u -d @N +%FT%TZ`.
        for (unix, stamped) in [
            (0.0, "1970-01-01T00:00:00Z"),
            (951_782_399.9, "2000-02-28T23:59:59Z"),
            (951_782_400.0, "2000-02-29T00:00:00Z"),
            (1_795_183_389.5, "2026-11-20T14:03:09Z"),
            (4_107_542_400.0, "2100-03-01T00:00:00Z"),
            (f64::INFINITY, "9999-12-31T23:59:59Z"),
            (f64::NEG_INFINITY, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(stamp(unix), stamped);
        }
    }

    #[test]
    fn ids_are_safe_and_never_taken_twice() {
        let first = id(1_795_183_389.5, "../Ü bedrock:eu/1", |_| false);
        assert_eq!(first, "2026-11-20T14-03-09Z------bedrock-eu-1");
        let third =
            id(1_795_183_389.9, "../Ü bedrock:eu/1", |taken| taken == first || taken.ends_with("-2"));
        assert_eq!(third, format!("{first}-3"));
        assert!(is_id(&first) && is_id(&third) && is_id(&id(0.0, &"x".repeat(400), |_| false)));
        for other in ["", "..", "switches", "2026-11-20T14-03-09Z/../../x", "2026-11-20T14-03-09Z-x.json"] {
            assert!(!is_id(other), "{other}");
        }
    }
}
