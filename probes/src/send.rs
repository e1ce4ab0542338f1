//! Sends one question over the road that traffic takes, and listens until the answer is whole, broken or late.

use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use sidestep_dialect::{Decoder, Dialect, Event, Flavor, RawEvent, Splitter, StreamFault, classify};
use sidestep_table::{Class, Fault};
use tokio::time::{Instant, timeout_at};
use tower::{Service, ServiceExt};

use crate::budget::Tokens;
use crate::conversion::{Blame, probe_class_of, probe_class_of_stream};
use crate::prompt::Prompt;
use crate::score::Transcript;

/// How long and how much a probe waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patience {
    /// From the request to the first token of any kind.
    pub first_token: Duration,
    /// From the request to the end of the answer.
    pub overall: Duration,
    /// Longest answer body, in bytes. Reading stops there.
    pub body: usize,
}

/// What a vendor bills for one probe, as far as can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bill {
    /// Nothing: it was refused, or never arrived.
    Nothing,
    /// What the vendor counted.
    Counted(Tokens),
    /// It broke off before the vendor told: it may have cost anything up to the estimate.
    Unknown,
}

/// One exchange. Holds model output: no `Debug`.
pub struct Heard {
    /// What was said.
    pub transcript: Transcript,
    /// What the exchange failed of, when it did not end as it should.
    pub trouble: Option<Trouble>,
    /// From the request to the first token.
    pub first_token: Option<Duration>,
    /// From the request to the end.
    pub duration: Duration,
    /// What it cost.
    pub bill: Bill,
}

/// Why an exchange is no whole answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it says of the model.
    pub class: Class,
    /// How long the vendor asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// An exchange under way.
struct Exchange<'a> {
    dialect: Dialect,
    patience: &'a Patience,
    started: Instant,
    first_token: Option<Duration>,
    transcript: Transcript,
}

/// An event larger than this is no answer to a probe.
const MAX_EVENT: usize = 256 * 1024;
/// The version that every Anthropic-compatible upstream knows; probes use nothing that newer ones add.
const ANTHROPIC_VERSION: HeaderValue = HeaderValue::from_static("2023-06-01");

/// Asks `prompt` and hears the answer out. Never follows a redirect, never retries.
pub async fn send<S, B>(service: S, prompt: Prompt, speech: (Dialect, Flavor), patience: &Patience) -> Heard
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>>,
    S::Error: Blame,
    B: Body<Data = Bytes>,
    B::Error: Blame,
{
    let started = Instant::now();
    let (dialect, flavor) = speech;
    let mut exchange =
        Exchange { dialect, patience, started, first_token: None, transcript: Transcript::default() };
    let mut bill = Bill::Unknown;
    let trouble = match exchange.head(service, prompt).await {
        Err(trouble) => {
            // What never arrived cost nothing; whatever else went wrong, the vendor may have begun to work.
            if matches!(trouble.class, Class::Hard(Fault::Connect | Fault::Tls) | Class::Local) {
                bill = Bill::Nothing;
            }
            Some(trouble)
        }
        Ok(response) if response.status().is_success() => {
            let decoder = Decoder::new(dialect, flavor);
            exchange.listen(response, decoder).await.err()
        }
        Ok(response) => {
            bill = Bill::Nothing;
            Some(exchange.refusal(response).await)
        }
    };
    if let (None, Some(tokens)) = (trouble, exchange.transcript.tokens()) {
        bill = Bill::Counted(tokens);
    }
    let Exchange { first_token, transcript, .. } = exchange;
    Heard { transcript, trouble, first_token, duration: started.elapsed(), bill }
}

// === impl Patience ===

impl Default for Patience {
    fn default() -> Self {
        Self::within(Duration::from_secs(30))
    }
}

impl Patience {
    /// Half of `overall` for the first token: a model that thinks first needs several seconds for it.
    #[must_use]
    pub fn within(overall: Duration) -> Self {
        Self { first_token: overall / 2, overall, body: 1024 * 1024 }
    }
}

// === impl Trouble ===

impl Trouble {
    fn of_stream(fault: &StreamFault) -> Self {
        let retry_after = if let StreamFault::InBand(failure) = fault { failure.retry_after } else { None };
        Self { class: probe_class_of_stream(fault), retry_after }
    }
}

