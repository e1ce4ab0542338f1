use proptest::prelude::*;
use serde_json::json;

use super::key::{Key, keys};
use super::line::Line;
use super::screen::Size;
use super::state::{IncidentLine, Order, Pressed, State};
use super::*;

/// A report in which `name` and `reason` stand wherever a text from elsewhere can stand.
fn report(name: &str, reason: &str) -> serde_json::Value {
    let switch = json!({
        "subject": name, "level": "model", "kind": "disable", "reason": reason, "actor": reason,
        "set_at": 0.0, "until": null, "left_seconds": null,
    });
    let model = |id: &str, verdict: &str, share: f64| {
        json!({
            "id": id, "provider": name, "verdict": verdict, "share": share, "failure_ratio": 0.5,
            "first_token_p50_seconds": 0.25, "since": 900.0, "why": reason, "switch": null,
        })
    };
    let mut off = model(name, "disabled", 0.0);
    off["switch"] = switch.clone();
    json!({
        "version": "9", "at": 1000.0, "uptime_seconds": 50.0, "ready": true, "readiness": "ready",
        "config": { "source": name, "generation": 1, "last_reload": null },
        "providers": [{ "id": name, "verdict": "open", "why": reason }],
        "models": [off, model("opus", "open", 0.0), model("gpt", "healthy", 1.0)],
        "routes": [{ "match": name, "order": [
            { "model": "gpt", "place": 1, "weight": null, "eligible": true },
            { "model": name, "place": 0, "weight": null, "eligible": false },
        ] }],
        "switches": [switch],
        "faults": [{
            "subject": name, "level": "provider", "what": "status 529", "rate": 0.3, "reason": reason, "actor": name,
            "left_seconds": 60.0, "met": 10, "injected": 3,
        }],
        "events": [
            { "at": 1.0, "subject": name, "why": reason },
            { "at": 990.0, "subject": name, "from": "healthy", "to": "open", "why": reason, "actor": name },
        ],
    })
}

fn state(name: &str, reason: &str) -> State {
    let mut state = State::new("http://127.0.0.1:6181".to_owned());
    state.heard(Report::deserialize(report(name, reason)).unwrap());
    let columns = json!({
        "calls": [4, null, 4, 0], "failures": [0, null, 4, 0], "first_token_p50_ms": [100, null, null, 900],
    });
    state.history = History::deserialize(json!({ "step_seconds": 5, "models": { "gpt": columns } })).unwrap();
    let incident = json!({ "id": "x", "title": reason, "started": 900.0, "ended": 950.0, "rehearsal": true });
    state.incidents = vec![IncidentLine::deserialize(incident).unwrap()];
    state
}

fn texts(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| line.text().trim_end().to_owned()).collect()
}

proptest! {
    /// Whatever a name or a reason holds and however small the window is: nothing but SGR reaches the terminal, no line
    /// is too wide, and there are as many lines as rows.
    #[test]
    fn nothing_leaves_the_window_or_moves_the_cursor(
        name in "[a-z\\u{1b}\\u{9b}\\[\\]\u{202e}漢🙂\u{301}\\r\\n\\t;0-9A-Z]{1,30}",
        reason in "(\\PC|\\pC){0,120}",
        columns in 1..220_usize, rows in 1..70_usize, ascii in any::<bool>(), colour in any::<bool>(),
    ) {
        let glyphs = if ascii { Glyphs::Ascii } else { Glyphs::Unicode };
        let lines = page(&state(&name, &reason), Size { columns, rows }, glyphs);
        prop_assert_eq!(lines.len(), rows);
        for line in &lines {
            prop_assert!(line.width() <= columns, "{:?}", line.text());
            let shown = line.render(if colour { Paint::Colour } else { Paint::Plain });
            let mut rest = shown.as_str();
            while let Some((before, after)) = rest.split_once('\u{1b}') {
                prop_assert!(!before.chars().any(|letter| letter.is_control() || letter == '\u{202e}'), "{before:?}");
                let (parameters, after) = after.split_once('m').unwrap();
                prop_assert!(parameters.starts_with('[') && parameters[1..].bytes().all(|byte| b"0123456789;".contains(&byte)));
                rest = after;
            }
            prop_assert!(!rest.chars().any(|letter| letter.is_control() || letter == '\u{202e}'), "{rest:?}");
        }
    }

    #[test]
    fn no_bytes_that_are_typed_make_it_panic(sent in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut state = state("m", "r");
        for key in keys(&sent) {
            let _ = state.press(key);
            let lines = page(&state, Size { columns: 80, rows: 24 }, Glyphs::Unicode);
            prop_assert_eq!(lines.len(), 24);
        }
    }
}

