//! `faults:` as written.

use serde::{Deserialize, Serialize};

use super::Period;

/// `faults:`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultsSchema {
    pub(crate) allow: Option<bool>,
    #[cfg_attr(test, schemars(range(max = 1), extend("exclusiveMinimum" = 0)))]
    pub(crate) max_rate: Option<f64>,
    pub(crate) max_duration: Option<Period>,
}
