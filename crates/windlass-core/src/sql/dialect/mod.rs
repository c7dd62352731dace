//! What differs between SQL databases: how text is written ([`Dialect`]) and what can be relied on ([`Facts`]).
//!
//! A database is a file here. Sources and destinations ask the same dialect, so that a name or a text is written one
//! way only.

mod duckdb;
mod facts;
mod mysql;
mod postgres;
mod sqlite;

use std::fmt;

pub use self::duckdb::DUCKDB;
pub use self::facts::{Backslash, Clock, Facts, Nul, RowAddress};
pub use self::mysql::MYSQL;
pub use self::postgres::POSTGRES;
pub use self::sqlite::SQLITE;
use crate::error::{Error, Result};
use crate::normalize::{RECORD_COLUMN, TypeDefaults, decimal_size, with_held_digits};
use crate::schema::Column;
use crate::value::{DataType, Timestamp, format_timestamp};

/// How SQL is written for one database. Pure text; nothing here executes.
///
/// # Contract
/// What is written means the same to every server of the database, whatever its settings are: a literal is read as the
/// text that it was made of, a quoted name as the name.
pub trait Dialect: fmt::Debug + Send + Sync {
    /// What can be relied on.
    fn facts(&self) -> &'static Facts;

    /// The type of a complete column in DDL. Errors: a precision that the database does not have.
    fn type_of(&self, column: &Column, data_type: DataType, defaults: &TypeDefaults) -> Result<String>;

    /// The name as an identifier in quotes.
    fn quote(&self, name: &str) -> String {
        let quote = self.facts().identifier_quote;
        format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}")))
    }

    /// The table in its dataset, in quotes.
    fn qualify(&self, dataset: &str, table: &str) -> String {
        format!("{}.{}", self.quote(dataset), self.quote(table))
    }

    /// The text as a literal, or as an expression of literals where it has a NUL.
    fn literal(&self, text: &str) -> String {
        let facts = self.facts();
        let quoted = |text: &str| {
            let text = text.replace('\'', "''");
            match facts.backslash {
                Backslash::Plain => format!("'{text}'"),
                Backslash::Prefixed if !text.contains('\\') => format!("'{text}'"),
                Backslash::Prefixed => format!("E'{}'", text.replace('\\', "\\\\")),
                Backslash::Escape => format!("'{}'", text.replace('\\', "\\\\")),
            }
        };
        if !text.contains('\0') {
            return quoted(text);
        }
        match facts.nul {
            Nul::LeftOut => quoted(&text.replace('\0', "")),
            Nul::Escaped(escape) => quoted(text).replace('\0', escape),
            Nul::Expression(nul) => {
                let pieces: Vec<String> = text.split('\0').map(quoted).collect();
                format!("({})", pieces.join(&format!(" || {nul} || ")))
            }
        }
    }

    /// The time in microseconds since the epoch as a literal.
    fn timestamp_literal(&self, micros: i64) -> String {
        let mut text = String::new();
        let offset = self.facts().has_time_zones.then_some(0);
        format_timestamp(&mut text, Timestamp { micros, offset }, ' ');
        self.literal(&text)
    }

    /// The statement that creates a dataset, where datasets are created by statements.
    fn create_dataset(&self, dataset: &str) -> Option<String> {
        Some(format!("CREATE SCHEMA IF NOT EXISTS {}", self.quote(dataset)))
    }

    /// What follows on the columns in `CREATE TABLE`, with a blank before it.
    fn table_options(&self) -> &'static str {
        ""
    }

    /// The statement that removes all rows of a table and can be undone by a rollback.
    fn empty_table(&self, dataset: &str, table: &str) -> String {
        format!("DELETE FROM {}", self.qualify(dataset, table))
    }

    /// The statements by which a column of `table`, which is quoted, stops refusing nulls. `definition` is the column's
    /// as it shall be.
    fn allow_nulls(&self, table: &str, column: &Column, _definition: &str) -> Vec<String> {
        vec![format!("ALTER TABLE {table} ALTER COLUMN {} DROP NOT NULL", self.quote(&column.name))]
    }

    /// A table that is gone with the connection, in quotes. `dataset` is that of the stored rows.
    fn temporary_table(&self, _dataset: &str, name: &str) -> String {
        match self.facts().temporary_dataset {
            Some(temporary) => format!("{temporary}.{}", self.quote(name)),
            None => self.quote(name),
        }
    }

    /// A column as part of an index over `of` columns, quoted.
    fn index_part(&self, column: &Column, _of: usize) -> String {
        self.quote(&column.name)
    }

    /// Creates a [`Dialect::temporary_table`] of the rows of a query. `key` is the [`Dialect::index_part`] that others are
    /// compared with.
    fn create_temporary(&self, table: &str, _key: &str, select: &str) -> String {
        format!("CREATE TEMPORARY TABLE {table} AS {select}")
    }

    /// Drops a [`Dialect::temporary_table`].
    fn drop_temporary(&self, table: &str) -> String {
        format!("DROP TABLE {table}")
    }

    /// Creates the temporary table that takes the rows for one of the staging dataset, which is its model; nothing where
    /// those take them. `has_records`: with the column that numbers records.
    fn stage_table(&self, _staging: &str, _table: &str, _has_records: bool) -> Option<String> {
        None
    }

    /// Lets the planner know what a staged table holds, where it does not look for itself.
    fn analyze_staged(&self, _table: &str) -> Option<String> {
        None
    }

    /// The statements that put the staging table of a table in its place, and an empty one of the same kind in place of
    /// that, where a database [moves tables](Facts::moves_tables); none elsewhere.
    ///
    /// What depends on the old table, such as views and grants, is lost or keeps it from being dropped, as in the
    /// reference.
    fn replace_by_staging(&self, _dataset: &str, _staging: &str, _table: &str) -> Vec<String> {
        Vec::new()
    }

    /// A column in an order: texts byte by byte, as cursors are compared.
    fn in_byte_order(&self, column: &Column) -> String {
        self.quote(&column.name)
    }

    /// What sorts by an expression, rows without a value behind all others.
    fn nulls_last(&self, expression: &str, direction: &str) -> String {
        format!("{expression} {direction} NULLS LAST")
    }

    /// Whether two expressions differ, where two nulls do not.
    fn is_distinct(&self, left: &str, right: &str) -> String {
        format!("{left} IS DISTINCT FROM {right}")
    }

    /// Inserts a row unless its key is there. `table` is quoted, `values` are expressions with commas between them.
    fn insert_missing(&self, table: &str, values: &str) -> String {
        format!("INSERT INTO {table} VALUES ({values}) ON CONFLICT DO NOTHING")
    }

    /// Sets columns (name and expression, quoted) of rows of `table`, called `d`, from rows of `from`, called `s`.
    fn update_from(&self, table: &str, set: &[(String, String)], from: &str, condition: &str) -> String {
        let set: Vec<String> = set.iter().map(|(column, value)| format!("{column} = {value}")).collect();
        format!("UPDATE {table} AS d SET {} FROM {from} AS s WHERE {condition}", set.join(", "))
    }

    /// The type of a complete column in DDL. Errors: a precision that the database does not have.
    fn column_type(&self, column: &Column, defaults: &TypeDefaults) -> Result<String> {
        let column = &*with_held_digits(column, defaults);
        self.type_of(column, column.data_type.unwrap_or(DataType::Text), defaults)
    }

    /// The column with type and constraints in DDL.
    ///
    /// Errors: a column without a type, or with one that the database does not have.
    fn column_definition(&self, column: &Column, defaults: &TypeDefaults) -> Result<String> {
        if !column.is_complete() {
            return Err(
                Error::internal("a column without a type reached the destination").at_column(&column.name)
            );
        }
        let mut text = format!("{} {}", self.quote(&column.name), self.column_type(column, defaults)?);
        if defaults.unique_constraints && column.has("unique") {
            text.push_str(" UNIQUE");
        }
        if !column.is_nullable() {
            text.push_str(" NOT NULL");
        }
        Ok(text)
    }
}

