//! What cannot fail over is passed on to the provider that it belongs to.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use sidestep_dialect::{Dialect, Endpoint, auth, peek, splice_model};
use sidestep_table::{Class, Verdict};
use tokio::time::timeout;

use crate::body::{Body, BoxError};
use crate::catalog::{Catalog, ModelPlan};
use crate::refusal::Refusal;
use crate::upstream::Upstream;

/// Longest time until the provider's response head.
const PATIENCE: Duration = Duration::from_secs(60);

/// Passes requests on: model lists, token counts, embeddings.
#[derive(Clone, Copy, Default)]
pub struct Forward;

/// A request to pass on.
pub struct Forwarded {
    /// What it asks for.
    pub endpoint: Endpoint,
    /// Its method.
    pub method: Method,
    /// Where it goes at the provider, query included.
    pub path_and_query: String,
    /// Whose provider.
    pub dialect: Dialect,
    /// The application's headers.
    pub headers: HeaderMap,
    /// The application's bytes.
    pub body: Bytes,
}

impl Forward {
    /// Sends `request` to the model that it names when a route leads there, else to the first provider that
    /// speaks its dialect, has its key and is not switched off. Neither retried nor weighed as evidence: these
    /// endpoints say little about whether the models answer.
    ///
    /// # Errors
    /// When no provider speaks the dialect, or the one that does cannot be reached.
    pub async fn send(
        self,
        catalog: &Arc<Catalog>,
        mut request: Forwarded,
    ) -> Result<Response<Body>, Refusal> {
        let routed = route(catalog, &mut request);
        let upstream = match routed {
            Some(model) => &model.upstream,
            None => {
                any_provider(catalog, request.dialect).ok_or(Refusal::NoProvider(request.dialect.as_str()))?
            }
        };
        let headers = auth::passed_on(&request.headers);
        let mut outgoing = upstream.request(request.dialect, &request.path_and_query, headers, request.body);
        *outgoing.method_mut() = request.method;
        let sent = timeout(PATIENCE, upstream.passage(routed.map(|model| &model.id)).send(outgoing)).await;
        let response = sent.map_err(|_| Refusal::Deadline)?.map_err(|error| {
            tracing::warn!(provider = %upstream.id, %error, "could not pass a request on");
            Refusal::Unreachable
        })?;
        if matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            // It is our key that was refused; the application's own was never sent.
            return Err(Refusal::Exhausted { class: Class::Auth, retry_after: None });
        }
        let limit = catalog.limits.answer_bytes;
        let (mut head, body) = response.into_parts();
        head.headers = answer_headers(&head.headers);
        Ok(Response::from_parts(head, Limited::new(body, limit).map_err(BoxError::from).boxed_unsync()))
    }
}

/// The model that the request names, its name at the provider put in; `None` when there is none, or no target of
/// its route speaks the dialect.
fn route<'a>(catalog: &'a Catalog, request: &mut Forwarded) -> Option<&'a ModelPlan> {
    let ask = peek(request.dialect, &request.headers, &request.body).ok();
    let asked = match (&request.endpoint, &ask) {
        (Endpoint::Model(id), _) => id,
        (_, Some(ask)) => &ask.model,
        (_, None) => return None,
    };
    let route = &catalog.topology.routes[catalog.topology.route_for(asked)?.get()];
    let speaking = route.targets.iter().map(|target| catalog.model(target.model));
    let mut speaking = speaking.filter(|model| model.upstream.speaks(request.dialect) && usable(model));
    let model = speaking.next()?;
    let target = model.target(request.dialect, asked);
    let name = &target.model;
    match (&request.endpoint, ask) {
        (Endpoint::Model(id), _) if id != name => request.path_and_query = format!("/v1/models/{name}"),
        // Vectors of another model than the one asked for fit nothing: only an alias is replaced.
        (Endpoint::Embeddings, _) if route.pattern.contains('*') => {}
        (_, Some(ask)) => request.body = splice_model(&request.body, &ask.model_span, name),
        (_, None) => {}
    }
    Some(model)
}

fn any_provider(catalog: &Catalog, dialect: Dialect) -> Option<&Upstream> {
    let on = |upstream: &Upstream| {
        let mut models = catalog.models().iter().filter(|model| model.upstream.id == upstream.id);
        models.any(usable)
    };
    let mut upstreams = catalog.upstreams().iter().filter(|upstream| upstream.speaks(dialect));
    upstreams.find(|upstream| on(upstream)).map(|upstream| &**upstream)
}

fn usable(model: &ModelPlan) -> bool {
    model.cell.standing().verdict != Verdict::Disabled && !model.upstream.lacks_key()
}

/// Only what describes the body; the rest is between Sidestep and the provider.
fn answer_headers(headers: &HeaderMap) -> HeaderMap {
    let kept = [http::header::CONTENT_TYPE, http::header::CONTENT_LENGTH, http::header::RETRY_AFTER];
    kept.iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone()))).collect()
}
