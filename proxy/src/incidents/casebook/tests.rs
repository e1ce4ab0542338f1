mod scene;

use proptest::prelude::*;
use sidestep_table::Verdict;

use self::scene::{Act, Scene, acts};
use crate::incidents::{Change, Scope};

proptest! {
    #[test]
    fn each_trouble_is_in_one_incident(acts in acts()) {
        let mut scene = Scene::new();
        for act in &acts {
            scene.run(std::slice::from_ref(act));
            scene.check()?;
        }
        scene.run(&[Act::Heal, Act::Wait(1)]);
        prop_assert!(scene.open().is_empty(), "{:?}", scene.open());
        // Each began before it ended, as often as it ended.
        for incident in &scene.incidents {
            let of = |change| scene.changes.iter().filter(|one| **one == (change, incident.id.clone())).count();
            prop_assert_eq!(of(Change::Opened), of(Change::Ended));
            prop_assert_eq!(of(Change::Opened), 1 + incident.relapses as usize);
        }
    }
}

#[test]
fn models_of_one_provider_are_one_incident_and_a_relapse_reopens_it() {
    let mut scene = Scene::new();
    scene.run(&[Act::Judge(0, Verdict::Degraded)]);
    assert!(scene.incidents.is_empty(), "a little less traffic is no incident");
    scene.run(&[Act::Wait(20_000), Act::Judge(0, Verdict::Open)]);
    assert_eq!(scene.incidents[0].scope, Scope::Model);
    scene.run(&[Act::Wait(300_000), Act::Judge(1, Verdict::Open), Act::Judge(2, Verdict::Open)]);
    let [anthropic, openai] = &*scene.incidents else { panic!("{:?}", scene.incidents) };
    assert_eq!((anthropic.scope, openai.scope), (Scope::Provider, Scope::Model));
    assert_eq!(anthropic.title, "anthropic: provider-wide trouble (opus, haiku)");
    // What led to it is in it, and what came in the same breath.
    assert_eq!(anthropic.decisions.iter().map(|one| one.seq).collect::<Vec<_>>(), [1, 2, 3]);

    scene.run(&[Act::Judge(0, Verdict::Healthy), Act::Judge(1, Verdict::Ramping), Act::Wait(60_000)]);
    assert_eq!(scene.open().len(), 2, "one of them is not yet back");
    scene.run(&[Act::Judge(1, Verdict::Healthy), Act::Wait(59_000)]);
    assert_eq!(scene.open().len(), 1);
    scene.run(&[Act::Judge(0, Verdict::Open)]);
    assert_eq!((scene.incidents.len(), scene.incidents[0].relapses), (2, 1));
    scene.run(&[Act::Heal, Act::Wait(61_000), Act::Judge(0, Verdict::Open)]);
    assert_eq!(scene.incidents.len(), 3, "a minute later it is another one");
}

#[test]
fn a_switch_alone_is_an_operators_incident_and_a_refused_key_is_named() {
    let mut scene = Scene::new();
    scene.run(&[Act::Disable(4, true)]);
    assert_eq!(scene.incidents[0].scope, Scope::Operator);
    assert_eq!(scene.incidents[0].title, "xai: grok disabled by anna: 529s");
    scene.run(&[Act::Refuse(1, true), Act::Judge(2, Verdict::Open), Act::Judge(3, Verdict::Open)]);
    scene.run(&[Act::Refuse(1, false)]);
    assert_eq!(scene.incidents[1].scope, Scope::Credential, "what it began with is what it is");
    scene.run(&[Act::Disable(4, false), Act::Remove(2), Act::Remove(2)]);
    assert!(scene.open().is_empty(), "what the configuration has no longer cannot come back");
    assert_eq!(scene.incidents[1].models[0].verdict, "removed");
}
