//! What a database tells of the values of a key: queries, and how their answers are read.

use windlass_core::{Error, Result};

use super::SplitRequest;
use super::bounds::Bound;
use crate::sources::sql::catalog::ColumnShape;
use crate::sources::sql::database::{Database, Dialect};
use crate::sources::sql::query::{quote, text_literal};
use crate::sources::sql::sql_type::SqlType;

/// Pages that PostgreSQL looks at: their rows tell where a key's quantiles are within a few percent.
const SAMPLED_PAGES: u64 = 400;

/// Rows that DuckDB looks at.
const SAMPLED_ROWS: u64 = 50_000;

/// Rows up to which MySQL and SQLite walk the whole index for exact quantiles, about a second for each ten million.
/// Beyond, integers are cut into equal widths.
const WALKED_ROWS: u64 = 50_000_000;

/// What is looked at, and for how many pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample<'a> {
    pub(super) dialect: Dialect,
    pub(super) request: SplitRequest<'a>,
    pub(super) key: &'a [&'a ColumnShape],
    pub(super) count: usize,
}

/// How a table of PostgreSQL lies on the disk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pages {
    pub(super) count: u64,
    /// Whether the server reads a range of pages without looking at the others.
    pub(super) has_ranges: bool,
    /// How far the rows lie in the order of the key's first column.
    pub(super) correlation: Option<f64>,
}

/// About how many rows a table has. Errors: no connection.
pub(super) async fn row_count(database: &dyn Database, request: SplitRequest<'_>) -> Result<u64> {
    let rows = database.ask(&row_count_query(database.dialect(), request)).await?;
    let first = rows.first().and_then(|row| row.first()).and_then(Option::as_deref);
    // A table that was never looked at has -1 rows, and a table of no engine none.
    Ok(first.and_then(|text| text.parse::<f64>().ok()).map_or(0, |rows| rows.max(0.0) as u64))
}

fn row_count_query(dialect: Dialect, request: SplitRequest<'_>) -> String {
    let name = request.select.from(dialect);
    let table = request.table;
    if table.is_view {
        return format!("SELECT count(*) FROM {name}");
    }
    match dialect {
        // Rows of each page as they were when the table was analyzed, times the pages of today.
        Dialect::Postgres => format!(
            "SELECT coalesce(sum(CASE WHEN c.reltuples >= 0 AND c.relpages > 0 THEN c.reltuples / c.relpages ELSE 50 END \
             * pg_relation_size(c.oid) / current_setting('block_size')::float8), 0)::text FROM pg_class c WHERE c.relkind \
             IN ('r', 'm') AND c.oid IN ({})",
            parts(&regclass(&name)),
        ),
        Dialect::MySql => format!(
            "SELECT table_rows FROM information_schema.tables WHERE table_name = {} AND table_schema = {}",
            text_literal(dialect, &table.name),
            table
                .schema
                .as_ref()
                .map_or_else(|| "database()".to_owned(), |schema| text_literal(dialect, schema)),
        ),
        // Both count without reading the rows: DuckDB from its row groups, SQLite by the leaves of the smallest index.
        Dialect::Sqlite | Dialect::DuckDb => format!("SELECT count(*) FROM {name}"),
    }
}

