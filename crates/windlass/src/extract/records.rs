//! From a page to the records on a tape, whatever the page holds.

use windlass_core::csv::CsvBuffers;
use windlass_core::json::{BadRecord, INVALID_UTF8, ParseBuffers, Parsed, Select, SyntaxError, TypedValues};
use windlass_core::{At, Code, Error, Result};

use super::unfound::Unfound;
use crate::charset::hint_for;
use crate::source::{Body, Page};
use crate::steps::StepRunner;

/// Memory of the parsers, reused from page to page.
#[derive(Default)]
pub(crate) struct PageBuffers {
    json: ParseBuffers,
    csv: CsvBuffers,
    /// Documents in which the path to the records led nowhere.
    unfound: Unfound,
    keeps_literals: bool,
}

impl PageBuffers {
    /// Whether numbers keep the texts that a float does not hold exactly.
    pub(crate) fn keep_literals(&mut self, keep: bool) {
        if keep != self.keeps_literals {
            self.keeps_literals = keep;
            self.json.keep_literals(keep);
            self.csv.keep_literals(keep);
        }
    }

    /// The documents in which the path to the records led nowhere; they are not given again.
    pub(crate) fn take_unfound(&mut self) -> Unfound {
        std::mem::take(&mut self.unfound)
    }

    /// Takes back the memory of a page's tape.
    pub(crate) fn restore(&mut self, page: &Page, memory: windlass_core::json::TapeMemory) {
        match page.body {
            Body::Csv(..) => self.csv.restore(memory),
            _ => self.json.restore(memory),
        }
    }
}

/// The records of a page that is not columns.
///
/// Errors: a document that is not JSON. Lines that are not are listed in the result.
pub(crate) fn parse<'a>(page: &'a Page, buffers: &'a mut PageBuffers) -> Result<Parsed<'a>> {
    match &page.body {
        Body::Lines(bytes) => buffers.json.parse_lines(bytes),
        Body::TypedLines(bytes) | Body::Numbered(bytes, _) => buffers.json.parse_typed_lines(bytes),
        Body::Elements(elements) => buffers.json.parse_lines(&elements.text),
        Body::Csv(bytes, table) => Ok(table.parse(bytes, &mut buffers.csv)),
        Body::Document(bytes, select) => {
            let parsed = buffers.json.parse_document(bytes, select);
            let parsed = parsed.map_err(|error| document_error(page, bytes, &error))?;
            note_unfound(page, select, &parsed, &mut buffers.unfound);
            Ok(parsed)
        }
        Body::Batch(_) => Err(Error::internal("columns are not parsed")),
    }
}

/// Notes a document that has nothing where people said that its records are.
fn note_unfound(page: &Page, select: &Select, parsed: &Parsed<'_>, unfound: &mut Unfound) {
    if select.as_str().is_empty() || !parsed.rows.is_empty() || select.first(&parsed.tape, 0).is_some() {
        return;
    }
    let file = page.origin.file.as_deref().unwrap_or_default();
    unfound.add(select, file, parsed.tape.members(0).map(|(key, _)| key));
}

fn document_error(page: &Page, bytes: &[u8], error: &SyntaxError) -> Error {
    let before = &bytes[..error.at.min(bytes.len())];
    let line = memchr::memchr_iter(b'\n', before).count() as u64 + 1;
    let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    let broken = Error::of(Code::NotJson, format!("this is not JSON: {}", error.message)).at(At {
        file: page.origin.file.clone(),
        line: Some(line),
        byte: Some((before.len() - start) as u64 + 1),
        ..At::default()
    });
    if error.message == INVALID_UTF8 { broken.with_hint(hint_for(bytes)) } else { broken }
}

/// Where a record of a page stands: its line in the file, or its number.
pub(crate) fn place(page: &Page, ordinal: u64) -> At {
    let number = match &page.body {
        Body::Numbered(_, numbers) => numbers.get(ordinal as usize).map_or(0, |number| number >> STEP_BITS),
        _ => page.first + ordinal,
    };
    if let Body::Elements(elements) = &page.body
        && let Some((line, _)) = elements.start((number - page.first) as usize)
    {
        return At { file: page.origin.file.clone(), line: Some(line), ..At::default() };
    }
    let is_line = page.origin.counts_lines;
    At {
        file: page.origin.file.clone(),
        line: is_line.then_some(number + 1),
        row: (!is_line).then_some(number),
        ..At::default()
    }
}

