//! Writes an Anthropic Messages request.

use super::super::arrange::{Order, arrange};
use super::super::conversation::{
    Call, Choice, Format, Media, Outcome, Part, Raw, Request, Role, Source, Tool, Turn,
};
use super::super::json::{Node, is_object, raw};
use super::super::{Untranslatable, Writing};
use crate::capability::{Effort, Reasoning};
use crate::gate::stays_silent;
use crate::schema::sanitize;

/// What the API must be given when neither the application nor the model table says how long an answer may be.
const DEFAULT_MAX_TOKENS: u64 = 8192;

/// The least that is left for the answer beside a thinking budget.
const MIN_ANSWER_TOKENS: u64 = 1024;

const ANY_OBJECT: &str = r#"{"type":"object","properties":{}}"#;

const JSON_ONLY: &str = "Answer with a single JSON object and nothing else: no prose, no code fence.";

/// Writes `request` for the target.
pub(in super::super) fn write(request: Request, writing: &mut Writing<'_>) -> Result<Node, Untranslatable> {
    let order = Order { system_mid: writing.target.capabilities.system_mid, anthropic: true };
    let mut turns = arrange(request.turns, &order)?;
    if matches!(request.format, Some(Format::Object)) {
        turns.insert(0, Turn::text(Role::System, JSON_ONLY));
    }
    let thinking = Thinking::of(writing);
    let lead = turns.iter().take_while(|turn| turn.role == Role::System).count();
    let talk = turns.split_off(lead);
    let tools = tools(request.tools, &talk, writing)?;
    let can_prefill = writing.target.capabilities.prefill;
    let choice = choice(request.choice, request.serial, &tools);
    let mut messages = Vec::with_capacity(talk.len());
    for turn in prefilled(talk, can_prefill)? {
        messages.push(message(turn)?);
    }
    let output = thinking.effort.map(|effort| Node::object().with("effort", effort.as_str()));
    let output = format(request.format, output.unwrap_or_else(Node::object), writing)?;
    let can = &writing.target.capabilities;
    let sampled = thinking.form.is_none();
    let node = Node::object()
        .with("model", writing.target.model.as_str())
        .with("max_tokens", thinking.max_tokens)
        .maybe("system", system(turns).filled())
        .with("messages", messages)
        .maybe("tools", Node::List(tools.nodes).filled())
        .maybe("tool_choice", choice)
        .maybe("stop_sequences", Node::List(request.stop.into_iter().map(Node::Text).collect()).filled())
        .maybe("top_k", request.sampling.top_k.filter(|_| can.top_k && sampled))
        .maybe("top_p", request.sampling.top_p.filter(|_| can.top_p && sampled))
        .maybe("thinking", thinking.form)
        .maybe("output_config", output.filled())
        .maybe("metadata", request.user.map(|user| Node::object().with("user_id", user)))
        .with("stream", writing.ask.stream);
    Ok(match request.sampling.temperature {
        Some(_) if !sampled => {
            writing.lose("temperature", "not taken together with thinking");
            node
        }
        temperature => node.maybe("temperature", temperature.and_then(|raw| warmth(raw, writing))),
    })
}

/// Clamped to what the target takes.
fn warmth(temperature: Raw, writing: &mut Writing<'_>) -> Option<Raw> {
    let max = writing.target.capabilities.temperature_max?;
    if temperature.get().parse::<f64>().is_ok_and(|wanted| wanted > max) {
        writing.lose("temperature", "clamped to the target's maximum");
        return raw(&max.to_string());
    }
    Some(temperature)
}

/// How the model shall think, and how many tokens that and the answer may take.
struct Thinking {
    form: Option<Node>,
    effort: Option<Effort>,
    max_tokens: u64,
}