/// How a table of PostgreSQL lies on the disk; `None` for what has no rows of its own.
///
/// Errors: no connection.
pub(super) async fn pages(
    database: &dyn Database,
    request: SplitRequest<'_>,
    key: &[&ColumnShape],
) -> Result<Option<Pages>> {
    let rows = database.ask(&pages_query(request, key)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let cell = |index: usize| row.get(index).and_then(Option::as_deref);
    Ok(cell(0).and_then(|pages| pages.parse().ok()).map(|count| Pages {
        count,
        has_ranges: cell(1) == Some("true"),
        correlation: cell(2).and_then(|correlation| correlation.parse().ok()),
    }))
}

fn pages_query(request: SplitRequest<'_>, key: &[&ColumnShape]) -> String {
    let dialect = Dialect::Postgres;
    let column = key.first().map_or_else(|| "NULL".to_owned(), |column| text_literal(dialect, &column.name));
    let regclass = regclass(&request.select.from(dialect));
    format!(
        "SELECT ((SELECT sum(pg_relation_size(oid)) FROM ({parts}) AS part) / \
         current_setting('block_size')::int8)::int8::text, (current_setting('server_version_num')::int >= 140000 AND \
         c.relkind IN ('r', 'm'))::text, (SELECT s.correlation::text FROM pg_stats s JOIN pg_namespace n ON n.nspname = \
         s.schemaname WHERE n.oid = c.relnamespace AND s.tablename = c.relname AND s.attname = {column} LIMIT 1) FROM \
         pg_class c WHERE c.oid = {regclass} AND c.relkind IN ('r', 'm', 'p')",
        parts = parts(&regclass),
    )
}

/// The tables that hold the rows: the table itself, or its partitions.
fn parts(regclass: &str) -> String {
    format!("SELECT {regclass}::oid AS oid UNION SELECT relid::oid FROM pg_partition_tree({regclass})")
}

fn regclass(name: &str) -> String {
    format!("{}::regclass", text_literal(Dialect::Postgres, name))
}

/// The bounds of the pieces, ascending in the database's order; fewer where the table has not enough values.
///
/// Errors: no connection; conditions that the database does not understand.
pub(super) async fn bounds(database: &dyn Database, sample: &Sample<'_>) -> Result<Vec<Bound>> {
    let mut rows = 0;
    let mut share = 1.0;
    match sample.dialect {
        Dialect::Postgres if !sample.request.table.is_view && sample.request.select.conditions.is_empty() => {
            let pages = pages(database, sample.request, sample.key).await?;
            share = pages.map_or(1.0, |pages| SAMPLED_PAGES as f64 / pages.count.max(1) as f64).min(1.0);
        }
        Dialect::MySql | Dialect::Sqlite => {
            rows = row_count(database, sample.request).await?;
            if let ([column], true) = (sample.key, rows > WALKED_ROWS)
                && matches!(column.sql_type, SqlType::Int { .. })
            {
                let ends = database.ask(&ends_query(sample, column)).await?;
                return Ok(equal_widths(&ends, sample.count));
            }
        }
        Dialect::Postgres | Dialect::DuckDb => {}
    }
    if matches!(sample.dialect, Dialect::MySql | Dialect::Sqlite) {
        let counted = database.ask(&count_query(sample)).await?;
        rows = whole_number(&counted).unwrap_or(rows);
    }
    if rows < sample.count as u64 && matches!(sample.dialect, Dialect::MySql | Dialect::Sqlite) {
        return Ok(Vec::new());
    }
    let answer = database.ask(&quantiles_query(sample, rows, share)).await?;
    answer.into_iter().filter_map(|row| bound(sample, row).transpose()).collect()
}

fn whole_number(rows: &[Vec<Option<String>>]) -> Option<u64> {
    rows.first()?.first()?.as_deref()?.parse().ok()
}

fn filter(sample: &Sample<'_>) -> String {
    let names = sample.key.iter().filter(|column| column.is_nullable);
    let nulls = names.map(|column| format!("{} IS NOT NULL", quote(sample.dialect, &column.name)));
    let given = sample.request.select.conditions.iter().map(|condition| format!("({condition})"));
    let all: Vec<String> = given.chain(nulls).collect();
    if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) }
}

fn count_query(sample: &Sample<'_>) -> String {
    format!("SELECT count(*) FROM {}{}", sample.request.select.from(sample.dialect), filter(sample))
}

fn ends_query(sample: &Sample<'_>, column: &ColumnShape) -> String {
    let name = quote(sample.dialect, &column.name);
    format!("SELECT min({name}), max({name}) FROM {}", sample.request.select.from(sample.dialect))
}

