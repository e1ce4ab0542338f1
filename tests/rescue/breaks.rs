//! Every way to break, in every dialect and across them.

use sidestep_simulator::{Fault, Planned};
use sidestep_tests::Rig;

use crate::{WAYS, ask, asked, assert_idle, assert_whole, first, rescues};

/// Soon, in the middle, and near the end.
fn breaks() -> Vec<Fault> {
    let mut breaks = Vec::new();
    for after in [8, 40, 80] {
        breaks.extend([
            Fault::Cut { after, clean: false, torn: false },
            Fault::Cut { after, clean: true, torn: true },
            Fault::BrokenEvent { after },
            Fault::InBandError { after, status: 529 },
            Fault::InBandError { after, status: 500 },
        ]);
    }
    breaks
}

#[tokio::test]
async fn whatever_breaks_a_stream_the_answer_is_whole() {
    for (path, model) in WAYS {
        for fault in breaks() {
            let rig = Rig::start().await;
            let name = format!("{fault:?} {path} {model}");
            first(&rig, model).faults().set("*", Planned::from(fault).at_most(1)).unwrap();
            let heard = ask(&rig, path, model).await;
            assert_whole(&heard, &name);
            // A response says all of its text once more at its end, so what a malformed event held is not lost.
            if path == "/v1/responses" && name.starts_with("BrokenEvent") {
                let scrape = rig.application.scrape().await;
                assert_eq!(
                    (scrape.sum("sidestep_events_left_out_total", &[]), asked(&rig)),
                    (1.0, [0, 1, 0])
                );
                rig.stop().await;
                continue;
            }
            assert!(heard.text.contains("\n: sidestep-rescued-by="), "{name}: {}", heard.text);
            // Nobody else is asked, and the provider that broke off is not asked again.
            let mut asked = asked(&rig);
            assert_eq!((asked.iter().sum::<u64>(), first(&rig, model).attempts().count()), (2, 1), "{name}");
            asked.sort_unstable();
            assert_eq!(asked, [0, 1, 1], "{name}");
            assert_eq!(rescues(&rig, "rescued").await, 1.0, "{name}");
            assert_idle(&rig).await;
            rig.stop().await;
        }
    }
}
