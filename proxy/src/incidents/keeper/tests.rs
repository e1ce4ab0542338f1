use super::*;
use crate::clock::Clock;
use crate::incidents::record::{Calls, Extra, Incident, Scope};
use crate::incidents::{KEPT, name};
use crate::journal::Entry;

fn incident(number: u32, ended: bool) -> Incident {
    let started = 1_795_183_389.0 + f64::from(number);
    Incident {
        id: name::id(started, "anthropic", |_| false),
        title: "anthropic: provider-wide trouble".to_owned(),
        scope: Scope::Provider,
        started,
        ended: ended.then_some(started + 1.0),
        updated: started,
        providers: ["anthropic".to_owned()].into(),
        models: Vec::new(),
        models_omitted: 0,
        decisions: Vec::new(),
        omitted: 0,
        calls: Calls::default(),
        extra: Extra::NONE,
        rehearsal: false,
        relapses: 0,
        interrupted: false,
    }
}

#[tokio::test]
async fn thousands_of_incidents_stay_within_the_bound_and_those_under_way_are_kept() {
    let state = tempfile::tempdir().unwrap();
    let folder = Folder::within(state.path());
    let incidents = Arc::new(Incidents { on_disk: true, ..Incidents::default() });
    let journal = Arc::new(Journal::new(Clock::start()));
    let mut keeper = Keeper::new(incidents.clone(), folder.clone(), journal, Metrics::new().unwrap());
    let oldest = incident(0, false);
    for number in 0..3000 {
        let mut incident = if number == 0 { oldest.clone() } else { incident(number, true) };
        for seq in 0..70 {
            let why = format!("reason {seq} of {number}: {}", "x".repeat(300));
            incident.decide(Entry { why, ..entry(seq) });
        }
        incidents.publish(Update { change: Change::Opened, incident: Arc::new(incident) });
        if number % 500 == 0 {
            keeper.write().await;
        }
    }
    keeper.write().await;
    let found = folder.load();
    assert_eq!((found.incidents.len(), found.complaints.len()), (KEPT, 0));
    assert!(found.incidents[0].id == oldest.id && incidents.current()[0].id == oldest.id);
    assert_eq!(found.incidents[KEPT - 1].id, incident(2999, true).id);
    let listing = std::fs::read_dir(folder.path()).unwrap().flatten();
    let bytes: u64 = listing.map(|entry| entry.metadata().unwrap().len()).sum();
    assert!(bytes <= KEPT as u64 * 32 * 1024, "{bytes} bytes");
}

fn entry(seq: u64) -> Entry {
    let (subject, why) = ("opus".to_owned(), String::new());
    Entry { seq, at: 0.0, kind: Kind::Verdict, subject, from: None, to: None, why, actor: None }
}