/// The last row of each of the parts, but the last part's.
fn quantiles_query(sample: &Sample<'_>, rows: u64, share: f64) -> String {
    let Sample { dialect, count, .. } = *sample;
    let names: Vec<String> = sample.key.iter().map(|column| quote(dialect, &column.name)).collect();
    let columns = names.join(", ");
    let table = sample.request.select.from(dialect);
    let written: Vec<String> =
        names.iter().zip(sample.key).map(|(name, column)| written(dialect, name, column)).collect();
    let written = written.join(", ");
    let filter = filter(sample);
    if matches!(dialect, Dialect::MySql | Dialect::Sqlite) {
        // The number of rows is known, so that the index is walked once and nothing is kept.
        let step = (rows / count as u64).max(1);
        return format!(
            "SELECT {written} FROM (SELECT {columns}, row_number() OVER (ORDER BY {columns}) AS windlass_row FROM \
             {table}{filter}) AS ordered WHERE windlass_row % {step} = 0 ORDER BY windlass_row LIMIT {}",
            count.saturating_sub(1),
        );
    }
    let part = match dialect {
        Dialect::Postgres if share < 1.0 => {
            format!("{table} TABLESAMPLE SYSTEM ({:.6}) REPEATABLE (1){filter}", share * 100.0)
        }
        Dialect::DuckDb => {
            format!("(SELECT {columns} FROM {table}{filter}) AS part USING SAMPLE {SAMPLED_ROWS} ROWS")
        }
        _ => format!("{table}{filter}"),
    };
    format!(
        "SELECT {written} FROM (SELECT *, row_number() OVER (ORDER BY {columns}) AS windlass_row, count(*) OVER () AS \
         windlass_rows FROM (SELECT {columns} FROM {part}) AS sampled) AS ordered WHERE windlass_row * {count} % \
         windlass_rows < {count} AND windlass_row < windlass_rows ORDER BY windlass_row"
    )
}

/// A value as text that means exactly it.
fn written(dialect: Dialect, name: &str, column: &ColumnShape) -> String {
    match (dialect, column.sql_type) {
        // A value of SQLite has a type of its own, whatever the column's.
        (Dialect::Sqlite, _) => format!("quote({name})"),
        (Dialect::MySql, SqlType::Text { .. }) => format!("hex(convert({name} USING utf8mb4))"),
        (Dialect::MySql, _) => format!("CAST({name} AS CHAR)"),
        _ => format!("CAST({name} AS VARCHAR)"),
    }
}

/// The bound that a row of the answer is; `None` if it cannot be one.
///
/// Errors: an answer of another form.
fn bound(sample: &Sample<'_>, row: Vec<Option<String>>) -> Result<Option<Bound>> {
    if row.len() != sample.key.len() {
        return Err(Error::internal("the bounds of a table's pieces have other columns than its key"));
    }
    let values = row.into_iter().zip(sample.key);
    Ok(values.map(|(value, column)| literal(sample.dialect, value?, column.sql_type)).collect())
}

/// A value as SQL. `None` for one that the database itself does not take back: the zero dates of MySQL.
fn literal(dialect: Dialect, value: String, sql_type: SqlType) -> Option<String> {
    Some(match (dialect, sql_type) {
        (Dialect::Sqlite, _) => value,
        (Dialect::MySql, SqlType::Text { .. }) => format!("_utf8mb4 x'{value}'"),
        (Dialect::MySql, SqlType::Int { .. } | SqlType::Decimal { .. }) => value,
        (Dialect::MySql, _) if value.contains("-00") || value.starts_with("0000") => return None,
        // Without the type's name the value is read as the column's type.
        _ => text_literal(dialect, &value),
    })
}

/// Bounds that are equally far from each other.
fn equal_widths(ends: &[Vec<Option<String>>], count: usize) -> Vec<Bound> {
    let number = |index: usize| ends.first()?.get(index)?.as_deref()?.parse::<i128>().ok();
    let (Some(first), Some(last)) = (number(0), number(1)) else { return Vec::new() };
    let count = count as i128;
    // Each width is empty or not, and nobody knows how full: many thin ones even that out.
    let count = (count * 4).min(last - first + 1);
    (1..count).map(|index| vec![(first + (last - first + 1) * index / count).to_string()]).collect()
}
