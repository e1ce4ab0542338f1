use super::*;
use crate::incidents::record::{Calls, Extra, Scope};

fn incident(id: &str, started: f64) -> Incident {
    Incident {
        id: id.to_owned(),
        title: "anthropic: trouble".to_owned(),
        scope: Scope::Provider,
        started,
        ended: Some(started + 60.0),
        updated: started + 60.0,
        providers: ["anthropic".to_owned()].into(),
        models: Vec::new(),
        models_omitted: 0,
        decisions: Vec::new(),
        omitted: 0,
        calls: Calls { rerouted: 7, ..Calls::default() },
        extra: Extra { tokens: 3, usd: Some(0.5) },
        rehearsal: false,
        relapses: 0,
        interrupted: false,
    }
}

fn entry(number: u64) -> crate::journal::Entry {
    crate::journal::Entry {
        seq: number,
        at: 1e9,
        kind: crate::journal::Kind::Verdict,
        subject: "opus".to_owned(),
        from: None,
        to: None,
        // The dearest that JSON can make of a character.
        why: "\u{1}".repeat(400),
        actor: None,
    }
}

#[test]
fn what_is_saved_comes_back_and_what_is_not_ours_is_told_and_left_alone() {
    let state = tempfile::tempdir().unwrap();
    let folder = Folder::within(state.path());
    assert!(folder.load().incidents.is_empty() && folder.load().complaints.is_empty());
    let (late, early) =
        (incident("2026-11-20T14-03-09Z-b", 200.0), incident("2026-11-20T14-03-09Z-a", 100.0));
    folder.save(&late).unwrap();
    folder.save(&early).unwrap();
    let path = |name: &str| state.path().join("incidents").join(name);
    let broken = [
        ("2026-11-20T14-03-10Z-torn.json", br#"{"id": "2026-11-20T1"#.to_vec()),
        ("2026-11-20T14-03-11Z-other.json", serde_json::to_vec(&early).unwrap()),
        ("2026-11-20T14-03-12Z-large.json", vec![b' '; LARGEST + 1]),
        ("notes.json", b"{}".to_vec()),
    ];
    for (name, content) in &broken {
        fs::write(path(name), content).unwrap();
    }
    fs::write(path("README"), "not ours").unwrap();
    fs::create_dir(path("2026-11-20T14-03-13Z-folder.json")).unwrap();
    let found = folder.load();
    assert_eq!(found.incidents, [early.clone(), late]);
    assert_eq!(found.complaints.len(), 5, "{:?}", found.complaints);
    folder.sweep(|id| id == early.id).unwrap();
    assert_eq!(folder.load().incidents, [early]);
    assert!(broken.iter().all(|(name, _)| path(name).exists()) && path("README").exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path("2026-11-20T14-03-09Z-a.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "reasons are what people wrote for colleagues");
    }
}

#[test]
fn an_incident_never_outgrows_its_file() {
    let state = tempfile::tempdir().unwrap();
    let folder = Folder::within(state.path());
    let mut large = incident("2026-11-20T14-03-09Z-a", 100.0);
    (1..=60).for_each(|number| large.decide(entry(number)));
    folder.save(&large).unwrap();
    let [kept] = &*folder.load().incidents else { panic!("{:?}", folder.load().complaints) };
    assert_eq!(kept.decisions.len() as u64 + kept.omitted, 60);
    let numbers: Vec<_> = kept.decisions.iter().map(|one| one.seq).collect();
    assert_eq!((numbers[0], *numbers.last().unwrap()), (1, 60), "the first and the last are kept");
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_without_room_is_an_error_and_the_old_file_stays() {
    let state = tempfile::tempdir().unwrap();
    let folder = Folder::within(state.path());
    let before = incident("2026-11-20T14-03-09Z-a", 100.0);
    folder.save(&before).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path.join(FRESH)).unwrap();
    let after = Incident { relapses: 1, ..before.clone() };
    let error = folder.save(&after).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}");
    assert_eq!(folder.load().incidents, [before]);
}
