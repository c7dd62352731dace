//! CSV as input: rows become records of a tape, with the types that a sample of the file showed.

mod split;

use std::collections::HashMap;

use indexmap::IndexSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};
use crate::json::{
    BadRecord, INVALID_UTF8, Parsed, ParsedRow, SyntaxError, Tape, TapeBuilder, TapeMemory, is_exact,
};

use self::split::{Fields, Found, Marks};
pub use self::split::{complete_records, line_breaks, unclosed_quote};

/// How a CSV file is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CsvDialect {
    /// What stands between values; one ASCII character.
    pub delimiter: char,
    /// What stands around values; one ASCII character.
    pub quote: char,
    /// What takes the meaning of the character behind it, in quotes and outside: one ASCII character such as `\\`. Two
    /// quotes within quotes are one with and without it.
    pub escape: Option<char>,
    /// Whether the first line names the columns; otherwise they are `column0`, `column1` and so on.
    pub header: bool,
    /// Texts that stand for no value, besides nothing at all. An empty text in quotes is a text, but in columns of
    /// numbers and bools.
    pub null_values: Vec<String>,
    /// Whether values get types; otherwise all are text.
    pub infer_types: bool,
}

impl Default for CsvDialect {
    fn default() -> Self {
        Self {
            delimiter: ',',
            quote: '"',
            escape: None,
            header: true,
            null_values: Vec::new(),
            infer_types: true,
        }
    }
}

impl CsvDialect {
    /// Errors: marks that are not ASCII characters, line breaks, or the same.
    pub fn check(&self) -> Result<()> {
        let is_mark = |mark: char| mark.is_ascii() && !matches!(mark, '\n' | '\r');
        let marks = [Some(self.delimiter), Some(self.quote), self.escape];
        let is_right = marks.into_iter().flatten().all(is_mark)
            && self.delimiter != self.quote
            && self.escape != Some(self.delimiter);
        if is_right {
            return Ok(());
        }
        Err(Error::config("delimiter, quote and escape of a csv file are different ASCII characters")
            .with_hint("the escape character may be the quote; none of them is a line break"))
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
    ends: Vec<FieldEnd>,
    records: Vec<Record>,
    memory: Option<TapeMemory>,
    keeps_literals: bool,
}

/// Where a field ends in the text of all fields, and how it is written.
#[derive(Clone, Copy)]
struct FieldEnd {
    at: usize,
    is_quoted: bool,
    /// Whether it stands for no value as it is written, escape characters with it.
    is_null: bool,
}

/// A record of a chunk: its fields by index.
#[derive(Clone, Copy)]
struct Record {
    first: usize,
    count: usize,
    line: u32,
    span: (u32, u32),
}

impl CsvTable {
    /// Finds the columns and their types from the beginning of a file. Also gives the length of the header line.
    ///
    /// A column is an integer, float or bool column if all of its values in the sample are; text otherwise. Errors: a
    /// delimiter, quote or escape that is not ASCII; a header that is not UTF-8.
    pub fn sniff(dialect: &CsvDialect, sample: &[u8]) -> Result<(Self, usize)> {
        dialect.check()?;
        let mut buffers = CsvBuffers::default();
        buffers.read(dialect, sample);
        let Some(first) = buffers.records.first().copied() else {
            return Ok((Self { dialect: dialect.clone(), names: Vec::new(), kinds: Vec::new() }, 0));
        };
        let (names, header, rows) = if dialect.header {
            let mut names: IndexSet<String> = IndexSet::new();
            let mut copies: HashMap<&str, usize> = HashMap::new();
            for index in 0..first.count {
                let name = std::str::from_utf8(buffers.field(first, index)).map_err(|cause| {
                    Error::of(Code::NotText, "the header of a csv file is not UTF-8").with_source(cause)
                })?;
                let mut unique = name.to_owned();
                let copy = copies.entry(name).or_default();
                while names.contains(&unique) {
                    *copy += 1;
                    unique = format!("{name}.{copy}");
                }
                names.insert(unique);
            }
            (names.into_iter().collect::<Vec<_>>(), first.span.1 as usize, &buffers.records[1..])
        } else {
            ((0..first.count).map(|index| format!("column{index}")).collect(), 0, &buffers.records[..])
        };
        let mut kinds = vec![if dialect.infer_types { Kind::Unknown } else { Kind::Text }; names.len()];
        for record in rows {
            for (index, kind) in kinds.iter_mut().enumerate().take(record.count) {
                let value = std::str::from_utf8(buffers.field(*record, index)).unwrap_or("\u{fffd}");
                if !value.is_empty() && !is_null(dialect, value, buffers.written(*record, index)) {
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
            if std::str::from_utf8(buffers.text(record.first, record.count)).is_err() {
                bad.push(refuse(INVALID_UTF8.to_owned()));
                continue;
            }
            rows.push(ParsedRow { node: tape.position(), ordinal: record.line });
            tape.open_object();
            for index in 0..record.count {
                // The record as a whole is UTF-8; a field could still begin or end within a character.
                let Ok(value) = std::str::from_utf8(buffers.field(*record, index)) else { continue };
                tape.key(&self.names[index]);
                let kind = self.kinds[index];
                let written = buffers.written(*record, index);
                // An empty text in quotes is none where texts are not at home.
                let is_none = value.is_empty() && !matches!(kind, Kind::Text | Kind::Unknown);
                if is_none || is_null(&self.dialect, value, written) {
                    tape.null();
                } else {
                    self.value(&mut tape, kind, value, buffers.keeps_literals);
                }
            }
            tape.close();
        }
        Parsed { tape: tape.finish(), rows, bad }
    }

    /// Adds a value with the type of its column; one that is not of that type stays text, and the engine finds a place
    /// for it.
    fn value<'a>(&self, tape: &mut TapeBuilder<'a>, column: Kind, value: &'a str, keeps_literals: bool) {
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

fn is_null(dialect: &CsvDialect, value: &str, written: FieldEnd) -> bool {
    (value.is_empty() && !written.is_quoted)
        || written.is_null
        || dialect.null_values.iter().any(|null| null == value)
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
        self.text(record.first + index, 1)
    }

    /// The text of so many fields.
    fn text(&self, first: usize, count: usize) -> &[u8] {
        let end_of = |index: usize| self.ends.get(index).map_or(0, |end| end.at);
        let start = first.checked_sub(1).map_or(0, end_of);
        self.fields.get(start..(first + count).checked_sub(1).map_or(0, end_of)).unwrap_or_default()
    }

    fn written(&self, record: Record, index: usize) -> FieldEnd {
        self.ends[record.first + index]
    }

    /// Splits a text into records and fields. A last record without line break counts as well; one whose quote is not
    /// closed does not, see [`unclosed_quote`].
    fn read(&mut self, dialect: &CsvDialect, bytes: &[u8]) {
        self.records.clear();
        self.fields.clear();
        self.ends.clear();
        let marks = Marks::of(dialect);
        let nulls = if dialect.escape.is_some() { dialect.null_values.as_slice() } else { &[] };
        let (mut at, mut counted, mut line) = (0, 0, 0);
        loop {
            let first = self.ends.len();
            let mut fields = Collected { fields: &mut self.fields, ends: &mut self.ends, nulls };
            let Found::Record { start, end } = marks.next(bytes, at, true, &mut fields) else { break };
            line += line_breaks(bytes.get(counted..start).unwrap_or_default()) as u32;
            let count = self.ends.len() - first;
            self.records.push(Record { first, count, line, span: (start as u32, end as u32) });
            counted = start;
            at = end;
        }
    }
}

/// Fields that are put one behind the other.
struct Collected<'a> {
    fields: &'a mut Vec<u8>,
    ends: &'a mut Vec<FieldEnd>,
    /// What stands for no value where it is written so, such as `\N`.
    nulls: &'a [String],
}

impl Fields for Collected<'_> {
    fn text(&mut self, piece: &[u8]) {
        self.fields.extend_from_slice(piece);
    }

