//! Incidents as timelines: when which models of a vendor begin to fail, and when they heal.
//!
//! Durations and recovery orders come from published write-ups and status histories. Where those give no error
//! rate or ramp, the figure here is an assumption; each timeline says which.

use std::time::Duration;

use tokio::time::Instant;

use crate::fault::Fault;
use crate::planned::{PlanError, Planned};
use crate::provider::Provider;

/// A timeline of faults for one vendor.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// How it is called.
    pub name: &'static str,
    /// One line on what happened, and what of it is assumed.
    pub about: &'static str,
    /// What changes when, in order of time.
    pub beats: Vec<Beat>,
    /// When it is over, from its begin.
    pub ends: Duration,
}

/// One change of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Beat {
    /// From the incident's begin.
    pub at: Duration,
    /// Which models change.
    pub who: Who,
    /// What they do from now on; nothing means that they are well.
    pub faults: Vec<Planned>,
    /// The change in words.
    pub says: &'static str,
}

/// A part of a vendor's models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The vendor's first model.
    Big,
    /// All the others.
    Others,
    /// All.
    All,
}

type Rate = (Fault, f64);

impl Incident {
    /// Every incident that is known by name.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            notion_2026_06_07(),
            anthropic_2026_05_15(),
            openai_2025_06_10(),
            openai_2024_12_04(),
            openai_2024_12_11(),
            quota_429(),
        ]
    }

    /// The incident of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|incident| incident.name == name)
    }

    /// The same incident squeezed (or stretched) to last so long, pauses between its beats in proportion.
    #[must_use]
    pub fn lasting(mut self, whole: Duration) -> Self {
        let factor = whole.as_secs_f64() / self.ends.as_secs_f64().max(f64::MIN_POSITIVE);
        for beat in &mut self.beats {
            beat.at = beat.at.mul_f64(factor);
        }
        self.ends = whole;
        self
    }

    /// Plays it on a provider until it is over, calling `told` after each change. Dropping the future leaves
    /// the faults as they are then.
    ///
    /// # Errors
    /// A fault of it cannot be set on that provider.
    pub async fn play(&self, provider: &Provider, mut told: impl FnMut(&Beat)) -> Result<(), PlanError> {
        let start = Instant::now();
        for beat in &self.beats {
            tokio::time::sleep_until(start + beat.at).await;
            beat.apply(provider)?;
            told(beat);
        }
        tokio::time::sleep_until(start + self.ends).await;
        Ok(())
    }
}

impl Beat {
    /// Sets this beat's faults now.
    ///
    /// # Errors
    /// A fault of it cannot be set on that provider.
    pub fn apply(&self, provider: &Provider) -> Result<(), PlanError> {
        let names = provider.vendor().models.iter().map(|model| model.name.as_str());
        let touched: Vec<&str> = match self.who {
            Who::Big => names.take(1).collect(),
            Who::Others => names.skip(1).collect(),
            Who::All => names.collect(),
        };
        touched.into_iter().try_for_each(|model| provider.faults().set_all(model, self.faults.clone()))
    }

    fn new(minute: u64, who: Who, faults: Vec<Rate>, says: &'static str) -> Self {
        let faults = faults.into_iter().map(|(fault, rate)| Planned::from(fault).at_rate(rate)).collect();
        Self { at: Duration::from_secs(60 * minute), who, faults, says }
    }
}

/// Two parts of overload to one of server errors.
fn overload(rate: f64) -> Vec<Rate> {
    vec![(Fault::status(529), rate * 2.0 / 3.0), (Fault::status(500), rate / 3.0)]
}

fn notion_2026_06_07() -> Incident {
    Incident {
        name: "notion-2026-06-07",
        about: "the big model rises to 30 % of 529 and 500, the others follow within 10 min, healed in stages \
                (the ramp's steps and the length of the plateau are assumed)",
        beats: vec![
            Beat::new(1, Who::Big, overload(0.10), "the big model begins to fail"),
            Beat::new(3, Who::Big, overload(0.30), "the big model fails 30 % of requests"),
            Beat::new(8, Who::Others, overload(0.15), "the other models follow"),
            Beat::new(11, Who::Others, overload(0.30), "every model fails 30 % of requests"),
            Beat::new(36, Who::Others, overload(0.05), "the other models recover"),
            Beat::new(41, Who::Others, vec![], "the other models are well"),
            Beat::new(43, Who::Big, overload(0.10), "the big model recovers"),
            Beat::new(48, Who::Big, vec![], "all is well"),
        ],
        ends: Duration::from_secs(60 * 75),
    }
}

