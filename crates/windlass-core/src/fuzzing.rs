//! Entry points of the fuzz targets: each takes any bytes and checks what holds for all of them. They panic where a
//! promise is broken, which is what a fuzzer looks for.

use crate::csv::{CsvBuffers, CsvDialect, CsvTable};
use crate::document::{Document, DocumentFormat};
use crate::json::{LineIndex, ParseBuffers, Parsed, ParsedRow, sanitize, write_compact, write_typed};
use crate::naming::{Convention, Naming};
use crate::normalize::SchemaState;
use crate::package::{Checkpoint, Journal, PackageManifest};
use crate::schema::{Schema, parse_document};
use crate::state::State;
use crate::value::{Decimal, Scalar, decode_tagged, escape_text};

fn text_of(parsed: &Parsed<'_>, row: &ParsedRow) -> String {
    let mut text = String::new();
    write_compact(&mut text, &parsed.tape, row.node);
    text
}

/// Bytes as JSON lines: the whole chunk gives the records and the bad ones that each line gives on its own.
pub fn parse(bytes: &[u8]) {
    let mut lines = LineIndex::default();
    lines.fill(bytes);
    let mut buffers = ParseBuffers::new();
    let Ok(parsed) = buffers.parse_lines(bytes) else { return };
    let all: Vec<String> = parsed.rows.iter().map(|row| text_of(&parsed, row)).collect();
    let bad = parsed.bad.len();
    assert_eq!(all.len() + bad, lines.lines.len(), "every line is a record or a bad one");
    let memory = parsed.into_memory();
    buffers.restore(memory);
    let mut alone = Vec::new();
    let mut refused = 0;
    for line in &lines.lines {
        let Some(text) = bytes.get(line.start as usize..line.end as usize) else { continue };
        let Ok(parsed) = buffers.parse_lines(text) else { return };
        alone.extend(parsed.rows.iter().map(|row| text_of(&parsed, row)));
        refused += parsed.bad.len();
        let is_valid = sanitize(text, &mut Vec::new()).is_ok();
        assert_eq!(is_valid, parsed.bad.is_empty(), "both parsers agree on what JSON is");
        let memory = parsed.into_memory();
        buffers.restore(memory);
    }
    assert_eq!((all, bad), (alone, refused), "a line means the same alone and among others");
}

/// Bytes as a text and as a number: a text is itself at every place and after every way of writing it, and a number
/// keeps its digits.
pub fn texts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let expected = Scalar::Text(text.as_ref().into());
    let number = text.trim();
    let is_number = serde_json::from_str::<serde_json::Number>(number).is_ok();
    let raw = serde_json::Value::from(text.as_ref()).to_string();
    let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    for other in ["1", "NaN", if is_number { number } else { "1e400" }] {
        for written in [&raw, &format!("\"{escaped}\"")] {
            let line = format!("{{\"n\":{other},\"v\":[{written},{{\"v\":{written}}}]}}");
            let mut buffers = ParseBuffers::new();
            buffers.keep_literals(is_number);
            let Ok(parsed) = buffers.parse_lines(line.as_bytes()) else { return };
            let mut typed = String::new();
            write_typed(&mut typed, &parsed.tape, 1);
            let first = kept(&parsed, &expected, other);
            let mut buffers = ParseBuffers::new();
            buffers.keep_literals(is_number);
            let Ok(parsed) = buffers.parse_typed_lines(typed.as_bytes()) else { return };
            assert_eq!(kept(&parsed, &expected, other), first, "typed JSON is the same value: {typed}");
        }
    }
    assert_eq!(decode_tagged(&escape_text(&text)), expected, "a marked text is itself");
}

