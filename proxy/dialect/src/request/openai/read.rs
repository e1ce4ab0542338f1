//! Reads an OpenAI Chat Completions request.

use serde::Deserialize;

use super::super::Untranslatable;
use super::super::conversation::{
    Call, Choice, Format, Media, Outcome, Part, Raw, Request, Role, Sampling, Source, Tool, Turn,
};
use super::super::json::{Content, field};

#[derive(Deserialize)]
struct Body {
    messages: Option<Raw>,
    tools: Option<Raw>,
    tool_choice: Option<Raw>,
    parallel_tool_calls: Option<bool>,
    stop: Option<Raw>,
    temperature: Option<Raw>,
    top_p: Option<Raw>,
    top_k: Option<Raw>,
    presence_penalty: Option<Raw>,
    frequency_penalty: Option<Raw>,
    seed: Option<Raw>,
    response_format: Option<Raw>,
    safety_identifier: Option<String>,
    user: Option<String>,
    verbosity: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Option<Content<ContentPart>>,
    refusal: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
    tool_call_id: Option<String>,
}

#[derive(Deserialize)]
struct ContentPart {
    r#type: String,
    text: Option<String>,
    refusal: Option<String>,
    image_url: Option<ImageUrl>,
    file: Option<File>,
}

#[derive(Deserialize)]
struct ImageUrl {
    url: String,
    detail: Option<String>,
}

#[derive(Deserialize)]
struct File {
    file_data: Option<String>,
    filename: Option<String>,
}

#[derive(Deserialize)]
struct ToolCall {
    id: Option<String>,
    function: Option<FunctionCall>,
}

#[derive(Deserialize)]
struct FunctionCall {
    name: String,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct ToolForm {
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    description: Option<String>,
    parameters: Option<Raw>,
    strict: Option<bool>,
}

#[derive(Deserialize)]
struct ChoiceForm {
    r#type: String,
    function: Option<Named>,
    allowed_tools: Option<Allowed>,
}

#[derive(Deserialize)]
struct Allowed {
    mode: Option<String>,
    tools: Vec<ToolName>,
}

#[derive(Deserialize)]
struct ToolName {
    function: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct FormatForm {
    r#type: String,
    json_schema: Option<SchemaForm>,
}

#[derive(Deserialize)]
struct SchemaForm {
    name: Option<String>,
    description: Option<String>,
    schema: Option<Raw>,
    strict: Option<bool>,
}

/// Reads a body that has been peeked.
pub(in super::super) fn read(body: &[u8]) -> Result<Request, Untranslatable> {
    let body: Body = serde_json::from_slice(body).map_err(|_| Untranslatable::Malformed("body"))?;
    let messages: Vec<Message> = field("messages", body.messages.as_ref())?.unwrap_or_default();
    let tools: Vec<ToolForm> = field("tools", body.tools.as_ref())?.unwrap_or_default();
    let format: Option<FormatForm> = field("response_format", body.response_format.as_ref())?;
    let stop: Option<Stop> = field("stop", body.stop.as_ref())?;
    let mut request = Request {
        turns: messages.into_iter().map(Message::into_turn).collect::<Result<_, _>>()?,
        tools: tools.into_iter().map(|tool| tool.function.into_tool()).collect(),
        choice: None,
        serial: body.parallel_tool_calls == Some(false),
        stop: stop.map(|stop| stop.0).unwrap_or_default(),
        sampling: Sampling {
            temperature: body.temperature,
            top_p: body.top_p,
            top_k: body.top_k,
            presence_penalty: body.presence_penalty,
            frequency_penalty: body.frequency_penalty,
            seed: body.seed,
        },
        format: format.map(FormatForm::into_format).transpose()?.flatten(),
        user: body.safety_identifier.or(body.user),
        verbosity: body.verbosity,
    };
    choose(&mut request, body.tool_choice.as_ref())?;
    Ok(request)
}

/// A string, or strings.
struct Stop(Vec<String>);

impl<'de> Deserialize<'de> for Stop {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match Content::<String>::deserialize(deserializer)? {
            Content::Text(stop) => vec![stop],
            Content::Parts(stops) => stops,
        }))
    }
}

