//! What a leader makes of what it finds. No clock, no network: a function of the situation.

use rustls_pki_types::UnixTime;

use crate::certificate::identity::{Authority, Identity};
use crate::certificate::issue::{IssueError, Validity, issue};
use crate::certificate::vault::{RETIRED, Vault};

/// What a decision rests on.
pub(super) struct Situation<'a> {
    /// By what names the webhook is called.
    pub(super) hosts: &'a [String],
    /// How long certificates last.
    pub(super) validity: Validity,
    /// What this replica serves, whatever the Secret says.
    pub(super) serving: Option<&'a Identity>,
    /// Whom callers had to trust when this replica looked last, newest first: another may serve what they vouch for.
    pub(super) remembered: &'a [Authority],
    /// Whether the authority of what comes next has been published for long enough.
    pub(super) settled: bool,
    /// The wall clock: certificates go by it.
    pub(super) now: UnixTime,
}

/// What the Secret should hold.
pub(super) struct Planned {
    pub(super) vault: Vault,
    /// In words, for the log.
    pub(super) why: &'static str,
    /// A certificate was made.
    pub(super) issued: bool,
}

/// Adds whom callers have to trust now, newest first, to those of earlier looks, each until its end.
pub(super) fn remember(remembered: &mut Vec<Authority>, vault: &Vault, now: UnixTime) {
    let mut all: Vec<Authority> = vault.authorities().cloned().collect();
    for earlier in remembered.drain(..) {
        if earlier.not_after >= now.as_secs() && !all.contains(&earlier) {
            all.push(earlier);
        }
    }
    all.truncate(RETIRED);
    *remembered = all;
}

