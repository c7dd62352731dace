//! Documents too large for one page: their records are taken out one by one while everything else is kept.

use std::io::{self, Read};

use windlass_core::{At, Error, Result};

use crate::record_limit::RecordLimit;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// What a document may hold besides its records.
const REST_BYTES: usize = 16 * 1024 * 1024;

/// Takes the records at a path of names out of a document that is read piece by piece.
///
/// What is left is the document with only the first and the last record in its list, for who looks for cursors.
pub(super) struct Splitter<R> {
    input: R,
    buffer: Vec<u8>,
    at: usize,
    /// Bytes of the document before the buffer.
    before: u64,
    keys: Vec<String>,
    /// Objects that are open: the first so many names of the path were found.
    open: usize,
    /// Whether any value of the document was read yet.
    state: State,
    has_target: bool,
    rest: Vec<u8>,
    last: Vec<u8>,
    count: u64,
    name: String,
    limit: RecordLimit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Before a value on the path.
    Value,
    /// Behind the `{` of an object on the path.
    FirstMember,
    /// Before an element of the list of records.
    Element,
    /// Behind a value; objects may be open.
    Behind,
    /// Behind the document.
    End,
}

impl<R: Read> Splitter<R> {
    /// A document, its name for errors, and the names that lead to its records.
    pub(super) fn new(input: R, name: String, keys: Vec<String>) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            at: 0,
            before: 0,
            keys,
            open: 0,
            state: State::Value,
            has_target: false,
            rest: Vec::new(),
            last: Vec::new(),
            count: 0,
            name,
            limit: RecordLimit::default(),
        }
    }

    /// The same with another limit to the length of a record.
    pub(super) fn with_limit(self, limit: RecordLimit) -> Self {
        Self { limit, ..self }
    }

    /// The next records as JSON lines, about `bytes` of them, and their number; `None` at the end of the document.
    ///
    /// Errors: the document is cut or no JSON; it cannot be read; too much besides the records.
    pub(super) fn next(&mut self, bytes: usize) -> Result<Option<(Vec<u8>, u64)>> {
        let mut lines = Vec::new();
        let mut count = 0;
        // What follows the last record belongs to its part, so that the end is known with it.
        while self.state != State::End && (lines.len() < bytes || self.state != State::Element) {
            match self.state {
                State::Value => self.value(&mut lines, &mut count)?,
                State::FirstMember => self.member()?,
                State::Element => {
                    self.record(&mut lines)?;
                    count += 1;
                }
                State::Behind => self.behind()?,
                State::End => {}
            }
        }
        Ok((count > 0).then_some((lines, count)))
    }

    /// Whether the whole document is read.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::End
    }

    /// The rest of the document. Only whole when all of it is read.
    pub(super) fn rest(&self) -> &[u8] {
        &self.rest
    }

    /// A value on the path, or the one it leads to.
    fn value(&mut self, lines: &mut Vec<u8>, count: &mut u64) -> Result<()> {
        let byte = self.skip_blank()?;
        let is_target = self.open == self.keys.len();
        match byte {
            Some(b'{') if !is_target => {
                self.keep(b'{')?;
                self.open += 1;
                self.state = State::FirstMember;
            }
            Some(b'[') if is_target => {
                self.has_target = true;
                self.keep(b'[')?;
                self.state = State::Element;
                if self.skip_blank()? == Some(b']') {
                    self.keep(b']')?;
                    self.state = State::Behind;
                }
            }
            _ => {
                let start = self.rest.len();
                self.copy()?;
                let text = self.rest.get(start..).unwrap_or_default();
                if is_target && text != b"null" {
                    one_line(text, lines);
                    *count += 1;
                    self.count += 1;
                }
                self.has_target |= is_target;
                self.state = State::Behind;
            }
        }
        Ok(())
    }

    /// The name of a member, or the end of the object.
    fn member(&mut self) -> Result<()> {
        if self.skip_blank()? == Some(b'}') {
            self.keep(b'}')?;
            self.open -= 1;
            self.state = State::Behind;
            return Ok(());
        }
        let start = self.rest.len();
        self.copy()?;
        let text = self.rest.get(start..).unwrap_or_default();
        let name: Result<String, _> = serde_json::from_slice(text);
        let name = name.map_err(|_| self.error("a name of a member is missing"))?;
        if self.skip_blank()? != Some(b':') {
            return Err(self.error("expected `:` behind a name"));
        }
        self.keep(b':')?;
        // The path goes on in the member of its next name; anything else is copied.
        if self.keys.get(self.open - 1) == Some(&name) {
            if self.has_target {
                return Err(self.error(&format!("the member `{name}` is there twice")));
            }
            self.state = State::Value;
            return Ok(());
        }
        self.skip_blank()?;
        self.copy()?;
        self.state = State::Behind;
        Ok(())
    }

    /// One element of the list, and what stands behind it.
    fn record(&mut self, lines: &mut Vec<u8>) -> Result<()> {
        self.skip_blank()?;
        self.last.clear();
        let mut last = std::mem::take(&mut self.last);
        let limit = self.limit;
        let scanned = self.scan(&mut |piece| {
            last.extend_from_slice(piece);
            limit.check(last.len()).map_err(drop)
        });
        limit.check(last.len()).map_err(|error| error.at_file(self.name.clone()))?;
        scanned?;
        one_line(&last, lines);
        if self.count == 0 {
            self.rest.extend_from_slice(&last);
        }
        self.last = last;
        self.count += 1;
        match self.skip_blank()? {
            Some(b',') => self.at += 1,
            Some(b']') => {
                if self.count > 1 {
                    self.rest.push(b',');
                    self.rest.extend_from_slice(&self.last);
                }
                self.keep(b']')?;
                self.state = State::Behind;
            }
            _ => return Err(self.error("expected `,` or `]` in a list")),
        }
        Ok(())
    }

    fn behind(&mut self) -> Result<()> {
        match (self.skip_blank()?, self.open) {
            (None, 0) => self.state = State::End,
            (Some(_), 0) => return Err(self.error("the document ends here, but more follows")),
            (Some(b','), _) => {
                self.keep(b',')?;
                self.skip_blank()?;
                self.member()?;
            }
            (Some(b'}'), _) => {
                self.keep(b'}')?;
                self.open -= 1;
            }
            _ => return Err(self.error("expected `,` or `}` in an object")),
        }
        Ok(())
    }

    /// Takes a byte that stands at the place over to the rest.
    fn keep(&mut self, byte: u8) -> Result<()> {
        self.at += 1;
        self.rest.push(byte);
        self.check_rest()
    }

    fn check_rest(&self) -> Result<()> {
        if self.rest.len() <= REST_BYTES {
            return Ok(());
        }
        let path = self.keys.join(".");
        Err(self
            .error(&format!(
                "the document holds more than {} MiB besides the records at `{path}`",
                REST_BYTES / 1024 / 1024
            ))
            .with_hint("set `data_selector` to the list that holds the records"))
    }

    /// Copies one value to the rest.
    fn copy(&mut self) -> Result<()> {
        let mut rest = std::mem::take(&mut self.rest);
        let result = self.scan(&mut |piece| {
            rest.extend_from_slice(piece);
            if rest.len() > REST_BYTES { Err(()) } else { Ok(()) }
        });
        self.rest = rest;
        self.check_rest()?;
        result
    }

    /// Goes over one value. Errors: the document ends inside of it; there is none.
    fn scan(&mut self, take: &mut dyn FnMut(&[u8]) -> Result<(), ()>) -> Result<()> {
        let mut value = Value::default();
        loop {
            if self.peek()?.is_none() {
                // Only a document that is a number or a word ends without a sign.
                let is_whole = value.is_started && value.depth == 0 && !value.is_string && self.open == 0;
                let is_inside = self.state == State::Element;
                return if is_whole && !is_inside {
                    Ok(())
                } else {
                    Err(self.error("the document ends too early"))
                };
            }
            let (length, is_done) = value.scan(self.buffer.get(self.at..).unwrap_or_default());
            let piece = self.buffer.get(self.at..self.at + length).unwrap_or_default();
            let taken = take(piece);
            self.at += length;
            if taken.is_err() {
                return Ok(());
            }
            if is_done {
                return if value.is_started { Ok(()) } else { Err(self.error("a value is missing")) };
            }
        }
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

    /// The next byte, reading on where needed; `None` at the end.
    fn peek(&mut self) -> Result<Option<u8>> {
        if self.at == self.buffer.len() {
            self.before += self.buffer.len() as u64;
            self.at = 0;
            self.fill().map_err(|cause| self.error("the body cannot be read").with_source(cause))?;
            if self.before == 0 && self.buffer.starts_with(b"\xef\xbb\xbf") {
                self.at = 3;
            }
        }
        Ok(self.buffer.get(self.at).copied())
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.clear();
        self.input.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut self.buffer)?;
        Ok(())
    }

    fn error(&self, message: &str) -> Error {
        let byte = Some(self.before + self.at as u64 + 1);
        Error::data(message).at(At { file: Some(self.name.clone()), byte, ..At::default() })
    }
}

