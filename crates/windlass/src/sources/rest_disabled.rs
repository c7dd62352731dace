//! REST APIs in a binary without them.

use serde::Deserialize;
use windlass_core::Error;

use super::SourceEntry;
use crate::config::schema_of;

const MISSING: &str = "this windlass was built without feature \"http\", which rest_api needs";

pub(super) const ENTRY: SourceEntry = SourceEntry {
    name: "rest_api",
    short: "REST APIs: pages, dependent resources, incremental loading",
    example: "type: rest_api\n",
    missing: Some(MISSING),
    has_exchanges: true,
    needed: None,
    options: schema_of::<Options>,
    resource: schema_of::<Options>,
    forms: None,
    build: |_| Err(Error::unsupported(MISSING)),
};

/// Nothing that could be said to what is not there.
#[derive(Deserialize, schemars::JsonSchema)]
struct Options {}