impl From<Class> for Trouble {
    fn from(class: Class) -> Self {
        Self { class, retry_after: None }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Class::Hard(fault).into()
    }
}

// === impl Exchange ===

impl Exchange<'_> {
    async fn head<S, B>(&self, service: S, prompt: Prompt) -> Result<Response<B>, Trouble>
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>>,
        S::Error: Blame,
    {
        let mut request = Request::new(Full::new(prompt.body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = http::Uri::from_static(prompt.path);
        request.headers_mut().extend(headers(self.dialect));
        match timeout_at(self.deadline(), service.oneshot(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(error.class().into()),
            Err(_) => Err(Fault::FirstTokenTimeout.into()),
        }
    }

    /// Reads the stream of a 2xx to its end.
    async fn listen<B>(&mut self, response: Response<B>, mut decoder: Decoder) -> Result<(), Trouble>
    where
        B: Body<Data = Bytes>,
        B::Error: Blame,
    {
        let mut body = pin!(response.into_body());
        let mut splitter = Splitter::new(MAX_EVENT);
        let mut room = self.patience.body;
        while let Some(piece) = self.piece(body.as_mut()).await? {
            room = room.checked_sub(piece.len()).ok_or(Fault::Broken)?;
            splitter.feed(piece);
            while let Some(event) = splitter.next() {
                if self.hear(&mut decoder, &event.map_err(|_| Fault::Broken)?)? {
                    return Ok(());
                }
            }
        }
        let mut events = Vec::new();
        let end = decoder.finish(&splitter.finish(), &mut events);
        self.note(&events)?;
        end.map_err(|fault| Trouble::of_stream(&fault))
    }

    /// Decodes one event. Returns whether it was the last: nothing after it counts.
    fn hear(&mut self, decoder: &mut Decoder, raw: &RawEvent) -> Result<bool, Trouble> {
        let mut events = Vec::new();
        let step = decoder.decode(raw, &mut events);
        let ended = self.note(&events)?;
        step.map_err(|fault| Trouble::of_stream(&fault))?;
        Ok(ended)
    }

    fn note(&mut self, events: &[Event]) -> Result<bool, Trouble> {
        let mut ended = false;
        for event in events {
            if let Event::Error { failure } = event {
                return Err(Trouble { class: probe_class_of(failure), retry_after: failure.retry_after });
            }
            if self.transcript.hear(event) && self.first_token.is_none() {
                self.first_token = Some(self.started.elapsed());
            }
            ended |= matches!(event, Event::End);
        }
        Ok(ended)
    }

    /// The body of a refusal, as far as it fits, and what it means.
    async fn refusal<B>(&mut self, response: Response<B>) -> Trouble
    where
        B: Body<Data = Bytes>,
        B::Error: Blame,
    {
        let (parts, body) = response.into_parts();
        let mut body = pin!(body);
        let mut text = BytesMut::new();
        // Whatever stops the body, the status has been said.
        while let Ok(Some(piece)) = self.piece(body.as_mut()).await {
            if text.len() + piece.len() > MAX_EVENT {
                break;
            }
            text.extend_from_slice(&piece);
        }
        let failure = classify(self.dialect, parts.status.as_u16(), &parts.headers, &text);
        Trouble { class: probe_class_of(&failure), retry_after: failure.retry_after }
    }

    async fn piece<B>(&self, mut body: Pin<&mut B>) -> Result<Option<Bytes>, Trouble>
    where
        B: Body<Data = Bytes>,
        B::Error: Blame,
    {
        loop {
            match timeout_at(self.deadline(), body.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(error.class().into()),
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Err(_) if self.first_token.is_none() => return Err(Fault::FirstTokenTimeout.into()),
                Err(_) => return Err(Fault::Stall.into()),
            }
        }
    }

    fn deadline(&self) -> Instant {
        let wait = if self.first_token.is_none() { self.patience.first_token } else { self.patience.overall };
        self.started + wait.min(self.patience.overall)
    }
}

fn headers(dialect: Dialect) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if dialect == Dialect::Anthropic {
        headers.insert("anthropic-version", ANTHROPIC_VERSION);
    }
    headers
}
