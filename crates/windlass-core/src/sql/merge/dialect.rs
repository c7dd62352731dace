//! What differs between databases when rows are merged.

use crate::normalize::RECORD_COLUMN;
use crate::schema::Column;
use crate::sql::Dialect;
use crate::value::DataType;

impl Dialect {
    /// A table that is gone with the connection, in quotes.
    pub(super) fn temporary_table(self, name: &str) -> String {
        match self {
            Self::DuckDb | Self::Sqlite => format!("temp.{}", self.quote(name)),
            Self::Postgres => format!("pg_temp.{}", self.quote(name)),
        }
    }

    /// Where new rows are staged for the length of a load: tables that need no log, no index and no compression.
    ///
    /// `None` where such tables cost what others do; then the tables of the staging dataset take the rows.
    pub fn temporary_dataset(self) -> Option<&'static str> {
        match self {
            Self::DuckDb => Some("temp"),
            Self::Postgres => Some("pg_temp"),
            Self::Sqlite => None,
        }
    }

    /// Creates the temporary table that takes the rows for one of the staging dataset; nothing where those take them.
    /// `has_records`: with the column that numbers records.
    pub fn stage_table(self, staging: &str, table: &str, has_records: bool) -> Option<String> {
        let (temporary, model) =
            (self.qualify(self.temporary_dataset()?, table), self.qualify(staging, table));
        let record = self.quote(RECORD_COLUMN);
        Some(match self {
            Self::DuckDb | Self::Sqlite => {
                let record =
                    if has_records { format!(", CAST(NULL AS BIGINT) AS {record}") } else { String::new() };
                format!("CREATE TEMPORARY TABLE {temporary} AS SELECT *{record} FROM {model} LIMIT 0")
            }
            Self::Postgres => {
                let record = if has_records { format!(", {record} bigint") } else { String::new() };
                format!("CREATE TEMPORARY TABLE {temporary} (LIKE {model}{record}) ON COMMIT DROP")
            }
        })
    }

    /// A column in an order: texts byte by byte, as cursors are compared.
    pub(super) fn in_byte_order(self, column: &Column) -> String {
        let name = self.quote(&column.name);
        match (self, column.data_type) {
            (Self::Postgres, Some(DataType::Text)) => format!("{name} COLLATE \"C\""),
            _ => name,
        }
    }

    /// An expression that sorts the values of a column among those that went to its variants: numbers by their size, texts
    /// behind all moments, or before them where they begin with a minus.
    pub(super) fn across_variants(self, column: &Column, variants: &[&Column]) -> String {
        if is_number(column) {
            let double = if self == Self::Postgres { "double precision" } else { "DOUBLE" };
            let numbers = std::iter::once(&column).chain(variants).filter(|column| is_number(column));
            let numbers = numbers.map(|column| format!("CAST({} AS {double})", self.quote(&column.name)));
            let numbers: Vec<String> = numbers.collect();
            return if numbers.len() == 1 {
                numbers.concat()
            } else {
                format!("COALESCE({})", numbers.join(", "))
            };
        }
        let ranks = variants.iter().map(|variant| {
            let name = self.quote(&variant.name);
            match variant.data_type {
                Some(DataType::Text) => {
                    format!(" WHEN {name} LIKE '-%' THEN -1 WHEN {name} IS NOT NULL THEN 1")
                }
                _ => format!(" WHEN {name} IS NOT NULL THEN 0"),
            }
        });
        format!("CASE WHEN {} IS NOT NULL THEN 0{} END", self.quote(&column.name), ranks.collect::<String>())
    }

    /// Lets the planner know what a staged table holds, where it does not look for itself.
    pub fn analyze_staged(self, table: &str) -> Option<String> {
        match self {
            Self::DuckDb | Self::Sqlite => None,
            Self::Postgres => Some(format!("ANALYZE {}", self.qualify(self.temporary_dataset()?, table))),
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

fn is_number(column: &Column) -> bool {
    use DataType::{Bigint, Decimal, Double, Wei};
    matches!(column.data_type, Some(Bigint | Decimal | Double | Wei))
}
