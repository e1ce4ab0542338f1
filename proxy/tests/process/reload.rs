//! New configurations, as the log and the metrics tell of them.

use crate::Process;
use crate::support::{Application, eventually};

#[tokio::test]
async fn a_refused_configuration_changes_nothing_but_the_log_and_a_metric() {
    let mut process = Process::start("log: { format: json }").await;
    let file = process.folder.path().join("sidestep.yaml");
    let good = std::fs::read_to_string(&file).unwrap();
    let replace = |text: &str| {
        let fresh = process.folder.path().join("fresh");
        std::fs::write(&fresh, text).unwrap();
        std::fs::rename(fresh, &file).unwrap();
    };
    let refused = "a new configuration is refused; the old one stays";
    replace(&good.replace("[opus, gpt]", "[opus, gtp]"));
    eventually("the log tells of it", async || process.said(refused).is_some()).await;
    let line = process.said(refused).unwrap();
    assert_eq!(line["level"], "ERROR");
    assert!(line["error"].as_str().unwrap().contains("did you mean `gpt`"), "{line}");
    let call = Application::messages("claude-opus-5-5", "Tell me of lighthouses.", true);
    assert_eq!(process.application.post("/v1/messages", &call).await.header("sidestep-upstream"), "opus");
    let reloads = |result: &str| format!("result=\"{result}\"");
    let scrape = process.application.scrape().await;
    assert_eq!(scrape.sum("sidestep_config_reloads_total", &[&reloads("rejected")]), 1.0);
    replace(&good.replace("[opus, gpt]", "[gpt, opus]"));
    let applied = "a new configuration is in force";
    eventually("the log tells of that, too", async || process.said(applied).is_some()).await;
    assert_eq!(process.application.post("/v1/messages", &call).await.header("sidestep-upstream"), "gpt");
    // What is wrong was told once, however often it was read.
    assert_eq!(process.log().matches(refused).count(), 1);
    process.terminate();
    assert_eq!(process.ended().await.code(), Some(0));
}
