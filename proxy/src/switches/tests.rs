use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::Clock;

fn at(start: Moment, distance: i64) -> Moment {
    Moment::from_millis(start.as_millis().saturating_add_signed(distance))
}

fn switches(start: Moment) -> impl Strategy<Value = Vec<Switch>> {
    let subject = prop_oneof![
        "\\PC{1,12}".prop_map(|id| Subject::Provider(id.as_str().into())),
        "\\PC{1,12}".prop_map(|id| Subject::Model(id.as_str().into())),
    ];
    let kind = prop_oneof![Just(SwitchKind::Disable), Just(SwitchKind::Pin)];
    // From a day ago to a day ahead, but never so near that it runs out during the test.
    let until = proptest::option::of(prop_oneof![-86_400_000_i64..-1, 60_000_i64..86_400_000]);
    let switch = (subject, kind, "\\PC{0,40}", "\\PC{0,20}", until, -86_400_000_i64..=0);
    let switch = switch.prop_map(move |(subject, kind, reason, actor, until, set_at)| Switch {
        subject,
        kind,
        reason,
        actor,
        until: until.map(|distance| at(start, distance)),
        set_at: at(start, set_at),
    });
    proptest::collection::vec(switch, 0..6)
}

proptest! {
    #[test]
    fn switches_survive_a_restart_unless_they_ran_out(switches in switches(Moment::from_millis(100_000_000_000))) {
        let now = Reading::at(Moment::from_millis(100_000_000_000), 1_795_000_000.0);
        let folder = tempfile::tempdir().unwrap();
        let file = SwitchFile::in_folder(&folder.path().join("not/there/yet"));
        file.save(&switches, now).unwrap();
        // A later life of the process: its own clock begins elsewhere, the wall clock went on by a second.
        let later = Reading::at(Moment::from_millis(31_000_000_000), 1_795_000_001.0);
        let restored = file.load(later).unwrap();
        let moved = |moment: Moment| at(moment, 31_000_000_000 - 100_000_000_000 - 1000);
        let expected: Vec<_> = switches
            .into_iter()
            .filter(|switch| switch.until.is_none_or(|until| until > Moment::from_millis(100_000_001_000)))
            .map(|switch| Switch { set_at: moved(switch.set_at), until: switch.until.map(moved), ..switch })
            .collect();
        prop_assert_eq!(restored, expected);
    }
}

#[test]
fn no_file_means_no_switches() {
    let folder = tempfile::tempdir().unwrap();
    let file = SwitchFile::in_folder(folder.path());
    assert_eq!(file.load(Clock::start().reading()).unwrap(), Vec::new());
    assert_eq!(file.set_aside().unwrap(), None);
}

#[test]
fn a_broken_file_is_an_error_that_says_where_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = SwitchFile::in_folder(folder.path());
    let now = Clock::start().reading();
    for broken in ["{\n  \"version\": 1,\n  oops", "{\"version\":2,\"switches\":[]}", "", "\u{0}"] {
        fs::write(file.path(), broken).unwrap();
        let error = file.load(now).unwrap_err().to_string();
        assert!(error.contains("switches.json") && error.contains("--forget-switches"), "{error}");
    }
    fs::write(file.path(), "{\n  \"version\": 1,\n  oops").unwrap();
    assert!(file.load(now).unwrap_err().to_string().contains("line 3 column 3"));
    let aside = file.set_aside().unwrap().unwrap();
    assert!(fs::read_to_string(aside).unwrap().contains("oops"), "nothing is lost");
    assert_eq!(file.load(now).unwrap(), Vec::new());
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("flat"), "a file where a folder should be").unwrap();
    let file = SwitchFile::in_folder(&folder.path().join("flat"));
    let error = file.save(&[], Clock::start().reading()).unwrap_err().to_string();
    assert!(error.contains("flat"), "{error}");
}

#[test]
fn a_half_written_file_never_replaces_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = SwitchFile::in_folder(folder.path());
    let clock = Clock::start();
    let switch = Switch {
        subject: Subject::Provider("anthropic".into()),
        kind: SwitchKind::Disable,
        reason: "errors".to_owned(),
        actor: "ada".to_owned(),
        until: None,
        set_at: clock.now(),
    };
    file.save(std::slice::from_ref(&switch), clock.reading()).unwrap();
    // As after a crash between writing and renaming.
    fs::write(folder.path().join("switches.json.new"), "{\"version\": 1, \"swi").unwrap();
    let restored = file.load(clock.reading()).unwrap();
    assert_eq!(restored.len(), 1);
    assert_eq!(restored[0].reason, "errors");
    assert!(restored[0].set_at.saturating_since(switch.set_at) < Duration::from_secs(60));
    file.save(&[], clock.reading()).unwrap();
    assert_eq!(file.load(clock.reading()).unwrap(), Vec::new());
}
