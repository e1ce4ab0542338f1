//! `/faults`: rehearsals are set, shown and ended here.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use hyper::body::Body;
use serde_json::json;

use super::reply::{Reply, json as reply, refusal, wrong_method};
use super::{Admin, access, body};
use crate::escape;
use crate::faults::{Order, Refused};

impl Admin {
    /// Answers a request to `/faults` or `/faults/NAME`.
    pub(super) async fn rehearsals<B>(&self, request: Request<B>, peer: SocketAddr) -> Reply
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        let name = request.uri().path().strip_prefix("/faults/").map(str::to_owned);
        match (request.method(), &name) {
            (&Method::GET | &Method::HEAD, None) => return self.in_force(),
            (&Method::POST, None) | (&Method::DELETE, _) => {}
            (_, None) => return wrong_method("GET, POST, DELETE"),
            (_, Some(_)) => return wrong_method("DELETE"),
        }
        if let Err(denied) = access::may_change(peer, request.headers(), self.token.as_ref()) {
            return denied.into_reply();
        }
        let done = if *request.method() == Method::POST {
            match body::read::<Order, B>(request, "fault").await {
                Ok(order) => self.faults.begin(order, &(self.topology)()),
                Err(refusal) => return refusal,
            }
        } else {
            let name = name.map(|name| escape::decode(&name).ok_or(()));
            let (Ok(name), Some(actor)) = (name.transpose(), body::actor(request.uri())) else {
                return refusal(StatusCode::BAD_REQUEST, "say who you are: DELETE /faults/NAME?actor=you");
            };
            self.faults.clear(name.as_deref(), &actor, &(self.topology)())
        };
        match done {
            Ok(()) => self.in_force(),
            Err(refused) => refusal(status(&refused), refused),
        }
    }

    fn in_force(&self) -> Reply {
        reply(StatusCode::OK, &json!({ "faults": self.faults.reports() }))
    }
}

fn status(refused: &Refused) -> StatusCode {
    match refused {
        Refused::Invalid(_) | Refused::OverCap(_) => StatusCode::BAD_REQUEST,
        Refused::Unknown(_) | Refused::NotSet(_) => StatusCode::NOT_FOUND,
        Refused::NotAllowed | Refused::LastWell(_) | Refused::TooMany(_) => StatusCode::CONFLICT,
    }
}
