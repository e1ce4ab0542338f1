use serde_json::{Value, json};

use super::*;

fn ask(dialect: Dialect, body: &Value) -> (Ask, Vec<u8>) {
    let body = body.to_string().into_bytes();
    (peek(dialect, &HeaderMap::new(), &body).unwrap(), body)
}

fn continued(dialect: Dialect, body: &Value, said: &str, tier: Tier, spent: u64) -> (Ask, Value) {
    let (ask, body) = ask(dialect, body);
    let Continuation { ask, body } = continue_request(&ask, &body, said, tier, spent).unwrap();
    (ask, serde_json::from_slice(&body).unwrap())
}

const SAID: &str = "Once upon a time, \n";

fn requests(user: &Value) -> [(Dialect, Value); 4] {
    [
        (
            Dialect::Anthropic,
            json!({ "model": "m", "system": "Be brief.", "max_tokens": 500, "messages": [user] }),
        ),
        (
            Dialect::OpenAi,
            json!({ "model": "m", "max_completion_tokens": 500, "stop": ["END"], "messages": [user] }),
        ),
        (
            Dialect::Responses,
            json!({ "model": "m", "instructions": "Be brief.", "max_output_tokens": 500, "input": "Tell" }),
        ),
        (
            Dialect::Responses,
            json!({ "model": "m", "max_output_tokens": 500, "input": [user], "stream": true }),
        ),
    ]
}

#[test]
fn the_answer_so_far_is_the_assistants_and_a_turn_of_the_users_asks_for_the_rest() {
    let user = json!({ "role": "user", "content": "Tell" });
    for (dialect, body) in &requests(&user) {
        for (tier, partial) in [(Tier::Prefill, "Once upon a time,"), (Tier::Instruct, SAID)] {
            let (ask, written) = continued(*dialect, body, SAID, tier, 60);
            let turns = written.get("messages").or(written.get("input")).unwrap().as_array().unwrap();
            assert_eq!(turns[..2], [user.clone(), json!({ "role": "assistant", "content": partial })]);
            match turns.get(2) {
                None => assert_eq!(tier, Tier::Prefill),
                Some(asked) => {
                    let told = asked["content"].as_str().unwrap();
                    assert!(
                        asked["role"] == "user"
                            && told.contains("<last_words>Once upon a time,</last_words>")
                    );
                }
            }
            assert_eq!(
                (turns.len() == 2, ask.features.has(Feature::Prefill)),
                (tier == Tier::Prefill, tier == Tier::Prefill)
            );
            assert_eq!(ask.max_tokens, Some(440));
            for kept in ["model", "system", "instructions", "stop", "stream"] {
                assert_eq!(written.get(kept), body.get(kept));
            }
        }
    }
}

#[test]
fn an_answer_that_the_caller_began_goes_on_in_the_same_message() {
    for (dialect, content, joined) in [
        (Dialect::OpenAi, json!("Well: "), json!("Well: Once")),
        (
            Dialect::Anthropic,
            json!([{ "type": "text", "text": "Well: " }]),
            json!([{ "type": "text", "text": "Well: " }, { "type": "text", "text": "Once" }]),
        ),
    ] {
        let turns =
            json!([{ "role": "user", "content": "Tell" }, { "role": "assistant", "content": content }]);
        let body = json!({ "model": "m", "max_tokens": 9, "messages": turns });
        let (_, written) = continued(dialect, &body, "Once", Tier::Prefill, 1);
        assert_eq!(written["messages"][1], json!({ "role": "assistant", "content": joined }));
        assert_eq!(written["messages"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn what_is_left_is_never_next_to_nothing_and_thinking_fits_into_it() {
    let user = json!([{ "role": "user", "content": "Tell" }]);
    let thinking = json!({ "type": "enabled", "budget_tokens": 2000 });
    let body = json!({ "model": "m", "max_tokens": 2100, "messages": user, "thinking": thinking });
    let (_, written) = continued(Dialect::Anthropic, &body, SAID, Tier::Instruct, 50);
    assert_eq!((&written["max_tokens"], written.get("thinking")), (&json!(2050), Some(&thinking)));
    let (_, written) = continued(Dialect::Anthropic, &body, SAID, Tier::Instruct, 2095);
    assert_eq!((&written["max_tokens"], written.get("thinking")), (&json!(16), None));
    assert!(continued(Dialect::Anthropic, &body, SAID, Tier::Prefill, 50).1.get("thinking").is_none());
    let (ask, bytes) = ask(Dialect::Anthropic, &body);
    let spent = |tokens| continue_request(&ask, &bytes, SAID, Tier::Instruct, tokens);
    assert_eq!(spent(2625), Err(Uncontinuable::NothingLeft));
    assert!(spent(2624).is_ok());
}

#[test]
fn only_the_end_of_a_long_answer_is_quoted() {
    let said = "word ".repeat(2000) + "the very end";
    let user = json!([{ "role": "user", "content": "Tell" }]);
    let (_, written) =
        continued(Dialect::OpenAi, &json!({ "model": "m", "messages": user }), &said, Tier::Instruct, 0);
    let told = written["messages"][2]["content"].as_str().unwrap();
    assert!(
        told.len() < 900
            && told.contains("<last_words>word word")
            && told.contains("the very end</last_words>")
    );
    assert_eq!(written["messages"][1]["content"], said);
    let unspaced = "東京".repeat(500);
    let (_, written) =
        continued(Dialect::OpenAi, &json!({ "model": "m", "messages": user }), &unspaced, Tier::Instruct, 0);
    assert!(written["messages"][2]["content"].as_str().unwrap().contains(&"東京".repeat(120)));
}
