//! Reading a dataset in a binary without DuckDB.

use windlass_core::normalize::TypeDefaults;
use windlass_core::{Error, Result};

use super::tables::FileTable;
use crate::destination::Dataset;
use crate::rows::RowStream;

/// Errors: always.
pub(super) fn stream(
    _dataset: Dataset,
    _types: TypeDefaults,
    _tables: Vec<FileTable>,
    _sql: String,
    _location: String,
) -> impl Future<Output = Result<RowStream>> {
    let text = "this windlass was built without feature \"duckdb\", which reads files by SQL";
    std::future::ready(Err(Error::unsupported(text)))
}
