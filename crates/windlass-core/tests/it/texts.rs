//! A text arrives as it is, whatever it begins with, wherever it stands, and however it comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch, StringArray};
use proptest::prelude::*;
use serde_json::{Value, json};
use windlass_core::csv::{CsvBuffers, CsvDialect, CsvTable};
use windlass_core::json::{ParseBuffers, Parsed, Select, write_compact, write_sorted_node, write_typed};
use windlass_core::naming::Naming;
use windlass_core::normalize::{Limits, Normalizer, PositionIds, RecordNumbers, SchemaState, batch_lines};
use windlass_core::schema::{Column, Schema, Table};
use windlass_core::value::{DataType, Scalar, decode_tagged, typed_json};

use crate::load::{Gather, Rows, settings};
use crate::property_cases;

fn schema() -> Schema {
    Schema::new("s", &Naming::default()).unwrap()
}

fn normalizer(schema: Schema) -> (Normalizer, Arc<SchemaState>) {
    let settings = settings(&schema, "1.0", Limits::default());
    let state = Arc::new(SchemaState::new(schema));
    (Normalizer::new(settings, Arc::clone(&state)), state)
}

fn tables_of(schema: Schema, parsed: &Parsed<'_>) -> BTreeMap<String, Rows> {
    assert_eq!(parsed.bad, []);
    let (mut normalizer, mut turn) = normalizer(schema);
    let mut gather = Gather::default();
    let ids = PositionIds::new("1.0", "t", 0);
    let numbers = RecordNumbers { ids: &ids, first: 0, explicit: None };
    normalizer.observe("t", &parsed.tape, &parsed.rows, numbers, &mut turn).unwrap();
    normalizer.encode(&parsed.tape, numbers, &mut gather).unwrap();
    normalizer.flush(&mut gather).unwrap();
    gather.0
}

fn tables_of_batch(batch: &RecordBatch) -> BTreeMap<String, Rows> {
    let (mut normalizer, mut turn) = normalizer(schema());
    let mut gather = Gather::default();
    let ids = PositionIds::new("1.0", "t", 0);
    let numbers = RecordNumbers { ids: &ids, first: 0, explicit: None };
    normalizer.columns("t", batch, numbers, &mut turn, &mut gather).unwrap();
    normalizer.flush(&mut gather).unwrap();
    gather.0
}

/// The texts of a column, as they are shown.
fn column(tables: &BTreeMap<String, Rows>, table: &str, column: &str) -> Vec<String> {
    tables[table].iter().filter_map(|row| row.get(column).cloned()).collect()
}

fn shown(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| format!("{text:?}")).collect()
}

/// The text with every character written as an escape.
fn escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// What else stands in the lines decides about the way that they are parsed.
const NEIGHBOURS: [&str; 3] = ["1", "NaN", "123456789012345678901234567890"];

fn check_lines(texts: &[String]) {
    for neighbour in NEIGHBOURS {
        for is_escaped in [false, true] {
            let lines: String = texts
                .iter()
                .map(|text| match is_escaped {
                    true => format!("{{\"n\":{neighbour},\"v\":\"{}\"}}\n", escaped(text)),
                    false => format!("{{\"n\":{neighbour},\"v\":{}}}\n", json!(text)),
                })
                .collect();
            let mut buffers = ParseBuffers::new();
            let parsed = buffers.parse_lines(lines.as_bytes()).unwrap();
            assert_eq!(column(&tables_of(schema(), &parsed), "t", "v"), shown(texts));
            // The same after it was written as typed JSON.
            let mut typed = String::new();
            for row in &parsed.rows {
                write_typed(&mut typed, &parsed.tape, row.node);
                typed.push('\n');
            }
            let mut buffers = ParseBuffers::new();
            let parsed = buffers.parse_typed_lines(typed.as_bytes()).unwrap();
            assert_eq!(column(&tables_of(schema(), &parsed), "t", "v"), shown(texts));
        }
    }
}

fn check_document(texts: &[String]) {
    for neighbour in NEIGHBOURS {
        let items: Vec<String> = texts.iter().map(|text| json!({ "v": text }).to_string()).collect();
        let document = format!("{{\"n\":{neighbour},\"data\":[{}]}}", items.join(","));
        let mut buffers = ParseBuffers::new();
        let select = Select::parse("data").unwrap();
        let parsed = buffers.parse_document(document.as_bytes(), &select).unwrap();
        assert_eq!(column(&tables_of(schema(), &parsed), "t", "v"), shown(texts));
    }
}

