//! The one way to start a task: named, tracked until it ends, told when to stop, and never silent when
//! it panics.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::metrics::Metrics;

/// Starts tasks and waits for them. Clones share one set of tasks.
#[derive(Clone)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    metrics: Arc<Metrics>,
}

impl Tasks {
    /// No tasks yet; a panic in one will be counted in `metrics`.
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Self { tracker: TaskTracker::new(), stop: CancellationToken::new(), metrics }
    }

    /// Starts a task that is awaited at shutdown. A task that should end early watches
    /// [`Tasks::stopping`]; `name` appears in the log if it panics.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let metrics = Arc::clone(&self.metrics);
        self.tracker.spawn(async move {
            // The panic's message went to the panic hook already; nothing of the task lives on.
            if AssertUnwindSafe(task).catch_unwind().await.is_err() {
                metrics.task_panicked();
                tracing::error!(task = name, "a task panicked and is gone");
            }
        });
    }

    /// Starts a task that is dropped where it stands when the process begins to stop.
    pub fn spawn_until_stop(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.spawn(name, async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = task => {}
            }
        });
    }

    /// Cancelled when the process begins to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Tasks that have not ended.
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// Tells every task to stop, without waiting.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Tells every task to stop and waits for all of them, at most `limit`. Returns how many are still
    /// running then; 0 is a clean end.
    pub async fn finish(&self, limit: Duration) -> usize {
        self.stop();
        self.tracker.close();
        // Timed out or not: what counts is how many are left.
        drop(tokio::time::timeout(limit, self.tracker.wait()).await);
        self.tracker.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn finish_waits_for_work_and_drops_what_may_be_dropped() {
        let tasks = Tasks::new(Metrics::new().unwrap());
        let (send, receive) = tokio::sync::oneshot::channel();
        tasks.spawn("worker", async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            send.send("done").unwrap();
        });
        tasks.spawn_until_stop("loop", std::future::pending());
        assert_eq!(tasks.running(), 2);
        assert_eq!(tasks.finish(Duration::from_secs(10)).await, 0);
        assert_eq!(receive.await, Ok("done"));
    }

    #[tokio::test(start_paused = true)]
    async fn finish_gives_up_at_its_limit_and_says_how_many_are_left() {
        let tasks = Tasks::new(Metrics::new().unwrap());
        tasks.spawn("stuck", std::future::pending());
        let began = tokio::time::Instant::now();
        assert_eq!(tasks.finish(Duration::from_secs(5)).await, 1);
        assert_eq!(began.elapsed(), Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_panic_ends_one_task_and_is_counted() {
        let metrics = Metrics::new().unwrap();
        let tasks = Tasks::new(Arc::clone(&metrics));
        tasks.spawn("doomed", async { panic!("on purpose") });
        assert_eq!(tasks.finish(Duration::from_secs(5)).await, 0);
        assert!(metrics.scrape().unwrap().contains("\nsidestep_task_panics_total 1\n"));
    }
}
