//! Configurations that are refused, and those that change who is told.

use std::path::Path;

use sidestep::app::App;
use sidestep::config::reload::Reload;
use sidestep::config::{Config, Source, Variables};
use sidestep_tests::{Application, Provider, eventually};

use crate::{QUICK, knows, receiver, told, told_of};

/// Puts another file over the one that is there.
fn put(file: &Path, text: &str) {
    let fresh = file.with_extension("fresh");
    std::fs::write(&fresh, text).unwrap();
    std::fs::rename(fresh, file).unwrap();
}

fn written(receiver: &Provider) -> String {
    let quick = QUICK.replace("{anthropic}", "http://127.0.0.1:1").replace("{openai}", "http://127.0.0.1:1");
    let quick =
        quick.replace("probes: { interval: 200ms, suspect_interval: 100ms }", "probes: { enabled: false }");
    format!(
        "{quick}notify: {{ targets: {{ hook: {{ kind: webhook, url: 'http://{}/' }} }} }}\n",
        receiver.address
    )
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

#[tokio::test]
async fn a_refused_configuration_is_told_until_it_changes_and_a_new_one_changes_who_is_told() {
    let (first, second) = tokio::join!(receiver(), receiver());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sidestep.yaml");
    put(&file, &written(&first));
    let (app, application) = start(&file).await;

    put(&file, &written(&first).replace("targets: [opus, gpt]", "targets: [opsu, gpt]"));
    eventually("it is told", async || knows(&first, "config_refused", "began")).await;
    put(&file, &written(&first).replace("targets: [haiku, gpt]", "targets: [haiku, gtp]"));
    eventually("another reason is told", async || knows(&first, "config_refused", "grew")).await;
    let refused = told_of(&first, "config_refused");
    let summary = |at: usize| refused[at]["summary"].as_str().unwrap().to_owned();
    assert!(summary(0).contains("unknown model `opsu`") && summary(1).contains("`gtp`"), "{refused:#?}");
    assert_eq!(refused.len(), 2);

    // In force again, with another receiver: what is over is told where it can be told.
    put(&file, &written(&second));
    eventually("it is in force", async || {
        application.scrape().await.sum("sidestep_config_reloads_total", &["result=\"applied\""]) == 1.0
    })
    .await;
    assert_eq!(application.disable("anthropic", "to have something to tell").await.status, 200);
    assert_eq!(application.disable("openai", "to have something to tell").await.status, 200);
    eventually("the second one is told", async || knows(&second, "nothing_eligible", "began")).await;
    assert_eq!(told_of(&first, "nothing_eligible").len(), 0);
    assert_eq!(told(&first).len() + told_of(&second, "config_refused").len(), 3, "the end is told once");
    app.stop().await;
}
