//! Which trace a call belongs to (W3C Trace Context, level 1).

use http::HeaderMap;
use rand::Rng;

use crate::dice::Dice;

/// Longest `tracestate` that is carried, in bytes (section 3.3.1.5).
const STATE: usize = 512;

/// A call's place in a trace.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) trace: u128,
    /// The call's own span.
    pub(super) span: u64,
    /// The application's span that the call is a part of.
    pub(super) parent: Option<u64>,
    /// What the application's tracing systems say of it.
    pub(super) state: Option<String>,
    /// Where the spans of attempts take their names.
    pub(super) dice: Dice,
}

/// What an application says of its own trace.
struct Parent {
    trace: u128,
    span: u64,
    sampled: bool,
}

impl Context {
    /// The place of a call with `headers`; `None` when it is not traced. A trace of the application's decides for its
    /// calls; of the others, `sample` is the share that begins one.
    pub(super) fn of(headers: &HeaderMap, sample: f64, dice: &Dice) -> Option<Context> {
        let told = headers.get("traceparent").and_then(|told| parent(told.to_str().ok()?));
        let (span, dice) = (name(dice), dice.clone());
        let Some(parent) = told else {
            let trace = dice.throw().random::<u128>().max(1);
            return is_sampled(trace, sample).then_some(Context {
                trace,
                span,
                parent: None,
                state: None,
                dice,
            });
        };
        let state = headers.get("tracestate").and_then(|state| state.to_str().ok());
        let state = state.filter(|state| state.len() <= STATE).map(str::to_owned);
        let Parent { trace, span: parent, sampled } = parent;
        sampled.then_some(Context { trace, span, parent: Some(parent), state, dice })
    }
}

/// A new span's name.
pub(super) fn name(dice: &Dice) -> u64 {
    dice.throw().random::<u64>().max(1)
}

/// By the trace's name alone, so that everybody who samples by the same share takes the same traces
/// (OpenTelemetry, `TraceIdRatioBased`).
fn is_sampled(trace: u128, sample: f64) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
    let low = trace as u64 >> 1;
    #[expect(clippy::cast_precision_loss, reason = "a share need not be exact to the last of 53 bits")]
    let place = low as f64 / (u64::MAX >> 1) as f64;
    // Nothing lies at 1 exactly, but rounding may put it there.
    sample >= 1.0 || place < sample
}

/// `version-trace-span-flags`. A version that is not known yet begins like the known one (section 4.2).
fn parent(text: &str) -> Option<Parent> {
    let text = text.trim();
    let mut parts = text.splitn(5, '-');
    let (version, trace, span) = (hex(parts.next()?, 2)?, hex(parts.next()?, 32)?, hex(parts.next()?, 16)?);
    let flags = hex(parts.next()?, 2)?;
    let longer = parts.next().is_some();
    let known = version != 0xff && !(version == 0 && longer) && trace != 0 && span != 0;
    let span = u64::try_from(span).ok()?;
    known.then_some(Parent { trace, span, sampled: flags & 1 == 1 })
}

/// Exactly `digits` lower-case hexadecimal digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (text.len() == digits && text.bytes().all(lower)).then(|| u128::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn of(traceparent: &str, sample: f64) -> Option<Context> {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", traceparent.parse().unwrap());
        headers.insert("tracestate", "vendor=1".parse().unwrap());
        Context::of(&headers, sample, &Dice::seeded(7))
    }

    #[test]
    fn a_trace_of_the_application_goes_on_and_decides() {
        for version in ["00", "01"] {
            let context = of(&format!("{version}-{TRACE}-b7ad6b7169203331-01"), 0.0).unwrap();
            assert_eq!(format!("{:032x}", context.trace), TRACE);
            assert_eq!(context.parent, Some(0xb7ad_6b71_6920_3331));
            assert_eq!(context.state.as_deref(), Some("vendor=1"));
        }
        assert!(
            of(&format!("00-{TRACE}-b7ad6b7169203331-00"), 1.0).is_none(),
            "the application does not trace it"
        );
        assert!(of(&format!("01-{TRACE}-b7ad6b7169203331-01-later"), 0.0).is_some());
    }

    #[test]
    fn what_is_no_parent_is_none() {
        for wrong in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-b7ad6b7169203331"),
            format!("00-{TRACE}-b7ad6b7169203331-01-more"),
            format!("ff-{TRACE}-b7ad6b7169203331-01"),
            format!("00-{}-b7ad6b7169203331-01", TRACE.to_uppercase()),
            format!("00-{}-b7ad6b7169203331-01", "0".repeat(32)),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-+{}-b7ad6b7169203331-01", &TRACE[1..]),
        ] {
            let context = of(&wrong, 1.0).unwrap();
            assert!(context.parent.is_none() && context.state.is_none(), "{wrong}");
            assert!(of(&wrong, 0.0).is_none(), "{wrong}");
        }
    }

    #[test]
    fn the_share_is_kept_and_the_ends_are_exact() {
        let dice = Dice::seeded(7);
        let traced =
            |sample| (0..10_000).filter(|_| Context::of(&HeaderMap::new(), sample, &dice).is_some()).count();
        assert_eq!((traced(0.0), traced(1.0)), (0, 10_000));
        // Five standard deviations to either side; the dice fall the same way each time.
        assert!((800..1200).contains(&traced(0.1)));
        assert!(is_sampled(u128::MAX, 1.0) && !is_sampled(u128::MAX, 0.999));
    }
}
