//! `models:`.

use sidestep_dialect::CapabilityOverrides;

use super::Resolver;
use crate::config::{
    ModelConfig, Price, UpstreamName,
    nearest::suggestion,
    place::Place,
    schema::{FileSchema, ModelSchema, PriceSchema},
};

const MAX_CONCURRENCY: u32 = 128;

/// Far beyond every price list, to catch a price given for the wrong number of tokens.
const HIGHEST_PRICE: f64 = 1_000_000.0;

impl Resolver<'_> {
    /// One entry for each of `models:`; `None` for one that is refused, so that positions still agree.
    pub(super) fn models(&mut self, file: &FileSchema) -> Vec<Option<ModelConfig>> {
        let place = Place::default().name("models");
        if file.models.0.is_empty() {
            self.refuse(&place, "there is no model");
        }
        let names: Vec<&str> = file.providers.0.iter().map(|(name, _)| name.as_str()).collect();
        file.models.0.iter().map(|(id, schema)| self.model(id, schema, &names)).collect()
    }

    fn model(&mut self, id: &str, schema: &ModelSchema, providers: &[&str]) -> Option<ModelConfig> {
        let place = &Place::default().name("models").name(id);
        self.check_name(id, place);
        let provider = providers.iter().position(|name| *name == schema.provider);
        if provider.is_none() {
            let hint = suggestion(&schema.provider, providers.iter().copied());
            self.refuse(&place.name("provider"), format!("unknown provider `{}`{hint}", schema.provider));
        }
        if providers.contains(&id) && schema.provider != id {
            // `sidestep disable NAME` could mean either.
            self.refuse(&place.key(), "a provider that this model is not of has the same name");
        }
        let max_concurrency = schema.max_concurrency.unwrap_or(MAX_CONCURRENCY);
        if max_concurrency == 0 {
            self.refuse(&place.name("max_concurrency"), "lets no call through; `sidestep disable` does that");
        }
        Some(ModelConfig {
            id: id.to_owned(),
            model: self.upstream_name(schema, place)?,
            provider: provider?,
            max_concurrency,
            capabilities: self.capabilities(schema, place),
            policy: self.policy(schema.health.as_ref(), &place.name("health")),
            price: schema.price.map(|price| self.price(price, &place.name("price"))),
        })
    }

    fn capabilities(&mut self, schema: &ModelSchema, place: &Place) -> CapabilityOverrides {
        let mut overrides = schema.capabilities.clone().unwrap_or_default();
        for (key, twin, given, known) in [
            ("context_window", "max_input_tokens", schema.context_window, &mut overrides.max_input_tokens),
            (
                "max_output_tokens",
                "max_output_tokens",
                schema.max_output_tokens,
                &mut overrides.max_output_tokens,
            ),
        ] {
            if given == Some(0) {
                self.refuse(&place.name(key), "has to be at least 1");
            }
            if given.is_some() && known.is_some() {
                self.refuse(&place.name(key).key(), format!("is given as `capabilities.{twin}` too"));
            }
            *known = given.map(Some).or(*known);
        }
        overrides
    }

    fn upstream_name(&mut self, schema: &ModelSchema, place: &Place) -> Option<UpstreamName> {
        let mut fine = |name: &str, key: &str| {
            let fine =
                !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '*');
            if !fine {
                self.refuse(&place.name(key), "is not the name of a model");
            }
            fine
        };
        match (schema.model.as_str(), schema.probe.as_deref()) {
            ("*", Some(probe)) => {
                let prefix = schema.strip_prefix.clone().unwrap_or_default();
                fine(probe, "probe").then(|| UpstreamName::AsAsked { probe: probe.to_owned(), prefix })
            }
            ("*", None) => {
                self.refuse(
                    &place.name("model"),
                    "`*` sends the name that was asked for; say what to `probe` with",
                );
                None
            }
            (_, None) if schema.strip_prefix.is_some() => {
                self.refuse(&place.name("strip_prefix").key(), "only goes with `model: \"*\"`");
                None
            }
            (name, None) => fine(name, "model").then(|| UpstreamName::Exact(name.to_owned())),
            (_, Some(_)) => {
                self.refuse(&place.name("probe").key(), "only goes with `model: \"*\"`");
                None
            }
        }
    }

    fn price(&mut self, price: PriceSchema, place: &Place) -> Price {
        let PriceSchema { input_usd_per_million, output_usd_per_million } = price;
        for (key, value) in [
            ("input_usd_per_million", input_usd_per_million),
            ("output_usd_per_million", output_usd_per_million),
        ] {
            if !(0.0..=HIGHEST_PRICE).contains(&value) {
                self.refuse(&place.name(key), "is no price in US dollars for a million tokens");
            }
        }
        Price { input_usd_per_million, output_usd_per_million }
    }
}
