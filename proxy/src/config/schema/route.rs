//! `routes:` as written.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, value::MapAccessDeserializer},
};

use super::Period;

/// One entry of `routes:`.
#[derive(Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteSchema {
    #[serde(rename = "match")]
    pub(crate) pattern: String,
    #[cfg_attr(test, schemars(length(min = 1)))]
    pub(crate) targets: Vec<TargetSchema>,
    pub(crate) deadline: Option<Period>,
    pub(crate) first_token_timeout: Option<Period>,
    pub(crate) stall_timeout: Option<Period>,
    pub(crate) hold: Option<Period>,
    #[cfg_attr(test, schemars(range(min = 1, max = 10)))]
    pub(crate) max_attempts: Option<usize>,
    pub(crate) retry_budget: Option<RetryBudgetSchema>,
    pub(crate) retry_after_wait: Option<Period>,
    pub(crate) retry: Option<bool>,
    pub(crate) hedge: Option<bool>,
    pub(crate) hedge_budget: Option<RetryBudgetSchema>,
    pub(crate) rescue: Option<bool>,
    pub(crate) single_provider: Option<bool>,
    pub(crate) on_lossy: Option<LossyWord>,
}

/// One entry of `targets:`: a model's name, or `{ model, weight }`.
#[derive(Debug)]
pub(crate) struct TargetSchema {
    pub(crate) model: String,
    pub(crate) weight: Option<u32>,
}

/// `retry_budget:` and `hedge_budget:` of a route.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryBudgetSchema {
    #[cfg_attr(test, schemars(range(min = 0, max = 1)))]
    pub(crate) ratio: Option<f64>,
    #[cfg_attr(test, schemars(range(min = 0, max = 1000)))]
    pub(crate) reserve_per_second: Option<f64>,
}

/// What `on_lossy:` may be.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum LossyWord {
    Drop,
    Skip,
}

#[derive(Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct Weighted {
    model: String,
    #[cfg_attr(test, schemars(range(min = 1, max = 1_000_000)))]
    weight: Option<u32>,
}

struct TargetVisitor;

// === impl TargetSchema ===

impl<'de> de::Visitor<'de> for TargetVisitor {
    type Value = TargetSchema;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a model or `{ model: NAME, weight: NUMBER }`")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<TargetSchema, E> {
        Ok(TargetSchema { model: name.to_owned(), weight: None })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<TargetSchema, A::Error> {
        let Weighted { model, weight } = Weighted::deserialize(MapAccessDeserializer::new(map))?;
        Ok(TargetSchema { model, weight })
    }
}

impl<'de> Deserialize<'de> for TargetSchema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TargetVisitor)
    }
}

impl Serialize for TargetSchema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.weight {
            None => serializer.serialize_str(&self.model),
            weight => Weighted { model: self.model.clone(), weight }.serialize(serializer),
        }
    }
}
