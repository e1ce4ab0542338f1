//! New configurations while calls are under way, as Kubernetes delivers them.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use http_body_util::BodyExt;
use serde_json::Value;
use sidestep::app::App;
use sidestep::config::reload::Reload;
use sidestep::config::{Config, Source, Variables};
use sidestep_simulator::{Fault, Simulator, Vendor};
use sidestep_tests::{Application, eventually};
use tempfile::TempDir;

use crate::{PATHS, body};

/// A folder in which a ConfigMap (or a Secret) is mounted: the files are links through `..data`, which is
/// replaced by renaming.
struct Mount {
    folder: TempDir,
    generation: u32,
}

impl Mount {
    fn with(files: &[(&str, &str)]) -> Mount {
        let mut mount = Mount { folder: tempfile::tempdir().unwrap(), generation: 0 };
        mount.put(files);
        for (name, _) in files {
            symlink(format!("..data/{name}"), mount.path(name)).unwrap();
        }
        mount
    }

    fn put(&mut self, files: &[(&str, &str)]) {
        self.generation += 1;
        let version = format!("..2026_{}", self.generation);
        std::fs::create_dir(self.path(&version)).unwrap();
        for (name, content) in files {
            std::fs::write(self.path(&version).join(name), content).unwrap();
        }
        let fresh = self.path("..data_tmp");
        symlink(&version, &fresh).unwrap();
        std::fs::rename(fresh, self.path("..data")).unwrap();
        if self.generation > 1 {
            std::fs::remove_dir_all(self.path(&format!("..2026_{}", self.generation - 1))).unwrap();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

async fn start(file: &Path) -> (App, Application) {
    let source = Source::File(file.to_owned());
    let config = Config::load(&source, &Variables::default()).unwrap_or_else(|error| panic!("{error}"));
    let reload = Reload::new(config.clone(), Variables::default());
    let app = App::start(config).await.unwrap();
    app.follow(reload);
    let application = Application::new(app.address, app.admin_address);
    (app, application)
}

async fn simulator(vendor: Vendor) -> Simulator {
    Simulator::bind("127.0.0.1:0".parse().unwrap(), vendor).await.unwrap()
}

async fn reloads(application: &Application, result: &str) -> f64 {
    let label = format!("result=\"{result}\"");
    application.scrape().await.sum("sidestep_config_reloads_total", &[&label])
}

async fn upstream(application: &Application, path: &str, model: &str) -> String {
    let heard = application.post(path, &body(path, model, true)).await;
    assert_eq!(heard.status, 200, "{}", heard.text);
    heard.header("sidestep-upstream").to_owned()
}

async fn begin(application: &Application) -> http::Response<hyper::body::Incoming> {
    let call = body("/v1/messages", "claude-opus-5-5", true);
    let mut running = application.open("/v1/messages", &call, &[]).await;
    assert!(running.body_mut().frame().await.unwrap().is_ok());
    running
}

const HEAD: &str = "listen: 127.0.0.1:0\nadmin: { listen: 127.0.0.1:0 }\nprobes: { enabled: false }\n";

const BEFORE: &str = r#"
providers:
  anthropic: { base_url: "{anthropic}", api_key: test }
  openai: { base_url: "{openai}", api_key: test }
models:
  opus: { provider: anthropic, model: claude-opus-5-5 }
  gpt: { provider: openai, model: gpt-6.1-sol }
routes:
  - { match: "claude-*", targets: [opus, gpt] }
"#;

const AFTER: &str = r#"
providers:
  openai: { base_url: "{openai}", api_key: test }
  xai: { base_url: "{xai}", api_key: test }
models:
  gpt: { provider: openai, model: gpt-6.1-sol }
  grok: { provider: xai, model: grok-4.7 }
routes:
  - { match: "claude-*", targets: [grok, gpt] }
  - { match: "fresh", targets: [gpt, grok] }
"#;

#[tokio::test]
async fn a_new_configuration_is_taken_over_and_a_broken_one_is_not() {
    let (anthropic, openai, xai) =
        tokio::join!(simulator(Vendor::anthropic()), simulator(Vendor::openai()), simulator(Vendor::xai()));
    let written = |config: &str| {
        let urls = [("{anthropic}", &anthropic), ("{openai}", &openai), ("{xai}", &xai)];
        urls.iter().fold(format!("{HEAD}{config}"), |text, (mark, one)| text.replace(mark, &one.url()))
    };
    let mut mount = Mount::with(&[("sidestep.yaml", &written(BEFORE))]);
    let (app, application) = start(&mount.path("sidestep.yaml")).await;
    for path in PATHS {
        assert_eq!(upstream(&application, path, "claude-opus-5-5").await, "opus");
        assert_eq!(application.post(path, &body(path, "fresh", false)).await.status, 404);
    }
    // Under way while everything that it needs leaves the configuration.
    anthropic.faults().set("*", Fault::SlowTokens { per_second: 8.0 }).unwrap();
    let running = begin(&application).await;

    mount.put(&[("sidestep.yaml", &written(AFTER))]);
    eventually("the new configuration is in force", async || reloads(&application, "applied").await == 1.0)
        .await;
    for path in PATHS {
        assert_eq!(upstream(&application, path, "claude-opus-5-5").await, "grok");
        assert_eq!(upstream(&application, path, "fresh").await, "gpt");
    }
    let scrape = application.scrape().await;
    assert_eq!(scrape.sum("sidestep_config_generation", &[]), 2.0);
    assert_eq!(scrape.sum("sidestep_concurrency_limit", &["model=\"opus\""]), 0.0);
    let rest = running.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&rest).contains("\"message_stop\""), "the call under way was cut");

    mount.put(&[("sidestep.yaml", &written(AFTER).replace("targets: [grok, gpt]", "targets: [grok, gtp]"))]);
    assert_refused(&application).await;

    mount.put(&[("sidestep.yaml", &written(AFTER))]);
    eventually("all is well again", async || {
        application.admin("/status").await.json()["config"]["last_reload"]["result"] == "applied"
    })
    .await;
    assert_eq!(reloads(&application, "rejected").await, 1.0);
    assert_eq!(upstream(&application, "/v1/messages", "claude-opus-5-5").await, "grok");
    drop(application);
    assert_eq!(app.stop().await, 0);
}

/// The one in force routes to grok and is the second; the new one, with `gtp` for `gpt`, is not taken over.
async fn assert_refused(application: &Application) {
    eventually("the broken one is refused", async || reloads(application, "rejected").await == 1.0).await;
    let told: Value = application.admin("/status").await.json()["config"].clone();
    assert_eq!(
        (&told["generation"], &told["last_reload"]["result"]),
        (&2.into(), &"rejected".into()),
        "{told}"
    );
    let why = told["last_reload"]["error"].as_str().unwrap();
    assert!(why.contains("gtp") && why.contains("gpt") && why.contains(":12:"), "{why}");
    assert_eq!(upstream(application, "/v1/messages", "claude-opus-5-5").await, "grok");
}

#[tokio::test]
async fn a_rotated_key_is_used_without_a_restart() {
    let anthropic = simulator(Vendor::anthropic().with_key("sk-second")).await;
    let openai = simulator(Vendor::openai()).await;
    let mut secret = Mount::with(&[("key", "sk-first\n")]);
    let key = secret.path("key").display().to_string();
    let config = BEFORE.replacen("api_key: test", &format!("api_key: {{ file: {key} }}"), 1);
    let config = config.replace("{anthropic}", &anthropic.url()).replace("{openai}", &openai.url());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sidestep.yaml");
    std::fs::write(&file, format!("{HEAD}{config}")).unwrap();
    let (app, application) = start(&file).await;
    // Our key is our affair: the application does not notice that it is refused.
    for path in PATHS {
        assert_eq!(upstream(&application, path, "claude-opus-5-5").await, "gpt");
    }
    assert!(anthropic.attempts().all().iter().all(|attempt| attempt.status == Some(401)));
    secret.put(&[("key", "sk-second\n")]);
    eventually("the new key is in use", async || {
        reloads(&application, "applied").await == 1.0
            && upstream(&application, "/v1/messages", "claude-opus-5-5").await == "opus"
    })
    .await;
    drop(application);
    app.stop().await;
}
