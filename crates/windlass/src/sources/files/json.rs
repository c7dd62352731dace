//! JSON files that are not lines: a list of records, or records somewhere in a document.

use std::sync::Arc;

use windlass_core::json::Select;
use windlass_core::{At, Error, Result};

use super::open::Input;
use super::{PAGE_BYTES, PageReader};
use crate::source::{Body, Origin, Page};

/// A whole document as one page.
pub(super) struct DocumentReader {
    input: Option<Input>,
    select: Arc<Select>,
    origin: Arc<Origin>,
}

impl DocumentReader {
    pub(super) fn new(input: Input, select: Arc<Select>, partition: u64) -> Self {
        let origin = Origin { file: Some(input.name().to_owned()), counts_lines: false, partition };
        Self { input: Some(input), select, origin: Arc::new(origin) }
    }
}

impl PageReader for DocumentReader {
    fn next(&mut self) -> Result<Option<Page>> {
        let Some(mut input) = self.input.take() else { return Ok(None) };
        let mut bytes = Vec::new();
        let limit = input.limit();
        input.fill(&mut bytes, limit.document_bytes().saturating_add(1))?;
        limit.check_document(bytes.len()).map_err(|error| error.at_file(input.name().to_owned()))?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let body = Body::Document(bytes, Arc::clone(&self.select));
        Ok(Some(Page { body, first: 0, origin: Arc::clone(&self.origin) }))
    }
}

/// A list of records, read piece by piece: each element becomes a line of a page.
///
/// Line breaks between the tokens of an element become blanks; one inside a string stays, so that the parser finds the
/// broken record.
pub(super) struct ListReader {
    input: Input,
    origin: Arc<Origin>,
    buffer: Vec<u8>,
    at: usize,
    state: State,
    /// Elements handed out so far.
    count: u64,
    /// Bytes before `buffer`, for errors.
    before: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Before the `[` that opens the list.
    Start,
    /// Before an element or the end.
    Between,
    /// Behind the `]`.
    End,
}

/// How far the scan over one element has come.
#[derive(Default)]
struct Element {
    depth: usize,
    is_string: bool,
    is_escaped: bool,
    is_started: bool,
}

impl ListReader {
    pub(super) fn new(input: Input, partition: u64) -> Self {
        let origin = Origin { file: Some(input.name().to_owned()), counts_lines: false, partition };
        Self {
            input,
            origin: Arc::new(origin),
            buffer: Vec::new(),
            at: 0,
            state: State::Start,
            count: 0,
            before: 0,
        }
    }

    /// The next byte, reading on where needed; `None` at the end of the file.
    fn peek(&mut self) -> Result<Option<u8>> {
        if self.at == self.buffer.len() {
            self.before += self.buffer.len() as u64;
            self.buffer.clear();
            self.at = 0;
            self.input.fill(&mut self.buffer, PAGE_BYTES)?;
        }
        Ok(self.buffer.get(self.at).copied())
    }

    fn skip_blank(&mut self) -> Result<Option<u8>> {
        while let Some(byte) = self.peek()? {
            if !byte.is_ascii_whitespace() {
                return Ok(Some(byte));
            }
            self.at += 1;
        }
        Ok(None)
    }

    fn error(&self, message: &str) -> Error {
        Error::data(message).at(self.place())
    }

    fn place(&self) -> At {
        let byte = Some(self.before + self.at as u64 + 1);
        At { file: self.origin.file.clone(), byte, ..At::default() }
    }

    /// Copies one element to `out`, as one line.
    fn element(&mut self, out: &mut Vec<u8>) -> Result<()> {
        let mut element = Element::default();
        let before = out.len();
        loop {
            if self.peek()?.is_none() {
                return Err(self.error("the file ends inside its list of records"));
            }
            let start = self.at;
            let bytes = &self.buffer[start..];
            let (length, is_done) = element.scan(bytes);
            let piece = &bytes[..length];
            out.extend(piece.iter().map(|&byte| if byte == b'\n' || byte == b'\r' { b' ' } else { byte }));
            self.at += length;
            let place = |error: Error| error.at(At { row: Some(self.count), ..self.place() });
            self.input.limit().check(out.len() - before).map_err(place)?;
            if is_done {
                break;
            }
        }
        out.push(b'\n');
        Ok(())
    }
}

impl Element {
    /// Scans on; gives how many bytes belong to the element and whether it ends there.
    fn scan(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (at, &byte) in bytes.iter().enumerate() {
            if self.is_string {
                match byte {
                    _ if self.is_escaped => self.is_escaped = false,
                    b'\\' => self.is_escaped = true,
                    b'"' => self.is_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.is_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => self.depth -= 1,
                b',' | b']' | b'}' if self.depth == 0 => return (at, true),
                _ => {}
            }
            self.is_started = true;
        }
        (bytes.len(), false)
    }
}

impl PageReader for ListReader {
    fn next(&mut self) -> Result<Option<Page>> {
        if self.state == State::Start {
            match self.skip_blank()? {
                Some(b'[') => self.at += 1,
                None => {
                    self.state = State::End;
                    return Ok(None);
                }
                Some(_) => return Err(self.error("a list of records starts with `[`")),
            }
            self.state = if self.skip_blank()? == Some(b']') { State::End } else { State::Between };
        }
        let first = self.count;
        let mut bytes = Vec::new();
        while self.state == State::Between && bytes.len() < PAGE_BYTES {
            self.skip_blank()?;
            self.element(&mut bytes)?;
            self.count += 1;
            match self.skip_blank()? {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    self.state = State::End;
                    if self.skip_blank()?.is_some() {
                        return Err(self.error("the list of records ends here, but more follows"));
                    }
                }
                _ => return Err(self.error("expected `,` or `]` in a list of records")),
            }
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        Ok(Some(Page { body: Body::Lines(bytes), first, origin: Arc::clone(&self.origin) }))
    }
}
