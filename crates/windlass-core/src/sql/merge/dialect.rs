//! What differs between databases when rows are merged.

use crate::sql::Dialect;

impl Dialect {
    /// A table that is gone with the connection, in quotes.
    pub(super) fn temporary_table(self, name: &str) -> String {
        match self {
            Self::DuckDb => format!("temp.{}", self.quote(name)),
        }
    }

    /// The hidden column that tells apart the rows of a table and follows the order in which they came.
    pub(super) fn row_place(self) -> &'static str {
        match self {
            Self::DuckDb => "rowid",
        }
    }

    /// What puts nulls behind the values in a descending or ascending order.
    pub(super) fn nulls_last(self) -> &'static str {
        match self {
            Self::DuckDb => " NULLS LAST",
        }
    }

    /// Whether a literal of an instant has an offset.
    pub(super) fn writes_offsets(self) -> bool {
        match self {
            Self::DuckDb => true,
        }
    }
}
