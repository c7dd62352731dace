//! SQL as text: dialects, types and the statements that bring a destination up to a schema. Nothing here executes.

mod ddl;
mod dialect;
mod load;
mod merge;
mod root_key;

pub use ddl::{ExistingColumn, ExistingTables, migration};
pub use dialect::{Backslash, Clock, DUCKDB, Dialect, Facts, MYSQL, Nul, POSTGRES, RowAddress, SQLITE};
pub use load::{KeyIndex, LoadPlan, LoadTarget, key_indexes, replace_from_staging};
pub use merge::{MergeTarget, check_merge, merge_chain};
pub use root_key::fill_root_keys;
