//! What the application asks, drawn from a seed.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::json;
use sidestep_simulator::full_answer;

use crate::incident::{Ill, Incident};
use crate::scene::MODELS;

const CITIES: [&str; 6] = ["Oslo", "Lima", "Paris", "Nairobi", "Osaka", "Quito"];
/// How the requests fall on the big, the middle and the small model.
const SPLIT: [f64; 3] = [0.6, 0.25, 0.15];
/// The median length of an answer in words, and the deviation of its logarithm.
const LENGTH: (f64, f64) = (25.0, 0.7);

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// The Messages dialect, not Chat Completions.
    pub(crate) messages: bool,
    pub(crate) stream: bool,
    pub(crate) tools: bool,
    /// Big, middle or small.
    pub(crate) size: usize,
    /// The application's own fault.
    pub(crate) bug: bool,
    /// It leaves after so many seconds without an answer.
    pub(crate) patience: Option<f64>,
    asked: &'static str,
    prompt: String,
    city: &'static str,
}

impl Wish {
    /// The next one of `incident`'s application.
    pub(crate) fn draw(number: u64, incident: &Incident, during: bool, draws: &mut StdRng) -> Wish {
        let lot: f64 = draws.random();
        let size = if lot < SPLIT[0] { 0 } else { 1 + usize::from(lot >= SPLIT[0] + SPLIT[1]) };
        let (stream, tools) = (draws.random_bool(0.6), draws.random_bool(0.2));
        let city = CITIES[draws.random_range(0..CITIES.len())];
        let words = log_normal(LENGTH, draws).round().clamp(13.0, 400.0);
        let bug = draws.random_bool(if during { incident.app_bug } else { 0.0 });
        let messages = draws.random_bool(0.5);
        let lot: f64 = draws.random();
        let patience = incident.give_up.filter(|leavers| lot < leavers.share).map(|leavers| leavers.seconds);
        let prompt = match tools {
            true => format!("Call {number}: what is the weather in {city}?"),
            false => format!("Call {number}: tell me something about lighthouses in {words} words."),
        };
        // What is wrong by one dialect's rules might be put right on the way into the other.
        let messages = if bug { incident.ill == Ill::Anthropic } else { messages };
        let asked = MODELS[usize::from(incident.ill == Ill::Openai)][size].1;
        Wish { messages, stream, tools: tools && !bug, size, bug, patience, asked, prompt, city }
    }

    /// As HTTP.
    pub(crate) fn request(&self) -> Request<Full<Bytes>> {
        let path = if self.messages { "/v1/messages" } else { "/v1/chat/completions" };
        let mut body = json!({
            "model": self.asked, "stream": self.stream,
            "messages": [{"role": "user", "content": self.prompt}],
        });
        if self.messages {
            body["max_tokens"] = 4096.into();
        }
        if self.tools {
            let schema =
                json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
            body["tools"] = match self.messages {
                true => json!([{"name": "get_weather", "input_schema": schema}]),
                false => {
                    json!([{"type": "function", "function": {"name": "get_weather", "parameters": schema}}])
                }
            };
        }
        if self.bug {
            body["temperature"] = 9.into();
        }
        Request::post(format!("http://sidestep{path}"))
            .header("content-type", "application/json")
            .header("anthropic-version", "2023-06-01")
            .header("authorization", "Bearer the-application's-own")
            .body(Full::new(body.to_string().into()))
            .unwrap()
    }

    /// What a model says to it in full: text, or the arguments of its one call.
    pub(crate) fn in_full(&self) -> String {
        if self.tools { json!({"city": self.city}).to_string() } else { full_answer(&self.prompt) }
    }

    /// Why an answer to it ends.
    pub(crate) fn stop(&self) -> &'static str {
        match (self.messages, self.tools) {
            (true, true) => "tool_use",
            (true, false) => "end_turn",
            (false, true) => "tool_calls",
            (false, false) => "stop",
        }
    }
}

/// A draw whose logarithm is normal, by the median and its deviation (Box and Muller, 1958).
pub(crate) fn log_normal((median, spread): (f64, f64), draws: &mut StdRng) -> f64 {
    let (radius, angle): (f64, f64) = (1.0 - draws.random::<f64>(), draws.random());
    median * (spread * (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()).exp()
}
