//! Walks the parts of a request that hold content, and notes what kinds of it there are.
//!
//! Only what the dialect puts at a place is descended into: a tool's arguments may look like anything,
//! also like an image or like another `model`.

use std::borrow::Cow;

use super::feature::LastTurn;
use super::{Feature, FeatureSet, Features};
use crate::scan::{Scan, Scanner, text_of, unescape};
use crate::{Dialect, mark};

/// Consumes the value of a top-level field.
pub(super) fn walk(
    dialect: Dialect,
    field: &str,
    scanner: &mut Scanner<'_>,
    features: &mut Features,
) -> Scan<FeatureSet> {
    let mut walk = Walk { dialect, features, found: FeatureSet::default() };
    match field {
        "messages" | "input" => walk.turns(scanner)?,
        "system" => walk.parts(scanner, &mut Note::default())?,
        "tools" | "functions" => walk.tools(scanner)?,
        "instructions" | "response_format" | "text" | "output_config" => walk.counted(scanner)?,
        _ => {
            scanner.skip()?;
        }
    }
    Ok(walk.found)
}

struct Walk<'f> {
    dialect: Dialect,
    features: &'f mut Features,
    found: FeatureSet,
}

/// What an object of the content says about itself.
#[derive(Default)]
struct Note<'a> {
    kind: Cow<'a, str>,
    role: Cow<'a, str>,
    source: Cow<'a, str>,
    cites: bool,
    file: bool,
    url: bool,
    own_mark: bool,
    reasoning: bool,
    calls: bool,
    result: bool,
    within: FeatureSet,
}

