//! Spans of time as people write and read them.

use std::time::Duration;

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Reads `90s`, `30m`, `1h30m` or `2d`; for clap, so that the error is for whoever typed it.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no span of time; write it like 90s, 30m, 1h30m or 2d");
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let mut letters = rest[digits..].chars();
        let unit = letters.next().ok_or_else(wrong)?;
        let (_, seconds) = UNITS.iter().find(|(known, _)| *known == unit).ok_or_else(wrong)?;
        total = number.checked_mul(*seconds).and_then(|more| total.checked_add(more)).ok_or_else(wrong)?;
        rest = letters.as_str();
    }
    if total == 0 { Err(wrong()) } else { Ok(Duration::from_secs(total)) }
}

/// Writes the two largest units that matter: `45s`, `12m5s`, `3h`, `2d4h`.
pub(super) fn show(seconds: f64) -> String {
    // Saturates; nobody reads a span to the second that has more digits than that.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range first")]
    let mut left = seconds.clamp(0.0, 1e15).round() as u64;
    let mut shown = String::new();
    let mut parts = 0;
    for (unit, size) in UNITS {
        if (left >= size && parts < 2) || (unit == 's' && shown.is_empty()) {
            shown += &format!("{}{unit}", left / size);
            left %= size;
            parts += 1;
        } else if parts > 0 {
            break;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_are_read_as_typed() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("2d", 172_800), ("1m1m", 120)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "30", "m", "-1m", "1.5h", "30 m", "1y", "0s", "99999999999999999999s", "1ſ", "5ms"]
        {
            assert!(parse(text).unwrap_err().contains("write it like"), "{text}");
        }
    }

    #[test]
    fn spans_are_shown_short() {
        for (seconds, shown) in [
            (0.0, "0s"),
            (0.4, "0s"),
            (59.6, "1m"),
            (725.0, "12m5s"),
            (3600.0, "1h"),
            (3605.0, "1h"),
            (10_800.0, "3h"),
            (187_200.0, "2d4h"),
            (-5.0, "0s"),
            (f64::NAN, "0s"),
        ] {
            assert_eq!(show(seconds), shown);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_typed(seconds in 1_u32..100_000_000) {
            let shown = show(f64::from(seconds));
            let read = parse(&shown).unwrap();
            prop_assert!(read.as_secs() <= u64::from(seconds));
            prop_assert!(read.as_secs_f64() >= f64::from(seconds) * 0.95, "{}", shown);
        }
    }
}
