//! The strict JSON checker: names the first bad byte, and rewrites numbers that do not fit a machine word.
//!
//! It runs where the SIMD parser refuses a chunk. Numbers past 64 bits or past the largest float, and the literals
//! `NaN`, `Infinity` and `-Infinity` that other tools write, become typed strings that hold the literal itself, so
//! that no digit is lost; what is written is typed JSON.

use std::fmt;

use super::{MAX_DEPTH, TypedValues};
use crate::value::{Decimal, Tag, encode_tagged, escape_text};

/// Why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// 0-based byte in the text.
    pub at: usize,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}

/// What the strings of a text are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strings {
    /// Somebody's texts.
    Plain,
    /// Typed strings, which the engine wrote.
    Typed,
}

/// The floats of a rewritten text, in its order.
#[derive(Debug, Default)]
pub(super) struct Floats {
    /// How many there are.
    count: u32,
    /// The number and the text of those that a float does not hold exactly.
    inexact: Vec<(u32, Box<str>)>,
}

impl Floats {
    pub(super) fn clear(&mut self) {
        self.take_back((0, 0));
    }

    pub(super) fn take_inexact(&mut self) -> Vec<(u32, Box<str>)> {
        std::mem::take(&mut self.inexact)
    }

    /// What [`Floats::take_back`] goes back to.
    pub(super) fn mark(&self) -> (u32, usize) {
        (self.count, self.inexact.len())
    }

    pub(super) fn take_back(&mut self, (count, inexact): (u32, usize)) {
        self.count = count;
        self.inexact.truncate(inexact);
    }

    fn push(&mut self, literal: &str) {
        if !is_exact(literal) {
            self.inexact.push((self.count, literal.into()));
        }
        self.count += 1;
    }
}

/// Whether the float nearest to a number, written in its shortest form, is the number.
pub(crate) fn is_exact(literal: &str) -> bool {
    // Every decimal of 15 digits comes back from a float, unless it is too small or too large for one.
    let digits = literal.bytes().filter(u8::is_ascii_digit).count();
    let is_short = digits <= 15 && !literal.contains(['e', 'E']);
    is_short || {
        let nearest = literal.parse().ok().map(Decimal::from_f64);
        let order = nearest.and_then(|nearest| Decimal::parse(literal)?.compare(&nearest));
        // What is no decimal of a bearable size has no better form.
        order.is_none_or(std::cmp::Ordering::is_eq)
    }
}

/// What a text is that is not UTF-8.
pub const INVALID_UTF8: &str = "invalid UTF-8";

/// Appends `text`, which must hold exactly one JSON value, to `out` as typed JSON.
///
/// What is appended is JSON that every strict parser accepts. Errors: anything that RFC 8259 does not allow, invalid
/// UTF-8, lone surrogates, more than [`MAX_DEPTH`] levels.
pub fn sanitize(text: &[u8], out: &mut Vec<u8>) -> Result<(), SyntaxError> {
    rewrite(text, Strings::Plain, out, None, None)
}

/// As [`sanitize`], also for texts that are typed JSON already; notes the floats, and gives values their types again.
pub(super) fn rewrite(
    text: &[u8],
    strings: Strings,
    out: &mut Vec<u8>,
    floats: Option<&mut Floats>,
    typed: Option<&TypedValues>,
) -> Result<(), SyntaxError> {
    if let Err(error) = std::str::from_utf8(text) {
        return Err(SyntaxError { at: error.valid_up_to(), message: INVALID_UTF8.to_owned() });
    }
    let mut scanner = Scanner { text, at: 0, out, strings, floats, typed };
    scanner.value_and_children()?;
    scanner.skip_blank();
    if scanner.at < text.len() {
        return Err(scanner.error("the value ends here, but more follows"));
    }
    Ok(())
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
    out: &'a mut Vec<u8>,
    strings: Strings,
    floats: Option<&'a mut Floats>,
    typed: Option<&'a TypedValues>,
}

#[derive(Clone, Copy, PartialEq)]
enum Open {
    Object,
    Array,
}

