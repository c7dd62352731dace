//! Parquet files, read batch by batch.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{TimestampMicrosecondType, TimestampMillisecondType};
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::{LogicalType, Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::schema::types::ColumnDescPtr;
use windlass_core::normalize::{EXTENSION_NAME_KEY, PLAIN_TYPES, UUID_EXTENSION};
use windlass_core::{Error, Result};

use super::{FileAt, PageReader};
use crate::record_limit::RecordLimit;
use crate::source::{Body, Origin, Page};
use crate::store::Chunks;

const FETCH_AGAIN: &str = "fetch or write the file again; nothing of this run is loaded";

/// Rows of a page.
const PAGE_ROWS: usize = 8192;

/// Bytes of a page whose rows are long, so that it has fewer.
const PAGE_BYTES: usize = 16 << 20;

pub(super) struct ParquetReader {
    reader: ParquetRecordBatchReader,
    /// The schema of the batches, which says that they are of a file.
    schema: SchemaRef,
    /// The old 96-bit timestamps once more, in milliseconds: those beyond 64 bits of microseconds wrap around there.
    millis: Option<ParquetRecordBatchReader>,
    /// What is left of a batch that was parted.
    waiting: VecDeque<RecordBatch>,
    origin: Arc<Origin>,
    row: u64,
}

impl ParquetReader {
    /// Errors: no file, or no Parquet file.
    pub(super) fn open(file: &FileAt, partition: u64, limit: RecordLimit) -> Result<Self> {
        let name = file.location();
        let file = Chunks::new(file.open()?);
        let broken = |cause| failed("this is not a readable parquet file", cause).at_file(name.clone());
        let metadata = metadata(&file).map_err(broken)?;
        let millis = millis(&file, &metadata).map_err(broken)?;
        let row_bytes = row_bytes(metadata.metadata());
        limit.check_row(row_bytes).map_err(|error| error.at_file(name.clone()))?;
        // The two readers of old timestamps go in step.
        let rows =
            if millis.is_some() { PAGE_ROWS } else { (PAGE_BYTES / row_bytes.max(1)).clamp(1, PAGE_ROWS) };
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
            .with_batch_size(rows)
            .build()
            .map_err(broken)?;
        let schema = arrow_array::RecordBatchReader::schema(&reader);
        let mut marks = schema.metadata().clone();
        marks.insert(PLAIN_TYPES.to_owned(), String::new());
        let schema = Arc::new(Schema::new_with_metadata(schema.fields().clone(), marks));
        let origin = Origin { file: Some(name), counts_lines: false, partition };
        Ok(Self { reader, schema, millis, waiting: VecDeque::new(), origin: Arc::new(origin), row: 0 })
    }
}

impl ParquetReader {
    fn page(&mut self, batch: RecordBatch) -> Page {
        let first = self.row;
        self.row += batch.num_rows() as u64;
        Page { body: Body::Batch(batch), first, origin: Arc::clone(&self.origin) }
    }
}

/// Bytes of a row in the row group whose rows are the longest, as the footer tells.
fn row_bytes(metadata: &ParquetMetaData) -> usize {
    let groups = metadata.row_groups().iter();
    let bytes = |group: &RowGroupMetaData| group.total_byte_size().max(0) / group.num_rows().max(1);
    usize::try_from(groups.map(bytes).max().unwrap_or_default()).unwrap_or(usize::MAX)
}

impl PageReader for ParquetReader {
    fn next(&mut self) -> Result<Option<Page>> {
        if let Some(batch) = self.waiting.pop_front() {
            return Ok(Some(self.page(batch)));
        }
        let Some(batch) = self.reader.next() else { return Ok(None) };
        let marked = batch.and_then(|batch| {
            let rows = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), batch.columns().to_vec(), &rows)
        });
        let batch = marked.map_err(|cause| {
            let error = failed("a parquet file cannot be read", cause);
            error.at_file(self.origin.file.clone().unwrap_or_default())
        })?;
        self.waiting = match self.millis.as_mut().and_then(Iterator::next) {
            Some(Ok(millis)) => parted(batch, &millis),
            _ => VecDeque::from([batch]),
        };
        Ok(self.waiting.pop_front().map(|batch| self.page(batch)))
    }
}

