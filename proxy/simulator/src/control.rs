//! Faults and attempts over HTTP, beside the vendor's own endpoints.

use std::collections::BTreeMap;

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::delivery::{Body, at_once};
use crate::planned::{PlanError, Planned};
use crate::provider::Provider;

/// What every control path begins with.
pub(crate) const PREFIX: &str = "/__simulate/";
const LARGEST: usize = 1 << 20;

struct Order {
    method: Method,
    path: String,
    body: Value,
}

/// Answers on a provider's own address.
pub(crate) async fn of_one(provider: &Provider, request: Request<Incoming>) -> Response<Body> {
    match read(request).await {
        Ok(order) => {
            let path = order.path.clone();
            carry_out(provider, &path, order)
        }
        Err(refused) => refused,
    }
}

/// Answers on a stage's control address.
pub(crate) async fn of_all(providers: &[Provider], request: Request<Incoming>) -> Response<Body> {
    let order = match read(request).await {
        Ok(order) => order,
        Err(refused) => return refused,
    };
    match (&order.method, order.path.as_str()) {
        (&Method::GET, "faults") => {
            let all: BTreeMap<&str, Value> =
                providers.iter().map(|p| (p.vendor().name.as_str(), faults(p))).collect();
            return reply(StatusCode::OK, &json!(all));
        }
        (&Method::GET, "attempts") => {
            let all: Vec<_> = providers.iter().flat_map(|p| p.attempts().all()).collect();
            return reply(StatusCode::OK, &json!(all));
        }
        (&Method::DELETE, path @ ("faults" | "attempts")) => {
            for provider in providers {
                if path == "faults" { provider.faults().clear_all() } else { provider.attempts().clear() }
            }
            return reply(StatusCode::OK, &json!({}));
        }
        _ => {}
    }
    let (name, path) = order.path.split_once('/').unwrap_or((&order.path, ""));
    let Some(provider) = providers.iter().find(|provider| provider.vendor().name == name) else {
        let known: Vec<&str> = providers.iter().map(|provider| provider.vendor().name.as_str()).collect();
        return reply(StatusCode::NOT_FOUND, &json!({ "error": "no such vendor or path", "vendors": known }));
    };
    let path = path.to_owned();
    carry_out(provider, &path, order)
}

async fn read(request: Request<Incoming>) -> Result<Order, Response<Body>> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().strip_prefix(PREFIX).unwrap_or_default().trim_end_matches('/').to_owned();
    let read = Limited::new(body, LARGEST).collect().await;
    let bytes = read.map_err(|_| reply(StatusCode::BAD_REQUEST, &json!({ "error": "unreadable body" })))?;
    let bytes = bytes.to_bytes();
    let body = if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes) };
    let body =
        body.map_err(|error| reply(StatusCode::BAD_REQUEST, &json!({ "error": error.to_string() })))?;
    Ok(Order { method: head.method, path, body })
}

fn carry_out(provider: &Provider, path: &str, order: Order) -> Response<Body> {
    let (noun, model) = path.split_once('/').map_or((path, None), |(noun, model)| (noun, Some(model)));
    let done = match (&order.method, noun, model) {
        (&Method::GET, "faults", None) => return reply(StatusCode::OK, &faults(provider)),
        (&Method::GET, "faults", Some(model)) => {
            return reply(StatusCode::OK, faults(provider).get(model).unwrap_or(&json!([])));
        }
        (&Method::PUT, "faults", Some(model)) => put(provider, model, order.body),
        (&Method::PUT, "faults", None) => put_all(provider, order.body),
        (&Method::DELETE, "faults", Some(model)) => {
            provider.faults().clear(model);
            Ok(())
        }
        (&Method::DELETE, "faults", None) => {
            provider.faults().clear_all();
            Ok(())
        }
        (&Method::GET, "attempts", None) => {
            return reply(StatusCode::OK, &json!(provider.attempts().all()));
        }
        (&Method::DELETE, "attempts", None) => {
            provider.attempts().clear();
            Ok(())
        }
        (_, "faults", _) | (_, "attempts", None) => {
            return reply(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "GET, PUT or DELETE" }));
        }
        _ => return reply(StatusCode::NOT_FOUND, &json!({ "error": "faults[/model] or attempts" })),
    };
    match done {
        Ok(()) => reply(StatusCode::OK, &faults(provider)),
        Err(error) => reply(StatusCode::BAD_REQUEST, &json!({ "error": error.to_string() })),
    }
}

fn put(provider: &Provider, model: &str, body: Value) -> Result<(), PlanError> {
    provider.faults().set_all(model, planned(body)?)
}

/// Replaces everything, or nothing when one of the entries is wrong.
fn put_all(provider: &Provider, body: Value) -> Result<(), PlanError> {
    let Value::Object(models) = body else {
        return Err(PlanError::Form("expected an object of model names".to_owned()));
    };
    let plans = models.into_iter().map(|(model, body)| Ok((model, planned(body)?)));
    provider.faults().replace(plans.collect::<Result<_, PlanError>>()?)
}

fn planned(body: Value) -> Result<Vec<Planned>, PlanError> {
    match body {
        Value::Array(many) => many.into_iter().map(Planned::from_json).collect(),
        one => Ok(vec![Planned::from_json(one)?]),
    }
}

fn faults(provider: &Provider) -> Value {
    let planned = provider.faults().planned();
    let written = planned.into_iter().map(|(model, all)| (model, all.iter().map(Planned::to_json).collect()));
    Value::Object(written.collect())
}

fn reply(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(at_once(format!("{body}\n").into()));
    *response.status_mut() = status;
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}