/// Names file and line instead of the number of the record in its page.
pub(crate) fn located(error: Error, page: &Page) -> Error {
    match error.place().row {
        Some(row) if error.place().file.is_none() => error.without_row().at(place(page, row)),
        _ => error,
    }
}

/// The error for a record that cannot be read.
pub(crate) fn bad_record(page: &Page, bad: &BadRecord) -> Error {
    let mut at = place(page, u64::from(bad.ordinal));
    at.byte = at.line.map(|_| bad.error.at as u64 + 1);
    if let Body::Elements(elements) = &page.body
        && let Some((line, byte)) = elements.place(bad.ordinal as usize, bad.span.0 as usize + bad.error.at)
    {
        (at.line, at.byte) = (Some(line), Some(byte));
    }
    let (code, what) = if matches!(page.body, Body::Csv(..)) {
        (Code::InvalidData, "this row cannot be read")
    } else {
        (Code::NotJson, "this record is not JSON")
    };
    let hint = match bad.error.message.as_str() {
        INVALID_UTF8 => hint_for(bad_bytes(page, bad)),
        _ => "fix the record".to_owned(),
    };
    Error::of(code, format!("{what}: {}", bad.error.message)).at(at).with_hint(format!(
        "{hint}, or set on_bad_record: reject to leave such records out and keep them aside"
    ))
}

/// The bytes of a bad record.
pub(crate) fn bad_bytes<'a>(page: &'a Page, bad: &BadRecord) -> &'a [u8] {
    match &page.body {
        Body::Lines(bytes)
        | Body::TypedLines(bytes)
        | Body::Numbered(bytes, _)
        | Body::Csv(bytes, _)
        | Body::Document(bytes, _) => bytes.get(bad.span.0 as usize..bad.span.1 as usize).unwrap_or_default(),
        Body::Elements(elements) => {
            elements.text.get(bad.span.0 as usize..bad.span.1 as usize).unwrap_or_default()
        }
        Body::Batch(_) => &[],
    }
}

/// What one record may become in steps, in bits: its number is shifted by this, so that ids stay unique.
const STEP_BITS: u32 = 20;

/// Passes all records of a page through the steps; bad ones are handed to `on_bad`.
pub(crate) fn apply_steps(
    page: Page,
    runner: &StepRunner,
    buffers: &mut PageBuffers,
    on_bad: &mut dyn FnMut(&Page, &BadRecord) -> Result<()>,
) -> Result<Page> {
    let mut lines = Vec::new();
    let mut numbers = Vec::new();
    buffers.keep_literals(true);
    let parsed = parse(&page, buffers)?;
    for bad in &parsed.bad {
        on_bad(&page, bad)?;
    }
    runner.with_stack(|steps| {
        let (mut text, mut written, mut typed) = (String::new(), Vec::new(), TypedValues::default());
        for row in &parsed.rows {
            text.clear();
            written.clear();
            typed.write(&mut text, &parsed.tape, row.node);
            let at = |error: Error| error.at(place(&page, u64::from(row.ordinal)));
            let count = steps.run(text.as_bytes(), &mut written).map_err(at)? as u64;
            if count > 1 << STEP_BITS {
                return Err(at(Error::data(format!(
                    "the steps make more than {} records of one",
                    1 << STEP_BITS
                ))));
            }
            typed.read(&written, &mut lines);
            let number = page.first + u64::from(row.ordinal);
            numbers.extend((0..count).map(|index| number << STEP_BITS | index));
        }
        Ok(())
    })?;
    let memory = parsed.into_memory();
    buffers.restore(&page, memory);
    Ok(Page { body: Body::Numbered(lines, numbers), first: page.first, origin: page.origin })
}