fn failed(message: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    // A codec that is not there is told by the text alone.
    let text = cause.to_string();
    let is_codec = text.contains("Disabled feature") || text.contains("codec") || text.contains("LZO");
    let hint = if is_codec {
        "write the file with another compression: snappy, gzip, zstd, brotli or lz4"
    } else {
        FETCH_AGAIN
    };
    Error::data(message).with_source(cause).with_hint(hint)
}

/// What the footer says, with the two things put right that the reader takes on trust.
fn metadata(file: &Chunks) -> Result<ArrowReaderMetadata, ParquetError> {
    let read = ArrowReaderMetadata::load(file, ArrowReaderOptions::new())?;
    let counted = counted(read.metadata());
    let schema = told_apart(&read);
    if counted.is_none() && schema.is_none() {
        return Ok(read);
    }
    let metadata = counted.map_or_else(|| Arc::clone(read.metadata()), Arc::new);
    let options = ArrowReaderOptions::new();
    let options = match schema {
        Some(schema) => options.with_schema(schema),
        None => options,
    };
    ArrowReaderMetadata::try_new(metadata, options)
}

/// The metadata with the number of rows that its row groups have, if the file gives another one: some writers leave 0.
fn counted(metadata: &ParquetMetaData) -> Option<ParquetMetaData> {
    let file = metadata.file_metadata();
    let rows = metadata.row_groups().iter().map(RowGroupMetaData::num_rows).sum::<i64>();
    (rows != file.num_rows()).then(|| {
        let file = FileMetaData::new(
            file.version(),
            rows,
            file.created_by().map(str::to_owned),
            file.key_value_metadata().cloned(),
            file.schema_descr_ptr(),
            file.column_orders().cloned(),
        );
        ParquetMetaData::new(file, metadata.row_groups().to_vec())
    })
}

/// A reader of the 96-bit timestamps at the top of the rows, in milliseconds; `None` if there are none.
fn millis(
    file: &Chunks,
    metadata: &ArrowReaderMetadata,
) -> Result<Option<ParquetRecordBatchReader>, ParquetError> {
    let columns = metadata.parquet_schema().columns().iter();
    let is_old =
        |column: &ColumnDescPtr| column.physical_type() == Type::INT96 && column.path().parts().len() == 1;
    let leaves: Vec<usize> =
        columns.enumerate().filter(|(_, column)| is_old(column)).map(|(index, _)| index).collect();
    if leaves.is_empty() {
        return Ok(None);
    }
    let names: Vec<String> =
        leaves.iter().map(|leaf| metadata.parquet_schema().column(*leaf).name().to_owned()).collect();
    let fields = metadata.schema().fields().iter().map(|field| match field.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, zone) if names.contains(field.name()) => Arc::new(
            Field::clone(field).with_data_type(DataType::Timestamp(TimeUnit::Millisecond, zone.clone())),
        ),
        _ => Arc::clone(field),
    });
    let schema = Schema::new_with_metadata(fields.collect::<Fields>(), metadata.schema().metadata().clone());
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)?;
    let mask = ProjectionMask::leaves(metadata.parquet_schema(), leaves);
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.clone(), metadata);
    builder.with_projection(mask).with_batch_size(PAGE_ROWS).build().map(Some)
}

/// The batch in parts: rows whose timestamps wrapped around have milliseconds in the place of microseconds.
fn parted(batch: RecordBatch, millis: &RecordBatch) -> VecDeque<RecordBatch> {
    let is_wrong: Vec<bool> = (0..batch.num_rows()).map(|row| is_wrapped(&batch, millis, row)).collect();
    let mut parts = VecDeque::new();
    let mut start = 0;
    for run in is_wrong.chunk_by(|one, next| one == next) {
        let part = batch.slice(start, run.len());
        let wide = run
            .first()
            .is_some_and(|is_wrong| *is_wrong)
            .then(|| in_millis(&part, &millis.slice(start, run.len())));
        parts.push_back(wide.flatten().unwrap_or(part));
        start += run.len();
    }
    if parts.is_empty() { VecDeque::from([batch]) } else { parts }
}

