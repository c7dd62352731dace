//! SQL databases as sources: rows go from the wire into columns, and nothing is inferred value by value.
//!
//! ```text
//!  URL ──address──> Database ──catalog──> TableShape ──table──> PlannedTable ──> hints
//!                      │                                             │
//!                      └──── read(SELECT) <── reader <── query: range of the cursor, order, limit, piece
//!                               │
//!                           RecordBatch per chunk
//! ```
//!
//! [`Database`] is the seam: what a kind of database can do. All the rest is the same for all of them.

mod address;
mod catalog;
mod database;
mod sql_type;

mod query;
mod stored_form;

mod config;
mod table;

mod cursor;
mod key;
mod reader;
mod snapshot;
mod split;

mod connections;
mod parallel;
mod partitions;
mod source;

#[cfg_attr(feature = "duckdb", path = "duckdb/mod.rs")]
#[cfg_attr(not(feature = "duckdb"), path = "duckdb_disabled.rs")]
mod duckdb;
#[cfg_attr(feature = "mysql", path = "mysql/mod.rs")]
#[cfg_attr(not(feature = "mysql"), path = "mysql_disabled.rs")]
mod mysql;
mod open;
#[cfg_attr(feature = "postgres", path = "postgres/mod.rs")]
#[cfg_attr(not(feature = "postgres"), path = "postgres_disabled.rs")]
mod postgres;
#[cfg_attr(feature = "sqlite", path = "sqlite/mod.rs")]
#[cfg_attr(not(feature = "sqlite"), path = "sqlite_disabled.rs")]
mod sqlite;

pub use address::{Address, SqlCredentials, SqlParts};
pub use catalog::{ColumnShape, ForeignKey, Relation, TableShape};
pub use config::{Backend, InvalidValues, SqlOptions, SqlResourceOptions, TableOptions, Unpack};
pub use cursor::add_range;
pub use database::{BATCH_BYTES, Database, Dialect, Rows, Snapshot};
#[cfg(feature = "mysql")]
pub(crate) use mysql::MySql as MySqlReader;
pub use open::{OpenOptions, open};
pub use query::{Direction, Select, SelectedColumn, bare, cursor_direction, literal, quote};
pub use reader::annotated;
pub use reader::{TableRead, TableReader};
pub use snapshot::SharedSnapshot;
pub use source::SqlSource;
pub use split::{Piece, Split, SplitRequest, split};
pub use sql_type::{ReflectionLevel, SqlType};
pub use table::PlannedTable;

use super::SourceEntry;
use crate::config::schema_of;

pub(super) const ENTRY: SourceEntry = SourceEntry {
    name: "sql_database",
    short: "tables and queries of PostgreSQL, MySQL, MariaDB, SQLite and DuckDB",
    example: EXAMPLE,
    missing: None,
    has_exchanges: false,
    needed: Some("credentials"),
    options: schema_of::<SqlOptions>,
    resource: schema_of::<SqlResourceOptions>,
    forms: Some(config::FORMS),
    build: |parts| Ok(Box::new(SqlSource::new(parts)?)),
};

const EXAMPLE: &str = "\
type: sql_database
credentials: \"${DATABASE_URL}\"     # postgresql://user:password@host/database, mysql://..., sqlite:///file, duckdb:///file;
                                   # or leave it out and set sources.sql_database.credentials in .windlass/secrets.toml
# schema: public
# chunk_size: 50000                # rows of a batch
# reflection_level: full           # minimal | full | full_with_precision
# resolve_foreign_keys: true       # foreign keys become references of the schema
tables:                            # leave it out to read all tables; patterns such as sales_* find several
  - name: orders                   # becomes the table at the destination
    write_disposition: merge       # append | replace | merge, by the primary key of the database
    incremental: {cursor_path: updated_at, row_order: asc}   # only what is new since the run before
    # included_columns: [id, customer_id, total, updated_at]
    # where: total > 0             # SQL of the server
    # cast: {total: \"numeric(12,2)\"}
    # unpack: [items]              # JSON columns that become nested tables
  # - name: revenue                # a query in place of a table
  #   query: select customer_id, sum(total) as total from orders group by 1
";

#[cfg(test)]
mod tests;
