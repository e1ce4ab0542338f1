//! One event that cannot be read, in a stream that is well otherwise.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use proptest::sample::Index;
use sidestep_dialect::answer::Answer;
use sidestep_dialect::{
    BlockKind, Decoder, Dialect, Event, Flavor, Forward, RawEvent, Splitter, StreamFault,
};

use crate::exchange::{Digest, decode, encode};
use crate::plan::answer;

/// The events of a stream.
fn split(stream: &[u8]) -> Vec<RawEvent> {
    let mut splitter = Splitter::new(1 << 24);
    splitter.feed(Bytes::copy_from_slice(stream));
    std::iter::from_fn(|| splitter.next().map(Result::unwrap)).collect()
}

/// The stream with one event's data damaged; with it, the event's name.
fn damaged(events: &[RawEvent], at: usize) -> (BytesMut, String) {
    let mut stream = BytesMut::new();
    for (position, event) in events.iter().enumerate() {
        if position == at {
            let name = event.name().map_or(String::new(), |name| format!("event: {name}\n"));
            let half = String::from_utf8_lossy(&event.data).chars().take(9).collect::<String>();
            stream.extend_from_slice(format!("{name}data: {half}\u{0}\n\n").as_bytes());
        } else {
            stream.extend_from_slice(&event.raw);
        }
    }
    (stream, events[at].name().unwrap_or_default().to_owned())
}

/// What a caller of the same dialect gets of a stream, with what the decoder read and how often it dropped an event.
fn passed_on(dialect: Dialect, stream: &[u8]) -> (BytesMut, Vec<Event>, Result<u64, StreamFault>) {
    let (mut decoder, mut events) = (Decoder::new(dialect, Flavor::Generic), Vec::new());
    let mut out = BytesMut::new();
    for event in split(stream) {
        if let Err(fault) = decoder.decode(&event, &mut events) {
            return (out, events, Err(fault));
        }
        match decoder.forward() {
            Forward::Nothing => continue,
            Forward::After(late) => out.extend_from_slice(late),
            Forward::AsIs => {}
        }
        out.extend_from_slice(&event.raw);
    }
    out.extend_from_slice(decoder.missing_terminal().unwrap_or_default());
    (out, events, Ok(decoder.progress().dropped))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Either nothing of the answer is missing, to those who read the events and to those who get them, or the
    /// stream is broken.
    #[test]
    fn a_malformed_event_costs_nothing_or_the_stream(
        said in answer(), dialect in prop::sample::select(Dialect::ALL.to_vec()), at in any::<Index>(),
    ) {
        let whole = encode(dialect, &said);
        let events = split(&whole);
        let (stream, name) = damaged(&events, at.index(events.len()));
        let (original, original_end) = decode(dialect, &whole);
        prop_assume!(original_end.is_ok());
        let (out, read, result) = passed_on(dialect, &stream);
        match result {
            Ok(dropped) => {
                prop_assert_eq!(dropped, 1, "{}", name);
                let read_again = decode(dialect, &out);
                prop_assert_eq!(read_again.1, Ok(()), "{}", &name);
                let wanted = Answer::collect(&original).blocks;
                prop_assert_eq!(texts(&read), texts(&original), "{}", &name);
                prop_assert_eq!(Answer::collect(&read_again.0).blocks.len(), wanted.len());
                prop_assert_eq!(Digest::of(&Answer::collect(&read_again.0), &[dialect]).text,
                    Digest::of(&Answer::collect(&original), &[dialect]).text);
            }
            Err(fault) => {
                prop_assert!(matches!(fault, StreamFault::Broken(_)), "{}: {:?}", name, fault);
                prop_assert!(name != "ping");
            }
        }
    }
}

fn texts(events: &[Event]) -> Vec<(&'static str, String)> {
    Answer::collect(events).blocks.into_iter().map(|block| (block.kind.as_str(), block.text)).collect()
}

#[test]
fn lost_words_wait_for_the_end_of_their_part() {
    let pieces = ["Nïce", " 東京", " 🚲", " bells"];
    let mut said = vec![Event::Start {
        id: "r".to_owned(),
        model: "m".to_owned(),
        usage: sidestep_dialect::Usage::default(),
    }];
    said.push(Event::Open { key: 0, kind: BlockKind::Text });
    said.extend(pieces.map(|text| Event::Delta { key: 0, text: text.to_owned() }));
    said.push(Event::Close { key: 0, sealed: true });
    said.extend([Event::Stop(sidestep_dialect::StopReason::EndTurn, None), Event::End]);
    let events = split(&encode(Dialect::Responses, &said));
    let deltas: Vec<usize> =
        (0..events.len()).filter(|&at| events[at].name() == Some("response.output_text.delta")).collect();
    assert_eq!(deltas.len(), pieces.len());
    for lost in deltas {
        let (stream, _) = damaged(&events, lost);
        let (out, read, result) = passed_on(Dialect::Responses, &stream);
        assert_eq!(result, Ok(1));
        assert_eq!(Answer::collect(&read).text(), pieces.concat());
        // Also to those who only add up the deltas.
        let told: String = split(&out)
            .iter()
            .filter(|event| event.name() == Some("response.output_text.delta"))
            .map(|event| serde_json::from_slice::<serde_json::Value>(&event.data).unwrap())
            .map(|delta| delta["delta"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(told, pieces.concat());
    }
}

#[test]
fn a_broken_ping_is_nothing_in_any_dialect() {
    for dialect in Dialect::ALL {
        let whole = encode(
            dialect,
            &[
                Event::Open { key: 0, kind: BlockKind::Text },
                Event::Delta { key: 0, text: "a".to_owned() },
                Event::Stop(sidestep_dialect::StopReason::EndTurn, None),
                Event::End,
            ],
        );
        let mut events = split(&whole);
        let ping = Bytes::from_static(b"event: ping\ndata: {\"type\": \"pi\n\n");
        events.insert(2, RawEvent::parse(ping.clone()));
        let stream: BytesMut = events.iter().flat_map(|event| event.raw.clone()).collect();
        let (out, _, result) = passed_on(dialect, &stream);
        assert_eq!(result, Ok(1));
        assert_eq!(out, whole);
    }
}
