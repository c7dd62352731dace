//! A large page in parts, so that memory holds no more than a part of it.

use std::io::{Cursor, Read};

use tokio::task::JoinHandle;
use windlass_core::json::ParseBuffers;
use windlass_core::{Code, Error, Result};

use super::http::{Request, Response, masked_url};
use super::paginate::Paginator;
use super::select::Selector;
use super::split::{Splitter, outline};
use crate::record_limit::RecordLimit;

/// Bodies longer than this come in parts.
pub(super) const PART_BYTES: usize = 4 * 1024 * 1024;

/// About how many bytes a part has.
const LINES_BYTES: usize = 1024 * 1024;

type Input = Box<dyn Read + Send + Sync>;
type Part = Result<Option<(Vec<u8>, u64)>>;

/// An answer whose records are taken out of its body piece by piece.
pub(super) struct Parts {
    request: Request,
    response: Response,
    selector: Selector,
    /// Away while a part is read.
    splitter: Option<Splitter<Input>>,
    /// The part that is read. Kept here, so that a call that is given up loses nothing.
    reading: Option<JoinHandle<(Splitter<Input>, Part)>>,
    /// Records that were given out in a run before.
    skip: u64,
    records: u64,
    is_done: bool,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").field("records", &self.records).finish_non_exhaustive()
    }
}

impl Parts {
    /// Takes a body apart. Without selector it is found out.
    ///
    /// Errors: a selector or a path of the paginator that needs the whole document; a body that cannot be read.
    pub(super) fn new(
        request: Request,
        mut response: Response,
        selector: Option<&Selector>,
        paginator: Option<&dyn Paginator>,
        skip: u64,
        record_limit: RecordLimit,
    ) -> Result<Self> {
        let name = masked_url(&response.url);
        let cannot_read = |cause: std::io::Error| {
            Error::source_failed("the body cannot be read").at_file(name.clone()).with_source(cause)
        };
        let selector = match (selector, &response.spooled) {
            (Some(selector), _) => selector.clone(),
            (None, Some(spooled)) => detect(&outline(spooled.open().map_err(cannot_read)?, &name)?, &name)?,
            (None, None) => detect(&outline(response.body.as_slice(), &name)?, &name)?,
        };
        let too_large = |what: &str, path: &str| {
            Error::config(format!("`{path}` needs the whole document, which is too large for memory"))
                .at_file(name.clone())
                .with_hint(format!("{what} of names only, such as `data.items`, or ask for smaller pages"))
        };
        let Some(keys) = selector.keys() else {
            return Err(too_large("set `data_selector` to a path", selector.as_str()));
        };
        for path in paginator.map(Paginator::paths).unwrap_or_default() {
            if path.needs_elements_of(&keys) {
                return Err(too_large("let the paginator use paths", path.as_str()));
            }
        }
        let keys = keys.into_iter().map(str::to_owned).collect();
        // Opened last: all who read a file share one place in it.
        let input: Input = match &response.spooled {
            Some(spooled) => Box::new(spooled.open().map_err(cannot_read)?),
            None => Box::new(Cursor::new(std::mem::take(&mut response.body))),
        };
        let splitter = Some(Splitter::new(input, name, keys).with_limit(record_limit));
        Ok(Self { request, response, selector, splitter, reading: None, skip, records: 0, is_done: false })
    }

    /// The next records as lines, and their number. `None` if there are none in what was left.
    pub(super) async fn next(&mut self) -> Part {
        loop {
            let reading = match (&mut self.reading, self.splitter.take()) {
                (Some(reading), _) => reading,
                (none, Some(mut splitter)) => none.insert(tokio::task::spawn_blocking(move || {
                    let part = splitter.next(LINES_BYTES);
                    (splitter, part)
                })),
                (None, None) => return Err(Error::internal("a page that is read already is read on")),
            };
            let read = reading.await;
            self.reading = None;
            let (splitter, part) =
                read.map_err(|cause| Error::internal("a page was lost").with_source(cause))?;
            self.is_done = splitter.is_done();
            self.splitter = Some(splitter);
            let Some((mut lines, mut count)) = part? else { return Ok(None) };
            let skipped = self.skip.saturating_sub(self.records).min(count);
            self.records += count;
            if skipped > 0 {
                drop(lines.drain(..end_of_lines(&lines, skipped)));
                count -= skipped;
            }
            if count > 0 {
                return Ok(Some((lines, count)));
            }
            if self.is_done {
                return Ok(None);
            }
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.is_done
    }

    pub(super) fn selector(&self) -> &Selector {
        &self.selector
    }

    pub(super) fn request(&self) -> &Request {
        &self.request
    }

    pub(super) fn response(&self) -> &Response {
        &self.response
    }

    /// Records that were given out, in this run and those before.
    pub(super) fn given(&self) -> u64 {
        self.records
    }

    /// Records of the page so far.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// The document without most of its records.
    pub(super) fn rest(&self) -> &[u8] {
        self.splitter.as_ref().map(Splitter::rest).unwrap_or_default()
    }
}

/// Where so many lines end.
fn end_of_lines(lines: &[u8], count: u64) -> usize {
    let nth = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(1);
    memchr::memchr_iter(b'\n', lines).nth(nth).map_or(lines.len(), |at| at + 1)
}

fn detect(outline: &[u8], name: &str) -> Result<Selector> {
    let mut buffers = ParseBuffers::new();
    let parsed = buffers.parse_value(outline).map_err(|error| {
        Error::of(Code::NotJson, format!("the answer is not JSON: {error}")).at_file(name)
    })?;
    Selector::detect(&parsed.tape)
}
