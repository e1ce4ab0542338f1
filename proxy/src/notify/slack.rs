//! What Slack's incoming webhooks take, and Mattermost's, Rocket.Chat's and others' that take the same.
//!
//! The whole message stands in `text`, which all of them show, and once more in blocks, which Slack shows instead. Limits
//! are Slack's (<https://docs.slack.dev/reference/block-kit/blocks>): 50 blocks, 150 characters in a header, 3000 in a text, 10
//! fields of 2000 in a section. `&`, `<` and `>` are escaped (<https://docs.slack.dev/messaging/formatting-message-text>).

use serde_json::{Value, json};

use super::mailbox::Letter;
use super::notice::{Letterhead, Notice, Phase, Severity, shortened, spelled, stamp};

const HEADER: usize = 150;
const TEXT: usize = 3000;
const FIELD: usize = 2000;
const FIELDS: usize = 10;
/// Sections of fields at most; far below 50 blocks.
const SECTIONS: usize = 4;

/// The message for `letter`.
pub(super) fn message(letter: &Letter, head: &Letterhead) -> Value {
    let notice = &letter.notice;
    let headline = format!("{} {}", sign(notice), notice.headline());
    let facts: Vec<(String, String)> =
        notice.facts.iter().map(|(name, value)| (escaped(name), quoted(value))).collect();
    let plain = facts.iter().map(|(name, value)| format!("*{name}*: {value}"));
    let summary = shortened_markup(&escaped(&notice.summary), TEXT);
    let foot = shortened_markup(&foot(letter, head), TEXT);
    let mut lines = vec![format!("*{}*", escaped(&headline)), summary.clone()];
    lines.extend(plain);
    lines.push(foot.clone());
    lines.retain(|line| !line.is_empty());

    let mut blocks = vec![
        json!({ "type": "header", "text": { "type": "plain_text", "text": shortened(&headline, HEADER) } }),
        json!({ "type": "section", "text": { "type": "mrkdwn", "text": summary } }),
    ];
    for facts in facts.chunks(FIELDS).take(SECTIONS) {
        let field = |(name, value): &(String, String)| json!({ "type": "mrkdwn", "text": shortened_markup(&format!("*{name}*\n{value}"), FIELD) });
        blocks.push(json!({ "type": "section", "fields": facts.iter().map(field).collect::<Vec<_>>() }));
    }
    if !foot.is_empty() {
        blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": foot }] }));
    }
    json!({ "text": shortened_markup(&lines.join("\n"), TEXT), "blocks": blocks })
}

/// Told apart without reading.
fn sign(notice: &Notice) -> &'static str {
    match (notice.phase, notice.severity()) {
        _ if notice.rehearsal => "\u{1f3ad}",
        (Phase::Over, _) => "\u{1f7e2}",
        (_, Severity::Critical) => "\u{1f534}",
        (_, Severity::Warning) => "\u{1f7e0}",
        (_, Severity::Info) => "\u{1f535}",
    }
}

/// Since when, by whom, and where to go on.
fn foot(letter: &Letter, head: &Letterhead) -> String {
    let notice = &letter.notice;
    let mut parts = vec![match notice.ended {
        Some(ended) => {
            format!("{} to {} ({})", stamp(notice.began), stamp(ended), spelled(ended - notice.began))
        }
        None => format!("since {}", stamp(notice.began)),
    }];
    if letter.more > 0 {
        parts.push(format!("{} more since {}, not told one by one", letter.more, stamp(letter.since)));
    }
    parts.extend(notice.incident.as_ref().map(|id| format!("`sidestep incidents {id}`")));
    let named = [("service", &head.service), ("from", &head.instance)];
    parts.extend(
        named.iter().filter_map(|(name, value)| Some(format!("{name} {}", escaped(value.as_ref()?)))),
    );
    let links = [("Status page", &head.status_url), ("What to do", &head.runbook_url)];
    // An address for a link holds no `|`, `<` or `>`: the configuration refuses it.
    parts.extend(links.iter().filter_map(|(name, url)| Some(format!("<{}|{name}>", amp(url.as_ref()?)))));
    parts.join(" · ")
}

