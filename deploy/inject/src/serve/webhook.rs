//! Answers the API server, in the time that it gives.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Body;
use tokio::time::{Instant, timeout_at};

use super::body::{Bodies, BodyError};
use crate::events::Events;
use crate::metrics::{Decision, Metrics, decision};
use crate::review::{OptIn, Presence, Review};
use crate::settings::Settings;
use crate::sight::Sight;

/// How long a caller waits that does not say so; the API's own default.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest that a webhook may be waited for, by the API's rules.
const LONGEST: Duration = Duration::from_secs(30);
/// The most that looking for a `ConfigMap` may take.
const LOOK: Duration = Duration::from_secs(1);

/// Answers reviews.
pub(crate) struct Webhook {
    /// What is put into pods.
    pub(crate) settings: Arc<Settings>,
    /// What is known of `ConfigMap`s.
    pub(crate) sight: Sight,
    /// Where skipped pods are told; `None` when that is not wanted.
    pub(crate) events: Option<Events>,
    /// Room for requests' bodies.
    pub(crate) bodies: Bodies,
    /// Counts answers.
    pub(crate) metrics: Arc<Metrics>,
}

type Answer = Response<Full<Bytes>>;

/// Why a request is answered with a status of HTTP and not with a review.
struct Refused {
    status: StatusCode,
    why: String,
    decision: Decision,
}

impl Webhook {
    /// Answers one request; never later than its caller waits.
    pub(crate) async fn answer<B>(&self, request: Request<B>) -> Answer
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        let began = Instant::now();
        let deadline = began + patience(request.uri().query());
        let decided = AssertUnwindSafe(self.decide(request, deadline)).catch_unwind();
        let decided = match timeout_at(deadline, decided).await {
            Ok(Ok(decided)) => decided,
            Ok(Err(_)) => {
                self.metrics.panicked();
                tracing::error!("a review ended in a bug");
                Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "this is a bug in the injector"))
            }
            Err(_) => Err(late("the answer was not ready in time")),
        };
        let (answer, decision) = match decided {
            Ok((body, decision)) => (reply(StatusCode::OK, "application/json", body.into()), decision),
            Err(refused) => {
                let decision = refused.decision;
                (refused.into_answer(), decision)
            }
        };
        self.metrics.answered(decision, began.elapsed());
        answer
    }

    async fn decide<B>(&self, request: Request<B>, deadline: Instant) -> Result<(Vec<u8>, Decision), Refused>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        let opt_in = OptIn::of_path(request.uri().path()).ok_or_else(|| {
            Refused::new(StatusCode::NOT_FOUND, "reviews are answered on /mutate/pod and /mutate/namespace")
        })?;
        if request.method() != Method::POST {
            return Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "use POST here"));
        }
        if !is_json(request.headers()) {
            return Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json"));
        }
        let body = self.bodies.read(request.into_body()).await?;
        let review = Review::parse(&body).map_err(|refusal| {
            let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
            Refused::new(status, &refusal.to_string())
        })?;
        let presence = match review.wanted_config(opt_in, &self.settings) {
            Some(config) => {
                let left = deadline.saturating_duration_since(Instant::now());
                self.sight.of(&config, LOOK.min(left / 2)).await
            }
            None => Presence::Unknown,
        };
        let reply = review.answer(opt_in, &self.settings, presence);
        tracing::debug!(outcome = ?reply.outcome, dry_run = reply.dry_run, "reviewed");
        if let Some((events, notice)) = self.events.as_ref().zip(reply.notice) {
            events.tell(notice);
        }
        Ok((reply.body, if reply.dry_run { decision::DRY_RUN } else { reply.outcome.labels() }))
    }
}

impl Refused {
    fn new(status: StatusCode, why: &str) -> Refused {
        Refused { status, why: why.to_owned(), decision: decision::REFUSED }
    }

    fn into_answer(self) -> Answer {
        let mut answer = reply(self.status, "text/plain; charset=utf-8", format!("{}\n", self.why).into());
        let headers = answer.headers_mut();
        match self.status {
            StatusCode::METHOD_NOT_ALLOWED => drop(headers.insert(ALLOW, HeaderValue::from_static("POST"))),
            StatusCode::SERVICE_UNAVAILABLE => {
                drop(headers.insert(RETRY_AFTER, HeaderValue::from_static("1")))
            }
            _ => {}
        }
        answer
    }
}

impl From<BodyError> for Refused {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::Broken => StatusCode::BAD_REQUEST,
        };
        Refused::new(status, &error.to_string())
    }
}

fn late(why: &str) -> Refused {
    Refused { status: StatusCode::SERVICE_UNAVAILABLE, why: why.to_owned(), decision: decision::LATE }
}

fn reply(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut reply = Response::new(Full::new(body));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// How long the caller waits (`?timeout=5s`), less a tenth, in which the answer has to reach it.
fn patience(query: Option<&str>) -> Duration {
    let told = query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("timeout="));
    let told = told.and_then(|told| humantime::parse_duration(told).ok());
    told.filter(|told| !told.is_zero()).unwrap_or(PATIENCE).min(LONGEST) * 9 / 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_patience_is_heard() {
        for (query, millis) in [
            (None, 9_000),
            (Some("timeout=5s"), 4_500),
            (Some("dryRun=All&timeout=500ms"), 450),
            (Some("timeout=1m0s"), 27_000),
            (Some("timeout=soon"), 9_000),
            (Some("timeout=0s"), 9_000),
            (Some("timeout=99999999999999999999s"), 9_000),
        ] {
            assert_eq!(patience(query), Duration::from_millis(millis), "{query:?}");
        }
    }
}
