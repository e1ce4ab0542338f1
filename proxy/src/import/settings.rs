//! `router_settings:`, `litellm_settings:` and `general_settings:`.

use super::{
    document::{Document, Spot},
    finding::Findings,
    ignored::{self, Told},
    tree::Node,
};

/// What the settings mean for routes and models.
#[derive(Debug, Default)]
pub(super) struct Settings {
    /// Who stands in for whom, in the order of the file.
    pub(super) fallbacks: Vec<Fallback>,
    /// Other names of groups: name, group.
    pub(super) aliases: Vec<(String, String, Spot)>,
    /// Seconds.
    pub(super) timeout: Option<f64>,
    /// Seconds.
    pub(super) stream_timeout: Option<f64>,
    pub(super) retries: Option<f64>,
    pub(super) max_fallbacks: Option<f64>,
    pub(super) allowed_fails: Option<f64>,
    /// Seconds.
    pub(super) cooldown: Option<f64>,
    pub(super) json_logs: bool,
}

/// Groups that stand in for one.
#[derive(Clone, Debug)]
pub(super) struct Fallback {
    /// The group, or `*` for every one that has no fallbacks of its own.
    pub(super) of: String,
    pub(super) to: Vec<(String, Spot)>,
    pub(super) spot: Spot,
}

const ROUTER: [&str; 11] = [
    "fallbacks",
    "default_fallbacks",
    "model_group_alias",
    "timeout",
    "stream_timeout",
    "num_retries",
    "max_fallbacks",
    "allowed_fails",
    "cooldown_time",
    "routing_strategy",
    "enable_pre_call_checks",
];
const MODULE: [&str; 10] = [
    "fallbacks",
    "default_fallbacks",
    "request_timeout",
    "num_retries",
    "allowed_fails",
    "cooldown_time",
    "drop_params",
    "set_verbose",
    "json_logs",
    "suppress_debug_info",
];
const SECTIONS: [&str; 7] = [
    "model_list",
    "router_settings",
    "litellm_settings",
    "general_settings",
    "environment_variables",
    "credential_list",
    "include",
];

/// The section called `name`, in force; a later file replaces an earlier one's.
fn section<'a>(document: &'a Document, name: &'a str, findings: &mut Findings) -> Option<(Spot, &'a Node)> {
    let mut found: Vec<_> = document.sections(name).collect();
    let last = found.pop();
    for (spot, _) in found {
        findings.lost(&spot, "a file that is included has the same section, which takes its place.", "");
    }
    let (spot, node) = last?;
    if matches!(node, Node::Map(_)) {
        return Some((spot, node));
    }
    findings.lost(&spot, format!("it is {}, not a mapping.", node.kind()), "");
    None
}

// === impl Settings ===

impl Settings {
    /// What the document sets.
    pub(super) fn of(document: &Document, findings: &mut Findings) -> Self {
        let mut settings = Self::default();
        let nothing = (Spot::default(), &Node::Null);
        let router = section(document, "router_settings", findings).unwrap_or(nothing.clone());
        let module = section(document, "litellm_settings", findings).unwrap_or(nothing.clone());
        let proxy = section(document, "general_settings", findings).unwrap_or(nothing);
        left_behind(&router, &ROUTER, ignored::of_router, findings);
        left_behind(&module, &MODULE, ignored::of_module, findings);
        left_behind(&proxy, &[], ignored::of_proxy, findings);
        for (file, one) in document.files.iter().enumerate() {
            let root = (Spot { file, ..Spot::default() }, &one.root);
            left_behind(&root, &SECTIONS, ignored::of_file, findings);
        }
        variables(document, findings);
        settings.read_fallbacks(&router, &module, findings);
        settings.read_numbers(&router, &module, findings);
        settings.read_aliases(&router, findings);
        settings.json_logs = module.1.get("json_logs").and_then(Node::truth).unwrap_or(false);
        strategy(&router, findings);
        settings
    }

    /// Those of the router go before those of the module, as a whole.
    fn read_fallbacks(&mut self, router: &(Spot, &Node), module: &(Spot, &Node), findings: &mut Findings) {
        for name in ["fallbacks", "default_fallbacks"] {
            let lists =
                [router, module].map(|(spot, node)| node.get(name).map(|list| (spot.name(name), list)));
            let mut lists = lists
                .into_iter()
                .flatten()
                .filter(|(_, list)| !list.items().is_empty() || !matches!(list, Node::List(_)));
            let Some((spot, list)) = lists.next() else { continue };
            for (spot, _) in lists {
                findings.lost(&spot, "`router_settings` has the same, which goes before it.", "");
            }
            if !matches!(list, Node::List(_)) {
                findings.lost(&spot, format!("it is {}, not a list.", list.kind()), "");
            } else if name == "default_fallbacks" {
                let to = targets(list, &spot, findings);
                self.fallbacks.push(Fallback { of: "*".to_owned(), to, spot });
            } else {
                for (at, entry) in list.items().iter().enumerate() {
                    self.read_fallback(entry, &spot.index(at), findings);
                }
            }
        }
    }

