//! What routing must know of a request, read in one pass without building a tree.

mod content;
mod feature;
mod field;

use std::ops::Range;

use bytes::Bytes;
use http::HeaderMap;
use thiserror::Error;

pub use feature::{Feature, FeatureSet, Features};
pub use field::Field;
pub(crate) use field::{Rule, known as known_field, member};

use crate::scan::{Flaw, FlawKind, Scanner};
use crate::{Dialect, beta};

/// What an application asks, as far as routing cares.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The dialect that the body is written in.
    pub dialect: Dialect,
    /// The model that is asked for.
    pub model: String,
    /// Where the model stands in the body: the bytes of the JSON string, quotes included.
    pub model_span: Range<usize>,
    /// Whether the answer shall be streamed.
    pub stream: bool,
    /// Whether the application wants usage in its stream. Only Chat Completions leaves that open; in the
    /// other dialects it is always part of the answer.
    pub include_usage: bool,
    /// What a target must be able to do.
    pub features: Features,
    /// The body's length in bytes.
    pub size: usize,
    /// The most tokens that the answer may have, if the application says so.
    pub max_tokens: Option<u64>,
}

/// Why a body cannot be routed. Never quotes it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{fault} at line {line}, column {column}")]
pub struct AskError {
    /// What is wrong.
    pub fault: AskFault,
    /// The line of the fault, from 1.
    pub line: usize,
    /// The column of the fault in bytes, from 1.
    pub column: usize,
}

