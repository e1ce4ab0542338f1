//! `notify:`.

use http::{Uri, uri::Scheme};

use super::Resolver;
use crate::config::{
    Credential, NotifyConfig, NotifyEvent, NotifyTarget,
    place::Place,
    schema::{EventWord, NotifySchema, NotifyTargetSchema, OneOrMany},
};

/// Longest text of `service` and `instance`, in characters.
const LONGEST: usize = 200;

impl Resolver<'_> {
    pub(super) fn notify(&mut self, schema: Option<&NotifySchema>) -> NotifyConfig {
        let Some(schema) = schema else { return NotifyConfig::default() };
        let place = Place::default().name("notify");
        if schema.targets.is_empty() {
            self.refuse(&place.name("targets"), "there is nobody to tell");
        }
        let targets = &place.name("targets");
        let target =
            |(name, target): &(String, NotifyTargetSchema)| self.notified(name, target, &targets.name(name));
        let targets = schema.targets.0.iter().filter_map(target).collect();
        let instance = schema.instance.as_ref().map(|text| self.label(text, &place.name("instance")));
        let host = || self.variables.get("HOSTNAME").map(|name| name.chars().take(LONGEST).collect());
        NotifyConfig {
            instance: instance.unwrap_or_else(host),
            status_url: schema.status_url.as_ref().and_then(|url| self.link(url, &place.name("status_url"))),
            runbook_url: schema
                .runbook_url
                .as_ref()
                .and_then(|url| self.link(url, &place.name("runbook_url"))),
            service: schema.service.as_ref().and_then(|text| self.label(text, &place.name("service"))),
            targets,
        }
    }

    fn notified(&mut self, name: &str, schema: &NotifyTargetSchema, place: &Place) -> Option<NotifyTarget> {
        self.check_name(name, place);
        let url = self.credential(&schema.url, &place.name("url"));
        let url = url.filter(|url| self.reachable(url, &place.name("url")));
        let token = schema.token.as_ref().map(|token| self.credential(token, &place.name("token")));
        let headers = self.headers(&schema.headers, place);
        let events = self.events(schema.events.as_ref(), &place.name("events"));
        let ca_file = schema.ca_file.as_ref().map(|path| self.readable(path, &place.name("ca_file")));
        let (name, kind) = (name.to_owned(), schema.kind.into());
        Some(NotifyTarget { name, kind, url: url?, token: token.flatten(), headers, ca_file, events })
    }

    /// Whether `url` is one, as far as it is there. Nothing of it is shown.
    fn reachable(&mut self, url: &Credential, place: &Place) -> bool {
        let Some(secret) = url.secret() else { return true };
        let Some(parsed) = absolute(secret.expose()) else {
            self.refuse(place, "expected an absolute URL such as `https://hooks.example.com/services/...`");
            return false;
        };
        if parsed.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            self.refuse(place, "a password belongs into `headers` or `token`, not before the host");
            return false;
        }
        if parsed.scheme() == Some(&Scheme::HTTP) && !loopback(&parsed) {
            self.warn(format!(
                "{place}: is plain http, whoever is on the way reads and changes what is told"
            ));
        }
        true
    }

    fn events(&mut self, words: Option<&OneOrMany<EventWord>>, place: &Place) -> Vec<NotifyEvent> {
        let Some(OneOrMany(words)) = words else { return NotifyEvent::ALL.to_vec() };
        if words.is_empty() {
            self.refuse(place, "names nothing to tell");
        }
        for (at, word) in words.iter().enumerate() {
            if words[..at].contains(word) {
                let message = format!("`{}` is named twice", NotifyEvent::from(*word).as_str());
                self.refuse(&place.index(at), message);
            }
        }
        words.iter().map(|word| NotifyEvent::from(*word)).collect()
    }

    /// An address for people, as it is clicked on.
    fn link(&mut self, text: &str, place: &Place) -> Option<String> {
        let text = self.filled(text, place)?;
        let fine = absolute(&text).is_some() && !text.contains(['<', '>', '|', '"', ' ']);
        if !fine {
            self.refuse(place, "expected an absolute URL such as `https://sidestep.example.com/`");
        }
        fine.then_some(text)
    }

    fn label(&mut self, text: &str, place: &Place) -> Option<String> {
        let text = self.filled(text, place)?;
        let fine = !text.is_empty() && text.chars().count() <= LONGEST && !text.contains(char::is_control);
        if !fine {
            self.refuse(place, format!("is empty, longer than {LONGEST} characters, or more than a line"));
        }
        fine.then_some(text)
    }
}

fn absolute(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let known = [Scheme::HTTP, Scheme::HTTPS].iter().any(|scheme| uri.scheme() == Some(scheme));
    (known && uri.host().is_some_and(|host| !host.is_empty())).then_some(uri)
}

fn loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