/// Whether a timestamp of the row has other milliseconds than its microseconds say.
fn is_wrapped(batch: &RecordBatch, millis: &RecordBatch, row: usize) -> bool {
    millis.schema_ref().fields().iter().zip(millis.columns()).any(|(field, millis)| {
        let micros = batch.column_by_name(field.name());
        let micros = micros.and_then(|micros| micros.as_primitive_opt::<TimestampMicrosecondType>());
        let (Some(micros), Some(millis)) = (micros, millis.as_primitive_opt::<TimestampMillisecondType>())
        else {
            return false;
        };
        millis.is_valid(row) && micros.value(row).div_euclid(1000) != millis.value(row)
    })
}

fn in_millis(part: &RecordBatch, millis: &RecordBatch) -> Option<RecordBatch> {
    let (fields, columns): (Vec<FieldRef>, Vec<ArrayRef>) = part
        .schema_ref()
        .fields()
        .iter()
        .zip(part.columns())
        .map(|(field, column)| match millis.schema_ref().index_of(field.name()) {
            Ok(index) => {
                let column = millis.column(index);
                let field = Field::clone(field).with_data_type(column.data_type().clone());
                (Arc::new(field), Arc::clone(column))
            }
            Err(_) => (Arc::clone(field), Arc::clone(column)),
        })
        .unzip();
    let schema = Schema::new_with_metadata(Fields::from(fields), part.schema_ref().metadata().clone());
    RecordBatch::try_new(Arc::new(schema), columns).ok()
}

/// What the reader does not say of a leaf.
#[derive(Clone, Copy, PartialEq)]
enum Leaf {
    /// A 96-bit timestamp. It reaches years that 64 bits of nanoseconds, which is how it is read otherwise, do not.
    OldTimestamp,
    /// 16 bytes that are a UUID.
    Uuid,
    Other,
}

impl Leaf {
    fn of(column: &ColumnDescPtr) -> Self {
        match (column.physical_type(), column.logical_type_ref()) {
            (Type::INT96, _) => Self::OldTimestamp,
            (_, Some(LogicalType::Uuid)) => Self::Uuid,
            _ => Self::Other,
        }
    }
}

/// The schema with old timestamps in microseconds and UUIDs by their name; `None` if there are none.
fn told_apart(metadata: &ArrowReaderMetadata) -> Option<SchemaRef> {
    let leaves: Vec<Leaf> = metadata.parquet_schema().columns().iter().map(Leaf::of).collect();
    if leaves.iter().all(|leaf| *leaf == Leaf::Other) {
        return None;
    }
    let mut leaves = leaves.into_iter();
    let fields: Fields = metadata.schema().fields().iter().map(|field| told(field, &mut leaves)).collect();
    Some(Arc::new(Schema::new_with_metadata(fields, metadata.schema().metadata().clone())))
}

/// The field, with as many leaves taken as it has.
fn told(field: &FieldRef, leaves: &mut impl Iterator<Item = Leaf>) -> FieldRef {
    let plain = Field::clone(field);
    let data_type = match field.data_type() {
        DataType::Struct(fields) => {
            DataType::Struct(fields.iter().map(|field| told(field, leaves)).collect())
        }
        DataType::List(item) => DataType::List(told(item, leaves)),
        DataType::LargeList(item) => DataType::LargeList(told(item, leaves)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(told(item, leaves), *length),
        DataType::Map(entries, is_sorted) => DataType::Map(told(entries, leaves), *is_sorted),
        leaf => match (leaves.next(), leaf) {
            (Some(Leaf::OldTimestamp), DataType::Timestamp(_, zone)) => {
                DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
            }
            (Some(Leaf::Uuid), DataType::FixedSizeBinary(16)) => {
                let mut metadata = field.metadata().clone();
                metadata.insert(EXTENSION_NAME_KEY.to_owned(), UUID_EXTENSION.to_owned());
                return Arc::new(plain.with_metadata(metadata));
            }
            _ => return Arc::clone(field),
        },
    };
    Arc::new(plain.with_data_type(data_type))
}
