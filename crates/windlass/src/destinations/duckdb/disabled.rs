//! DuckDB in a binary that was built without it.

use windlass_core::Error;

use super::DestinationEntry;

pub(super) const ENTRY: DestinationEntry = DestinationEntry {
    name: "duckdb",
    short: "DuckDB, one database file (not in this binary)",
    example: "type: duckdb\n",
    missing: Some("built without feature \"duckdb\""),
    needed: None,
    schema: |_| schemars::Schema::from(true),
    build: |_, _| {
        Err(Error::unsupported("this windlass was built without feature \"duckdb\"")
            .with_hint("build it with `--features duckdb`"))
    },
    sqlalchemy: None,
};
