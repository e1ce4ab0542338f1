//! Why an answer ended, in one form for all vendors.

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StopReason {
    /// It had nothing more to say.
    EndTurn,
    /// It wrote one of the caller's stop sequences.
    StopSequence,
    /// It reached the caller's token limit.
    MaxTokens,
    /// It reached the end of its context.
    ContextWindow,
    /// It waits for the results of tools.
    ToolUse,
    /// The provider paused the turn; a further call resumes it.
    Paused,
    /// It refused, or a filter cut it off.
    Refusal,
}

impl StopReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::EndTurn,
        Self::StopSequence,
        Self::MaxTokens,
        Self::ContextWindow,
        Self::ToolUse,
        Self::Paused,
        Self::Refusal,
    ];

    /// Anthropic's `stop_reason`. The dialect's owner adds reasons over time, all of them proper ends of a message,
    /// so one that is not known here is a pause: never taken for the end of a turn, never for a failure.
    #[must_use]
    pub fn from_anthropic(reason: &str) -> Self {
        match reason {
            "end_turn" => Self::EndTurn,
            "stop_sequence" => Self::StopSequence,
            "max_tokens" => Self::MaxTokens,
            "model_context_window_exceeded" => Self::ContextWindow,
            "tool_use" => Self::ToolUse,
            "refusal" => Self::Refusal,
            _ => Self::Paused,
        }
    }

    /// Chat Completions' `finish_reason`. Vendors report failures here (`error`, `network_error`,
    /// `MALFORMED_FUNCTION_CALL`), so what is not known is no end: `None`.
    #[must_use]
    pub fn from_chat(reason: &str) -> Option<Self> {
        Some(match reason {
            "stop" => Self::EndTurn,
            "length" => Self::MaxTokens,
            "tool_calls" | "function_call" => Self::ToolUse,
            "content_filter" => Self::Refusal,
            _ => return None,
        })
    }

    /// The reason behind a Responses answer's `incomplete_details.reason`; `None` when it is not known.
    #[must_use]
    pub fn from_incomplete(reason: &str) -> Option<Self> {
        Some(match reason {
            "max_output_tokens" => Self::MaxTokens,
            "content_filter" => Self::Refusal,
            _ => return None,
        })
    }

    /// Anthropic's name.
    #[must_use]
    pub const fn as_anthropic(self) -> &'static str {
        match self {
            Self::EndTurn => "end_turn",
            Self::StopSequence => "stop_sequence",
            Self::MaxTokens => "max_tokens",
            Self::ContextWindow => "model_context_window_exceeded",
            Self::ToolUse => "tool_use",
            Self::Paused => "pause_turn",
            Self::Refusal => "refusal",
        }
    }

    /// Chat Completions' name.
    #[must_use]
    pub const fn as_chat(self) -> &'static str {
        match self {
            Self::EndTurn | Self::StopSequence | Self::Paused => "stop",
            Self::MaxTokens | Self::ContextWindow => "length",
            Self::ToolUse => "tool_calls",
            Self::Refusal => "content_filter",
        }
    }

    /// Responses' `incomplete_details.reason`; `None` when the answer is `completed`.
    #[must_use]
    pub const fn as_incomplete(self) -> Option<&'static str> {
        match self {
            Self::EndTurn | Self::StopSequence | Self::ToolUse | Self::Paused => None,
            Self::MaxTokens | Self::ContextWindow => Some("max_output_tokens"),
            Self::Refusal => Some("content_filter"),
        }
    }

    /// Whether the answer may end in the middle of something, a tool call's arguments for one.
    #[must_use]
    pub const fn cuts(self) -> bool {
        matches!(self, Self::MaxTokens | Self::ContextWindow | Self::Refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_named_as_finish_reasons_are_no_end() {
        for failure in ["error", "network_error", "MALFORMED_FUNCTION_CALL", "ERROR", "", "recitation"] {
            assert_eq!(StopReason::from_chat(failure), None, "{failure}");
        }
    }

    #[test]
    fn reasons_survive_the_dialects_as_far_as_these_have_names_for_them() {
        for reason in StopReason::ALL {
            assert_eq!(StopReason::from_anthropic(reason.as_anthropic()), reason);
            let plain = match reason {
                StopReason::StopSequence | StopReason::Paused => StopReason::EndTurn,
                StopReason::ContextWindow => StopReason::MaxTokens,
                other => other,
            };
            assert_eq!(StopReason::from_chat(reason.as_chat()), Some(plain));
            let incomplete = reason.as_incomplete().and_then(StopReason::from_incomplete);
            assert!(incomplete.is_none() || incomplete == Some(plain));
            assert_eq!(incomplete.is_some(), plain.cuts());
        }
    }
}
