//! `PUT /log`: orders to log more or less, for a while.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode};
use hyper::body::Body;

use super::reply::{Reply, json, refusal};
use super::{Admin, access, body};
use crate::logging::{LevelError, LevelOrder};

impl Admin {
    pub(super) async fn order_log<B>(&self, request: Request<B>, peer: SocketAddr) -> Reply
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        if let Err(denied) = access::may_change(peer, request.headers(), self.token.as_ref()) {
            return denied.into_reply();
        }
        let order = match body::read::<LevelOrder, B>(request, "order for the log").await {
            Ok(order) => order,
            Err(refusal) => return refusal,
        };
        match self.log_level.order(order) {
            Ok(report) => json(StatusCode::OK, &report),
            Err(error @ LevelError::Foreign) => refusal(StatusCode::CONFLICT, error),
            Err(error) => refusal(StatusCode::BAD_REQUEST, error),
        }
    }
}
