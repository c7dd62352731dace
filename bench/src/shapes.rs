//! `shapes FILE.jsonl`: MB/s on one thread of the shredder (parse, observe, grow, encode to Arrow) and of simd-json's
//! bare parse, on the events of a file and on made-up shapes. Prints one JSON object.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value, json};
use windlass_core::json::ParseBuffers;
use windlass_core::naming::{Convention, Naming};
use windlass_core::normalize::{
    BatchSink, Context, Limits, NormalizeSettings, Normalizer, PositionIds, RecordNumbers, RowFilters,
    SchemaState, TableBatch, TypeDefaults,
};
use windlass_core::schema::{Schema, Table};
use windlass_core::{Error, Result};

/// Bytes of a chunk, as the engine reads them.
const CHUNK: usize = 256 << 10;

/// Bytes of each made-up shape.
const SHAPE_BYTES: usize = 48 << 20;

const ROUNDS: usize = 5;

fn main() -> Result<()> {
    let file = std::env::args().nth(1).ok_or_else(|| Error::config("usage: shapes FILE.jsonl"))?;
    let events = std::fs::read(&file).map_err(|cause| Error::config("no such file").with_source(cause))?;
    let mut results = Map::new();
    let shapes: [(&str, Vec<u8>); 5] = [
        ("events", events),
        ("wide: 300 columns, 40 keys a row in rotating order", fill(wide)),
        ("deep: 6 levels", fill(deep)),
        ("numbers only", fill(numbers)),
        ("long strings", fill(strings)),
    ];
    for (name, data) in shapes {
        let (mut parse, mut shred) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            parse.push(speed(&data, bare_parse)?);
            shred.push(speed(&data, shredder)?);
        }
        results.insert(name.to_owned(), json!({ "parse": median(parse), "shred": median(shred) }));
    }
    let text = Value::Object(results).to_string();
    writeln!(std::io::stdout(), "{text}").map_err(|cause| Error::config("cannot print").with_source(cause))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2].round()
}

/// MB/s of `work` over all chunks.
fn speed(data: &[u8], work: impl Fn(&[&[u8]]) -> Result<()>) -> Result<f64> {
    let chunks = chunks(data);
    let started = Instant::now();
    work(&chunks)?;
    Ok(data.len() as f64 / 1e6 / started.elapsed().as_secs_f64())
}

/// Pieces of whole lines.
fn chunks(data: &[u8]) -> Vec<&[u8]> {
    let mut chunks = Vec::new();
    let mut rest = data;
    while !rest.is_empty() {
        let near = CHUNK.min(rest.len());
        let end = rest[near..].iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| near + at + 1);
        let (chunk, more) = rest.split_at(end);
        chunks.push(chunk);
        rest = more;
    }
    chunks
}

/// What no reader of JSON can be faster than: each chunk as one array, parsed to a tape and thrown away.
fn bare_parse(chunks: &[&[u8]]) -> Result<()> {
    let mut buffers = simd_json::Buffers::new(2 * CHUNK);
    let mut text = Vec::new();
    for chunk in chunks {
        text.clear();
        text.push(b'[');
        text.extend_from_slice(chunk);
        for byte in &mut text {
            if *byte == b'\n' {
                *byte = b',';
            }
        }
        text.pop();
        text.push(b']');
        let tape = simd_json::to_tape_with_buffers(&mut text, &mut buffers);
        tape.map(drop).map_err(|cause| Error::data("not JSON").with_source(cause))?;
    }
    Ok(())
}

/// Takes Arrow batches and drops them.
struct Drain;

impl BatchSink for Drain {
    fn receive(&mut self, _table: &str, _batch: TableBatch) -> Result<()> {
        Ok(())
    }
}

fn shredder(chunks: &[&[u8]]) -> Result<()> {
    let naming = Naming::new(Convention::SnakeCase, Some(65_536))?;
    let mut schema = Schema::new("bench", &naming)?;
    schema.merge_table(Table::new("events"), false)?;
    let settings = NormalizeSettings {
        ctx: Context::new(&schema, naming, TypeDefaults::default(), Limits::default(), "1700000000.0")?,
        filters: RowFilters::new(&schema, naming)?,
        start: schema.clone(),
    };
    let state = Arc::new(SchemaState::new(schema));
    let mut turn = Arc::clone(&state);
    let mut normalizer = Normalizer::new(Arc::new(settings), state);
    let mut buffers = ParseBuffers::new();
    let ids = PositionIds::new("1700000000.0", "events", 0);
    let mut first = 0;
    for chunk in chunks {
        let parsed = buffers.parse_lines(chunk)?;
        let numbers = RecordNumbers { ids: &ids, first, explicit: None };
        normalizer.observe("events", &parsed.tape, &parsed.rows, numbers, &mut turn)?;
        normalizer.encode(&parsed.tape, numbers, &mut Drain)?;
        first += parsed.rows.len() as u64;
        let memory = parsed.into_memory();
        buffers.restore(memory);
    }
    normalizer.flush(&mut Drain)
}

/// Lines until there are enough.
fn fill(line: fn(u64, &mut String)) -> Vec<u8> {
    let mut text = String::with_capacity(SHAPE_BYTES + (64 << 10));
    let mut row = 0;
    while text.len() < SHAPE_BYTES {
        line(row, &mut text);
        text.push('\n');
        row += 1;
    }
    text.into_bytes()
}

/// A number that looks random, the same on every run.
fn noise(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

// Writing to a text cannot fail.
fn wide(row: u64, out: &mut String) {
    let _ = write!(out, "{{\"id\":{row}");
    for key in 0..40 {
        let column = (row * 37 + key * 7) % 300;
        let value = noise(row * 40 + key);
        let _ = match column % 3 {
            0 => write!(out, ",\"column_{column}\":{}", value % 1_000_000),
            1 => write!(out, ",\"column_{column}\":\"v{:x}\"", value % 0xff_ffff),
            _ => write!(out, ",\"column_{column}\":{}.{}", value % 1000, value % 89 + 10),
        };
    }
    out.push('}');
}

fn deep(row: u64, out: &mut String) {
    let n = noise(row);
    let _ = write!(
        out,
        "{{\"id\":{row},\"a\":{{\"x\":{},\"b\":{{\"y\":\"t{:x}\",\"c\":{{\"z\":{},\"d\":{{\"list\":[{{\"e\":{{\"value\":\
         {},\"name\":\"n{}\"}}}},{{\"e\":{{\"value\":{},\"name\":\"m\"}}}}],\"flag\":{}}}}}}}}}}}",
        n % 1000,
        n % 0xffff,
        n % 77,
        n % 9999,
        n % 55,
        n % 31,
        n.is_multiple_of(2)
    );
}

fn numbers(row: u64, out: &mut String) {
    let _ = write!(out, "{{\"id\":{row}");
    for key in 0..16_u64 {
        let n = noise(row * 16 + key);
        let _ = if key % 2 == 0 {
            write!(out, ",\"n{key}\":{}", n % 10_000_000_000)
        } else {
            write!(out, ",\"n{key}\":{}.{:06}", n % 10_000, n % 1_000_000)
        };
    }
    out.push('}');
}

fn strings(row: u64, out: &mut String) {
    let _ = write!(out, "{{\"id\":{row},\"title\":\"A title of row {row}\",\"text\":\"");
    for word in 0..300 {
        let _ = write!(out, "word{} ", noise(row * 300 + word) % 5000);
    }
    out.push_str("with a \\\"quote\\\" and caf\u{e9}\"}");
}
