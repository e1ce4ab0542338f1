//! The pieces, each made ready once and then run again and again on the same input.

use std::hint::black_box;

use bytes::Bytes;
use http::HeaderMap;
use sidestep_dialect::{
    AnswerContext, Capabilities, Dialect, Flavor, Target, inspect_answer, peek, splice_model,
    translate_answer, translate_request,
};

use crate::stream::{self, Way};
use crate::table;

/// Something to be run many times.
pub(crate) type Piece = Box<dyn FnMut()>;

/// All pieces.
pub(crate) const NAMES: [&str; 21] = [
    "peek",
    "splice the model's name",
    "translate a request",
    "inspect a whole answer",
    "translate a whole answer",
    "split an event",
    "pass a chat event",
    "pass a messages event",
    "pass a responses event",
    "chat event to messages",
    "chat event to responses",
    "messages event to chat",
    "messages event to responses",
    "responses event to chat",
    "responses event to messages",
    "choose among three",
    "take a permit and give it back",
    "judge a success",
    "judge a failure",
    "count an attempt",
    "count a call",
];

const REQUEST: &str = r#"{"model":"gpt-6.1-sol","messages":[{"role":"system","content":"You keep a lighthouse."},{"role":"user","content":[{"type":"text","text":"WORDS"}]}],"max_tokens":1024,"temperature":0.7,"stream":true}"#;
const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"gpt-6.1-sol","choices":[{"index":0,"message":{"role":"assistant","content":"WORDS","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":200,"completion_tokens":84,"total_tokens":284}}"#;
const MESSAGE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5-5","content":[{"type":"text","text":"WORDS"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":200,"output_tokens":84}}"#;

/// The piece of that name.
pub(crate) fn named(name: &str) -> Option<Piece> {
    Some(match name {
        "peek" => peeking(),
        "splice the model's name" => splicing(),
        "translate a request" => request(),
        "inspect a whole answer" => inspecting(),
        "translate a whole answer" => answer(),
        "split an event" => stream::splitting(),
        "pass a chat event" => stream::told(Way { from: Dialect::OpenAi, to: Dialect::OpenAi }),
        "pass a messages event" => stream::told(Way { from: Dialect::Anthropic, to: Dialect::Anthropic }),
        "pass a responses event" => stream::told(Way { from: Dialect::Responses, to: Dialect::Responses }),
        "chat event to messages" => stream::told(Way { from: Dialect::OpenAi, to: Dialect::Anthropic }),
        "chat event to responses" => stream::told(Way { from: Dialect::OpenAi, to: Dialect::Responses }),
        "messages event to chat" => stream::told(Way { from: Dialect::Anthropic, to: Dialect::OpenAi }),
        "messages event to responses" => {
            stream::told(Way { from: Dialect::Anthropic, to: Dialect::Responses })
        }
        "responses event to chat" => stream::told(Way { from: Dialect::Responses, to: Dialect::OpenAi }),
        "responses event to messages" => {
            stream::told(Way { from: Dialect::Responses, to: Dialect::Anthropic })
        }
        "choose among three" => table::choosing()?,
        "take a permit and give it back" => table::admitting()?,
        "judge a success" => table::judging(sidestep_table::Class::Ok)?,
        "judge a failure" => table::judging(sidestep_table::Class::Hard(sidestep_table::Fault::Truncated))?,
        "count an attempt" => table::counting_attempts()?,
        "count a call" => table::counting_calls()?,
        _ => return None,
    })
}

/// The frame of every translated answer here.
pub(crate) fn context() -> AnswerContext {
    AnswerContext {
        id_seed: 7,
        created: 1_790_000_000,
        include_usage: true,
        served_model: "claude-opus-5-5".to_owned(),
        request_id: "0000-0001".to_owned(),
    }
}

/// About 1 KiB, as most calls are.
fn filled(frame: &str) -> Bytes {
    frame.replace("WORDS", &"Keep the light burning and write down every ship. ".repeat(16)).into()
}

fn peeking() -> Piece {
    let (headers, body) = (HeaderMap::new(), filled(REQUEST));
    Box::new(move || drop(black_box(peek(Dialect::OpenAi, &headers, &body))))
}

fn splicing() -> Piece {
    let body = filled(REQUEST);
    Box::new(move || drop(black_box(splice_model(&body, &(9..22), "grok-4.7"))))
}

fn request() -> Piece {
    let body = filled(REQUEST);
    let target = Target {
        dialect: Dialect::Anthropic,
        flavor: Flavor::Anthropic,
        model: "claude-opus-5-5".to_owned(),
        capabilities: Capabilities::preset(Flavor::Anthropic, "claude-opus-5-5"),
    };
    let ask = peek(Dialect::OpenAi, &HeaderMap::new(), &body);
    Box::new(move || {
        let Ok(ask) = &ask else { return };
        drop(black_box(translate_request(ask, &body, &target)));
    })
}

fn inspecting() -> Piece {
    let body = filled(ANSWER);
    Box::new(move || drop(black_box(inspect_answer(Dialect::OpenAi, Flavor::OpenAi, &body))))
}

fn answer() -> Piece {
    let (body, context) = (filled(MESSAGE), context());
    let (from, to) = (Dialect::Anthropic, Dialect::OpenAi);
    Box::new(move || drop(black_box(translate_answer(from, to, Flavor::Anthropic, &body, &context))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_does_what_it_is_named_for() {
        for name in NAMES {
            named(name).unwrap()();
        }
        let (ask, context) = (peek(Dialect::OpenAi, &HeaderMap::new(), &filled(REQUEST)).unwrap(), context());
        assert_eq!(ask.model_span, 9..22);
        assert!(inspect_answer(Dialect::OpenAi, Flavor::OpenAi, &filled(ANSWER)).is_ok());
        let (from, to) = (Dialect::Anthropic, Dialect::OpenAi);
        assert!(translate_answer(from, to, Flavor::Anthropic, &filled(MESSAGE), &context).is_ok());
    }
}