/// `, CAST(NULL AS BIGINT) AS "_windlass_record"` where a copy of a table shall number records.
fn record_of_copy(dialect: &dyn Dialect, has_records: bool) -> String {
    let record = dialect.quote(RECORD_COLUMN);
    if has_records { format!(", CAST(NULL AS BIGINT) AS {record}") } else { String::new() }
}

/// Precision and scale default each by itself, as in the reference.
fn decimal_digits(column: &Column, (precision, scale): (u8, i8)) -> (i64, i64) {
    let precision = column.precision.unwrap_or(i64::from(precision));
    match column.scale {
        Some(scale) => decimal_size(precision, scale),
        None => (precision, i64::from(scale).min(precision)),
    }
}

/// The type of whole numbers in the fewest bytes. Errors: more than 64 bits.
fn whole_number(database: &str, column: &Column, names: [&str; 3]) -> Result<String> {
    let [small, middle, large] = names;
    match column.precision.unwrap_or(64) {
        ..=16 => Ok(small.to_owned()),
        17..=32 => Ok(middle.to_owned()),
        33..=64 => Ok(large.to_owned()),
        _ => {
            let hint = "use the type decimal, or a precision of at most 64";
            Err(not_in(database, "integers of more than 64 bits", column, hint))
        }
    }
}

fn not_in(database: &str, what: &str, column: &Column, hint: &str) -> Error {
    Error::config(format!("{database} has no {what}")).at_column(&column.name).with_hint(hint.to_owned())
}

#[cfg(test)]
mod tests;
