//! Writes an OpenAI Chat Completions request.

use super::super::arrange::{Order, arrange};
use super::super::conversation::{Choice, Format, Media, Outcome, Part, Request, Role, Tool, Turn};
use super::super::json::Node;
use super::super::user::identifier;
use super::super::{Untranslatable, Writing};
use crate::Flavor;

/// Writes `request` for the target.
pub(in super::super) fn write(request: Request, writing: &mut Writing<'_>) -> Result<Node, Untranslatable> {
    let can = &writing.target.capabilities;
    let flavor = writing.target.flavor;
    let turns = arrange(request.turns, &Order { system_mid: can.system_mid, anthropic: false })?;
    let mut messages = Vec::with_capacity(turns.len());
    turns.into_iter().for_each(|turn| write_turn(turn, can.developer_role, &mut messages));
    let max_tokens = if flavor == Flavor::Generic { "max_tokens" } else { "max_completion_tokens" };
    let user = if flavor == Flavor::OpenAi { "safety_identifier" } else { "user" };
    let sampling = request.sampling;
    let serial = request.serial && !request.tools.is_empty();
    let choice = request.choice.filter(|_| !request.tools.is_empty()).map(choice);
    let stream = writing.ask.stream;
    let usage = Node::object().with("include_usage", true);
    Ok(Node::object()
        .with("model", writing.target.model.as_str())
        .with("messages", messages)
        .maybe(max_tokens, writing.max_tokens())
        .maybe("stream", stream.then_some(true))
        .maybe("stream_options", stream.then_some(usage))
        .maybe("stop", Node::List(request.stop.into_iter().map(Node::Text).collect()).filled())
        .maybe("temperature", sampling.temperature.filter(|_| can.temperature_max.is_some()))
        .maybe("top_p", sampling.top_p.filter(|_| can.top_p))
        .maybe("top_k", sampling.top_k.filter(|_| can.top_k && flavor == Flavor::Generic))
        .maybe("presence_penalty", sampling.presence_penalty.filter(|_| can.penalties))
        .maybe("frequency_penalty", sampling.frequency_penalty.filter(|_| can.penalties))
        .maybe("seed", sampling.seed.filter(|_| can.seed))
        .maybe("tools", Node::List(request.tools.into_iter().map(tool).collect()).filled())
        .maybe("tool_choice", choice)
        .maybe("parallel_tool_calls", serial.then_some(false))
        .maybe("response_format", request.format.map(format))
        .maybe("reasoning_effort", writing.effort())
        .maybe("verbosity", request.verbosity.filter(|_| flavor == Flavor::OpenAi))
        .maybe(user, request.user.map(|user| identifier(&user))))
}

fn write_turn(turn: Turn, developer: bool, messages: &mut Vec<Node>) {
    match turn.role {
        Role::System => {
            let role = if developer { "developer" } else { "system" };
            let texts = turn
                .parts
                .into_iter()
                .filter_map(|part| if let Part::Text(text) = part { Some(text) } else { None });
            messages.extend(texts.map(|text| Node::object().with("role", role).with("content", text)));
        }
        Role::User => user(turn.parts, messages),
        Role::Assistant => messages.push(assistant(turn.parts)),
    }
}

/// Results first, each a message of its own; what they hold beside text follows with the user's own words.
fn user(parts: Vec<Part>, messages: &mut Vec<Node>) {
    let mut said = Vec::new();
    for part in parts {
        match part {
            Part::Result(outcome) => messages.push(result(outcome, &mut said)),
            other => said.push(other),
        }
    }
    if !said.is_empty() {
        messages.push(Node::object().with("role", "user").with("content", content(said)));
    }
}

/// Tool messages hold text only and know no failure.
fn result(outcome: Outcome, media: &mut Vec<Part>) -> Node {
    let mut texts = Vec::new();
    for part in outcome.parts {
        match part {
            Part::Text(text) => texts.push(text),
            other => media.push(other),
        }
    }
    let told = told(&texts.join("\n"), outcome.failed);
    Node::object().with("role", "tool").with("tool_call_id", outcome.id).with("content", told)
}

/// A tool's text, which says so when the tool failed.
pub(in super::super) fn told(text: &str, failed: bool) -> String {
    let unsaid = failed && !text.starts_with("Error");
    if unsaid { format!("Error: {text}") } else { text.to_owned() }
}

fn content(parts: Vec<Part>) -> Node {
    if let [Part::Text(text)] = parts.as_slice() {
        return text.as_str().into();
    }
    Node::List(parts.into_iter().filter_map(part).collect())
}

fn part(part: Part) -> Option<Node> {
    Some(match part {
        Part::Text(text) => Node::typed("text").with("text", text),
        Part::Image(Media { source, detail, .. }) => {
            let image = Node::object().with("url", source.into_url()).maybe("detail", detail);
            Node::typed("image_url").with("image_url", image)
        }
        Part::Document(Media { source, name, .. }) => {
            let name = name.unwrap_or_else(|| "document.pdf".to_owned());
            let file = Node::object().with("filename", name).with("file_data", source.into_url());
            Node::typed("file").with("file", file)
        }
        // These stand in messages of their own.
        Part::Call(_) | Part::Result(_) => return None,
    })
}

fn assistant(parts: Vec<Part>) -> Node {
    let mut calls = Vec::new();
    let mut said = Vec::new();
    for part in parts {
        match part {
            Part::Call(call) => {
                let arguments =
                    if call.arguments.trim().is_empty() { "{}".to_owned() } else { call.arguments };
                let function = Node::object().with("name", call.name).with("arguments", arguments);
                calls.push(
                    Node::object().with("id", call.id).with("type", "function").with("function", function),
                );
            }
            Part::Text(_) => said.push(part),
            // No vendor takes media from the assistant's side.
            _ => {}
        }
    }
    let said = (!said.is_empty()).then(|| content(said));
    Node::object()
        .with("role", "assistant")
        .maybe("content", said)
        .maybe("tool_calls", Node::List(calls).filled())
}

fn tool(tool: Tool) -> Node {
    let function = Node::object()
        .with("name", tool.name)
        .maybe("description", tool.description)
        .maybe("parameters", tool.schema)
        .maybe("strict", tool.strict.filter(|strict| *strict));
    Node::typed("function").with("function", function)
}

fn choice(choice: Choice) -> Node {
    match choice {
        Choice::Auto => "auto".into(),
        Choice::Never => "none".into(),
        Choice::Any => "required".into(),
        Choice::Named(name) => Node::typed("function").with("function", Node::object().with("name", name)),
    }
}

fn format(format: Format) -> Node {
    match format {
        Format::Object => Node::typed("json_object"),
        Format::Schema { name, description, schema, strict } => {
            let form = Node::object()
                .with("name", name.as_deref().unwrap_or("response"))
                .maybe("description", description)
                .with("schema", schema)
                .maybe("strict", strict);
            Node::typed("json_schema").with("json_schema", form)
        }
    }
}