impl Thinking {
    fn of(writing: &Writing<'_>) -> Self {
        let can = &writing.target.capabilities;
        let most = can.max_output_tokens;
        let max_tokens = writing.max_tokens().or(most).unwrap_or(DEFAULT_MAX_TOKENS);
        let plain = Self { form: None, effort: None, max_tokens };
        let effort = writing.ask.features.effort.and_then(|wanted| can.effort(wanted));
        let Some(effort) = effort.filter(|_| !stays_silent(writing.ask, writing.target)) else {
            return plain;
        };
        if effort == Effort::None {
            return Self { form: None, ..plain }.with_form(Node::typed("disabled"));
        }
        match can.reasoning {
            Reasoning::None | Reasoning::Effort => plain,
            Reasoning::Adaptive => Self { effort: Some(effort), ..plain }.with_form(Node::typed("adaptive")),
            Reasoning::Budget => {
                // The budget counts towards `max_tokens` and must stay below it.
                let room = most.unwrap_or(u64::MAX);
                let max_tokens = max_tokens.max(effort.budget() + MIN_ANSWER_TOKENS).min(room);
                let budget = effort.budget().min(max_tokens.saturating_sub(MIN_ANSWER_TOKENS));
                let form = Node::typed("enabled").with("budget_tokens", budget);
                Self { effort: None, form: Some(form), max_tokens }
            }
        }
    }

    fn with_form(self, form: Node) -> Self {
        Self { form: Some(form), ..self }
    }
}

/// The API refuses a beginning of the answer that ends in blanks, and newer models any beginning; one may
/// also come to light only here, when what followed it was blank.
fn prefilled(mut talk: Vec<Turn>, can_prefill: bool) -> Result<Vec<Turn>, Untranslatable> {
    if let Some(last) = talk.last_mut().filter(|last| last.role == Role::Assistant) {
        if !can_prefill {
            return Err(Untranslatable::Feature("assistant prefill"));
        }
        if let Some(Part::Text(text)) = last.parts.last_mut() {
            text.truncate(text.trim_end().len());
        }
    }
    Ok(talk)
}

fn system(turns: Vec<Turn>) -> Node {
    let texts = turns.into_iter().flat_map(|turn| turn.parts).filter_map(|part| {
        let Part::Text(text) = part else { return None };
        Some(Node::typed("text").with("text", text))
    });
    Node::List(texts.collect())
}

fn message(turn: Turn) -> Result<Node, Untranslatable> {
    let role = match turn.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let blocks = turn.parts.into_iter().map(block).collect::<Result<Vec<_>, _>>()?;
    Ok(Node::object().with("role", role).with("content", blocks.into_iter().flatten().collect::<Vec<_>>()))
}

/// One block, or two when a call's arguments must be told in words.
fn block(part: Part) -> Result<Vec<Node>, Untranslatable> {
    Ok(match part {
        Part::Text(text) => vec![Node::typed("text").with("text", text)],
        Part::Image(image) => {
            image.check_image()?;
            vec![Node::typed("image").with("source", source(image.source))]
        }
        Part::Document(document) => {
            document.check_document()?;
            let Media { source: from, name, .. } = document;
            vec![Node::typed("document").with("source", source(from)).maybe("title", name)]
        }
        Part::Call(call) => tool_use(call),
        Part::Result(outcome) => vec![tool_result(outcome)?],
    })
}

fn source(source: Source) -> Node {
    match source {
        Source::Url(url) => Node::typed("url").with("url", url),
        Source::Base64 { media_type, data } => {
            Node::typed("base64").with("media_type", media_type).with("data", data)
        }
    }
}

/// The API takes objects only; whatever else a model once gave as arguments stays readable.
fn tool_use(call: Call) -> Vec<Node> {
    let Call { id, name, arguments } = call;
    let mut blocks = Vec::with_capacity(2);
    let input = if is_object(&arguments) {
        raw(&arguments).map(Node::Raw)
    } else if arguments.trim().is_empty() {
        None
    } else if let Some(value) = raw(&arguments) {
        Some(Node::object().with("value", value))
    } else {
        let told = format!("(The arguments of the following call were not valid JSON: {arguments})");
        blocks.push(Node::typed("text").with("text", told));
        None
    };
    let input = input.unwrap_or_else(Node::object);
    blocks.push(Node::typed("tool_use").with("id", id).with("name", name).with("input", input));
    blocks
}

