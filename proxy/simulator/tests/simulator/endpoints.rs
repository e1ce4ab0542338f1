//! Every endpoint over real sockets, healthy.

use crate::client::{End, ask, forms, request, send, streamed};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use sidestep_simulator::{Fault, Maker, Simulator, Stage, Vendor};

async fn simulator(vendor: Vendor) -> Simulator {
    Simulator::bind("127.0.0.1:0".parse().unwrap(), vendor).await.unwrap()
}

#[tokio::test]
async fn every_form_answers_whole_and_streamed_with_the_same_text() {
    for (maker, path, body) in forms() {
        let simulator = simulator(Vendor::of(maker)).await;
        let whole = ask(&simulator, path, &body).await.unwrap();
        assert_eq!((whole.status.as_u16(), whole.end), (200, End::Proper), "{}", whole.text());
        assert_eq!(whole.header("content-length"), whole.body.len().to_string());
        let text = text_of(path, &whole.json());
        assert!(text.starts_with("You asked: Tell me of whales in 40 words. "), "{text}");
        assert_eq!(text.split_whitespace().count(), 40);
        let stream = ask(&simulator, path, &streamed(&body)).await.unwrap();
        assert_eq!(stream.header("content-type"), "text/event-stream; charset=utf-8");
        let deltas: String = stream.events().iter().map(|(_, data)| delta_of(data)).collect();
        assert_eq!(deltas, text);
        let attempts = simulator.attempts().all();
        assert_eq!(attempts.iter().map(|a| a.streamed).collect::<Vec<_>>(), [false, true]);
        for (attempt, heard) in attempts.iter().zip([&whole, &stream]) {
            assert_eq!((attempt.status, attempt.path, attempt.finished), (Some(200), path, true));
            assert_eq!(attempt.bytes, heard.body.len() as u64);
            assert!(!attempt.left_early && !attempt.probe && attempt.model.is_some());
        }
        simulator.shutdown().await;
    }
}

fn text_of(path: &str, answer: &Value) -> String {
    let text = match path {
        "/v1/messages" => &answer["content"][0]["text"],
        "/v1/responses" => &answer["output"][0]["content"][0]["text"],
        _ => &answer["choices"][0]["message"]["content"],
    };
    text.as_str().unwrap().to_owned()
}

