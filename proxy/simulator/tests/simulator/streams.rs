//! Any request's stream obeys its form's grammar and says what the whole answer says.

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use sidestep_dialect::{Decoder, Dialect, Flavor, RawEvent, Splitter, Tail};
use sidestep_simulator::{Maker, Provider, Vendor};

use crate::client::{End, Heard, ask_in_memory, streamed};
use crate::grammar;

/// What a request may be made of.
#[derive(Debug, Clone)]
struct Wish {
    form: usize,
    words: usize,
    tools: usize,
    opening: &'static str,
    images: usize,
    reasoning: bool,
    cached: bool,
    usage: bool,
    choices: u32,
    most: Option<u64>,
    stop: bool,
    single: bool,
}

const FORMS: [(Maker, &str, &str); 5] = [
    (Maker::Anthropic, "/v1/messages", "claude-haiku-5-5"),
    (Maker::OpenAi, "/v1/chat/completions", "gpt-6-luna"),
    (Maker::Xai, "/v1/chat/completions", "grok-4.7"),
    (Maker::Generic, "/v1/chat/completions", "local-model"),
    (Maker::OpenAi, "/v1/responses", "gpt-6-luna"),
];
const NAMES: [&str; 3] = ["get_weather", "get_time", "send_mail"];

fn wish() -> impl Strategy<Value = Wish> {
    let opening =
        prop::sample::select(vec!["Tell me", "Explain both", "Use both", "What weather and time in Oslo"]);
    let plain = (0..FORMS.len(), 1..60_usize, 0..=NAMES.len(), opening, 0..3_usize, any::<bool>());
    let more =
        (any::<bool>(), any::<bool>(), 1..3_u32, prop::option::of(16..60_u64), any::<bool>(), any::<bool>());
    (plain, more).prop_map(|((form, words, tools, opening, images, reasoning), more)| {
        let (cached, usage, choices, most, stop, single) = more;
        Wish { form, words, tools, opening, images, reasoning, cached, usage, choices, most, stop, single }
    })
}

impl Wish {
    fn text(&self) -> String {
        format!("{} of Whales in {} words", self.opening, self.words)
    }

    fn body(&self) -> Value {
        let (_, path, model) = FORMS[self.form];
        let mut body = match path {
            "/v1/messages" => self.messages(),
            "/v1/responses" => self.responses(),
            _ => self.chat(),
        };
        body["model"] = model.into();
        body
    }

    fn messages(&self) -> Value {
        let mut content = vec![json!({ "type": "text", "text": self.text() })];
        if self.cached {
            content[0]["cache_control"] = json!({ "type": "ephemeral" });
        }
        let source = json!({ "type": "base64", "media_type": "image/png", "data": "aGk=" });
        content.extend((0..self.images).map(|_| json!({ "type": "image", "source": source })));
        let asked = json!([{ "role": "user", "content": content }]);
        let mut body = json!({ "max_tokens": self.most.unwrap_or(5000), "messages": asked });
        if self.tools > 0 {
            let tool = |name: &&str| json!({ "name": name, "input_schema": schema() });
            body["tools"] = NAMES[..self.tools].iter().map(tool).collect();
            body["tool_choice"] = json!({ "type": "auto", "disable_parallel_tool_use": self.single });
        }
        if self.reasoning {
            body["thinking"] = json!({ "type": "adaptive" });
        }
        if self.stop {
            body["stop_sequences"] = json!(["the"]);
        }
        body
    }

    fn chat(&self) -> Value {
        let mut content = vec![json!({ "type": "text", "text": self.text() })];
        let url = json!({ "url": "data:image/png;base64,aGk=" });
        content.extend((0..self.images).map(|_| json!({ "type": "image_url", "image_url": url })));
        let mut body = json!({ "messages": [{ "role": "user", "content": content }], "n": self.choices });
        if self.tools > 0 {
            let tool = |name: &&str| json!({ "type": "function", "function": { "name": name, "parameters": schema() } });
            body["tools"] = NAMES[..self.tools].iter().map(tool).collect();
            body["parallel_tool_calls"] = (!self.single).into();
        }
        if self.reasoning {
            body["reasoning_effort"] = "low".into();
        }
        if let Some(most) = self.most {
            body["max_completion_tokens"] = most.into();
        }
        if self.stop && FORMS[self.form].0 != Maker::Xai {
            body["stop"] = "the".into();
        }
        if self.cached {
            body["prompt_cache_key"] = "key".into();
        }
        body
    }

