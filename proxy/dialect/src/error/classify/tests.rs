use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn class(status: u16, body: &str) -> ErrorClass {
    classify(Dialect::OpenAi, status, &HeaderMap::new(), body.as_bytes()).class
}

fn openai(kind: &str, code: &str, message: &str) -> String {
    serde_json::json!({"error": {"type": kind, "code": code, "message": message, "param": null}}).to_string()
}

fn anthropic(kind: &str, message: &str) -> String {
    serde_json::json!({"type": "error", "error": {"type": kind, "message": message}}).to_string()
}

#[test]
fn statuses_without_a_known_body() {
    use ErrorClass::{Auth, Client, Hard, ModelMissing, Overload, Quota, Rate, TooLarge};
    let table = [
        (301, Hard),
        (400, Client),
        (401, Auth),
        (402, Quota),
        (403, Auth),
        (404, ModelMissing),
        (405, Client),
        (408, Hard),
        (409, Hard),
        (413, TooLarge),
        (418, Client),
        (422, Client),
        (429, Rate),
        (500, Hard),
        (502, Hard),
        (503, Hard),
        (504, Hard),
        (520, Hard),
        (529, Overload),
    ];
    for (status, expected) in table {
        for body in ["", "<html>teapot</html>", "{}", "[]", "null", "{\"error\":null}"] {
            assert_eq!(class(status, body), expected, "{status} {body}");
        }
    }
}

/// An overload must be seen as one whatever its status; 529 is missing in many proxies' lists.
#[test]
fn overloads_are_told_from_failures() {
    assert_eq!(class(500, &anthropic("overloaded_error", "Overloaded")), ErrorClass::Overload);
    assert_eq!(class(200, &anthropic("overloaded_error", "Overloaded")), ErrorClass::Overload);
    assert_eq!(
        class(503, &openai("service_unavailable_error", "server_is_overloaded", "")),
        ErrorClass::Overload
    );
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_static("3"));
    let failure = classify(Dialect::OpenAi, 503, &headers, b"");
    assert_eq!((failure.class, failure.retry_after), (ErrorClass::Overload, Some(Duration::from_secs(3))));
}

#[test]
fn quota_is_no_rate_limit() {
    for code in ["insufficient_quota", "project_spend_limit_exceeded"] {
        assert_eq!(class(429, &openai("insufficient_quota", code, "")), ErrorClass::Quota);
    }
    let details =
        r#"{"error":{"type":"rate_limit_error","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
    assert_eq!(class(429, details), ErrorClass::Quota);
    assert_eq!(class(429, &openai("rate_limit_error", "slow_down", "")), ErrorClass::Rate);
    let low = anthropic("invalid_request_error", "Your credit balance is too low to access the API");
    assert_eq!(class(400, &low), ErrorClass::Quota);
}

#[test]
fn bad_requests_are_told_apart() {
    let invalid = |message: &str| class(400, &anthropic("invalid_request_error", message));
    assert_eq!(invalid("prompt is too long: 210000 tokens > 200000 maximum"), ErrorClass::ContextLength);
    assert_eq!(
        class(400, &openai("invalid_request_error", "context_length_exceeded", "")),
        ErrorClass::ContextLength
    );
    assert_eq!(
        invalid("messages.1.content.0: Invalid `signature` in `thinking` block"),
        ErrorClass::HistorySignature
    );
    let orphan = "Item 'rs_1' of type 'reasoning' was provided without its required following item.";
    assert_eq!(invalid(orphan), ErrorClass::HistorySignature);
    let bare = "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`.";
    assert_eq!(invalid(bare), ErrorClass::HistorySignature);
    assert_eq!(class(400, &openai("", "content_filter", "")), ErrorClass::ContentFilter);
    for refusal in [
        "This model does not support assistant message prefill. The conversation must end with a user message.",
        "Requests ending with a model turn are not supported unless the last part is a function response.",
        "Cannot set `continue_final_message` and `add_generation_prompt` together",
    ] {
        assert_eq!(invalid(refusal), ErrorClass::Prefill, "{refusal}");
    }
    assert_eq!(invalid("temperature: must be at most 1"), ErrorClass::Client);
    let xai =
        r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***zz"}"#;
    assert_eq!(class(400, xai), ErrorClass::Auth);
    assert_eq!(
        class(404, &openai("invalid_request_error", "previous_response_not_found", "")),
        ErrorClass::Client
    );
}

#[test]
fn errors_inside_a_success_go_by_their_own_type() {
    assert_eq!(class(200, &openai("server_error", "server_error", "")), ErrorClass::Hard);
    assert_eq!(class(200, &openai("tokens", "rate_limit_exceeded", "")), ErrorClass::Rate);
    assert_eq!(class(200, &anthropic("invalid_request_error", "bad")), ErrorClass::Client);
    assert_eq!(
        class(200, r#"{"type":"error","code":"insufficient_quota","message":"x"}"#),
        ErrorClass::Quota
    );
    assert_eq!(class(200, r#"{"error":{"code":502,"message":"upstream"}}"#), ErrorClass::Hard);
    let failure = classify(Dialect::Anthropic, 200, &HeaderMap::new(), b"{}");
    assert_eq!((failure.class, failure.status), (ErrorClass::Hard, None));
}

#[test]
fn gemini_tells_its_delay_in_the_body() {
    let body = br#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"quota",
        "details":[{"@type":"x"},{"retryDelay":"34s"}]}}]"#;
    let failure = classify(Dialect::OpenAi, 429, &HeaderMap::new(), body);
    assert_eq!((failure.class, failure.retry_after), (ErrorClass::Rate, Some(Duration::from_secs(34))));
}

proptest! {
    /// Whatever a vendor quotes of the prompt stays out of what is kept of the error.
    #[test]
    fn nothing_of_the_message_is_kept(secret in "[a-z]{5,12} [a-z]{5,12}", status in 200u16..600) {
        let body = openai("invalid_request_error", &secret, &secret);
        let kept = format!("{:?}", classify(Dialect::OpenAi, status, &HeaderMap::new(), body.as_bytes()));
        prop_assert!(!kept.contains(&secret), "{kept}");
    }
}
