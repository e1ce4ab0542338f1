//! Conversations made up at random, and how each dialect writes them.

use proptest::prelude::*;
use serde_json::{Value, json};
use sidestep_dialect::Dialect;

/// A turn of a conversation.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    System(String),
    User { text: String, image: bool },
    Assistant { text: String, calls: Vec<Call> },
}

/// A tool call; the result may be missing in a loose history.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) arguments: Value,
    pub(crate) result: Option<String>,
}

/// A whole request.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) stream: bool,
    pub(crate) temperature: Option<f64>,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) effort: Option<&'static str>,
    pub(crate) serial: bool,
}

fn call(loose: bool) -> impl Strategy<Value = Call> {
    let id = if loose { "call_[ab]|functions\\.[a-z]:[0-9]|\\PC{0,80}" } else { "call_[a-zA-Z0-9]{12}" };
    let argument =
        prop_oneof![any::<i64>().prop_map(Value::from), "\\PC{0,8}".prop_map(Value::from), Just(Value::Null)];
    let arguments = prop::collection::hash_map("[a-z]{1,5}", argument, 0..4);
    let result = "[a-z]{1,3}[a-z \\n]{0,8}".prop_map(Some);
    let result = prop_oneof![u32::from(loose) => Just(None), 4 => result];
    (id, arguments, result).prop_map(|(id, arguments, result)| {
        let arguments = Value::Object(arguments.into_iter().collect());
        Call { id, arguments, result }
    })
}

fn step(loose: bool) -> impl Strategy<Value = Step> {
    let text = if loose { "[a-z\\n ]{0,6}|\\PC{0,12}" } else { "[a-z]\\PC{0,12}" };
    prop_oneof![
        u32::from(loose) => text.prop_map(Step::System),
        4 => (text, any::<bool>()).prop_map(move |(text, image)| Step::User { text, image: image && loose }),
        4 => (text, prop::collection::vec(call(loose), 0..3)).prop_map(|(text, calls)| Step::Assistant { text, calls }),
    ]
}

/// Any conversation: sides in any order, blank texts, odd ids, ids used twice, results missing.
pub(crate) fn loose() -> impl Strategy<Value = Plan> {
    plan(prop::collection::vec(step(true), 1..8).boxed())
}

/// A conversation that every API takes as it is: sides alternate, ids are plain, results are there.
pub(crate) fn tidy() -> impl Strategy<Value = Plan> {
    let steps = prop::collection::vec((step(false), step(false)), 0..5).prop_map(|pairs| {
        let mut steps = Vec::new();
        for (one, other) in pairs {
            let alternates = matches!((&one, &other), (Step::User { .. }, Step::Assistant { .. }));
            // After results the user's turn is taken: the assistant must not be asked again in it.
            if alternates {
                steps.extend([one, other])
            }
        }
        steps.push(Step::User { text: "last".to_owned(), image: false });
        steps
    });
    plan(steps.boxed())
}

fn plan(steps: BoxedStrategy<Vec<Step>>) -> impl Strategy<Value = Plan> {
    let effort = prop::option::of(prop::sample::select(vec!["low", "medium", "high"]));
    let sampling = prop::option::of((0..=10u32).prop_map(|tenths| f64::from(tenths) / 10.0));
    (steps, any::<bool>(), sampling, prop::option::of(1..200_000u64), effort, any::<bool>()).prop_map(
        |(steps, stream, temperature, max_tokens, effort, serial)| Plan {
            steps,
            stream,
            temperature,
            max_tokens,
            effort,
            serial,
        },
    )
}

const IMAGE: &str = "data:image/png;base64,QUJD";

