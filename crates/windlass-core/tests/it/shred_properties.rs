//! Whatever the chunking and the number of workers, the tables are the same; and the columnar path makes the rows that
//! the definition, record by record and value by value, makes.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use windlass_core::json::ParseBuffers;
use windlass_core::naming::Naming;
use windlass_core::normalize::{
    Cell, FlatRow, Flattener, KeptKeys, Limits, Physical, PositionIds, RowVisitor, SchemaState, TypeDefaults,
    column_for,
};
use windlass_core::schema::{Column, Schema, Table};
use windlass_core::value::DataType;
use windlass_core::{Error, Result};

use crate::load::{Loaded, Rows, load_lines, settings};

/// Keys that collide, nest, look like the engine's own, or are odd.
fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a", "A", "b", "b c", "b_c", "b__c", "c", "", "list", "value", "d1", "ä", "l", "L", "t", "_dlt_x",
        "n",
    ])
    .prop_map(str::to_owned)
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => any::<i16>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        2 => (-100_i32..100).prop_map(|n| json!(f64::from(n) / 4.0)),
        1 => any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
        2 => any::<bool>().prop_map(Value::from),
        2 => Just(Value::Null),
        4 => prop::sample::select(vec![
            "x", "", "12", "1.5", "true", "2024-01-02T03:04:05Z", "2024-01-02", "{\"a\":1}", "é\u{1F600}", "0xff",
            "\u{f026}1.50", "\u{f026}1e40", "\u{f028}2024-01-01", "\u{f02b}/w==", "\u{f02c}7", "\u{f02d}01:02:03",
            "\u{f02e}123456789012345678901234567890", "\u{f02e}1e400", "\u{f02e}NaN",
        ]).prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn record() -> impl Strategy<Value = Value> {
    prop_oneof![
        12 => prop::collection::vec((key(), value()), 0..6)
            .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        1 => value(),
    ]
}

fn records() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(record().prop_map(|record| record.to_string()), 1..24)
}

/// A schema with some hints, so that columns of every kind stand ready.
fn schema(hints: &[(&str, DataType)], contract: Option<&str>) -> Schema {
    let mut schema = Schema::new("prop", &Naming::default()).unwrap();
    let mut table = Table::new("t").with("write_disposition", "append").with("resource", "t");
    for (name, data_type) in hints {
        table = table.with_column(Column::typed(*name, *data_type, true));
    }
    if let Some(contract) = contract {
        table = table.with("schema_contract", serde_json::from_str::<Value>(contract).unwrap());
    }
    schema.tables.insert("t".to_owned(), table.into());
    schema
}

fn sorted(mut tables: BTreeMap<String, Rows>) -> BTreeMap<String, Rows> {
    tables.values_mut().for_each(|rows| rows.sort());
    tables
}

/// Rows by the definition.
struct Define<'a> {
    state: &'a mut SchemaState,
    ctx: &'a windlass_core::normalize::Context,
    tape: &'a windlass_core::json::Tape<'a>,
    rows: &'a mut BTreeMap<String, Rows>,
}

impl RowVisitor for Define<'_> {
    fn check(&mut self, _: &FlatRow, _: &KeptKeys) -> Result<KeptKeys> {
        Ok(KeptKeys::default())
    }

    fn take(&mut self, row: FlatRow) -> Result<bool> {
        let table = self.state.schema.table(&row.table).ok_or_else(|| Error::internal("no table"))?;
        let mut made = BTreeMap::new();
        for (name, cell) in &row.cells {
            let value = cell.scalar(self.tape);
            if let Some((column, cell)) = column_for(self.ctx, table, name, &value) {
                let physical = Physical::of(&table.columns[&column], &TypeDefaults::default());
                made.insert(column, show(&cell, physical));
            } else if ![None, Some(DataType::Text)].contains(&value.data_type()) {
                return Err(Error::internal(format!("no column for {name}: {value:?}")));
            }
        }
        self.rows.entry(row.table.clone()).or_default().push(made);
        Ok(true)
    }

    fn schema(&self) -> &Schema {
        &self.state.schema
    }
}

fn show(cell: &Cell, physical: Physical) -> String {
    match (cell, physical) {
        (Cell::Text(text), _) => format!("{text:?}"),
        (Cell::Int(value), Physical::Bool) => (*value != 0).to_string(),
        (Cell::Int(value), Physical::Date) => format!("date {value}"),
        (Cell::Int(value), Physical::Time(_)) => format!("time {value}"),
        (Cell::Int(value), Physical::Timestamp { .. }) => format!("timestamp {value}"),
        (Cell::Int(value), _) => value.to_string(),
        (Cell::Double(value), _) => format!("{value:?}"),
        (Cell::Decimal(value), _) => format!("decimal {value}"),
        (Cell::Bytes(bytes), _) => format!("binary {bytes:?}"),
        (other, _) => panic!("{other:?}"),
    }
}

