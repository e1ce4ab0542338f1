//! Makes calls, as fast as they are answered or at a fixed rate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::wire::Line;

/// Threads that share an open load: enough for none of them to be held up by its last answer for long.
const SENDERS: u32 = 8;
/// Longest time that is told apart, in nanoseconds.
const LONGEST: u64 = 60_000_000_000;

/// Where calls go, and what they say.
#[derive(Clone)]
pub(crate) struct Calls {
    /// A proxy, or the upstream.
    pub(crate) address: SocketAddr,
    /// One request, with its head.
    pub(crate) request: Arc<Vec<u8>>,
}

/// What came of a load.
pub(crate) struct Done {
    /// Answers, all of them good and whole.
    pub(crate) answers: u64,
    /// Server-sent events in them.
    pub(crate) events: u64,
    /// From the first request to the last answer.
    pub(crate) took: Duration,
    /// From when a request was to be sent to its whole answer, in nanoseconds.
    pub(crate) whole: Histogram<u64>,
    /// From when a request was to be sent to the first byte of its answer's body, in nanoseconds.
    pub(crate) first: Histogram<u64>,
}

/// `connections` callers, each of whom asks again as soon as it has its answer, for `time`.
pub(crate) async fn closed(calls: &Calls, connections: usize, time: Duration) -> anyhow::Result<Done> {
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..connections {
        let calls = calls.clone();
        callers.spawn(async move {
            let (mut line, mut done) = (Line::open(calls.address).await?, Done::nothing()?);
            while start.elapsed() < time {
                let asked = Instant::now();
                done.hear(&mut line, &calls, asked).await?;
            }
            anyhow::Ok(done)
        });
    }
    let mut all = Done::nothing()?;
    while let Some(done) = callers.join_next().await {
        all.add(&done??)?;
    }
    all.took = start.elapsed();
    Ok(all)
}

/// `rate` requests a second for `time`, each of them sent at its time whatever became of those before it. One that
/// has to be sent late counts from when it was due: a proxy that stops for a while cannot hide behind its callers.
pub(crate) async fn open(calls: &Calls, rate: u32, time: Duration) -> anyhow::Result<Done> {
    let start = Instant::now() + Duration::from_millis(20);
    let gap = Duration::from_secs(1) / rate;
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let calls = calls.clone();
        // The runtime's timers know milliseconds only; a thread's sleep is precise enough for what is measured here.
        senders.spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(send(&calls, (start + gap * sender, gap * SENDERS), start + time))
        });
    }
    let mut all = Done::nothing()?;
    while let Some(done) = senders.join_next().await {
        all.add(&done??)?;
    }
    all.took = start.elapsed();
    Ok(all)
}

async fn send(calls: &Calls, (first, gap): (Instant, Duration), end: Instant) -> anyhow::Result<Done> {
    let (mut line, mut done) = (Line::open(calls.address).await?, Done::nothing()?);
    let mut due = first;
    while due < end {
        #[expect(clippy::disallowed_methods, reason = "a thread of its own, that has nothing else to do")]
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        done.hear(&mut line, calls, due).await?;
        due += gap;
    }
    Ok(done)
}

impl Done {
    fn nothing() -> anyhow::Result<Done> {
        let (whole, first) = (Histogram::new_with_max(LONGEST, 3)?, Histogram::new_with_max(LONGEST, 3)?);
        Ok(Done { answers: 0, events: 0, took: Duration::ZERO, whole, first })
    }

    async fn hear(&mut self, line: &mut Line, calls: &Calls, due: Instant) -> anyhow::Result<()> {
        let heard = line.ask(&calls.request).await.with_context(|| format!("asking {}", calls.address))?;
        self.answers += 1;
        self.events += heard.events;
        self.whole.saturating_record(nanos(due.elapsed()));
        self.first.saturating_record(nanos(heard.first.saturating_duration_since(due)));
        Ok(())
    }

    fn add(&mut self, other: &Done) -> anyhow::Result<()> {
        self.answers += other.answers;
        self.events += other.events;
        self.whole.add(&other.whole)?;
        self.first.add(&other.first)?;
        Ok(())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
