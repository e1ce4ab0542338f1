//! The only writer of verdicts: one task that takes evidence and orders, steps the ledger and publishes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sidestep_probes::Signals;
use sidestep_table::{
    Decision, Evidence, Ledger, Moment, Switch, SwitchOrder, Topology, UnknownSubject, View,
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;

/// How much evidence may wait. Beyond it evidence is dropped and counted: a request never waits for the judge.
const DOCKET: usize = 8192;
/// Orders (switches, reloads, views) that may wait.
const ORDERS: usize = 64;
/// Claims that are heard before operators and clocks are looked at again.
const SESSION: usize = 64;

/// Why a switch did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum SwitchError {
    /// No such provider or model.
    #[error(transparent)]
    Unknown(#[from] UnknownSubject),
    /// The process is shutting down.
    #[error("the judge has stopped; Sidestep is shutting down")]
    Stopped,
}

enum Order {
    Switch(SwitchOrder, oneshot::Sender<Result<Vec<Decision>, UnknownSubject>>),
    Replace(Arc<Topology>, oneshot::Sender<()>),
    View(oneshot::Sender<View>),
    Switches(oneshot::Sender<Vec<Switch>>),
}

/// Gives evidence and orders to the judge.
#[derive(Clone)]
pub struct JudgeHandle {
    evidence: mpsc::Sender<Evidence>,
    orders: mpsc::Sender<Order>,
    dropped: Arc<AtomicU64>,
}

/// The task's half.
pub struct Judge {
    ledger: Ledger,
    clock: Clock,
    evidence: mpsc::Receiver<Evidence>,
    orders: mpsc::Receiver<Order>,
    signals: Signals,
    publish: Publish,
}

/// Is told every decision.
pub type Publish = Box<dyn FnMut(&[Decision]) + Send>;

impl Judge {
    /// A judge over `topology`. `publish` is called after every step that decided something; `seed`
    /// jitters cooldowns.
    pub fn new(
        topology: Arc<Topology>,
        clock: Clock,
        signals: Signals,
        publish: Publish,
        seed: u64,
    ) -> (Judge, JudgeHandle) {
        let (evidence_sender, evidence) = mpsc::channel(DOCKET);
        let (order_sender, orders) = mpsc::channel(ORDERS);
        let ledger = Ledger::new(topology, seed, clock.now());
        let judge = Judge { ledger, clock, evidence, orders, signals, publish };
        let handle = JudgeHandle { evidence: evidence_sender, orders: order_sender, dropped: Arc::default() };
        (judge, handle)
    }

    /// Works until `stop`, then settles what still waits.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let alarm = self.alarm();
            tokio::select! {
                // Operators first, then what is due: neither may wait behind a flood of evidence.
                biased;
                Some(order) = self.orders.recv() => self.obey(order),
                () = alarm => self.tick(),
                () = stop.cancelled() => break,
                Some(evidence) = self.evidence.recv() => {
                    self.hear(&evidence);
                    // What the calls that are ready now have to say is heard at once, not one by one.
                    tokio::task::yield_now().await;
                    self.hear_more();
                }
            }
        }
        while let Ok(evidence) = self.evidence.try_recv() {
            self.hear(&evidence);
        }
    }

    fn hear_more(&mut self) {
        for _ in 0..SESSION {
            let Ok(evidence) = self.evidence.try_recv() else { break };
            self.hear(&evidence);
        }
    }

    fn alarm(&self) -> impl Future<Output = ()> + use<> {
        let at = self.ledger.next_tick().map(|moment| self.clock.instant(moment));
        async move {
            match at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        }
    }

    fn hear(&mut self, evidence: &Evidence) {
        let now = self.now();
        self.signals.observe(evidence, now);
        let decisions = self.ledger.observe(evidence, now);
        self.announce(&decisions);
    }

    fn tick(&mut self) {
        let now = self.now();
        let decisions = self.ledger.tick(now);
        self.announce(&decisions);
    }

    fn obey(&mut self, order: Order) {
        let now = self.now();
        // A caller that no longer waits for its answer is no fault.
        match order {
            Order::Switch(order, reply) => {
                let decided = self.ledger.switch(order, now);
                if let Ok(decisions) = &decided {
                    self.announce(decisions);
                }
                reply.send(decided).ok();
            }
            Order::Replace(topology, reply) => {
                let decisions = self.ledger.replace(topology, now);
                self.announce(&decisions);
                reply.send(()).ok();
            }
            Order::View(reply) => drop(reply.send(self.ledger.view(now))),
            Order::Switches(reply) => drop(reply.send(self.ledger.switches())),
        }
    }

    fn announce(&mut self, decisions: &[Decision]) {
        if !decisions.is_empty() {
            (self.publish)(decisions);
        }
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }
}

impl JudgeHandle {
    /// Gives evidence. Never waits; when the docket is full the evidence is dropped and counted.
    pub fn report(&self, evidence: Evidence) {
        if self.evidence.try_send(evidence).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Evidence dropped since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Sets or clears a switch. When this returns, no later request goes where the switch forbids.
    ///
    /// # Errors
    /// When the subject is unknown, or Sidestep is shutting down.
    pub async fn switch(&self, order: SwitchOrder) -> Result<Vec<Decision>, SwitchError> {
        let decided = self.ask(|reply| Order::Switch(order, reply)).await.ok_or(SwitchError::Stopped)?;
        Ok(decided?)
    }

    /// Hands over the cells of a new topology. Returns when the judge writes to them; `false` when it has stopped.
    pub async fn replace(&self, topology: Arc<Topology>) -> bool {
        self.ask(|reply| Order::Replace(topology, reply)).await.is_some()
    }

    /// What the table says now; `None` when the judge has stopped.
    pub async fn view(&self) -> Option<View> {
        self.ask(Order::View).await
    }

    /// The switches in force; empty when the judge has stopped.
    pub async fn switches(&self) -> Vec<Switch> {
        self.ask(Order::Switches).await.unwrap_or_default()
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.orders.send(order(reply)).await.ok()?;
        answer.await.ok()
    }
}
