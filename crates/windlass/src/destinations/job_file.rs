//! Job files in Parquet: how they are written, and what is in them as batches.

use std::fs::File;
use std::path::Path;

use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use windlass_core::file::{FileFormat, FileOptions, ParquetCompression, ParquetOptions};
use windlass_core::{Error, Result};

use crate::files::io_error;

/// Rows that are decoded at once. Few, since rows may be large.
const BATCH_ROWS: usize = 1024;

/// How files are written that are read once, on the same machine, and then removed.
pub(super) fn uncompressed_parquet() -> FileOptions {
    FileOptions {
        format: FileFormat::Parquet,
        gzip: false,
        parquet: ParquetOptions {
            compression: ParquetCompression::None,
            statistics: false,
            ..ParquetOptions::default()
        },
        ..FileOptions::default()
    }
}

/// Opens a Parquet file of a package. Errors: it cannot be read.
pub(super) fn open_job_file(path: &Path) -> Result<ParquetRecordBatchReader> {
    let file = File::open(path).map_err(|cause| io_error("open", path, cause))?;
    ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
        .map_err(|cause| damaged(path, cause))
}

/// The error for a file of a package that is not what was written.
pub(super) fn damaged(path: &Path, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::data("a file of a load package is damaged").with_source(cause).at_file(path.display().to_string())
}
