//! Our errors in the caller's dialect.
//!
//! Bodies: Anthropic `{"type":"error","error":{"type","message"},"request_id"}`; OpenAI
//! `{"error":{"message","type","param","code"}}`, all four keys present (OpenAI's published OpenAPI).

use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};

use super::{ErrorForm, ErrorKind};
use crate::Dialect;

const OVERLOADED_AT_ANTHROPIC: u16 = 529;
const OVERLOADED_AT_OPENAI: u16 = 503;

/// Status, headers and body that tell `form` to a client of `dialect`.
#[must_use]
pub fn write_error(dialect: Dialect, form: &ErrorForm) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let id_header = match dialect {
        Dialect::Anthropic => "request-id",
        Dialect::OpenAi | Dialect::Responses => "x-request-id",
    };
    if let Ok(id) = HeaderValue::from_str(&form.request_id) {
        headers.insert(HeaderName::from_static(id_header), id);
    }
    if let Some(wait) = form.retry_after {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(retry) = form.should_retry {
        let value = HeaderValue::from_static(if retry { "true" } else { "false" });
        headers.insert(HeaderName::from_static("x-should-retry"), value);
    }
    let status = StatusCode::from_u16(status(dialect, form)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, headers, body(dialect, form).to_string().into_bytes())
}

/// The event that tells `form` inside a stream that has begun, without any end-of-stream marker: an
/// answer that broke off must not look finished.
///
/// In the Responses dialect the fields stand flat, as the specification has it, and nested, as the
/// API sends it: each official client raises on one of the two.
#[must_use]
pub fn write_stream_error(dialect: Dialect, form: &ErrorForm) -> Bytes {
    let body = body(dialect, form);
    Bytes::from(match dialect {
        Dialect::Anthropic => format!("event: error\ndata: {body}\n\n"),
        Dialect::OpenAi => format!("data: {body}\n\n"),
        Dialect::Responses => {
            let error = &body["error"];
            let event = json!({
                "type": "error", "code": error["code"], "message": error["message"], "param": error["param"],
                "error": error, "sequence_number": 0,
            });
            format!("event: error\ndata: {event}\n\n")
        }
    })
}

fn body(dialect: Dialect, form: &ErrorForm) -> Value {
    match dialect {
        Dialect::Anthropic => json!({
            "type": "error",
            "error": { "type": anthropic_type(form.kind), "message": form.message },
            "request_id": form.request_id,
        }),
        Dialect::OpenAi | Dialect::Responses => {
            let (kind, code) = openai_type(form.kind);
            json!({ "error": {
                "message": form.message, "type": kind, "param": form.param, "code": form.code.or(code),
            } })
        }
    }
}

fn status(dialect: Dialect, form: &ErrorForm) -> u16 {
    match (dialect, form.kind) {
        (Dialect::Anthropic, ErrorKind::Overloaded) => OVERLOADED_AT_ANTHROPIC,
        (_, ErrorKind::Overloaded) => OVERLOADED_AT_OPENAI,
        _ => form.status,
    }
}

const fn anthropic_type(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "invalid_request_error",
        ErrorKind::NotFound => "not_found_error",
        ErrorKind::TooLarge => "request_too_large",
        ErrorKind::RateLimit => "rate_limit_error",
        ErrorKind::Overloaded => "overloaded_error",
        ErrorKind::Timeout => "timeout_error",
        ErrorKind::Unavailable | ErrorKind::Internal => "api_error",
    }
}

/// Codes are such that agents retry: `server_is_overloaded` and `slow_down` make some give up for good.
const fn openai_type(kind: ErrorKind) -> (&'static str, Option<&'static str>) {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::TooLarge => ("invalid_request_error", None),
        ErrorKind::NotFound => ("invalid_request_error", Some("model_not_found")),
        ErrorKind::RateLimit => ("rate_limit_error", Some("rate_limit_exceeded")),
        ErrorKind::Overloaded | ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal => {
            ("server_error", Some("server_error"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn form(kind: ErrorKind) -> ErrorForm {
        ErrorForm {
            status: 503,
            kind,
            message: "no target can answer".to_owned(),
            code: None,
            param: None,
            retry_after: Some(Duration::from_millis(1200)),
            should_retry: Some(false),
            request_id: "req_1".to_owned(),
        }
    }

    #[test]
    fn each_dialect_gets_its_own_status_id_header_and_body() {
        let (status, headers, body) = write_error(Dialect::Anthropic, &form(ErrorKind::Overloaded));
        assert_eq!(status.as_u16(), 529);
        assert_eq!(
            (headers["request-id"].as_bytes(), headers["retry-after"].as_bytes()),
            (&b"req_1"[..], &b"2"[..])
        );
        assert_eq!(headers["x-should-retry"], "false");
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["type"], "overloaded_error");
        assert_eq!(body["request_id"], "req_1");

        let (status, headers, body) = write_error(Dialect::OpenAi, &form(ErrorKind::Overloaded));
        assert_eq!((status.as_u16(), &headers["x-request-id"]), (503, &HeaderValue::from_static("req_1")));
        let body: Value = serde_json::from_slice(&body).unwrap();
        // Clients that see `server_is_overloaded` or `slow_down` never try again.
        assert_eq!(body["error"]["code"], "server_error");
        assert_eq!(body["error"].as_object().unwrap().len(), 4);
    }

    #[test]
    fn stream_errors_are_one_event_without_an_end_marker() {
        for dialect in Dialect::ALL {
            let text =
                String::from_utf8(write_stream_error(dialect, &form(ErrorKind::Internal)).to_vec()).unwrap();
            assert!(text.ends_with("\n\n") && text.matches("\n\n").count() == 1, "{text}");
            assert!(!text.contains("[DONE]") && !text.contains("message_stop"), "{text}");
            let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!(data["error"]["message"], "no target can answer");
            if dialect == Dialect::Responses {
                assert_eq!(data["message"], data["error"]["message"]);
            }
        }
    }
}
