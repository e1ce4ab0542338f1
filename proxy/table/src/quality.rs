//! Whether a model still answers its probes rightly: an alarm of its own that degrades and never opens.

use crate::{
    evidence::Quality,
    policy::{CALM_AT, DEGRADE_AT, OPEN_AT},
};

/// ln(0.5 / 0.05): wrong one time in two against one in twenty.
const WRONG: f64 = std::f64::consts::LN_10;
/// ln((1 − 0.5) / (1 − 0.05)).
const RIGHT: f64 = -0.641_853_886_172_394_8;
/// Two wrong answers in a row raise the alarm.
const ALARM_AT: f64 = OPEN_AT / 2.0;

/// A CUSUM over checked answers; it does not fade, for only right answers can disprove wrong ones.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AnswerQuality {
    score: f64,
    alarmed: bool,
}

// === impl AnswerQuality ===

impl AnswerQuality {
    pub(crate) fn note(&mut self, quality: Quality) {
        let step = match quality {
            Quality::Right => RIGHT,
            Quality::Wrong => WRONG,
            Quality::Unproven => 0.0,
        };
        self.score = (self.score + step).clamp(0.0, OPEN_AT);
        self.alarmed = self.score >= ALARM_AT || (self.alarmed && self.score > CALM_AT);
    }

    /// Its answers are wrong too often.
    pub(crate) fn is_alarmed(&self) -> bool {
        self.alarmed
    }

    /// The share that it may keep, 0.1..=1.
    pub(crate) fn weight(&self) -> f64 {
        if self.alarmed { shifted(self.score) } else { 1.0 }
    }
}

/// The weight of a degraded model: max(0.1, 1 − (D − 3.8) / 5.4).
pub(crate) fn shifted(score: f64) -> f64 {
    (1.0 - (score - DEGRADE_AT) / (OPEN_AT - DEGRADE_AT)).clamp(0.1, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_wrong_answers_alarm_and_only_right_ones_calm() {
        let mut quality = AnswerQuality::default();
        quality.note(Quality::Wrong);
        assert!(!quality.is_alarmed());
        quality.note(Quality::Wrong);
        assert!(quality.is_alarmed() && quality.weight() < 1.0);
        (0..50).for_each(|_| quality.note(Quality::Unproven));
        assert!(quality.is_alarmed());
        (0..6).for_each(|_| quality.note(Quality::Right));
        assert!(!quality.is_alarmed());
    }

    #[test]
    fn one_wrong_answer_in_twenty_is_no_alarm() {
        let mut quality = AnswerQuality::default();
        for turn in 0..1000 {
            quality.note(if turn % 20 == 0 { Quality::Wrong } else { Quality::Right });
            assert!(!quality.is_alarmed());
        }
    }
}
