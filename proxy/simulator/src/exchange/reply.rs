//! A reply before it is on its way.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode, Version};
use serde_json::Value;

use super::Exchange;
use crate::complaint::Complaint;
use crate::delivery::{Body, BrokenOff, Step, deliver};
use crate::fault::Fault;
use crate::headers;
use crate::vendor::Maker;

pub(super) const JSON: &str = "application/json";
pub(super) const EVENTS: &str = "text/event-stream; charset=utf-8";
const PAGE: &str = "<!DOCTYPE html><html><head><title>Web server is returning an unknown error</title></head>\
                    <body><h1>Something went wrong</h1><p>Please try again in a few minutes.</p></body></html>\n";

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    pub(super) steps: Vec<Step>,
    /// Of the body in bytes, when all of it is there.
    pub(super) length: Option<usize>,
    pub(super) retry_after_s: Option<f64>,
}

impl Reply {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::at_once(status, JSON, body.to_string().into())
    }

    fn at_once(status: u16, content_type: &'static str, body: Bytes) -> Self {
        let length = Some(body.len());
        Self { status, content_type, steps: vec![Step::Send(body)], length, retry_after_s: None }
    }
}

impl Exchange<'_> {
    pub(super) fn complain(&self, complaint: &Complaint) -> Reply {
        Reply::json(complaint.status, &complaint.body(self.provider.vendor().maker, &self.request_id))
    }

    /// What a fault puts in the place of an answer; none when the answer is begun at least.
    pub(super) async fn instead(
        &self,
        body: &serde_json::Map<String, Value>,
    ) -> Result<Option<Reply>, BrokenOff> {
        let streamed = body.get("stream").is_some_and(|stream| stream == true);
        let maker = self.provider.vendor().maker;
        match &self.drawn.outcome {
            Some(Fault::Status { status, retry_after_s, code }) => {
                let mut reply = self.complain(&Complaint::of_status(*status, code.as_deref()));
                reply.retry_after_s = *retry_after_s;
                Ok(Some(reply))
            }
            Some(Fault::Reset {}) => {
                self.attempt.finish();
                if self.version != Version::HTTP_2 {
                    self.line.break_off();
                }
                Err(BrokenOff)
            }
            Some(Fault::NoAnswer {}) => std::future::pending().await,
            Some(Fault::Html { status }) => {
                Ok(Some(Reply::at_once(*status, "text/html; charset=UTF-8", PAGE.into())))
            }
            Some(Fault::InBandError { .. }) if streamed => Ok(None),
            Some(Fault::ErrorBody { status } | Fault::InBandError { status, .. }) => {
                let error = Complaint::of_status(*status, None).body(maker, &self.request_id);
                Ok(Some(Reply::json(200, &error)))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn send(self, reply: Reply) -> Response<Body> {
        let maker = self.provider.vendor().maker;
        let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        self.attempt.note(|attempt| attempt.status = Some(status.as_u16()));
        let mut headers = headers::of(maker, &self.request_id, self.spent());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
        if let Some(seconds) =
            reply.retry_after_s.and_then(|seconds| HeaderValue::try_from(seconds.to_string()).ok())
        {
            headers.insert(RETRY_AFTER, seconds);
        }
        if maker == Maker::Anthropic && !status.is_success() {
            let again = matches!(reply.status, 408 | 409 | 429 | 500..);
            headers.insert("x-should-retry", HeaderValue::from_static(if again { "true" } else { "false" }));
        }
        let gzip = self.drawn.modifiers.contains(&Fault::Gzip {});
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        } else if let Some(length) = reply.length {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        let mut response = Response::new(deliver(reply.steps, gzip, self.attempt));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    fn spent(&self) -> Option<Duration> {
        self.drawn.modifiers.iter().find_map(|modifier| match modifier {
            Fault::RateLimitHeaders { reset_s } => Some(Duration::from_secs(*reset_s)),
            _ => None,
        })
    }
}
