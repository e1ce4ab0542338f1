//! Writes an OpenAI Responses request.

use super::super::arrange::{Order, arrange};
use super::super::conversation::{Choice, Format, Media, Outcome, Part, Request, Role, Source, Tool, Turn};
use super::super::json::Node;
use super::super::openai::told;
use super::super::user::identifier;
use super::super::{Untranslatable, Writing};

/// The least that the API takes (OpenAI's published OpenAPI).
const MIN_MAX_TOKENS: u64 = 16;

/// Writes `request` for the target. Nothing is stored: the conversation lives with the application.
pub(in super::super) fn write(request: Request, writing: &mut Writing<'_>) -> Result<Node, Untranslatable> {
    let can = &writing.target.capabilities;
    let mut turns = arrange(request.turns, &Order { system_mid: can.system_mid, anthropic: false })?;
    let lead = turns.iter().take_while(|turn| turn.role == Role::System).count();
    let talk = turns.split_off(lead);
    let developer = can.developer_role;
    let items: Vec<Node> = talk.into_iter().flat_map(|turn| items(turn, developer)).collect();
    let text =
        Node::object().maybe("format", request.format.map(format)).maybe("verbosity", request.verbosity);
    let serial = request.serial && !request.tools.is_empty();
    let choice = request.choice.filter(|_| !request.tools.is_empty()).map(choice);
    Ok(Node::object()
        .with("model", writing.target.model.as_str())
        .maybe("instructions", instructions(&turns))
        .with("input", items)
        .maybe("max_output_tokens", writing.max_tokens().map(|tokens| tokens.max(MIN_MAX_TOKENS)))
        .with("store", false)
        .maybe("stream", writing.ask.stream.then_some(true))
        .maybe("temperature", request.sampling.temperature.filter(|_| can.temperature_max.is_some()))
        .maybe("top_p", request.sampling.top_p.filter(|_| can.top_p))
        .maybe("tools", Node::List(request.tools.into_iter().map(tool).collect()).filled())
        .maybe("tool_choice", choice)
        .maybe("parallel_tool_calls", serial.then_some(false))
        .maybe("text", text.filled())
        .maybe("reasoning", writing.effort().map(|effort| Node::object().with("effort", effort)))
        .maybe("safety_identifier", request.user.map(|user| identifier(&user))))
}

fn instructions(turns: &[Turn]) -> Option<String> {
    let texts: Vec<&str> = turns.iter().flat_map(|turn| &turn.parts).filter_map(Part::as_text).collect();
    (!texts.is_empty()).then(|| texts.join("\n\n"))
}

/// A turn's items; calls and results are items of their own, beside the message.
fn items(turn: Turn, developer: bool) -> Vec<Node> {
    let role = match turn.role {
        Role::System if developer => "developer",
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let mut items = Vec::new();
    let mut said = Vec::new();
    let flush = |said: &mut Vec<Node>, items: &mut Vec<Node>| {
        if !said.is_empty() {
            let content = std::mem::take(said);
            items.push(Node::typed("message").with("role", role).with("content", content));
        }
    };
    for part in turn.parts {
        match part {
            Part::Call(call) => {
                flush(&mut said, &mut items);
                let arguments =
                    if call.arguments.trim().is_empty() { "{}".to_owned() } else { call.arguments };
                let item = Node::typed("function_call").with("call_id", call.id).with("name", call.name);
                items.push(item.with("arguments", arguments));
            }
            Part::Result(outcome) => items.push(output(outcome)),
            Part::Text(text) if turn.role == Role::Assistant => {
                let none = Node::List(Vec::new());
                said.push(Node::typed("output_text").with("text", text).with("annotations", none));
            }
            _ if turn.role == Role::Assistant => {}
            other => said.extend(input(other)),
        }
    }
    flush(&mut said, &mut items);
    items
}

fn input(part: Part) -> Option<Node> {
    Some(match part {
        Part::Text(text) => Node::typed("input_text").with("text", text),
        Part::Image(Media { source, detail, .. }) => Node::typed("input_image")
            .with("image_url", source.into_url())
            .with("detail", detail.as_deref().unwrap_or("auto")),
        Part::Document(Media { source: Source::Url(url), .. }) => {
            Node::typed("input_file").with("file_url", url)
        }
        Part::Document(Media { source, name, .. }) => Node::typed("input_file")
            .with("filename", name.as_deref().unwrap_or("document.pdf"))
            .with("file_data", source.into_url()),
        Part::Call(_) | Part::Result(_) => return None,
    })
}

fn output(outcome: Outcome) -> Node {
    let texts: Vec<&str> = outcome.parts.iter().filter_map(Part::as_text).collect();
    let text = told(&texts.join("\n"), outcome.failed);
    let item = Node::typed("function_call_output").with("call_id", outcome.id);
    if outcome.parts.iter().all(|part| part.as_text().is_some()) {
        return item.with("output", text);
    }
    let media = outcome.parts.into_iter().filter(|part| part.as_text().is_none()).filter_map(input);
    let texts = (!text.is_empty()).then(|| Node::typed("input_text").with("text", text));
    item.with("output", texts.into_iter().chain(media).collect::<Vec<_>>())
}

fn tool(tool: Tool) -> Node {
    let empty = || Node::typed("object").with("properties", Node::object());
    Node::typed("function")
        .with("name", tool.name)
        .maybe("description", tool.description)
        .with("parameters", tool.schema.map_or_else(empty, Node::Raw))
        // Absent means true here, and most schemas are not in the strict subset.
        .with("strict", tool.strict.unwrap_or(false))
}

fn choice(choice: Choice) -> Node {
    match choice {
        Choice::Auto => "auto".into(),
        Choice::Never => "none".into(),
        Choice::Any => "required".into(),
        Choice::Named(name) => Node::typed("function").with("name", name),
    }
}

fn format(format: Format) -> Node {
    match format {
        Format::Object => Node::typed("json_object"),
        Format::Schema { name, description, schema, strict } => Node::typed("json_schema")
            .with("name", name.as_deref().unwrap_or("response"))
            .maybe("description", description)
            .with("schema", schema)
            .maybe("strict", strict),
    }
}
