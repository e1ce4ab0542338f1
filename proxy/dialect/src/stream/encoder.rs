//! From neutral events to the stream of the caller's dialect.

use std::fmt;

use bytes::BytesMut;
use serde::Serialize;

use super::anthropic_encoder::AnthropicWriter;
use super::event::{BlockKind, Event};
use super::journal::Journal;
use super::openai_encoder::OpenAiWriter;
use super::passed::{Passed, chat_head};
use super::responses_encoder::ResponsesWriter;
use super::sequence::{Sequence, Writer};
use crate::Dialect;
use crate::answer::AnswerContext;
use crate::error::{ErrorClass, ErrorForm, ErrorKind, Failure, write_stream_error};

/// Writes one stream. Nothing follows the end marker or an error.
pub struct Encoder {
    dialect: Dialect,
    grammar: Grammar,
    sequence: Sequence,
    request_id: String,
    heard: Heard,
    over: bool,
}

/// The key of a block that was open when the stream was resumed, and of the one that continues it. Decoders count
/// theirs from 0.
pub(super) const RESUMED: u32 = u32::MAX;

/// What has been encoded so far, as far as it decides how the stream may end.
#[derive(Debug, Default)]
struct Heard {
    /// A tool call broke off inside of its arguments.
    cut_tool: bool,
    /// Something was said that the dialect can tell.
    told: bool,
    /// Something was said that only the upstream's own dialect can tell.
    left_out: bool,
    stopped: bool,
}

enum Grammar {
    Anthropic(AnthropicWriter),
    OpenAi(OpenAiWriter),
    Responses(Box<ResponsesWriter>),
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
            Dialect::Responses => Grammar::Responses(Box::new(ResponsesWriter::new(context))),
        };
        let (sequence, heard) = (Sequence::default(), Heard::default());
        Self { dialect, grammar, sequence, request_id, heard, over: false }
    }

    /// An encoder that goes on with a stream whose events were passed on to the caller byte for byte so far, in the
    /// caller's own dialect. Ids, indexes, counters and the model's name stay the first stream's; what must be closed
    /// before anything new can be said is written to `out`. What was passed on through another encoder needs none of
    /// this: that one just goes on.
    ///
    /// `None` when `journal` has no such stream, or one to which nothing can be added.
    #[must_use]
    pub fn resume(journal: &Journal, context: AnswerContext, out: &mut BytesMut) -> Option<Self> {
        let request_id = context.request_id.clone();
        let usage = journal.usage();
        let (dialect, grammar, open) = match journal.passed()? {
            Passed::Anthropic(blocks) => {
                let (index, open) = blocks.place()?;
                let writer = AnthropicWriter::resumed(context, (index, open), usage);
                (Dialect::Anthropic, Grammar::Anthropic(writer), open)
            }
            Passed::OpenAi(heads) => {
                let writer = OpenAiWriter::resumed(context, chat_head(heads)?, usage);
                (Dialect::OpenAi, Grammar::OpenAi(writer), true)
            }
            Passed::Responses(items) => {
                let writer = ResponsesWriter::resumed(context, items, journal.block_text(), out)?;
                let open = writer.is_open();
                (Dialect::Responses, Grammar::Responses(Box::new(writer)), open)
            }
        };
        let sequence = Sequence::resumed(open.then_some(RESUMED));
        let heard = Heard { told: true, ..Heard::default() };
        Some(Self { dialect, grammar, sequence, request_id, heard, over: false })
    }

    /// The block that is being written, by its key, and whether it is text.
    pub(super) const fn current(&self) -> Option<(u32, bool)> {
        self.sequence.current()
    }

    /// Writes what `event` is in the caller's dialect; that may be nothing yet, or several events.
    ///
    /// A failure that the upstream reports is written as an error of ours. So is an answer of which nothing can be
    /// told in the dialect, and to an Anthropic client a tool call that the token limit cut off: its library would
    /// hand the half of the arguments that it has to the tool.
    pub fn encode(&mut self, event: &Event, out: &mut BytesMut) {
        if self.over || !self.admits(event) {
            return;
        }
        if let Some(form) = self.objection(event) {
            return self.error(&form, out);
        }
        match event {
            Event::Open { kind: BlockKind::Opaque, .. } => self.heard.left_out = true,
            Event::Open { kind: BlockKind::Text | BlockKind::Refusal | BlockKind::Tool { .. }, .. } => {
                self.heard.told = true;
            }
            Event::Close { sealed: false, .. } => self.heard.cut_tool = true,
            Event::Stop(..) => self.heard.stopped = true,
            Event::End => self.over = true,
            _ => {}
        }
        let writer: &mut dyn Writer = match &mut self.grammar {
            Grammar::Anthropic(writer) => writer,
            Grammar::OpenAi(writer) => writer,
            Grammar::Responses(writer) => &mut **writer,
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

    /// Whether an event may still come: after the reason to stop only counts and the end do.
    const fn admits(&self, event: &Event) -> bool {
        !self.heard.stopped
            || matches!(event, Event::Usage(_) | Event::Error { .. } | Event::End | Event::Ping)
    }

    /// The error that has to be written in place of an event.
    fn objection(&self, event: &Event) -> Option<ErrorForm> {
        let (kind, message) = match event {
            Event::Error { failure } => {
                (kind_of(failure), "the upstream reported a failure in the middle of its answer")
            }
            Event::Stop(reason, _)
                if self.heard.cut_tool && reason.cuts() && self.dialect == Dialect::Anthropic =>
            {
                (ErrorKind::InvalidRequest, "the token limit was reached inside a tool call")
            }
            Event::Stop(..) if self.heard.left_out && !self.heard.told => {
                (ErrorKind::InvalidRequest, "the answer has only parts that this API has no form for")
            }
            Event::End if !self.heard.stopped => {
                (ErrorKind::Unavailable, "the answer ended without a reason to stop")
            }
            _ => return None,
        };
        Some(ErrorForm {
            status: 200,
            kind,
            message: message.to_owned(),
            code: None,
            param: None,
            retry_after: None,
            should_retry: None,
            request_id: self.request_id.clone(),
        })
    }

    /// Whether the end marker or an error has been written.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over
    }
}

/// Leaves out what the model says, for debug output ends up in logs.
impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoder({}, over: {})", self.dialect.as_str(), self.over)
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

const fn kind_of(failure: &Failure) -> ErrorKind {
    match failure.class {
        ErrorClass::Overload => ErrorKind::Overloaded,
        ErrorClass::Rate => ErrorKind::RateLimit,
        ErrorClass::Client | ErrorClass::ContextLength | ErrorClass::ContentFilter => {
            ErrorKind::InvalidRequest
        }
        _ => ErrorKind::Unavailable,
    }
}
