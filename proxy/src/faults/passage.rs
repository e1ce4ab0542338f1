//! The way to a provider, for one request: straight through, or past a rehearsed fault.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use sidestep_dialect::Flavor;
use sidestep_simulator::{Maker, error_body};
use sidestep_table::Fault;
use tokio::time::sleep;
use tower::ServiceExt;

use super::disturbed::Disturbed;
use super::{Disturbance, Rehearsal};
use crate::body::{Body, full};
use crate::metrics::Label;
use crate::upstream::{Transport, TransportError};

/// Carries one request.
pub struct Passage {
    transport: Transport,
    flavor: Flavor,
    hit: Option<Arc<Rehearsal>>,
}

impl Passage {
    /// A way over `transport`, with what stands in it.
    pub(crate) fn new(transport: Transport, flavor: Flavor, hit: Option<Arc<Rehearsal>>) -> Passage {
        Passage { transport, flavor, hit }
    }

    /// The kind of the fault that stands in the way, if one does.
    #[must_use]
    pub fn rehearsed(&self) -> Option<&'static str> {
        self.hit.as_ref().map(|hit| hit.disturbance.name())
    }

    /// Sends `request`, and gives what came back or what the rehearsal made of it.
    ///
    /// # Errors
    /// When no response head came.
    pub async fn send(self, request: Request<Full<Bytes>>) -> Result<Response<Body>, TransportError> {
        let Some(hit) = self.hit else { return self.transport.oneshot(request).await };
        match hit.disturbance {
            Disturbance::Status { status, retry_after_seconds } => {
                Ok(complaint(maker(self.flavor, request.uri().path()), status, retry_after_seconds))
            }
            Disturbance::Reset {} => {
                Err(TransportError::new(Fault::Connect, "rehearsal: connection refused"))
            }
            Disturbance::Hang {} => {
                hit.over.cancelled().await;
                Err(TransportError::new(Fault::Truncated, "rehearsal: no answer before it ended"))
            }
            Disturbance::Delay { delay_ms } => {
                tokio::select! {
                    () = sleep(Duration::from_millis(delay_ms)) => {}
                    () = hit.over.cancelled() => {}
                }
                self.transport.oneshot(request).await
            }
            Disturbance::Cut { .. } | Disturbance::Slow { .. } => {
                let response = self.transport.oneshot(request).await?;
                Ok(disturbed(response, &hit))
            }
        }
    }
}

fn disturbed(response: Response<Body>, hit: &Rehearsal) -> Response<Body> {
    let (head, body) = response.into_parts();
    let stream = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let stream = stream.is_some_and(|stated| stated.starts_with("text/event-stream"));
    let body = Disturbed::new(body, hit, stream).boxed_unsync();
    Response::from_parts(head, body)
}

/// In whose words an error at `path` is told.
fn maker(flavor: Flavor, path: &str) -> Maker {
    match flavor {
        _ if path.ends_with("/messages") => Maker::Anthropic,
        Flavor::Anthropic => Maker::Anthropic,
        Flavor::OpenAi => Maker::OpenAi,
        Flavor::Xai => Maker::Xai,
        Flavor::Generic => Maker::Generic,
    }
}

fn complaint(maker: Maker, status: u16, retry_after: Option<u32>) -> Response<Body> {
    let mut response = Response::new(full(error_body(maker, status).to_string()));
    // Checked when the rehearsal was set.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
