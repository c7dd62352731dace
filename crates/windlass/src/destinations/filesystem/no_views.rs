//! Reading a dataset in a binary without DuckDB.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use windlass_core::normalize::TypeDefaults;
use windlass_core::schema::Table;
use windlass_core::{Error, Result};

use crate::destination::Dataset;

/// Errors: always.
pub(super) fn query(
    _dataset: &Dataset,
    _types: &TypeDefaults,
    _tables: &[(Arc<Table>, Vec<PathBuf>)],
    _sql: &str,
    _location: &str,
) -> Result<Vec<RecordBatch>> {
    Err(Error::unsupported("this windlass was built without feature \"duckdb\", which reads files by SQL"))
}
