//! Every fault, in paused time where it waits and over real sockets where it breaks them.

use std::time::Duration;

use crate::client::{End, Heard, ask, ask_in_memory, forms, streamed};
use serde_json::{Value, json};
use sidestep_simulator::{Fault, Maker, Pace, Planned, Provider, Simulator, Vendor};

const REAL: Duration = Duration::from_millis(200);

async fn faulty(maker: Maker, fault: Fault, path: &str, body: &Value) -> (Provider, Result<Heard, String>) {
    let provider = Provider::new(Vendor::of(maker));
    provider.faults().set("*", fault).unwrap();
    let heard = ask_in_memory(&provider, path, body).await;
    (provider, heard)
}

/// The last marker of a stream.
fn has_terminal(path: &str, heard: &Heard) -> bool {
    let (name, data) = heard.events().pop().unwrap_or_default();
    match path {
        "/v1/messages" => name == "message_stop",
        "/v1/responses" => name == "response.completed",
        _ => data == "[DONE]",
    }
}

fn has_stop(heard: &Heard) -> bool {
    ["\"finish_reason\":\"stop\"", "\"stop_reason\":\"end_turn\""]
        .iter()
        .any(|stop| heard.text().contains(stop))
}

#[tokio::test(start_paused = true)]
async fn streams_end_as_their_fault_says() {
    for (maker, path, body) in forms() {
        let body = streamed(&body);
        let healthy = ask_in_memory(&Provider::new(Vendor::of(maker)), path, &body).await.unwrap();
        assert!(has_terminal(path, &healthy));
        let stream = |fault: Fault| async { faulty(maker, fault, path, &body).await.1.unwrap() };

        let cut = stream(Fault::cut(3)).await;
        assert_eq!((cut.events().len(), cut.end), (3, End::Broken), "{path}");
        let clean = stream(Fault::Cut { after: 3, clean: true, torn: true }).await;
        assert_eq!((clean.events().len(), clean.end), (3, End::Proper));
        assert!(!clean.body.ends_with(b"\n\n"), "half an event follows");
        let stall = stream(Fault::Stall { after: 5 }).await;
        assert_eq!((stall.events().len(), stall.end), (5, End::Silent));
        let late = stream(Fault::Cut { after: 10_000, clean: true, torn: false }).await;
        assert_eq!(late.events().len(), healthy.events().len() - 1, "what is set strikes");

        let broken = stream(Fault::BrokenEvent { after: 4 }).await;
        assert_eq!(broken.events().len(), healthy.events().len());
        assert!(serde_json::from_str::<Value>(&broken.events()[4].1).is_err());
        assert!(has_terminal(path, &broken));

        let headless = stream(Fault::MissingTerminal { keep_stop: false }).await;
        assert!(!has_terminal(path, &headless) && !has_stop(&headless) && headless.end == End::Proper);
        let unmarked = stream(Fault::MissingTerminal { keep_stop: true }).await;
        assert!(!has_terminal(path, &unmarked) && (has_stop(&unmarked) || path == "/v1/responses"));

        let failed = stream(Fault::InBandError { after: 4, status: 529 }).await;
        let after = failed.events().split_off(4);
        let error: Value = serde_json::from_str(&after[0].1).unwrap();
        assert_eq!(error["error"]["message"], "Overloaded", "{path}");
        assert_eq!(after.len(), if path == "/v1/responses" { 2 } else { 1 });

        let empty = stream(Fault::Empty {}).await;
        assert!(has_terminal(path, &empty) && !empty.text().contains("whales"));
        let oversize = stream(Fault::Oversize { bytes: 100_000 }).await;
        assert_eq!(oversize.events().len(), healthy.events().len());
        assert!(oversize.body.len() > healthy.body.len() + 100_000);
        assert_eq!(stream(Fault::Endless {}).await.end, End::TooMuch);
    }
}

