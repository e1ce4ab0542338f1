//! `model_list:`: each entry is a deployment of a group.

use super::{
    credentials::Credentials,
    document::{Document, Spot},
    finding::Findings,
    ignored,
    money::{Price, price},
    names,
    tree::Node,
    upstream::{Provider, Upstreams},
    vendor::Vendor,
    wildcard::Asked,
};

/// One entry of `model_list:` that can be called.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    /// `model_name`.
    pub(super) group: String,
    pub(super) spot: Spot,
    pub(super) provider: Provider,
    pub(super) asked: Asked,
    /// `weight`, `rpm` and `tpm`: the first that any member of the group has shares out its calls.
    pub(super) shares: [Option<f64>; 3],
    pub(super) order: Option<i64>,
    /// Seconds.
    pub(super) timeout: Option<f64>,
    /// Seconds.
    pub(super) stream_timeout: Option<f64>,
    pub(super) traits: Traits,
}

/// What the model itself is like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Traits {
    pub(super) max_concurrency: Option<u32>,
    pub(super) context_window: Option<u64>,
    pub(super) max_output_tokens: Option<u64>,
    pub(super) price: Option<Price>,
}

const KNOWN_PARAMS: [&str; 18] = [
    "model",
    "api_key",
    "api_base",
    "base_url",
    "api_version",
    "custom_llm_provider",
    "litellm_credential_name",
    "weight",
    "order",
    "rpm",
    "tpm",
    "timeout",
    "stream_timeout",
    "max_retries",
    "max_parallel_requests",
    "input_cost_per_token",
    "output_cost_per_token",
    "drop_params",
];
const KNOWN_INFO: [&str; 9] = [
    "id",
    "mode",
    "description",
    "base_model",
    "litellm_provider",
    "max_input_tokens",
    "max_output_tokens",
    "input_cost_per_token",
    "output_cost_per_token",
];
const KNOWN_ENTRY: [&str; 3] = ["model_name", "litellm_params", "model_info"];

/// Most entries of `model_list:` that are read.
const MOST_DEPLOYMENTS: usize = 2000;

/// All deployments that can be called, in the order of the files.
pub(super) fn deployments(document: &Document, findings: &mut Findings) -> Vec<Deployment> {
    let mut upstreams = Upstreams { credentials: Credentials::of(document), findings };
    let mut deployments = Vec::new();
    for (spot, list) in document.sections("model_list") {
        if !matches!(list, Node::List(_)) {
            upstreams.findings.lost(&spot, format!("it is {}, not a list.", list.kind()), "");
        }
        for (at, entry) in list.items().iter().enumerate() {
            if at >= MOST_DEPLOYMENTS {
                let why = format!("only the first {MOST_DEPLOYMENTS} entries are read.");
                upstreams.findings.lost(&spot.index(at), why, "split the file.");
                break;
            }
            deployments.extend(deployment(entry, &spot.index(at), &mut upstreams));
        }
    }
    deployments
}

fn deployment<'a>(entry: &'a Node, spot: &Spot, upstreams: &mut Upstreams<'a, '_>) -> Option<Deployment> {
    let (Some(group), Some(params), Some(model)) = (
        entry.get("model_name").and_then(Node::text),
        entry.get("litellm_params"),
        entry.get("litellm_params").and_then(|params| params.get("model")).and_then(Node::text),
    ) else {
        let why = "an entry needs a `model_name` and `litellm_params` with a `model`, both texts.";
        upstreams.findings.lost(spot, why, "");
        return None;
    };
    let info = entry.get("model_info").unwrap_or(&Node::Null);
    let at = spot.name("litellm_params");
    if !fitting(group, info, spot, upstreams.findings) {
        return None;
    }
    let (vendor, name) = vendor(params, model, &at, upstreams.findings)?;
    let provider = upstreams.provider(vendor, params, &at)?;
    let asked = Asked::of(group, name).map_err(|why| {
        let instead = "write a route and a model for each name that is asked for.";
        upstreams.findings.lost(&at.name("model"), why, instead);
    });
    let asked = asked.ok()?;
    let price = price(params, info, spot, upstreams.findings);
    told_apart(entry, spot, upstreams.findings);
    let number = |name: &str| params.get(name).and_then(Node::number);
    Some(Deployment {
        group: group.to_owned(),
        spot: spot.clone(),
        provider,
        asked,
        shares: ["weight", "rpm", "tpm"].map(number),
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and only compares")]
        order: number("order").map(|order| order as i64),
        timeout: number("timeout"),
        stream_timeout: number("stream_timeout"),
        traits: traits(params, info, price),
    })
}

