//! One replay over time: what was put in, what Sidestep thought of it, who answered, and what the application saw.

use std::fmt::Write;

use crate::course::{Course, PutIn, Shares};
use crate::figures::Figures;

const WIDTH: f64 = 1000.0;
/// Where the time axis begins and ends.
const LEFT: f64 = 118.0;
const RIGHT: f64 = 990.0;
/// Heights: of the errors put in, of a verdict's lane, of traffic shares, of failures.
const ERRORS: f64 = 64.0;
const LANE: f64 = 13.0;
const TRAFFIC: f64 = 84.0;
const SEEN: f64 = 22.0;
const GAP: f64 = 26.0;

/// Its class, its name, and how many there were of it.
type Part = (&'static str, &'static str, fn(&Shares) -> usize);

/// Who answered, in the order in which it is stacked.
const PARTS: [Part; 6] = [
    ("first", "first choice", |of| of.first_choice),
    ("second", "second", |of| of.second_choice),
    ("third", "third", |of| of.third_choice),
    ("rescued", "rescued", |of| of.rescued),
    ("nobody", "refused or left", |of| of.not_answered),
    ("failed", "failed", |of| of.failed),
];
const VERDICTS: [(&str, &str); 5] = [
    ("healthy", "healthy"),
    ("degraded", "degraded"),
    ("open", "open"),
    ("half_open", "half open"),
    ("ramping", "ramping"),
];

struct Picture<'a> {
    course: &'a Course,
    svg: String,
    /// Where the next row begins.
    y: f64,
}

/// As SVG.
pub(super) fn picture(of: &Figures) -> String {
    let mut picture = Picture { course: &of.course, svg: String::new(), y: 14.0 };
    let rows_begin = picture.y;
    picture.errors();
    picture.verdicts();
    picture.traffic();
    picture.failures();
    let bottom = picture.y;
    picture.axis(rows_begin, bottom);
    let height = bottom + 24.0;
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{} at {} requests a second\">{}</svg>",
        of.setting.incident, of.setting.rate, picture.svg
    )
}

