//! How an upstream behaves: who asks, when and in which state, to what it answers and how long that takes.

use std::time::Duration;

use rand::{Rng, rngs::SmallRng};
use sidestep_table::{Class, Fault, Moment, Verdict};

/// Asked at a moment, by a probe or not, in a state: the answer.
pub(crate) type Upstream = Box<dyn FnMut(Moment, bool, Verdict, &mut SmallRng) -> Answer>;

pub(crate) struct Answer {
    pub(crate) class: Class,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) takes: Duration,
}

/// A whole answer takes seconds; a failure mostly comes at once.
pub(crate) fn answer(class: Class, draw: &mut SmallRng) -> Answer {
    let millis = if class.is_answer() { 600..3000 } else { 50..500 };
    Answer { class, retry_after: None, takes: Duration::from_millis(draw.random_range(millis)) }
}

/// Failures by the incident statistics' mix: 529 45 %, 500 25 %, 503 10 %, stalls 10 %, cut streams 7 %,
/// in-band errors 3 %.
fn failure(draw: &mut SmallRng) -> Class {
    match draw.random_range(0..100) {
        0..45 => Class::Overload,
        45..80 => Class::Hard(Fault::Status),
        80..90 => Class::Hard(Fault::Stall),
        90..97 => Class::Hard(Fault::Truncated),
        _ => Class::Hard(Fault::InBand),
    }
}

/// A part of all requests fails, users' and probes' alike. A probe is answered in the time of a first token, healthy
/// ones take 0.6 to 2.3 s, and a dozen tokens more.
pub(crate) fn failing(part: f64) -> Upstream {
    Box::new(move |_, probe, _, draw| {
        let class = if draw.random_bool(part) { failure(draw) } else { Class::Ok };
        let answer = answer(class, draw);
        if probe { Answer { takes: answer.takes.min(Duration::from_millis(1500)), ..answer } } else { answer }
    })
}

/// A part of the users' requests ends in a class that is nobody's illness; of the rest 2 % fail.
pub(crate) fn neutral(class: Class, part: f64) -> Upstream {
    Box::new(move |_, probe, _, draw| {
        // A probe is a valid request, so an application's bad ones are not its own.
        let own = class != Class::Client || !probe;
        let class = if own && draw.random_bool(part) {
            class
        } else if draw.random_bool(0.02) {
            failure(draw)
        } else {
            Class::Ok
        };
        answer(class, draw)
    })
}

/// Up and down by the clock.
pub(crate) fn square_wave(up: Duration, down: Duration) -> Upstream {
    Box::new(move |now, _, _, draw| {
        let phase = u128::from(now.as_millis()) % (up + down).as_millis();
        let class = if phase < up.as_millis() { Class::Ok } else { failure(draw) };
        answer(class, draw)
    })
}

/// Well to every probe and ill to every user.
pub(crate) fn two_faced() -> Upstream {
    Box::new(|_, probe, _, draw| answer(if probe { Class::Ok } else { failure(draw) }, draw))
}

/// The worst for a breaker: it passes all probes until users are let in again, then nothing connects.
pub(crate) fn spiteful() -> Upstream {
    Box::new(|_, _, verdict, draw| {
        let well = matches!(verdict, Verdict::Open | Verdict::HalfOpen);
        answer(if well { Class::Ok } else { Class::Hard(Fault::Connect) }, draw)
    })
}