fn traits(params: &Node, info: &Node, price: Option<Price>) -> Traits {
    let count = |node: &Node, name: &str| node.get(name).and_then(Node::number).and_then(whole);
    Traits {
        max_concurrency: count(params, "max_parallel_requests").and_then(|most| u32::try_from(most).ok()),
        context_window: count(info, "max_input_tokens"),
        max_output_tokens: count(info, "max_output_tokens"),
        price,
    }
}

/// Whether there can be a route for the group, and whether it is for conversations.
fn fitting(group: &str, info: &Node, spot: &Spot, findings: &mut Findings) -> bool {
    let mode = info.get("mode").and_then(Node::text).filter(|mode| !["chat", "responses"].contains(mode));
    if !names::is_pattern(group) {
        let why = "a route matches no name with blanks, `**`, or one of `?[]{}()^$\\|`.";
        findings.lost(&spot.name("model_name"), why, "give it another name.");
    } else if mode.is_some() {
        let why = "only conversations have routes in Sidestep.";
        findings.lost(&spot.name("model_info").name("mode"), why, "ask its provider directly.");
    }
    names::is_pattern(group) && mode.is_none()
}

/// The provider of `model`, and its name there.
fn vendor<'a>(
    params: &Node,
    model: &'a str,
    at: &Spot,
    findings: &mut Findings,
) -> Option<(Vendor, &'a str)> {
    let found = match params.get("custom_llm_provider").and_then(Node::text) {
        Some(prefix) => {
            let bare = model.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);
            Vendor::named(prefix).map(|vendor| (vendor, bare))
        }
        None => Vendor::of_model(model),
    };
    let Some((vendor, name)) = found else {
        let why = "the provider is not one that Sidestep knows.";
        let instead = "if it speaks the dialect `openai` or `anthropic`, write a provider with `dialect` and `base_url`.";
        findings.lost(&at.name("model"), why, instead);
        return None;
    };
    // LiteLLM's way to ask for the Responses API; here it is the application that asks for one or the other.
    Some((vendor, name.strip_prefix("responses/").filter(|_| vendor.prefix == "openai").unwrap_or(name)))
}

/// A whole number from 1.
fn whole(number: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within bounds")]
    (number.fract() == 0.0 && (1.0..=1e15).contains(&number)).then_some(number as u64)
}

/// What an entry says that has no counterpart, and what has another type than it should.
fn told_apart(entry: &Node, spot: &Spot, findings: &mut Findings) {
    let parts = [(entry, spot.clone(), &KNOWN_ENTRY[..])].into_iter();
    let inner = [("litellm_params", &KNOWN_PARAMS[..]), ("model_info", &KNOWN_INFO[..])];
    let inner =
        inner.into_iter().filter_map(|(name, known)| Some((entry.get(name)?, spot.name(name), known)));
    for (node, spot, known) in parts.chain(inner) {
        for (key, value) in node.entries() {
            let at = spot.name(key);
            if !known.contains(&key.as_str()) {
                let (why, instead) = ignored::of_deployment(key);
                findings.lost(&at, why, instead);
            } else if ["rpm", "tpm", "weight", "order", "timeout", "stream_timeout"].contains(&key.as_str())
                && *value != Node::Null
                && value.number().is_none()
            {
                findings.lost(&at, format!("it is {}, not a number.", value.kind()), "");
            } else if ["rpm", "tpm"].contains(&key.as_str()) {
                let why =
                    "it decides the share of the deployment where there is no `weight`, and is no limit.";
                findings.changed(&at, why, "bound calls in flight with `max_concurrency` of the model.");
            } else if key == "max_retries" {
                findings.changed(
                    &at,
                    "one repeat in place, then the next target.",
                    "see `max_attempts` of the route.",
                );
            }
        }
    }
}
