//! How many lines a route may write about its calls. An outage at a hundred calls a second is told in a few lines and
//! in numbers: what the disk, or whoever is paid by the line, gets does not grow with the trouble.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, SharedCatalog};
use crate::metrics::Outcome;

/// Lines of one route in one window.
const LINES: u32 = 10;
/// After this, lines are granted anew and those left out are told.
const WINDOW: Duration = Duration::from_secs(10);
/// What is worth a line.
const TOLD: [Outcome; 5] =
    [Outcome::Rerouted, Outcome::Rescued, Outcome::Cut, Outcome::Failed, Outcome::Refused];

/// The lines that one route has left. No clock is read on the way of a call: a task grants them anew.
#[derive(Default)]
pub struct Ration {
    written: AtomicU32,
    left_out: [AtomicU64; TOLD.len()],
}

impl Ration {
    /// Whether a line may be written about a call that ended like this; if there is none left, it is counted. Never
    /// for a call that needs no line.
    pub fn grants(&self, outcome: Outcome) -> bool {
        let Some(at) = TOLD.iter().position(|told| *told == outcome) else { return false };
        // Looked at first, so that it cannot overflow.
        if self.written.load(Ordering::Relaxed) < LINES
            && self.written.fetch_add(1, Ordering::Relaxed) < LINES
        {
            return true;
        }
        self.left_out[at].fetch_add(1, Ordering::Relaxed);
        false
    }

    /// Begins a new window. Gives what was left out in the last one, if anything: `rerouted=93 failed=2`.
    fn renew(&self) -> Option<(u64, String)> {
        self.written.store(0, Ordering::Relaxed);
        let counts = self.left_out.each_ref().map(|count| count.swap(0, Ordering::Relaxed));
        let all: u64 = counts.iter().sum();
        let told = TOLD.iter().zip(counts).filter(|(_, count)| *count > 0);
        let told: Vec<_> = told.map(|(outcome, count)| format!("{}={count}", outcome.as_str())).collect();
        (all > 0).then(|| (all, told.join(" ")))
    }
}

/// Grants lines anew, and tells how many were left out, until `stop`; then once more.
pub async fn tell_left_out(catalog: SharedCatalog, stop: CancellationToken) {
    loop {
        let ended = tokio::time::timeout(WINDOW, stop.cancelled()).await.is_ok();
        tell(&catalog.load());
        if ended {
            return;
        }
    }
}

fn tell(catalog: &Arc<Catalog>) {
    let lost = super::pen::lost();
    if lost > 0 {
        tracing::warn!(lines = lost, "log lines were lost: nobody reads standard error, or too slowly");
    }
    let routes = catalog.routes().iter().map(|route| (&*route.pattern, &route.lines));
    for (route, lines) in routes.chain([("none", &catalog.unrouted_lines)]) {
        if let Some((lines, calls)) = lines.renew() {
            tracing::info!(route, lines, calls, "lines about calls were left out");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_by_outcome() {
        let ration = Ration::default();
        let granted = |outcome, times| (0..times).filter(|_| ration.grants(outcome)).count();
        assert_eq!(granted(Outcome::Answered, 50), 0, "an ordinary call needs no line");
        assert_eq!(granted(Outcome::Rerouted, 8), 8);
        assert_eq!(granted(Outcome::Failed, 5), 2);
        assert_eq!(granted(Outcome::Rerouted, 90), 0);
        assert_eq!(ration.renew(), Some((93, "rerouted=90 failed=3".to_owned())));
        assert_eq!(ration.renew(), None);
        assert_eq!(granted(Outcome::Cut, 11), 10);
    }
}
