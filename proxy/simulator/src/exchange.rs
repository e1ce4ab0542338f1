//! One request: from its head to its answer.

mod generation;
mod reply;

use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::{Map, Value};

use crate::answer::{Ids, hash};
use crate::attempts::Entry;
use crate::complaint::Complaint;
use crate::control;
use crate::delivery::{Body, BrokenOff};
use crate::endpoint::{Endpoint, Lost};
use crate::faults::Drawn;
use crate::listing;
use crate::model::Model;
use crate::provider::Provider;
use crate::vendor::{Form, Maker};
use crate::wire::Line;
use reply::Reply;

/// What Anthropic takes in one request, in bytes.
const LARGEST: usize = 32 << 20;
const VERSIONS: [&str; 2] = ["2023-06-01", "2026-10-21"];

/// One exchange, from the moment that its endpoint is looked up.
struct Exchange<'a> {
    provider: &'a Provider,
    line: &'a Line,
    version: Version,
    /// The newest `anthropic-version` was asked for.
    newest: bool,
    request_id: String,
    seed: u64,
    attempt: Entry,
    drawn: Drawn,
}

pub(crate) async fn answer(
    provider: &Provider,
    line: &Line,
    request: Request<Incoming>,
) -> Result<Response<Body>, BrokenOff> {
    if request.uri().path().starts_with(control::PREFIX) {
        line.steer();
        return Ok(control::of_one(provider, request).await);
    }
    let found = Endpoint::find(provider.vendor().maker, request.method(), request.uri().path());
    let attempt = provider.log().begin(found.as_ref().map_or("", Endpoint::path));
    let seed = hash(&(&provider.vendor().name, attempt.number()));
    let mut exchange = Exchange {
        provider,
        line,
        version: request.version(),
        newest: false,
        request_id: Ids { seed }.mint("req_", "request", 24),
        seed,
        attempt,
        drawn: Drawn::default(),
    };
    let reply = exchange.run(found, request).await?;
    Ok(exchange.send(reply))
}

impl Exchange<'_> {
    async fn run(
        &mut self,
        endpoint: Result<Endpoint, Lost>,
        request: Request<Incoming>,
    ) -> Result<Reply, BrokenOff> {
        let (head, body) = request.into_parts();
        let endpoint = endpoint.map_err(lost).and_then(|found| self.admit(&head.headers).map(|()| found));
        let answered = match endpoint {
            Ok(Endpoint::Models) => Ok(Reply::json(200, &listing::models(self.provider.vendor()))),
            Ok(Endpoint::Model(name)) => self.describe(&name),
            Ok(endpoint) => match self.read(body).await {
                Ok((body, model)) => return self.of_model(&endpoint, &body, &model).await,
                Err(complaint) => Err(complaint),
            },
            Err(complaint) => Err(complaint),
        };
        Ok(answered.unwrap_or_else(|complaint| self.complain(&complaint)))
    }

    /// Answers what is asked of a model; only here faults strike.
    async fn of_model(
        &mut self,
        endpoint: &Endpoint,
        body: &Map<String, Value>,
        model: &Model,
    ) -> Result<Reply, BrokenOff> {
        self.drawn = self.provider.faults().draw(&model.name);
        let names =
            self.drawn.modifiers.iter().chain(&self.drawn.outcome).map(|fault| fault.as_str()).collect();
        self.attempt.note(|attempt| attempt.faults = names);
        if let (Endpoint::Generate(form), Some(_)) = (endpoint, &self.drawn.outcome) {
            // A fault may leave no time to note later whom it hit; whether the prompt is good does not matter.
            self.understood(*form, body, model).ok();
        }
        if let Some(reply) = self.instead(body).await? {
            return Ok(reply);
        }
        let answered = match endpoint {
            Endpoint::Generate(form) => self.generate(*form, body, model).await,
            Endpoint::CountTokens => self.count(body, model),
            _ => listing::embeddings(body, &model.name).map(|value| self.whole(&value)),
        };
        Ok(answered.unwrap_or_else(|complaint| self.complain(&complaint)))
    }

    fn describe(&self, name: &str) -> Result<Reply, Complaint> {
        let maker = self.provider.vendor().maker;
        let model = self.provider.vendor().model(name).ok_or_else(|| unknown_model(maker, name))?;
        Ok(Reply::json(200, &listing::describe(maker, model)))
    }

    /// Checks the key and, for Anthropic, the version.
    fn admit(&mut self, headers: &HeaderMap) -> Result<(), Complaint> {
        let vendor = self.provider.vendor();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let anthropic = vendor.maker == Maker::Anthropic;
        let key = bearer.or_else(|| text("x-api-key").filter(|_| anthropic)).unwrap_or_default();
        if key.is_empty() || !(vendor.keys.is_empty() || vendor.keys.iter().any(|known| known == key)) {
            let message = match (anthropic, key.is_empty()) {
                (true, true) => "x-api-key header is required",
                (true, false) => "invalid x-api-key",
                (false, true) => "You didn't provide an API key.",
                (false, false) => "Incorrect API key provided.",
            };
            return Err(Complaint::invalid(message).with_status(401));
        }
        if anthropic {
            let version = text("anthropic-version")
                .ok_or_else(|| Complaint::invalid("anthropic-version: header is required"))?;
            if !VERSIONS.contains(&version) {
                return Err(Complaint::invalid(format!(
                    "anthropic-version: \"{version}\" is not a valid version"
                )));
            }
            self.newest = Some(&version) == VERSIONS.last();
        }
        Ok(())
    }

    async fn read(&self, body: Incoming) -> Result<(Map<String, Value>, Model), Complaint> {
        let maker = self.provider.vendor().maker;
        let too_large = || Complaint::invalid("Request exceeds the maximum size").with_status(413);
        let bytes = Limited::new(body, LARGEST).collect().await.map_err(|_| too_large())?.to_bytes();
        let body = serde_json::from_slice::<Map<String, Value>>(&bytes).map_err(|_| match maker {
            Maker::Anthropic => Complaint::invalid("The request body is not valid JSON"),
            _ => Complaint::invalid("We could not parse the JSON body of your request."),
        })?;
        let name = body.get("model").and_then(Value::as_str).ok_or_else(|| match maker {
            Maker::Anthropic => Complaint::invalid("model: Field required"),
            _ => Complaint::invalid("you must provide a model parameter"),
        })?;
        let model = self.provider.vendor().model(name).ok_or_else(|| unknown_model(maker, name))?.clone();
        self.attempt.note(|attempt| {
            attempt.model = Some(model.name.as_str().into());
            attempt.streamed = body.get("stream").is_some_and(|stream| stream == true);
        });
        Ok((body, model))
    }

    fn form(&self) -> Form {
        self.provider.vendor().maker.forms().first().copied().unwrap_or(Form::Chat)
    }
}

fn lost(lost: Lost) -> Complaint {
    match lost {
        Lost::Path => Complaint::invalid("Not Found").with_status(404),
        Lost::Method => Complaint::invalid("Method Not Allowed").with_status(405),
    }
}

fn unknown_model(maker: Maker, name: &str) -> Complaint {
    match maker {
        Maker::Anthropic => Complaint::invalid(format!("model: {name}")).with_status(404),
        _ => {
            Complaint::invalid(format!("The model `{name}` does not exist or you do not have access to it."))
                .with_status(404)
                .coded("model_not_found")
        }
    }
}
