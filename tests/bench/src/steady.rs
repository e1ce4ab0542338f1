//! All contenders side by side, in turns: CPU time, rate, latency, large bodies.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::answers::{Wish, call};
use crate::book::{self, Book, Measure};
use crate::contender::{Contender, OTHER, SAME, Upstream};
use crate::ground::{Ground, Started};
use crate::load::{Calls, closed, open};

/// Callers of the closed loop.
const CALLERS: usize = 32;
/// Streams at once, and how they run: 100 events, 5 ms apart.
const STREAMS: usize = 100;
const STREAM: Wish = Wish { events: 100, gap: 5 };
/// A short one, for the first token.
const SHORT: Wish = Wish { events: 3, gap: 1 };
const MIB: usize = 1 << 20;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Turns of everybody.
    pub(crate) rounds: usize,
    /// How long one turn takes.
    pub(crate) turn: Duration,
}

/// Bodies that are large.
struct Bulk {
    text: usize,
    image: usize,
    callers: usize,
    rate: Measure,
    peak: Measure,
}

const BULKS: [Bulk; 2] = [
    Bulk { text: MIB, image: 0, callers: 4, rate: book::PROMPT, peak: book::PROMPT_PEAK },
    Bulk { text: 0, image: 20 * MIB, callers: 2, rate: book::IMAGES, peak: book::IMAGES_PEAK },
];

/// A way to an answer.
struct Road {
    name: String,
    address: SocketAddr,
    model: &'static str,
    started: Option<Rc<Started>>,
}

/// Measures everybody who is here.
pub(crate) async fn measure(ground: &Ground, pace: Pace, book: &mut Book) -> anyhow::Result<()> {
    let roads = roads(ground, book).await?;
    for road in &roads {
        // Connections are made, code is in its caches.
        closed(&road.calls(Wish::WHOLE, (0, 0)), CALLERS, pace.turn / 4).await?;
    }
    for _ in 0..pace.rounds {
        for road in &roads {
            whole(road, pace, book).await?;
        }
        for road in &roads {
            stream(road, pace, book).await?;
        }
        for road in &roads {
            latency(road, pace, book).await?;
        }
        for large in &BULKS {
            for road in roads.iter().filter(|road| road.model == SAME) {
                bulk(road, large, pace, book).await?;
            }
        }
    }
    Ok(())
}

async fn roads(ground: &Ground, book: &mut Book) -> anyhow::Result<Vec<Road>> {
    let direct =
        Road { name: "direct".to_owned(), address: ground.upstream.plain, model: SAME, started: None };
    let mut roads = vec![direct];
    for contender in Contender::ALL {
        let Some(started) = contender.start(ground, Upstream::Plain).await? else {
            book.notes.push(format!("{} is not installed, and was not measured", contender.name()));
            continue;
        };
        let (address, started) = (started.address, Some(Rc::new(started)));
        let name = contender.name().to_owned();
        if contender.translates() {
            let name = format!("{name}-translating");
            roads.push(Road { name, address, model: OTHER, started: started.clone() });
        }
        roads.push(Road { name, address, model: SAME, started });
    }
    Ok(roads)
}

async fn whole(road: &Road, pace: Pace, book: &mut Book) -> anyhow::Result<()> {
    let before = road.cpu();
    let done = closed(&road.calls(Wish::WHOLE, (0, 0)), CALLERS, pace.turn).await?;
    if let Some(spent) = road.cpu().zip(before).map(|(after, before)| after - before) {
        book.note(book::WHOLE_CPU, &road.name, micros(spent) / count(done.answers));
    }
    book.note(book::WHOLE_RATE, &road.name, count(done.answers) / done.took.as_secs_f64());
    Ok(())
}

async fn stream(road: &Road, pace: Pace, book: &mut Book) -> anyhow::Result<()> {
    let before = road.cpu();
    let done = closed(&road.calls(STREAM, (0, 0)), STREAMS, pace.turn).await?;
    if let Some(spent) = road.cpu().zip(before).map(|(after, before)| after - before) {
        book.note(book::STREAM_CPU, &road.name, micros(spent) / count(done.events));
    }
    anyhow::ensure!(done.events >= done.answers * 100, "{}: events are missing", road.name);
    Ok(())
}

async fn latency(road: &Road, pace: Pace, book: &mut Book) -> anyhow::Result<()> {
    let whole = open(&road.calls(Wish::WHOLE, (0, 0)), 500, pace.turn).await?.whole;
    book.note(book::P50, &road.name, count(whole.value_at_quantile(0.5)) / 1e3);
    book.note(book::P99, &road.name, count(whole.value_at_quantile(0.99)) / 1e3);
    let first = open(&road.calls(SHORT, (0, 0)), 200, pace.turn).await?.first;
    book.note(book::FIRST_P50, &road.name, count(first.value_at_quantile(0.5)) / 1e3);
    Ok(())
}

async fn bulk(road: &Road, large: &Bulk, pace: Pace, book: &mut Book) -> anyhow::Result<()> {
    if let Some(started) = &road.started {
        started.process.forget_peak();
    }
    let calls = road.calls(Wish::WHOLE, (large.text, large.image));
    let done = closed(&calls, large.callers, pace.turn).await?;
    let bytes = count(done.answers) * count(calls.request.len() as u64);
    book.note(large.rate, &road.name, bytes / count(MIB as u64) / done.took.as_secs_f64());
    if let Some(started) = &road.started {
        book.note(large.peak, &road.name, count(started.process.peak()) / count(MIB as u64));
    }
    Ok(())
}

impl Road {
    fn calls(&self, wish: Wish, size: (usize, usize)) -> Calls {
        Calls { address: self.address, request: Arc::new(call(self.model, wish, size)) }
    }

    fn cpu(&self) -> Option<Duration> {
        self.started.as_ref().map(|started| started.process.cpu())
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// As a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "no count comes near 2^52")]
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}
