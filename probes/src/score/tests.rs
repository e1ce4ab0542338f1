use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use sidestep_table::ProbeKind::{Context, Echo, Tool};

use super::*;
use crate::send::Bill;

fn question(kind: ProbeKind) -> Question {
    Question::draw(kind, &mut SmallRng::seed_from_u64(1))
}

/// An answer made of blocks, each with its kind and its text.
fn heard(blocks: Vec<(BlockKind, String)>, stop: StopReason) -> Heard {
    let mut transcript = Transcript::default();
    for (key, (kind, text)) in (0..).zip(blocks) {
        transcript.hear(&Event::Open { key, kind });
        // In pieces, as it comes.
        for piece in text.as_bytes().chunks(3) {
            let text = String::from_utf8(piece.to_vec()).unwrap();
            transcript.hear(&Event::Delta { key, text });
        }
    }
    transcript.hear(&Event::Stop(stop, None));
    transcript.hear(&Event::End);
    Heard { transcript, trouble: None, first_token: None, duration: Duration::ZERO, bill: Bill::Unknown }
}

fn call(name: &str) -> BlockKind {
    BlockKind::Tool { id: "call_1".to_owned(), name: name.to_owned() }
}

#[test]
fn right_is_the_nonce_and_after_it_the_sum_as_a_number_of_its_own() {
    let asked = question(Echo);
    let (nonce, sum) = (asked.nonce(), asked.sum());
    let cases = [
        (format!("{nonce} {sum}"), Quality::Right),
        (format!("**{}**: {sum}.", nonce.to_uppercase()), Quality::Right),
        (format!("{nonce} 1+1={sum}"), Quality::Right),
        (format!("{nonce}{sum}"), Quality::Right),
        (format!("{sum} {nonce}"), Quality::Wrong),
        (format!("{nonce} 1{sum}"), Quality::Wrong),
        (format!("{nonce} {sum}0"), Quality::Wrong),
        (format!("{nonce} {}", sum + 1), Quality::Wrong),
        (nonce.to_owned(), Quality::Wrong),
        (format!("xxxx {sum}"), Quality::Wrong),
        ("I 99999999999999999999999999".to_owned(), Quality::Wrong),
        ("Hello! How can I help you today?".to_owned(), Quality::Wrong),
    ];
    for (text, expected) in cases {
        let pieces = vec![(BlockKind::Thinking, "hm".to_owned()), (BlockKind::Text, text.clone())];
        let score = score(&asked, &heard(pieces, StopReason::EndTurn), true);
        assert_eq!((score.class, score.quality, score.cut), (Class::Ok, expected, false), "{text}");
    }
}

#[test]
fn an_answer_that_proves_nothing_is_no_alarm() {
    let asked = question(Echo);
    let right = format!("{} {}", asked.nonce(), asked.sum());
    let thought = |text: &str| (BlockKind::Thinking, text.to_owned());
    let text = |text: &str| (BlockKind::Text, text.to_owned());
    let cases = [
        // The cap went to thoughts, or cut the answer off.
        (vec![], StopReason::MaxTokens, Quality::Unproven, true),
        (vec![thought("17 and 25")], StopReason::MaxTokens, Quality::Unproven, true),
        (vec![text("The code")], StopReason::MaxTokens, Quality::Unproven, true),
        (vec![text(&right)], StopReason::MaxTokens, Quality::Right, false),
        // Thoughts are not the answer, even when they hold it.
        (vec![thought(&right)], StopReason::EndTurn, Quality::Unproven, false),
        (vec![(BlockKind::Refusal, "no".to_owned())], StopReason::EndTurn, Quality::Unproven, false),
        (vec![text("I would rather not")], StopReason::Refusal, Quality::Unproven, false),
    ];
    for (blocks, stop, quality, cut) in cases {
        let score = score(&asked, &heard(blocks, stop), true);
        assert_eq!((score.class, score.quality, score.cut), (Class::Ok, quality, cut), "{stop:?}");
    }
    let mute = score(&asked, &heard(vec![text("")], StopReason::EndTurn), true);
    assert_eq!((mute.class, mute.quality), (Class::Hard(Fault::Broken), Quality::Unproven));
}

#[test]
fn a_tool_has_to_be_called_where_it_can_be_forced() {
    let asked = question(Tool);
    let (nonce, sum) = (asked.nonce(), asked.sum());
    let arguments = format!(r#"{{"code":"{nonce}","sum":{sum}}}"#);
    let swapped = format!(r#"{{"sum":{sum},"code":"{nonce}"}}"#);
    let words = vec![(BlockKind::Text, format!("{nonce} {sum}"))];
    let cases = [
        (vec![(call("report"), arguments.clone())], Quality::Right, Quality::Right),
        (vec![(call("report"), swapped)], Quality::Right, Quality::Right),
        (vec![(call("report"), arguments.replace("\"sum\":", "\"sum\":9"))], Quality::Wrong, Quality::Wrong),
        (vec![(call("report"), format!(r#"{{"code":"{nonce}"}}"#))], Quality::Wrong, Quality::Wrong),
        (vec![(call("search"), arguments)], Quality::Wrong, Quality::Wrong),
        (words, Quality::Wrong, Quality::Unproven),
    ];
    for (number, (blocks, forced, free)) in cases.into_iter().enumerate() {
        let quality = |force| score(&asked, &heard(blocks.clone(), StopReason::ToolUse), force).quality;
        assert_eq!((quality(true), quality(false)), (forced, free), "case {number}");
    }
}

#[test]
fn trouble_is_what_counts_whatever_was_said_before() {
    let asked = question(Context);
    let right = format!("{} {}", asked.nonce(), asked.sum());
    let mut heard = heard(vec![(BlockKind::Text, right)], StopReason::EndTurn);
    let wait = Some(Duration::from_secs(7));
    heard.trouble = Some(Trouble { class: Class::Overload, retry_after: wait });
    let score = score(&asked, &heard, true);
    assert_eq!((score.class, score.quality, score.retry_after), (Class::Overload, Quality::Unproven, wait));
}
