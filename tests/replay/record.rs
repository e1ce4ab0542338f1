//! Sidestep's own record of incidents, compared with what the application saw.

use std::collections::BTreeMap;
use std::time::Duration;

use sidestep::incidents::{Calls, Change, Scope};

use crate::caller::Heard;
use crate::hearing::Ending;
use crate::incident::Incident;
use crate::replay::{Job, Seen, replayed};
use crate::scene::MODELS;

/// Nothing but overload, everywhere at the provider, for three minutes.
const OUTAGE: &str = "
name: outage
about: One provider answers nothing but 529.
assumed: Everything.
ill: anthropic
mix:
  - { fault: status, status: 529, rate: 1.0 }
phases:
  - { minutes: 3, fails: 1.0 }
";
/// Streams that break off, at a rate that opens the models.
const BREAKS: &str = "
name: breaks
about: Half of one provider's streams break off.
assumed: Everything.
ill: openai
mix:
  - { fault: cut, after: 8, rate: 1.0 }
phases:
  - { minutes: 3, fails: 0.6 }
";

/// Whether the record fits what was decided, and counts no call that the application did not see.
pub(crate) fn fits(seen: &Seen) -> bool {
    let opened = seen.decisions.iter().any(|(_, entry)| entry.to.as_deref() == Some("open"));
    let (counted, heard) = (counted(seen), heard(seen));
    opened == seen.record.iter().any(|one| one.models.iter().any(|part| part.worst == "open"))
        && only_grows(seen)
        && seen.record.iter().all(|one| one.ended.map_or(unsettled(seen), |ended| ended >= one.started))
        && counted.rerouted <= heard.rerouted
        && counted.rescued <= heard.rescued
        && counted.cut <= heard.cut
        && counted.refused + counted.failed <= heard.failed
}

/// Whether something was still decided so shortly before the end that an incident may not have been over by then:
/// a provider is watched for a minute after its last model fell.
fn unsettled(seen: &Seen) -> bool {
    let latest = seen.decisions.last().map_or(Duration::ZERO, |(at, _)| *at);
    seen.played.until.saturating_sub(latest) < Duration::from_secs(61)
}

/// Whether no count of an incident ever fell, and each was begun once more than it had come back.
fn only_grows(seen: &Seen) -> bool {
    let mut latest: BTreeMap<&str, [u64; 6]> = BTreeMap::new();
    let mut begun: BTreeMap<&str, u32> = BTreeMap::new();
    let grown = seen.updates.iter().all(|update| {
        let incident = &update.incident;
        let Calls { rerouted, rescued, refused, failed, cut } = incident.calls;
        let now = [rerouted, rescued, refused, failed, cut, incident.extra.tokens];
        *begun.entry(&incident.id).or_default() += u32::from(update.change == Change::Opened);
        let before = latest.insert(&incident.id, now).unwrap_or_default();
        before.iter().zip(now).all(|(before, now)| *before <= now)
    });
    grown && seen.record.iter().all(|incident| begun[&*incident.id] == incident.relapses + 1)
}

/// The record in a few words.
pub(crate) fn summary(seen: &Seen) -> String {
    let titles: Vec<_> = seen.record.iter().map(|one| (&one.title, one.ended.is_some(), one.calls)).collect();
    let latest = seen.decisions.last().map(|(at, entry)| (at, &entry.subject, &entry.to));
    let until = seen.played.until;
    format!("the record does not fit: {titles:?}; heard {:?}; {latest:?} of {until:?}", heard(seen))
}

fn counted(seen: &Seen) -> Calls {
    let mut sum = Calls::default();
    for Calls { rerouted, rescued, refused, failed, cut } in seen.record.iter().map(|one| one.calls) {
        sum.rerouted += rerouted;
        sum.rescued += rescued;
        sum.refused += refused;
        sum.failed += failed;
        sum.cut += cut;
    }
    sum
}

/// What the application would count; it cannot tell a refusal from a failure.
fn heard(seen: &Seen) -> Calls {
    let home = seen.incident().models().map(|model| model.0);
    let elsewhere = |heard: &&Heard| !home.contains(&&*heard.upstream) && heard.rescued_by.is_none();
    let count = |wanted: &dyn Fn(&&Heard) -> bool| seen.heard.iter().filter(wanted).count() as u64;
    Calls {
        rerouted: count(&|heard| heard.ending == Ending::Good && elsewhere(heard)),
        rescued: count(&|heard| heard.ending == Ending::Good && heard.rescued_by.is_some()),
        refused: 0,
        failed: count(&|heard| matches!(heard.ending, Ending::Failed(_))),
        cut: count(&|heard| heard.ending == Ending::Told),
    }
}

fn played(incident: &str) -> Seen {
    replayed(Job { incident: Incident::read(incident), rate: 2.0, shortened: false, seed: 7 })
}

#[test]
fn an_outage_of_a_provider_is_one_incident_that_counts_what_the_application_saw() {
    let seen = played(OUTAGE);
    let [incident] = &*seen.record else { panic!("{}", summary(&seen)) };
    assert_eq!(incident.scope, Scope::Provider, "{incident:?}");
    assert_eq!(incident.calls, heard(&seen), "{}", summary(&seen));
    assert!(incident.calls.rerouted > 200, "{}", summary(&seen));
    let names: Vec<_> = incident.models.iter().map(|part| &*part.id).collect();
    assert!(MODELS[0].iter().all(|model| names.contains(&model.0)), "{names:?}");
    assert!(incident.models.iter().all(|part| part.worst == "open" && part.verdict == "healthy"));
    // One that was masked with the others may not have failed itself.
    let sum =
        |class: &str| incident.models.iter().filter_map(|part| part.evidence.classes.get(class)).sum::<u64>();
    let failures: u64 = incident.models.iter().map(|part| part.evidence.failures).sum();
    assert!(failures > 0 && sum("overload") == failures && sum("probe failed") > 0, "{:?}", incident.models);
    // Probes cost something; rerouted answers cost no token more, and prices are not known.
    assert!(incident.extra.tokens > 0 && incident.extra.usd.is_none(), "{:?}", incident.extra);
    let traffic: Vec<_> = incident.decisions.iter().filter(|one| one.kind.as_str() == "traffic").collect();
    assert!(traffic.iter().any(|one| one.why == "calls go to sol instead of opus"), "{traffic:?}");
    assert!(traffic.iter().any(|one| one.why.starts_with("over after")), "{traffic:?}");
}

#[test]
fn streams_that_break_off_are_counted_with_what_their_rest_costs() {
    let seen = played(BREAKS);
    assert!(fits(&seen), "{}", summary(&seen));
    let counted = counted(&seen);
    assert!(counted.rescued > 0 && counted.rerouted > 0, "{}", summary(&seen));
    let tokens: u64 = seen.record.iter().map(|incident| incident.extra.tokens).sum();
    // Each rest was asked for with the whole prompt again.
    assert!(tokens > counted.rescued, "{tokens} for {}", counted.rescued);
}
