use futures_util::future::BoxFuture;
use http::StatusCode;
use sidestep_table::Class;
use tokio::time::timeout;
use tower::{ServiceExt, service_fn};

use super::*;
use crate::body::full;
use crate::layers::bench::call;
use crate::metrics::Outcome;

const PING: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";

type Answered = Result<Response<Body>, Refusal>;

/// Sends `call` to a service that answers after `seconds` with the word "answer", or with a refusal.
async fn after(seconds: u64, refusal: Option<Refusal>, call: Call) -> Answered {
    let mut refusal = Some(refusal);
    let service = service_fn(move |call: Call| -> BoxFuture<'static, Answered> {
        let refusal = refusal.take().unwrap();
        Box::pin(async move {
            sleep(Duration::from_secs(seconds)).await;
            call.story.served("b1".into(), (Duration::ZERO, None), Vec::new());
            refusal.map_or_else(|| Ok(respond(EVENT_STREAM, full("answer"))), Err)
        })
    });
    HoldLayer.layer(service).oneshot(call).await
}

async fn heard(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_head_waits_for_the_answer_as_long_as_it_may_and_signs_of_life_follow_it() {
    for (seconds, pings) in [(14, 0), (16, 1), (26, 3)] {
        let began = Instant::now();
        let response = after(seconds, None, call(", hold: 15s", true)).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), seconds.min(15));
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], EVENT_STREAM);
        let heard = heard(response).await;
        let comment = if pings > 0 { ": sidestep-upstream=b1; sidestep-attempts=0\n\n" } else { "" };
        assert_eq!(heard, PING.repeat(pings) + comment + "answer");
        assert_eq!(began.elapsed().as_secs(), seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_after_the_head_is_told_in_the_stream() {
    let refusal = Refusal::Exhausted { class: Class::Overload, retry_after: None };
    let asked = call(", hold: 15s", true);
    let story = asked.story.clone();
    let response = after(16, Some(refusal), asked).await.unwrap();
    assert!(story.read().held);
    let heard = heard(response).await;
    let (before, error) = heard.split_once("event: error\n").unwrap();
    assert!(before.starts_with(PING) && before.contains("\n: sidestep-upstream=b1"), "{heard}");
    assert!(error.contains("overloaded_error") && error.matches("\n\n").count() == 1, "{heard}");
    assert_eq!(story.read().ending, Some(Outcome::Failed));
    // In time, it keeps its status.
    let refusal = Refusal::Exhausted { class: Class::Overload, retry_after: None };
    assert!(after(14, Some(refusal), call(", hold: 15s", true)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn whole_answers_and_routes_that_say_so_are_waited_for_in_silence() {
    for call in [call(", hold: 15s", false), call(", hold: 0s", true)] {
        let began = Instant::now();
        let response = after(500, None, call).await.unwrap();
        assert_eq!((began.elapsed().as_secs(), &*heard(response).await), (500, "answer"));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_while_waiting_takes_the_question_back() {
    let asked = call(", hold: 15s", true);
    let story = Arc::downgrade(&asked.story);
    let mut response = after(500, None, asked).await.unwrap();
    assert_eq!(response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(), PING);
    assert!(timeout(Duration::from_secs(4), response.body_mut().frame()).await.is_err());
    assert!(story.upgrade().is_some());
    drop(response);
    assert!(story.upgrade().is_none());
}
