use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use http_body_util::BodyExt;
use sidestep_dialect::{AnswerContext, Decoder, Dialect, Encoder, Flavor, Journal};
use sidestep_probes::Signals;
use sidestep_table::{Admission, Cell, ModelIndex, PermitKind};

use tokio::time::Instant;

use super::super::leg::LINGER;
use super::super::{Settlement, Telling, Told};
use super::*;
use crate::body::Body;
use crate::call::{Admitted, Attempt};
use crate::clock::Clock;
use crate::judge::Judge;
use crate::layers::bench::call_counted;
use crate::metrics::Metrics;
use crate::story::Story;

const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\
    \"role\":\"assistant\",\"model\":\"c\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n\
    event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n";
const WORD: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"word \"}}\n\n";
const STOP: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}}\n\n\
    event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
const ERROR: &str = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"secret\"}}\n\n";
const PING: &str = "event: ping\ndata: {\"type\":\"ping\"}\n\n";

mod afterwards;

/// Nobody tells the rest.
struct Nobody;

impl Lifeline for Nobody {
    fn rescue(self, _: Wreck) -> BoxFuture<'static, Result<Found, Adrift>> {
        Box::pin(std::future::ready(Err(Adrift::Nobody)))
    }
}

/// A piece of a stream, and how long the upstream takes for it; `None` breaks the connection.
type Piece = (u64, Option<&'static str>);

struct Bench {
    metrics: Arc<Metrics>,
    cell: Arc<Cell>,
    story: Arc<Story>,
    body: StreamBody<Nobody>,
}

fn upstream(pieces: &[Piece]) -> Body {
    let pieces: Vec<Piece> = pieces.to_vec();
    let frames = stream::iter(pieces).then(|(after, said)| async move {
        tokio::time::sleep(Duration::from_millis(after)).await;
        said.map(|said| Frame::data(Bytes::from(said))).ok_or_else(|| BoxError::from("reset"))
    });
    http_body_util::StreamBody::new(frames).boxed_unsync()
}

/// A stream that has begun with `START` and goes on with `rest`.
fn bench(rest: Body) -> Bench {
    let metrics = Metrics::new().unwrap();
    let call = Arc::new(call_counted(", stall_timeout: 10s", true, &metrics));
    let live = live(&call, ModelIndex::new(0), Telling::AsIs, rest);
    let cell = call.catalog.model(live.target).cell.clone();
    let body = StreamBody::new(live, call.clone(), None);
    Bench { metrics, cell, story: call.story.clone(), body }
}

/// A stream of `target` that has begun with `START`.
fn live(call: &Arc<Call>, target: ModelIndex, telling: Telling, upstream: Body) -> Live {
    let permit = call.catalog.model(target).cell.admit(PermitKind::Live, call.priority).unwrap();
    let attempt =
        Attempt { call: call.clone(), target, admission: Admission::Live, repaired: false, standby: None };
    let topology = call.catalog.topology.clone();
    let (_, judge) = Judge::new(topology, Clock::start(), Signals::default(), Box::new(|_| {}), 1);
    let (_, settlement) = Settlement::open(Admitted { attempt, permit }, judge);
    let decoder = Decoder::new(Dialect::Anthropic, Flavor::Anthropic);
    let mut told =
        Told::new(Dialect::Anthropic, decoder, telling, 4096).with_journal(Journal::new(&call.ask, false));
    told.take(Bytes::from(START)).unwrap();
    Live { told: Box::new(told), upstream, settlement, target }
}

impl Bench {
    /// What the caller hears to the end, how the attempt was settled, and whether its place is free.
    async fn hear_out(mut self) -> (String, Vec<String>, Option<Outcome>) {
        let mut heard = String::new();
        while let Some(frame) = self.body.frame().await {
            heard.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
        }
        assert_eq!(self.cell.in_flight(), 0);
        drop(self.body);
        (heard, settled(&self.metrics), self.story.read().ending)
    }
}

/// The classes of all attempts that were settled.
fn settled(metrics: &Metrics) -> Vec<String> {
    let scrape = metrics.scrape().unwrap();
    let attempts = scrape.lines().filter(|line| line.starts_with("sidestep_attempts_total{"));
    let counted = attempts.filter(|line| !line.ends_with(" 0"));
    counted
        .map(|line| line.split("class=\"").nth(1).unwrap().replace(['"', '}'], " "))
        .map(first_word)
        .collect()
}

fn first_word(text: String) -> String {
    format!("{} {}", text.split(' ').next().unwrap(), text.rsplit(' ').next().unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_answer_goes_on_byte_for_byte_and_nothing_follows_its_end() {
    let rest = upstream(&[(5, Some(WORD)), (5, Some(STOP)), (5, Some(ERROR)), (5, None)]);
    let (heard, settled, ending) = bench(rest).hear_out().await;
    assert_eq!(heard, [START, WORD, STOP].concat());
    assert_eq!((settled, ending), (vec!["ok 1".to_owned()], Some(Outcome::Answered)));
}

#[tokio::test(start_paused = true)]
async fn a_break_is_told_in_our_words_and_never_looks_finished() {
    let halves: &[&[Piece]] = &[
        &[(0, Some(WORD)), (0, None)],
        &[(0, Some(WORD))],
        &[(0, Some(WORD)), (0, Some(&STOP[..40])), (0, None)],
        &[(0, Some(WORD)), (0, Some(ERROR)), (0, Some(STOP))],
        &[(0, Some(WORD)), (11_000, Some(STOP))],
    ];
    for pieces in halves {
        let (heard, settled, ending) = bench(upstream(pieces)).hear_out().await;
        let error = heard.strip_prefix(&[START, WORD].concat()).unwrap();
        assert!(error.starts_with("event: error\n") && error.matches("\n\n").count() == 1, "{heard}");
        assert!(!heard.contains("message_stop") && !heard.contains("secret"), "{heard}");
        let overloaded = pieces.contains(&(0, Some(ERROR)));
        assert_eq!(error.contains("overloaded_error"), overloaded, "{error}");
        assert_eq!(settled, [if overloaded { "overload 1" } else { "hard 1" }]);
        assert_eq!(ending, Some(Outcome::Cut));
    }
}

/// Pings keep a connection open; they are no answer.
#[tokio::test(start_paused = true)]
async fn an_upstream_that_only_pings_has_stalled() {
    let rest = upstream(&[(0, Some(WORD)), (6_000, Some(PING)), (6_000, Some(PING)), (0, Some(STOP))]);
    let (heard, settled, _) = bench(rest).hear_out().await;
    assert!(heard.contains("stall"), "{heard}");
    assert_eq!(settled, ["hard 1"]);
}

/// An upstream cannot be heard while its caller does not read.
#[tokio::test(start_paused = true)]
async fn a_caller_that_pauses_is_not_held_against_the_upstream() {
    let mut bench = bench(upstream(&[(0, Some(WORD)), (5_000, Some(STOP))]));
    bench.body.frame().await.unwrap().unwrap();
    bench.body.frame().await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let (heard, settled, _) = bench.hear_out().await;
    assert_eq!((heard.as_str(), settled), (STOP, vec!["ok 1".to_owned()]));
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_does_not_end_its_response_does_not_keep_the_caller() {
    let flood = stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(b": more\n\n"))));
    let ended = stream::iter([WORD, STOP].map(|said| Ok(Frame::data(Bytes::from(said)))));
    let flood = http_body_util::StreamBody::new(ended.chain(flood)).boxed_unsync();
    let (heard, settled, _) = bench(flood).hear_out().await;
    assert_eq!((heard, settled), ([START, WORD, STOP].concat(), vec!["ok 1".to_owned()]));

    let silent = upstream(&[(0, Some(WORD)), (0, Some(STOP)), (3_600_000, Some(WORD))]);
    let began = Instant::now();
    bench(silent).hear_out().await;
    assert_eq!(began.elapsed(), LINGER);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_frees_the_place_and_blames_nobody() {
    let mut bench = bench(upstream(&[(0, Some(WORD)), (9_000, Some(STOP))]));
    bench.body.frame().await.unwrap().unwrap();
    assert_eq!(bench.cell.in_flight(), 1);
    drop(bench.body);
    assert_eq!((bench.cell.in_flight(), settled(&bench.metrics)), (0, vec!["cancel 1".to_owned()]));
}

/// Many end their streams without the last blank line.
#[test]
fn a_last_event_that_only_lacks_its_blank_line_is_passed_on_whole() {
    let chunk = |delta: &str, finish: &str| {
        let choice = format!(r#"{{"index":0,"delta":{{{delta}}},"finish_reason":{finish}}}"#);
        format!(r#"data: {{"id":"c","object":"chat.completion.chunk","choices":[{choice}]}}"#)
    };
    let said = chunk(r#""content":"all""#, "null") + "\n\n" + &chunk("", "\"stop\"");
    for (sent, expected) in [
        (said.clone(), said.clone() + "\n\ndata: [DONE]\n\n"),
        (said.clone() + "\n\ndata: [DONE]\n", said + "\n\ndata: [DONE]\n\n\n"),
    ] {
        let decoder = Decoder::new(Dialect::OpenAi, Flavor::Generic);
        let mut told = Told::new(Dialect::OpenAi, decoder, Telling::AsIs, 4096);
        told.take(Bytes::from(sent)).unwrap();
        told.end().unwrap();
        assert_eq!(String::from_utf8(told.ready().unwrap().to_vec()).unwrap(), expected);
    }
}

/// Half of a tool call's arguments must not reach an Anthropic client as a finished answer.
#[test]
fn an_answer_that_cannot_be_told_to_its_end_is_known() {
    let mut told = {
        let context = AnswerContext {
            id_seed: 1,
            created: 1,
            include_usage: true,
            served_model: "m".to_owned(),
            request_id: "req_1".to_owned(),
        };
        let decoder = Decoder::new(Dialect::OpenAi, Flavor::OpenAi);
        let telling = Telling::Anew(Encoder::new(Dialect::Anthropic, context));
        Told::new(Dialect::Anthropic, decoder, telling, 4096)
    };
    let call = r#"{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":"{\"a\":"}}"#;
    let stream = format!(
        "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{call}]}}}}]}}\n\n\
         data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"length\"}}]}}\n\n\
         data: [DONE]\n\n"
    );
    told.take(Bytes::from(stream)).unwrap();
    assert!(told.is_finished() && told.is_refused());
}