#[tokio::test(start_paused = true)]
async fn whole_answers_end_as_their_fault_says() {
    for (maker, path, body) in forms() {
        let whole = |fault: Fault| async { faulty(maker, fault, path, &body).await.1.unwrap() };
        let parse = |heard: &Heard| serde_json::from_slice::<Value>(&heard.body);
        assert_eq!(whole(Fault::cut(0)).await.end, End::Broken);
        assert_eq!(whole(Fault::Stall { after: 0 }).await.end, End::Silent);
        assert_eq!(whole(Fault::Endless {}).await.end, End::TooMuch);
        let clean = whole(Fault::Cut { after: 0, clean: true, torn: false }).await;
        let broken = whole(Fault::BrokenEvent { after: 0 }).await;
        for heard in [clean, broken] {
            assert!(heard.end == End::Proper && parse(&heard).is_err());
        }
        let oversize = whole(Fault::Oversize { bytes: 200_000 }).await;
        assert!(oversize.body.len() > 200_000 && parse(&oversize).is_ok());
        for body in [body.clone(), streamed(&body)] {
            let (_, error) = faulty(maker, Fault::ErrorBody { status: 500 }, path, &body).await;
            let error = error.unwrap();
            assert_eq!((error.status.as_u16(), error.header("content-type")), (200, "application/json"));
            assert!(!error.json()["error"].is_null());
            let (_, html) = faulty(maker, Fault::Html { status: 502 }, path, &body).await;
            assert!(html.unwrap().text().starts_with("<!DOCTYPE html>"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_faults_take_their_time_and_no_more() {
    for (maker, path, body) in forms() {
        let stream = streamed(&body);
        let (provider, none) = faulty(maker, Fault::NoAnswer {}, path, &stream).await;
        assert_eq!(none.unwrap_err(), "no answer");
        let attempt = provider.attempts().all().pop().unwrap();
        assert!(attempt.left_early && attempt.status.is_none() && attempt.faults == ["no_answer"]);

        let late = Fault::LateFirstToken { ms: 7000, hold_head: false };
        let heard = faulty(maker, late.clone(), path, &stream).await.1.unwrap();
        assert!(heard.head_after < REAL && *heard.pieces.last().unwrap() >= Duration::from_secs(7));
        let held = Fault::LateFirstToken { ms: 7000, hold_head: true };
        assert!(faulty(maker, held, path, &stream).await.1.unwrap().head_after >= Duration::from_secs(7));
        assert!(faulty(maker, late, path, &body).await.1.unwrap().head_after >= Duration::from_secs(7));

        let slow = faulty(maker, Fault::SlowTokens { per_second: 4.0 }, path, &stream).await.1.unwrap();
        let took = *slow.pieces.last().unwrap();
        // Forty words, a quarter of a second between two.
        assert!(took >= Duration::from_millis(9750) && took < Duration::from_millis(9750) + REAL, "{took:?}");
        let provider = Provider::new(Vendor::of(maker).with_pace(Pace {
            first_token: Duration::from_secs(1),
            tokens_per_second: 10.0,
            ..Pace::default()
        }));
        let took = ask_in_memory(&provider, path, &body).await.unwrap().head_after;
        assert!(took >= Duration::from_millis(4900) && took < Duration::from_millis(4900) + REAL, "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_answered_right_unless_the_answer_is_to_be_wrong() {
    for (maker, path, mut body) in forms() {
        let question = json!([{ "role": "user", "content": "Reply with only this code: bcdf 17+25=?" }]);
        body[if path == "/v1/responses" { "input" } else { "messages" }] = question;
        let provider = Provider::new(Vendor::of(maker));
        assert!(ask_in_memory(&provider, path, &body).await.unwrap().text().contains("\"bcdf 42\""));
        assert!(provider.attempts().all().pop().unwrap().probe);
        let wrong = faulty(maker, Fault::WrongContent {}, path, &body).await.1.unwrap();
        assert!(wrong.text().contains("\"bcdf 43\""), "{}", wrong.text());
    }
}

#[tokio::test(start_paused = true)]
async fn gzip_is_what_others_can_read() {
    use std::io::Write;
    use std::process::{Command, Stdio};
    for (maker, path, body) in forms() {
        let plain = ask_in_memory(&Provider::new(Vendor::of(maker)), path, &streamed(&body)).await.unwrap();
        let (_, heard) = faulty(maker, Fault::Gzip {}, path, &streamed(&body)).await;
        let heard = heard.unwrap();
        assert_eq!(heard.header("content-encoding"), "gzip");
        let spawned = Command::new("gzip").arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut gzip) = spawned else {
            println!("skipped: no gzip program here");
            return;
        };
        gzip.stdin.take().unwrap().write_all(&heard.body).unwrap();
        let output = gzip.wait_with_output().unwrap();
        assert!(output.status.success());
        let decoded = Heard { body: output.stdout.into(), ..heard };
        assert_eq!(decoded.events().len(), plain.events().len());
    }
}

#[tokio::test]
async fn statuses_carry_the_makers_body_and_retry_after() {
    for (maker, path, body) in forms() {
        let simulator = Simulator::bind("127.0.0.1:0".parse().unwrap(), Vendor::of(maker)).await.unwrap();
        let fault = Fault::status_after(529, Duration::from_millis(1500));
        simulator.faults().set("*", Planned::from(fault).at_most(1)).unwrap();
        let failed = ask(&simulator, path, &streamed(&body)).await.unwrap();
        assert_eq!((failed.status.as_u16(), failed.header("retry-after")), (529, "1.5"));
        let error = failed.json()["error"].clone();
        match maker {
            Maker::Anthropic => assert_eq!(error["type"], "overloaded_error"),
            Maker::OpenAi => assert_eq!(error["type"], "server_error"),
            Maker::Xai => assert_eq!(error, "Overloaded"),
            Maker::Generic => assert_eq!(error["code"], 529),
        }
        assert_eq!(ask(&simulator, path, &body).await.unwrap().status, 200);
        let broken =
            Fault::Status { status: 429, retry_after_s: None, code: Some("insufficient_quota".to_owned()) };
        simulator.faults().set("*", broken).unwrap();
        let quota = ask(&simulator, path, &body).await.unwrap();
        assert!(quota.status == 429 && quota.header("retry-after").is_empty());
    }
}

#[tokio::test]
async fn sockets_are_reset_and_connections_refused() {
    let (maker, path, body) = forms().swap_remove(0);
    let simulator = Simulator::bind("127.0.0.1:0".parse().unwrap(), Vendor::of(maker)).await.unwrap();
    simulator.faults().set("*", Fault::Reset {}).unwrap();
    let reset = ask(&simulator, path, &body).await.unwrap_err();
    assert!(reset.contains("ConnectionReset"), "{reset}");
    let attempt = simulator.attempts().all().pop().unwrap();
    assert!(attempt.status.is_none() && !attempt.left_early);

    simulator.faults().set("*", Fault::Stall { after: 2 }).unwrap();
    let stream = streamed(&body);
    let refuse = async {
        while simulator.attempts().all().last().is_none_or(|attempt| attempt.status.is_none()) {
            tokio::task::yield_now().await;
        }
        simulator.faults().set("*", Fault::Refused {}).unwrap();
    };
    let (open, ()) = tokio::join!(ask(&simulator, path, &stream), refuse);
    // A refusal ends open connections too, wherever they are.
    assert!(open.is_err() || open.unwrap().end == End::Broken);
    let refused = loop {
        // The listener closes a moment after the fault is set.
        match ask(&simulator, path, &body).await {
            Err(refused) if refused.contains("onnection refused") => break refused,
            _ => tokio::task::yield_now().await,
        }
    };
    assert!(refused.starts_with("connect"), "{refused}");
    simulator.faults().clear_all();
    while ask(&simulator, path, &body).await.is_err() {
        tokio::task::yield_now().await;
    }
    let addr = simulator.addr();
    simulator.shutdown().await;
    assert!(tokio::net::TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn the_log_is_bounded_and_sees_callers_leave() {
    let (maker, path, body) = forms().swap_remove(0);
    let mut vendor = Vendor::of(maker);
    vendor.remembered_attempts = 5;
    let simulator = Simulator::bind("127.0.0.1:0".parse().unwrap(), vendor).await.unwrap();
    for _ in 0..12 {
        ask(&simulator, path, &body).await.unwrap();
    }
    let numbers: Vec<u64> = simulator.attempts().all().iter().map(|attempt| attempt.number).collect();
    assert_eq!((numbers, simulator.attempts().count()), (vec![7, 8, 9, 10, 11], 12));
    simulator.faults().set("*", Fault::Endless {}).unwrap();
    assert_eq!(ask(&simulator, path, &streamed(&body)).await.unwrap().end, End::TooMuch);
    while !simulator.attempts().all().last().unwrap().left_early {
        tokio::task::yield_now().await;
    }
}
