//! JSON files that are not lines: a list of records, or records somewhere in a document.

use std::sync::Arc;

use windlass_core::json::{ListError, ListSplitter, Select};
use windlass_core::{At, Code, Error, Result};

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

/// A list of records, read piece by piece.
pub(super) struct ListReader {
    input: Input,
    origin: Arc<Origin>,
    list: ListSplitter,
    is_done: bool,
    /// Elements handed out so far.
    count: u64,
}

impl ListReader {
    pub(super) fn new(input: Input, partition: u64) -> Self {
        let origin = Origin { file: Some(input.name().to_owned()), counts_lines: false, partition };
        Self { input, origin: Arc::new(origin), list: ListSplitter::default(), is_done: false, count: 0 }
    }

    fn wrong(&self, error: ListError) -> Error {
        Error::of(Code::NotJson, format!("this is not JSON: {}", error.message)).at(At {
            file: self.origin.file.clone(),
            line: Some(error.line),
            byte: Some(error.byte),
            ..At::default()
        })
    }
}

impl PageReader for ListReader {
    fn next(&mut self) -> Result<Option<Page>> {
        let mut piece = Vec::new();
        while !self.is_done && self.list.whole_bytes() < PAGE_BYTES {
            piece.clear();
            self.input.fill(&mut piece, PAGE_BYTES)?;
            self.is_done = piece.is_empty();
            let fed = if self.is_done { self.list.finish() } else { self.list.feed(&piece) };
            fed.map_err(|error| self.wrong(error).with_hint("fix the file; nothing of this run is loaded"))?;
            let place = |error: Error| {
                error.at(At { file: self.origin.file.clone(), row: Some(self.count), ..At::default() })
            };
            self.input.limit().check(self.list.open_bytes()).map_err(place)?;
        }
        let elements = self.list.take();
        if elements.is_empty() {
            return Ok(None);
        }
        let first = self.count;
        self.count += elements.len() as u64;
        Ok(Some(Page { body: Body::Elements(elements), first, origin: Arc::clone(&self.origin) }))
    }
}
