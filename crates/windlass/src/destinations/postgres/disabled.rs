//! Postgres in a binary that was built without it.

use windlass_core::Error;

use super::DestinationEntry;

pub(super) const ENTRY: DestinationEntry = DestinationEntry {
    name: "postgres",
    short: "PostgreSQL (not in this binary)",
    missing: Some("built without feature \"postgres\""),
    needed: Some("credentials"),
    example: "\
type: postgres
credentials: ${POSTGRES_URL}   # postgresql://user:password@host/database
",
    schema: |_| schemars::Schema::from(true),
    build: |_, _| {
        Err(Error::unsupported("this windlass was built without feature \"postgres\"")
            .with_hint("build it with `--features postgres`"))
    },
    sqlalchemy: None,
};
