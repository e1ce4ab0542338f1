//! Upstreams behind TLS, and what more than one core brings.

use std::sync::Arc;

use crate::answers::{Wish, call};
use crate::book::{self, Book, Measure};
use crate::contender::{Contender, SAME, Upstream};
use crate::ground::{Ground, Started};
use crate::load::{Calls, closed};
use crate::process::Cores;
use crate::steady::{Pace, count};
use crate::upstream::COUNT;
use crate::wire::Line;

const CALLERS: usize = 32;

/// Measures the bare proxy and Sidestep with upstreams behind TLS.
pub(crate) async fn measure(ground: &Ground, pace: Pace, book: &mut Book) -> anyhow::Result<()> {
    for (upstream, cpu, shakes) in [
        (Upstream::Http1, book::TLS1_CPU, book::TLS1_SHAKES),
        (Upstream::Http2, book::TLS2_CPU, book::TLS2_SHAKES),
    ] {
        let mut all = Vec::new();
        for contender in [Contender::Bare, Contender::Sidestep] {
            all.extend(contender.start(ground, upstream).await?.map(|started| (contender.name(), started)));
        }
        for _ in 0..pace.rounds {
            for (name, started) in &all {
                turn(ground, (name, started), pace, (cpu, shakes), book).await?;
            }
        }
    }
    Ok(())
}

/// The first of its turns makes all connections; only they shake hands.
async fn turn(
    ground: &Ground,
    (name, started): (&str, &Started),
    pace: Pace,
    (cpu, shakes): (Measure, Measure),
    book: &mut Book,
) -> anyhow::Result<()> {
    let calls = Calls { address: started.address, request: Arc::new(call(SAME, Wish::WHOLE, (0, 0))) };
    let (shaken, before) = (handshakes(ground).await?, started.process.cpu());
    let done = closed(&calls, CALLERS, pace.turn).await?;
    let spent = started.process.cpu() - before;
    book.note(cpu, name, spent.as_secs_f64() * 1e6 / count(done.answers));
    let shaken = handshakes(ground).await? - shaken;
    book.note(shakes, name, 1e3 * count(shaken) / count(done.answers));
    Ok(())
}

async fn handshakes(ground: &Ground) -> anyhow::Result<u64> {
    let mut line = Line::open(ground.upstream.plain).await?;
    let request = format!("GET {COUNT} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    Ok(line.text(request.as_bytes()).await?.parse()?)
}

/// Requests a second with two workers over those with one. Load and upstream need cores of their own for that.
pub(crate) async fn scaling(ground: &mut Ground, pace: Pace, book: &mut Book) -> anyhow::Result<()> {
    if ground.cores.count < 4 {
        let cores = ground.cores.count;
        book.notes
            .push(format!("two workers were not compared with one: {cores} cores, at least 4 are needed"));
        return Ok(());
    }
    let one = ground.cores.clone();
    let two = Cores { proxy: format!("{0},{1}", one.proxy, second(&one.proxy)?), ..one.clone() };
    for _ in 0..pace.rounds {
        let mut rates = Vec::new();
        for cores in [&one, &two] {
            ground.cores = cores.clone();
            let Some(started) = Contender::Sidestep.start(ground, Upstream::Plain).await? else {
                return Ok(());
            };
            let request = Arc::new(call(SAME, Wish::WHOLE, (0, 0)));
            let calls = Calls { address: started.address, request };
            let done = closed(&calls, 2 * CALLERS, pace.turn).await?;
            rates.push(count(done.answers) / done.took.as_secs_f64());
        }
        book.note(book::SCALING, "sidestep", rates[1] / rates[0]);
    }
    ground.cores = one;
    Ok(())
}

fn second(first: &str) -> anyhow::Result<usize> {
    Ok(first.parse::<usize>()? + 1)
}
