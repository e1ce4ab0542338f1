//! The report as one page that needs nothing beside itself.

mod picture;
mod tables;

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::figures::Figures;
use crate::targets::visible;

const STYLE: &str = include_str!("style.css");
/// The rate whose picture is shown first, if it was played.
const SHOWN: f64 = 2.0;

/// What the figures rest on.
const NOTE: &str = "
<p>Played with the whole of Sidestep (routing, retries, hedges, rescue, judge and probes, every default but a higher
concurrency limit) between an application and simulated providers, over connections in memory, in paused time. The
application sends at random moments: 60&nbsp;% of requests streamed, 20&nbsp;% with tools, half in each dialect,
answers with a log-normal length (median 25 words). Healthy first tokens are log-normal, 0.8&nbsp;s in the median and
2.6&nbsp;s in the 99th percentile, at every provider. One seed decides every draw: the same seed gives the same page.</p>
<p><b>What is data:</b> durations, the order of recovery, and the shares of failing requests that the sources name.
<b>What is assumed</b> stands beside each incident: above all which requests fail how, ramps, and how soon callers
leave. Where a replay is <i>shortened</i>, long plateaus are cut
to minutes, which flatters: a partial outage of hours gives more occasions to come back too early. A simulated model says the same words
at every provider, which real ones do not: that is what lets every answer be checked to the letter, and it says
nothing of how well two real models' styles fit together. Waits of callers who left count as first tokens, so that
leaving does not make the figures better.</p>
<p><b>How it is counted:</b> a request sent to a model counts as <i>sent to the ill</i> while the simulator lets some of
its requests fail, also those that the model answers well. <i>Tokens</i> are input and output together; those of
cancelled answers are losers of hedges and callers who left, those of broken answers are what the first model had
said before another one went on.</p>";

/// Writes it.
pub(crate) fn page(all: &[Figures]) -> String {
    let mut incidents: BTreeMap<&str, Vec<&Figures>> = BTreeMap::new();
    for figures in all {
        incidents.entry(&figures.setting.incident).or_default().push(figures);
    }
    let mut page = String::new();
    page.push_str("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    page.push_str("<meta name=\"color-scheme\" content=\"light dark\"><title>Incidents, replayed</title>");
    write!(page, "<style>{STYLE}</style></head><body><main>{}", head(all)).unwrap();
    page.push_str(&tables::targets(all));
    for replays in incidents.values() {
        page.push_str(&section(replays));
    }
    writeln!(
        page,
        "<section id=\"basis\"><h2>What the figures rest on</h2>{NOTE}</section></main></body></html>"
    )
    .unwrap();
    page
}

fn head(all: &[Figures]) -> String {
    let (failed, share) = visible(all);
    let sum = |of: fn(&Figures) -> usize| all.iter().map(of).sum::<usize>();
    let hours = all.iter().map(|of| of.setting.simulated_s).sum::<f64>() / 3600.0;
    let lies = sum(|of| of.truncated + of.repeated + of.foreign);
    let tiles = [
        (thousands(sum(|of| of.requests)), format!("requests in {hours:.0} hours of {} replays", all.len())),
        (thousands(failed), format!("seen to fail by the application ({:.3} %)", 100.0 * share)),
        (thousands(sum(|of| of.failed_before_commit)), "failed before an answer had begun".to_owned()),
        (thousands(lies), "truncated or with repeated text".to_owned()),
        (thousands(sum(|of| of.rescued)), "went on with another model after a break".to_owned()),
    ];
    let tiles =
        tiles.map(|(number, what)| format!("<div class=\"tile\"><b>{number}</b><span>{what}</span></div>"));
    format!(
        "<header><h1>Incidents, replayed</h1><p class=\"lead\">What an application behind Sidestep would have seen of \
         published incidents, and what Sidestep did meanwhile.</p><div class=\"tiles\">{}</div></header>",
        tiles.concat()
    )
}

fn section(replays: &[&Figures]) -> String {
    let shown = replays.iter().find(|one| one.setting.rate == SHOWN).unwrap_or(&replays[0]);
    let setting = &shown.setting;
    let calm = if setting.must_not_trip { "<span class=\"tag\">must not trip</span>" } else { "" };
    let mut section = format!(
        "<section><h2 id=\"{0}\">{0} {calm}</h2><p>{1}</p><p class=\"assumed\"><b>Assumed:</b> {2}</p>{3}",
        setting.incident,
        text(&setting.about),
        text(&setting.assumed),
        tables::figures(replays),
    );
    section.push_str(&figure(shown));
    for other in replays.iter().filter(|one| one.setting.rate != setting.rate) {
        write!(
            section,
            "<details><summary>At {} requests a second</summary>{}</details>",
            other.setting.rate,
            figure(other)
        )
        .unwrap();
    }
    section + "</section>"
}

fn figure(of: &Figures) -> String {
    let length = if of.setting.shortened { "shortened" } else { "in full length" };
    format!(
        "<figure>{}<figcaption>At {} requests a second, {length}; seed {}.</figcaption></figure>",
        picture::picture(of),
        of.setting.rate,
        of.setting.seed,
    )
}

/// As text of the page; `code` between backticks.
fn text(plain: &str) -> String {
    let plain = plain.trim().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let parts = plain.split('`').enumerate();
    parts
        .map(|(place, part)| if place % 2 == 1 { format!("<code>{part}</code>") } else { part.to_owned() })
        .collect()
}

fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join("\u{202f}")
}
