//! What a person sees: a live picture in a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::load::Tally;
use super::scene::Scene;
use crate::catalog::ModelPlan;

/// Between two lines of figures where no terminal is.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Shows the demo.
pub(super) enum Screen {
    /// Nothing, for scripts.
    Quiet,
    /// Lines, for logs.
    Plain {
        /// When the next figures are due.
        due: Duration,
    },
    /// A picture that changes in place.
    Live(Box<Live>),
}

/// The parts of the picture.
pub(super) struct Live {
    lines: MultiProgress,
    models: Vec<ProgressBar>,
    counters: ProgressBar,
    progress: ProgressBar,
}

impl Screen {
    /// Prepares the picture and says where to look.
    #[must_use]
    pub(super) fn new(quiet: bool, scene: &Scene, longest: Duration) -> Screen {
        if quiet {
            // Standard output is for the figures alone.
            writeln!(io::stderr(), "look inside:   http://{}/status", scene.app.admin_address).ok();
            return Screen::Quiet;
        }
        say(&format!("sidestep demo: three simulated providers, Sidestep at http://{}", scene.app.address));
        say(&format!("look inside:   http://{}/status  and  /metrics", scene.app.admin_address));
        say(
            "The health model runs about five times faster than its defaults, so that an incident fits into a minute.",
        );
        if !io::stdout().is_terminal() {
            return Screen::Plain { due: Duration::ZERO };
        }
        Screen::Live(Box::new(Live::new(scene, longest)))
    }

    /// Adds a line to the timeline.
    pub(super) fn tell(&mut self, elapsed: Duration, who: &str, what: &str) {
        let line = format!("{:>5.1}s  {who:<9}  {what}", elapsed.as_secs_f64());
        match self {
            Screen::Quiet => {}
            Screen::Plain { .. } => say(&line),
            // A line that cannot be drawn is no reason to stop.
            Screen::Live(live) => drop(live.lines.println(line)),
        }
    }

    /// Shows the present.
    pub(super) async fn draw(&mut self, scene: &Scene, tally: &Tally, elapsed: Duration) {
        let due = match self {
            Screen::Quiet => false,
            Screen::Plain { due } => *due <= elapsed,
            Screen::Live(_) => true,
        };
        if !due {
            return;
        }
        let rows = rows(scene, tally).await;
        match self {
            Screen::Quiet => {}
            Screen::Plain { due } => {
                *due = elapsed + PLAIN_EVERY;
                for row in rows {
                    say(&format!("{:>5.1}s             {row}", elapsed.as_secs_f64()));
                }
                say(&format!("{:>5.1}s             {}", elapsed.as_secs_f64(), counters(tally)));
            }
            Screen::Live(live) => {
                for (line, row) in live.models.iter().zip(rows) {
                    line.set_message(row);
                }
                live.counters.set_message(counters(tally));
                live.progress.set_position(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
            }
        }
    }

    /// Leaves the last picture standing.
    pub(super) fn end(&self) {
        if let Screen::Live(live) = self {
            live.models.iter().chain([&live.counters, &live.progress]).for_each(ProgressBar::abandon);
        }
    }
}

impl Live {
    fn new(scene: &Scene, longest: Duration) -> Live {
        let lines = MultiProgress::new();
        let text = || {
            let line = lines.add(ProgressBar::new_spinner());
            line.set_style(style("{msg}"));
            line
        };
        let models = scene.app.foundation.catalog.load().models().iter().map(|_| text()).collect();
        let counters = text();
        let progress = lines.add(ProgressBar::new(u64::try_from(longest.as_millis()).unwrap_or(u64::MAX)));
        progress.set_style(style("[{bar:60}] {elapsed}"));
        Live { lines, models, counters, progress }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A line per model: verdict, share of the answers, error rate, first-token time.
async fn rows(scene: &Scene, tally: &Tally) -> Vec<String> {
    let catalog = scene.app.foundation.catalog.load_full();
    let view = scene.app.foundation.judge.view().await;
    let failing = |model: &ModelPlan| {
        let viewed = view.iter().flat_map(|view| &view.models).find(|viewed| viewed.id == model.id);
        viewed.and_then(|viewed| viewed.failure_ratio).unwrap_or_default()
    };
    let row = |model: &ModelPlan| {
        let standing = model.cell.standing();
        let verdict = if standing.masked { "provider open" } else { standing.verdict.as_str() };
        let first_token = match model.cell.first_token().p50() {
            Some(p50) => format!("{:>4} ms", p50.as_millis()),
            None => "   –   ".to_owned(),
        };
        let share = tally.share(&model.id);
        format!(
            "{:<10} {:<7} {verdict:<13} share {:>4.0} % {:<20} errors {:>4.0} %  first token {first_token}",
            model.upstream.id.to_string(),
            model.id.to_string(),
            share * 100.0,
            "█".repeat((share * 20.0).round() as usize),
            failing(model) * 100.0,
        )
    };
    catalog.models().iter().map(row).collect()
}

fn counters(tally: &Tally) -> String {
    format!(
        "calls {}  answered {}  rerouted {}  failed {}  truncated {}",
        tally.requests,
        tally.requests - tally.failures() - tally.truncated,
        tally.rerouted,
        tally.failures(),
        tally.truncated,
    )
}

fn say(line: &str) {
    // A closed pipe ends the output, not the demo.
    writeln!(io::stdout(), "{line}").ok();
}
