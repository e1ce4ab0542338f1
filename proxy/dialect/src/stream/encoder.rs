//! From neutral events to the stream of the caller's dialect.

use bytes::BytesMut;
use serde::Serialize;

use super::anthropic_encoder::AnthropicWriter;
use super::event::Event;
use super::openai_encoder::OpenAiWriter;
use super::responses_encoder::ResponsesWriter;
use super::sequence::{Sequence, Writer};
use crate::Dialect;
use crate::answer::AnswerContext;
use crate::error::{ErrorClass, ErrorForm, ErrorKind, Failure, write_stream_error};

/// Writes one stream. Nothing follows the end marker or an error.
#[derive(Debug)]
pub struct Encoder {
    dialect: Dialect,
    grammar: Grammar,
    sequence: Sequence,
    request_id: String,
    /// A tool call broke off inside of its arguments.
    cut_tool: bool,
    over: bool,
}

#[derive(Debug)]
enum Grammar {
    Anthropic(AnthropicWriter),
    OpenAi(OpenAiWriter),
    Responses(ResponsesWriter),
}

/// Bytes that keep a connection busy and mean nothing to any client of the dialect. They can be sent before an
/// answer begins, but they commit the HTTP status.
#[must_use]
pub const fn keep_alive(dialect: Dialect) -> &'static [u8] {
    match dialect {
        Dialect::Anthropic => b"event: ping\ndata: {\"type\": \"ping\"}\n\n",
        Dialect::OpenAi | Dialect::Responses => b": keep-alive\n\n",
    }
}

impl Encoder {
    /// An encoder for one stream to a client of `dialect`.
    #[must_use]
    pub fn new(dialect: Dialect, context: AnswerContext) -> Self {
        let request_id = context.request_id.clone();
        let grammar = match dialect {
            Dialect::Anthropic => Grammar::Anthropic(AnthropicWriter::new(context)),
            Dialect::OpenAi => Grammar::OpenAi(OpenAiWriter::new(context)),
            Dialect::Responses => Grammar::Responses(ResponsesWriter::new(context)),
        };
        Self { dialect, grammar, sequence: Sequence::default(), request_id, cut_tool: false, over: false }
    }

    /// Writes what `event` is in the caller's dialect; that may be nothing yet, or several events.
    ///
    /// A failure that the upstream reports is written as an error of ours. To an Anthropic client so is a tool call
    /// that the token limit cut off: its library would hand the half of the arguments that it has to the tool.
    pub fn encode(&mut self, event: &Event, out: &mut BytesMut) {
        if self.over {
            return;
        }
        match event {
            Event::Error { failure } => return self.error(&upstream_failed(failure, &self.request_id), out),
            Event::Stop(reason, _)
                if self.cut_tool && reason.cuts() && self.dialect == Dialect::Anthropic =>
            {
                return self.error(&cut_off(&self.request_id), out);
            }
            Event::Close { sealed: false, .. } => self.cut_tool = true,
            Event::End => self.over = true,
            _ => {}
        }
        let writer: &mut dyn Writer = match &mut self.grammar {
            Grammar::Anthropic(writer) => writer,
            Grammar::OpenAi(writer) => writer,
            Grammar::Responses(writer) => writer,
        };
        self.sequence.pass(event, writer, out);
    }

    /// Ends the stream with an error, never with an end marker. After the end of an answer there is nothing to say.
    pub fn error(&mut self, form: &ErrorForm, out: &mut BytesMut) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        match &mut self.grammar {
            Grammar::Responses(writer) => writer.fail(form, out),
            _ => out.extend_from_slice(&write_stream_error(self.dialect, form)),
        }
    }

    /// Whether the end marker or an error has been written.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over
    }
}

/// Writes one event with a JSON body.
pub(super) fn write_event(name: Option<&str>, body: &impl Serialize, out: &mut BytesMut) {
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\n");
    }
    out.extend_from_slice(b"data: ");
    write_json(body, out);
    out.extend_from_slice(b"\n\n");
}

/// Writes a JSON value. Memory does not refuse to be written to, and none of the bodies has a map with odd keys.
pub(super) fn write_json(body: &impl Serialize, out: &mut BytesMut) {
    let _ = serde_json::to_writer(bytes::BufMut::writer(out), body);
}

fn upstream_failed(failure: &Failure, request_id: &str) -> ErrorForm {
    let kind = match failure.class {
        ErrorClass::Overload => ErrorKind::Overloaded,
        ErrorClass::Rate => ErrorKind::RateLimit,
        ErrorClass::Client | ErrorClass::ContextLength | ErrorClass::ContentFilter => {
            ErrorKind::InvalidRequest
        }
        _ => ErrorKind::Unavailable,
    };
    form(kind, "the upstream reported a failure in the middle of its answer", request_id)
}

fn cut_off(request_id: &str) -> ErrorForm {
    form(ErrorKind::InvalidRequest, "the token limit was reached inside a tool call", request_id)
}

fn form(kind: ErrorKind, message: &str, request_id: &str) -> ErrorForm {
    ErrorForm {
        status: 200,
        kind,
        message: message.to_owned(),
        code: None,
        param: None,
        retry_after: None,
        should_retry: None,
        request_id: request_id.to_owned(),
    }
}
