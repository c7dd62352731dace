//! SQL as text: dialects, types and the statements that bring a destination up to a schema. Nothing here executes.

mod ddl;
mod dialect;
mod load;

pub use ddl::{ExistingTables, migration};
pub use dialect::Dialect;
pub use load::{LoadPlan, LoadTarget, delete_all, insert_version, load_record, replace_from_staging};