/// A document without the elements of its lists: what it is like, in little memory.
///
/// Errors: it cannot be read, or holds too much besides its lists.
pub(super) fn outline(mut input: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut buffer = Vec::new();
    let (mut lists, mut is_string, mut is_escaped) = (0_u64, false, false);
    loop {
        buffer.clear();
        let read = input.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut buffer);
        read.map_err(|cause| Error::data("the body cannot be read").at_file(name).with_source(cause))?;
        if buffer.is_empty() {
            return Ok(out);
        }
        for &byte in &buffer {
            let is_kept = lists == 0;
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_string => is_escaped = true,
                b'"' => is_string = !is_string,
                b'[' if !is_string => lists += 1,
                b']' if !is_string => lists = lists.saturating_sub(1),
                _ => {}
            }
            if is_kept || lists == 0 {
                out.push(byte);
            }
        }
        if out.len() > REST_BYTES {
            return Err(Error::data("the document has no list that its records could be in")
                .at_file(name)
                .with_hint("set `data_selector` to the list that holds the records"));
        }
    }
}

/// Writes a value as one line. Line breaks stand between its tokens only; one inside a string stays, so that the parser
/// finds the broken record.
fn one_line(text: &[u8], lines: &mut Vec<u8>) {
    lines.extend(text.iter().map(|&byte| if byte == b'\n' || byte == b'\r' { b' ' } else { byte }));
    lines.push(b'\n');
}

/// How far a scan over one value has come.
#[derive(Default)]
struct Value {
    depth: usize,
    is_string: bool,
    is_escaped: bool,
    is_started: bool,
}

impl Value {
    /// Scans on; gives how many bytes belong to the value and whether it ends there.
    fn scan(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.is_string {
                if self.is_escaped {
                    self.is_escaped = false;
                    at += 1;
                    continue;
                }
                let rest = bytes.get(at..).unwrap_or_default();
                let Some(next) = memchr::memchr2(b'"', b'\\', rest) else { return (bytes.len(), false) };
                at += next;
                if bytes.get(at) == Some(&b'\\') {
                    self.is_escaped = true;
                } else {
                    self.is_string = false;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                at += 1;
                continue;
            }
            match byte {
                b'"' if self.depth == 0 && self.is_started => return (at, true),
                b'"' => self.is_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                b',' | b']' | b'}' | b':' if self.depth == 0 => return (at, true),
                byte if self.depth == 0 && byte.is_ascii_whitespace() => return (at, true),
                _ => {}
            }
            self.is_started = true;
            at += 1;
        }
        (bytes.len(), false)
    }
}
