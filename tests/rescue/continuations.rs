//! Whatever the second model makes of an answer that another one has begun, the application sees it whole or is told.

use serde_json::json;
use sidestep_simulator::{Fault, Manner, Planned};
use sidestep_tests::{Heard, Provider, Rig};

use crate::{PROMPT, ask, asked, assert_honest, assert_idle, assert_whole, body, is_ended, rescues, said};

/// The first choice is an OpenAI model, and an Anthropic one stands in: `asked` by its name there, with what is
/// `known` of it.
async fn rig(asked: &str, known: &str) -> Rig {
    let config = format!(
        r#"
listen: 127.0.0.1:0
admin: {{ listen: 127.0.0.1:0 }}
providers:
  anthropic: {{ base_url: "{{anthropic}}/v1", api_key: test }}
  openai: {{ base_url: "{{openai}}/v1", api_key: test }}
models:
  gpt: {{ provider: openai, model: gpt-6.1-sol }}
  claude: {{ provider: anthropic, model: {asked}{known} }}
routes:
  - {{ match: "gpt-*", targets: [gpt, claude] }}
probes: {{ enabled: false }}
"#
    );
    Rig::builder().config(&config).start().await
}

/// A model that continues the assistant's words, and one that does not.
const STANDINS: [&str; 2] = ["claude-haiku-4-5", "claude-opus-5-5"];

const PATHS: [&str; 3] = ["/v1/messages", "/v1/chat/completions", "/v1/responses"];

async fn heard_with(manner: Manner, stand_in: &str, path: &str, after: usize) -> (Rig, Heard) {
    let rig = rig(stand_in, "").await;
    rig.openai.faults().set("*", Fault::Cut { after, clean: false, torn: true }).unwrap();
    rig.anthropic.faults().set("*", Fault::Continuation { manner }).unwrap();
    let heard = ask(&rig, path, "gpt-6.1-sol").await;
    (rig, heard)
}

#[tokio::test]
async fn words_that_are_said_again_are_left_out() {
    for manner in [Manner::Restart, Manner::Overlap, Manner::Lean] {
        // Who continues words leaves nothing out: a blank that is missing may be missing in the middle of a word.
        for stand_in in STANDINS.into_iter().skip(usize::from(manner == Manner::Lean)) {
            for path in PATHS {
                for after in [25, 70] {
                    let what = format!("{manner:?} {stand_in} {path} {after}");
                    let (rig, heard) = heard_with(manner, stand_in, path, after).await;
                    assert_whole(&heard, &what);
                    assert_eq!(rescues(&rig, "rescued").await, 1.0, "{what}");
                    rig.stop().await;
                }
            }
        }
    }
}

#[tokio::test]
async fn what_cannot_be_joined_is_an_error() {
    for manner in [Manner::Diverge, Manner::Preamble, Manner::Blank, Manner::Foreign] {
        for stand_in in STANDINS {
            for path in PATHS {
                let what = format!("{manner:?} {stand_in} {path}");
                let (rig, heard) = heard_with(manner, stand_in, path, 60).await;
                assert_honest(&heard, &what);
                assert_eq!(rescues(&rig, "seam").await, 1.0, "{what}");
                assert_idle(&rig).await;
                rig.stop().await;
            }
        }
    }
}

/// A model that says the same for ever, or never ends, is ended.
#[tokio::test]
async fn a_continuation_that_does_not_end_is_ended() {
    for fault in [Fault::Continuation { manner: Manner::Circles }, Fault::Endless {}] {
        for path in PATHS {
            let rig = rig(STANDINS[0], "").await;
            rig.openai.faults().set("*", Fault::cut(40)).unwrap();
            rig.anthropic.faults().set("*", fault.clone()).unwrap();
            let heard = ask(&rig, path, "gpt-6.1-sol").await;
            assert!(heard.tells_error() && !is_ended(&heard), "{fault:?} {path}: {}", heard.text);
            assert!(said(&heard).len() < 1 << 20, "{} bytes", said(&heard).len());
            assert_eq!(rescues(&rig, "seam").await, 1.0);
            assert_idle(&rig).await;
            rig.stop().await;
        }
    }
}

