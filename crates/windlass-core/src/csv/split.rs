//! Where the records and fields of a CSV text begin and end.

use super::CsvDialect;

/// The characters that a text is cut at.
#[derive(Clone, Copy)]
pub(super) struct Marks {
    delimiter: u8,
    quote: u8,
    escape: Option<u8>,
    /// Which bytes mean something outside of quotes.
    is_mark: [bool; 256],
}

/// What is made of the fields of a record.
pub(super) trait Fields {
    /// More of the text of the field at hand.
    fn text(&mut self, piece: &[u8]);
    /// The field is whole. `raw` is how it is written.
    fn end(&mut self, is_quoted: bool, raw: &[u8]);
}

/// For who only asks where records end.
impl Fields for () {
    fn text(&mut self, _: &[u8]) {}
    fn end(&mut self, _: bool, _: &[u8]) {}
}

/// What stands at a place of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A record, its line break with it.
    Record { start: usize, end: usize },
    /// No more records.
    End,
    /// The text ends within a record, if more may follow; with the place of a quote that is not closed.
    Open { start: usize, quote: Option<usize> },
}

impl Marks {
    pub(super) fn of(dialect: &CsvDialect) -> Self {
        let (delimiter, quote) = (dialect.delimiter as u8, dialect.quote as u8);
        // A quote that escapes quotes is what a doubled quote is anyway.
        let escape = dialect.escape.map(|escape| escape as u8).filter(|escape| *escape != quote);
        let mut is_mark = [false; 256];
        for mark in [Some(delimiter), Some(b'\n'), Some(b'\r'), escape].into_iter().flatten() {
            is_mark[usize::from(mark)] = true;
        }
        Self { delimiter, quote, escape, is_mark }
    }

    /// The next record from `at` on, which is where one ends or the text begins. Empty lines are no records.
    ///
    /// `is_last` says that the text is at its end, so that the last record needs no line break.
    pub(super) fn next(&self, bytes: &[u8], at: usize, is_last: bool, fields: &mut impl Fields) -> Found {
        let mut start = at;
        loop {
            match bytes.get(start) {
                None => return Found::End,
                Some(b'\n' | b'\r') => match self.line_end(bytes, start, is_last) {
                    Some(end) => start = end,
                    None => return Found::Open { start, quote: None },
                },
                Some(_) => break,
            }
        }
        let mut at = start;
        loop {
            let field = at;
            let is_quoted = bytes.get(at) == Some(&self.quote);
            if is_quoted {
                match self.quoted(bytes, at + 1, is_last, fields) {
                    Some(end) => at = end,
                    None => return Found::Open { start, quote: Some(field) },
                }
            }
            let Some(end) = self.unquoted(bytes, at, is_last, fields) else {
                return Found::Open { start, quote: None };
            };
            fields.end(is_quoted, bytes.get(field..end).unwrap_or_default());
            match bytes.get(end) {
                Some(byte) if *byte == self.delimiter => at = end + 1,
                Some(_) => match self.line_end(bytes, end, is_last) {
                    Some(end) => return Found::Record { start, end },
                    None => return Found::Open { start, quote: None },
                },
                None if is_last => return Found::Record { start, end },
                None => return Found::Open { start, quote: None },
            }
        }
    }

    /// The place behind the line break at `at`. `None` where it may go on in what follows.
    fn line_end(&self, bytes: &[u8], at: usize, is_last: bool) -> Option<usize> {
        match (bytes.get(at), bytes.get(at + 1)) {
            (Some(b'\r'), Some(b'\n')) => Some(at + 2),
            (Some(b'\r'), None) if !is_last => None,
            _ => Some(at + 1),
        }
    }

    /// The place behind the quote that closes; `None` if there is none, or more must be known.
    fn quoted(&self, bytes: &[u8], from: usize, is_last: bool, fields: &mut impl Fields) -> Option<usize> {
        let mut at = from;
        loop {
            let rest = bytes.get(at..)?;
            let length = match self.escape {
                Some(escape) => memchr::memchr2(self.quote, escape, rest)?,
                None => memchr::memchr(self.quote, rest)?,
            };
            fields.text(rest.get(..length)?);
            at += length;
            if bytes.get(at) != Some(&self.quote) {
                at = self.escaped(bytes, at, is_last, fields)?;
                continue;
            }
            match bytes.get(at + 1) {
                Some(next) if *next == self.quote => {
                    fields.text(&[self.quote]);
                    at += 2;
                }
                // The second of two quotes may follow.
                None if !is_last => return None,
                _ => return Some(at + 1),
            }
        }
    }

    /// The place behind an escape character and what it escapes.
    fn escaped(&self, bytes: &[u8], at: usize, is_last: bool, fields: &mut impl Fields) -> Option<usize> {
        let end = match bytes.get(at + 1)? {
            b'\r' => self.line_end(bytes, at + 1, is_last)?,
            _ => at + 2,
        };
        fields.text(bytes.get(at + 1..end)?);
        Some(end)
    }