#[test]
fn the_screen_says_what_is_ill_what_was_done_and_that_it_is_a_rehearsal() {
    let lines = texts(&page(&state("anthropic", "529s"), Size { columns: 80, rows: 24 }, Glyphs::Unicode));
    let expected = "\
sidestep 9 at http://127.0.0.1:6181, up 50s, ready; 00:16:40 UTC
✖ anthropic is open, opus is open; anthropic goes to gpt; anthropic is disabled
by 529s.
REHEARSAL on provider anthropic: status 529 for 30 % of attempts, 1m left, 3 of…

    MODEL     VERDICT   SHARE       ERRORS          FIRST TOKEN     SINCE
▸ ⊘ anthropic disabled  ░░░░░   0 % 50.0 %           0.25 s         16m40s
  ✖ opus      open      ░░░░░   0 % 50.0 %           0.25 s          1m40s
  ● gpt       healthy   █████ 100 % 50.0 %     ▁ █   0.25 s     ▂  ▇ 1m40s
    anthropic is disabled: disabled by 529s: 529s

Switches
  model anthropic disabled 16m40s ago by 529s, until it is enabled: 529s

Incidents
  REHEARSAL 529s, 1m40s ago, over after 50s

Timeline
  10s ago  anthropic healthy → open: 529s (by anthropic)
  16m39s ago  anthropic: 529s



q quit  ↑↓ model  PgUp PgDn timeline  d disable  D its provider  e enable  c en…";
    assert_eq!(lines.join("\n"), expected);
    let wide = texts(&page(&state("anthropic", "529s"), Size { columns: 200, rows: 60 }, Glyphs::Ascii));
    assert!(wide.iter().any(|line| line.contains("> - anthropic anthropic")), "{wide:#?}");
    assert!(wide.iter().any(|line| line.contains("Routes, in the order of the moment")), "{wide:#?}");
    assert!(!wide.concat().contains(['█', '▸', '●', '▁']), "{wide:#?}");
}

#[test]
fn nothing_is_changed_without_a_yes() {
    let mut state = state("anthropic", "529s");
    let mut type_in = |sent: &[u8]| keys(sent).into_iter().fold(Pressed::Nothing, |_, key| state.press(key));
    assert_eq!(type_in(b"\x1b[B\x1b[B\x1b[B\x1b[Ad"), Pressed::Nothing);
    assert_eq!(type_in(b"n"), Pressed::Nothing);
    assert_eq!(type_in(b"y"), Pressed::Nothing, "nothing is asked any more");
    assert_eq!(type_in(b"dy"), Pressed::Confirmed(Order::Disable("model:opus".to_owned())));
    assert_eq!(type_in(b"Dy"), Pressed::Confirmed(Order::Disable("provider:anthropic".to_owned())));
    assert_eq!(type_in(b"ey"), Pressed::Nothing, "it has no switch");
    assert_eq!(type_in(b"key"), Pressed::Confirmed(Order::Enable("model:anthropic".to_owned())));
    assert_eq!(type_in(b"cy"), Pressed::Confirmed(Order::Clear));
    assert_eq!(type_in(b"d\x1b"), Pressed::Nothing);
    assert_eq!(type_in(b"d\x03"), Pressed::Quit);
    assert_eq!(type_in(b"q"), Pressed::Quit);
    assert_eq!(keys(b"\x1b[1;5A\x1b[6~\x1bOB"), [Key::PageDown, Key::Down]);
}

#[test]
fn the_pointer_stays_on_its_model_and_trouble_is_said_aloud() {
    let mut state = state("anthropic", "529s");
    state.press(Key::Down);
    let mut later = report("anthropic", "529s");
    later["models"].as_array_mut().unwrap().remove(0);
    state.heard(Report::deserialize(later).unwrap());
    assert_eq!(state.model().unwrap().id, "opus");
    take(&mut state, Err(ClientError::Timeout("http://x".to_owned())));
    let lines = texts(&page(&state, Size { columns: 100, rows: 30 }, Glyphs::Unicode));
    assert!(lines[0].contains("did not answer in time"), "{}", lines[0]);
    assert!(lines.iter().any(|line| line.contains("opus")), "what was known last is still there");
}
