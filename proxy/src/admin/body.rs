//! What comes with a request that changes something.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use serde::de::DeserializeOwned;

use super::reply::{Reply, refusal};
use crate::escape;

/// Largest body of a request, in bytes.
pub(super) const BODY: usize = 16 * 1024;

/// Reads a body of JSON, or gives the refusal; `what` is what it should have been.
pub(super) async fn read<T, B>(request: Request<B>, what: &str) -> Result<T, Reply>
where
    T: DeserializeOwned,
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let body = match Limited::new(request.into_body(), BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is over {BODY} bytes")));
        }
        Err(_) => return Err(refusal(StatusCode::BAD_REQUEST, "the body ended early")),
    };
    serde_json::from_slice(&body)
        .map_err(|error| refusal(StatusCode::BAD_REQUEST, format!("the body is no {what}: {error}")))
}

/// Who says so, in the query: `?actor=you`.
pub(super) fn actor(uri: &http::Uri) -> Option<String> {
    let query = uri.query().unwrap_or_default().split('&');
    query.filter_map(|pair| pair.strip_prefix("actor=")).find_map(escape::decode)
}