/// The value under `n`; what stands under `v` must be the text.
fn kept(parsed: &Parsed<'_>, expected: &Scalar<'_>, number: &str) -> String {
    let tape = &parsed.tape;
    let Some(row) = parsed.rows.first() else { return String::new() };
    let list = tape.member(row.node, "v");
    let texts: Vec<_> = list.into_iter().flat_map(|list| tape.elements(list)).collect();
    let inner = texts.last().and_then(|object| tape.member(*object, "v"));
    for node in texts.first().copied().into_iter().chain(inner) {
        assert_eq!(tape.scalar(node), *expected, "a text is itself");
    }
    let Some(node) = tape.member(row.node, "n") else { return String::new() };
    match (tape.literal(node), Decimal::parse(number)) {
        (Some(literal), Some(exact)) => {
            let order = Decimal::parse(literal).and_then(|literal| literal.compare(&exact));
            assert!(order.is_none_or(|order| order.is_eq()), "{literal} is {number}");
            literal.to_owned()
        }
        _ => text_of(parsed, &ParsedRow { node, ordinal: 0 }),
    }
}

/// Bytes as CSV: any header, then rows; cutting at the end of a record changes nothing.
pub fn csv(bytes: &[u8]) {
    let dialect = CsvDialect::default();
    let Ok((table, start)) = CsvTable::sniff(&dialect, bytes) else { return };
    let rows = bytes.get(start..).unwrap_or_default();
    let text = |rows: &[u8], buffers: &mut CsvBuffers| -> (Vec<String>, usize) {
        let parsed = table.parse(rows, buffers);
        let records = parsed.rows.iter().map(|row| text_of(&parsed, row)).collect();
        let result = (records, parsed.bad.len());
        let memory = parsed.into_memory();
        buffers.restore(memory);
        result
    };
    let mut buffers = CsvBuffers::default();
    let (all, bad) = text(rows, &mut buffers);
    let half = crate::csv::complete_records(&dialect, rows.get(..rows.len() / 2).unwrap_or_default());
    let (head, tail) = rows.split_at(half);
    let (mut pieces, bad_head) = text(head, &mut buffers);
    let (rest, bad_tail) = text(tail, &mut buffers);
    pieces.extend(rest);
    assert_eq!((all, bad), (pieces, bad_head + bad_tail), "cutting between records changes nothing");
}

/// Any text as a name: the result is one that stays as it is, and no longer than it may be.
pub fn naming(text: &str) {
    for convention in [
        Convention::SnakeCase,
        Convention::DuckCase,
        Convention::Direct,
        Convention::SqlCsV1,
        Convention::SqlCiV1,
    ] {
        for length in [None, Some(20)] {
            let Ok(naming) = Naming::new(convention, length) else { continue };
            let Ok(name) = naming.identifier(text) else { continue };
            assert!(length.is_none_or(|length| name.chars().count() <= length), "{name} is too long");
            // The SQL conventions of the reference leave nothing of some names.
            if length.is_none() && !name.is_empty() {
                assert_eq!(naming.identifier(&name).ok(), Some(name), "a normalized name is stable");
            }
        }
    }
}

/// Any bytes as the files that a run leaves and finds again, and as what people write.
pub fn manifest(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(manifest) = serde_json::from_str::<PackageManifest>(text) {
        let again = serde_json::to_string(&manifest).map(|text| serde_json::from_str(&text));
        assert!(matches!(again, Ok(Ok(again)) if manifest == again), "a manifest is read as it was written");
    }
    if let Ok(checkpoint) = serde_json::from_str::<Checkpoint>(text)
        && let Ok(schema) = Schema::new("fuzz", &Naming::default())
    {
        drop(SchemaState::from_json(&checkpoint.schema, &schema));
    }
    let journal = Journal::replay(text);
    let cut = text.rfind('\n').map_or(0, |end| end + 1);
    assert_eq!(Journal::replay(&text[..cut]), journal, "a line that was cut off counts as not written");
    drop(State::decode(text));
    drop(parse_document(text, "fuzz"));
    drop(Document::parse(text, DocumentFormat::Yaml, "fuzz.yaml"));
    drop(Document::parse(text, DocumentFormat::Toml, "fuzz.toml"));
}
