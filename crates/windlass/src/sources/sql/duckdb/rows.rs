//! The rows of a running query: fetched in a thread, handed over in batches of the size that was asked for.

use std::sync::{Arc, Mutex, PoisonError};

use ::duckdb::{Connection, InterruptHandle};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType as ArrowType, Field, Schema, SchemaRef, TimeUnit};
use arrow_select::concat::concat_batches;
use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};
use windlass_core::{Error, Result};

use super::super::catalog::ColumnShape;
use super::super::config::InvalidValues;
use super::super::database::{BATCH_BYTES, Rows};
use super::connection::{Place, problem};
use crate::interrupted::failure_behind;

/// The days of the years 1 to 9999.
const DAYS: std::ops::RangeInclusive<i32> = -719_162..=2_932_896;

/// Their microseconds.
const MICROS: std::ops::RangeInclusive<i64> = -62_135_596_800_000_000..=253_402_300_799_999_999;

/// The receiving end of the thread that reads.
pub(super) struct DuckDbRows {
    batches: mpsc::Receiver<Result<RecordBatch>>,
    notices: Arc<Mutex<Vec<String>>>,
    interrupt: Arc<InterruptHandle>,
}

impl DuckDbRows {
    /// Starts the thread. Errors: the file, the query.
    pub(super) async fn start(
        place: Arc<Place>,
        query: &str,
        columns: &[ColumnShape],
        chunk_rows: usize,
        invalid_values: InvalidValues,
    ) -> Result<Self> {
        let (sender, batches) = mpsc::channel(1);
        let (started, start) = oneshot::channel();
        let notices: Arc<Mutex<Vec<String>>> = Arc::default();
        let fields: Vec<Field> = columns
            .iter()
            .map(|column| Field::new(&column.name, column.sql_type.arrow_type(), true))
            .collect();
        let mut reading = Reading {
            place,
            query: query.to_owned(),
            schema: Arc::new(Schema::new(fields)),
            chunk_rows: chunk_rows.max(1),
            invalid_values,
            invalid: vec![0; columns.len()],
            rows: 0,
            notices: Arc::clone(&notices),
        };
        std::thread::Builder::new()
            .name("windlass-duckdb".to_owned())
            .spawn(move || reading.run(started, &sender))
            .map_err(|cause| Error::internal("a thread cannot be started").with_source(cause))?;
        let interrupt = start
            .await
            .map_err(|cause| Error::internal("a thread of DuckDB broke down").with_source(cause))??;
        Ok(Self { batches, notices, interrupt })
    }
}

impl Drop for DuckDbRows {
    fn drop(&mut self) {
        // A query that sorts a large table would go on for nothing.
        self.interrupt.interrupt();
    }
}

#[async_trait]
impl Rows for DuckDbRows {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        self.batches.recv().await.transpose()
    }

    fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

type Start = oneshot::Sender<Result<Arc<InterruptHandle>>>;

/// What the thread does.
struct Reading {
    place: Arc<Place>,
    query: String,
    schema: SchemaRef,
    chunk_rows: usize,
    invalid_values: InvalidValues,
    /// Values of each column that no table can hold.
    invalid: Vec<usize>,
    /// Rows that were handed over.
    rows: usize,
    notices: Arc<Mutex<Vec<String>>>,
}

impl Reading {
    fn run(&mut self, started: Start, batches: &mpsc::Sender<Result<RecordBatch>>) {
        // Nobody waits any more where sending fails.
        let connection = match self.place.connect() {
            Ok(connection) => connection,
            Err(error) => return drop(started.send(Err(error))),
        };
        let mut started = Some(started);
        if let Err(error) = self.read(&connection, batches, &mut started) {
            match started {
                Some(started) => drop(started.send(Err(error))),
                None => drop(batches.blocking_send(Err(error))),
            }
        }
    }

