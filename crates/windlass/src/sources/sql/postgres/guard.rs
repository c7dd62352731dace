//! Which rows can no longer be overtaken: see the documentation of the module above.

use windlass_core::{Error, Result};

use super::super::catalog::{ColumnShape, TableShape};
use super::super::database::Dialect;
use super::super::query::quote;
use super::super::sql_type::SqlType;
use super::client::Client;

/// The oldest transaction that runs, as the 32-bit number that rows carry, and the start of the oldest one that the user
/// may see, also of those that have no number yet.
const OLDEST: &str = "SELECT (pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::text::numeric % 4294967296)\
                      ::text, (SELECT min(a.xact_start)::text FROM pg_catalog.pg_stat_activity a \
                      WHERE a.datname = pg_catalog.current_database() AND a.pid <> pg_catalog.pg_backend_pid())";

/// The conditions that leave rows out which a running transaction may still overtake.
///
/// Errors: a view, whose rows have no transaction; no connection.
pub(super) async fn conditions(
    client: &Client,
    table: &TableShape,
    cursor: &ColumnShape,
) -> Result<Vec<String>> {
    if table.is_view {
        return Err(Error::config(
            "`guard: snapshot` needs a table: rows of views and queries do not say which \
                                  transaction wrote them",
        )
        .with_hint("read the table itself, or use `lag` and merge the rows that are loaded again")
        .at_table(&table.name));
    }
    let rows = client.texts(OLDEST).await?;
    let mut values = rows.into_iter().next().unwrap_or_default().into_iter();
    let (oldest, started) = (values.next().flatten(), values.next().flatten());
    let oldest = oldest.ok_or_else(|| {
        Error::source_failed(format!("{} does not tell its oldest transaction", client.location))
            .with_hint("`guard: snapshot` needs version 13 or later")
    })?;
    Ok(written(&oldest, started.as_deref(), cursor))
}

fn written(oldest: &str, started: Option<&str>, cursor: &ColumnShape) -> Vec<String> {
    // Rows that were frozen long ago may carry numbers that have come round since: their age is negative.
    let mut conditions =
        vec![format!("pg_catalog.age(xmin) NOT BETWEEN 0 AND pg_catalog.age('{oldest}'::pg_catalog.xid)")];
    if let (SqlType::Timestamp { has_zone, .. }, Some(started)) = (cursor.sql_type, started) {
        let name = quote(Dialect::Postgres, &cursor.name);
        let kind = if has_zone { "TIMESTAMP WITH TIME ZONE" } else { "TIMESTAMP" };
        // The zone of a moment without one is the writers' business; UTC is how windlass reads it.
        conditions.push(format!("({name} < {kind} '{started}' OR {name} IS NULL)"));
    }
    conditions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_end_before_the_oldest_transaction_began() {
        let cursor = |sql_type| ColumnShape {
            name: "at".to_owned(),
            is_nullable: false,
            sql_type,
            declared: String::new(),
        };
        let zoned = cursor(SqlType::Timestamp { has_zone: true, digits: 6 });
        assert_eq!(
            written("42", Some("2024-01-01 00:00:00+00"), &zoned),
            [
                "pg_catalog.age(xmin) NOT BETWEEN 0 AND pg_catalog.age('42'::pg_catalog.xid)",
                "(\"at\" < TIMESTAMP WITH TIME ZONE '2024-01-01 00:00:00+00' OR \"at\" IS NULL)",
            ]
        );
        let number = cursor(SqlType::Int { bits: 64, is_unsigned: false });
        assert_eq!(written("42", Some("2024-01-01 00:00:00+00"), &number).len(), 1);
    }
}
