//! Any answer at all, as the events of its stream.

use std::ops::Range;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use sidestep_dialect::{BlockKind, Event, StopReason, Usage};

/// A block and the pieces in which it arrives.
#[derive(Debug, Clone)]
struct Planned {
    kind: BlockKind,
    pieces: Vec<String>,
    signature: Option<String>,
}

fn pieces(whole: &str, cuts: &[Index]) -> Vec<String> {
    let bounds: Vec<usize> = whole.char_indices().map(|(at, _)| at).chain([whole.len()]).collect();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| bounds[cut.index(bounds.len())]).collect();
    cuts.extend([0, whole.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|pair| whole[pair[0]..pair[1]].to_owned()).collect()
}

fn prose(lengths: Range<usize>) -> impl Strategy<Value = Vec<String>> {
    // Line ends, quotes, separators and characters of every width.
    let text = prop::collection::vec(
        prop_oneof![any::<char>(), prop::sample::select(vec!['\n', '\r', '"', '\u{2028}'])],
        lengths,
    )
    .prop_map(|chars| chars.into_iter().collect::<String>());
    (text, prop::collection::vec(any::<Index>(), 0..5)).prop_map(|(text, cuts)| pieces(&text, &cuts))
}

fn arguments() -> impl Strategy<Value = Vec<String>> {
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!([null, {}]))
    ];
    let object = prop::collection::btree_map(any::<String>(), value, 0..4);
    (object, prop::collection::vec(any::<Index>(), 0..5))
        .prop_map(|(object, cuts)| pieces(&json!(object).to_string(), &cuts))
}

fn block() -> impl Strategy<Value = Planned> {
    let planned = |kind: BlockKind, pieces, signature| Planned { kind, pieces, signature };
    prop_oneof![
        3 => prose(1..40).prop_map(move |pieces| planned(BlockKind::Text, pieces, None)),
        1 => (prose(0..20), any::<bool>()).prop_map(move |(pieces, sealed)| {
            planned(BlockKind::Thinking, pieces, sealed.then(|| "c2VhbA==".to_owned()))
        }),
        2 => ("[a-z:.]{1,8}", "[a-zA-Z_]{1,12}", arguments())
            .prop_map(move |(id, name, pieces)| planned(BlockKind::Tool { id, name }, pieces, None)),
    ]
}

/// An answer as events. Tool calls may arrive side by side, as they do where they are made in parallel.
pub(crate) fn answer() -> impl Strategy<Value = Vec<Event>> {
    let usage = prop::array::uniform5(0..1_000_000_u64);
    let stops = prop::sample::select(StopReason::ALL.to_vec());
    let order = prop::collection::vec(any::<Index>(), 60);
    (prop::collection::vec(block(), 1..6), prose(1..9), stops, usage, order)
        .prop_map(|(blocks, why, stop, usage, order)| plan(blocks, why, stop, usage, &order))
}

fn plan(
    mut blocks: Vec<Planned>,
    why: Vec<String>,
    stop: StopReason,
    usage: [u64; 5],
    order: &[Index],
) -> Vec<Event> {
    if blocks.iter().all(|block| block.kind == BlockKind::Thinking) {
        blocks.push(Planned { kind: BlockKind::Text, pieces: why.clone(), signature: None });
    }
    for (at, block) in blocks.iter_mut().enumerate() {
        if let BlockKind::Tool { id, .. } = &mut block.kind {
            id.push_str(&at.to_string());
        }
    }
    let calls = blocks.iter().any(|block| matches!(block.kind, BlockKind::Tool { .. }));
    let stop = match stop {
        StopReason::EndTurn | StopReason::StopSequence | StopReason::Paused if calls => StopReason::ToolUse,
        StopReason::ToolUse if !calls => StopReason::EndTurn,
        stop => stop,
    };
    if stop == StopReason::Refusal {
        blocks.push(Planned { kind: BlockKind::Refusal, pieces: why, signature: None });
    }
    let [input, cache_read, cache_write, visible, reasoning] = usage;
    let usage = Usage { input, cache_read, cache_write, output: visible + reasoning, reasoning };
    let (id, model) = ("msg_1".to_owned(), "model-1".to_owned());
    let mut events = vec![Event::Start { id, model, usage: Usage::default() }];
    mix(&blocks, order, &mut events);
    let sequence = (stop == StopReason::StopSequence).then(|| "END".to_owned());
    events.extend([Event::Usage(usage), Event::Stop(stop, sequence), Event::End]);
    events
}

/// Runs of tool calls side by side; every other block by itself.
fn mix(blocks: &[Planned], order: &[Index], events: &mut Vec<Event>) {
    let mut order = order.iter().cycle();
    let is_tool = |block: &Planned| matches!(block.kind, BlockKind::Tool { .. });
    let mut key = 0;
    for run in blocks.chunk_by(|a, b| is_tool(a) && is_tool(b)) {
        let mut lanes: Vec<Vec<Event>> = Vec::new();
        for block in run {
            lanes.push(lane(block, key));
            key += 1;
        }
        // Calls begin in order; what follows of them comes in any.
        let mut begun = 0;
        while lanes.iter().any(|lane| !lane.is_empty()) {
            let at = order.next().unwrap().index(lanes.len()).min(begun);
            if !lanes[at].is_empty() {
                events.push(lanes[at].remove(0));
            }
            begun = begun.max(at + 1).min(lanes.len() - 1);
        }
    }
}

fn lane(block: &Planned, key: u32) -> Vec<Event> {
    let mut lane = vec![Event::Open { key, kind: block.kind.clone() }];
    lane.extend(block.pieces.iter().map(|text| Event::Delta { key, text: text.clone() }));
    lane.extend(
        block.signature.iter().map(|signature| Event::Signature { key, signature: signature.clone() }),
    );
    lane.push(Event::Close { key, sealed: true });
    lane
}