    fn read_fallback(&mut self, entry: &Node, spot: &Spot, findings: &mut Findings) {
        if entry.entries().len() != 1 {
            findings.lost(spot, "an entry is a mapping from one group to a list of groups.", "");
        }
        // As LiteLLM does, which looks at the first key alone.
        if let Some((of, to)) = entry.entries().first() {
            let spot = spot.name(of);
            let to = targets(to, &spot, findings);
            self.fallbacks.push(Fallback { of: of.clone(), to, spot });
        }
    }

    fn read_numbers(&mut self, router: &(Spot, &Node), module: &(Spot, &Node), findings: &mut Findings) {
        let mut number = |sources: &[(&(Spot, &Node), &str)]| {
            sources.iter().find_map(|((spot, node), name)| {
                let value = node.get(name)?;
                let number = value.number().filter(|number| *number >= 0.0);
                if number.is_none() {
                    findings.lost(
                        &spot.name(name),
                        format!("it is {}, not a number from 0.", value.kind()),
                        "",
                    );
                }
                number
            })
        };
        self.timeout = number(&[(router, "timeout"), (module, "request_timeout")]);
        self.stream_timeout = number(&[(router, "stream_timeout")]);
        self.retries = number(&[(router, "num_retries"), (module, "num_retries")]);
        self.max_fallbacks = number(&[(router, "max_fallbacks")]);
        self.allowed_fails = number(&[(router, "allowed_fails"), (module, "allowed_fails")]);
        self.cooldown = number(&[(router, "cooldown_time"), (module, "cooldown_time")]);
        let mut told = |name: &str, why: &str, instead: &str| {
            for (spot, node) in [router, module] {
                if node.get(name).is_some() {
                    findings.changed(&spot.name(name), why, instead);
                }
            }
        };
        let each =
            "a route has one time for all attempts, the `deadline`: twice this, of which the first has half.";
        told("timeout", each, "");
        told("request_timeout", each, "");
        told("allowed_fails", "failures count in a row, and by their share.", "see `health`.");
        told("cooldown_time", "it doubles after each relapse, and only probes end it.", "see `health`.");
        if self.retries.is_some_and(|retries| retries > 1.0) {
            told(
                "num_retries",
                "one repeat in place, then the next target.",
                "see `max_attempts` of the routes.",
            );
        }
    }

    fn read_aliases(&mut self, (spot, router): &(Spot, &Node), findings: &mut Findings) {
        let spot = spot.name("model_group_alias");
        for (name, group) in router.get("model_group_alias").map(Node::entries).unwrap_or_default() {
            let spot = spot.name(name);
            match group.text().or_else(|| group.get("model").and_then(Node::text)) {
                Some(group) => self.aliases.push((name.clone(), group.to_owned(), spot)),
                None => {
                    findings.lost(&spot, "it is neither a group's name nor a mapping with a `model`.", "")
                }
            }
        }
    }
}

/// The groups of a list of fallbacks.
fn targets(list: &Node, spot: &Spot, findings: &mut Findings) -> Vec<(String, Spot)> {
    let mut targets = Vec::new();
    for (at, entry) in list.items().iter().enumerate() {
        let spot = spot.index(at);
        match entry.text().or_else(|| entry.get("model").and_then(Node::text)) {
            Some(group) => targets.push((group.to_owned(), spot.clone())),
            None => findings.lost(&spot, "it is neither a group's name nor a mapping with a `model`.", ""),
        }
        for (key, _) in entry.entries().iter().filter(|(key, _)| key != "model") {
            findings.lost(&spot.name(key), "Sidestep asks a target what the application asked.", "");
        }
    }
    targets
}

fn left_behind(
    (spot, node): &(Spot, &Node),
    known: &[&str],
    told: fn(&str) -> Told,
    findings: &mut Findings,
) {
    for (key, value) in node.entries() {
        let meant = *value != Node::Null && !key.starts_with("x-");
        if meant && !known.contains(&key.as_str()) {
            let (why, instead) = told(key);
            findings.lost(&spot.name(key), why, instead);
        }
    }
}

fn variables(document: &Document, findings: &mut Findings) {
    for (spot, node) in document.sections("environment_variables") {
        for (name, _) in node.entries() {
            let why = "values of variables are not copied: they may be secrets.";
            findings.lost(
                &spot.name(name),
                why,
                "set it in the environment of `sidestep run` if a key is in it.",
            );
        }
    }
}

fn strategy((spot, router): &(Spot, &Node), findings: &mut Findings) {
    let Some(strategy) = router.get("routing_strategy") else { return };
    if strategy.text() != Some("simple-shuffle") {
        let why = "the members of a group share its calls by fixed weights.";
        findings.lost(&spot.name("routing_strategy"), why, "change the `weight` of the targets.");
    }
}
