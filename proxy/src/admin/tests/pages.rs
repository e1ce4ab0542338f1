use super::*;

#[tokio::test]
async fn every_page_answers_and_every_method_has_its_place() {
    let rig = Rig::start(None).await;
    for page in ["/", "/livez", "/readyz", "/metrics", "/status", "/switches"] {
        let got = rig.get(page).await;
        assert_eq!(got.status, 200, "{page}: {}", got.body);
        assert!(got.head.contains("cache-control: no-store"), "{}", got.head);
        let head = rig.ask("HEAD", page, &[], "").await;
        assert_eq!((head.status, head.body.as_str()), (200, ""), "HEAD {page}");
        let got = rig.ask("PUT", page, &[], "").await;
        assert_eq!(got.status, 405, "PUT {page}");
        assert!(got.head.contains("allow: GET"), "{}", got.head);
        assert!(rig.get("/").await.body.contains(page), "the index names {page}");
    }
    for unknown in ["/nothing", "/status/", "//", "/switchesx", "/%2e%2e"] {
        let got = rig.get(unknown).await;
        assert_eq!(got.status, 404, "{unknown}");
        assert!(got.body.contains("/switches"), "a 404 shows the way: {}", got.body);
    }
    assert_eq!(rig.get("/status?verbose").await.status, 200, "a query changes nothing");
    assert_eq!(rig.get("/switches/opus").await.status, 405);
    rig.stop().await;
}

#[tokio::test]
async fn ready_after_every_part_and_until_draining_whatever_upstreams_do() {
    let rig = Rig::start(None).await;
    let guard = rig.admin.readiness.wait_for("listener");
    let got = rig.get("/readyz").await;
    assert_eq!((got.status, got.body.as_str()), (503, "not ready: waiting for listener\n"));
    guard.ready();
    assert_eq!(rig.get("/readyz").await.status, 200);
    for provider in ["anthropic", "openai", "provider:twin"] {
        assert_eq!(rig.disable(provider).await.status, 200);
    }
    assert_eq!(rig.get("/readyz").await.status, 200, "no upstream is left, yet the process is ready");
    rig.admin.readiness.drain();
    let got = rig.get("/readyz").await;
    assert_eq!((got.status, got.body.as_str()), (503, "not ready: shutting down\n"));
    assert_eq!(rig.get("/livez").await.status, 200, "draining is no reason to be killed");
    rig.stop().await;
}

#[tokio::test]
async fn a_scrape_shows_the_table_as_it_is() {
    let rig = Rig::start(None).await;
    rig.disable("opus").await;
    let got = rig.get("/metrics").await;
    assert!(got.head.contains("content-type: text/plain; version=0.0.4"), "{}", got.head);
    for line in [
        "sidestep_model_verdict{model=\"opus\",provider=\"anthropic\",verdict=\"disabled\"} 1",
        "sidestep_model_verdict{model=\"opus\",provider=\"anthropic\",verdict=\"healthy\"} 0",
        "sidestep_model_verdict{model=\"gpt\",provider=\"openai\",verdict=\"healthy\"} 1",
        "sidestep_traffic_share_ratio{model=\"gpt\",provider=\"openai\"} 1",
        "sidestep_concurrency_limit{model=\"gpt\",provider=\"openai\"} 8",
        "sidestep_provider_verdict{provider=\"anthropic\",verdict=\"healthy\"} 1",
        "sidestep_switches_active 1",
        "sidestep_connections_open{listener=\"admin\"} 1",
        "sidestep_config_generation 1",
    ] {
        assert!(got.body.lines().any(|found| found == line), "{line} is missing in\n{}", got.body);
    }
    rig.stop().await;
}

#[tokio::test]
async fn status_tells_what_an_operator_asks_for() {
    let rig = Rig::start(None).await;
    rig.admin.config.rejected("sidestep.yaml:3:7: no such provider `antropic`\n  | more lines");
    rig.admin.metrics.model("anthropic", "opus").probe_spent(0.5, 100);
    rig.disable("opus").await;
    let status = rig.get("/status").await.json();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["ready"], true);
    assert_eq!(status["config"]["source"], "/etc/sidestep.yaml");
    assert_eq!(status["config"]["last_reload"]["result"], "rejected");
    let opus = &status["models"][0];
    assert_eq!(opus["id"], "opus");
    assert_eq!(opus["verdict"], "disabled");
    assert_eq!(opus["measured"], "healthy");
    assert_eq!(opus["switch"]["actor"], "ada");
    assert_eq!(opus["concurrency_limit"], 8);
    assert_eq!(status["providers"][2]["id"], "twin");
    let order: Vec<_> = status["routes"][0]["order"].as_array().unwrap().iter().collect();
    let models: Vec<_> = order.iter().map(|target| target["model"].as_str().unwrap()).collect();
    assert_eq!(models, ["gpt", "twin", "opus"], "what is disabled goes last");
    assert_eq!(order[2]["eligible"], false);
    assert_eq!(status["probes"]["usd"], 0.5);
    assert_eq!(status["probes"]["tokens"], 100);
    let event = status["events"].as_array().unwrap().last().unwrap();
    assert!(event["why"].as_str().unwrap().starts_with("refused, the old one stays: sidestep.yaml:3:7"));
    let set_at = status["switches"][0]["set_at"].as_f64().unwrap();
    assert!((status["at"].as_f64().unwrap() - set_at).abs() < 60.0, "times are wall-clock times");
    rig.stop().await;
}