fn delta_of(data: &str) -> String {
    let Ok(event) = serde_json::from_str::<Value>(data) else { return String::new() };
    let text = match event["type"].as_str() {
        Some("response.output_text.delta") => &event["delta"],
        Some(_) => &event["delta"]["text"],
        None => &event["choices"][0]["delta"]["content"],
    };
    text.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn every_maker_lists_its_models_and_refuses_in_its_own_form() {
    for maker in Maker::ALL {
        let simulator = simulator(Vendor::of(maker).with_key("right")).await;
        let with = |key: &str, path: &str| {
            let mut request = request(maker, path, &Value::Null);
            request.headers_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
            request
        };
        let models = send(&simulator, with("right", "/v1/models")).await.unwrap().json();
        let first = models["data"][0]["id"].as_str().unwrap().to_owned();
        let one = send(&simulator, with("right", &format!("/v1/models/{first}"))).await.unwrap().json();
        assert_eq!(one, models["data"][0]);
        let wrong = send(&simulator, with("wrong", "/v1/models")).await.unwrap();
        let missing = send(&simulator, with("right", "/v1/models/nothing")).await.unwrap();
        let nowhere = send(&simulator, with("right", "/v2/models")).await.unwrap();
        let statuses = [&wrong, &missing, &nowhere].map(|heard| heard.status.as_u16());
        assert_eq!(statuses, [401, 404, 404], "{maker:?}");
        let (auth, model) = (wrong.json(), missing.json());
        match maker {
            Maker::Anthropic => {
                assert_eq!(auth["error"]["type"], "authentication_error");
                assert_eq!(model["error"]["type"], "not_found_error");
                assert_eq!(model["request_id"], missing.header("request-id"));
                assert_eq!(missing.header("x-should-retry"), "false");
            }
            Maker::OpenAi => {
                assert_eq!(auth["error"]["code"], "invalid_api_key");
                assert_eq!(model["error"]["code"], "model_not_found");
                assert!(!missing.header("x-request-id").is_empty());
            }
            Maker::Xai => assert!(auth["error"].is_string() && model["code"].is_string()),
            Maker::Generic => assert_eq!(model["error"]["type"], "NotFoundError"),
        }
    }
}

#[tokio::test]
async fn anthropic_takes_both_auth_forms_and_insists_on_a_version() {
    let simulator = simulator(Vendor::anthropic().with_key("right")).await;
    let models = |headers: &[(&str, &str)]| {
        let request = Request::get("/v1/models").header("host", "simulated");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        send(&simulator, request.body(Full::default()).unwrap())
    };
    let version = ("anthropic-version", "2023-06-01");
    assert_eq!(models(&[("x-api-key", "right"), version]).await.unwrap().status, 200);
    assert_eq!(models(&[("authorization", "Bearer right"), version]).await.unwrap().status, 200);
    assert_eq!(models(&[("authorization", "right"), version]).await.unwrap().status, 401);
    assert_eq!(models(&[("x-api-key", "right")]).await.unwrap().status, 400);
    assert_eq!(
        models(&[("x-api-key", "right"), ("anthropic-version", "2024-01-01")]).await.unwrap().status,
        400
    );
}

#[tokio::test]
async fn tokens_are_counted_and_texts_embedded() {
    let anthropic = simulator(Vendor::anthropic()).await;
    let short = json!({ "model": "claude-haiku-5-5", "messages": [{ "role": "user", "content": "Hi" }] });
    let long =
        json!({ "model": "claude-haiku-5-5", "messages": [{ "role": "user", "content": "Hi".repeat(400) }] });
    let count = |body| ask(&anthropic, "/v1/messages/count_tokens", body);
    let short = count(&short).await.unwrap().json()["input_tokens"].as_u64().unwrap();
    assert_eq!(count(&long).await.unwrap().json()["input_tokens"].as_u64().unwrap() - short, 200 - 1);
    let openai = simulator(Vendor::openai()).await;
    let body = json!({ "model": "gpt-4.1", "input": ["a", "b", "a"], "dimensions": 16 });
    let data = ask(&openai, "/v1/embeddings", &body).await.unwrap().json()["data"].clone();
    assert_eq!(data[0]["embedding"].as_array().unwrap().len(), 16);
    assert!(data[0]["embedding"] == data[2]["embedding"] && data[0]["embedding"] != data[1]["embedding"]);
    assert_eq!(ask(&openai, "/v1/messages", &body).await.unwrap().status, 404);
}

#[tokio::test]
async fn http2_is_answered_on_the_same_port_and_a_reset_hits_only_its_stream() {
    let simulator = simulator(Vendor::openai()).await;
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let (maker, path, body) = forms().swap_remove(1);
    let get = || {
        let mut request = request(maker, path, &streamed(&body));
        *request.uri_mut() = format!("{}{path}", simulator.url()).parse().unwrap();
        client.request(request)
    };
    let answer = get().await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert!(answer.ends_with(b"data: [DONE]\n\n"));
    simulator.faults().set("*", Fault::Reset {}).unwrap();
    assert!(get().await.is_err());
    simulator.faults().set("*", Fault::cut(3)).unwrap();
    assert!(get().await.unwrap().into_body().collect().await.is_err());
    simulator.faults().clear_all();
    assert!(get().await.is_ok());
}

#[tokio::test]
async fn faults_and_attempts_are_steered_over_http() {
    let stage =
        Stage::bind("127.0.0.1:0".parse().unwrap(), vec![Vendor::anthropic(), Vendor::xai()]).await.unwrap();
    let (_, path, body) = forms().swap_remove(2);
    let xai = stage.get("xai").unwrap();
    let order = |method: &str, path: &str, body: Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request::builder().method(method).uri(path).header("host", "simulated");
        let request = request.body(Full::new(body.into())).unwrap();
        async {
            crate::client::exchange(tokio::net::TcpStream::connect(stage.control()).await.unwrap(), request)
                .await
                .unwrap()
        }
    };
    let mix = json!([
        { "fault": "status", "status": 529, "retry_after_s": 2.0, "rate": 1.0, "times": 1 },
        { "fault": "rate_limit_headers", "reset_s": 90, "rate": 1.0 },
    ]);
    let set = order("PUT", "/__simulate/xai/faults/grok-4.7", mix.clone()).await;
    assert_eq!(set.json(), json!({ "grok-4.7": mix }));
    assert_eq!(order("GET", "/__simulate/faults", Value::Null).await.json()["xai"]["grok-4.7"], mix);
    let failed = ask(xai, path, &body).await.unwrap();
    assert_eq!((failed.status.as_u16(), failed.header("retry-after")), (529, "2"));
    let limited = ask(xai, path, &body).await.unwrap();
    assert_eq!(limited.status, 200);
    assert_eq!(limited.header("x-ratelimit-remaining-requests"), "0");
    assert_eq!(limited.header("x-ratelimit-reset-requests"), "1m30s");
    let attempts = order("GET", "/__simulate/xai/attempts", Value::Null).await.json();
    assert_eq!(attempts[0]["faults"], json!(["rate_limit_headers", "status"]));
    assert!(!attempts.to_string().contains("whales"), "the log holds no prompts");
    for (method, path, body) in [
        ("PUT", "/__simulate/xai/faults/nothing", json!({ "fault": "reset" })),
        ("PUT", "/__simulate/xai/faults/*", json!({ "fault": "explode" })),
        (
            "PUT",
            "/__simulate/xai/faults",
            json!({ "*": { "fault": "reset" }, "nothing": { "fault": "reset" } }),
        ),
    ] {
        assert_eq!(order(method, path, body).await.status, 400);
    }
    assert!(!xai.faults().planned().contains_key("*"), "a wrong entry changes nothing");
    order("PUT", "/__simulate/xai/faults", json!({ "*": { "fault": "html" } })).await;
    assert_eq!(ask(xai, path, &body).await.unwrap().header("content-type"), "text/html; charset=UTF-8");
    order("DELETE", "/__simulate/faults", Value::Null).await;
    order("DELETE", "/__simulate/xai/attempts", Value::Null).await;
    assert!(xai.attempts().all().is_empty() && xai.attempts().count() == 3);
    assert_eq!(order("GET", "/__simulate/nobody/faults", Value::Null).await.status, 404);
    stage.shutdown().await;
}
