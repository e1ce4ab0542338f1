//! Reads an Anthropic Messages request.

use serde::Deserialize;

use super::super::Untranslatable;
use super::super::conversation::{
    Call, Choice, Format, Media, Outcome, Part, Raw, Request, Role, Sampling, Source, Tool, Turn,
};
use super::super::json::{Content, compact, field};

#[derive(Deserialize)]
struct Body {
    messages: Option<Raw>,
    system: Option<Raw>,
    tools: Option<Raw>,
    tool_choice: Option<Raw>,
    stop_sequences: Option<Raw>,
    temperature: Option<Raw>,
    top_p: Option<Raw>,
    top_k: Option<Raw>,
    output_config: Option<Raw>,
    output_format: Option<Raw>,
    metadata: Option<Raw>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Content<Block>,
}

#[derive(Deserialize)]
struct Block {
    r#type: String,
    text: Option<String>,
    source: Option<MediaSource>,
    title: Option<String>,
    context: Option<String>,
    id: Option<String>,
    name: Option<String>,
    input: Option<Raw>,
    tool_use_id: Option<String>,
    content: Option<Content<Block>>,
    is_error: Option<bool>,
}

#[derive(Deserialize)]
struct MediaSource {
    r#type: String,
    media_type: Option<String>,
    data: Option<String>,
    url: Option<String>,
    content: Option<Content<Block>>,
}

#[derive(Deserialize)]
struct ToolForm {
    name: String,
    description: Option<String>,
    input_schema: Option<Raw>,
    input_examples: Option<Raw>,
    strict: Option<bool>,
}

#[derive(Deserialize)]
struct ChoiceForm {
    r#type: String,
    name: Option<String>,
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Deserialize)]
struct OutputConfig {
    format: Option<FormatForm>,
}

#[derive(Deserialize)]
struct FormatForm {
    schema: Option<Raw>,
}

#[derive(Deserialize)]
struct Metadata {
    user_id: Option<String>,
}

/// Reads a body that has been peeked.
pub(in super::super) fn read(body: &[u8]) -> Result<Request, Untranslatable> {
    let body: Body = serde_json::from_slice(body).map_err(|_| Untranslatable::Malformed("body"))?;
    let mut turns = Vec::new();
    if let Some(system) = field::<Content<Block>>("system", body.system.as_ref())? {
        let parts = blocks(system)?;
        // A turn per block, so that block borders stay where the target has several system messages.
        turns.extend(parts.into_iter().map(|part| Turn { role: Role::System, parts: vec![part] }));
    }
    let messages: Vec<Message> = field("messages", body.messages.as_ref())?.unwrap_or_default();
    for message in messages {
        turns.push(turn(message)?);
    }
    let choice: Option<ChoiceForm> = field("tool_choice", body.tool_choice.as_ref())?;
    let tools: Vec<ToolForm> = field("tools", body.tools.as_ref())?.unwrap_or_default();
    let metadata: Option<Metadata> = field("metadata", body.metadata.as_ref())?;
    let config: Option<OutputConfig> = field("output_config", body.output_config.as_ref())?;
    let older: Option<FormatForm> = field("output_format", body.output_format.as_ref())?;
    let schema = config.and_then(|config| config.format).or(older).and_then(|format| format.schema);
    Ok(Request {
        turns,
        tools: tools.into_iter().map(ToolForm::into_tool).collect(),
        serial: choice.as_ref().is_some_and(|choice| choice.disable_parallel_tool_use == Some(true)),
        choice: choice.map(ChoiceForm::into_choice).transpose()?,
        stop: field("stop_sequences", body.stop_sequences.as_ref())?.unwrap_or_default(),
        sampling: Sampling {
            temperature: body.temperature,
            top_p: body.top_p,
            top_k: body.top_k,
            ..Sampling::default()
        },
        format: schema.map(|schema| Format::Schema {
            name: None,
            description: None,
            schema,
            strict: Some(true),
        }),
        user: metadata.and_then(|metadata| metadata.user_id),
        verbosity: None,
    })
}