impl Picture<'_> {
    fn errors(&mut self) {
        self.title("errors put in", &[("put", "big model"), ("middle", "middle"), ("small", "small")]);
        let (top, bottom) = (self.y, self.y + ERRORS);
        for (share, label) in [(1.0, "100 %"), (0.5, "50 %"), (0.0, "0")] {
            let y = bottom - share * ERRORS;
            self.draw(&format!("<path class=\"grid\" d=\"M{LEFT} {y:.1}H{RIGHT}\"/>"));
            self.label(y + 3.0, label);
        }
        let ill = self.course.put_in.first().map_or("", |step| step.provider);
        for (size, class) in [(0, "put"), (1, "middle"), (2, "small")] {
            let own = self.steps(|step| step.provider == ill, size, bottom);
            let body = if size == 0 { format!("{own}V{bottom:.1}H{LEFT}Z") } else { String::new() };
            self.draw(&format!(
                "<path class=\"{class} area\" d=\"{body}\"/><path class=\"{class}\" d=\"{own}\"/>"
            ));
        }
        if self.course.put_in.iter().any(|step| step.provider != ill) {
            let other = self.steps(|step| step.provider != ill, 0, bottom);
            self.draw(&format!(
                "<path class=\"other\" d=\"{other}\"><title>the other provider</title></path>"
            ));
        }
        self.y = top + ERRORS + GAP;
    }

    /// The share of failing requests of one model, as a line of steps.
    fn steps(&self, of: impl Fn(&PutIn) -> bool, size: usize, bottom: f64) -> String {
        let mut line = format!("M{LEFT} {bottom:.1}");
        let mut end = 0.0;
        for step in self.course.put_in.iter().filter(|step| of(step)) {
            let y = bottom - step.fails[size] * ERRORS;
            write!(line, "H{:.1}V{y:.1}H{:.1}", self.x(step.from), self.x(step.to)).unwrap();
            end = step.to;
        }
        if end > 0.0 {
            write!(line, "V{bottom:.1}").unwrap();
        }
        write!(line, "H{RIGHT}").unwrap();
        line
    }

    fn verdicts(&mut self) {
        self.title("verdicts", &VERDICTS);
        for lane in &self.course.lanes {
            self.label(self.y + LANE - 3.0, &lane.subject);
            for band in &lane.bands {
                let (from, to) = (self.x(band.from), self.x(band.to));
                let (width, y) = ((to - from).max(0.6), self.y);
                let (verdict, begun, ended) = (&band.verdict, clock(band.from), clock(band.to));
                self.draw(&format!(
                    "<rect class=\"{verdict}\" x=\"{from:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{LANE}\">\
                     <title>{} {verdict}, {begun} to {ended}</title></rect>",
                    lane.subject,
                ));
            }
            self.y += LANE + 4.0;
        }
        self.y += GAP - 6.0;
    }

    fn traffic(&mut self) {
        self.title("who answered", &PARTS.map(|(class, name, _)| (class, name)));
        let (top, shares) = (self.y, &self.course.shares);
        let bin = (RIGHT - LEFT) / shares.len() as f64;
        let totals: Vec<f64> =
            shares.iter().map(|of| PARTS.iter().map(|(.., part)| part(of)).sum::<usize>() as f64).collect();
        let mut below = vec![0.0; shares.len()];
        for (class, _, part) in PARTS {
            let mut path = String::new();
            for (place, of) in shares.iter().enumerate().filter(|(_, of)| part(of) > 0) {
                let share = part(of) as f64 / totals[place];
                let (x, y) = (LEFT + bin * place as f64, top + TRAFFIC * (1.0 - below[place] - share));
                write!(path, "M{x:.1} {y:.1}h{bin:.2}v{:.1}h-{bin:.2}z", TRAFFIC * share).unwrap();
                below[place] += share;
            }
            if !path.is_empty() {
                self.draw(&format!("<path class=\"{class}\" d=\"{path}\"/>"));
            }
        }
        self.label(top + 9.0, "100 %");
        self.label(top + TRAFFIC, "0");
        self.y = top + TRAFFIC + GAP;
    }

    fn failures(&mut self) {
        self.title("failures that the application saw", &[]);
        let middle = self.y + SEEN / 2.0;
        self.draw(&format!("<path class=\"grid\" d=\"M{LEFT} {middle:.1}H{RIGHT}\"/>"));
        self.label(middle + 3.5, &self.course.failures.len().to_string());
        for failure in &self.course.failures {
            let (x, when) = (self.x(failure.at), clock(failure.at));
            self.draw(&format!(
                "<circle class=\"seen\" cx=\"{x:.1}\" cy=\"{middle:.1}\" r=\"3.5\"><title>{} at {when}</title></circle>",
                failure.what,
            ));
        }
        self.y += SEEN + 6.0;
    }

    /// Times, and where the incident begins and ends.
    fn axis(&mut self, top: f64, bottom: f64) {
        let (onset, end) = self.course.during;
        if !self.course.put_in.iter().all(|step| step.fails == [0.0; 3]) {
            for (at, what) in [(onset, "begins"), (end, "ends")] {
                // Outside of the incident, if there is room.
                let (x, y) = (self.x(at), top + 14.0);
                let before = what == "begins" && x > LEFT + 44.0;
                let (words, anchor) = if before { (x - 5.0, "end") } else { (x + 5.0, "start") };
                self.draw(&format!(
                    "<path class=\"edge\" d=\"M{x:.1} {top:.1}V{bottom:.1}\"/><text x=\"{words:.1}\" y=\"{y:.1}\" \
                     text-anchor=\"{anchor}\">{what}</text>",
                ));
            }
        }
        let every = pace(self.course.until);
        let mut at = 0.0;
        while at <= self.course.until {
            let x = self.x(at);
            let (tick, words) = (bottom + 4.0, bottom + 16.0);
            self.draw(&format!(
                "<path class=\"tick\" d=\"M{x:.1} {bottom:.1}V{tick:.1}\"/><text x=\"{x:.1}\" y=\"{words:.1}\" \
                 text-anchor=\"middle\">{}</text>",
                clock(at),
            ));
            at += every;
        }
    }

    /// A row's name, and what its colours mean.
    fn title(&mut self, name: &str, legend: &[(&str, &str)]) {
        let y = self.y - 5.0;
        self.draw(&format!("<text class=\"name\" x=\"{LEFT}\" y=\"{y:.1}\">{name}</text>"));
        let mut x = RIGHT;
        for (class, what) in legend.iter().rev() {
            x -= 6.2 * what.chars().count() as f64 + 22.0;
            let (square, words) = (y - 8.0, x + 13.0);
            self.draw(&format!(
                "<rect class=\"{class} key\" x=\"{x:.1}\" y=\"{square:.1}\" width=\"9\" height=\"9\" rx=\"2\"/><text \
                 x=\"{words:.1}\" y=\"{y:.1}\">{what}</text>",
            ));
        }
        self.y += 4.0;
    }

    fn label(&mut self, y: f64, words: &str) {
        let x = LEFT - 8.0;
        self.draw(&format!("<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{words}</text>"));
    }

    fn draw(&mut self, what: &str) {
        self.svg.push_str(what);
    }

    fn x(&self, at: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (at / self.course.until.max(1.0)).clamp(0.0, 1.0)
    }
}

/// Seconds between two times on the axis: a round number, and eight to sixteen of them.
fn pace(until: f64) -> f64 {
    let rounds = [60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0];
    rounds.into_iter().find(|pace| until / pace <= 14.0).unwrap_or(7200.0)
}

fn clock(at: f64) -> String {
    let minutes = (at / 60.0).floor() as u64;
    match minutes {
        0..60 if at % 60.0 >= 1.0 => format!("{minutes}:{:02}", (at % 60.0).floor() as u64),
        0..60 => format!("{minutes} min"),
        _ => format!("{}:{:02} h", minutes / 60, minutes % 60),
    }
}
