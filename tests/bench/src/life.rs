//! The life of one process: its start, its rest, its streams, what it keeps when all is over.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::{sleep, timeout};

use crate::answers::{Wish, call};
use crate::book::{self, Book};
use crate::contender::{Contender, SAME, Upstream};
use crate::ground::{Ground, Started};
use crate::load::{Calls, closed};
use crate::steady::{Pace, count};
use crate::wire::Line;

/// Streams that are held open.
const STREAMS: usize = 1_000;
/// They say one word, and nothing more while they are looked at.
const HELD: Wish = Wish { events: 2, gap: 600_000 };
/// Connections that have asked once and say nothing more.
const CONNECTIONS: usize = 10_000;
/// Connections that are made at once.
const AT_ONCE: usize = 50;
/// Longest wait for some of them: who takes no more lets them wait.
const PATIENCE: Duration = Duration::from_secs(3);
/// Until memory that is to be given back has been.
const SETTLING: Duration = Duration::from_secs(2);

/// Measures the lives of all who are here, each of them in a process of its own.
pub(crate) async fn measure(
    ground: &Ground,
    pace: Pace,
    rest: Duration,
    book: &mut Book,
) -> anyhow::Result<()> {
    for _ in 0..pace.rounds {
        for contender in Contender::ALL {
            let Some(started) = contender.start(ground, Upstream::Plain).await? else { continue };
            let name = contender.name();
            book.note(book::START, name, started.took.as_secs_f64() * 1e3);
            at_rest(&started, name, rest, book).await;
            at_work(&started, name, pace, book).await?;
            connected(&started, name, book).await?;
        }
    }
    for contender in [Contender::Bare, Contender::Sidestep] {
        let size = contender.program(ground).map(std::fs::metadata).transpose()?;
        // The bare proxy is part of the benchmark, whose size says nothing.
        if let (Some(size), Contender::Sidestep) = (size, contender) {
            book.note(book::SIZE, contender.name(), mib(size.len()));
        }
    }
    Ok(())
}

async fn at_rest(started: &Started, name: &str, rest: Duration, book: &mut Book) {
    sleep(Duration::from_millis(500)).await;
    let before = started.process.cpu();
    sleep(rest).await;
    let spent = started.process.cpu() - before;
    book.note(book::IDLE_CPU, name, 100.0 * spent.as_secs_f64() / rest.as_secs_f64());
    book.note(book::IDLE, name, mib(started.process.resident()));
}

async fn at_work(started: &Started, name: &str, pace: Pace, book: &mut Book) -> anyhow::Result<()> {
    let calls = Calls { address: started.address, request: Arc::new(call(SAME, Wish::WHOLE, (0, 0))) };
    let busy = async {
        sleep(pace.turn / 2).await;
        started.process.resident()
    };
    let (done, resident) = tokio::join!(closed(&calls, 64, pace.turn), busy);
    done?;
    book.note(book::LOADED, name, mib(resident));
    let before = started.process.resident();
    let request = call(SAME, HELD, (0, 0));
    let mut streams = Vec::new();
    while streams.len() < STREAMS {
        let opened = (0..AT_ONCE).map(|_| async {
            let mut line = Line::open(started.address).await?;
            line.open_stream(&request).await?;
            anyhow::Ok(line)
        });
        streams.extend(try_join_all(opened).await?);
    }
    let grown = started.process.resident().saturating_sub(before);
    book.note(book::PER_STREAM, name, count(grown) / 1024.0 / count(STREAMS as u64));
    drop(streams);
    sleep(SETTLING).await;
    book.note(book::AFTER, name, mib(started.process.resident()));
    Ok(())
}

async fn connected(started: &Started, name: &str, book: &mut Book) -> anyhow::Result<()> {
    let request = call(SAME, Wish::WHOLE, (0, 0));
    let mut lines = Vec::new();
    while lines.len() < CONNECTIONS {
        let asked = (0..AT_ONCE).map(|_| async {
            let mut line = Line::open(started.address).await?;
            line.ask(&request).await?;
            anyhow::Ok(line)
        });
        match timeout(PATIENCE, try_join_all(asked)).await.map_err(Into::into).flatten() {
            Ok(asked) => lines.extend(asked),
            Err(error) => {
                book.notes.push(format!("{name} keeps {} connections: {error:#}", lines.len()));
                return Ok(());
            }
        }
    }
    book.note(book::CONNECTIONS, name, mib(started.process.resident()));
    Ok(())
}

fn mib(bytes: u64) -> f64 {
    count(bytes) / 1_048_576.0
}
