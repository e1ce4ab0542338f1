//! One probe on its way.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use sidestep_table::{ModelId, Permit, ProbeKind};
use tower::Service;

use crate::budget::{Hold, Tokens};
use crate::conversion::Blame;
use crate::prompt::{Prompt, Question};
use crate::schedule::Turn;
use crate::score::{Score, score};
use crate::send::{Bill, Patience, send};

/// A probe that may go out.
pub(super) struct Flight<S> {
    pub(super) service: S,
    pub(super) turn: Turn,
    pub(super) question: Question,
    pub(super) prompt: Prompt,
    pub(super) upstream: sidestep_dialect::Target,
    pub(super) patience: Patience,
    pub(super) permit: Permit,
    pub(super) hold: Hold,
}

/// A probe that came back.
pub(super) struct Landing {
    pub(super) model: ModelId,
    pub(super) kind: ProbeKind,
    pub(super) permit: Permit,
    pub(super) hold: Hold,
    /// What it could have used at most.
    pub(super) bound: Tokens,
    pub(super) bill: Bill,
    pub(super) score: Score,
    pub(super) duration: Duration,
    pub(super) first_token: Option<Duration>,
}

// === impl Flight ===

impl<S, B> Flight<S>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>>,
    S::Error: Blame,
    B: Body<Data = Bytes>,
    B::Error: Blame,
{
    pub(super) async fn fly(self) -> Landing {
        let Self { upstream, question, hold, .. } = self;
        let bound = self.prompt.bound();
        let speech = (upstream.dialect, upstream.flavor);
        let heard = send(self.service, self.prompt, speech, &self.patience).await;
        let score = score(&question, &heard, upstream.capabilities.forced_tools);
        Landing {
            model: self.turn.model,
            kind: question.kind(),
            permit: self.permit,
            hold,
            bound,
            bill: heard.bill,
            score,
            duration: heard.duration,
            first_token: heard.first_token,
        }
    }
}
