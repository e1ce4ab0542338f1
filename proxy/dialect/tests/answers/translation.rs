//! Any answer, through any dialects: nothing is lost, nothing is invented, and what broke off looks broken off.

use crate::exchange::{Digest, context, decode, encode, error_form, looks_finished};
use crate::grammar::grammatical;
use crate::plan::answer;
use bytes::BytesMut;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use sidestep_dialect::answer::{Answer, read_answer};
use sidestep_dialect::{
    BlockKind, Dialect, Encoder, Event, Flavor, StreamFault, inspect_answer, translate_answer,
};

fn ids(events: &[Event]) -> Vec<u32> {
    let open = events.iter().filter_map(|event| match event {
        Event::Open { key, .. } => Some(*key),
        _ => None,
    });
    open.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pair_of_dialects_keeps_text_tools_usage_and_stop(events in answer()) {
        let original = Answer::collect(&events);
        for from in Dialect::ALL {
            let (first, result) = decode(from, &encode(from, &events));
            prop_assert_eq!(result, Ok(()));
            prop_assert_eq!(Digest::of(&Answer::collect(&first), &[from]), Digest::of(&original, &[from]));
            for to in Dialect::ALL {
                let stream = encode(to, &first);
                grammatical(to, &stream);
                let (second, result) = decode(to, &stream);
                prop_assert_eq!(result, Ok(()));
                let second = Answer::collect(&second);
                prop_assert_eq!(Digest::of(&second, &[from, to]), Digest::of(&original, &[from, to]));
                prop_assert_eq!(&second.model, "model-1");
            }
        }
    }

    #[test]
    fn sealed_reasoning_reaches_anthropic_clients_and_unsealed_never(events in answer()) {
        let (again, _) = decode(Dialect::Anthropic, &encode(Dialect::Anthropic, &events));
        let thoughts = |answer: &Answer| -> Vec<(String, Option<String>)> {
            let thoughts = answer.blocks.iter().filter(|block| block.kind == BlockKind::Thinking);
            thoughts.map(|block| (block.text.clone(), block.signature.clone())).collect()
        };
        let mut expected = thoughts(&Answer::collect(&events));
        expected.retain(|(_, signature)| signature.is_some());
        prop_assert_eq!(thoughts(&Answer::collect(&again)), expected);
    }

    #[test]
    fn an_error_after_any_part_is_an_error_and_no_end(events in answer(), at in any::<Index>()) {
        let told = at.index(events.len());
        for to in Dialect::ALL {
            let (mut encoder, mut out) = (Encoder::new(to, context()), BytesMut::new());
            events[..told].iter().for_each(|event| encoder.encode(event, &mut out));
            encoder.error(&error_form(), &mut out);
            let length = out.len();
            // Whatever comes after is too late.
            events.iter().for_each(|event| encoder.encode(event, &mut out));
            encoder.error(&error_form(), &mut out);
            prop_assert_eq!(out.len(), length);
            prop_assert!(!looks_finished(&out));
            let (again, result) = decode(to, &out);
            prop_assert!(matches!(result, Err(StreamFault::InBand(_))), "{:?}", result);
            let [all, part] = [&events, &again].map(|events| Digest::of(&Answer::collect(events), &[to]).text);
            prop_assert!(all.starts_with(&part));
        }
    }

    #[test]
    fn a_stream_cut_anywhere_never_passes_for_a_whole_one(events in answer(), at in any::<Index>()) {
        for dialect in Dialect::ALL {
            let stream = encode(dialect, &events);
            let (whole, _) = decode(dialect, &stream);
            let (cut, result) = decode(dialect, &stream[..at.index(stream.len())]);
            let (whole, cut) = (Answer::collect(&whole), Answer::collect(&cut));
            // Chat Completions tell the usage after the end of the answer itself.
            if result.is_ok() {
                prop_assert_eq!((whole.text(), whole.blocks, whole.stop), (cut.text(), cut.blocks, cut.stop));
            } else {
                prop_assert!(matches!(result, Err(StreamFault::Truncated)), "{:?}", result);
            }
        }
    }

    #[test]
    fn nothing_after_the_end_is_heard_or_said(events in answer(), noise in any::<Vec<u8>>()) {
        for dialect in Dialect::ALL {
            let mut stream = encode(dialect, &events).to_vec();
            let (whole, _) = decode(dialect, &stream);
            stream.extend(b"data: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n");
            stream.extend(noise.iter());
            let (again, result) = decode(dialect, &stream);
            prop_assert_eq!(result, Ok(()));
            prop_assert_eq!(again, whole);
        }
    }

    #[test]
    fn damaged_streams_do_no_damage(
        events in answer(), edits in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6), noise in any::<Vec<u8>>(),
    ) {
        for dialect in Dialect::ALL {
            let mut stream = encode(dialect, &events).to_vec();
            for (at, byte) in &edits {
                let at = at.index(stream.len());
                stream[at] = *byte;
            }
            for stream in [stream, noise.clone(), [b"data: ".to_vec(), noise.clone(), b"\n\n".to_vec()].concat()] {
                let (read, _) = decode(dialect, &stream);
                for to in Dialect::ALL {
                    let _ = decode(to, &encode(to, &read));
                }
                let _ = inspect_answer(dialect, Flavor::Generic, &stream);
            }
        }
    }

    #[test]
    fn events_in_no_order_are_still_written_as_a_grammatical_stream(
        events in answer(), swaps in prop::collection::vec((any::<Index>(), any::<Index>()), 0..20),
    ) {
        let mut events = events;
        for (a, b) in swaps {
            let (a, b) = (a.index(events.len()), b.index(events.len()));
            events.swap(a, b);
        }
        prop_assume!(ids(&events).len() > 1);
        for to in Dialect::ALL {
            grammatical(to, &encode(to, &events));
        }
    }

    #[test]
    fn whole_answers_keep_text_tools_usage_and_stop(events in answer()) {
        let original = Answer::collect(&events);
        let body = whole(&original);
        for first in Dialect::ALL {
            let (once, _) = translate_answer(Dialect::OpenAi, first, Flavor::Generic, &body, &context()).unwrap();
            for second in Dialect::ALL {
                let (twice, _) = translate_answer(first, second, Flavor::Generic, &once, &context()).unwrap();
                let read = read_answer(second, Flavor::Generic, &twice).unwrap();
                let through = [Dialect::OpenAi, first, second];
                prop_assert_eq!(Digest::of(&read, &through), Digest::of(&original, &through));
                prop_assert_eq!(&read.model, "model-1");
            }
        }
    }
}

/// The body of a chat completion.
fn whole(answer: &Answer) -> Vec<u8> {
    let said = |kind: BlockKind| -> String {
        answer.blocks.iter().filter(|block| block.kind == kind).map(|block| block.text.as_str()).collect()
    };
    let calls: Vec<Value> = answer.blocks.iter().filter_map(|block| match &block.kind {
        BlockKind::Tool { id, name } => {
            Some(json!({ "id": id, "type": "function", "function": { "name": name, "arguments": block.text } }))
        }
        _ => None,
    }).collect();
    let usage = answer.usage;
    let message = json!({
        "role": "assistant", "content": said(BlockKind::Text), "refusal": said(BlockKind::Refusal), "tool_calls": calls,
    });
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "model-1",
        "choices": [{ "index": 0, "message": message, "finish_reason": answer.stop.unwrap().as_chat() }],
        "usage": {
            "prompt_tokens": usage.prompt(), "completion_tokens": usage.output, "total_tokens": usage.total(),
            "prompt_tokens_details": { "cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write },
            "completion_tokens_details": { "reasoning_tokens": usage.reasoning },
        },
    })
    .to_string()
    .into_bytes()
}
