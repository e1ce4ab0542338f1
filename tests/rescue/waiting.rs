//! What the application hears while others are asked, and what becomes of it all when it leaves.

use std::time::Duration;

use http_body_util::BodyExt;
use sidestep_simulator::{Fault, Simulator};
use sidestep_tests::{Rig, eventually};

use crate::{
    WAYS, ask, asked, assert_honest, assert_idle, assert_whole, body, first, is_ended, rescues, said,
};

/// The usual models, with a short patience.
async fn rig(route: &str) -> Rig {
    let config = format!(
        r#"
listen: 127.0.0.1:0
admin: {{ listen: 127.0.0.1:0 }}
providers:
  anthropic: {{ base_url: "{{anthropic}}/v1", api_key: test }}
  openai: {{ base_url: "{{openai}}/v1", api_key: test }}
models:
  opus: {{ provider: anthropic, model: claude-opus-5-5 }}
  gpt: {{ provider: openai, model: gpt-6.1-sol }}
routes:
  - {{ match: "claude-*", targets: [opus, gpt] {route} }}
  - {{ match: "gpt-*", targets: [gpt, opus] {route} }}
probes: {{ enabled: false }}
"#
    );
    Rig::builder().config(&config).start().await
}

fn second<'a>(rig: &'a Rig, model: &str) -> &'a Simulator {
    if model.starts_with("claude") { &rig.openai } else { &rig.anthropic }
}

#[tokio::test]
async fn a_stall_is_made_good_like_any_other_break() {
    for (path, model) in WAYS {
        let rig = rig(", stall_timeout: 300ms").await;
        first(&rig, model).faults().set("*", Fault::Stall { after: 30 }).unwrap();
        let heard = ask(&rig, path, model).await;
        assert_whole(&heard, &format!("{path} {model}"));
        assert_eq!((asked(&rig), rescues(&rig, "rescued").await), ([1, 1, 0], 1.0));
        assert_idle(&rig).await;
        // The provider that fell silent was let go.
        assert!(first(&rig, model).attempts().all()[0].left_early);
        rig.stop().await;
    }
}

/// Whoever does not begin in time is not waited for any longer.
#[tokio::test]
async fn a_rescue_has_a_time_of_its_own() {
    for (path, model) in WAYS {
        let rig = rig(", first_token_timeout: 500ms").await;
        first(&rig, model).faults().set("*", Fault::cut(30)).unwrap();
        second(&rig, model).faults().set("*", Fault::NoAnswer {}).unwrap();
        let heard = ask(&rig, path, model).await;
        assert_honest(&heard, &format!("{path} {model}"));
        assert_eq!(rescues(&rig, "failed").await, 1.0);
        assert_idle(&rig).await;
        rig.stop().await;
    }
}

/// Everything upstream is cancelled, and every place comes free: while another target is asked, and while it answers.
#[tokio::test]
async fn an_application_that_leaves_in_the_middle_of_a_rescue_leaves_nothing_behind() {
    for (path, model) in WAYS {
        for fault in [Fault::NoAnswer {}, Fault::SlowTokens { per_second: 2.0 }] {
            let rig = rig("").await;
            first(&rig, model).faults().set("*", Fault::cut(30)).unwrap();
            second(&rig, model).faults().set("*", fault.clone()).unwrap();
            let mut response = rig.application.open(path, &body(path, model), &[]).await;
            let reading = async { while let Some(Ok(_)) = response.body_mut().frame().await {} };
            let arrived =
                eventually("the second one is asked", async || second(&rig, model).attempts().count() == 1);
            tokio::select! {
                () = reading => panic!("the answer ended: {fault:?} {path} {model}"),
                () = arrived => {}
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(response);
            assert_idle(&rig).await;
            eventually("the second one is let go", async || {
                second(&rig, model).attempts().all().iter().all(|attempt| attempt.left_early)
            })
            .await;
            let scrape = rig.application.scrape().await;
            assert_eq!(rescues(&rig, "left").await, 1.0, "{fault:?} {path} {model}");
            assert_eq!(scrape.sum("sidestep_requests_total", &["outcome=\"cancelled\""]), 1.0);
            assert_eq!(scrape.sum("sidestep_attempts_total", &["class=\"cancel\""]), 1.0);
            rig.stop().await;
        }
    }
}

/// Nobody else is there, so a well model of the same provider goes on; an overloaded provider is left alone.
#[tokio::test]
async fn a_sibling_goes_on_when_there_is_nobody_else() {
    let config = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  anthropic: { base_url: "{anthropic}/v1", api_key: test }
models:
  opus: { provider: anthropic, model: claude-opus-5-5 }
  sonnet: { provider: anthropic, model: claude-sonnet-5-5 }
routes:
  - { match: "claude-*", targets: [opus, sonnet], single_provider: true }
probes: { enabled: false }
"#;
    for (status, outcome) in [(500, "rescued"), (529, "nobody")] {
        let rig = Rig::builder().config(config).start().await;
        rig.anthropic.faults().set("claude-opus-5-5", Fault::InBandError { after: 30, status }).unwrap();
        let heard = ask(&rig, "/v1/messages", "claude-opus-5-5").await;
        match outcome {
            "rescued" => assert_whole(&heard, outcome),
            _ => assert_honest(&heard, outcome),
        }
        assert_eq!(rescues(&rig, outcome).await, 1.0, "{outcome}");
        rig.stop().await;
    }
}

/// A head and signs of life while everybody is silent; then the answer, with what its head could not say.
#[tokio::test]
async fn an_answer_that_is_late_to_begin_is_held() {
    for (path, model) in WAYS {
        for refused in [false, true] {
            let rig = rig(", hold: 200ms, hedge: false").await;
            first(&rig, model)
                .faults()
                .set_all(
                    "*",
                    match refused {
                        false => vec![Fault::LateFirstToken { ms: 500, hold_head: true }.into()],
                        true => vec![
                            Fault::LateFirstToken { ms: 500, hold_head: true }.into(),
                            Fault::InBandError { after: 0, status: 500 }.into(),
                        ],
                    },
                )
                .unwrap();
            if refused {
                second(&rig, model).faults().set("*", Fault::status(500)).unwrap();
            }
            let heard = ask(&rig, path, model).await;
            let what = format!("{path} {model} {refused}: {}", heard.text);
            assert_eq!((heard.status.as_u16(), heard.header("sidestep-upstream")), (200, ""), "{what}");
            let alive = if path == "/v1/messages" { "event: ping\n" } else { ": keep-alive\n" };
            assert!(heard.text.starts_with(alive), "{what}");
            if refused {
                assert!(heard.tells_error() && !is_ended(&heard) && said(&heard).is_empty(), "{what}");
                let scrape = rig.application.scrape().await;
                assert_eq!(scrape.sum("sidestep_requests_total", &["outcome=\"failed\""]), 1.0, "{what}");
            } else {
                assert_whole(&heard, &what);
                let upstream = if model.starts_with("claude") { "opus" } else { "gpt" };
                assert!(
                    heard.text.contains(&format!("\n: sidestep-upstream={upstream}; sidestep-attempts=1\n"))
                );
            }
            rig.stop().await;
        }
    }
}
