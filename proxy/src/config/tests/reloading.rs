//! Changes of files, as volumes and editors make them.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::Instant;

use crate::config::{
    Config, Overrides, Source, Variables,
    reload::{POLL_INTERVAL, Polled, Reload, watch},
};

/// A folder as a ConfigMap or Secret volume is laid out: `name → ..data/name`, `..data → ..revision`.
struct Volume {
    folder: TempDir,
    revision: usize,
}

impl Volume {
    fn new(files: &[(&str, &str)]) -> Self {
        let mut volume = Self { folder: tempfile::tempdir().unwrap(), revision: 0 };
        volume.swap(files);
        for (name, _) in files {
            symlink(Path::new("..data").join(name), volume.path(name)).unwrap();
        }
        volume
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A new revision, put in place of the old one by one rename, as the kubelet does.
    fn swap(&mut self, files: &[(&str, &str)]) {
        self.revision += 1;
        let revision = format!("..{}", self.revision);
        fs::create_dir(self.path(&revision)).unwrap();
        for (name, text) in files {
            fs::write(self.path(&revision).join(name), text).unwrap();
        }
        symlink(&revision, self.path("..data_tmp")).unwrap();
        fs::rename(self.path("..data_tmp"), self.path("..data")).unwrap();
        if self.revision > 1 {
            fs::remove_dir_all(self.path(&format!("..{}", self.revision - 1))).unwrap();
        }
    }

    fn reload(&self) -> Reload {
        let variables = Variables::default();
        let config = Config::load(&Source::File(self.path("sidestep.yaml")), &variables).unwrap();
        Reload::new(config, variables)
    }
}

const FIRST: &str = r#"
providers:
  openai: { api_key: { file: key } }
  own: { dialect: openai, base_url: "http://localhost:1", ca_file: ca.pem }
models: { gpt: { provider: openai, model: gpt }, own: { provider: own, model: own } }
routes: [{ match: "*", targets: [gpt, own] }]
"#;

fn changed(polled: Polled) -> (Config, Vec<&'static str>) {
    match polled {
        Polled::Changed { config, restart } => (*config, restart),
        other => panic!("{other:?}"),
    }
}

fn key(config: &Config) -> &str {
    config.providers[0].api_key.as_ref().unwrap().secret().unwrap().expose()
}

#[test]
fn swapped_volumes_are_noticed_whatever_file_of_them_changed() {
    let mut volume = Volume::new(&[("sidestep.yaml", FIRST), ("key", "one\n"), ("ca.pem", "a")]);
    let mut reload = volume.reload();
    assert!(matches!(reload.poll_once(), Polled::Unchanged));
    volume.swap(&[("sidestep.yaml", FIRST), ("key", "one"), ("ca.pem", "a")]);
    assert!(matches!(reload.poll_once(), Polled::Unchanged), "the same content in another folder");

    volume.swap(&[("sidestep.yaml", FIRST), ("key", "two"), ("ca.pem", "a")]);
    assert_eq!(key(&changed(reload.poll_once()).0), "two");
    volume.swap(&[("sidestep.yaml", FIRST), ("key", "two"), ("ca.pem", "b")]);
    assert_eq!(changed(reload.poll_once()).1, Vec::<&str>::new());
    let moved = FIRST.replace("providers:", "listen: 127.0.0.1:7\nproviders:");
    volume.swap(&[("sidestep.yaml", &moved), ("key", "two"), ("ca.pem", "b")]);
    let (config, restart) = changed(reload.poll_once());
    assert_eq!((config.listen.port(), restart), (7, vec!["listen"]));
    assert!(matches!(reload.poll_once(), Polled::Unchanged));
}

#[test]
fn a_refused_one_is_told_once_and_its_mending_is_told_too() {
    let mut volume = Volume::new(&[("sidestep.yaml", FIRST), ("key", "one"), ("ca.pem", "a")]);
    let mut reload = volume.reload();
    let broken = FIRST.replace("routes", "rotues");
    volume.swap(&[("sidestep.yaml", &broken), ("key", "one"), ("ca.pem", "a")]);
    let Polled::Refused(error) = reload.poll_once() else { panic!() };
    assert!(error.to_string().contains(":6:1: unknown key `rotues`, did you mean `routes`?"), "{error}");
    assert!(matches!(reload.poll_once(), Polled::Unchanged));

    // What is wrong may be another file, which nothing in the text of the configuration tells.
    volume.swap(&[("sidestep.yaml", FIRST), ("key", "one")]);
    let Polled::Refused(error) = reload.poll_once() else { panic!() };
    assert!(error.to_string().contains("ca_file"), "{error}");
    volume.swap(&[("sidestep.yaml", FIRST), ("key", "one"), ("ca.pem", "a")]);
    assert_eq!(key(&changed(reload.poll_once()).0), "one");

    fs::remove_file(volume.path("sidestep.yaml")).unwrap();
    assert!(matches!(reload.poll_once(), Polled::Refused(_)));
    assert!(matches!(reload.poll_once(), Polled::Unchanged));
}

#[test]
fn what_is_insisted_on_holds_for_whatever_comes() {
    let mut volume = Volume::new(&[("sidestep.yaml", FIRST), ("key", "one"), ("ca.pem", "a")]);
    let overrides = Overrides {
        listen: Some("127.0.0.1:1".parse().unwrap()),
        admin_listen: Some("0.0.0.0:2".parse().unwrap()),
        log_level: Some("debug".to_owned()),
        drain_grace: Some(Duration::from_secs(20)),
    };
    let holds = |config: &Config| {
        assert_eq!((config.listen.port(), config.admin.listen.port()), (1, 2));
        assert_eq!((config.log.level.as_str(), config.drain.grace.as_secs()), ("debug", 20));
    };
    let source = Source::File(volume.path("sidestep.yaml"));
    let mut config = Config::load(&source, &Variables::default()).unwrap();
    overrides.apply(&mut config);
    holds(&config);
    let mut reload = Reload::new(config, Variables::default()).insisting(overrides);
    assert!(matches!(reload.poll_once(), Polled::Unchanged));

    let moved = format!("listen: 127.0.0.1:7\nlog: {{ level: trace }}\n{FIRST}");
    volume.swap(&[("sidestep.yaml", &moved), ("key", "two"), ("ca.pem", "a")]);
    let (config, restart) = changed(reload.poll_once());
    holds(&config);
    assert_eq!((key(&config), restart), ("two", Vec::<&str>::new()), "nothing waits for a restart");
}

#[tokio::test(start_paused = true)]
async fn the_poll_runs_every_two_seconds_and_only_tells_what_is_new() {
    let mut volume = Volume::new(&[("sidestep.yaml", FIRST), ("key", "one"), ("ca.pem", "a")]);
    let told = Arc::new(Mutex::new(Vec::new()));
    let start = Instant::now();
    let publish = {
        let told = told.clone();
        move |polled| told.lock().unwrap().push((start.elapsed(), key(&changed(polled).0).to_owned()))
    };
    let watching = watch(volume.reload(), POLL_INTERVAL, publish);
    let _ = tokio::time::timeout(Duration::from_secs(7), watching).await;
    assert_eq!(*told.lock().unwrap(), []);

    let publish = {
        let told = told.clone();
        move |polled| told.lock().unwrap().push((start.elapsed(), key(&changed(polled).0).to_owned()))
    };
    let reload = volume.reload();
    volume.swap(&[("sidestep.yaml", FIRST), ("key", "two"), ("ca.pem", "a")]);
    let _ = tokio::time::timeout(Duration::from_secs(7), watch(reload, POLL_INTERVAL, publish)).await;
    let told = told.lock().unwrap();
    let [(when, key)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((when.as_secs(), key.as_str()), (9, "two"));
}
