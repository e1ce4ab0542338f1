//! From an answer's events and the drawn fault to the steps of its delivery.

use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::delivery::Step;
use crate::fault::Fault;
use crate::faults::Drawn;
use crate::vendor::Pace;
use crate::written::{Event, Role};

/// JSON's white space, sent where a body or an event grows out of proportion.
static BLANK: [u8; 16 * 1024] = [b' '; 16 * 1024];

/// The waits of one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tempo {
    /// Before the response head.
    pub(crate) head: Duration,
    /// Before the first piece of content.
    pub(crate) first: Duration,
    /// Before every other.
    pub(crate) next: Duration,
}

impl Tempo {
    /// The waits of the exchange with this seed.
    pub(crate) fn new(pace: &Pace, drawn: &Drawn, seed: u64) -> Self {
        let first = pace.first_token.mul_f64(log_normal(pace.spread, seed));
        let mut tempo = Self { head: Duration::ZERO, first, next: between(pace.tokens_per_second) };
        for modifier in &drawn.modifiers {
            match modifier {
                Fault::LateFirstToken { ms, hold_head: true } => tempo.head += Duration::from_millis(*ms),
                Fault::LateFirstToken { ms, .. } => tempo.first += Duration::from_millis(*ms),
                Fault::SlowTokens { per_second } => tempo.next = between(*per_second),
                _ => {}
            }
        }
        tempo
    }

    /// An answer that is not streamed comes when all of it is there.
    pub(crate) fn of_whole(self, tokens: u64) -> Duration {
        let more = u32::try_from(tokens.saturating_sub(1)).unwrap_or(u32::MAX);
        self.head.saturating_add(self.first).saturating_add(self.next.saturating_mul(more))
    }

    /// All waits are over.
    pub(crate) const NONE: Self = Self { head: Duration::ZERO, first: Duration::ZERO, next: Duration::ZERO };
}

/// A draw around 1 whose logarithm is normal with deviation `spread` (Box and Muller, 1958), at most a
/// thousandfold either way.
fn log_normal(spread: f64, seed: u64) -> f64 {
    if spread <= 0.0 {
        return 1.0;
    }
    let mut draws = StdRng::seed_from_u64(seed);
    let (radius, angle): (f64, f64) = (1.0 - draws.random::<f64>(), draws.random());
    let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
    (spread * normal).exp().clamp(1e-3, 1e3)
}

fn between(per_second: f64) -> Duration {
    if per_second > 0.0 {
        Duration::try_from_secs_f64(1.0 / per_second).unwrap_or(Duration::MAX)
    } else {
        Duration::ZERO
    }
}

/// A body that is not streamed, as two events: what strikes "after n events" strikes between them.
pub(crate) fn halves(body: Bytes) -> Vec<Event> {
    let mut head = body;
    let tail = head.split_off(head.len() / 2);
    vec![Event { bytes: head, role: Role::Content }, Event { bytes: tail, role: Role::Terminal }]
}

/// The delivery of these events; `error` writes an error event after so many others.
pub(crate) fn steps(
    events: &[Event],
    tempo: Tempo,
    fault: Option<&Fault>,
    error: impl Fn(usize, u16) -> Bytes,
) -> Vec<Step> {
    let mut steps = Vec::with_capacity(events.len());
    let mut wait = tempo.first;
    let strike = strikes_at(fault, events.len());
    for (place, event) in events.iter().enumerate() {
        if strike == Some(place)
            && let Some(end) = fault.and_then(|fault| struck(fault, event, |status| error(place, status)))
        {
            steps.extend(end);
            return steps;
        }
        if matches!(event.role, Role::Opening | Role::Content) {
            if !wait.is_zero() {
                steps.push(Step::Wait(wait));
            }
            wait = tempo.next;
        }
        match fault {
            Some(Fault::BrokenEvent { .. }) if strike == Some(place) => {
                steps.push(Step::Send(broken(&event.bytes)))
            }
            Some(Fault::MissingTerminal { .. }) if event.role == Role::Terminal => {}
            Some(Fault::MissingTerminal { keep_stop: false }) if event.role == Role::Stop => {}
            Some(Fault::Endless {}) if event.role == Role::Content => {
                steps.push(Step::Send(event.bytes.clone()));
                steps.push(Step::Forever(endless(event, events.len()), tempo.next));
                return steps;
            }
            Some(Fault::Oversize { bytes }) if strike == Some(place) => {
                steps.extend(oversize(&event.bytes, *bytes))
            }
            _ => steps.push(Step::Send(event.bytes.clone())),
        }
    }
    steps
}

