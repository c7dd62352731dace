//! What differs between databases when rows are merged.

use crate::sql::Dialect;

impl Dialect {
    /// A table that is gone with the connection, in quotes.
    pub(super) fn temporary_table(self, name: &str) -> String {
        match self {
            Self::DuckDb | Self::Sqlite => format!("temp.{}", self.quote(name)),
            Self::Postgres => format!("pg_temp.{}", self.quote(name)),
        }
    }

    /// The hidden column that tells apart the rows of a table and follows the order in which they came.
    pub(super) fn row_place(self) -> &'static str {
        match self {
            Self::DuckDb | Self::Sqlite => "rowid",
            Self::Postgres => "ctid",
        }
    }
}
