use std::sync::{Arc, Mutex};

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Decimal128Builder, Float64Builder, Int64Builder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use expect_test::{Expect, expect};

use super::*;

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn batch() -> RecordBatch {
    let (mut j, mut i, mut s) = (StringBuilder::new(), Int64Builder::new(), StringBuilder::new());
    let mut ts = TimestampMicrosecondBuilder::new().with_timezone("UTC");
    let (mut b, mut f, mut t) = (BinaryBuilder::new(), Float64Builder::new(), BooleanBuilder::new());
    let mut d = Decimal128Builder::new().with_precision_and_scale(38, 9).unwrap();
    j.append_value(r#"{"a":1}"#);
    i.append_value(-1);
    s.append_value("a'b\\c,\"q\"\nx");
    ts.append_value(1_704_067_200_000_500);
    b.append_value(b"ab");
    f.append_value(1.5);
    t.append_value(true);
    d.append_value(-1_250_000_000);
    j.append_null();
    i.append_null();
    s.append_value("");
    ts.append_null();
    b.append_value([0xff]);
    f.append_value(f64::NAN);
    t.append_null();
    d.append_value(7);
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(j.finish()),
        Arc::new(i.finish()),
        Arc::new(s.finish()),
        Arc::new(ts.finish()),
        Arc::new(b.finish()),
        Arc::new(f.finish()),
        Arc::new(t.finish()),
        Arc::new(d.finish()),
    ];
    let names = ["j", "i", "s", "ts", "b", "f", "t", "d"];
    let fields: Vec<Field> = names
        .iter()
        .zip(&arrays)
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
        .collect();
    assert_eq!(fields[3].data_type(), &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn write(options: &FileOptions, batches: &[RecordBatch], schema: SchemaRef) -> Vec<u8> {
    let memory = Memory::default();
    let mut writer = create_writer(Box::new(memory.clone()), schema, &["j".to_owned()], options).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    let size = writer.finish().unwrap();
    let bytes = memory.0.lock().unwrap().clone();
    assert_eq!(size, bytes.len() as u64);
    bytes
}

fn check(format: FileFormat, expected: Expect) {
    let options = FileOptions { format, ..FileOptions::default() };
    let batch = batch();
    expected.assert_eq(
        &String::from_utf8(write(&options, std::slice::from_ref(&batch), batch.schema())).unwrap(),
    );
}

#[test]
fn jsonl_leaves_nulls_out_and_json_as_it_is() {
    check(
        FileFormat::Jsonl,
        expect![[r#"
            {"j":{"a":1},"i":-1,"s":"a'b\\c,\"q\"\nx","ts":"2024-01-01T00:00:00.000500+00:00","b":"YWI=","f":1.5,"t":true,"d":"-1.25"}
            {"s":"","b":"/w==","f":null,"d":"0.000000007"}
        "#]],
    );
}

#[test]
fn csv_tells_nulls_from_empty_text() {
    check(
        FileFormat::Csv,
        expect![[r#"
            "j","i","s","ts","b","f","t","d"
            "{""a"":1}",-1,"a'b\c,""q""
            x","2024-01-01 00:00:00.000500+00:00","ab",1.5,True,-1.25
            ,,"",,"\xff",nan,,0.000000007
        "#]],
    );
}

#[test]
fn a_csv_file_without_rows_has_its_header() {
    let options = FileOptions { format: FileFormat::Csv, ..FileOptions::default() };
    let text = String::from_utf8(write(&options, &[], batch().schema())).unwrap();
    assert_eq!(text, "\"j\",\"i\",\"s\",\"ts\",\"b\",\"f\",\"t\",\"d\"\n");
}

#[test]
fn gzip_files_unpack_to_the_same_text() {
    use std::io::Read as _;
    let plain = FileOptions { format: FileFormat::Jsonl, ..FileOptions::default() };
    let gzip = FileOptions { gzip: true, ..plain.clone() };
    assert_eq!(gzip.extension(), "jsonl.gz");
    let batch = batch();
    let packed = write(&gzip, std::slice::from_ref(&batch), batch.schema());
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut text).unwrap();
    assert_eq!(text, write(&plain, std::slice::from_ref(&batch), batch.schema()));
}

#[test]
fn parquet_reads_back() {
    let batch = batch();
    let bytes = write(&FileOptions::default(), &[batch.clone(), batch.clone()], batch.schema());
    let bytes = bytes::Bytes::from(bytes);
    assert_eq!(rows_in_parquet(bytes.clone()).unwrap(), 4);
    let mut reader = parquet_reader(bytes);
    let read = reader.next().unwrap().unwrap();
    assert_eq!(read.num_rows(), 4);
    assert_eq!(read.column(1).slice(0, 2).as_ref(), batch.column(1).as_ref());
}

fn parquet_reader(bytes: bytes::Bytes) -> ::parquet::arrow::arrow_reader::ParquetRecordBatchReader {
    ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap()
}