fn choose(request: &mut Request, raw: Option<&Raw>) -> Result<(), Untranslatable> {
    let malformed = Untranslatable::Malformed("tool_choice");
    let Some(raw) = raw else { return Ok(()) };
    if raw.get().starts_with('"') {
        let word: Option<String> = field("tool_choice", Some(raw))?;
        request.choice = Some(match word.as_deref() {
            Some("auto") => Choice::Auto,
            Some("none") => Choice::Never,
            // Mistral says `any`.
            Some("required" | "any") => Choice::Any,
            _ => return Err(malformed),
        });
        return Ok(());
    }
    let form: Option<ChoiceForm> = field("tool_choice", Some(raw))?;
    match form {
        Some(ChoiceForm { r#type, function: Some(named), .. }) if r#type == "function" => {
            request.choice = Some(Choice::Named(named.name));
        }
        Some(ChoiceForm { allowed_tools: Some(allowed), .. }) => {
            let names = allowed.tools.into_iter().filter_map(|tool| tool.function).map(|named| named.name);
            request.allow(&names.collect::<Vec<_>>(), allowed.mode.as_deref());
        }
        _ => return Err(malformed),
    }
    Ok(())
}

impl Message {
    fn into_turn(self) -> Result<Turn, Untranslatable> {
        let parts = match self.content {
            None => Vec::new(),
            Some(Content::Text(text)) => vec![Part::Text(text)],
            Some(Content::Parts(parts)) => {
                parts.into_iter().map(ContentPart::into_part).collect::<Result<Vec<_>, _>>()?
            }
        };
        let (role, parts) = match self.role.as_str() {
            "system" | "developer" => (Role::System, parts),
            "user" => (Role::User, parts),
            "tool" => {
                let id = self.tool_call_id.ok_or(Untranslatable::Malformed("messages"))?;
                (Role::User, vec![Part::Result(Outcome { id, parts, failed: false })])
            }
            "assistant" => {
                let mut parts = parts;
                parts.extend(self.refusal.map(Part::Text));
                for call in self.tool_calls.into_iter().flatten() {
                    parts.push(call.into_part()?);
                }
                (Role::Assistant, parts)
            }
            _ => return Err(Untranslatable::Malformed("messages")),
        };
        Ok(Turn { role, parts })
    }
}

impl ContentPart {
    fn into_part(self) -> Result<Part, Untranslatable> {
        let malformed = Untranslatable::Malformed("messages");
        Ok(match self.r#type.as_str() {
            "text" => Part::Text(self.text.ok_or(malformed)?),
            "refusal" => Part::Text(self.refusal.ok_or(malformed)?),
            "image_url" => {
                let image = self.image_url.ok_or(malformed)?;
                Part::Image(Media { source: Source::of_url(image.url)?, detail: image.detail, name: None })
            }
            "file" => {
                let file = self.file.ok_or_else(|| malformed.clone())?;
                let data = file.file_data.ok_or(malformed)?;
                Part::Document(Media {
                    source: Source::of_file_data(data)?,
                    detail: None,
                    name: file.filename,
                })
            }
            _ => return Err(Untranslatable::Feature("unknown content")),
        })
    }
}

impl ToolCall {
    fn into_part(self) -> Result<Part, Untranslatable> {
        let function = self.function.ok_or(Untranslatable::Feature("custom tools"))?;
        Ok(Part::Call(Call {
            id: self.id.unwrap_or_default(),
            name: function.name,
            arguments: function.arguments.unwrap_or_default(),
        }))
    }
}

impl Function {
    fn into_tool(self) -> Tool {
        Tool { name: self.name, description: self.description, schema: self.parameters, strict: self.strict }
    }
}

impl FormatForm {
    fn into_format(self) -> Result<Option<Format>, Untranslatable> {
        let malformed = Untranslatable::Malformed("response_format");
        Ok(match self.r#type.as_str() {
            "json_object" => Some(Format::Object),
            "json_schema" => {
                let SchemaForm { name, description, schema, strict } =
                    self.json_schema.ok_or(malformed.clone())?;
                Some(Format::Schema { name, description, schema: schema.ok_or(malformed)?, strict })
            }
            "text" => None,
            _ => return Err(malformed),
        })
    }
}
