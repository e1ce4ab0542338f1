//! Waiting for a condition instead of for a time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Longer than anything here takes, even on a machine with much else to do.
const LIMIT: Duration = Duration::from_secs(30);

/// Waits until `holds` says so; fails the test with `what` when it never does.
pub async fn eventually<F>(what: &str, mut holds: impl FnMut() -> F)
where
    F: Future<Output = bool>,
{
    let end = Instant::now() + LIMIT;
    while !holds().await {
        assert!(Instant::now() < end, "waited {LIMIT:?} in vain until {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
