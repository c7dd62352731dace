//! What a server answered.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::sync::OnceLock;

use serde_json::Value;
use windlass_core::{Error, Result};

use super::failure;

/// A whole answer, its body decoded from its transfer and content encoding.
#[derive(Debug, Default)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Where it came from, after redirects.
    pub url: String,
    /// Headers in the order of arrival; names as they came.
    pub headers: Vec<(String, String)>,
    /// The body; empty where it is [`Response::spooled`].
    pub body: Vec<u8>,
    /// The body, where it is too large for memory.
    pub spooled: Option<Spooled>,
    /// How much of the body errors show; nothing by default, since it may hold what nobody should read.
    pub shown_body: Option<usize>,
    /// The host that did not get the credentials, where a link or redirect led away from the API.
    pub withheld_from: Option<String>,
    /// The body as JSON, parsed when it is asked for.
    json: OnceLock<Option<Value>>,
}

/// A body in a file that is gone when this is.
#[derive(Debug)]
pub struct Spooled {
    file: File,
    bytes: u64,
}

impl Response {
    /// An answer.
    pub fn new(status: u16, url: impl Into<String>, headers: Vec<(String, String)>, body: Vec<u8>) -> Self {
        Self { status, url: url.into(), headers, body, ..Self::default() }
    }

    /// The first header with this name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `None` if it is none, or too large for memory. Parsed once.
    pub fn json(&self) -> Option<&Value> {
        self.json.get_or_init(|| serde_json::from_slice(&self.body).ok()).as_ref()
    }

    /// The whole body, read from its file if it is in one. Errors: the file cannot be read.
    pub fn read_body(&self) -> Result<Cow<'_, [u8]>> {
        let Some(spooled) = &self.spooled else { return Ok(Cow::Borrowed(&self.body)) };
        let mut body = Vec::new();
        spooled
            .open()
            .and_then(|mut file| file.read_to_end(&mut body))
            .map_err(|cause| Error::source_failed("a temporary file cannot be read").with_source(cause))?;
        Ok(Cow::Owned(body))
    }

    /// The body as text, up to a number of characters.
    pub fn excerpt(&self, characters: usize) -> String {
        let mut start = Vec::new();
        let bytes = match &self.spooled {
            // Four bytes are the most that a character takes.
            Some(spooled)
                if spooled
                    .open()
                    .and_then(|file| file.take(characters as u64 * 4).read_to_end(&mut start))
                    .is_ok() =>
            {
                &start
            }
            _ => &self.body,
        };
        String::from_utf8_lossy(bytes).chars().take(characters).collect()
    }

    /// Errors: the status says that the request failed. Names the method and the URL, its secrets masked.
    pub fn check_status(&self, method: &str) -> Result<()> {
        if self.status < 400 { Ok(()) } else { Err(self.failure(method)) }
    }

    /// The error that this answer is.
    pub fn failure(&self, method: &str) -> Error {
        failure::of_status(self, method)
    }
}

impl Spooled {
    /// A body that was written to a file.
    pub(crate) fn new(file: File, bytes: u64) -> Self {
        Self { file, bytes }
    }

    /// How long it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The file from its start. Readers of one body share the place where they are, so one reads after the other.
    pub fn open(&self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(file)
    }
}
