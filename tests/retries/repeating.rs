//! Again at the same target, or on to the next.

use std::time::Duration;

use sidestep_simulator::{Fault, Planned};
use sidestep_tests::Rig;
use tokio::time::Instant;

use crate::{WAYS, asked, opus};

#[tokio::test]
async fn a_transient_failure_is_repeated_once_where_it_was() {
    for (path, stream) in WAYS {
        for fault in [Fault::status(500), Fault::Reset {}] {
            let rig = Rig::start().await;
            rig.anthropic.faults().set("*", Planned::from(fault.clone()).at_most(1)).unwrap();
            let heard = opus(&rig, path, stream).await;
            assert_eq!(heard.status, 200, "{fault:?}: {}", heard.text);
            let told = ["sidestep-upstream", "sidestep-attempts", "sidestep-fallback-reason"];
            assert_eq!(told.map(|name| heard.header(name)), ["opus", "2", ""], "{fault:?}");
            assert_eq!(asked(&rig), [2, 0, 0], "{fault:?} {path} {stream}");
            let scrape = rig.application.scrape().await;
            assert_eq!(scrape.sum("sidestep_retries_total", &["model=\"opus\""]), 1.0);
            assert_eq!(scrape.sum("sidestep_requests_total", &["outcome=\"answered\""]), 1.0);
            rig.stop().await;
        }
    }
}

#[tokio::test]
async fn a_lasting_failure_moves_on_after_the_second_attempt_an_overload_after_the_first() {
    for (path, stream) in WAYS {
        for (fault, attempts, reason) in [
            (Fault::status(500), [2, 1, 0], "hard"),
            (Fault::status(529), [1, 1, 0], "overload"),
            (Fault::status_after(503, Duration::from_secs(1)), [1, 1, 0], "overload"),
            (Fault::status(401), [1, 1, 0], "auth"),
            (Fault::status(402), [1, 1, 0], "quota"),
            (Fault::status(404), [1, 1, 0], "model_missing"),
        ] {
            let rig = Rig::start().await;
            rig.anthropic.faults().set("*", fault.clone()).unwrap();
            let heard = opus(&rig, path, stream).await;
            assert_eq!((heard.status.as_u16(), heard.header("sidestep-upstream")), (200, "gpt"), "{fault:?}");
            assert_eq!(heard.header("sidestep-fallback-reason"), reason, "{fault:?} {path} {stream}");
            assert_eq!(asked(&rig), attempts, "{fault:?} {path} {stream}");
            rig.stop().await;
        }
    }
}

/// One second is within the route's patience, and cheaper than another provider's cold cache.
#[tokio::test]
async fn a_short_retry_after_is_waited_for() {
    for (path, stream) in [WAYS[0], WAYS[3]] {
        let rig = Rig::start().await;
        let limited = Fault::status_after(429, Duration::from_secs(1));
        rig.anthropic.faults().set("*", Planned::from(limited).at_most(1)).unwrap();
        let began = Instant::now();
        let heard = opus(&rig, path, stream).await;
        assert_eq!(
            (heard.status.as_u16(), heard.header("sidestep-upstream")),
            (200, "opus"),
            "{}",
            heard.text
        );
        assert!(began.elapsed() >= Duration::from_secs(1), "asked again after {:?}", began.elapsed());
        assert_eq!(asked(&rig), [2, 0, 0]);
        rig.stop().await;
    }
}

/// A long one is not; nobody else runs into the limit either, and no health is lost over it.
#[tokio::test]
async fn a_long_retry_after_moves_the_call_on_and_closes_the_limiter() {
    for (path, stream) in WAYS {
        let rig = Rig::start().await;
        let limited = Fault::status_after(429, Duration::from_secs(40));
        rig.anthropic.faults().set("*", Planned::from(limited).at_most(1)).unwrap();
        for (reason, attempts) in [("rate", [1, 1, 0]), ("rate_limited", [1, 2, 0])] {
            let heard = opus(&rig, path, stream).await;
            assert_eq!(
                (heard.status.as_u16(), heard.header("sidestep-upstream")),
                (200, "gpt"),
                "{}",
                heard.text
            );
            assert_eq!(heard.header("sidestep-fallback-reason"), reason);
            assert_eq!(asked(&rig), attempts);
        }
        let told = rig.application.standing("opus").await;
        assert_eq!((&told["verdict"], &told["score"]), (&"healthy".into(), &0.0.into()), "{told}");
        assert!(told["limited_until"].is_f64(), "{told}");
        rig.stop().await;
    }
}

/// When every provider is at its limit the application hears so in its own dialect, with the time to wait, and
/// is told not to multiply the load by retrying on its own.
#[tokio::test]
async fn a_refusal_says_when_to_come_back_and_that_the_sdk_must_not_retry() {
    for (path, stream) in WAYS {
        let rig = Rig::start().await;
        for simulator in [&rig.anthropic, &rig.openai, &rig.xai] {
            simulator.faults().set("*", Fault::status_after(429, Duration::from_secs(40))).unwrap();
        }
        let heard = opus(&rig, path, stream).await;
        assert_eq!((heard.status.as_u16(), heard.header("retry-after")), (429, "40"), "{}", heard.text);
        assert_eq!(heard.header("x-should-retry"), "false");
        assert_eq!(asked(&rig), [1, 1, 1]);
        let error = heard.json()["error"]["type"].clone();
        assert!(error.as_str().unwrap().contains("rate_limit"), "{}", heard.text);
        // From now on nobody is asked at all until then.
        for _ in 0..20 {
            let heard = opus(&rig, path, stream).await;
            assert_eq!(
                (heard.status.as_u16(), heard.header("x-should-retry")),
                (503, "false"),
                "{}",
                heard.text
            );
            let wait: u64 = heard.header("retry-after").parse().unwrap();
            assert!((20..=40).contains(&wait), "{wait}");
        }
        assert_eq!(asked(&rig), [1, 1, 1]);
        rig.stop().await;
    }
}