fn define(start: Schema, lines: &[String]) -> Result<BTreeMap<String, Rows>> {
    let settings = settings(&start, "1700000000.0", Limits::default());
    let mut state = SchemaState::new(start);
    let ids = PositionIds::new("1700000000.0", "t", 0);
    let mut rows = BTreeMap::new();
    let mut buffers = ParseBuffers::new();
    for (number, line) in (0..).zip(lines) {
        let parsed = buffers.parse_typed_lines(line.as_bytes()).unwrap();
        let node = parsed.rows[0].node;
        state.grow(&settings.ctx, &settings.filters, &parsed.tape, node, "t", &settings.start)?;
        let id = String::from_utf8(ids.id(number).to_vec()).unwrap();
        let mut define =
            Define { state: &mut state, ctx: &settings.ctx, tape: &parsed.tape, rows: &mut rows };
        Flattener::new(&settings.ctx, &settings.start, &parsed.tape).record(node, "t", &id, &mut define)?;
        let memory = parsed.into_memory();
        buffers.restore(memory);
    }
    Ok(rows)
}

const HINTS: &[(&str, DataType)] = &[
    ("a", DataType::Bigint),
    ("b", DataType::Timestamp),
    ("c", DataType::Decimal),
    ("d1", DataType::Json),
    ("t", DataType::Text),
    ("n", DataType::Bool),
];

fn failed(error: Error) -> TestCaseError {
    TestCaseError::fail(error.chain())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::property_cases(400)))]

    #[test]
    fn chunking_and_workers_never_change_tables(
        lines in records(), chunk in 1_usize..9, workers in 1_usize..4, hinted in any::<bool>(),
    ) {
        let hints = if hinted { HINTS } else { &[] };
        let whole = load_lines(schema(hints, None), "t", &lines, 1000, 1, Limits::default()).map_err(failed)?;
        let cut = load_lines(schema(hints, None), "t", &lines, chunk, workers, Limits::default()).map_err(failed)?;
        prop_assert_eq!(whole.schema.content_hash(), cut.schema.content_hash());
        prop_assert_eq!(sorted(whole.tables), sorted(cut.tables));
    }

    #[test]
    fn the_columnar_path_makes_the_rows_of_the_definition(lines in records(), hinted in any::<bool>()) {
        let hints = if hinted { HINTS } else { &[] };
        let loaded = load_lines(schema(hints, None), "t", &lines, 1000, 1, Limits::default()).map_err(failed)?;
        prop_assert_eq!(sorted(loaded.tables), sorted(define(schema(hints, None), &lines).map_err(failed)?));
    }

    #[test]
    fn contracts_do_not_depend_on_chunking(
        lines in records(),
        chunk in 1_usize..9,
        workers in 1_usize..4,
        contract in prop::sample::select(vec![
            r#"{"columns":"discard_row"}"#,
            r#"{"columns":"discard_value"}"#,
            r#"{"data_type":"discard_row"}"#,
            r#"{"data_type":"discard_value"}"#,
            r#"{"tables":"discard_row"}"#,
            r#"{"tables":"discard_value","columns":"discard_row","data_type":"discard_value"}"#,
        ]),
    ) {
        let load = |chunk, workers| {
            load_lines(schema(HINTS, Some(contract)), "t", &lines, chunk, workers, Limits::default()).map_err(failed)
        };
        let (whole, cut): (Loaded, Loaded) = (load(1000, 1)?, load(chunk, workers)?);
        prop_assert_eq!(whole.schema.content_hash(), cut.schema.content_hash());
        prop_assert_eq!(sorted(whole.tables), sorted(cut.tables));
        prop_assert_eq!(
            (whole.discarded_rows, whole.discarded_values),
            (cut.discarded_rows, cut.discarded_values)
        );
    }

    #[test]
    fn a_limit_of_columns_loses_nothing_and_does_not_depend_on_chunking(
        lines in records(), chunk in 1_usize..9, workers in 1_usize..4, max_columns in 4_usize..9,
    ) {
        let limits = Limits { max_columns };
        let whole = load_lines(schema(&[], None), "t", &lines, 1000, 1, limits).map_err(failed)?;
        let cut = load_lines(schema(&[], None), "t", &lines, chunk, workers, limits).map_err(failed)?;
        prop_assert_eq!(whole.schema.content_hash(), cut.schema.content_hash());
        prop_assert_eq!(sorted(whole.tables), sorted(cut.tables));
        // Columns of kept objects and variants come on top of the limit, at most one of each per key.
        let widest = whole.schema.tables.values().map(|table| table.columns.len()).max().unwrap();
        prop_assert!(widest <= max_columns * 8 + 8, "{widest}");
    }

    #[test]
    fn growth_is_monotone_and_idempotent(lines in records()) {
        let once = load_lines(schema(&[], None), "t", &lines, 1000, 1, Limits::default()).map_err(failed)?;
        let half = load_lines(schema(&[], None), "t", &lines[..lines.len() / 2], 1000, 1, Limits::default()).map_err(failed)?;
        for table in half.schema.tables.values() {
            let later = once.schema.table(&table.name).unwrap();
            let same: Vec<_> = later.columns.values().take(table.columns.len()).collect();
            prop_assert_eq!(table.columns.values().collect::<Vec<_>>(), same);
        }
        let again = load_lines(once.schema.clone(), "t", &lines, 1000, 1, Limits::default()).map_err(failed)?;
        prop_assert_eq!(once.schema.content_hash(), again.schema.content_hash());
    }
}
