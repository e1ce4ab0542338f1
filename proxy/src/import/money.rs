//! What a model costs.

use super::{document::Spot, finding::Findings, tree::Node};

/// US dollars for a million tokens, in and out.
pub(super) type Price = (f64, f64);

/// Highest price that our configuration takes.
const HIGHEST: f64 = 1_000_000.0;
const INPUT: &str = "input_cost_per_token";
const OUTPUT: &str = "output_cost_per_token";

/// The price of a deployment, from its `litellm_params` or its `model_info`.
pub(super) fn price(params: &Node, info: &Node, spot: &Spot, findings: &mut Findings) -> Option<Price> {
    let of = |name: &str| params.get(name).or_else(|| info.get(name));
    if of(INPUT).is_none() && of(OUTPUT).is_none() {
        return None;
    }
    let per_million = |name: &str| {
        let price = of(name)?.number()? * 1e6;
        // Fractions of a token's price are not exact in binary; nobody's price list has more than six digits.
        let price = (price * 1e6).round() / 1e6;
        (0.0..=HIGHEST).contains(&price).then_some(price)
    };
    let found = per_million(INPUT).zip(per_million(OUTPUT));
    if found.is_none() {
        let key =
            if params.get(INPUT).or(params.get(OUTPUT)).is_some() { "litellm_params" } else { "model_info" };
        let why = "a price has two parts, for input and for output tokens, both numbers from 0.";
        findings.lost(&spot.name(key), why, "give `price` of the model both.");
    }
    found
}
