//! SQL as text: dialects, types and the statements that bring a destination up to a schema. Nothing here executes.

mod ddl;
mod dialect;
mod load;
mod merge;
mod root_key;

pub use ddl::{ExistingColumn, ExistingTables, migration};
pub use dialect::Dialect;
pub use load::{
    LoadPlan, LoadTarget, delete_all, insert_version, load_record, replace_by_staging, replace_from_staging,
};
pub use merge::{MergeTarget, check_merge, merge_chain};
pub use root_key::fill_root_keys;
