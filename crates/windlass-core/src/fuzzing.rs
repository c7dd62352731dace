//! Entry points of the fuzz targets: each takes any bytes and checks what holds for all of them. They panic where a
//! promise is broken, which is what a fuzzer looks for.

use crate::csv::{CsvBuffers, CsvDialect, CsvTable, complete_records, line_breaks, unclosed_quote};
use crate::document::{Document, DocumentFormat};
use crate::json::{
    LineIndex, ListSplitter, ParseBuffers, Parsed, ParsedRow, Select, sanitize, write_compact, write_typed,
};
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
            assert!(order.is_none_or(std::cmp::Ordering::is_eq), "{literal} is {number}");
            literal.to_owned()
        }
        _ => text_of(parsed, &ParsedRow { node, ordinal: 0 }),
    }
}

/// Bytes as CSV: any header, then rows; cutting where records are complete changes neither them nor their lines. The
/// first byte decides whether there is an escape character.
pub fn csv(bytes: &[u8]) {
    let (has_escape, bytes) = match bytes.split_first() {
        Some((first, rest)) => (first % 2 == 1, rest),
        None => return,
    };
    let dialect = CsvDialect { escape: has_escape.then_some('\\'), ..CsvDialect::default() };
    let Ok((table, start)) = CsvTable::sniff(&dialect, bytes) else { return };
    let rows = bytes.get(start..).unwrap_or_default();
    let text = |rows: &[u8], line: usize, buffers: &mut CsvBuffers| -> Vec<String> {
        let parsed = table.parse(rows, buffers);
        let of_row = |row: &ParsedRow| (row.ordinal as usize + line, text_of(&parsed, row));
        let mut all: Vec<(usize, String)> = parsed.rows.iter().map(of_row).collect();
        all.extend(parsed.bad.iter().map(|bad| (bad.ordinal as usize + line, bad.error.message.clone())));
        all.sort();
        assert!(
            all.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0)),
            "each record has a line of its own"
        );
        let memory = parsed.into_memory();
        buffers.restore(memory);
        all.into_iter().map(|(line, text)| format!("{line} {text}")).collect()
    };
    let mut buffers = CsvBuffers::default();
    let all = text(rows, 0, &mut buffers);
    let mut pieces = Vec::new();
    let (mut at, mut line) = (0, 0);
    for cut in [rows.len() / 3, rows.len() / 2, rows.len()] {
        let whole = complete_records(&dialect, rows.get(at..cut.max(at)).unwrap_or_default());
        let piece = rows.get(at..at + whole).unwrap_or_default();
        assert!(unclosed_quote(&dialect, piece).is_none(), "whole records leave no quote open");
        pieces.extend(text(piece, line, &mut buffers));
        line += line_breaks(piece);
        at += whole;
    }
    let rest = rows.get(at..).unwrap_or_default();
    pieces.extend(text(rest, line, &mut buffers));
    assert_eq!(all, pieces, "cutting between records changes nothing");
    assert_eq!(
        unclosed_quote(&dialect, rows).is_some(),
        unclosed_quote(&dialect, rest).is_some(),
        "the last piece tells"
    );
}

/// Bytes as a list of records: its elements are those of the document, however it is cut; what is no list is refused.
pub fn list(bytes: &[u8]) {
    let split = |size: usize| {
        let mut splitter = ListSplitter::default();
        let mut lines = Vec::new();
        for piece in bytes.chunks(size.max(1)) {
            splitter.feed(piece)?;
            lines.extend_from_slice(&splitter.take().text);
        }
        splitter.finish().map(|()| lines)
    };
    let whole = split(bytes.len());
    for size in [1, 2, 3, 7] {
        assert_eq!(whole, split(size), "cutting changes nothing");
    }
    let is_list = bytes.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) == Some(&b'[');
    let is_valid = is_list && sanitize(bytes, &mut Vec::new()).is_ok();
    let mut buffers = ParseBuffers::new();
    let Ok(lines) = whole else {
        assert!(!is_valid, "a list is taken for none");
        return;
    };
    let Ok(parsed) = buffers.parse_lines(&lines) else { return };
    assert_eq!(is_list && parsed.bad.is_empty(), is_valid, "what is no JSON is refused");
    if is_valid {
        let elements: Vec<String> = parsed.rows.iter().map(|row| text_of(&parsed, row)).collect();
        let mut buffers = ParseBuffers::new();
        let Ok(parsed) = buffers.parse_document(bytes, &Select::default()) else { return };
        let records: Vec<String> = parsed.rows.iter().map(|row| text_of(&parsed, row)).collect();
        assert_eq!(elements, records, "the elements are those of the document");
    }
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
        && let Some(grown) = &checkpoint.made.schema
    {
        drop(SchemaState::from_json(grown, &schema));
    }
    let journal = Journal::replay(text);
    let cut = text.rfind('\n').map_or(0, |end| end + 1);
    assert_eq!(Journal::replay(&text[..cut]), journal, "a line that was cut off counts as not written");
    drop(State::decode(text));
    drop(parse_document(text, "fuzz"));
    drop(Document::parse(text, DocumentFormat::Yaml, "fuzz.yaml"));
    drop(Document::parse(text, DocumentFormat::Toml, "fuzz.toml"));
}
