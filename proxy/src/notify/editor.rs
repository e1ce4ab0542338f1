//! Decides what of all that happens is told, and when: troubles that come together are one message.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::notice::{Notice, Phase};

/// How long a trouble may grow before it is told: models that fall together are one message.
const SETTLE: Duration = Duration::from_secs(3);
/// How long one that was told may grow before people are told that it did.
const GROWTH: Duration = Duration::from_secs(10);
/// Messages about the growth of an incident. Of other troubles every change is told.
const FOLLOW_UPS: u32 = 1;
/// Troubles at once. There are as many subjects as providers and routes, and a few more.
const MOST: usize = 512;

/// All troubles that last.
#[derive(Default)]
pub(super) struct Editor {
    open: BTreeMap<String, Trouble>,
}

struct Trouble {
    latest: Notice,
    /// What was told of it last, and how often it was told to have grown.
    told: Option<(String, u32)>,
    /// When it is told next.
    due: Option<Instant>,
}

// === impl Editor ===

impl Editor {
    /// Takes in the state of a trouble, and says what is to be told of it at once.
    pub(super) fn hear(&mut self, notice: Notice, now: Instant) -> Option<Notice> {
        if notice.phase == Phase::Over {
            // What ended before it was told is told as a whole.
            let known = self.open.remove(&notice.subject)?.latest;
            // It ends as what it was told as, so that receivers know it again.
            return Some(Notice { alerts: known.alerts, began: known.began.min(notice.began), ..notice });
        }
        let Some(known) = self.open.get_mut(&notice.subject) else {
            if self.open.len() < MOST {
                let due = Some(now + SETTLE);
                self.open.insert(notice.subject.clone(), Trouble { latest: notice, told: None, due });
            }
            return None;
        };
        known.latest = notice;
        let (extent, follow_ups) = known.told.as_ref()?;
        let most = if known.latest.incident.is_some() { FOLLOW_UPS } else { u32::MAX };
        if *extent != known.latest.extent && *follow_ups < most && known.due.is_none() {
            known.due = Some(now + if most == FOLLOW_UPS { GROWTH } else { SETTLE });
        }
        Some(Notice { phase: Phase::Revised, ..known.latest.clone() })
    }

    /// What has waited long enough at `now`; all that waits with `hurry`.
    pub(super) fn due(&mut self, now: Instant, hurry: bool) -> Vec<Notice> {
        let mut told = Vec::new();
        for trouble in self.open.values_mut() {
            if trouble.due.is_none_or(|due| !hurry && due > now) {
                continue;
            }
            trouble.due = None;
            let follow_ups = trouble.told.as_ref().map(|(_, follow_ups)| follow_ups + 1);
            let phase = if follow_ups.is_some() { Phase::Grew } else { Phase::Began };
            trouble.told = Some((trouble.latest.extent.clone(), follow_ups.unwrap_or(0)));
            told.push(Notice { phase, ..trouble.latest.clone() });
        }
        told
    }

    /// When [`Editor::due`] has something next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.open.values().filter_map(|trouble| trouble.due).min()
    }

    /// Everything that lasts and was told.
    pub(super) fn told(&self) -> impl Iterator<Item = Notice> {
        let told = self.open.values().filter(|trouble| trouble.told.is_some());
        told.map(|trouble| Notice { phase: Phase::Revised, ..trouble.latest.clone() })
    }

    /// Whether anything lasts.
    pub(super) fn is_idle(&self) -> bool {
        self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NotifyEvent;

    fn notice(extent: &str, phase: Phase) -> Notice {
        Notice {
            event: NotifyEvent::Opened,
            phase,
            incident: Some("id".to_owned()),
            extent: extent.to_owned(),
            ..Notice::test(0.0)
        }
    }

    fn at(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn what_comes_together_is_told_once_and_what_joins_later_once_more() {
        let (mut editor, start) = (Editor::default(), Instant::now());
        assert_eq!(editor.hear(notice("opus", Phase::Began), start), None);
        assert_eq!(editor.hear(notice("opus haiku", Phase::Began), at(start, 1)), None);
        assert!(editor.due(at(start, 2), false).is_empty());
        let told = editor.due(at(start, 3), false);
        assert_eq!((told.len(), told[0].phase, &*told[0].extent), (1, Phase::Began, "opus haiku"));
        // The same with other figures is for machines.
        let revised = editor.hear(notice("opus haiku", Phase::Began), at(start, 4)).unwrap();
        assert_eq!((revised.phase, editor.next()), (Phase::Revised, None));
        for (second, extent) in [(5, "opus haiku sonnet"), (6, "all"), (20, "all and more")] {
            editor.hear(notice(extent, Phase::Began), at(start, second));
            if second == 6 {
                let told = editor.due(at(start, 15), false);
                assert_eq!((told.len(), told[0].phase, &*told[0].extent), (1, Phase::Grew, "all"));
            }
        }
        assert_eq!(editor.next(), None, "one follow-up is enough");
        assert_eq!(editor.hear(notice("", Phase::Over), at(start, 30)).unwrap().phase, Phase::Over);
        assert_eq!(editor.hear(notice("", Phase::Over), at(start, 31)), None, "an end is told once");
        assert!(editor.is_idle());
    }

    #[test]
    fn what_is_over_before_it_was_told_is_told_as_a_whole_and_all_is_told_in_a_hurry() {
        let (mut editor, start) = (Editor::default(), Instant::now());
        editor.hear(notice("opus", Phase::Began), start);
        assert_eq!(editor.hear(notice("opus", Phase::Over), at(start, 1)).unwrap().phase, Phase::Over);
        editor.hear(notice("opus", Phase::Began), at(start, 2));
        assert_eq!(editor.due(at(start, 2), true).len(), 1);
        assert_eq!(editor.told().count(), 1);
    }
}
