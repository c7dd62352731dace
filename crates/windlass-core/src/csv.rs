//! CSV as input: rows become records of a tape, with the types that a sample of the file showed.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::json::{BadRecord, Parsed, ParsedRow, SyntaxError, Tape, TapeBuilder, TapeMemory, is_exact};

/// How a CSV file is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CsvDialect {
    /// What stands between values; one ASCII character.
    pub delimiter: char,
    /// What stands around values; one ASCII character.
    pub quote: char,
    /// Whether the first line names the columns; otherwise they are `column0`, `column1` and so on.
    pub header: bool,
    /// Texts that stand for no value, besides nothing at all.
    pub null_values: Vec<String>,
    /// Whether values get types; otherwise all are text.
    pub infer_types: bool,
}

impl Default for CsvDialect {
    fn default() -> Self {
        Self { delimiter: ',', quote: '"', header: true, null_values: Vec::new(), infer_types: true }
    }
}

/// What the values of a column look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// No value was seen.
    Unknown,
    Int,
    Double,
    Bool,
    Text,
}

/// The columns of a CSV file.
#[derive(Clone, Debug)]
pub struct CsvTable {
    dialect: CsvDialect,
    names: Vec<String>,
    kinds: Vec<Kind>,
}

/// Memory of the CSV parser, reused from chunk to chunk.
#[derive(Default)]
pub struct CsvBuffers {
    fields: Vec<u8>,
    /// End of each field in `fields`.
    ends: Vec<usize>,
    records: Vec<Record>,
    memory: Option<TapeMemory>,
    keeps_literals: bool,
}

/// A record of a chunk: its fields by index.
#[derive(Clone, Copy)]
struct Record {
    first: usize,
    count: usize,
    line: u32,
    span: (u32, u32),
}

fn reader(dialect: &CsvDialect) -> Reader {
    ReaderBuilder::new().delimiter(dialect.delimiter as u8).quote(dialect.quote as u8).build()
}

/// The length of the part of `bytes` that is whole records: up to and with the last line break outside of quotes.
pub fn complete_records(dialect: &CsvDialect, bytes: &[u8]) -> usize {
    let (quote, delimiter) = (dialect.quote as u8, dialect.delimiter as u8);
    let mut is_quoted = false;
    let mut doubled = None;
    let mut end = 0;
    for at in memchr::memchr2_iter(quote, b'\n', bytes) {
        if bytes[at] != quote {
            if !is_quoted {
                end = at + 1;
            }
        } else if doubled == Some(at) {
            // The second of two quotes within a quoted value.
        } else if is_quoted {
            if bytes.get(at + 1) == Some(&quote) {
                doubled = Some(at + 1);
            } else {
                is_quoted = false;
            }
        } else {
            // A quote opens a value only where one begins; anywhere else it is a character like any other.
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            is_quoted = before.is_none_or(|byte| [delimiter, b'\n', b'\r'].contains(byte));
        }
    }
    end
}

impl CsvTable {
    /// Finds the columns and their types from the beginning of a file. Also gives the length of the header line.
    ///
    /// A column is an integer, float or bool column if all of its values in the sample are; text otherwise. Errors: a
    /// delimiter or quote that is not ASCII; a header that is not UTF-8.
    pub fn sniff(dialect: &CsvDialect, sample: &[u8]) -> Result<(Self, usize)> {
        if !dialect.delimiter.is_ascii() || !dialect.quote.is_ascii() || dialect.delimiter == dialect.quote {
            return Err(Error::config(
                "delimiter and quote of a csv file are two different ASCII characters",
            ));
        }
        let mut buffers = CsvBuffers::default();
        buffers.read(dialect, sample);
        let Some(first) = buffers.records.first().copied() else {
            return Ok((Self { dialect: dialect.clone(), names: Vec::new(), kinds: Vec::new() }, 0));
        };
        let (names, header, rows) = if dialect.header {
            let mut names: Vec<String> = Vec::new();
            for index in 0..first.count {
                let name = std::str::from_utf8(buffers.field(first, index)).map_err(|cause| {
                    Error::data("the header of a csv file is not UTF-8").with_source(cause)
                })?;
                let mut unique = name.to_owned();
                let mut copy = 0;
                while names.contains(&unique) {
                    copy += 1;
                    unique = format!("{name}.{copy}");
                }
                names.push(unique);
            }
            (names, first.span.1 as usize, &buffers.records[1..])
        } else {
            ((0..first.count).map(|index| format!("column{index}")).collect(), 0, &buffers.records[..])
        };
        let mut kinds = vec![if dialect.infer_types { Kind::Unknown } else { Kind::Text }; names.len()];
        for record in rows {
            for (index, kind) in kinds.iter_mut().enumerate().take(record.count) {
                let value = std::str::from_utf8(buffers.field(*record, index)).unwrap_or("\u{fffd}");
                if !is_null(dialect, value) {
                    *kind = kind.with(Kind::of(value));
                }
            }
        }
        Ok((Self { dialect: dialect.clone(), names, kinds }, header))
    }

