//! Sending in a binary that was built without it.

use serde_json::Value;
use windlass_core::{Code, Error, Result};

use crate::config::Secret;

fn unsupported(key: &str) -> Error {
    Error::of(Code::FeatureMissing, format!("`{key}`: this binary cannot send messages"))
        .with_hint("build windlass with the feature `http`")
}

pub(super) fn check(key: &str, _url: &Secret) -> Result<()> {
    Err(unsupported(key))
}

pub(super) async fn send(_url: &Secret, _body: &Value) -> Result<()> {
    Err(unsupported("webhook"))
}