    fn read(
        &mut self,
        connection: &Connection,
        batches: &mpsc::Sender<Result<RecordBatch>>,
        started: &mut Option<Start>,
    ) -> Result<()> {
        let place = Arc::clone(&self.place);
        let failed = |cause| problem("read rows of", &place.location, cause);
        let mut statement = connection.prepare(&self.query).map_err(failed)?;
        drop(statement.stream_arrow([]).map_err(failed)?);
        let width = statement.schema().fields().len();
        if width != self.schema.fields().len() {
            return Err(Error::source_failed(format!(
                "the query gives {width} columns instead of {}: the table was changed meanwhile",
                self.schema.fields().len()
            ))
            .with_hint("run again"));
        }
        if let Some(started) = started.take()
            && started.send(Ok(connection.interrupt_handle())).is_err()
        {
            return Ok(());
        }
        let (mut waiting, mut rows, mut bytes) = (Vec::new(), 0, 0);
        let query = self.query.clone();
        let broken = |cause| match batches.is_closed() {
            true => failed(cause),
            false => failed(failure_behind(connection, &query, cause)),
        };
        while let Some(chunk) = statement.step().map_err(broken)? {
            let chunk = self.conform(&RecordBatch::from(&chunk))?;
            rows += chunk.num_rows();
            bytes += size(&chunk);
            waiting.push(chunk);
            while rows >= self.chunk_rows || bytes >= BATCH_BYTES && rows > 0 {
                let whole = self.joined(&waiting)?;
                let taken = rows.min(self.chunk_rows);
                if batches.blocking_send(Ok(whole.slice(0, taken))).is_err() {
                    return Ok(());
                }
                let rest = whole.slice(taken, rows - taken);
                (rows, bytes) = (rest.num_rows(), size(&rest));
                waiting = if rows == 0 { Vec::new() } else { vec![rest] };
            }
        }
        self.tell();
        if rows > 0 {
            drop(batches.blocking_send(self.joined(&waiting)));
        }
        Ok(())
    }

    fn joined(&self, batches: &[RecordBatch]) -> Result<RecordBatch> {
        concat_batches(&self.schema, batches)
            .map_err(|cause| Error::internal("rows of DuckDB make no batch").with_source(cause))
    }

    /// The columns in the layout that was promised, without values that no table can hold.
    fn conform(&mut self, chunk: &RecordBatch) -> Result<RecordBatch> {
        let schema = Arc::clone(&self.schema);
        let mut columns = Vec::with_capacity(chunk.num_columns());
        for (index, (column, field)) in chunk.columns().iter().zip(schema.fields()).enumerate() {
            let column = laid_out(column, field)?;
            let valid = valid(&column);
            let invalid = valid.null_count() - column.null_count();
            if invalid > 0 && self.invalid_values == InvalidValues::Error {
                let row = (0..column.len()).find(|&row| valid.is_null(row) && !column.is_null(row));
                let row = row.map(|row| (self.rows + row) as u64);
                return Err(Error::data("a date is infinite or outside of the years 1 to 9999")
                    .with_hint("`invalid_values: null` reads such values as null")
                    .at(windlass_core::At {
                        column: Some(field.name().clone()),
                        row,
                        ..Default::default()
                    }));
            }
            self.invalid[index] += invalid;
            columns.push(valid);
        }
        self.rows += chunk.num_rows();
        let options = RecordBatchOptions::new().with_row_count(Some(chunk.num_rows()));
        RecordBatch::try_new_with_options(schema, columns, &options)
            .map_err(|cause| Error::internal("rows of DuckDB make no batch").with_source(cause))
    }

    fn tell(&self) {
        let counted = self.schema.fields().iter().zip(&self.invalid).filter(|(_, count)| **count > 0);
        let notices = counted.map(|(field, count)| {
            format!(
                "{count} values of the column `{}` were infinite or outside of the years 1 to 9999, and were read as null",
                field.name()
            )
        });
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).extend(notices);
    }
}

fn size(batch: &RecordBatch) -> usize {
    let of = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or_default();
    batch.columns().iter().map(of).sum()
}

fn laid_out(column: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    let wanted = field.data_type();
    if column.data_type() == wanted {
        return Ok(Arc::clone(column));
    }
    if let (
        ArrowType::Timestamp(TimeUnit::Microsecond, Some(_)),
        ArrowType::Timestamp(TimeUnit::Microsecond, Some(zone)),
    ) = (column.data_type(), wanted)
    {
        // The moment is the same, whatever zone it is shown in.
        let moments = column.as_primitive::<TimestampMicrosecondType>().clone();
        return Ok(Arc::new(moments.with_timezone(Arc::clone(zone))));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(column, wanted, &options).map_err(|cause| {
        Error::data(format!("values of DuckDB's type {} cannot be read as {wanted}", column.data_type()))
            .with_source(cause)
            .with_hint("cast the column in the query")
            .at_column(field.name())
    })
}

/// The column with null in place of dates and timestamps that no table can hold.
fn valid(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        ArrowType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            if days.iter().flatten().all(|day| DAYS.contains(&day)) {
                return Arc::clone(column);
            }
            Arc::new(days.unary_opt::<_, Date32Type>(|day| DAYS.contains(&day).then_some(day)))
        }
        ArrowType::Timestamp(TimeUnit::Microsecond, zone) => {
            let moments = column.as_primitive::<TimestampMicrosecondType>();
            if moments.iter().flatten().all(|moment| MICROS.contains(&moment)) {
                return Arc::clone(column);
            }
            let valid = moments.unary_opt::<_, TimestampMicrosecondType>(|moment| {
                MICROS.contains(&moment).then_some(moment)
            });
            Arc::new(valid.with_timezone_opt(zone.clone()))
        }
        _ => Arc::clone(column),
    }
}