/// Nobody can tell whether the first model would have called the same.
#[tokio::test]
async fn a_call_in_a_continuation_is_an_error() {
    for path in PATHS {
        let rig = rig(STANDINS[1], "").await;
        rig.openai.faults().set("*", Fault::cut(40)).unwrap();
        rig.anthropic.faults().set("*", Fault::Continuation { manner: Manner::Call }).unwrap();
        let mut body = body(path, "gpt-6.1-sol");
        body["tools"] = json!([crate::errors::tool(path)]);
        let heard = rig.application.post(path, &body).await;
        assert_honest(&heard, path);
        assert!(!heard.text.contains("get_weather\",\"arg"), "{}", heard.text);
        assert_eq!((asked(&rig), rescues(&rig, "seam").await), ([1, 1, 0], 1.0));
        // Left unused, tools change nothing.
        rig.anthropic.faults().clear_all();
        let heard = rig.application.post(path, &body).await;
        assert_whole(&heard, path);
        rig.stop().await;
    }
}

/// What is known of a model may be wrong: its refusal is not what the application gets to see.
#[tokio::test]
async fn a_model_that_refuses_a_prefill_is_asked_in_words() {
    for path in PATHS {
        let rig = rig(STANDINS[1], ", capabilities: { prefill: true }").await;
        rig.openai.faults().set("*", Fault::cut(40)).unwrap();
        let heard = ask(&rig, path, "gpt-6.1-sol").await;
        assert_whole(&heard, path);
        let statuses: Vec<_> = rig.anthropic.attempts().all().iter().map(|attempt| attempt.status).collect();
        assert_eq!(statuses, [Some(400), Some(200)], "{path}");
        assert!(
            heard.text.contains("\n: sidestep-rescued-by=claude; sidestep-attempts=3\n"),
            "{}",
            heard.text
        );
        // That is nobody's failure.
        assert_eq!(rig.application.standing("claude").await["score"], 0.0);
        rig.stop().await;
    }
}

/// The model that is known to continue words gets them as its own; the other gets a turn after them.
#[tokio::test]
async fn each_model_is_asked_in_the_way_that_it_takes() {
    for (model, last) in [("claude-haiku-4-5", "assistant"), ("claude-opus-5-5", "user")] {
        let refusal = Provider::response("500 Internal Server Error", "", "{}");
        let listener = Provider::saying(&refusal, None).await;
        let config = LISTENING.replace("{listener}", &listener.address.to_string()).replace("{asked}", model);
        let rig = Rig::builder().config(&config).start().await;
        rig.openai.faults().set("*", Planned::from(Fault::cut(40))).unwrap();
        let heard = ask(&rig, "/v1/chat/completions", "gpt-6.1-sol").await;
        assert_honest(&heard, model);
        let request = listener.heard().pop().unwrap();
        let sent: serde_json::Value =
            serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap();
        let turns = sent["messages"].as_array().unwrap();
        assert_eq!(turns.last().unwrap()["role"], last, "{sent}");
        assert!(turns[0]["content"].to_string().contains(PROMPT), "{sent}");
        let words = said(&heard);
        let partial = words.trim_end();
        assert!(turns[1].to_string().contains(partial) && turns[1]["role"] == "assistant", "{sent}");
        rig.stop().await;
    }
}

const LISTENING: &str = r#"
listen: 127.0.0.1:0
admin: { listen: 127.0.0.1:0 }
providers:
  listener: { dialect: anthropic, base_url: "http://{listener}/v1", api_key: test }
  openai: { base_url: "{openai}/v1", api_key: test }
models:
  gpt: { provider: openai, model: gpt-6.1-sol }
  claude: { provider: listener, model: {asked} }
routes:
  - { match: "gpt-*", targets: [gpt, claude] }
probes: { enabled: false }
"#;