impl Scanner<'_> {
    fn error(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError { at: self.at, message: message.into() }
    }

    fn unexpected(&self, wanted: &str) -> SyntaxError {
        match self.text[self.at..].utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()) {
            None => self.error(format!("the text ends where {wanted} should be")),
            Some(c) => self.error(format!("found {c:?} where {wanted} should be")),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn copy(&mut self, byte: u8) {
        self.out.push(byte);
        self.at += 1;
    }

    fn value_and_children(&mut self) -> Result<(), SyntaxError> {
        let mut open: Vec<Open> = Vec::new();
        'value: loop {
            self.skip_blank();
            match self.peek() {
                Some(b'{') => {
                    self.copy(b'{');
                    self.skip_blank();
                    if self.peek() != Some(b'}') {
                        self.push(&mut open, Open::Object)?;
                        self.key()?;
                        continue 'value;
                    }
                    self.copy(b'}');
                }
                Some(b'[') => {
                    self.copy(b'[');
                    self.skip_blank();
                    if self.peek() != Some(b']') {
                        self.push(&mut open, Open::Array)?;
                        continue 'value;
                    }
                    self.copy(b']');
                }
                Some(b'"') => self.text()?,
                Some(b't') => self.literal("true")?,
                Some(b'f') => self.literal("false")?,
                Some(b'n') => self.literal("null")?,
                Some(b'N') => self.named_number("NaN")?,
                Some(b'I') => self.named_number("Infinity")?,
                Some(b'-') if self.text[self.at..].starts_with(b"-I") => self.named_number("-Infinity")?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => return Err(self.unexpected("a value")),
            }
            // A value is complete: close what ends here, or go on with the next member.
            loop {
                let Some(&top) = open.last() else { return Ok(()) };
                self.skip_blank();
                match (top, self.peek()) {
                    (_, Some(b',')) => {
                        self.copy(b',');
                        if top == Open::Object {
                            self.skip_blank();
                            self.key()?;
                        }
                        continue 'value;
                    }
                    (Open::Object, Some(b'}')) => self.copy(b'}'),
                    (Open::Array, Some(b']')) => self.copy(b']'),
                    (Open::Object, _) => return Err(self.unexpected("`,` or `}`")),
                    (Open::Array, _) => return Err(self.unexpected("`,` or `]`")),
                }
                open.pop();
            }
        }
    }

    fn push(&self, open: &mut Vec<Open>, what: Open) -> Result<(), SyntaxError> {
        if open.len() >= MAX_DEPTH {
            return Err(self.error(format!("more than {MAX_DEPTH} levels of nesting")));
        }
        open.push(what);
        Ok(())
    }

    fn key(&mut self) -> Result<(), SyntaxError> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a key in quotes"));
        }
        self.string()?;
        self.skip_blank();
        if self.peek() != Some(b':') {
            return Err(self.unexpected("`:`"));
        }
        self.copy(b':');
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Result<(), SyntaxError> {
        if !self.text[self.at..].starts_with(word.as_bytes()) {
            return Err(self.unexpected("a value"));
        }
        self.out.extend_from_slice(word.as_bytes());
        self.at += word.len();
        Ok(())
    }

    fn tagged_number(&mut self, literal: &str) {
        self.out.push(b'"');
        self.out.extend_from_slice(encode_tagged(Tag::Number, literal).as_bytes());
        self.out.push(b'"');
    }

    fn named_number(&mut self, word: &str) -> Result<(), SyntaxError> {
        if !self.text[self.at..].starts_with(word.as_bytes()) {
            return Err(self.unexpected("a value"));
        }
        self.tagged_number(word);
        self.at += word.len();
        Ok(())
    }

    /// A string that is a value.
    fn text(&mut self) -> Result<(), SyntaxError> {
        let before = self.out.len();
        self.string()?;
        // Typed values have no character that must be escaped.
        let typed = self.typed.and_then(|typed| {
            let look = std::str::from_utf8(&self.out[before + 1..self.out.len() - 1]).ok()?;
            typed.typed(look)
        });
        if let Some(typed) = typed {
            self.out.truncate(before + 1);
            self.out.extend_from_slice(typed.as_bytes());
            self.out.push(b'"');
        } else if self.strings == Strings::Plain {
            escape_first(self.out, before + 1);
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    break;
                }
                Some(b'\\') => self.escape()?,
                Some(byte) if byte < 0x20 => return Err(self.error("a control character inside a string")),
                Some(_) => self.at += 1,
                None => return Err(self.error("the text ends inside a string")),
            }
        }
        self.out.extend_from_slice(&self.text[start..self.at]);
        Ok(())
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match self.unicode_escape(self.at)? {
                0xd800..=0xdbff => {
                    if !self.text[self.at + 6..].starts_with(b"\\u")
                        || !(0xdc00..=0xdfff).contains(&self.unicode_escape(self.at + 6)?)
                    {
                        return Err(self.error("a lone surrogate in a string"));
                    }
                    self.at += 12;
                }
                0xdc00..=0xdfff => return Err(self.error("a lone surrogate in a string")),
                _ => self.at += 6,
            },
            _ => return Err(self.error("an unknown escape in a string")),
        }
        Ok(())
    }

    fn unicode_escape(&self, at: usize) -> Result<u32, SyntaxError> {
        let digits = self.text.get(at + 2..at + 6).unwrap_or_default();
        let code =
            digits.iter().try_fold(0, |code, &digit| Some(code * 16 + char::from(digit).to_digit(16)?));
        code.filter(|_| digits.len() == 4).ok_or_else(|| self.error("a `\\u` escape without four hex digits"))
    }

    fn digits(&mut self) -> Result<usize, SyntaxError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected("a digit")) } else { Ok(self.at - start) }
    }

    fn number(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.peek() == Some(b'0');
        if self.digits()? > 1 && leading_zero {
            return Err(self.error("a number with a leading zero"));
        }
        let mut is_integer = true;
        if self.peek() == Some(b'.') {
            is_integer = false;
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            is_integer = false;
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        // Only ASCII digits and signs were passed.
        let literal = std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default();
        let fits = if is_integer {
            literal.parse::<i64>().is_ok() || literal.parse::<u64>().is_ok()
        } else {
            literal.parse::<f64>().is_ok_and(f64::is_finite)
        };
        if let Some(typed) = self.typed.and_then(|typed| typed.typed(literal)) {
            self.out.push(b'"');
            self.out.extend_from_slice(typed.as_bytes());
            self.out.push(b'"');
        } else if fits {
            self.out.extend_from_slice(literal.as_bytes());
            if let Some(floats) = self.floats.as_mut().filter(|_| !is_integer) {
                floats.push(literal);
            }
        } else {
            let literal = literal.to_owned();
            self.tagged_number(&literal);
        }
        Ok(())
    }
}

