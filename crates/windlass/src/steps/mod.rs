//! Steps: jq expressions that records pass through before they are normalized.

#[cfg(feature = "jq")]
mod costs;
#[cfg(feature = "jq")]
mod limits;
#[cfg_attr(feature = "jq", path = "jq.rs")]
#[cfg_attr(not(feature = "jq"), path = "disabled.rs")]
mod runner;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use runner::{RunningSteps, StepRunner};

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Step {
    /// Records for which the jq expression is true go on.
    Filter(#[schemars(extend("format" = "jq"))] String),
    /// Each record becomes what the jq expression makes of it: one record, several or none.
    Map(#[schemars(extend("format" = "jq"))] String),
}

impl Step {
    /// The expression.
    pub fn expression(&self) -> &str {
        match self {
            Self::Filter(expression) | Self::Map(expression) => expression,
        }
    }
}
