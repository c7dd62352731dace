//! Opening a file: compression by its first bytes, text as UTF-8 without byte order mark.

use std::io::{self, BufReader, Read};

use windlass_core::json::sanitize;
use windlass_core::{At, Error, Result};

use super::FileAt;
use super::gzip::Gzip;
use crate::charset::{Charset, Decoded, UTF_8};
use crate::record_limit::RecordLimit;

/// The bytes of a file, unpacked.
pub(super) struct Input {
    reader: Box<dyn Read + Send>,
    name: String,
    compression: &'static str,
    /// How the text is written, if not as UTF-8.
    charset: Option<Charset>,
    /// Bytes that were read ahead.
    ahead: Vec<u8>,
    /// Unpacked bytes handed out so far.
    read: u64,
    limit: RecordLimit,
}

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Bytes at the beginning of a file that may speak of its encoding.
const CHARSET_BYTES: usize = 4096;

impl Input {
    /// Opens a file whose text is written in `charset`, unless a byte order mark says otherwise.
    ///
    /// Errors: it does not exist or may not be read; its first bytes are not UTF-8 where nobody says what they are.
    pub(super) fn open(file: &FileAt, charset: Option<Charset>, limit: RecordLimit) -> Result<Self> {
        let name = file.location();
        let failed = |cause: io::Error| {
            let error = Error::source_failed(format!("cannot open {name}"))
                .with_hint("check the path and its rights");
            error.with_source(cause)
        };
        tracing::info!(file = name, "read");
        let mut file = file.open()?.into_reader();
        let mut head = Vec::new();
        (&mut file).take(4).read_to_end(&mut head).map_err(failed)?;
        let raw = io::Cursor::new(head.clone()).chain(file);
        let (reader, compression): (Box<dyn Read + Send>, _) = if head.starts_with(&GZIP) {
            (Box::new(Gzip::new(BufReader::with_capacity(128 << 10, raw))), "gzip")
        } else if head.starts_with(&ZSTD) {
            (Box::new(zstd::stream::read::Decoder::new(raw).map_err(failed)?), "zstd")
        } else {
            (Box::new(raw), "")
        };
        let mut input = Self { reader, name, compression, charset: None, ahead: Vec::new(), read: 0, limit };
        input.decode(charset)?;
        Ok(input)
    }

    /// Gives the text as UTF-8 from here on.
    fn decode(&mut self, charset: Option<Charset>) -> Result<()> {
        let head = self.look(CHARSET_BYTES)?;
        let (charset, mark) = match (Charset::of_mark(head), charset) {
            (Some(marked), _) => marked,
            (None, Some(charset)) => (charset, 0),
            (None, None) => match Charset::of_zeros(head) {
                None => return Ok(()),
                Some(likely) => {
                    let likely = likely.name();
                    let error = Error::data(format!("this text is not UTF-8, it looks like {likely}"));
                    return Err(error.at_file(self.name.clone()).with_hint(format!(
                        "set `encoding: {likely}` at the resource, or write the file as UTF-8"
                    )));
                }
            },
        };
        self.ahead.drain(..mark);
        if charset == UTF_8 {
            return Ok(());
        }
        self.charset = Some(charset);
        let ahead = io::Cursor::new(std::mem::take(&mut self.ahead));
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(Decoded::new(ahead.chain(rest), charset));
        Ok(())
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// How long a record of the file may be.
    pub(super) fn limit(&self) -> RecordLimit {
        self.limit
    }

    /// Appends bytes until `buffer` has `length`, or the file ends.
    ///
    /// Errors: the file cannot be read, or its compressed data is broken or cut off.
    pub(super) fn fill(&mut self, buffer: &mut Vec<u8>, length: usize) -> Result<()> {
        if !self.ahead.is_empty() {
            let count = self.ahead.len().min(length.saturating_sub(buffer.len()));
            buffer.extend(self.ahead.drain(..count));
            self.read += count as u64;
        }
        let wanted = length.saturating_sub(buffer.len());
        let before = buffer.len();
        let result = (&mut self.reader).take(wanted as u64).read_to_end(buffer);
        self.read += (buffer.len() - before) as u64;
        result.map(drop).map_err(|cause| self.failed(cause))
    }

    /// Reads ahead so that `self.ahead` has this many bytes, or the whole file.
    fn look(&mut self, length: usize) -> Result<&[u8]> {
        let (mut ahead, read) = (std::mem::take(&mut self.ahead), self.read);
        self.fill(&mut ahead, length)?;
        (self.ahead, self.read) = (ahead, read);
        Ok(&self.ahead)
    }

    /// The first byte that is not blank, within the first kilobyte.
    pub(super) fn first_byte(&mut self) -> Result<Option<u8>> {
        Ok(self.look(1024)?.iter().copied().find(|byte| !byte.is_ascii_whitespace()))
    }

    /// Whether the first line is a value of its own and more lines follow.
    pub(super) fn looks_like_lines(&mut self) -> Result<bool> {
        let ahead = self.look(1 << 20)?;
        let Some(end) = memchr::memchr(b'\n', ahead) else { return Ok(false) };
        let (line, rest) = ahead.split_at(end);
        let has_more = rest.iter().any(|byte| !byte.is_ascii_whitespace());
        Ok(has_more && sanitize(line, &mut Vec::new()).is_ok())
    }

    fn failed(&self, cause: io::Error) -> Error {
        if let (Some(charset), io::ErrorKind::InvalidData) = (self.charset, cause.kind()) {
            return Error::data(format!("the text is not {}", charset.name()))
                .with_source(cause)
                .at_file(self.name.clone())
                .with_hint("set `encoding` at the resource to what the file is written in");
        }
        let what = match (self.compression, cause.kind()) {
            ("", _) => "a file cannot be read".to_owned(),
            (compression, io::ErrorKind::UnexpectedEof) => format!("a {compression} file is cut off"),
            (compression, _) => format!("a {compression} file is broken"),
        };
        Error::source_failed(what)
            .with_source(cause)
            .at(At { file: Some(self.name.clone()), byte: Some(self.read), ..At::default() })
            .with_hint("fetch or write the file again; nothing of this run is loaded")
    }
}