fn turn(message: Message) -> Result<Turn, Untranslatable> {
    let role = match message.role.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => Role::System,
        _ => return Err(Untranslatable::Malformed("messages")),
    };
    Ok(Turn { role, parts: blocks(message.content)? })
}

fn blocks(content: Content<Block>) -> Result<Vec<Part>, Untranslatable> {
    match content {
        Content::Text(text) => Ok(vec![Part::Text(text)]),
        Content::Parts(blocks) => {
            let mut parts = Vec::with_capacity(blocks.len());
            for block in blocks {
                parts.extend(block.into_part()?);
            }
            Ok(parts)
        }
    }
}

impl Block {
    /// `None` for what no other vendor may see: sealed reasoning, notes of an earlier fallback.
    fn into_part(self) -> Result<Option<Part>, Untranslatable> {
        let malformed = Untranslatable::Malformed("messages");
        Ok(Some(match self.r#type.as_str() {
            "text" => Part::Text(self.text.ok_or(malformed)?),
            "image" => Part::Image(Media::of(self.source.ok_or(malformed)?.into_source()?)),
            "document" => self.into_document()?,
            "tool_use" => Part::Call(Call {
                id: self.id.unwrap_or_default(),
                name: self.name.ok_or(malformed)?,
                arguments: self.input.map_or_else(|| "{}".to_owned(), |input| compact(input.get())),
            }),
            "tool_result" => Part::Result(Outcome {
                id: self.tool_use_id.ok_or(malformed)?,
                parts: self.content.map(blocks).transpose()?.unwrap_or_default(),
                failed: self.is_error == Some(true),
            }),
            "thinking" | "redacted_thinking" | "fallback" => return Ok(None),
            _ => return Err(Untranslatable::Feature("unknown content")),
        }))
    }

    fn into_document(self) -> Result<Part, Untranslatable> {
        let source = self.source.ok_or(Untranslatable::Malformed("messages"))?;
        let heading = [&self.title, &self.context].into_iter().flatten().map(|line| format!("{line}\n"));
        let heading: String = heading.collect();
        match source.r#type.as_str() {
            "text" => Ok(Part::Text(heading + &source.data.unwrap_or_default())),
            "content" => {
                let inner = source.content.map(blocks).transpose()?.unwrap_or_default();
                if inner.iter().any(|part| part.as_text().is_none()) {
                    return Err(Untranslatable::Feature("documents with images"));
                }
                let lines: Vec<&str> = inner.iter().filter_map(Part::as_text).collect();
                Ok(Part::Text(heading + &lines.join("\n")))
            }
            _ => Ok(Part::Document(Media { source: source.into_source()?, detail: None, name: self.title })),
        }
    }
}

impl MediaSource {
    fn into_source(self) -> Result<Source, Untranslatable> {
        let malformed = Untranslatable::Malformed("messages");
        match self.r#type.as_str() {
            "base64" => Ok(Source::Base64 {
                media_type: self.media_type.ok_or_else(|| malformed.clone())?,
                data: self.data.ok_or(malformed)?,
            }),
            "url" => self.url.map(Source::Url).ok_or(malformed),
            "file" => Err(Untranslatable::Feature("uploaded files")),
            _ => Err(malformed),
        }
    }
}

impl ToolForm {
    fn into_tool(self) -> Tool {
        // Examples have no field elsewhere; the description is where a model reads on.
        let examples = self.input_examples.map(|examples| format!("Examples: {}", compact(examples.get())));
        let told: Vec<String> = [self.description, examples].into_iter().flatten().collect();
        Tool {
            name: self.name,
            description: (!told.is_empty()).then(|| told.join("\n\n")),
            schema: self.input_schema,
            strict: self.strict,
        }
    }
}

impl ChoiceForm {
    fn into_choice(self) -> Result<Choice, Untranslatable> {
        match self.r#type.as_str() {
            "auto" => Ok(Choice::Auto),
            "any" => Ok(Choice::Any),
            "none" => Ok(Choice::Never),
            "tool" => self.name.map(Choice::Named).ok_or(Untranslatable::Malformed("tool_choice")),
            _ => Err(Untranslatable::Malformed("tool_choice")),
        }
    }
}
