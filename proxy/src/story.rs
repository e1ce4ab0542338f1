//! What happened to one call, told once at its end to metrics, headers and the log.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sidestep_dialect::{Degraded, Usage};
use sidestep_table::ModelId;

use crate::metrics::Outcome;
use crate::surplus::Surplus;

/// The mutable part of a call, shared by the layers and the body.
#[derive(Default)]
pub struct Story {
    chapters: Mutex<Chapters>,
}

/// A copy of what a story holds.
#[derive(Clone, Debug, Default)]
pub struct Chapters {
    /// Whom each attempt asked, in order.
    pub attempts: Vec<ModelId>,
    /// Why the route's first choice did not answer; `None` when it did.
    pub fallback: Option<&'static str>,
    /// From the call's arrival until the attempt that answered was sent.
    pub sent_after: Option<Duration>,
    /// From the call's arrival until the first meaningful event of the stream that answered it.
    pub first_word_after: Option<Duration>,
    /// What the answering target was not asked for, though the application asked.
    pub degraded: Vec<Degraded>,
    /// The model that answered.
    pub served_by: Option<ModelId>,
    /// The kind of the rehearsed fault that an attempt met.
    pub rehearsed: Option<&'static str>,
    /// The model that went on when the one that answered broke off.
    pub rescued_by: Option<ModelId>,
    /// What ended the stream that broke off, and what became of its rest.
    pub broke_off: Option<(&'static str, &'static str)>,
    /// Why the call was refused, or failed.
    pub refusal: Option<&'static str>,
    /// What the answer cost, as far as those who told it reported.
    pub usage: Usage,
    /// What attempts cost that brought nothing, and prompts that were read again.
    pub surplus: Surplus,
    /// The head went to the caller before anybody had answered.
    pub held: bool,
    /// Set once, by whoever knows first.
    pub ending: Option<Outcome>,
}

impl Story {
    /// Notes that a target is being asked.
    pub fn asked(&self, model: ModelId) {
        self.open().attempts.push(model);
    }

    /// How many targets were asked so far, hedges included.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.open().attempts.len()
    }

    /// Whether `model` was asked already.
    #[must_use]
    pub fn has_asked(&self, model: &ModelId) -> bool {
        self.open().attempts.contains(model)
    }

    /// Whom each attempt asked, in order.
    #[must_use]
    pub fn asked_whom(&self) -> Vec<ModelId> {
        self.open().attempts.clone()
    }

    /// Notes why the first choice is not the one that answers. The first reason stays.
    pub fn fall_back(&self, reason: &'static str) {
        self.open().fallback.get_or_insert(reason);
    }

    /// Notes who answers, how long after arrival it was asked, how long it then took to begin with a stream, and what it
    /// was not asked for.
    pub fn served(
        &self,
        model: ModelId,
        (sent_after, first_word): (Duration, Option<Duration>),
        degraded: Vec<Degraded>,
    ) {
        let mut chapters = self.open();
        chapters.served_by = Some(model);
        chapters.sent_after = Some(sent_after);
        chapters.first_word_after = first_word.map(|waited| sent_after + waited);
        chapters.degraded = degraded;
    }

    /// Notes that others were asked to go on with an answer that broke off, and who did. Returns the number of all
    /// attempts.
    pub fn rescued(&self, asked: Vec<ModelId>, by: Option<ModelId>) -> usize {
        let mut chapters = self.open();
        chapters.attempts.extend(asked);
        chapters.rescued_by = by;
        chapters.attempts.len()
    }

    /// Notes that an attempt met a rehearsed fault of `kind`.
    pub fn rehearsed(&self, kind: &'static str) {
        self.open().rehearsed = Some(kind);
    }

    /// Notes what ended a stream in the middle, and what became of its rest.
    pub fn broke_off(&self, cause: &'static str, outcome: &'static str) {
        self.open().broke_off = Some((cause, outcome));
    }

    /// Notes what the answer cost.
    pub fn used(&self, usage: Usage) {
        self.open().usage = usage;
    }

    /// Adds what was spent in vain.
    pub fn spent_in_vain(&self, surplus: Surplus) {
        let mut chapters = self.open();
        chapters.surplus = chapters.surplus.plus(surplus);
    }

    /// Notes that the caller is given a head before anybody has answered.
    pub fn hold(&self) {
        self.open().held = true;
    }

    /// Notes the ending. The first one stays: a body that is dropped after its end was no cancellation.
    pub fn end(&self, ending: Outcome) {
        self.open().ending.get_or_insert(ending);
    }

    /// Notes that the call ends without an answer, and why.
    pub fn refuse(&self, ending: Outcome, why: &'static str) {
        let mut chapters = self.open();
        chapters.ending.get_or_insert(ending);
        chapters.refusal.get_or_insert(why);
    }

    /// Everything so far.
    #[must_use]
    pub fn read(&self) -> Chapters {
        self.open().clone()
    }

    fn open(&self) -> MutexGuard<'_, Chapters> {
        // No code that can panic runs under this lock, and half a story is better than none.
        self.chapters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