/// `text` without what Slack would take for its own: mentions, links, entities.
fn escaped(text: &str) -> String {
    amp(text).replace('<', "&lt;").replace('>', "&gt;")
}

fn amp(text: &str) -> String {
    text.replace('&', "&amp;")
}

/// `text` to be shown as it is: in a span of code if something of it could be taken for formatting.
fn quoted(text: &str) -> String {
    let formats = text.contains(['*', '_', '~', '`']);
    if formats { format!("`{}`", escaped(&text.replace('`', "'"))) } else { escaped(text) }
}

/// At most `most` characters of text that is escaped already; no entity and no link is cut in two.
fn shortened_markup(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most - 1).collect();
    for (open, close) in [('&', ';'), ('<', '>')] {
        if let Some(at) = cut.rfind(open).filter(|at| !cut[*at..].contains(close)) {
            cut.truncate(at);
        }
    }
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::NotifyEvent;

    fn texts(value: &Value, found: &mut Vec<(String, String)>) {
        match value {
            Value::Object(object) => {
                if let (Some(kind), Some(text)) =
                    (object.get("type"), object.get("text").and_then(Value::as_str))
                {
                    found.push((kind.as_str().unwrap().to_owned(), text.to_owned()));
                }
                object.values().for_each(|value| texts(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| texts(value, found)),
            _ => {}
        }
    }

    /// Nothing in `text` is a mention, a link or an entity but those that are meant.
    fn assert_escaped(text: &str) {
        let own = text.replace("<https://status.example.com/?a=1&amp;b=2|Status page>", "");
        assert!(!own.contains('<') && !own.contains('>'), "{own}");
        for (at, _) in own.match_indices('&') {
            let entity = ["&amp;", "&lt;", "&gt;"].iter().any(|entity| own[at..].starts_with(entity));
            assert!(entity, "{}", &own[at..]);
        }
    }

    /// As large and as hostile as it gets.
    #[test]
    fn every_limit_of_slack_holds_and_nothing_is_taken_for_a_mention_or_a_link() {
        let hostile = "<!channel> & <https://evil.example|click> *b* `c` ".repeat(400);
        let notice = Notice {
            event: NotifyEvent::Opened,
            title: hostile.clone(),
            summary: hostile.clone(),
            facts: vec![("Models", hostile.clone()); 70],
            rehearsal: false,
            ..Notice::test(0.0)
        };
        let head = Letterhead {
            status_url: Some("https://status.example.com/?a=1&b=2".to_owned()),
            instance: Some("<@U1>".to_owned()),
            ..Letterhead::default()
        };
        let letter = Letter { notice, more: 3, since: 0.0 };
        let message = message(&letter, &head);
        let blocks = message["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 50 && blocks.len() > 3, "{}", blocks.len());
        assert!(message["text"].as_str().unwrap().chars().count() <= TEXT);
        for block in blocks {
            assert!(block["fields"].as_array().is_none_or(|fields| fields.len() <= 10));
        }
        let mut found = Vec::new();
        texts(&message["blocks"], &mut found);
        for (kind, text) in
            found.iter().chain([&("mrkdwn".to_owned(), message["text"].as_str().unwrap().to_owned())])
        {
            let most = if kind == "plain_text" { HEADER } else { TEXT };
            assert!(text.chars().count() <= most && !text.is_empty());
            if kind == "mrkdwn" {
                assert_escaped(text);
            }
        }
        let foot = &found.last().unwrap().1;
        assert!(foot.contains("3 more since 1970-01-01T00:00:00") && foot.contains("&lt;@U1&gt;"), "{foot}");
    }

    #[test]
    fn a_pattern_is_shown_as_it_is() {
        assert_eq!(quoted("claude-*, gpt-*"), "`claude-*, gpt-*`");
        assert_eq!(quoted("a<b"), "a&lt;b");
        assert_eq!(shortened_markup("abc&amp;d", 7), "abc…");
    }
}
