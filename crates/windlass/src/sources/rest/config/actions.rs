//! What is done with answers that are not what was hoped for.

use schemars::JsonSchema;
use serde::Deserialize;
use windlass_core::Result;

use crate::config::unknown_name;
use crate::sources::rest::pages::{Action, ResponseAction};

/// What is done with an answer that matches.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResponseActionOptions {
    /// The status that it is for.
    #[serde(default)]
    pub status_code: Option<i64>,
    /// A piece of text that the body must contain.
    #[serde(default)]
    pub content: Option<String>,
    /// `ignore` ends the pages of this endpoint, or of this parent's record, quietly.
    pub action: String,
}

impl ResponseActionOptions {
    /// What is done with the answers. Errors: an action that does not exist.
    pub(crate) fn build(self) -> Result<ResponseAction> {
        if self.action != "ignore" {
            return Err(unknown_name("response action", &self.action, ["ignore"]));
        }
        Ok(ResponseAction { status_code: self.status_code, content: self.content, action: Action::Ignore })
    }
}