/// What is wrong with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AskFault {
    /// Bytes that are no UTF-8.
    #[error("the body is not UTF-8")]
    NotUtf8,
    /// Not JSON: a character that cannot stand there.
    #[error("the body is not valid JSON: unexpected character")]
    Unexpected,
    /// The body ends within a value.
    #[error("the body is not valid JSON: it ends too early")]
    Ended,
    /// Objects and arrays nest more than 127 deep.
    #[error("the body nests too deeply")]
    TooDeep,
    /// JSON, but no object.
    #[error("the body is not a JSON object")]
    NotObject,
    /// `model` is absent or empty.
    #[error("`model` is missing")]
    MissingModel,
    /// A field of another type than the dialect's.
    #[error("`{0}` has the wrong type")]
    WrongType(&'static str),
    /// A field that decides the way of the request stands there twice: readers disagree which one counts.
    #[error("`{0}` is given twice")]
    Duplicate(&'static str),
}

/// Reads what routing needs. Linear in the body, which is validated to its end.
///
/// # Errors
/// When the body is no JSON object, nests too deeply, or names no model.
pub fn peek(dialect: Dialect, headers: &HeaderMap, body: &[u8]) -> Result<Ask, AskError> {
    let text = std::str::from_utf8(body)
        .map_err(|error| AskError::at(body, AskFault::NotUtf8, error.valid_up_to()))?;
    let mut peek = Peek { dialect, fault: None, seen: Vec::new(), ask: Ask::empty(dialect, body.len()) };
    peek.read(text).map_err(|flaw| AskError::at(body, peek.fault.unwrap_or_else(|| fault(flaw)), flaw.at))?;
    let mut ask = peek.ask;
    if dialect == Dialect::Anthropic && beta::any_unknown(headers) {
        ask.features.set.insert(Feature::UnknownBeta);
    }
    ask.features.conclude(dialect);
    Ok(ask)
}

/// The body with `model` in place of the one at `span`; every other byte stays.
///
/// `span` is [`Ask::model_span`] of the same body. When `model` is the same already, nothing is copied.
#[must_use]
pub fn splice_model(body: &Bytes, span: &Range<usize>, model: &str) -> Bytes {
    let quoted = serde_json::Value::from(model).to_string();
    match (body.get(..span.start), body.get(span.clone()), body.get(span.end..)) {
        (Some(head), Some(old), Some(tail)) if old != quoted.as_bytes() => {
            let mut spliced = Vec::with_capacity(head.len() + quoted.len() + tail.len());
            spliced.extend_from_slice(head);
            spliced.extend_from_slice(quoted.as_bytes());
            spliced.extend_from_slice(tail);
            spliced.into()
        }
        _ => body.clone(),
    }
}

struct Peek {
    dialect: Dialect,
    fault: Option<AskFault>,
    seen: Vec<&'static str>,
    ask: Ask,
}

impl Peek {
    fn read(&mut self, text: &str) -> Result<(), Flaw> {
        let mut scanner = Scanner::new(text);
        let is_object = scanner.first()? == b'{';
        let start = scanner.offset();
        if is_object {
            scanner.entries(&mut |scanner, key| self.entry(scanner, key))?;
        } else {
            scanner.skip()?;
        }
        scanner.end()?;
        if !is_object {
            return self.refuse(AskFault::NotObject, start);
        }
        if self.ask.model.is_empty() {
            return self.refuse(AskFault::MissingModel, start);
        }
        Ok(())
    }

    fn entry<'a>(&mut self, scanner: &mut Scanner<'a>, key: &'a str) -> Result<(), Flaw> {
        let key_at = scanner.offset();
        let key = crate::scan::unescape(key);
        let Some(field) = field::known(self.dialect, &key) else {
            if scanner.raw()? != "null" {
                self.ask.features.unknown(&key);
            }
            return Ok(());
        };
        if self.seen.contains(&field.name) {
            return self.refuse(AskFault::Duplicate(field.name), key_at);
        }
        self.seen.push(field.name);
        scanner.first()?;
        let start = scanner.offset();
        let found = content::walk(self.dialect, field.name, scanner, &mut self.ask.features)?;
        let span = start..scanner.offset();
        self.note(field, scanner.slice(span.clone()), span)?;
        self.ask.features.set |= found;
        Ok(())
    }

    fn note(&mut self, field: &'static field::Known, raw: &str, span: Range<usize>) -> Result<(), Flaw> {
        match field.name {
            "model" => {
                let model = serde_json::from_str::<String>(raw);
                let Ok(model) = model else { return self.refuse(AskFault::WrongType("model"), span.start) };
                self.ask.model = model;
                self.ask.model_span = span;
                return Ok(());
            }
            "stream" => match raw {
                "true" => self.ask.stream = true,
                "false" | "null" => {}
                _ => return self.refuse(AskFault::WrongType("stream"), span.start),
            },
            "stream_options" if self.dialect == Dialect::OpenAi => {
                self.ask.include_usage = field::flag_in(raw, "include_usage");
            }
            "max_completion_tokens" | "max_output_tokens" => {
                self.ask.max_tokens = raw.parse().ok().or(self.ask.max_tokens);
            }
            "max_tokens" => self.ask.max_tokens = self.ask.max_tokens.or_else(|| raw.parse().ok()),
            _ => {}
        }
        if raw != "null" {
            self.ask.features.field(field, raw);
        }
        Ok(())
    }

    fn refuse<T>(&mut self, fault: AskFault, at: usize) -> Result<T, Flaw> {
        self.fault = Some(fault);
        Err(Flaw { kind: FlawKind::Refused, at })
    }
}

impl Ask {
    fn empty(dialect: Dialect, size: usize) -> Self {
        Self {
            dialect,
            model: String::new(),
            model_span: 0..0,
            stream: false,
            include_usage: dialect != Dialect::OpenAi,
            features: Features::default(),
            size,
            max_tokens: None,
        }
    }
}

impl AskError {
    fn at(body: &[u8], fault: AskFault, offset: usize) -> Self {
        let before = body.get(..offset).unwrap_or(body);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        Self { fault, line, column }
    }
}

const fn fault(flaw: Flaw) -> AskFault {
    match flaw.kind {
        FlawKind::Ended => AskFault::Ended,
        FlawKind::TooDeep => AskFault::TooDeep,
        FlawKind::Unexpected | FlawKind::Refused => AskFault::Unexpected,
    }
}

#[cfg(test)]
mod tests;