impl Situation<'_> {
    /// What to do next. Each step leaves everything valid that some replica may serve just now.
    pub(super) fn plan(&self, mut vault: Vault) -> Result<Planned, IssueError> {
        self.keep_trust(&mut vault);
        let done = |vault, why, issued| Ok(Planned { vault, why, issued });
        match (vault.current.take(), vault.next.take()) {
            (None, Some(next)) => {
                vault.current = Some(next);
                done(vault, "put the next certificate in force: there was no other", false)
            }
            (None, None) => {
                // What is served goes on until the new one is known, wherever the Secret has gone.
                vault.current = self.serving.filter(|serving| self.good(serving)).cloned();
                let new = Some(self.issue()?);
                if vault.current.is_some() {
                    vault.next = new;
                } else {
                    vault.current = new;
                }
                // It stands on its own now.
                let bundle = vault.current.as_ref().and_then(|current| current.authority.clone());
                vault.retired.retain(|retired| Some(retired) != bundle.as_ref());
                done(vault, "issued a certificate: there was none of use", true)
            }
            (Some(current), Some(next)) if self.settled => {
                vault.current = Some(next);
                vault.next = None;
                current.authority.into_iter().for_each(|authority| vault.retire(authority));
                done(vault, "put the next certificate in force: it is known everywhere", false)
            }
            (Some(current), None) if current.left(self.now) < self.validity.lasts / 3 => {
                vault.current = Some(current);
                vault.next = Some(self.issue()?);
                done(vault, "issued the next certificate: the present one is in its last third", true)
            }
            (current, next) => {
                (vault.current, vault.next) = (current, next);
                done(vault, "dropped what is of no use, kept what is served", false)
            }
        }
    }

    /// Callers go on believing what replicas may serve, also when the Secret knows nothing of it any more.
    fn keep_trust(&self, vault: &mut Vault) {
        let over = |authority: &Authority| authority.not_after < self.now.as_secs();
        for authority in self.remembered.iter().rev().filter(|authority| !over(authority)) {
            vault.retire(authority.clone());
        }
    }

    fn good(&self, identity: &Identity) -> bool {
        !identity.left(self.now).is_zero() && identity.names(self.hosts).is_ok()
    }

    fn issue(&self) -> Result<Identity, IssueError> {
        issue(self.hosts, self.validity, self.now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DAY: u64 = 86_400;
    const START: u64 = 1_800_000_000;

    /// A step of a replica that serves this and remembers what vouches for it.
    fn step(vault: &Vault, serving: Option<&Identity>, settled: bool, day: u64) -> Planned {
        let remembered: Vec<_> = serving.and_then(|serving| serving.authority.clone()).into_iter().collect();
        step_of(vault, (serving, &remembered), settled, day)
    }

    fn step_of(
        vault: &Vault,
        (serving, remembered): (Option<&Identity>, &[Authority]),
        settled: bool,
        day: u64,
    ) -> Planned {
        let validity = Validity { lasts: Duration::from_secs(60 * DAY), skew: Duration::ZERO };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(START + day * DAY));
        let hosts = &["hook.sidestep.svc".to_owned()];
        Situation { hosts, validity, serving, remembered, settled, now }.plan(vault.clone()).unwrap()
    }

    #[test]
    fn a_certificate_is_renewed_in_its_last_third_and_trusted_to_its_end() {
        let first = step(&Vault::default(), None, false, 0);
        assert!(first.issued && first.vault.current.is_some() && first.vault.next.is_none());
        let old = first.vault.current.clone().unwrap();

        assert_eq!(step(&first.vault, Some(&old), false, 40).vault, first.vault, "nothing to do yet");
        let staged = step(&first.vault, Some(&old), false, 41);
        assert_eq!(
            staged.vault.current.as_ref(),
            Some(&old),
            "the old one is served until the new one is known"
        );
        let new = staged.vault.next.clone().unwrap();
        for authority in [&old.authority, &new.authority] {
            assert!(staged.vault.bundle().contains(&authority.as_ref().unwrap().pem));
        }
        assert_eq!(step(&staged.vault, Some(&old), false, 42).vault, staged.vault, "it has not settled");

        let renewed = step(&staged.vault, Some(&old), true, 42);
        assert_eq!((renewed.vault.current.as_ref(), &renewed.vault.next), (Some(&new), &None));
        assert_eq!(renewed.vault.retired, [old.authority.clone().unwrap()]);
        assert!(!renewed.issued);
    }

    #[test]
    fn what_is_served_outlives_a_lost_secret() {
        let served = step(&Vault::default(), None, false, 0).vault.current.unwrap();
        let lost = step(&Vault::default(), Some(&served), false, 1);
        assert_eq!(lost.vault.current.as_ref(), Some(&served));
        assert!(lost.issued && lost.vault.next.is_some() && lost.vault.retired.is_empty());

        // Past its time it is of no use to anyone.
        let late = step(&Vault::default(), Some(&served), false, 61);
        assert_ne!(late.vault.current.as_ref(), Some(&served));
        assert!(late.vault.current.is_some() && late.vault.next.is_none() && late.vault.retired.is_empty());
    }

    #[test]
    fn what_another_replica_may_serve_is_trusted_on_when_the_secret_is_lost() {
        let old = step(&Vault::default(), None, false, 0).vault;
        let staged = step(&old, old.current.as_ref(), false, 41).vault;
        let renewed = step(&staged, old.current.as_ref(), true, 42).vault;
        let remembered: Vec<_> = renewed.authorities().cloned().collect();
        let lost = step_of(&Vault::default(), (renewed.current.as_ref(), &remembered), false, 43).vault;
        assert_eq!(lost.current, renewed.current);
        assert_eq!(lost.retired, [old.current.unwrap().authority.unwrap()]);
        // Until it has expired.
        let late = step_of(&Vault::default(), (renewed.current.as_ref(), &remembered), false, 61).vault;
        assert_eq!((late.current, late.retired), (renewed.current, Vec::new()));
    }

    #[test]
    fn a_secret_put_back_from_a_backup_does_not_lose_trust_in_what_is_served() {
        let served = step(&Vault::default(), None, false, 0).vault.current.unwrap();
        let backup = step(&Vault::default(), None, false, 1).vault;
        let planned = step(&backup, Some(&served), false, 1);
        assert_eq!(planned.vault.current, backup.current);
        assert_eq!(planned.vault.retired, [served.authority.unwrap()]);
    }
}