    /// Names of the columns.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Parses a chunk of whole records without header. Rows with too many values are bad; missing ones are null.
    pub fn parse<'a>(&'a self, bytes: &[u8], buffers: &'a mut CsvBuffers) -> Parsed<'a> {
        buffers.read(&self.dialect, bytes);
        let former = buffers.memory.take().map_or_else(Tape::empty, TapeMemory::into_tape);
        let buffers = &*buffers;
        let (mut rows, mut bad) = (Vec::with_capacity(buffers.records.len()), Vec::new());
        let mut tape = TapeBuilder::new(former);
        for record in &buffers.records {
            let refuse = |message: String| BadRecord {
                ordinal: record.line,
                span: record.span,
                error: SyntaxError { at: 0, message },
            };
            if record.count > self.names.len() {
                bad.push(refuse(format!("{} values in {} columns", record.count, self.names.len())));
                continue;
            }
            let start = record.first.checked_sub(1).map_or(0, |before| buffers.ends[before]);
            let end = buffers.ends[record.first + record.count - 1];
            if std::str::from_utf8(&buffers.fields[start..end]).is_err() {
                bad.push(refuse("invalid UTF-8".to_owned()));
                continue;
            }
            rows.push(ParsedRow { node: tape.position(), ordinal: record.line });
            tape.open_object();
            for index in 0..record.count {
                // The record as a whole is UTF-8; a field could still begin or end within a character.
                let Ok(value) = std::str::from_utf8(buffers.field(*record, index)) else { continue };
                tape.key(&self.names[index]);
                self.value(&mut tape, self.kinds[index], value, buffers.keeps_literals);
            }
            tape.close();
        }
        Parsed { tape: tape.finish(), rows, bad }
    }

    /// Adds a value with the type of its column; one that is not of that type stays text, and the engine finds a place
    /// for it.
    fn value<'a>(&self, tape: &mut TapeBuilder<'a>, column: Kind, value: &'a str, keeps_literals: bool) {
        if is_null(&self.dialect, value) {
            return tape.null();
        }
        let own = Kind::of(value);
        let kind = if column == Kind::Unknown && self.dialect.infer_types { own } else { column };
        match (kind, own) {
            (Kind::Int, Kind::Int) => match value.parse() {
                Ok(value) => tape.int(value),
                Err(_) => tape.text(value),
            },
            (Kind::Double, Kind::Int | Kind::Double) => match value.parse() {
                Ok(double) if keeps_literals && !is_exact(value) => tape.literal(double, value),
                Ok(double) => tape.double(double),
                Err(_) => tape.text(value),
            },
            (Kind::Bool, Kind::Bool) => tape.bool(value.eq_ignore_ascii_case("true")),
            _ => tape.text(value),
        }
    }
}

fn is_null(dialect: &CsvDialect, value: &str) -> bool {
    value.is_empty() || dialect.null_values.iter().any(|null| null == value)
}

impl Kind {
    /// What one value looks like. A number with leading zeros is text, for its zeros mean something.
    fn of(value: &str) -> Self {
        let digits = value.strip_prefix('-').unwrap_or(value);
        let bytes = digits.as_bytes();
        let has_leading_zero = bytes.len() > 1 && bytes[0] == b'0' && bytes[1].is_ascii_digit();
        if !bytes.first().is_some_and(u8::is_ascii_digit) || has_leading_zero {
            let is_bool = value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false");
            return if is_bool { Self::Bool } else { Self::Text };
        }
        if bytes.iter().all(u8::is_ascii_digit) {
            return if value.parse::<i64>().is_ok() { Self::Int } else { Self::Text };
        }
        let is_number = bytes.iter().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(byte));
        let is_double = is_number && value.parse::<f64>().is_ok_and(f64::is_finite);
        if is_double { Self::Double } else { Self::Text }
    }

    /// What a column looks like that has both.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, kind) | (kind, Self::Unknown) => kind,
            (a, b) if a == b => a,
            (Self::Int, Self::Double) | (Self::Double, Self::Int) => Self::Double,
            _ => Self::Text,
        }
    }
}

impl CsvBuffers {
    /// Whether the tape is to hold the texts of numbers that a float does not hold exactly.
    pub fn keep_literals(&mut self, keep: bool) {
        self.keeps_literals = keep;
    }

    /// Takes back the memory of a tape.
    pub fn restore(&mut self, memory: TapeMemory) {
        self.memory = Some(memory);
    }

