//! `windlass discover` in a binary without it.

use windlass::core::{Code, Error, Result};

use crate::args::DiscoverArgs;
use crate::output::{Exit, Output};

#[allow(clippy::unused_async, reason = "the twin that does something has to wait")]
pub(super) async fn run(_: &DiscoverArgs, _: &Output) -> Result<Exit> {
    Err(Error::of(
        Code::FeatureMissing,
        "this windlass was built without feature \"http\", which discover needs",
    ))
}
