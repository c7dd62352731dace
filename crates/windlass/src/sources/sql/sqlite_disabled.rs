//! SQLite as a source in a binary that was built without it.

use std::sync::Arc;

use windlass_core::{Error, Result};

use super::address::Address;
use super::database::Database;
use super::open::OpenOptions;

/// Errors: always.
pub(super) fn open(_: &Address, _: &OpenOptions) -> Result<Arc<dyn Database>> {
    Err(Error::unsupported("this windlass was built without feature \"sqlite\"")
        .with_hint("build it with `--features sqlite`"))
}
