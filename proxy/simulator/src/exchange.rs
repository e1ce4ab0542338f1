//! One request: from its head to the steps of its answer.

use http::{Request, Response};
use hyper::body::Incoming;

use crate::control;
use crate::delivery::{Body, BrokenOff};
use crate::provider::Provider;
use crate::wire::Line;

pub(crate) async fn answer(
    provider: &Provider,
    line: &Line,
    request: Request<Incoming>,
) -> Result<Response<Body>, BrokenOff> {
    if request.uri().path().starts_with(control::PREFIX) {
        line.steer();
        return Ok(control::of_one(provider, request).await);
    }
    Err(BrokenOff)
}