/// The event that a fault strikes at, never beyond the last: what is set strikes.
fn strikes_at(fault: Option<&Fault>, events: usize) -> Option<usize> {
    let last = events.saturating_sub(1);
    match fault? {
        Fault::Cut { after, .. }
        | Fault::Stall { after }
        | Fault::BrokenEvent { after }
        | Fault::InBandError { after, .. } => Some(if events == 2 { 1 } else { (*after).min(last) }),
        Fault::Oversize { .. } => Some(0),
        _ => None,
    }
}

/// The end of the delivery, for a fault that ends it.
fn struck(fault: &Fault, event: &Event, error: impl Fn(u16) -> Bytes) -> Option<Vec<Step>> {
    match fault {
        Fault::Stall { .. } => Some(vec![Step::Silence]),
        Fault::InBandError { status, .. } => Some(vec![Step::Send(error(*status))]),
        Fault::Cut { clean, torn, .. } => {
            let mut steps = Vec::new();
            if *torn {
                steps.push(Step::Send(event.bytes.slice(..event.bytes.len() / 2)));
            }
            if !clean {
                steps.push(Step::Break);
            }
            Some(steps)
        }
        _ => None,
    }
}

/// The same bytes without their last closing brace, so that their JSON never ends.
fn broken(bytes: &Bytes) -> Bytes {
    match bytes.iter().rposition(|byte| *byte == b'}') {
        Some(place) => {
            [&bytes.slice(..place), &bytes.slice(place + 1..)].map(|part| part.as_ref()).concat().into()
        }
        None => Bytes::from_static(b"data: {\n\n"),
    }
}

/// A stream repeats its content; a body (two events) has white space before its end.
fn endless(event: &Event, events: usize) -> Bytes {
    if events == 2 { Bytes::from_static(&BLANK) } else { event.bytes.clone() }
}

/// The event with so much white space before its JSON.
fn oversize(bytes: &Bytes, size: u64) -> Vec<Step> {
    let json = bytes.iter().position(|byte| *byte == b'{').unwrap_or(0);
    let block = u64::try_from(BLANK.len()).unwrap_or(u64::MAX);
    vec![
        Step::Send(bytes.slice(..json)),
        Step::Repeat(Bytes::from_static(&BLANK), size.div_ceil(block)),
        Step::Send(bytes.slice(json..)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_wait_has_its_median_and_its_deviation_and_no_spread_has_none() {
        let steady = Pace { first_token: Duration::from_secs(1), ..Pace::default() };
        let spread = Pace { spread: 0.5, ..steady };
        let first = |pace: &Pace, seed| Tempo::new(pace, &Drawn::default(), seed).first.as_secs_f64();
        assert!((0..100).all(|seed| first(&steady, seed) == 1.0));
        let mut waits: Vec<f64> = (0..4001).map(|seed| first(&spread, seed)).collect();
        waits.sort_by(f64::total_cmp);
        assert!((waits[2000] - 1.0).abs() < 0.05, "median {}", waits[2000]);
        // One standard deviation above: the 84.1st percentile.
        assert!((waits[3365].ln() - 0.5).abs() < 0.05, "{}", waits[3365]);
        assert_eq!(first(&spread, 7), first(&spread, 7));
    }
}