    fn field(&self, record: Record, index: usize) -> &[u8] {
        let at = record.first + index;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.fields[start..self.ends[at]]
    }

    /// Splits a text into records and fields. A last record without line break counts as well.
    fn read(&mut self, dialect: &CsvDialect, bytes: &[u8]) {
        self.records.clear();
        self.fields.clear();
        self.fields.resize(bytes.len() + 16, 0);
        // A record of n fields takes at least n - 1 bytes.
        self.ends.clear();
        self.ends.resize(bytes.len() + 2, 0);
        let mut reader = reader(dialect);
        let (mut input, mut output, mut first) = (0, 0, 0);
        let mut line = 0;
        let mut start = 0;
        let mut ends_in_record = 0;
        let base_of = |ends: &[usize], first: usize| first.checked_sub(1).map_or(0, |before| ends[before]);
        loop {
            let (result, read, written, fields) = reader.read_record(
                &bytes[input..],
                &mut self.fields[output..],
                &mut self.ends[first + ends_in_record..],
            );
            let base = base_of(&self.ends, first);
            // The parser counts from the start of the record; here fields of all records stand in one buffer.
            for end in &mut self.ends[first + ends_in_record..first + ends_in_record + fields] {
                *end += base;
            }
            input += read;
            output += written;
            ends_in_record += fields;
            match result {
                ReadRecordResult::Record => {
                    let lines = memchr::memchr_iter(b'\n', &bytes[start..input]).count() as u32;
                    let record =
                        Record { first, count: ends_in_record, line, span: (start as u32, input as u32) };
                    self.records.push(record);
                    line += lines;
                    first += ends_in_record;
                    ends_in_record = 0;
                    start = input;
                }
                ReadRecordResult::InputEmpty if input < bytes.len() => {}
                // Once more with nothing, which ends a record without line break.
                ReadRecordResult::InputEmpty => {
                    if ends_in_record == 0 && start >= bytes.len() {
                        break;
                    }
                    if input == bytes.len() && read == 0 {
                        break;
                    }
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull | ReadRecordResult::End => {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::write_compact;

    fn check(text: &str) -> (Vec<String>, Vec<(u32, String)>) {
        let (table, header) = CsvTable::sniff(&CsvDialect::default(), text.as_bytes()).unwrap();
        let mut buffers = CsvBuffers::default();
        let parsed = table.parse(&text.as_bytes()[header..], &mut buffers);
        let rows = parsed.rows.iter().map(|row| {
            let mut out = format!("{} ", row.ordinal);
            write_compact(&mut out, &parsed.tape, row.node);
            out
        });
        (rows.collect(), parsed.bad.iter().map(|bad| (bad.ordinal, bad.error.message.clone())).collect())
    }

    #[test]
    fn types_come_from_all_values_of_the_sample() {
        let (rows, _) = check("i,f,b,z,m,n\n1,1,true,007,1,\n-2,1.5,False,8,x,\n");
        assert_eq!(
            rows,
            [
                r#"0 {"i":1,"f":1.0,"b":true,"z":"007","m":"1","n":null}"#,
                r#"1 {"i":-2,"f":1.5,"b":false,"z":"8","m":"x","n":null}"#,
            ]
        );
    }

    #[test]
    fn quotes_hold_delimiters_quotes_and_line_breaks() {
        let (rows, bad) = check("a,b\r\n\"x,\"\"y\"\"\nz\",1\r\nlast,2");
        assert_eq!(rows, [r#"0 {"a":"x,\"y\"\nz","b":1}"#, r#"2 {"a":"last","b":2}"#]);
        assert_eq!(bad, []);
    }

    #[test]
    fn short_rows_have_nulls_and_long_rows_are_bad() {
        let (rows, bad) = check("a,b,a\n1\n1,2,3,4\n5,6,7\n");
        assert_eq!(rows, [r#"0 {"a":1}"#, r#"2 {"a":5,"b":6,"a.1":7}"#]);
        assert_eq!(bad, [(1, "4 values in 3 columns".to_owned())]);
    }

    #[test]
    fn chunks_end_at_line_breaks_outside_of_quotes() {
        let dialect = CsvDialect::default();
        assert_eq!(complete_records(&dialect, b"a,b\n1,\"x\ny"), 4);
        assert_eq!(complete_records(&dialect, b"1,\"x\ny\"\n2"), 8);
        assert_eq!(complete_records(&dialect, b"1,2"), 0);
        // A quote within a value is a character like any other.
        assert_eq!(complete_records(&dialect, b"5\" pipe\n1,\"x\ny"), 8);
    }

    #[test]
    fn an_empty_file_has_no_columns() {
        let (table, header) = CsvTable::sniff(&CsvDialect::default(), b"").unwrap();
        assert!(table.names().is_empty() && header == 0);
    }
}
