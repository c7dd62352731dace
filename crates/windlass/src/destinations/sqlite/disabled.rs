//! SQLite in a binary that was built without it.

use windlass_core::Error;

use super::DestinationEntry;

pub(super) const ENTRY: DestinationEntry = DestinationEntry {
    name: "sqlite",
    short: "SQLite, one file for each dataset (not in this binary)",
    missing: Some("built without feature \"sqlite\""),
    needed: None,
    example: "\
type: sqlite
credentials: ./{pipeline}.db   # the database file, relative to this file
",
    schema: |_| schemars::Schema::from(true),
    build: |_, _| {
        Err(Error::unsupported("this windlass was built without feature \"sqlite\"")
            .with_hint("build it with `--features sqlite`"))
    },
    sqlalchemy: None,
};