fn anthropic_2026_05_15() -> Incident {
    Incident {
        name: "anthropic-2026-05-15",
        about: "overloaded for 88 min, the smaller models back after 48, the big one after 88 (the rate is assumed, \
                and the two smaller models' times are merged)",
        beats: vec![
            Beat::new(0, Who::All, vec![(Fault::status(529), 0.6)], "every model is overloaded"),
            Beat::new(48, Who::Others, vec![], "the smaller models are well"),
            Beat::new(88, Who::Big, vec![], "all is well"),
        ],
        ends: Duration::from_secs(60 * 110),
    }
}

fn openai_2025_06_10() -> Incident {
    let errors = |rate| vec![(Fault::status(500), rate / 2.0), (Fault::status(503), rate / 2.0)];
    Incident {
        name: "openai-2025-06-10",
        about: "5 % of errors for 129 min, 25 % for 6 h, decaying over 100 min (the mix of statuses is assumed)",
        beats: vec![
            Beat::new(0, Who::All, errors(0.05), "5 % of requests fail"),
            Beat::new(129, Who::All, errors(0.25), "25 % of requests fail"),
            Beat::new(489, Who::All, errors(0.16), "it decays"),
            Beat::new(522, Who::All, errors(0.08), "it decays further"),
            Beat::new(556, Who::All, errors(0.02), "nearly well"),
            Beat::new(589, Who::All, vec![], "all is well"),
        ],
        ends: Duration::from_secs(60 * 620),
    }
}

fn openai_2024_12_04() -> Incident {
    let stalls = Fault::LateFirstToken { ms: 30_000, hold_head: true };
    Incident {
        name: "openai-2024-12-04",
        about: "530 for all during 4 min, 15 min clean, then 90 min in which 45 % wait 30 s",
        beats: vec![
            Beat::new(0, Who::All, vec![(Fault::status(530), 1.0)], "nothing is answered"),
            Beat::new(4, Who::All, vec![], "well, it seems"),
            Beat::new(19, Who::All, vec![(stalls, 0.45)], "nearly half wait for 30 s"),
            Beat::new(109, Who::All, vec![], "all is well"),
        ],
        ends: Duration::from_secs(60 * 125),
    }
}

fn openai_2024_12_11() -> Incident {
    let errors = |rate| vec![(Fault::status(503), rate)];
    Incident {
        name: "openai-2024-12-11",
        about: "rising to a total outage over 20 min, down for 4 h 22 min (the ramp's steps are assumed)",
        beats: vec![
            Beat::new(0, Who::All, errors(0.1), "errors begin"),
            Beat::new(7, Who::All, errors(0.4), "errors rise"),
            Beat::new(14, Who::All, errors(0.8), "most fail"),
            Beat::new(20, Who::All, errors(1.0), "nothing is answered"),
            Beat::new(262, Who::All, vec![], "all is well"),
        ],
        ends: Duration::from_secs(60 * 290),
    }
}

fn quota_429() -> Incident {
    let limit = Fault::Status { status: 429, retry_after_s: Some(20.0), code: None };
    Incident {
        name: "quota-429",
        about: "hours of 429 on one key, which say nothing about the vendor's health (the rate is assumed)",
        beats: vec![
            Beat::new(0, Who::All, vec![(limit, 0.7)], "most requests are over the limit"),
            Beat::new(180, Who::All, vec![], "all is well"),
        ],
        ends: Duration::from_secs(60 * 200),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendor::Vendor;

    #[tokio::test(start_paused = true)]
    async fn every_incident_plays_in_its_order_and_ends_well() {
        for incident in Incident::all() {
            let incident = incident.lasting(Duration::from_secs(60));
            let provider = Provider::new(Vendor::anthropic());
            let start = Instant::now();
            let mut told = Vec::new();
            incident.play(&provider, |beat| told.push((beat.at, start.elapsed()))).await.unwrap();
            assert!(told.iter().all(|(due, done)| done >= due && *done - *due < Duration::from_millis(5)));
            assert!(told.is_sorted() && told.len() == incident.beats.len());
            assert!(start.elapsed() >= Duration::from_secs(60), "{}", incident.name);
            assert!(provider.faults().planned().is_empty(), "{} leaves faults", incident.name);
            assert_eq!(Incident::named(incident.name).unwrap().about, incident.about);
        }
    }
}
