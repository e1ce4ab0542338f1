//! Which path leads where.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use hyper::body::Body;
use serde_json::json;

use super::reply::{Reply, json, refusal, text, wrong_method};
use super::{Admin, access, page};

const INDEX: &str = "\
Sidestep, admin side

  GET     /livez           200 while the process runs
  GET     /readyz          200 while it should get traffic; never depends on providers
  GET     /metrics         Prometheus text format
  GET     /status          verdicts, routes, switches, configuration and recent events as JSON
  GET     /incidents       what went wrong lately, newest first, as JSON; ?limit=10, /incidents/ID for one
  GET     /history         the last 15 minutes of each model, in steps of 5 s, as JSON
  GET     /events          what changes, as it changes (server-sent events)
  GET     /switches        switches in force
  POST    /switches        {\"subject\": \"anthropic\", \"reason\": \"...\", \"actor\": \"you\", \"for_seconds\": 1800}
  DELETE  /switches/NAME?actor=you
  GET     /faults          rehearsals in force
  POST    /faults          {\"subject\": \"anthropic\", \"fault\": {\"kind\": \"status\", \"status\": 529}, \"rate\": 0.3,
                           \"for_seconds\": 300, \"reason\": \"...\", \"actor\": \"you\"}
  DELETE  /faults/NAME?actor=you, or /faults?actor=you for all
  GET     /log             the log level in force, and who ordered it
  PUT     /log             {\"level\": \"debug\", \"actor\": \"you\", \"for_seconds\": 600}

A browser gets the status page here.
Changes need a caller on this machine that is no web page, or the bearer token (admin.token).
The same from a shell: sidestep status | disable | enable | fault | log
";

/// Paths that are only read.
const READ: [&str; 8] =
    ["/", "/livez", "/readyz", "/metrics", "/status", "/history", "/events", "/incidents"];

impl Admin {
    /// Answers one request from `peer`.
    pub(super) async fn answer<B>(self: &Arc<Self>, request: Request<B>, peer: SocketAddr) -> Reply
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        let watched = matches!(request.uri().path(), "/livez" | "/readyz");
        if !watched && !access::is_addressed(peer, request.headers()) {
            let why =
                "on this machine, ask for an address or localhost: other names may be made to lead here";
            return refusal(StatusCode::MISDIRECTED_REQUEST, why);
        }
        if folder(request.uri().path()).0 == "/faults/" || request.uri().path() == "/faults" {
            self.rehearsals(request, peer).await
        } else if matches!(*request.method(), Method::GET | Method::HEAD) {
            self.show(&request).await
        } else {
            self.change(request, peer).await
        }
    }

    async fn show<B>(self: &Arc<Self>, request: &Request<B>) -> Reply {
        match request.uri().path() {
            "/" if page::is_wanted(request.headers()) => self.page().await,
            "/" => text(StatusCode::OK, INDEX),
            "/livez" => text(StatusCode::OK, "alive"),
            "/readyz" => self.ready(),
            "/metrics" => self.scrape().await,
            "/status" => self.status().await,
            "/incidents" => self.incidents(request.uri()),
            "/history" => json(StatusCode::OK, &*self.history),
            "/events" => self.stream(request.headers()),
            "/log" => json(StatusCode::OK, &self.log_level.report()),
            "/switches" => json(StatusCode::OK, &json!({ "switches": self.desk.all().await })),
            path => match folder(path) {
                ("/incidents/", id) => self.incident(id),
                ("/page/", name) => page::asset(name).unwrap_or_else(nowhere),
                ("/switches/", _) => wrong_method("DELETE"),
                _ => nowhere(),
            },
        }
    }

    async fn change<B>(&self, request: Request<B>, peer: SocketAddr) -> Reply
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    {
        match (request.uri().path(), request.method()) {
            ("/switches", &Method::POST) => self.switch_on(request, peer).await,
            ("/switches", _) => wrong_method("GET, POST"),
            ("/log", &Method::PUT) => self.order_log(request, peer).await,
            ("/log", _) => wrong_method("GET, PUT"),
            (path, &Method::DELETE) if path.starts_with("/switches/") => {
                self.switch_off(request.uri(), request.headers(), peer).await
            }
            (path, _) if path.starts_with("/switches/") => wrong_method("DELETE"),
            (path, _) if READ.contains(&path) => wrong_method("GET"),
            _ => nowhere(),
        }
    }
}

/// `/incidents/ID` is `/incidents/` and `ID`, which may hold slashes itself.
fn folder(path: &str) -> (&str, &str) {
    let slashes = path.match_indices('/').nth(1);
    path.split_at(slashes.map_or(0, |(at, slash)| at + slash.len()))
}

fn nowhere() -> Reply {
    text(StatusCode::NOT_FOUND, format!("There is no such page.\n\n{INDEX}"))
}
