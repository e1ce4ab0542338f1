//! Values with a notation of their own: durations, sizes, addresses.

use std::{fmt, net::SocketAddr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Stands before the text of an error that is ours, so that it is found within what the YAML crate puts around.
pub(crate) const REFUSAL: char = '\u{1}';

/// A duration: whole numbers with a unit, as in `500ms`, `30s` or `1m30s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Period(pub(crate) Duration);

/// A number of bytes: a whole number, or one with `KiB`, `MiB` or `GiB`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Size(pub(crate) usize);

/// An IP address and port.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Address(pub(crate) SocketAddr);

struct PeriodVisitor;
struct SizeVisitor;
struct AddressVisitor;

const PERIOD_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZE_UNITS: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
// Beyond this a duration is a slip of the pen, and sums of durations could overflow.
const LONGEST_MILLIS: u64 = 30 * 86_400_000;

/// The number and the unit that `text` begins with, and what follows them.
fn quantity<'a>(text: &'a str, units: &[(&str, u64)]) -> Option<(u64, &'a str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let letters = text[digits..].find(|c: char| c.is_ascii_digit()).map_or(text.len(), |at| digits + at);
    let number: u64 = text[..digits].parse().ok()?;
    let (_, factor) = units.iter().find(|(unit, _)| *unit == text[digits..letters].trim())?;
    Some((number.checked_mul(*factor)?, &text[letters..]))
}

// === impl Period ===

impl Period {
    /// Reads `500ms`, `30s` or `1m30s`; `None` if it is nothing like that.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mut millis, mut rest) = quantity(text, &PERIOD_UNITS)?;
        while !rest.is_empty() {
            let (more, after) = quantity(rest, &PERIOD_UNITS)?;
            millis = millis.checked_add(more)?;
            rest = after;
        }
        (millis <= LONGEST_MILLIS).then(|| Self(Duration::from_millis(millis)))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        // All but zero are a whole number of milliseconds.
        let even = PERIOD_UNITS.iter().find(|(_, factor)| millis != 0 && millis.is_multiple_of(*factor));
        match even {
            Some((unit, factor)) => write!(f, "{}{unit}", millis / factor),
            None => write!(f, "{millis}s"),
        }
    }
}

impl de::Visitor<'_> for PeriodVisitor {
    type Value = Period;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as `500ms`, `30s` or `2m`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Period, E> {
        Period::parse(text).ok_or_else(|| {
            E::custom(format!(
                "{REFUSAL}expected a duration up to 30d such as `500ms`, `30s` or `2m`, found `{text}`"
            ))
        })
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Period, E> {
        Err(E::custom(format!("{REFUSAL}a duration wants a unit: `{number}s`, `{number}ms` or `{number}m`")))
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PeriodVisitor)
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

// === impl Size ===

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as u64;
        let even = SIZE_UNITS.iter().find(|(_, factor)| bytes != 0 && bytes.is_multiple_of(*factor));
        match even {
            Some((unit, factor)) => write!(f, "{}{unit}", bytes / factor),
            None => write!(f, "{bytes}B"),
        }
    }
}

impl de::Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a size such as `64KiB`, `32MiB` or a number of bytes")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
        let size = quantity(text, &SIZE_UNITS).filter(|(_, rest)| rest.is_empty());
        size.and_then(|(bytes, _)| usize::try_from(bytes).ok()).map(Size).ok_or_else(|| {
            E::custom(format!(
                "{REFUSAL}expected a size such as `64KiB`, `32MiB` or a number of bytes, found `{text}`"
            ))
        })
    }

    fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Size, E> {
        let size = usize::try_from(bytes).map(Size);
        size.map_err(|_| E::custom(format!("{REFUSAL}{bytes} bytes are more than this machine can address")))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

// === impl Address ===

impl de::Visitor<'_> for AddressVisitor {
    type Value = Address;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address such as `127.0.0.1:6180`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Address, E> {
        text.parse().map(Address).map_err(|_| {
            E::custom(format!(
                "{REFUSAL}expected an IP address and port such as `127.0.0.1:6180`, found `{text}`"
            ))
        })
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AddressVisitor)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("2m", 120_000),
            ("1m30s", 90_000),
            ("0s", 0),
            ("30d", 2_592_000_000),
        ] {
            assert_eq!(Period::parse(text), Some(Period(Duration::from_millis(millis))), "{text}");
        }
        for text in ["", "30", "s", "-1s", "1.5s", "30 sec", "31d", "1s2", "99999999999999999999s", "1ſ"] {
            assert_eq!(Period::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(millis in 0..=LONGEST_MILLIS, bytes in 0..usize::MAX) {
            let period = Period(Duration::from_millis(millis));
            prop_assert_eq!(Period::parse(&period.to_string()), Some(period));
            let size = Size(bytes).to_string();
            prop_assert_eq!(quantity(&size, &SIZE_UNITS), Some((bytes as u64, "")));
        }
    }
}
