//! The request as the target wants it: the application's own bytes where the dialects agree, else translated.

use bytes::Bytes;
use http_body_util::Full;
use sidestep_dialect::{
    Degraded, Gate, Target, Untranslatable, auth, gate, repair_history, same_dialect_request,
    translate_request,
};

use crate::call::Attempt;
use crate::miss::Miss;

/// A signed request, and what was lost on the way.
pub(super) struct Outgoing {
    pub(super) request: http::Request<Full<Bytes>>,
    pub(super) degraded: Vec<Degraded>,
}

/// Writes the request of `attempt` for `target`.
///
/// # Errors
/// When it cannot be said in the target's dialect.
pub(super) fn outgoing(attempt: &Attempt, target: &Target) -> Result<Outgoing, Miss> {
    let call = &attempt.call;
    let (body, degraded) = body(attempt, target)?;
    let headers = auth::forwarded(&call.ask, &call.headers, target);
    let path = target.dialect.generate_path();
    let request = attempt.model().upstream.request(target.dialect, path, headers, body);
    Ok(Outgoing { request, degraded })
}

fn body(attempt: &Attempt, target: &Target) -> Result<(Bytes, Vec<Degraded>), Miss> {
    let call = &attempt.call;
    if target.dialect != call.ask.dialect {
        let translated = translate_request(&call.ask, &call.body, target).map_err(untranslatable)?;
        return Ok((translated.body.into(), translated.degraded));
    }
    if attempt.repaired {
        let repaired = repair_history(&call.ask, &call.body, target);
        return repaired.map(|body| (body, Vec::new())).ok_or(Miss::Untranslatable("this history"));
    }
    let degraded = match gate(&call.ask, target) {
        // The model that was asked for decides itself what it can do.
        _ if target.model == call.ask.model => Vec::new(),
        Gate::Pass { degraded } => degraded,
        Gate::Skip { feature } => return Err(Miss::Untranslatable(feature)),
    };
    Ok((same_dialect_request(&call.ask, &call.body, target), degraded))
}

fn untranslatable(obstacle: Untranslatable) -> Miss {
    Miss::Untranslatable(match obstacle {
        Untranslatable::Feature(feature) => feature,
        Untranslatable::Malformed(field) => field,
        Untranslatable::Empty => "a request without messages",
    })
}
