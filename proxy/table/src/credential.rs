//! Which of a provider's credentials it still accepts.

use std::time::Duration;

use crate::{cell::MAX_CREDENTIALS, moment::Moment};

/// Refusals in a row that give a credential up.
const REFUSALS: u32 = 3;
/// After so long a refused credential is tried once more.
const RETRIED_AFTER: Duration = Duration::from_secs(300);

/// The credentials of one provider.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    each: Vec<Credential>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Credential {
    refusals: u32,
    refused_until: Option<Moment>,
}

// === impl Credentials ===

impl Credentials {
    pub(crate) fn new(count: u32) -> Self {
        Self { each: vec![Credential::default(); (count as usize).clamp(1, MAX_CREDENTIALS)] }
    }

    pub(crate) fn count(&self) -> usize {
        self.each.len()
    }

    /// One 401 or 403; `true` when that gives the credential up.
    pub(crate) fn refused(&mut self, index: u32, now: Moment) -> bool {
        let Some(credential) = self.each.get_mut(index as usize) else { return false };
        credential.refusals = (credential.refusals + 1).min(REFUSALS);
        let news = credential.refusals == REFUSALS && credential.refused_until.is_none();
        if credential.refusals == REFUSALS {
            credential.refused_until = Some(now + RETRIED_AFTER);
        }
        news
    }

    /// It was accepted; `true` when that takes it back.
    pub(crate) fn accepted(&mut self, index: u32) -> bool {
        let Some(credential) = self.each.get_mut(index as usize) else { return false };
        credential.refusals = 0;
        credential.refused_until.take().is_some()
    }

    /// Gives those another try whose time has come: their next refusal counts at once.
    pub(crate) fn lapse(&mut self, now: Moment) -> bool {
        let mut lapsed = false;
        for credential in &mut self.each {
            if credential.refused_until.is_some_and(|until| until <= now) {
                credential.refused_until = None;
                credential.refusals = REFUSALS - 1;
                lapsed = true;
            }
        }
        lapsed
    }

    pub(crate) fn due(&self) -> Option<Moment> {
        self.each.iter().filter_map(|credential| credential.refused_until).min()
    }

    pub(crate) fn all_refused(&self) -> bool {
        self.each.iter().all(|credential| credential.refused_until.is_some())
    }

    /// The refused ones, a bit for each.
    pub(crate) fn mask(&self) -> u64 {
        let bit = |(index, credential): (usize, &Credential)| {
            u64::from(credential.refused_until.is_some()) << index
        };
        self.each.iter().enumerate().map(bit).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_refusals_in_a_row_give_up_and_one_success_takes_back() {
        let mut credentials = Credentials::new(2);
        let now = Moment::ORIGIN;
        assert!(!credentials.refused(1, now) && !credentials.refused(1, now));
        assert!(!credentials.accepted(1));
        assert!(!credentials.refused(1, now) && !credentials.refused(1, now));
        assert!(credentials.refused(1, now) && !credentials.refused(1, now));
        assert_eq!((credentials.mask(), credentials.all_refused()), (0b10, false));
        assert!(credentials.accepted(1));
        assert_eq!(credentials.mask(), 0);
    }

    #[test]
    fn a_refused_credential_is_tried_again() {
        let mut credentials = Credentials::new(1);
        let news: Vec<bool> = (0..3).map(|_| credentials.refused(0, Moment::ORIGIN)).collect();
        assert_eq!(news, [false, false, true]);
        assert!(credentials.all_refused() && !credentials.lapse(Moment::from_millis(299_999)));
        let later = Moment::from_millis(300_000);
        assert!(credentials.lapse(later) && !credentials.all_refused());
        assert!(credentials.refused(0, later));
    }
}
