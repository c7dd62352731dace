//! Pieces of a table that are read at the same time.
//!
//! ```text
//!  TableShape ──key──> sample ──> bounds, as the database writes them ──> conditions: c < b1 │ b1 <= c < b2 │ b2 <= c │ c IS NULL
//! ```
//!
//! The bounds are values of the table in the database's own order, and the first and the last piece have none outside:
//! whatever is written meanwhile, each row that is there belongs to exactly one piece.

mod bounds;
mod sample;

use serde::{Deserialize, Serialize};
use windlass_core::{Error, Result};

use self::bounds::{Bound, conditions};
use self::sample::Sample;
use super::catalog::{ColumnShape, TableShape};
use super::database::{Database, Dialect};
use super::query::{Select, quote};
use super::sql_type::SqlType;

/// A part of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// What names it in logs and errors.
    pub name: String,
    /// Which rows belong to it, as a condition in SQL; `None` for all.
    pub condition: Option<String>,
}

/// How a table is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The pieces: disjoint, and together the table.
    pub pieces: Vec<Piece>,
    /// Whether pieces that are read stay read when others are read at a later moment. Places of rows do not: a row
    /// that is changed meanwhile gets another place.
    pub is_lasting: bool,
}

/// What is asked of a split.
#[derive(Clone, Copy, Debug)]
pub struct SplitRequest<'a> {
    /// The table, or the query that is read as one.
    pub table: &'a TableShape,
    /// What is selected of it; only what it is read from and its conditions count.
    pub select: &'a Select,
    /// The column to cut by; the primary key or the place of the rows if nobody says.
    pub column: Option<&'a str>,
    /// Readers that work at the same time.
    pub readers: usize,
    /// Whether it is an error if nothing cuts the table.
    pub must: bool,
}

/// Pieces for each reader, so that one that has got a thin piece takes another.
const PIECES_PER_READER: usize = 4;

/// Part of the order of a column that must be the order of the rows on the disk for pieces by it to be read quickly:
/// the correlation that PostgreSQL keeps. Below, each piece jumps over the whole table.
const ENOUGH_CORRELATION: f64 = 0.8;

impl Split {
    /// The table as it is.
    pub fn whole() -> Self {
        Self { pieces: vec![Piece { name: "all".to_owned(), condition: None }], is_lasting: true }
    }
}

impl SplitRequest<'_> {
    /// About how many rows the table has. Errors: no connection.
    pub async fn row_count(self, database: &dyn Database) -> Result<u64> {
        sample::row_count(database, self).await
    }
}

/// Cuts a table into pieces, some for each reader; one for a single reader, and where nothing cuts the table and nobody
/// insists.
///
/// Errors: no connection; a column that the table does not have or that cannot be cut by; nothing cuts the table.
pub async fn split(database: &dyn Database, request: SplitRequest<'_>) -> Result<Split> {
    let dialect = database.dialect();
    if request.readers <= 1 {
        return Ok(Split::whole());
    }
    let count = request.readers * PIECES_PER_READER;
    let key = key(request.table, request.column)?;
    if let Some(split) = places(database, request, &key, count).await? {
        return Ok(split);
    }
    if key.is_empty() {
        return if request.must { Err(no_key(request.table)) } else { Ok(Split::whole()) };
    }
    let sample = Sample { dialect, request, key: &key, count };
    let bounds = sample::bounds(database, &sample).await?;
    Ok(Split { pieces: by_key(dialect, &key, &bounds), is_lasting: true })
}

/// The pieces between bounds of a key, the rows without a value last.
fn by_key(dialect: Dialect, key: &[&ColumnShape], bounds: &[Bound]) -> Vec<Piece> {
    let names: Vec<&str> = key.iter().map(|column| column.name.as_str()).collect();
    let nullable = key.first().is_some_and(|column| column.is_nullable).then(|| names[0]);
    let mut ranges = conditions(dialect, &names, bounds);
    if ranges.is_empty() {
        return Split::whole().pieces;
    }
    ranges.extend(nullable.map(|name| format!("{} IS NULL", quote(dialect, name))));
    let count = ranges.len();
    let named = ranges.into_iter().enumerate().map(|(index, condition)| Piece {
        name: format!("part {} of {count}", index + 1),
        condition: Some(condition),
    });
    named.collect()
}

/// Pieces by the place of the rows on the disk, where PostgreSQL has no better: it reads them without any index.
async fn places(
    database: &dyn Database,
    request: SplitRequest<'_>,
    key: &[&ColumnShape],
    count: usize,
) -> Result<Option<Split>> {
    if database.dialect() != Dialect::Postgres || request.column.is_some() || request.table.is_view {
        return Ok(None);
    }
    let Some(pages) = sample::pages(database, request, key).await? else { return Ok(None) };
    let is_in_order = pages.correlation.is_some_and(|correlation| correlation.abs() >= ENOUGH_CORRELATION);
    if is_in_order || !pages.has_ranges {
        return Ok(None);
    }
    Ok(Some(Split { pieces: bounds::places(pages.count, count), is_lasting: false }))
}

/// The columns to cut by. Errors: there is no such column, or its values have no order that can be written down.
fn key<'a>(table: &'a TableShape, column: Option<&str>) -> Result<Vec<&'a ColumnShape>> {
    let find = |name: &str| table.columns.iter().find(|column| column.name == name);
    if let Some(name) = column {
        let Some(column) = find(name) else { return Err(no_column(table, name)) };
        if !can_be_cut(column.sql_type) {
            return Err(Error::config(format!(
                "table `{}` cannot be cut into pieces by `{name}`, which is {}",
                table.name, column.declared
            ))
            .with_hint(
                "give `partition_on` a column of integers, decimals, dates, times with dates, texts or UUIDs",
            ));
        }
        return Ok(vec![column]);
    }
    let columns: Vec<&ColumnShape> = table.primary_key.iter().map_while(|name| find(name)).collect();
    let usable = columns.iter().take_while(|column| can_be_cut(column.sql_type)).count();
    // Rows are compared by all columns only where none of them can be missing.
    let has_nulls = columns.iter().any(|column| column.is_nullable);
    Ok(columns.into_iter().take(if has_nulls { usable.min(1) } else { usable }).collect())
}

/// Whether a column's values have an order, and a text that means exactly one of them.
fn can_be_cut(sql_type: SqlType) -> bool {
    matches!(
        sql_type,
        SqlType::Int { .. }
            | SqlType::Decimal { .. }
            | SqlType::Text { .. }
            | SqlType::Date
            | SqlType::Timestamp { .. }
            | SqlType::Uuid
    )
}

fn no_column(table: &TableShape, name: &str) -> Error {
    let names = table.columns.iter().map(|column| column.name.as_str());
    let nearest = names.min_by_key(|known| strsim::damerau_levenshtein(known, name));
    let hint = match nearest {
        Some(nearest) => {
            format!("did you mean `{nearest}`? `partition_on` names a column as the database does")
        }
        None => "`partition_on` names a column as the database does".to_owned(),
    };
    Error::config(format!("table `{}` has no column `{name}` to be cut into pieces by", table.name))
        .with_hint(hint)
}

fn no_key(table: &TableShape) -> Error {
    Error::config(format!(
        "table `{}` cannot be read in partitions: it has no primary key that cuts it",
        table.name
    ))
    .with_hint("name a column with `partition_on`, best one with an index, or leave `partitions` out")
}

#[cfg(test)]
mod tests;
