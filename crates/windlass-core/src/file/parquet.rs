//! Parquet files.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::ChunkReader;
use parquet::schema::types::ColumnPath;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::repeats::columns_without_repeats;
use super::{Counted, TableWriter};
use crate::error::{Code, Error, Result};

/// How Parquet pages are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ParquetCompression {
    /// Not at all: for files that are read once and deleted.
    None,
    /// Fast.
    #[default]
    Snappy,
    /// Small.
    Zstd,
    /// Small, for old readers.
    Gzip,
}

/// How Parquet files are written.
#[derive(Clone, Debug, PartialEq)]
pub struct ParquetOptions {
    /// Compression of pages.
    pub compression: ParquetCompression,
    /// Whether each column chunk has its minimum and maximum.
    pub statistics: bool,
    /// Rows of a row group at most.
    pub row_group_rows: usize,
    /// Bytes of a row group in memory, after which it is written.
    pub row_group_bytes: usize,
}

impl Default for ParquetOptions {
    fn default() -> Self {
        Self {
            compression: ParquetCompression::Snappy,
            statistics: true,
            row_group_rows: 1 << 20,
            // Two workers and a few wide tables stay far below the 512 MB that a load may take, and a short load takes
            // as much as a long one.
            row_group_bytes: 6 << 20,
        }
    }
}

pub(super) struct ParquetWriter {
    writer: Writer,
    row_group_bytes: usize,
}

/// The writer proper, which is made when the first rows show what they are like.
enum Writer {
    Waiting {
        out: Counted,
        schema: SchemaRef,
        properties: Box<WriterProperties>,
    },
    Open(Box<ArrowWriter<Counted>>),
    /// Opening it failed.
    Broken,
}

impl Writer {
    /// The open writer; `first` are the rows by which columns are judged.
    fn open(&mut self, first: Option<&RecordBatch>) -> Result<&mut ArrowWriter<Counted>> {
        if let Self::Waiting { .. } = self
            && let Self::Waiting { out, schema, properties } = std::mem::replace(self, Self::Broken)
        {
            let mut builder = (*properties).into_builder();
            for column in first.map(columns_without_repeats).unwrap_or_default() {
                builder = builder.set_column_dictionary_enabled(ColumnPath::new(vec![column]), false);
            }
            let writer = ArrowWriter::try_new(out, schema, Some(builder.build())).map_err(failed)?;
            *self = Self::Open(Box::new(writer));
        }
        match self {
            Self::Open(writer) => Ok(writer),
            _ => Err(Error::of(Code::FileFailed, "a parquet file could not be begun")),
        }
    }
}

fn failed(cause: parquet::errors::ParquetError) -> Error {
    Error::of(Code::FileFailed, "a parquet file could not be written").with_source(cause)
}

impl ParquetWriter {
    pub(super) fn new(out: Counted, schema: SchemaRef, options: &ParquetOptions) -> Self {
        let compression = match options.compression {
            ParquetCompression::None => Compression::UNCOMPRESSED,
            ParquetCompression::Snappy => Compression::SNAPPY,
            ParquetCompression::Zstd => Compression::ZSTD(ZstdLevel::default()),
            ParquetCompression::Gzip => Compression::GZIP(Default::default()),
        };
        let statistics = if options.statistics { EnabledStatistics::Chunk } else { EnabledStatistics::None };
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_statistics_enabled(statistics)
            .set_offset_index_disabled(true)
            .set_max_row_group_row_count(Some(options.row_group_rows))
            // A dictionary beyond this is no dictionary; hundreds of columns would keep a megabyte each.
            .set_dictionary_page_size_limit(256 << 10)
            .set_created_by(concat!("windlass ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = Writer::Waiting { out, schema, properties: Box::new(properties) };
        Self { writer, row_group_bytes: options.row_group_bytes }
    }
}

impl TableWriter for ParquetWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let writer = self.writer.open(Some(batch))?;
        writer.write(batch).map_err(failed)?;
        if writer.memory_size() > self.row_group_bytes {
            writer.flush().map_err(failed)?;
        }
        Ok(())
    }

    fn bytes_written(&self) -> u64 {
        match &self.writer {
            Writer::Open(writer) => (writer.bytes_written() + writer.in_progress_size()) as u64,
            Writer::Waiting { .. } | Writer::Broken => 0,
        }
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        let writer = self.writer.open(None)?;
        writer.finish().map_err(failed)?;
        Ok(writer.inner().bytes)
    }
}

/// Number of rows that a Parquet file says it has. Errors: it is not a Parquet file.
pub fn rows_in_parquet(file: impl ChunkReader + 'static) -> Result<u64> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|cause| {
        Error::of(Code::DamagedSourceFile, "this is not a parquet file").with_source(cause)
    })?;
    Ok(reader.metadata().file_metadata().num_rows().max(0) as u64)
}
