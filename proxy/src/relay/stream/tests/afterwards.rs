//! What the caller hears after a break, and when.

use sidestep_dialect::Tier;

use super::*;

/// Somebody who tells `rest` is found after so many milliseconds, or nobody is.
struct Somebody {
    call: Arc<Call>,
    after: u64,
    rest: Option<Vec<Piece>>,
}

impl Lifeline for Somebody {
    fn rescue(self, wreck: Wreck) -> BoxFuture<'static, Result<Found, Adrift>> {
        assert_eq!((&*wreck.said, wreck.target), ("word word ", ModelIndex::new(0)));
        Box::pin(async move {
            sleep(Duration::from_millis(self.after)).await;
            let rest = self.rest.ok_or(Adrift::Failed)?;
            let live = live(&self.call, ModelIndex::new(2), Telling::Aside(Vec::new()), upstream(&rest));
            Ok(Found { live, by: "b1".into(), tier: Tier::Instruct, attempts: 2 })
        })
    }
}

/// Two words and a break; then what [`Somebody`] finds. What the caller hears, and when in milliseconds.
async fn heard(after: u64, rest: Option<Vec<Piece>>) -> (Vec<(u64, String)>, Arc<Metrics>) {
    let metrics = Metrics::new().unwrap();
    let call = Arc::new(call_counted(", stall_timeout: 10s", true, &metrics));
    let first = upstream(&[(0, Some(WORD)), (0, Some(WORD)), (0, None)]);
    let first = live(&call, ModelIndex::new(0), Telling::AsIs, first);
    let began = Instant::now();
    let mut body = StreamBody::new(first, call.clone(), Some(Somebody { call: call.clone(), after, rest }));
    let mut heard: Vec<(u64, String)> = Vec::new();
    while let Some(frame) = body.frame().await {
        let said = String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap();
        let at = u64::try_from(began.elapsed().as_millis()).unwrap();
        match heard.last_mut().filter(|(before, _)| *before == at) {
            Some((_, before)) => before.push_str(&said),
            None => heard.push((at, said)),
        }
    }
    for model in call.catalog.models() {
        assert_eq!(model.cell.in_flight(), 0, "{}", model.id);
    }
    (heard, metrics)
}

fn rescued(metrics: &Metrics, outcome: &str) -> bool {
    let series = format!("sidestep_rescues_total{{outcome=\"{outcome}\",route=\"claude-*\"}} 1");
    metrics.scrape().unwrap().contains(&series)
}

const SIGN: &str = "event: ping\ndata: {\"type\": \"ping\"}\n\n";
const NEW: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"and then it was told to its end.\"}}\n\n";

#[tokio::test(start_paused = true)]
async fn signs_of_life_until_somebody_goes_on_and_then_one_answer() {
    let (heard, metrics) = heard(12_000, Some(vec![(0, Some(NEW)), (0, Some(STOP))])).await;
    let times: Vec<u64> = heard.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 5_000, 10_000, 12_000]);
    assert_eq!(heard[0].1, [START, WORD, WORD].concat());
    assert_eq!((&*heard[1].1, &*heard[2].1), (SIGN, SIGN));
    let rest = &heard[3].1;
    assert!(rest.contains("and then it was told to its end."), "{rest}");
    assert!(
        rest.contains("\n: sidestep-rescued-by=b1; sidestep-attempts=2\n\nevent: message_delta"),
        "{rest}"
    );
    assert!(rest.ends_with("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"), "{rest}");
    assert!(!rest.contains("message_start") && !rest.contains("content_block_start"), "{rest}");
    assert!(rescued(&metrics, "rescued"));
}

#[tokio::test(start_paused = true)]
async fn nobody_after_a_while_is_an_error_after_signs_of_life() {
    let (heard, metrics) = heard(7_000, None).await;
    let [_, (5_000, ping), (7_000, error)] = &heard[..] else { panic!("{heard:?}") };
    assert!(ping == SIGN && error.starts_with("event: error\n"), "{heard:?}");
    assert!(rescued(&metrics, "failed"));
}

/// What begins slowly is not held back for ever: after two seconds, what is not in doubt is told.
#[tokio::test(start_paused = true)]
async fn a_slow_beginning_is_told_when_it_was_compared_for_long_enough() {
    let (heard, _) = heard(0, Some(vec![(500, Some(NEW)), (9_000, Some(STOP))])).await;
    let [(0, _), (2_000, rest), (9_500, end)] = &heard[..] else { panic!("{heard:?}") };
    assert!(rest.contains("told to its end.") && end.contains("message_stop"), "{heard:?}");
}

/// The time that a second stream may take is bounded like that of the first, whatever it says.
#[tokio::test(start_paused = true)]
async fn a_second_stream_that_stalls_or_goes_on_for_ever_is_an_error() {
    let (stalled, metrics) = heard(0, Some(vec![(0, Some(NEW)), (30_000, Some(STOP))])).await;
    let (at, error) = stalled.last().unwrap();
    assert!((10_000..10_100).contains(at) && error.contains("event: error\n"), "{stalled:?}");
    assert!(!error.contains("message_stop") && rescued(&metrics, "broken"));

    let pieces = (0..400).map(|_| (9_000, Some(PIECE))).collect();
    let (endless, metrics) = heard(0, Some(pieces)).await;
    let (at, error) = endless.last().unwrap();
    assert!((600_000..610_000).contains(at) && error.contains("event: error\n"), "{at} {error}");
    assert!(rescued(&metrics, "seam"));
}

/// One character at a time, of which no two in a row are the same word.
const PIECE: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}\n\n";
