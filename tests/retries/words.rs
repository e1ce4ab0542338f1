//! Refusals that are about the request itself.

use sidestep_simulator::{Fault, Maker, Model, Simulator, Vendor};
use sidestep_tests::{Application, Heard, Rig};

use crate::{PATHS, WAYS, asked, body, opus};

/// What the vendor itself says to the same request, without Sidestep in between.
async fn unmediated(simulator: &Simulator, path: &str, model: &str) -> Heard {
    Application::new(simulator.addr(), simulator.addr()).post(path, &body(path, model, false)).await
}

#[tokio::test]
async fn what_the_application_did_wrong_is_told_in_the_vendors_words_and_asked_once() {
    for (model, path_of_vendor) in
        [("claude-opus-5-5", PATHS[0]), ("gpt-6.1-sol", PATHS[1]), ("grok-4.7", PATHS[1])]
    {
        let rig = Rig::builder().with_route("{ match: \"grok-*\", targets: [grok, opus] }").start().await;
        let first = match model {
            "claude-opus-5-5" => &rig.anthropic,
            "gpt-6.1-sol" => &rig.openai,
            _ => &rig.xai,
        };
        first.faults().set("*", Fault::status(422)).unwrap();
        let own = unmediated(first, path_of_vendor, model).await.json();
        let words = own["error"]["message"].as_str().or(own["error"].as_str()).unwrap().to_owned();
        let before: u64 = asked(&rig).iter().sum();
        for (number, (path, stream)) in WAYS.into_iter().enumerate() {
            let heard = rig.application.post(path, &body(path, model, stream)).await;
            assert_eq!(heard.status, 422, "{}", heard.text);
            let told = heard.json();
            assert_eq!(told["error"]["message"], words.as_str(), "{path} {model}: {told}");
            assert_eq!(told["type"] == "error", path == "/v1/messages", "{told}");
            assert_eq!(asked(&rig).iter().sum::<u64>() - before, number as u64 + 1);
        }
        let told = rig.application.scrape().await;
        assert_eq!(told.sum("sidestep_requests_total", &["outcome=\"rejected\""]), 4.0);
        assert_eq!(told.sum("sidestep_opened_total", &[]), 0.0);
        rig.stop().await;
    }
}

/// A prompt that is too long for one model is no mistake as long as another one can read it.
#[tokio::test]
async fn a_prompt_that_is_too_long_goes_to_a_larger_model() {
    let small = Model::of(Maker::Anthropic, "claude-opus-5-5").with(|traits| traits.context_tokens = 5);
    for (path, stream) in WAYS {
        let rig = Rig::builder().anthropic(Vendor::anthropic().with_model(small.clone())).start().await;
        let heard = opus(&rig, path, stream).await;
        assert_eq!(
            (heard.status.as_u16(), heard.header("sidestep-upstream")),
            (200, "grok"),
            "{}",
            heard.text
        );
        assert_eq!(heard.header("sidestep-fallback-reason"), "context_length");
        // The model in between is known to read less than the one that could not.
        assert_eq!(asked(&rig), [1, 0, 1]);
        let told = rig.application.standing("opus").await;
        assert_eq!((&told["verdict"], &told["score"]), (&"healthy".into(), &0.0.into()), "{told}");
        // Nobody can: now it is the application's affair, in the words of its first choice.
        let too_long =
            Fault::Status { status: 400, retry_after_s: None, code: Some("context_length_exceeded".into()) };
        for simulator in [&rig.openai, &rig.xai] {
            simulator.faults().set("*", too_long.clone()).unwrap();
        }
        let heard = opus(&rig, path, stream).await;
        assert_eq!(heard.status, 400, "{}", heard.text);
        assert!(
            heard.json()["error"]["message"].as_str().unwrap().contains("prompt is too long"),
            "{}",
            heard.text
        );
        rig.stop().await;
    }
}
