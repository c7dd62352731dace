//! MySQL in a binary that was built without it.

use windlass_core::Error;

use super::DestinationEntry;

pub(super) const ENTRY: DestinationEntry = DestinationEntry {
    name: "mysql",
    short: "MySQL and MariaDB (not in this binary)",
    missing: Some("built without feature \"mysql\""),
    needed: Some("credentials"),
    example: "\
type: mysql
credentials: ${MYSQL_URL}   # mysql://user:password@host:3306/database
",
    schema: |_| schemars::Schema::from(true),
    build: |_, _| {
        Err(Error::unsupported("this windlass was built without feature \"mysql\"")
            .with_hint("build it with `--features mysql`"))
    },
    sqlalchemy: None,
};
