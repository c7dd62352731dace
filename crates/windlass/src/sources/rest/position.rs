//! Where a chain of pages can go on.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_core::{Error, Result};

use super::paginate::PaginatorConfig;

/// A place between two records of a chain of pages.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Position {
    /// The next page, as its paginator names it; none is the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Value>,
    /// Whether there is nothing more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) end: bool,
    /// Records of the next page that were given out already.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) skip: u64,
    /// The paginator that was found on the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) paginator: Option<PaginatorConfig>,
    /// The selector that was found on the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) selector: Option<String>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Position {
    pub(super) fn parse(value: &Value) -> Result<Self> {
        Self::deserialize(value).map_err(|cause| {
            Error::data("the position to go on from is not one of a chain of pages")
                .with_source(cause)
                .with_hint("it was written by another version: run with `--refresh drop_data`, or drop the pending package")
        })
    }

    pub(super) fn to_value(&self) -> Option<Value> {
        serde_json::to_value(self).ok()
    }
}