    fn responses(&self) -> Value {
        let mut content = vec![json!({ "type": "input_text", "text": self.text() })];
        let image =
            json!({ "type": "input_image", "detail": "auto", "image_url": "https://example.com/a.png" });
        content.extend((0..self.images).map(|_| image.clone()));
        let mut body = json!({ "input": [{ "role": "user", "content": content }] });
        if self.tools > 0 {
            let tool = |name: &&str| json!({ "type": "function", "name": name, "parameters": schema() });
            body["tools"] = NAMES[..self.tools].iter().map(tool).collect();
            body["parallel_tool_calls"] = (!self.single).into();
        }
        if self.reasoning {
            body["reasoning"] = json!({ "effort": "low", "summary": "auto" });
        }
        if let Some(most) = self.most {
            body["max_output_tokens"] = most.into();
        }
        body
    }

    /// The same, streamed.
    fn streamed(&self) -> Value {
        let mut body = streamed(&self.body());
        if self.usage && FORMS[self.form].1 == "/v1/chat/completions" {
            body["stream_options"] = json!({ "include_usage": true });
        }
        body
    }
}

fn schema() -> Value {
    json!({ "type": "object", "required": ["city"], "properties": { "city": { "type": "string" } } })
}

fn asked(wish: &Wish) -> (Heard, Heard) {
    let (maker, path, _) = FORMS[wish.form];
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let provider = Provider::new(Vendor::of(maker));
        let whole = ask_in_memory(&provider, path, &wish.body()).await.unwrap();
        (whole, ask_in_memory(&provider, path, &wish.streamed()).await.unwrap())
    })
}

/// The project's own reader of streams takes it to the end.
fn decode(wish: &Wish, stream: &Heard) {
    let (maker, path, _) = FORMS[wish.form];
    let dialect = match path {
        "/v1/messages" => Dialect::Anthropic,
        "/v1/responses" => Dialect::Responses,
        _ => Dialect::OpenAi,
    };
    let flavor = match maker {
        Maker::Anthropic => Flavor::Anthropic,
        Maker::OpenAi => Flavor::OpenAi,
        Maker::Xai => Flavor::Xai,
        Maker::Generic => Flavor::Generic,
    };
    let (mut splitter, mut decoder) = (Splitter::new(1 << 20), Decoder::new(dialect, flavor));
    let mut out = Vec::new();
    for piece in stream.body.chunks(97) {
        splitter.feed(Bytes::copy_from_slice(piece));
        while let Some(event) = splitter.next() {
            let event: RawEvent = event.unwrap();
            decoder.decode(&event, &mut out).unwrap();
        }
    }
    let tail = splitter.finish();
    assert_eq!(tail, Tail::Clean);
    decoder.finish(&tail, &mut out).unwrap();
    assert!(decoder.progress().complete && decoder.missing_terminal().is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_stream_obeys_its_grammar_and_says_what_the_whole_says(wish in wish()) {
        let (whole, stream) = asked(&wish);
        prop_assert_eq!((whole.status.as_u16(), whole.end), (200, End::Proper), "{}", whole.text());
        prop_assert_eq!((stream.status.as_u16(), stream.end), (200, End::Proper), "{}", stream.text());
        let (_, path, _) = FORMS[wish.form];
        let events = stream.events();
        let (told, expected) = match path {
            "/v1/messages" => (grammar::messages(&events), grammar::whole_message(&whole.json())),
            "/v1/responses" => (grammar::responses(&events), grammar::whole_response(&whole.json())),
            _ => (
                grammar::chat(&events, wish.choices, wish.usage),
                grammar::whole_completion(&whole.json(), wish.usage),
            ),
        };
        prop_assert_eq!(told, expected);
        // More than one choice is more than the neutral form can say.
        if path != "/v1/chat/completions" || wish.choices == 1 {
            decode(&wish, &stream);
        }
    }
}