impl Walk<'_> {
    fn counted(&mut self, scanner: &mut Scanner<'_>) -> Scan<()> {
        self.features.text_bytes += scanner.skip()?.len() as u64;
        Ok(())
    }

    fn turns(&mut self, scanner: &mut Scanner<'_>) -> Scan<()> {
        if scanner.first()? != b'[' {
            self.features.last = Some(LastTurn::User);
            return self.counted(scanner);
        }
        scanner.items(&mut |scanner| self.turn(scanner)).map(drop)
    }

    fn turn(&mut self, scanner: &mut Scanner<'_>) -> Scan<()> {
        let note = self.note(scanner)?;
        let had = self.features.last;
        let turn = match (&*note.role, &*note.kind) {
            ("tool" | "function", _) | (_, "function_call_output" | "custom_tool_call_output") => {
                LastTurn::ToolResult
            }
            ("system" | "developer", _) => LastTurn::System,
            ("assistant", _) if note.calls => LastTurn::ToolCall,
            (_, "function_call" | "custom_tool_call") => LastTurn::ToolCall,
            ("assistant", _) => LastTurn::Assistant,
            ("user", _) if note.result => LastTurn::ToolResult,
            ("user", _) => LastTurn::User,
            // Reasoning and other items that are no turn of anyone.
            _ => had.unwrap_or(LastTurn::User),
        };
        if turn == LastTurn::System && had.is_some_and(|last| last != LastTurn::System) {
            self.found.insert(Feature::MidSystem);
        }
        if note.role == "function" {
            self.found.insert(Feature::LegacyFunctions);
        }
        self.features.last = Some(turn);
        self.found |= note.within;
        Ok(())
    }

    /// A string, or an array of parts.
    fn parts<'a>(&mut self, scanner: &mut Scanner<'a>, parent: &mut Note<'a>) -> Scan<()> {
        if scanner.first()? != b'[' {
            return self.counted(scanner);
        }
        let walked = scanner.items(&mut |scanner| {
            let note = self.note(scanner)?;
            parent.calls |= note.calls;
            parent.result |= note.result;
            parent.own_mark |= note.own_mark;
            parent.within |= note.within;
            Ok(())
        });
        walked.map(drop)
    }

    /// Reads one message, item or part.
    fn note<'a>(&mut self, scanner: &mut Scanner<'a>) -> Scan<Note<'a>> {
        let mut note = Note::default();
        scanner.entries(&mut |scanner, key| self.entry(scanner, &unescape(key), &mut note))?;
        self.judge(&mut note);
        Ok(note)
    }

    fn entry<'a>(&mut self, scanner: &mut Scanner<'a>, key: &str, note: &mut Note<'a>) -> Scan<()> {
        match key {
            "type" => note.kind = text_of(scanner.raw()?).unwrap_or_default(),
            "role" => note.role = text_of(scanner.raw()?).unwrap_or_default(),
            "content" | "output" => return self.parts(scanner, note),
            "source" | "file" | "citations" => return Self::source(scanner, note),
            "file_id" => note.file |= scanner.raw()? != "null",
            "file_url" => note.url |= scanner.raw()? != "null",
            "signature" | "data" | "encrypted_content" => {
                note.own_mark |= text_of(scanner.raw()?).is_some_and(|token| mark::is_own(&token));
            }
            "reasoning_content" | "reasoning" | "reasoning_details" => {
                note.reasoning |= scanner.raw()? != "null"
            }
            "tool_calls" => self.calls(scanner, note)?,
            "function_call" => self.legacy(scanner, note)?,
            "audio" => {
                if scanner.raw()? != "null" {
                    note.within.insert(Feature::Audio);
                }
            }
            "image_url" | "input_audio" | "file_data" => {
                scanner.skip()?;
            }
            _ => return self.counted(scanner),
        }
        Ok(())
    }

    /// The object that says where a medium comes from, or whether a document shall be cited.
    fn source<'a>(scanner: &mut Scanner<'a>, note: &mut Note<'a>) -> Scan<()> {
        let walked = scanner.entries(&mut |scanner, key| {
            let value = scanner.raw()?;
            match &*unescape(key) {
                "type" => note.source = text_of(value).unwrap_or_default(),
                "file_id" => note.file = value != "null",
                "enabled" => note.cites = value == "true",
                _ => {}
            }
            Ok(())
        });
        walked.map(drop)
    }

    fn calls<'a>(&mut self, scanner: &mut Scanner<'a>, note: &mut Note<'a>) -> Scan<()> {
        let walked = scanner.items(&mut |scanner| {
            note.calls = true;
            let call = self.note(scanner)?;
            note.within |= call.within;
            Ok(())
        });
        walked.map(drop)
    }

    fn legacy(&mut self, scanner: &mut Scanner<'_>, note: &mut Note<'_>) -> Scan<()> {
        if scanner.first()? == b'{' {
            note.within.insert(Feature::LegacyFunctions);
        }
        self.counted(scanner)
    }

    fn judge(&self, note: &mut Note<'_>) {
        self.judge_kind(note);
        note.calls |= note.kind == "tool_use";
        let result = matches!(&*note.kind, "tool_result" | "function_call_output") || note.role == "tool";
        note.result |= result;
        if result && note.within.has(Feature::Images) {
            note.within.insert(Feature::ToolResultImages);
        }
        let flags = [
            (note.file || note.source == "file", Feature::Files),
            (note.cites, Feature::Citations),
            (note.own_mark, Feature::OwnMarks),
            (note.reasoning, Feature::ThinkingHistory),
        ];
        flags.iter().filter(|(is, _)| *is).for_each(|(_, feature)| note.within.insert(*feature));
    }

    fn judge_kind(&self, note: &mut Note<'_>) {
        use Feature as F;
        let features: &[Feature] = match (self.dialect, &*note.kind) {
            (Dialect::Anthropic, "document") if matches!(&*note.source, "text" | "content") => &[],
            (Dialect::Anthropic, "document") if note.source == "url" => &[F::Documents, F::DocumentUrls],
            (Dialect::Anthropic, "document") | (Dialect::OpenAi, "file") => &[F::Documents],
            (Dialect::Responses, "input_file") if note.url => &[F::Documents, F::DocumentUrls],
            (Dialect::Responses, "input_file") => &[F::Documents],
            (Dialect::Anthropic, "image")
            | (Dialect::OpenAi, "image_url")
            | (Dialect::Responses, "input_image") => &[F::Images],
            (Dialect::OpenAi, "input_audio") | (Dialect::Responses, "input_audio") => &[F::Audio],
            (Dialect::Anthropic, "search_result") => &[F::Citations],
            (Dialect::Anthropic, "thinking" | "redacted_thinking") | (Dialect::Responses, "reasoning") => {
                &[F::ThinkingHistory]
            }
            (Dialect::Anthropic, "tool_use" | "tool_result")
            | (Dialect::OpenAi, "function")
            | (Dialect::Responses, "function_call" | "function_call_output") => &[F::Tools],
            (Dialect::OpenAi, "custom")
            | (Dialect::Responses, "custom_tool_call" | "custom_tool_call_output") => &[F::CustomTools],
            (Dialect::Responses, "item_reference") => &[F::ServerState],
            (Dialect::Anthropic, "fallback") => &[],
            (_, "text" | "refusal" | "" | "message" | "input_text" | "output_text") => &[],
            (_, kind) if is_hosted(kind) => &[F::HostedTools],
            _ => &[F::UnknownContent],
        };
        note.within |= FeatureSet::of(features);
    }

    fn tools(&mut self, scanner: &mut Scanner<'_>) -> Scan<()> {
        scanner.items(&mut |scanner| self.tool(scanner)).map(drop)
    }

    fn tool(&mut self, scanner: &mut Scanner<'_>) -> Scan<()> {
        let mut kind = Cow::Borrowed("");
        let mut strict = false;
        let start = scanner.offset();
        scanner.entries(&mut |scanner, key| {
            let value = scanner.raw()?;
            match &*unescape(key) {
                "type" => kind = text_of(value).unwrap_or_default(),
                "strict" => strict |= value == "true",
                "function" => strict |= super::field::flag_in(value, "strict"),
                _ => {}
            }
            Ok(())
        })?;
        self.features.text_bytes += (scanner.offset() - start) as u64;
        self.found.insert(match (self.dialect, &*kind) {
            (Dialect::Anthropic, "" | "custom") => Feature::Tools,
            (Dialect::OpenAi | Dialect::Responses, "function" | "") => Feature::Tools,
            (Dialect::OpenAi | Dialect::Responses, "custom") => Feature::CustomTools,
            _ => Feature::HostedTools,
        });
        if strict {
            self.found.insert(Feature::StrictTools);
        }
        Ok(())
    }
}

/// Blocks and items that a vendor's own tools leave in a conversation.
fn is_hosted(kind: &str) -> bool {
    const ENDS: [&str; 6] = ["_tool_use", "_tool_result", "_call", "_call_output", "_list_tools", "_output"];
    const WHOLE: [&str; 4] = ["mcp_approval_request", "mcp_approval_response", "container_upload", "program"];
    ENDS.iter().any(|end| kind.ends_with(end)) || WHOLE.contains(&kind)
}
