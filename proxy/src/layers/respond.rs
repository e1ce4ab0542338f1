//! Any error, in the caller's dialect.

use std::any::Any;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::Map;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use serde_json::Value;
use sidestep_dialect::{Dialect, Endpoint, ErrorClass, ErrorForm, ErrorKind, auth, write_error};
use tower::{Layer, Service};

use crate::body::{Body, full};
use crate::label::label;
use crate::miss::VendorAnswer;
use crate::refusal::{Refusal, Refused};
use crate::request_id::request_id;

/// Makes `Respond`.
#[derive(Clone, Copy)]
pub struct RespondLayer;

/// Turns every refusal into a response; after it nothing fails.
#[derive(Clone)]
pub struct Respond<S> {
    inner: S,
}

type ToResponse = Box<
    dyn FnOnce(Result<Response<Body>, Refused>) -> Result<Response<Body>, std::convert::Infallible> + Send,
>;

impl<S> Layer<S> for RespondLayer {
    type Service = Respond<S>;

    fn layer(&self, inner: S) -> Respond<S> {
        Respond { inner }
    }
}

impl<S, B> Service<Request<B>> for Respond<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Refused>,
{
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = Map<S::Future, ToResponse>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let dialect = dialect_of(request.uri().path(), request.headers());
        let id = request_id(request.headers()).to_owned();
        let respond: ToResponse = Box::new(move |answered| {
            let mut response = answered.unwrap_or_else(|refusal| refused(dialect, &refusal, &id));
            name_request(dialect, &id, response.headers_mut());
            Ok(response)
        });
        self.inner.call(request).map(respond)
    }
}

/// The dialect to answer in. On paths that all dialects share, Anthropic's clients are known by a header.
pub(super) fn dialect_of(path: &str, headers: &HeaderMap) -> Dialect {
    match Dialect::from_path(path) {
        None | Some((_, Endpoint::Models | Endpoint::Model(_))) => auth::shared_path_dialect(headers),
        Some((dialect, _)) => dialect,
    }
}

fn refused(dialect: Dialect, refused: &Refused, id: &str) -> Response<Body> {
    let mut response = if let Refusal::Vendor(answer) = &refused.refusal {
        vendor_answer(dialect, answer, id)
    } else {
        let (status, headers, body) = write_error(dialect, &refused.refusal.form(id));
        let mut response = Response::new(full(body));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    };
    if let Some(chapters) = &refused.chapters {
        label(chapters, response.headers_mut());
    }
    response
}

/// Any refusal in no dialect, for a stream that its status has already gone before.
pub(super) fn form(refusal: &Refusal, id: &str) -> ErrorForm {
    match refusal {
        Refusal::Vendor(answer) => {
            vendor_form(answer, &serde_json::from_slice(&answer.body).unwrap_or_default(), id)
        }
        refusal => refusal.form(id),
    }
}

/// The vendor's own words: as they are when the dialect is the caller's, else said in the caller's.
fn vendor_answer(dialect: Dialect, answer: &VendorAnswer, id: &str) -> Response<Body> {
    // Some vendors tell errors in forms of their own, and a page comes from something before the vendor.
    let told = serde_json::from_slice::<Value>(&answer.body).unwrap_or_default();
    let body = if answer.dialect == dialect && told["error"].is_object() {
        answer.body.clone()
    } else {
        write_error(dialect, &vendor_form(answer, &told, id)).2.into()
    };
    let mut response = Response::new(full(body));
    *response.status_mut() = answer.status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The vendor's message in no dialect. Unlike errors of our own it may quote the request: it only goes back to
/// who sent that.
fn vendor_form(answer: &VendorAnswer, told: &Value, id: &str) -> ErrorForm {
    // OpenAI's and Anthropic's place, xAI's, and those of common self-hosted servers.
    let places = [&told["error"]["message"], &told["error"], &told["message"], &told["detail"]];
    let message = places.into_iter().find_map(Value::as_str).unwrap_or("the provider refused the request");
    ErrorForm {
        status: answer.status.as_u16(),
        kind: match answer.status {
            StatusCode::NOT_FOUND => ErrorKind::NotFound,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorKind::TooLarge,
            _ => ErrorKind::InvalidRequest,
        },
        message: message.to_owned(),
        // Agents look for these two to shorten or to reword what they ask.
        code: match answer.class {
            ErrorClass::ContextLength => Some("context_length_exceeded"),
            ErrorClass::ContentFilter => Some("content_filter"),
            _ => None,
        },
        param: None,
        retry_after: None,
        should_retry: None,
        request_id: id.to_owned(),
    }
}

/// Our id under the name that the dialect's SDKs look for.
fn name_request(dialect: Dialect, id: &str, headers: &mut HeaderMap) {
    let name = match dialect {
        Dialect::Anthropic => "request-id",
        Dialect::OpenAi | Dialect::Responses => "x-request-id",
    };
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(name, value);
    }
}

/// A panic of ours costs one call, not the sidecar. The body has the keys that every dialect's SDK looks for.
#[must_use]
pub fn panicked(_: Box<dyn Any + Send>) -> Response<Body> {
    // The panic hook has logged where; the payload may hold content, so it goes nowhere.
    let body = r#"{"type":"error","error":{"type":"api_error","message":"internal error in Sidestep","param":null,"code":null}}"#;
    let mut response = Response::new(full(body));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
