//! Files of lines: JSON lines and CSV, cut into pages of whole records.

use std::sync::Arc;

use windlass_core::csv::{CsvDialect, CsvTable, complete_records, line_breaks, unclosed_quote};
use windlass_core::{At, Code, Error, Result};

use super::open::Input;
use super::{PAGE_BYTES, PageReader};
use crate::charset::hint_for;
use crate::source::{Body, Origin, Page};

/// What the lines are.
enum Lines {
    Json,
    Csv(Arc<CsvTable>, CsvDialect),
}

/// Cuts a file into pages at line breaks.
pub(super) struct LineReader {
    input: Input,
    lines: Lines,
    origin: Arc<Origin>,
    /// The beginning of a record whose end is not read yet.
    rest: Vec<u8>,
    /// Lines handed out so far.
    line: u64,
    is_done: bool,
}

/// Bytes at the beginning of a CSV file that decide about the types of its columns.
const SNIFF_BYTES: usize = 1 << 20;

impl LineReader {
    pub(super) fn json(input: Input, partition: u64) -> Self {
        Self::new(input, Lines::Json, partition, Vec::new(), 0)
    }

    /// Reads the header and guesses the types of the columns.
    pub(super) fn csv(mut input: Input, dialect: &CsvDialect, partition: u64) -> Result<Self> {
        let mut sample = Vec::new();
        let mut wanted = SNIFF_BYTES;
        // A header may be longer than the sample.
        dialect.check()?;
        let complete = loop {
            input.fill(&mut sample, wanted)?;
            if sample.len() < wanted {
                break sample.len();
            }
            match complete_records(dialect, &sample) {
                0 => input.limit().check(sample.len()).map_err(|e| e.at_file(input.name().to_owned()))?,
                complete => break complete,
            }
            wanted = wanted.saturating_mul(2);
        };
        let (table, header) = CsvTable::sniff(dialect, &sample[..complete])
            .map_err(|error| not_utf8(error, &sample).at_file(input.name().to_owned()))?;
        let header_lines = line_breaks(&sample[..header]) as u64;
        let rest = sample.split_off(header);
        if table.names().is_empty()
            && let Some(place) = unclosed_quote(dialect, &rest)
        {
            return Err(unclosed(input.name(), header_lines, place));
        }
        Ok(Self::new(input, Lines::Csv(Arc::new(table), dialect.clone()), partition, rest, header_lines))
    }

    fn new(input: Input, lines: Lines, partition: u64, rest: Vec<u8>, line: u64) -> Self {
        let origin = Origin { file: Some(input.name().to_owned()), counts_lines: true, partition };
        Self { input, lines, origin: Arc::new(origin), rest, line, is_done: false }
    }
}

impl LineReader {
    /// Bytes of a page with a record that is as long as one may be.
    fn longest_page(&self) -> usize {
        usize::try_from(self.input.limit().bytes()).unwrap_or(usize::MAX).saturating_add(PAGE_BYTES)
    }

    fn place(&self) -> At {
        At { file: self.origin.file.clone(), ..At::default() }
    }
}

impl PageReader for LineReader {
    fn next(&mut self) -> Result<Option<Page>> {
        if self.is_done {
            return Ok(None);
        }
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.reserve_exact((PAGE_BYTES + 1).saturating_sub(bytes.len()));
        let mut wanted = PAGE_BYTES.max(bytes.len());
        let mut end = 0;
        loop {
            self.input.fill(&mut bytes, wanted)?;
            if bytes.len() < wanted {
                // The file is at its end; its last record needs no line break.
                self.is_done = true;
                end = bytes.len();
                if let Lines::Csv(_, dialect) = &self.lines
                    && let Some(place) = unclosed_quote(dialect, &bytes)
                {
                    return Err(unclosed(self.input.name(), self.line, place));
                }
                break;
            }
            // A record longer than a page makes the page longer; its beginning is not searched again and again.
            let found = match &self.lines {
                Lines::Json => memchr::memrchr(b'\n', &bytes[end..]).map_or(0, |at| end + at + 1),
                Lines::Csv(_, dialect) => complete_records(dialect, &bytes),
            };
            if found > 0 {
                end = found;
                break;
            }
            end = if matches!(self.lines, Lines::Json) { bytes.len() } else { 0 };
            let place = |error: Error| error.at(At { line: Some(self.line + 1), ..self.place() });
            self.input.limit().check(bytes.len()).map_err(place)?;
            wanted = wanted.saturating_mul(2).min(self.longest_page());
        }
        if end < bytes.len() {
            self.rest = bytes[end..].to_vec();
            bytes.truncate(end);
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let first = self.line;
        self.line += match &self.lines {
            Lines::Json => memchr::memchr_iter(b'\n', &bytes).count() as u64,
            Lines::Csv(..) => line_breaks(&bytes) as u64,
        };
        let body = match &self.lines {
            Lines::Json => Body::Lines(bytes),
            Lines::Csv(table, _) => Body::Csv(bytes, Arc::clone(table)),
        };
        Ok(Some(Page { body, first, origin: Arc::clone(&self.origin) }))
    }
}

/// The error for a quote that stands in this line and byte behind `lines`.
fn unclosed(file: &str, lines: u64, (line, byte): (usize, usize)) -> Error {
    Error::of(Code::DamagedSourceFile, "a quote is opened here that is not closed until the end of the file")
        .at(At {
            file: Some(file.to_owned()),
            line: Some(lines + line as u64 + 1),
            byte: Some(byte as u64 + 1),
            ..At::default()
        })
        .with_hint(
            "the file may be cut off: fetch it again; a quote that means itself is doubled within quotes, or set \
             `csv: {quote: …}` to a character that the file has not",
        )
}

/// Says which encoding a text may have that is not UTF-8.
fn not_utf8(error: Error, text: &[u8]) -> Error {
    if error.hint().is_some() { error } else { error.with_hint(hint_for(text)) }
}
