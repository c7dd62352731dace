//! Parquet files, read batch by batch.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use windlass_core::{Error, Result};

use super::PageReader;
use crate::source::{Body, Origin, Page};

const FETCH_AGAIN: &str = "fetch or write the file again; nothing of this run is loaded";

/// Rows of a page.
const PAGE_ROWS: usize = 8192;

pub(super) struct ParquetReader {
    reader: ParquetRecordBatchReader,
    origin: Arc<Origin>,
    row: u64,
}

impl ParquetReader {
    /// Errors: no file, or no Parquet file.
    pub(super) fn open(path: &Path, partition: u64) -> Result<Self> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|cause| {
            Error::source_failed(format!("cannot open {name}"))
                .with_source(cause)
                .with_hint("check the path and its rights")
        })?;
        let broken = |cause| {
            Error::data("this is not a readable parquet file")
                .with_source(cause)
                .at_file(name.clone())
                .with_hint(FETCH_AGAIN)
        };
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)
            .map_err(broken)?
            .with_batch_size(PAGE_ROWS)
            .build()
            .map_err(broken)?;
        let origin = Origin { file: Some(name), counts_lines: false, partition };
        Ok(Self { reader, origin: Arc::new(origin), row: 0 })
    }
}

impl PageReader for ParquetReader {
    fn next(&mut self) -> Result<Option<Page>> {
        let Some(batch) = self.reader.next() else { return Ok(None) };
        let batch = batch.map_err(|cause| {
            let error = Error::data("a parquet file cannot be read").with_source(cause);
            error.at_file(self.origin.file.clone().unwrap_or_default()).with_hint(FETCH_AGAIN)
        })?;
        let first = self.row;
        self.row += batch.num_rows() as u64;
        Ok(Some(Page { body: Body::Batch(batch), first, origin: Arc::clone(&self.origin) }))
    }
}
