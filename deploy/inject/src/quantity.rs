//! Amounts of cpu and memory, as Kubernetes writes them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An amount such as `50m`, `1`, `128Mi` or `1e3`. Compared by what it amounts to, written as it was written.
///
/// The grammar is that of `k8s.io/apimachinery/pkg/api/resource`: a decimal number and a binary suffix, a decimal
/// suffix or an exponent. Negative amounts are refused, for they mean nothing here.
#[derive(Clone, Debug)]
pub struct Quantity {
    text: String,
    /// In units of 10⁻⁹; what is smaller is rounded up, as Kubernetes does.
    nano: i128,
}

/// Why a text is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no amount such as `50m`, `1` or `128Mi`")]
pub struct NotAQuantity(String);

const NANO: i128 = 1_000_000_000;

/// Longest text that is looked at; the largest amounts that mean anything are far shorter.
const LONGEST: usize = 32;

// === impl Quantity ===

impl Quantity {
    /// So many thousandths.
    pub fn milli(count: u32) -> Self {
        Self { text: format!("{count}m"), nano: i128::from(count) * (NANO / 1000) }
    }

    /// So many MiB.
    pub fn mebi(count: u32) -> Self {
        Self { text: format!("{count}Mi"), nano: i128::from(count) * (NANO << 20) }
    }

    /// In units of 10⁻⁹.
    pub(crate) const fn nano(&self) -> i128 {
        self.nano
    }
}

impl FromStr for Quantity {
    type Err = NotAQuantity;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shown = || NotAQuantity(text.chars().take(LONGEST).collect());
        if text.len() > LONGEST {
            return Err(shown());
        }
        let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let nano = nano(number, suffix).ok_or_else(shown)?;
        Ok(Self { text: text.to_owned(), nano })
    }
}

fn nano(number: &str, suffix: &str) -> Option<i128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && part.is_empty()) || part.contains('.') {
        return None;
    }
    let digits: i128 = format!("0{whole}{part}").parse().ok()?;
    let (times, over) = scale(suffix)?;
    let over = over.checked_mul(10_i128.checked_pow(u32::try_from(part.len()).ok()?)?)?;
    let product = digits.checked_mul(NANO)?.checked_mul(times)?;
    Some(product / over + i128::from(product % over != 0))
}

/// What a suffix multiplies by and divides by.
fn scale(suffix: &str) -> Option<(i128, i128)> {
    let decimal = |power: u32| Some((10_i128.checked_pow(power)?, 1));
    match suffix {
        "" => Some((1, 1)),
        "n" => Some((1, NANO)),
        "u" => Some((1, 1_000_000)),
        "m" => Some((1, 1000)),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => Some((1 << 10, 1)),
        "Mi" => Some((1 << 20, 1)),
        "Gi" => Some((1 << 30, 1)),
        "Ti" => Some((1 << 40, 1)),
        "Pi" => Some((1 << 50, 1)),
        "Ei" => Some((1 << 60, 1)),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10_i128.checked_pow(exponent.unsigned_abs())?;
            Some(if exponent < 0 { (1, power) } else { (power, 1) })
        }
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nano == other.nano
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.nano.cmp(&other.nano)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        // YAML reads `cpu: 1` and `cpu: 0.5` as numbers.
        impl de::Visitor<'_> for Visitor {
            type Value = Quantity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an amount such as `50m`, `1` or `128Mi`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Quantity, E> {
                self.visit_str(&whole.to_string())
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Quantity, E> {
                self.visit_str(&number.to_string())
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> i128 {
        text.parse::<Quantity>().unwrap().nano()
    }

    #[test]
    fn amounts_are_compared_by_what_they_amount_to() {
        for (one, other) in [
            ("1", "1000m"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("1.", "1"),
            ("1Ki", "1024"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1k"),
            ("1E3", "1k"),
            ("1e-3", "1m"),
            ("1E", "1000P"),
            ("0.0000000001", "1n"),
        ] {
            assert_eq!(of(one), of(other), "{one} and {other}");
        }
        assert!(of("1M") < of("1Mi"));
    }

    #[test]
    fn amounts_that_are_made_are_those_that_they_are_written_as() {
        for made in [Quantity::milli(50), Quantity::mebi(128)] {
            assert_eq!(made.nano(), of(&made.to_string()));
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in
            ["", ".", "m", "1.2.3", "-1", "+1", "1 Mi", "1mi", "1KI", "1e", "1e99", "NaN", "٣", "1Ei1"]
        {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
        let long = "9".repeat(4000);
        assert!(long.parse::<Quantity>().unwrap_err().to_string().len() < 100);
    }
}
