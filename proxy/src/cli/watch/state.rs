//! What the screen is about: what was heard last, where the keys point, and what is being asked.

use serde::Deserialize;

use super::history::History;
use super::key::Key;
use super::line::Style;
use crate::cli::status::{Model, Report};

/// Everything that is shown.
pub(super) struct State {
    /// Whom is looked at.
    pub(super) address: String,
    pub(super) report: Option<Report>,
    pub(super) history: History,
    pub(super) incidents: Vec<IncidentLine>,
    /// Why nothing new is known.
    pub(super) trouble: Option<String>,
    /// Which model the keys act on.
    pub(super) selected: usize,
    /// Entries of the timeline that are scrolled past.
    pub(super) scroll: usize,
    pub(super) question: Option<Order>,
    /// What became of the last order.
    pub(super) told: Option<(Style, String)>,
}

/// One incident, as short as it gets. Unknown fields are fine.
#[derive(Debug, Deserialize)]
pub(super) struct IncidentLine {
    pub(super) title: String,
    pub(super) started: f64,
    #[serde(default)]
    pub(super) ended: Option<f64>,
    #[serde(default)]
    pub(super) rehearsal: bool,
}

/// What can be done from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Take `level:name` out of service until it is enabled again.
    Disable(String),
    /// Lift the switch on `level:name`.
    Enable(String),
    /// End all rehearsals.
    Clear,
}

/// What a key came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pressed {
    Nothing,
    Quit,
    Confirmed(Order),
}

impl State {
    pub(super) fn new(address: String) -> State {
        State {
            address,
            report: None,
            history: History::default(),
            incidents: Vec::new(),
            trouble: None,
            selected: 0,
            scroll: 0,
            question: None,
            told: None,
        }
    }

    /// Takes in a new look; models may have come and gone.
    pub(super) fn heard(&mut self, report: Report) {
        let name = self.model().map(|model| model.id.clone());
        let same = report.models.iter().position(|model| Some(&model.id) == name.as_ref());
        self.selected = same.unwrap_or(0);
        self.scroll = self.scroll.min(report.events.len().saturating_sub(1));
        self.report = Some(report);
        self.trouble = None;
    }

    /// The model that the keys act on.
    pub(super) fn model(&self) -> Option<&Model> {
        self.report.as_ref()?.models.get(self.selected)
    }

    /// Takes in a key.
    pub(super) fn press(&mut self, key: Key) -> Pressed {
        if let Some(order) = self.question.take() {
            return match key {
                Key::Letter('y' | 'Y') => Pressed::Confirmed(order),
                Key::Quit => Pressed::Quit,
                _ => Pressed::Nothing,
            };
        }
        self.told = None;
        let report = self.report.as_ref();
        let (models, events) = report.map_or((0, 0), |report| (report.models.len(), report.events.len()));
        match key {
            Key::Quit | Key::Letter('q' | 'Q') => return Pressed::Quit,
            Key::Up => self.selected = self.selected.saturating_sub(1),
            Key::Down => self.selected = (self.selected + 1).min(models.saturating_sub(1)),
            Key::PageUp => self.scroll = self.scroll.saturating_sub(5),
            Key::PageDown => self.scroll = (self.scroll + 5).min(events.saturating_sub(1)),
            Key::Letter(letter) => self.ask(letter),
            Key::Escape => {}
        }
        Pressed::Nothing
    }

    fn ask(&mut self, letter: char) {
        let Some(report) = &self.report else { return };
        if letter == 'c' && !report.faults.is_empty() {
            self.question = Some(Order::Clear);
        }
        let Some(model) = self.model() else { return };
        match (letter, &model.switch) {
            ('d', _) => self.question = Some(Order::Disable(format!("model:{}", model.id))),
            ('D', _) => self.question = Some(Order::Disable(format!("provider:{}", model.provider))),
            ('e', Some(switch)) => {
                self.question = Some(Order::Enable(format!("{}:{}", switch.level, switch.subject)));
            }
            ('e', None) => self.told = Some((Style::Warn, format!("There is no switch on {}.", model.id))),
            _ => {}
        }
    }
}

impl Order {
    /// What is asked before it is done.
    pub(super) fn question(&self) -> String {
        let named = |subject: &str| subject.replacen(':', " ", 1);
        match self {
            Self::Disable(subject) => {
                format!("Disable {} until it is enabled again? y/n", named(subject))
            }
            Self::Enable(subject) => format!("Lift the switch on {}? y/n", named(subject)),
            Self::Clear => "End all rehearsals? y/n".to_owned(),
        }
    }
}
