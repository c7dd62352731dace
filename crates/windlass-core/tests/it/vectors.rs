//! The vectors of `testdata/vectors`, recorded by running dlt 1.31.0.

use std::path::Path;

use serde_json::Value;
use windlass_core::naming::{Convention, Naming};
use windlass_core::schema::{LOADS_TABLE, Schema, VERSION_TABLE, state_table};
use windlass_core::value::{
    Binary, DataType, Decimal, IsoValue, Scalar, Tag, coerce, decode_tagged, encode_tagged, format_date,
    format_time, format_timestamp, is_iso_date, is_iso_timestamp, json_double, parse_iso,
};

fn vectors(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/vectors").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(name: &str) -> Vec<Value> {
    let Value::Array(records) = vectors(name) else { panic!("{name} is a list") };
    records
}

#[test]
fn naming_equals_the_reference() {
    let mut checked = 0;
    for record in list("naming.json") {
        let convention: Convention = record["naming"].as_str().unwrap().parse().unwrap();
        let max_length = record["max_length"].as_u64().map(|length| length as usize);
        let naming = Naming::new(convention, max_length).unwrap();
        let input = record["input"].as_str().unwrap();
        type Operation = fn(&Naming, &str) -> windlass_core::Result<String>;
        let operations: [(&str, Operation); 4] = [
            ("identifier", Naming::identifier),
            ("table", Naming::table_identifier),
            ("path", Naming::path),
            ("tables_path", Naming::tables_path),
        ];
        for (key, operation) in operations {
            let expected = record.get(key).and_then(Value::as_str);
            assert_eq!(operation(&naming, input).ok().as_deref(), expected, "{key} of {record}");
            checked += 1;
        }
    }
    assert_eq!(checked, 11_400);
}

fn iso_text(value: IsoValue) -> (&'static str, String) {
    let mut out = String::new();
    let kind = match value {
        IsoValue::Timestamp(timestamp) => {
            format_timestamp(&mut out, timestamp, 'T');
            "DateTime"
        }
        IsoValue::Date(days) => {
            format_date(&mut out, i64::from(days));
            "Date"
        }
        IsoValue::Time(time) => {
            format_time(&mut out, time);
            "Time"
        }
    };
    (kind, out)
}

#[test]
fn iso_parser_equals_the_reference() {
    let records = list("iso_parse.json");
    assert_eq!(records.len(), 142);
    for record in records {
        let input = record["input"].as_str().unwrap();
        let expected = record["kind"].as_str().map(|kind| (kind, record["iso"].as_str().unwrap().to_owned()));
        assert_eq!(parse_iso(input).map(iso_text), expected, "{record}");
        // The reference detects an offset of 24 h and then fails the load: docs/differences.md.
        if !input.ends_with("+24:00") {
            assert_eq!(is_iso_timestamp(input), record["iso_timestamp"].is_string(), "{record}");
        }
        assert_eq!(is_iso_date(input), record["iso_date"].is_string(), "{record}");
    }
}

/// A value of the coercion vectors: typed JSON, with huge and non-finite numbers spelled out.
fn decode(value: &Value, data_type: DataType) -> Scalar<'static> {
    if let Some(float) = value.get("float").and_then(Value::as_str) {
        return Scalar::Double(float.parse().unwrap());
    }
    if let Some(integer) = value.get("int").and_then(Value::as_str) {
        return Scalar::Wei(Decimal::parse(integer).unwrap());
    }
    match value {
        Value::Null => Scalar::Null,
        Value::Bool(value) => Scalar::Bool(*value),
        Value::Number(number) if number.is_i64() => Scalar::Int(number.as_i64().unwrap()),
        Value::Number(number) => Scalar::Double(number.as_f64().unwrap()),
        Value::String(text) if data_type == DataType::Json => {
            Scalar::Json(serde_json::to_string(text).unwrap().into())
        }
        Value::String(text) => decode_tagged(text).into_owned(),
        nested => Scalar::Json(serde_json::to_string(nested).unwrap().into()),
    }
}

