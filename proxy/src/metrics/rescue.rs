//! What became of answers that broke off, as a label.

use super::labels::{Label, known};

/// What became of an answer that broke off after the application had begun to read it: the name of why it could not
/// be continued (`sidestep_dialect::Unfit`), or one of the constants. `other` is anything that this list does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RescueOutcome(pub &'static str);

impl RescueOutcome {
    /// Another model told the rest.
    pub const RESCUED: Self = Self("rescued");
    /// The provider found fault with the request, a content filter for instance.
    pub const REJECTED: Self = Self("rejected");
    /// There is no rest of a text to ask for: it was closed, or had all the tokens that it may have.
    pub const UNCONTINUABLE: Self = Self("uncontinuable");
    /// No other target could be asked.
    pub const NOBODY: Self = Self("nobody");
    /// The route's budget was spent.
    pub const BUDGET: Self = Self("budget");
    /// Those who were asked did not begin to answer.
    pub const FAILED: Self = Self("failed");
    /// What another model said did not continue the answer.
    pub const SEAM: Self = Self("seam");
    /// The continuation broke off as well.
    pub const BROKEN: Self = Self("broken");
    /// The application left meanwhile.
    pub const LEFT: Self = Self("left");
}

impl Label for RescueOutcome {
    const NAMES: &'static [&'static str] = &[
        "rescued",
        "rejected",
        "uncontinuable",
        "nobody",
        "budget",
        "failed",
        "seam",
        "broken",
        "left",
        "tool_call",
        "structured_output",
        "reasoning",
        "refusal",
        "citations",
        "logprobs",
        "choices",
        "audio",
        "server_state",
        "opaque",
        "nothing_said",
        "too_long",
        "irregular",
        "other",
    ];

    fn name(self) -> &'static str {
        known(Self::NAMES, self.0)
    }
}

#[cfg(test)]
mod tests {
    use sidestep_dialect::Unfit;

    use super::*;

    #[test]
    fn why_an_answer_is_not_continued_is_a_label() {
        let unfit = [
            Unfit::ToolCall,
            Unfit::StructuredOutput,
            Unfit::VisibleReasoning,
            Unfit::Refusal,
            Unfit::Citations,
            Unfit::Logprobs,
            Unfit::ManyChoices,
            Unfit::Audio,
            Unfit::ServerState,
            Unfit::Opaque,
            Unfit::NothingSaid,
            Unfit::TooLong,
            Unfit::Irregular,
        ];
        for unfit in unfit {
            assert_eq!(RescueOutcome(unfit.as_str()).name(), unfit.as_str());
        }
    }
}
