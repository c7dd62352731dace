//! A load in memory: records in, rows of every table out, over any chunking and any number of workers.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array as _, RecordBatch};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use windlass_core::Result;
use windlass_core::json::ParseBuffers;
use windlass_core::naming::Naming;
use windlass_core::normalize::{
    BatchSink, Context, Limits, NormalizeSettings, Normalizer, PositionIds, RecordNumbers, RowFilters,
    SchemaState, TableBatch, TypeDefaults,
};
use windlass_core::schema::Schema;

/// Rows of a table: column name to a text that tells type and value; nulls left out.
pub(crate) type Rows = Vec<BTreeMap<String, String>>;

/// What a load made.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) schema: Schema,
    pub(crate) tables: BTreeMap<String, Rows>,
    pub(crate) null_columns: BTreeMap<String, Vec<String>>,
    pub(crate) discarded_rows: u64,
    pub(crate) discarded_values: u64,
}

/// Gathers rows as text.
#[derive(Default)]
pub(crate) struct Gather(pub(crate) BTreeMap<String, Rows>);

impl BatchSink for Gather {
    fn receive(&mut self, table: &str, batch: TableBatch) -> Result<()> {
        self.0.entry(table.to_owned()).or_default().extend(rows_of(&batch.rows));
        Ok(())
    }
}

pub(crate) fn settings(schema: &Schema, load_id: &str, limits: Limits) -> Arc<NormalizeSettings> {
    let naming = Naming::new(schema.convention().unwrap(), Some(65536)).unwrap();
    Arc::new(NormalizeSettings {
        ctx: Context::new(schema, naming, TypeDefaults::default(), limits, load_id).unwrap(),
        filters: RowFilters::new(schema, naming).unwrap(),
        start: schema.clone(),
    })
}

/// Loads lines of JSON into `root`, `chunk` lines at a time, dealing the chunks to `workers` in turn.
pub(crate) fn load_lines(
    schema: Schema,
    root: &str,
    lines: &[String],
    chunk: usize,
    workers: usize,
    limits: Limits,
) -> Result<Loaded> {
    let settings = settings(&schema, "1700000000.0", limits);
    let state = Arc::new(SchemaState::new(schema));
    let mut turn = Arc::clone(&state);
    let mut normalizers: Vec<_> =
        (0..workers).map(|_| Normalizer::new(Arc::clone(&settings), Arc::clone(&state))).collect();
    let mut gather = Gather::default();
    let mut buffers = ParseBuffers::new();
    let ids = PositionIds::new("1700000000.0", root, 0);
    let mut first = 0;
    for (index, chunk) in lines.chunks(chunk).enumerate() {
        let normalizer = &mut normalizers[index % workers];
        let text = chunk.join("\n");
        let parsed = buffers.parse_typed_lines(text.as_bytes())?;
        assert_eq!(parsed.bad, []);
        let numbers = RecordNumbers { ids: &ids, first, explicit: None };
        normalizer.observe(root, &parsed.tape, &parsed.rows, numbers, &mut turn)?;
        normalizer.encode(&parsed.tape, numbers, &mut gather)?;
        first += chunk.len() as u64;
        let memory = parsed.into_memory();
        buffers.restore(memory);
    }
    let mut loaded = Loaded {
        schema: turn.schema.clone(),
        tables: BTreeMap::new(),
        null_columns: BTreeMap::new(),
        discarded_rows: 0,
        discarded_values: 0,
    };
    for normalizer in &mut normalizers {
        normalizer.flush(&mut gather)?;
        loaded.discarded_rows += normalizer.discarded().rows.values().sum::<u64>();
        loaded.discarded_values += normalizer.discarded().values.values().sum::<u64>();
        for (table, column) in normalizer.null_columns() {
            let known = loaded.schema.table(table).and_then(|table| table.columns.get(column));
            if known.is_none_or(|column| !column.is_complete()) {
                loaded.null_columns.entry(table.to_owned()).or_default().push(column.to_owned());
            }
        }
    }
    loaded.tables = gather.0;
    Ok(loaded)
}

pub(crate) fn rows_of(batch: &RecordBatch) -> Rows {
    (0..batch.num_rows())
        .map(|row| {
            let schema = batch.schema();
            let fields = schema.fields().iter().zip(batch.columns()).filter(|(_, array)| array.is_valid(row));
            fields.map(|(field, array)| (field.name().clone(), show(array, row))).collect()
        })
        .collect()
}

fn show(array: &dyn arrow_array::Array, row: usize) -> String {
    match array.data_type() {
        ArrowType::Utf8 => format!("{:?}", array.as_string::<i32>().value(row)),
        ArrowType::Boolean => array.as_boolean().value(row).to_string(),
        ArrowType::Int8 => array.as_primitive::<Int8Type>().value(row).to_string(),
        ArrowType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        ArrowType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        ArrowType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        ArrowType::Float64 => format!("{:?}", array.as_primitive::<Float64Type>().value(row)),
        ArrowType::Date32 => format!("date {}", array.as_primitive::<Date32Type>().value(row)),
        ArrowType::Time64(TimeUnit::Microsecond) => {
            format!("time {}", array.as_primitive::<Time64MicrosecondType>().value(row))
        }
        ArrowType::Timestamp(TimeUnit::Microsecond, _) => {
            format!("timestamp {}", array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        ArrowType::Decimal128(..) => format!("decimal {}", array.as_primitive::<Decimal128Type>().value(row)),
        ArrowType::Binary => format!("binary {:?}", array.as_binary::<i32>().value(row)),
        other => panic!("no text for {other}"),
    }
}
