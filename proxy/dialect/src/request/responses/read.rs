//! Reads an OpenAI Responses request.

use serde::Deserialize;

use super::super::Untranslatable;
use super::super::conversation::{
    Call, Choice, Format, Media, Outcome, Part, Raw, Request, Role, Sampling, Source, Tool, Turn,
};
use super::super::json::{Content, field};

#[derive(Deserialize)]
struct Body {
    input: Option<Raw>,
    instructions: Option<String>,
    tools: Option<Raw>,
    tool_choice: Option<Raw>,
    parallel_tool_calls: Option<bool>,
    temperature: Option<Raw>,
    top_p: Option<Raw>,
    presence_penalty: Option<Raw>,
    frequency_penalty: Option<Raw>,
    text: Option<Raw>,
    safety_identifier: Option<String>,
    user: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    r#type: Option<String>,
    role: Option<String>,
    content: Option<Content<ContentPart>>,
    call_id: Option<String>,
    name: Option<String>,
    arguments: Option<String>,
    output: Option<Content<ContentPart>>,
}

#[derive(Deserialize)]
struct ContentPart {
    r#type: String,
    text: Option<String>,
    refusal: Option<String>,
    image_url: Option<String>,
    detail: Option<String>,
    file_data: Option<String>,
    file_url: Option<String>,
    filename: Option<String>,
}

#[derive(Deserialize)]
struct ToolForm {
    name: String,
    description: Option<String>,
    parameters: Option<Raw>,
    strict: Option<bool>,
}

#[derive(Deserialize)]
struct ChoiceForm {
    r#type: String,
    name: Option<String>,
    mode: Option<String>,
    tools: Option<Vec<ToolName>>,
}

#[derive(Deserialize)]
struct ToolName {
    name: Option<String>,
}

#[derive(Deserialize)]
struct TextForm {
    format: Option<FormatForm>,
    verbosity: Option<String>,
}

#[derive(Deserialize)]
struct FormatForm {
    r#type: String,
    name: Option<String>,
    description: Option<String>,
    schema: Option<Raw>,
    strict: Option<bool>,
}

/// Reads a body that has been peeked.
pub(in super::super) fn read(body: &[u8]) -> Result<Request, Untranslatable> {
    let body: Body = serde_json::from_slice(body).map_err(|_| Untranslatable::Malformed("body"))?;
    let mut turns: Vec<Turn> =
        body.instructions.map(|text| Turn::text(Role::System, text)).into_iter().collect();
    match field::<Content<Item>>("input", body.input.as_ref())? {
        None => {}
        Some(Content::Text(text)) => turns.push(Turn::text(Role::User, text)),
        Some(Content::Parts(items)) => {
            for item in items {
                turns.extend(item.into_turn()?);
            }
        }
    }
    let tools: Vec<ToolForm> = field("tools", body.tools.as_ref())?.unwrap_or_default();
    let text: Option<TextForm> = field("text", body.text.as_ref())?;
    let (format, verbosity) = text.map_or((None, None), |text| (text.format, text.verbosity));
    let mut request = Request {
        turns,
        tools: tools.into_iter().map(ToolForm::into_tool).collect(),
        choice: None,
        serial: body.parallel_tool_calls == Some(false),
        stop: Vec::new(),
        sampling: Sampling {
            temperature: body.temperature,
            top_p: body.top_p,
            presence_penalty: body.presence_penalty,
            frequency_penalty: body.frequency_penalty,
            ..Sampling::default()
        },
        format: format.map(FormatForm::into_format).transpose()?.flatten(),
        user: body.safety_identifier.or(body.user),
        verbosity,
    };
    choose(&mut request, body.tool_choice.as_ref())?;
    Ok(request)
}