    fn end(&mut self, is_quoted: bool, raw: &[u8]) {
        let is_null = !is_quoted && self.nulls.iter().any(|null| null.as_bytes() == raw);
        self.ends.push(FieldEnd { at: self.fields.len(), is_quoted, is_null });
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
    fn lines_are_counted_whatever_ends_them() {
        for end in ["\n", "\r\n", "\r"] {
            let (rows, _) = check(&["a", "1", "", "\"x", "y\"", "2", "3,4", "5"].join(end));
            let text = format!("x{end}y").replace('\r', "\\r").replace('\n', "\\n");
            let expected =
                [r#"0 {"a":"1"}"#, &format!("2 {{\"a\":\"{text}\"}}"), r#"4 {"a":"2"}"#, r#"6 {"a":"5"}"#];
            assert_eq!(rows, expected, "{end:?}");
        }
    }

    #[test]
    fn an_empty_text_in_quotes_is_no_null() {
        let (rows, _) = check("t,i,u,b\nx,1,,true\n\"\",\"\",\"\",\"\"\n,,,\n");
        assert_eq!(
            rows,
            [
                r#"0 {"t":"x","i":1,"u":null,"b":true}"#,
                r#"1 {"t":"","i":null,"u":"","b":null}"#,
                r#"2 {"t":null,"i":null,"u":null,"b":null}"#,
            ]
        );
    }

    #[test]
    fn an_escaped_null_is_told_from_a_text() {
        let dialect =
            CsvDialect { escape: Some('\\'), null_values: vec!["\\N".to_owned()], ..CsvDialect::default() };
        let text = b"a,b\n\\N,\"\\N\"\nx\\,y,\"1\\\"2\"\n";
        let (table, header) = CsvTable::sniff(&dialect, text).unwrap();
        let mut buffers = CsvBuffers::default();
        let parsed = table.parse(&text[header..], &mut buffers);
        let mut out = String::new();
        parsed.rows.iter().for_each(|row| write_compact(&mut out, &parsed.tape, row.node));
        assert_eq!(out, r#"{"a":null,"b":"N"}{"a":"x,y","b":"1\"2"}"#);
    }

    #[test]
    fn an_empty_file_has_no_columns() {
        let (table, header) = CsvTable::sniff(&CsvDialect::default(), b"").unwrap();
        assert!(table.names().is_empty() && header == 0);
    }
}
