//! How long a record may be: it is held in memory as a whole, several times.

use windlass_core::{Code, Error, Result};

use crate::pipeline::DEFAULT_MAX_MEMORY;
use crate::source::Body;

/// The part of a run's memory that one record may have. Its text is held by the reader, by the parser and by the columns,
/// which double their memory when they grow, and again by the file and the destination that it goes to.
const PART_OF_MEMORY: u64 = 16;

/// How much longer a document that is read as a whole may be, and a row that comes as columns: they are held fewer times.
const TIMES_OF_WHOLE: u64 = 2;

/// Bytes that one record may have: a line, an element of a list, a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordLimit {
    bytes: u64,
}

impl Default for RecordLimit {
    /// The limit of a run with the default memory.
    fn default() -> Self {
        Self::new(None, DEFAULT_MAX_MEMORY)
    }
}

impl RecordLimit {
    /// The limit that was chosen, or the part of a run's memory that fits.
    pub fn new(chosen: Option<u64>, max_memory: u64) -> Self {
        Self { bytes: chosen.unwrap_or(max_memory / PART_OF_MEMORY).max(1) }
    }

    /// The bytes of a record.
    pub fn bytes(self) -> u64 {
        self.bytes
    }

    /// Errors: a record of this length, or one that is longer still, is too long.
    pub fn check(self, bytes: usize) -> Result<()> {
        if bytes as u64 <= self.bytes { Ok(()) } else { Err(self.refuse("a record", self.bytes)) }
    }

    /// The bytes of a document that is read as a whole, or of a row that comes as columns.
    pub(crate) fn document_bytes(self) -> usize {
        usize::try_from(self.bytes.saturating_mul(TIMES_OF_WHOLE)).unwrap_or(usize::MAX)
    }

    /// Errors: a document of this length is too long to be read as a whole.
    pub(crate) fn check_document(self, bytes: usize) -> Result<()> {
        if bytes <= self.document_bytes() {
            return Ok(());
        }
        Err(self.refuse("a document that is read as a whole", self.document_bytes() as u64))
    }

    /// Errors: a row of this length, or one that is longer still, is too long to come as columns.
    pub(crate) fn check_row(self, bytes: usize) -> Result<()> {
        if bytes <= self.document_bytes() {
            return Ok(());
        }
        Err(self.refuse("a row", self.document_bytes() as u64))
    }

    /// Errors: the page has a record that is too long.
    pub(crate) fn check_page(self, body: &Body) -> Result<()> {
        let bytes = body.bytes();
        if bytes as u64 <= self.bytes {
            return Ok(());
        }
        match body {
            Body::Lines(text) | Body::TypedLines(text) | Body::Numbered(text, _) => {
                let longest = text.split(|byte| *byte == b'\n').map(<[u8]>::len).max();
                self.check(longest.unwrap_or_default())
            }
            // Its reader counted each.
            Body::Elements(_) => Ok(()),
            Body::Document(text, _) => self.check_document(text.len()),
            // A row of CSV may have line breaks; its reader knows where it ends.
            Body::Csv(..) => Ok(()),
            Body::Batch(batch) => self.check_row(bytes / batch.num_rows().max(1)),
        }
    }

    fn refuse(self, what: &str, bytes: u64) -> Error {
        Error::of(Code::RecordTooLong, format!("{what} is longer than {}", in_units(bytes))).with_hint(format!(
            "extract.max_record_bytes is the limit, {} here. Unless it is set it is a sixteenth of the memory of the run, which \
             `--max-memory` or max_memory gives",
            in_units(self.bytes)
        ))
    }
}

/// A number of bytes for people.
fn in_units(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 1 << 20 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        bytes if bytes >= 1 << 10 && bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        bytes => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_follows_the_memory_unless_it_is_chosen() {
        assert_eq!(RecordLimit::default().bytes(), 32 << 20);
        assert_eq!(RecordLimit::new(None, 1 << 30).bytes(), 64 << 20);
        assert_eq!(RecordLimit::new(Some(1000), 1 << 30).bytes(), 1000);
    }

    #[test]
    fn only_records_that_are_too_long_are_refused_with_the_name_of_the_limit() {
        let limit = RecordLimit::new(Some(10), 0);
        let lines = |text: &str| limit.check_page(&Body::Lines(text.as_bytes().to_vec()));
        assert!(lines("1234567890\n1234567890\n").is_ok());
        let error = lines("1\n12345678901\n").unwrap_err();
        assert_eq!(error.message(), "a record is longer than 10 bytes");
        assert!(error.hint().unwrap().contains("extract.max_record_bytes"));
        assert!(limit.check_document(20).is_ok() && limit.check_document(21).is_err());
    }
}