fn check_csv(texts: &[String]) {
    let quoted = |text: &String| format!("1,\"{}\"\n", text.replace('"', "\"\""));
    let file = format!("n,v\n{}", texts.iter().map(quoted).collect::<String>());
    let dialect = CsvDialect::default();
    let (table, header) = CsvTable::sniff(&dialect, file.as_bytes()).unwrap();
    let mut buffers = CsvBuffers::default();
    let parsed = table.parse(&file.as_bytes()[header..], &mut buffers);
    assert_eq!(column(&tables_of(schema(), &parsed), "t", "v"), shown(texts));
}

fn check_columns(texts: &[String]) {
    let values: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    let mut lists = ListBuilder::new(StringBuilder::new());
    for text in texts {
        lists.append_value([Some(text)]);
    }
    let lists: ArrayRef = Arc::new(lists.finish());
    let batch = RecordBatch::try_from_iter([("v", values), ("l", lists)]).unwrap();
    let tables = tables_of_batch(&batch);
    assert_eq!(column(&tables, "t", "v"), shown(texts));
    assert_eq!(column(&tables, "t__l", "value"), shown(texts));
    // A record for another parser.
    let lines = batch_lines(&batch).unwrap();
    let mut buffers = ParseBuffers::new();
    let parsed = buffers.parse_typed_lines(&lines).unwrap();
    let texts_of = parsed.rows.iter().map(|row| {
        let node = parsed.tape.member(row.node, "v").unwrap();
        parsed.tape.scalar(node).into_owned()
    });
    assert!(texts_of.eq(texts.iter().map(|text| Scalar::Text(text.clone().into()))));
}

fn check_everywhere(texts: &[String]) {
    check_lines(texts);
    check_document(texts);
    check_csv(texts);
    check_columns(texts);
}

/// Bodies that stand for values behind the tags that the engine uses for itself.
const BODIES: [&str; 9] =
    ["2024-01-02", "1", "x", "NaN", "0xff", "YQ==", "01:02:03", "\u{f026}1", "\u{f02f}\u{f027}1"];

#[test]
fn every_character_may_begin_a_text() {
    // Beyond the first plane some of each hundred; all of them where properties are tested for longer.
    let step = if property_cases(1) > 1 { 1 } else { 31 };
    let beyond = (0x1_0000..=0x10_ffff_u32).step_by(step);
    let all: Vec<char> = (1..0x1_0000).chain(beyond).filter_map(char::from_u32).collect();
    for (index, chars) in all.chunks(16_384).enumerate() {
        // The first text makes the column one of texts.
        let body = BODIES[index % BODIES.len()];
        let texts: Vec<String> =
            std::iter::once("first".to_owned()).chain(chars.iter().map(|c| format!("{c}{body}"))).collect();
        check_everywhere(&texts);
    }
}

#[test]
fn every_tag_may_begin_every_text() {
    let mut texts = vec!["first".to_owned()];
    for tag in ('\u{f000}'..='\u{f0ff}').chain(['\u{e000}', '\u{f8ff}', '\u{feff}', '\u{ff0c}', '\u{10f026}'])
    {
        texts.push(tag.to_string());
        texts.extend(BODIES.map(|body| format!("{tag}{body}")));
        texts.extend(BODIES.map(|body| format!("{tag}{tag}{body}")));
        texts.extend(BODIES.map(|body| format!("{body}{tag}{body}")));
    }
    check_everywhere(&texts);
}

#[test]
fn texts_that_ended_a_run_are_loaded() {
    let texts = ["first", "🧡 love", "🦄", "🪄x", "🫶", "A香", ".香港", "P২Y", "ab🧡", "abc🧡", "é🧡"];
    check_everywhere(&texts.map(str::to_owned));
}

