//! SQL databases as sources: rows go from the wire into columns, and nothing is inferred value by value.
//!
//! ```text
//!  URL ──address──> Database ──catalog──> TableShape ──sql_type──> hints
//!                      │                      │
//!                      └──── read(SELECT) <───┴── query: range of the cursor, order, limit, piece
//!                               │
//!                           RecordBatch per chunk
//! ```
//!
//! [`Database`] is the seam: what a kind of database can do. All the rest is the same for all of them.

mod catalog;
mod database;
mod sql_type;

pub use catalog::{ColumnShape, ForeignKey, Relation, TableShape};
pub use database::{Database, Dialect, Rows, Snapshot};
pub use sql_type::{ReflectionLevel, SqlType};