    /// The place of the delimiter or line break that ends the field, or of the end of the text.
    fn unquoted(&self, bytes: &[u8], from: usize, is_last: bool, fields: &mut impl Fields) -> Option<usize> {
        let mut at = from;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let length = rest.iter().position(|byte| self.is_mark[usize::from(*byte)]).unwrap_or(rest.len());
            fields.text(rest.get(..length).unwrap_or_default());
            at += length;
            match (bytes.get(at), self.escape) {
                (Some(byte), Some(escape)) if *byte == escape => {
                    match self.escaped(bytes, at, is_last, fields) {
                        Some(end) => at = end,
                        // An escape character that is the last of the text stands for itself.
                        None if is_last => {
                            fields.text(&[escape]);
                            return Some(at + 1);
                        }
                        None => return None,
                    }
                }
                _ => return Some(at),
            }
        }
    }
}

/// How many line breaks a text has: LF, CRLF or CR, in any mixture.
pub fn line_breaks(bytes: &[u8]) -> usize {
    let is_break =
        |at: &usize| bytes.get(*at) == Some(&b'\n') || bytes.get(at + 1).is_none_or(|next| *next != b'\n');
    memchr::memchr2_iter(b'\n', b'\r', bytes).filter(is_break).count()
}

/// The length of the part of `bytes` that is whole records, where more may follow.
pub fn complete_records(dialect: &CsvDialect, bytes: &[u8]) -> usize {
    let marks = Marks::of(dialect);
    let has_quotes = match marks.escape {
        Some(escape) => memchr::memchr2(marks.quote, escape, bytes).is_some(),
        None => memchr::memchr(marks.quote, bytes).is_some(),
    };
    if !has_quotes {
        if let Some(at) = memchr::memrchr(b'\n', bytes) {
            return at + 1;
        }
        // A CR at the very end may be half of a CRLF.
        let but_last = bytes.split_last().map_or(bytes, |(_, but_last)| but_last);
        return memchr::memrchr(b'\r', but_last).map_or(0, |at| at + 1);
    }
    let mut end = 0;
    while let Found::Record { end: next, .. } = marks.next(bytes, end, false, &mut ()) {
        end = next;
    }
    end
}

/// Where a quote is opened that is not closed until the end of the text: its line and its byte in that, both from 0.
pub fn unclosed_quote(dialect: &CsvDialect, bytes: &[u8]) -> Option<(usize, usize)> {
    memchr::memchr(dialect.quote as u8, bytes)?;
    let marks = Marks::of(dialect);
    let mut end = 0;
    loop {
        match marks.next(bytes, end, true, &mut ()) {
            Found::Record { end: next, .. } => end = next,
            Found::End => return None,
            Found::Open { quote, .. } => {
                let before = bytes.get(..quote?)?;
                let start = memchr::memrchr2(b'\n', b'\r', before).map_or(0, |at| at + 1);
                return Some((line_breaks(before), before.len() - start));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(dialect: &CsvDialect, text: &str) -> Vec<String> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Found::Record { start, end } = Marks::of(dialect).next(text.as_bytes(), at, true, &mut ()) {
            found.push(text[start..end].to_owned());
            at = end;
        }
        found
    }

    #[test]
    fn records_end_with_lf_crlf_or_cr() {
        let dialect = CsvDialect::default();
        assert_eq!(records(&dialect, "a\r\nb\rc\n\n\r\r\nd"), ["a\r\n", "b\r", "c\n", "d"]);
        assert_eq!(records(&dialect, "a,\"x\r\ny\"\r\nb"), ["a,\"x\r\ny\"\r\n", "b"]);
        assert_eq!(line_breaks(b"a\r\nb\rc\n\n\r\r\nd\r"), 7);
    }

    #[test]
    fn chunks_end_at_line_breaks_outside_of_quotes() {
        let dialect = CsvDialect::default();
        assert_eq!(complete_records(&dialect, b"a,b\n1,\"x\ny"), 4);
        assert_eq!(complete_records(&dialect, b"1,\"x\ny\"\n2"), 8);
        assert_eq!(complete_records(&dialect, b"1,2"), 0);
        // A quote within a value is a character like any other.
        assert_eq!(complete_records(&dialect, b"5\" pipe\n1,\"x\ny"), 8);
        // Half of a CRLF is no end.
        assert_eq!(complete_records(&dialect, b"a\rb\r"), 2);
        assert_eq!(complete_records(&dialect, b"\"a\"\rb\r"), 4);
        assert_eq!(complete_records(&dialect, b"\"a\"\r\nb\r\n"), 8);
    }

    #[test]
    fn a_quote_that_is_not_closed_has_a_place() {
        let dialect = CsvDialect::default();
        assert_eq!(unclosed_quote(&dialect, b"a,b\r\n1,\"x\r\n2,y\r\n"), Some((1, 2)));
        assert_eq!(unclosed_quote(&dialect, b"\"a\n"), Some((0, 0)));
        assert_eq!(unclosed_quote(&dialect, b"a\n5\" pipe\n\"x\"\"\""), None);
    }

    #[test]
    fn an_escape_character_takes_the_meaning_of_what_follows() {
        let dialect = CsvDialect { escape: Some('\\'), ..CsvDialect::default() };
        assert_eq!(records(&dialect, "a\\\nb\n\"x\\\"\ny\"\nz\\"), ["a\\\nb\n", "\"x\\\"\ny\"\n", "z\\"]);
        assert_eq!(unclosed_quote(&dialect, b"\"x\\\"\n"), Some((0, 0)));
    }
}
