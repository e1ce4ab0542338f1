//! What an answer needs to know beyond what the upstream said.

/// The frame of one translated answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerContext {
    /// From which the answer's ids are made: the same seed gives the same ids.
    pub id_seed: u64,
    /// When the answer began, in Unix seconds.
    pub created: u64,
    /// Whether a Chat Completions stream ends in a chunk with the usage.
    pub include_usage: bool,
    /// The model that serves the answer, named where the upstream itself does not say it.
    pub served_model: String,
    /// Our id of the request, for errors.
    pub request_id: String,
}

/// Makes ids in the shapes that the vendors' own have.
#[derive(Debug, Clone)]
pub(crate) struct Mint {
    state: u64,
}

impl Mint {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next id, with `prefix`; 128 bits, so that ids of different answers do not meet.
    pub(crate) fn next(&mut self, prefix: &str) -> String {
        format!("{prefix}{:016x}{:016x}", self.word(), self.word())
    }

    /// The vendor's own tool id if every provider accepts it, one that stands for it if not, a new one if it has
    /// none.
    pub(crate) fn tool_id(&mut self, prefix: &str, id: &str) -> String {
        if id.is_empty() { self.next(prefix) } else { crate::tool_id::conform(id).into_owned() }
    }

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}
