//! Names each call.

use http::{HeaderMap, HeaderName, HeaderValue, Request};
use rand::Rng;
use tower_http::request_id::{MakeRequestId, RequestId};

use crate::dice::Dice;

/// Where the id travels inside Sidestep, and where an application may set its own.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Mints ids of 128 random bits, as `req_` and 32 hexadecimal digits.
#[derive(Clone)]
pub struct Mint(pub Dice);

impl MakeRequestId for Mint {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let id = format!("req_{:032x}", self.0.throw().random::<u128>());
        HeaderValue::from_str(&id).ok().map(RequestId::new)
    }
}

/// The call's id; empty outside of the stack that sets it.
#[must_use]
pub fn request_id(headers: &HeaderMap) -> &str {
    headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The span of one request. Holds no header and no body: either may carry a key or a prompt.
#[must_use]
pub fn span<B>(request: &Request<B>) -> tracing::Span {
    let (method, path) = (request.method(), request.uri().path());
    tracing::debug_span!("request", %method, path, request_id = request_id(request.headers()))
}
