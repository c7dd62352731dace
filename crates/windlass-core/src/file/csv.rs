//! Comma separated values: a header, text in quotes, numbers without, nulls as nothing at all.

use std::fmt::Write as _;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TextEncoder;
use super::scalar_text::{Kind, TextColumn};
use crate::error::{Error, Result};
use crate::value::python_double;

/// Which values stand in quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CsvQuoting {
    /// All that are not numbers.
    #[default]
    QuoteNeeded,
    /// All.
    QuoteAll,
    /// Those that would be misread without.
    QuoteMinimal,
    /// None; a value that would need them is an error.
    QuoteNone,
}

/// How csv files are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CsvOptions {
    /// What stands between values.
    pub delimiter: char,
    /// Whether the first line names the columns.
    pub include_header: bool,
    /// Which values stand in quotes.
    pub quoting: CsvQuoting,
    /// What ends a line.
    pub lineterminator: String,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            delimiter: ',',
            include_header: true,
            quoting: CsvQuoting::default(),
            lineterminator: "\n".to_owned(),
        }
    }
}

pub(super) struct Csv {
    names: Vec<String>,
    options: CsvOptions,
    has_header: bool,
}

impl Csv {
    pub(super) fn new(schema: &Schema, options: CsvOptions) -> Self {
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        Self { names, options, has_header: false }
    }

    fn header(&mut self, out: &mut String) -> Result<()> {
        if self.has_header || !self.options.include_header {
            return Ok(());
        }
        self.has_header = true;
        for index in 0..self.names.len() {
            if index > 0 {
                out.push(self.options.delimiter);
            }
            self.text(&self.names[index], out)?;
        }
        out.push_str(&self.options.lineterminator);
        Ok(())
    }

    fn text(&self, text: &str, out: &mut String) -> Result<()> {
        let is_special = |c: char| c == self.options.delimiter || matches!(c, '"' | '\n' | '\r');
        // An empty text in quotes is not a null, which is nothing at all.
        let needs_quotes = text.is_empty() || text.contains(is_special);
        let quotes = match self.options.quoting {
            CsvQuoting::QuoteNeeded | CsvQuoting::QuoteAll => true,
            CsvQuoting::QuoteMinimal => needs_quotes,
            CsvQuoting::QuoteNone if needs_quotes && !text.is_empty() => {
                return Err(Error::data("a csv value needs quotes, but quoting is switched off")
                    .with_hint("choose another delimiter, or quoting: quote_minimal"));
            }
            CsvQuoting::QuoteNone => false,
        };
        if !quotes {
            out.push_str(text);
            return Ok(());
        }
        out.push('"');
        for piece in text.split_inclusive('"') {
            out.push_str(piece);
            if piece.ends_with('"') {
                out.push('"');
            }
        }
        out.push('"');
        Ok(())
    }

    fn value(
        &self,
        column: &TextColumn<'_>,
        row: usize,
        scratch: &mut String,
        out: &mut String,
    ) -> Result<()> {
        scratch.clear();
        match column.kind() {
            Kind::Text => return self.text(column.text(row), out),
            Kind::Binary => {
                match std::str::from_utf8(column.bytes(row)) {
                    Ok(text) => scratch.push_str(text),
                    Err(_) => {
                        scratch.push_str("\\x");
                        for byte in column.bytes(row) {
                            let _ = write!(scratch, "{byte:02x}");
                        }
                    }
                }
                return self.text(scratch, out);
            }
            Kind::Iso => {
                column.write_plain(row, ' ', scratch);
                return self.text(scratch, out);
            }
            Kind::Int | Kind::Decimal => column.write_plain(row, ' ', scratch),
            Kind::Double => python_double(scratch, column.double(row)),
            Kind::Bool => scratch.push_str(if column.bool(row) { "True" } else { "False" }),
        }
        if self.options.quoting == CsvQuoting::QuoteAll {
            return self.text(scratch, out);
        }
        out.push_str(scratch);
        Ok(())
    }
}

impl TextEncoder for Csv {
    fn encode(&mut self, batch: &RecordBatch, out: &mut String) -> Result<()> {
        self.header(out)?;
        let schema = batch.schema();
        let columns = batch
            .columns()
            .iter()
            .zip(schema.fields())
            .map(|(array, field)| TextColumn::new(array, field.name()));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let mut scratch = String::new();
        for row in 0..batch.num_rows() {
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    out.push(self.options.delimiter);
                }
                if !column.is_null(row) {
                    self.value(column, row, &mut scratch, out)
                        .map_err(|e| e.at_column(&self.names[index]))?;
                }
            }
            out.push_str(&self.options.lineterminator);
        }
        Ok(())
    }
}