fn choose(request: &mut Request, raw: Option<&Raw>) -> Result<(), Untranslatable> {
    let malformed = Untranslatable::Malformed("tool_choice");
    let Some(raw) = raw else { return Ok(()) };
    if raw.get().starts_with('"') {
        let word: Option<String> = field("tool_choice", Some(raw))?;
        request.choice = Some(match word.as_deref() {
            Some("auto") => Choice::Auto,
            Some("none") => Choice::Never,
            Some("required") => Choice::Any,
            _ => return Err(malformed),
        });
        return Ok(());
    }
    let form: Option<ChoiceForm> = field("tool_choice", Some(raw))?;
    match form {
        Some(ChoiceForm { r#type, name: Some(name), .. }) if r#type == "function" => {
            request.choice = Some(Choice::Named(name));
        }
        Some(ChoiceForm { r#type, mode, tools: Some(tools), .. }) if r#type == "allowed_tools" => {
            let names: Vec<String> = tools.into_iter().filter_map(|tool| tool.name).collect();
            request.allow(&names, mode.as_deref());
        }
        _ => return Err(malformed),
    }
    Ok(())
}

impl Item {
    /// `None` for reasoning, which only its own vendor may see.
    fn into_turn(self) -> Result<Option<Turn>, Untranslatable> {
        let malformed = || Untranslatable::Malformed("input");
        Ok(Some(match self.r#type.as_deref() {
            None | Some("message") => {
                let role = match self.role.as_deref() {
                    Some("user") => Role::User,
                    Some("assistant") => Role::Assistant,
                    Some("system" | "developer") => Role::System,
                    _ => return Err(malformed()),
                };
                Turn { role, parts: parts(self.content)? }
            }
            Some("function_call") => {
                let call = Call {
                    id: self.call_id.ok_or_else(malformed)?,
                    name: self.name.ok_or_else(malformed)?,
                    arguments: self.arguments.unwrap_or_default(),
                };
                Turn { role: Role::Assistant, parts: vec![Part::Call(call)] }
            }
            Some("function_call_output") => {
                let id = self.call_id.ok_or_else(malformed)?;
                let outcome = Outcome { id, parts: parts(self.output)?, failed: false };
                Turn { role: Role::User, parts: vec![Part::Result(outcome)] }
            }
            Some("reasoning") => return Ok(None),
            Some(_) => return Err(Untranslatable::Feature("unknown content")),
        }))
    }
}

fn parts(content: Option<Content<ContentPart>>) -> Result<Vec<Part>, Untranslatable> {
    match content {
        None => Ok(Vec::new()),
        Some(Content::Text(text)) => Ok(vec![Part::Text(text)]),
        Some(Content::Parts(parts)) => parts.into_iter().map(ContentPart::into_part).collect(),
    }
}

impl ContentPart {
    fn into_part(self) -> Result<Part, Untranslatable> {
        let malformed = || Untranslatable::Malformed("input");
        Ok(match self.r#type.as_str() {
            "input_text" | "output_text" | "text" => Part::Text(self.text.ok_or_else(malformed)?),
            "refusal" => Part::Text(self.refusal.ok_or_else(malformed)?),
            "input_image" => {
                let source = Source::of_url(self.image_url.ok_or_else(malformed)?)?;
                Part::Image(Media { source, detail: self.detail, name: None })
            }
            "input_file" => {
                let source = match (self.file_data, self.file_url) {
                    (Some(data), _) => Source::of_file_data(data)?,
                    (None, Some(url)) => Source::Url(url),
                    (None, None) => return Err(malformed()),
                };
                Part::Document(Media { source, detail: None, name: self.filename })
            }
            _ => return Err(Untranslatable::Feature("unknown content")),
        })
    }
}

impl ToolForm {
    fn into_tool(self) -> Tool {
        Tool { name: self.name, description: self.description, schema: self.parameters, strict: self.strict }
    }
}

impl FormatForm {
    fn into_format(self) -> Result<Option<Format>, Untranslatable> {
        let malformed = Untranslatable::Malformed("text");
        Ok(match self.r#type.as_str() {
            "json_object" => Some(Format::Object),
            "json_schema" => Some(Format::Schema {
                name: self.name,
                description: self.description,
                schema: self.schema.ok_or(malformed)?,
                strict: self.strict,
            }),
            "text" => None,
            _ => return Err(malformed),
        })
    }
}