#[test]
fn coercion_equals_the_reference() {
    let records = list("coerce.json");
    assert_eq!(records.len(), 117);
    for record in records {
        let data_type = |key: &str| record[key].as_str().unwrap().parse::<DataType>().unwrap();
        let value = decode(&record["value"], data_type("from"));
        let to = data_type("to");
        let result = coerce(&value, to);
        // Integers past 64 bits stay exact in a variant instead of failing at the destination: docs/differences.md.
        if to == DataType::Bigint && record["result"].get("int").is_some() {
            assert_eq!(result, None, "{record}");
            continue;
        }
        match record.get("result") {
            None => assert_eq!(result, None, "{record}"),
            Some(expected) => {
                let result = result.unwrap_or_else(|| panic!("{record} does not convert"));
                assert_eq!(show(&result), show(&expect(expected, to)), "{record}");
            }
        }
    }
}

fn expect(value: &Value, to: DataType) -> Scalar<'static> {
    match value {
        // Written with its tag alone, which no reader decodes.
        Value::String(tag) if tag == "\u{f02b}" => {
            Scalar::Binary(Binary { bytes: Box::default(), hex: false })
        }
        // A json column holds any JSON value.
        Value::Number(_) | Value::Bool(_) if to == DataType::Json => Scalar::Json(value.to_string().into()),
        value => decode(value, to),
    }
}

fn show(value: &Scalar<'_>) -> String {
    match value {
        Scalar::Double(value) if value.is_nan() => "double NaN".to_owned(),
        Scalar::Double(value) => {
            let mut out = "double ".to_owned();
            json_double(&mut out, *value);
            out
        }
        value => format!("{value:?}"),
    }
}

#[test]
fn typed_strings_have_the_reference_tags() {
    assert_eq!(encode_tagged(Tag::Decimal, "1"), "\u{f026}1");
    assert_eq!(encode_tagged(Tag::Time, "1"), "\u{f02d}1");
}

#[test]
fn hashes_of_whole_documents_equal_the_reference() {
    let records = list("schema_hashes.json");
    let inline: Vec<_> = records.iter().filter(|record| record.get("doc").is_some()).collect();
    assert_eq!(inline.len(), 2);
    for record in inline {
        let mut document = record["doc"].clone();
        // Reading adds the write disposition and the resource that a root table has by default.
        if let Some(Value::Object(table)) = document.pointer_mut("/tables/Z") {
            table.insert("parent".to_owned(), "t".into());
        }
        let schema = Schema::from_json(&document, false).unwrap();
        let mut hashed = schema.to_json();
        if let Some(Value::Object(table)) = hashed.get_mut("tables").and_then(|tables| tables.get_mut("Z")) {
            table.shift_remove("parent");
        }
        let hash = windlass_core::schema::document_hash(&Value::Object(hashed));
        assert_eq!(hash, record["raw_hash"].as_str().unwrap());
    }
}

#[test]
fn a_new_schema_has_the_reference_hash() {
    let naming = Naming::new(Convention::SnakeCase, None).unwrap();
    let mut schema = Schema::new("empty_schema", &naming).unwrap();
    schema.bump();
    assert_eq!(schema.version, Some(1));
    assert_eq!(schema.version_hash.as_deref(), Some("O+2UDeyh6SQFBTOJh+PgNt3SggeNnxCrgy96MCZTJsY="));
}

#[test]
fn system_tables_equal_the_reference() {
    let expected = vectors("system_tables.json");
    let naming = Naming::default();
    let schema = Schema::new("s", &naming).unwrap();
    let json = |name: &str| Value::Object(schema.table(name).unwrap().to_json());
    assert_eq!(json(VERSION_TABLE), expected["version_table"]);
    assert_eq!(json(LOADS_TABLE), expected["loads_table"]);
    assert_eq!(Value::Object(state_table(&naming).unwrap().to_json()), expected["pipeline_state_table"]);
}