/// Texts that are most like what the engine uses for itself.
fn text() -> impl Strategy<Value = String> {
    let first = prop_oneof![
        2 => prop::char::range('\u{f020}', '\u{f02f}'),
        1 => prop::char::range('\u{f000}', '\u{ffff}'),
        1 => any::<char>(),
    ];
    let body = prop_oneof![prop::sample::select(BODIES.to_vec()).prop_map(str::to_owned), any::<String>()];
    (prop::collection::vec(first, 0..3), body)
        .prop_map(|(first, body)| first.into_iter().collect::<String>() + &body)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(property_cases(256)))]

    #[test]
    fn a_text_is_itself_at_every_position(
        text in text(), other in text(), neighbour in prop::sample::select(NEIGHBOURS.to_vec()),
    ) {
        let record = json!({
            "v": text, "o": {"p": {"q": text}}, "l": [text, {"m": text}, [text]], "j": {"k": [text, {"x": text}]},
        });
        let line = format!("{{\"n\":{neighbour},{}\n", &record.to_string()[1..]);
        let first = json!({"v": "x", "o": {"p": {"q": "x"}}, "l": ["x", {"m": "x"}, ["x"]]});
        let lines = format!("{first}\n{line}{line}");
        let mut known = schema();
        let table = Table::new("t").with_column(Column::typed("j", DataType::Json, true));
        known.tables.insert("t".to_owned(), table.into());
        let mut buffers = ParseBuffers::new();
        let parsed = buffers.parse_lines(lines.as_bytes()).unwrap();
        let tables = tables_of(known, &parsed);
        let expected = ["x", &text, &text].map(|text| format!("{text:?}"));
        for (table, name) in
            [("t", "v"), ("t", "o__p__q"), ("t__l", "value"), ("t__l", "m"), ("t__l__list", "value")]
        {
            prop_assert_eq!(column(&tables, table, name), expected.clone(), "{}.{}", table, name);
        }
        let kept = format!("{:?}", record["j"].to_string());
        prop_assert_eq!(column(&tables, "t", "j"), vec![kept.clone(), kept]);

        // What ids, digests and states are made of does not know that the text was marked.
        let value = json!([text, {"k": other}]);
        let written = value.to_string();
        for bytes in [written.clone(), typed_json(&value).to_string()] {
            let is_typed = bytes != written || typed_json(&value) == value;
            let mut buffers = ParseBuffers::new();
            let parsed = match is_typed {
                true => buffers.parse_typed_value(bytes.as_bytes()),
                false => buffers.parse_value(bytes.as_bytes()),
            };
            let parsed = parsed.unwrap();
            let (mut compact, mut sorted) = (String::new(), String::new());
            write_compact(&mut compact, &parsed.tape, 0);
            write_sorted_node(&mut sorted, &parsed.tape, 0, |_| false);
            prop_assert_eq!(serde_json::from_str::<Value>(&compact).unwrap(), value.clone());
            prop_assert_eq!(compact, sorted);
        }
        let back = typed_json(&json!(text));
        prop_assert_eq!(decode_tagged(back.as_str().unwrap()), Scalar::Text(text.as_str().into()));
    }
}

/// Numbers with more digits than a float holds.
fn declared(data_type: DataType) -> Schema {
    let mut known = schema();
    let table = Table::new("t").with_column(Column::typed("m", data_type, true));
    known.tables.insert("t".to_owned(), table.into());
    known
}

#[test]
fn a_declared_decimal_has_every_digit() {
    let (normalizer, _) = normalizer(declared(DataType::Decimal));
    assert!(normalizer.keeps_literals("t") && !normalizer.keeps_literals("u"));
    let numbers = [
        ("123456789012.123456", "decimal 123456789012123456000"),
        ("12345678901234567890.123456789", "decimal 12345678901234567890123456789"),
        ("0.1", "decimal 100000000"),
        ("1e2", "decimal 100000000000"),
        ("9007199254740993.0", "decimal 9007199254740993000000000"),
        ("9007199254740993", "decimal 9007199254740993000000000"),
        ("-99999999999999999999.9999999995", "decimal -100000000000000000000000000000"),
    ];
    let lines: String =
        numbers.iter().map(|(number, _)| format!("{{\"m\":{number},\"f\":{number}}}\n")).collect();
    let mut buffers = ParseBuffers::new();
    buffers.keep_literals(true);
    let parsed = buffers.parse_lines(lines.as_bytes()).unwrap();
    let tables = tables_of(declared(DataType::Decimal), &parsed);
    assert_eq!(column(&tables, "t", "m"), numbers.map(|(_, decimal)| decimal));
    // A column of floats stays one, as in the reference.
    let floats = ["123456789012.12346", "1.2345678901234567e19", "0.1", "100.0", "9007199254740992.0"];
    assert_eq!(column(&tables, "t", "f")[..5], floats);

    let csv: String = numbers.iter().map(|(number, _)| format!("{number},{number}\n")).collect();
    let csv = format!("m,f\n{csv}");
    let dialect = CsvDialect { infer_types: true, ..CsvDialect::default() };
    let (table, header) = CsvTable::sniff(&dialect, csv.as_bytes()).unwrap();
    let mut buffers = CsvBuffers::default();
    buffers.keep_literals(true);
    let parsed = table.parse(&csv.as_bytes()[header..], &mut buffers);
    let tables = tables_of(declared(DataType::Decimal), &parsed);
    assert_eq!(column(&tables, "t", "m"), numbers.map(|(_, decimal)| decimal));
}