impl Plan {
    /// The request in a dialect.
    pub(crate) fn write(&self, dialect: Dialect) -> Value {
        let mut body = json!({ "model": "asked", "stream": self.stream });
        let (turns, tokens) = match dialect {
            Dialect::Anthropic => ("messages", "max_tokens"),
            Dialect::OpenAi => ("messages", "max_completion_tokens"),
            Dialect::Responses => ("input", "max_output_tokens"),
        };
        body[turns] = self.steps.iter().flat_map(|step| step.write(dialect)).collect();
        body[tokens] = self.max_tokens.map_or(Value::Null, Value::from);
        body["temperature"] = self.temperature.map_or(Value::Null, Value::from);
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        match dialect {
            Dialect::Anthropic => {
                body["tools"] = json!([{"name": "look", "input_schema": schema}]);
                body["tool_choice"] = json!({"type": "auto", "disable_parallel_tool_use": self.serial});
                body["output_config"] = json!({"effort": self.effort});
            }
            Dialect::OpenAi => {
                body["tools"] =
                    json!([{"type": "function", "function": {"name": "look", "parameters": schema}}]);
                body["parallel_tool_calls"] = (!self.serial).into();
                body["reasoning_effort"] = self.effort.into();
            }
            Dialect::Responses => {
                body["tools"] = json!([{"type": "function", "name": "look", "parameters": schema}]);
                body["parallel_tool_calls"] = (!self.serial).into();
                body["reasoning"] = json!({"effort": self.effort});
            }
        }
        body
    }
}

impl Step {
    fn write(&self, dialect: Dialect) -> Vec<Value> {
        match (self, dialect) {
            (Self::System(text), _) => vec![json!({"role": "system", "content": text})],
            (Self::User { text, image: false }, _) => vec![json!({"role": "user", "content": text})],
            (Self::User { text, .. }, _) => vec![json!({"role": "user", "content": picture(dialect, text)})],
            (Self::Assistant { text, calls }, Dialect::Anthropic) => messages(text, calls),
            (Self::Assistant { text, calls }, Dialect::OpenAi) => chat(text, calls),
            (Self::Assistant { text, calls }, Dialect::Responses) => items(text, calls),
        }
    }
}

fn picture(dialect: Dialect, text: &str) -> Value {
    match dialect {
        Dialect::Anthropic => json!([{"type": "text", "text": text},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}}]),
        Dialect::OpenAi => {
            json!([{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": IMAGE}}])
        }
        Dialect::Responses => {
            json!([{"type": "input_text", "text": text}, {"type": "input_image", "image_url": IMAGE}])
        }
    }
}

fn messages(text: &str, calls: &[Call]) -> Vec<Value> {
    let mut content = vec![json!({"type": "text", "text": text})];
    content.extend(
        calls
            .iter()
            .map(|call| json!({"type": "tool_use", "id": call.id, "name": "look", "input": call.arguments})),
    );
    let given = calls.iter().filter_map(|call| Some((&call.id, call.result.as_ref()?)));
    let results: Vec<Value> =
        given.map(|(id, text)| json!({"type": "tool_result", "tool_use_id": id, "content": text})).collect();
    let mut turns = vec![json!({"role": "assistant", "content": content})];
    if !results.is_empty() {
        turns.push(json!({"role": "user", "content": results}));
    }
    turns
}

fn chat(text: &str, calls: &[Call]) -> Vec<Value> {
    let made: Vec<Value> = calls
        .iter()
        .map(|call| {
            let function = json!({"name": "look", "arguments": call.arguments.to_string()});
            json!({"id": call.id, "type": "function", "function": function})
        })
        .collect();
    let mut turn = json!({"role": "assistant", "content": text});
    if !made.is_empty() {
        turn["tool_calls"] = made.into();
    }
    let given = calls.iter().filter_map(|call| Some((&call.id, call.result.as_ref()?)));
    let results = given.map(|(id, text)| json!({"role": "tool", "tool_call_id": id, "content": text}));
    std::iter::once(turn).chain(results).collect()
}

fn items(text: &str, calls: &[Call]) -> Vec<Value> {
    let said =
        json!({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]});
    let made = calls.iter().map(|call| {
        json!({"type": "function_call", "call_id": call.id, "name": "look", "arguments": call.arguments.to_string()})
    });
    let given = calls.iter().filter_map(|call| Some((&call.id, call.result.as_ref()?)));
    let results =
        given.map(|(id, text)| json!({"type": "function_call_output", "call_id": id, "output": text}));
    std::iter::once(said).chain(made).chain(results).collect()
}