fn tool_result(outcome: Outcome) -> Result<Node, Untranslatable> {
    let mut content = Vec::with_capacity(outcome.parts.len());
    for part in outcome.parts {
        // An empty text is no text here.
        if part.as_text().is_none_or(|text| !text.trim().is_empty()) {
            content.extend(block(part)?);
        }
    }
    let result = Node::typed("tool_result").with("tool_use_id", outcome.id);
    let result = result.maybe("content", Node::List(content).filled());
    Ok(result.maybe("is_error", outcome.failed.then_some(true)))
}

struct Tools {
    nodes: Vec<Node>,
    /// Made up because the history calls tools and the API wants them declared.
    invented: bool,
}

fn tools(tools: Vec<Tool>, talk: &[Turn], writing: &mut Writing<'_>) -> Result<Tools, Untranslatable> {
    if !tools.is_empty() {
        let nodes = tools.into_iter().map(|tool| declare(tool, writing)).collect::<Result<Vec<_>, _>>()?;
        return Ok(Tools { nodes, invented: false });
    }
    let mut names: Vec<&str> = Vec::new();
    for part in talk.iter().flat_map(|turn| &turn.parts) {
        if let Part::Call(call) = part
            && !names.contains(&call.name.as_str())
        {
            names.push(&call.name);
        }
    }
    let any = || raw(ANY_OBJECT).map(Node::Raw);
    let declared =
        names.into_iter().map(|name| Node::object().with("name", name).maybe("input_schema", any()));
    Ok(Tools { nodes: declared.collect(), invented: true })
}

fn declare(tool: Tool, writing: &mut Writing<'_>) -> Result<Node, Untranslatable> {
    let given = tool.schema.as_ref().map_or("{}", |schema| schema.get()).trim();
    let mut schema = given.to_owned();
    if crate::ask::member(given, "type").is_none() {
        // The top level must be an object and say so.
        let rest = given.strip_prefix('{').map_or("}", str::trim_start);
        let comma = if rest.starts_with('}') { "" } else { "," };
        let properties =
            if crate::ask::member(given, "properties").is_none() { r#","properties":{}"# } else { "" };
        schema = format!(r#"{{"type":"object"{properties}{comma}{rest}"#);
    }
    let strict = tool.strict == Some(true);
    if strict {
        schema = subset(&schema, "tools", writing)?;
    }
    let schema = raw(&schema).ok_or(Untranslatable::Malformed("tools"))?;
    let node = Node::object().with("name", tool.name).maybe("description", tool.description);
    Ok(node.with("input_schema", schema).maybe("strict", strict.then_some(true)))
}

fn subset(schema: &str, field: &'static str, writing: &mut Writing<'_>) -> Result<String, Untranslatable> {
    let sanitized = sanitize(schema);
    if sanitized.narrowed {
        return Err(Untranslatable::Feature("schemas with open objects"));
    }
    if sanitized.loosened {
        writing.lose(field, "limits that the target's schemas lack");
    }
    Ok(sanitized.schema)
}

fn choice(choice: Option<Choice>, serial: bool, tools: &Tools) -> Option<Node> {
    if tools.nodes.is_empty() {
        return None;
    }
    if tools.invented {
        return Some(Node::typed("none"));
    }
    let choice = choice.or(serial.then_some(Choice::Auto))?;
    let node = match &choice {
        Choice::Auto => Node::typed("auto"),
        Choice::Any => Node::typed("any"),
        Choice::Named(name) => Node::typed("tool").with("name", name.as_str()),
        Choice::Never => return Some(Node::typed("none")),
    };
    Some(node.maybe("disable_parallel_tool_use", serial.then_some(true)))
}

fn format(format: Option<Format>, output: Node, writing: &mut Writing<'_>) -> Result<Node, Untranslatable> {
    let Some(Format::Schema { schema, .. }) = format else { return Ok(output) };
    let schema = subset(schema.get(), "response_format", writing)?;
    let schema = raw(&schema).ok_or(Untranslatable::Malformed("response_format"))?;
    Ok(output.with("format", Node::typed("json_schema").with("schema", schema)))
}