/// Marks a string in `out` whose text begins like a typed string; the text begins at `start`.
fn escape_first(out: &mut Vec<u8>, start: usize) {
    let first = match &out[start..] {
        [b'\\', b'u', digits @ ..] => {
            let digits = digits.get(..4).and_then(|digits| std::str::from_utf8(digits).ok());
            digits.and_then(|digits| char::from_u32(u32::from_str_radix(digits, 16).ok()?))
        }
        [0xef, ..] => {
            let bytes = out[start..].utf8_chunks().next();
            bytes.and_then(|chunk| chunk.valid().chars().next())
        }
        _ => None,
    };
    let Some(first) = first else { return };
    let mut buffer = [0; 4];
    let first: &str = first.encode_utf8(&mut buffer);
    if let Some(mark) = escape_text(first).strip_suffix(first).filter(|mark| !mark.is_empty()) {
        out.splice(start..start, mark.bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<String, (usize, String)> {
        let mut out = Vec::new();
        match sanitize(text.as_bytes(), &mut out) {
            Ok(()) => Ok(String::from_utf8(out).unwrap()),
            Err(error) => Err((error.at, error.message)),
        }
    }

    #[test]
    fn ordinary_json_passes_without_its_blanks() {
        let text = " { \"a\" : [ 1 , -0.5e+3 , true , null , \"x\\u00e9\\ud83d\\ude00\" , { } , [ ] ] } ";
        assert_eq!(check(text).unwrap(), r#"{"a":[1,-0.5e+3,true,null,"x\u00e9\ud83d\ude00",{},[]]}"#);
    }

    #[test]
    fn numbers_past_the_machine_keep_their_digits() {
        assert_eq!(check("18446744073709551616").unwrap(), "\"\u{f02e}18446744073709551616\"");
        assert_eq!(check("-9223372036854775809").unwrap(), "\"\u{f02e}-9223372036854775809\"");
        assert_eq!(
            check("[1e400,NaN,-Infinity]").unwrap(),
            "[\"\u{f02e}1e400\",\"\u{f02e}NaN\",\"\u{f02e}-Infinity\"]"
        );
        assert_eq!(check("18446744073709551615").unwrap(), "18446744073709551615");
        assert_eq!(check("[1e308,-0.0]").unwrap(), "[1e308,-0.0]");
    }

    #[test]
    fn errors_name_the_byte() {
        for (text, at) in [
            ("{\"a\":1", 6),
            ("{\"a\" 1}", 5),
            ("{a:1}", 1),
            ("[1,]", 3),
            ("[1 2]", 3),
            ("01", 2),
            ("1.", 2),
            ("\"a\nb\"", 2),
            ("\"\\ud800\"", 1),
            ("\"\\q\"", 1),
            ("tru", 0),
            ("{} {}", 3),
            ("", 0),
            ("+1", 0),
        ] {
            assert_eq!(check(text).unwrap_err().0, at, "{text:?}");
        }
        assert_eq!(sanitize(b"\"a\xff\"", &mut Vec::new()).unwrap_err().at, 2);
    }

    #[test]
    fn deep_nesting_is_an_error_and_no_overflow() {
        let deep = "[".repeat(MAX_DEPTH + 1);
        assert!(check(&deep).unwrap_err().1.contains("levels of nesting"));
    }
}
