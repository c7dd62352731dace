//! Typed strings: values that JSON lacks, as strings whose first character tells the type.
//!
//! The tags are code points of the private use area from U+F026, as in the reference's typed JSON. They appear in
//! inline items, in values that come from Python, and for numbers that do not fit a JSON number.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Binary, Decimal, IsoValue, Scalar, parse_iso};

/// The type of a typed string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// Python decimal text.
    Decimal,
    /// ISO 8601 date and time.
    Timestamp,
    /// ISO date.
    Date,
    /// Canonical UUID; it becomes text.
    Uuid,
    /// `0x…` bytes.
    HexBytes,
    /// Base64 bytes.
    Bytes,
    /// Integer text of any size.
    Wei,
    /// ISO time.
    Time,
    /// Literal of a JSON number that fits no machine word, `NaN` or `Infinity`. Not a tag of the reference.
    Number,
}

const TAGS: [Tag; 9] = [
    Tag::Decimal,
    Tag::Timestamp,
    Tag::Date,
    Tag::Uuid,
    Tag::HexBytes,
    Tag::Bytes,
    Tag::Wei,
    Tag::Time,
    Tag::Number,
];

/// U+F026 is `EF 80 A6` in UTF-8; the tags differ in the last byte only.
const LEAD: [u8; 2] = [0xef, 0x80];
const FIRST: u8 = 0xa6;

impl Tag {
    /// The character that starts a typed string.
    pub fn as_char(self) -> char {
        let offset = TAGS.iter().position(|&tag| tag == self).unwrap_or(0) as u32;
        char::from_u32(0xf026 + offset).unwrap_or('\u{f026}')
    }

    fn of(text: &str) -> Option<(Self, &str)> {
        let [a, b, c, _, ..] = text.as_bytes() else { return None };
        let tag = TAGS.get(usize::from(c.wrapping_sub(FIRST)))?;
        ([*a, *b] == LEAD).then_some((*tag, &text[3..]))
    }
}

/// Whether the string starts with a tag. One compare for ordinary text.
pub fn is_tagged(text: &str) -> bool {
    text.as_bytes().first() == Some(&LEAD[0]) && Tag::of(text).is_some()
}

/// The tag and the body of a typed string.
pub fn strip_tag(text: &str) -> Option<(Tag, &str)> {
    Tag::of(text)
}

/// `body` as a typed string.
pub fn encode_tagged(tag: Tag, body: &str) -> String {
    let mut text = String::with_capacity(body.len() + 3);
    text.push(tag.as_char());
    text.push_str(body);
    text
}

/// The value of a string: its own text, or the typed value that its tag announces.
///
/// A body that does not decode leaves the string as it is, tag included.
pub fn decode_tagged(text: &str) -> Scalar<'_> {
    let Some((tag, body)) = Tag::of(text) else { return Scalar::Text(Cow::Borrowed(text)) };
    decode(tag, body).unwrap_or(Scalar::Text(Cow::Borrowed(text)))
}

fn decode(tag: Tag, body: &str) -> Option<Scalar<'_>> {
    Some(match tag {
        Tag::Decimal => Scalar::Decimal(Decimal::parse(body)?),
        Tag::Wei => Scalar::Wei(Decimal::parse(body)?),
        Tag::Number => decode_number(body),
        Tag::Uuid => Scalar::Text(Cow::Borrowed(body)),
        Tag::HexBytes => Scalar::Binary(Binary { bytes: decode_hex(body.strip_prefix("0x")?)?, hex: true }),
        Tag::Bytes => Scalar::Binary(Binary { bytes: STANDARD.decode(body).ok()?.into(), hex: false }),
        Tag::Timestamp => match parse_iso(body)? {
            IsoValue::Timestamp(timestamp) => Scalar::Timestamp(timestamp),
            _ => return None,
        },
        Tag::Date => match parse_iso(body)? {
            IsoValue::Date(days) => Scalar::Date(days),
            _ => return None,
        },
        Tag::Time => match parse_iso(body)? {
            IsoValue::Time(time) => Scalar::Time(time),
            _ => return None,
        },
    })
}

/// An integer of any size is wei, a float past the largest one a decimal.
fn decode_number(literal: &str) -> Scalar<'_> {
    match literal {
        "NaN" => Scalar::Double(f64::NAN),
        "Infinity" => Scalar::Double(f64::INFINITY),
        "-Infinity" => Scalar::Double(f64::NEG_INFINITY),
        _ => match Decimal::parse(literal) {
            Some(number) if literal.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit()) => {
                Scalar::Wei(number)
            }
            Some(number) => Scalar::Decimal(number),
            // Thousands of digits: kept as they are.
            None => Scalar::Text(Cow::Borrowed(literal)),
        },
    }
}

/// Bytes from pairs of hexadecimal digits.
pub(super) fn decode_hex(text: &str) -> Option<Box<[u8]>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_does_not_decode_stays_text() {
        let broken = encode_tagged(Tag::Date, "yesterday");
        assert_eq!(decode_tagged(&broken), Scalar::Text(Cow::Borrowed(broken.as_str())));
        assert_eq!(decode_tagged(&encode_tagged(Tag::Date, "1970-01-02")), Scalar::Date(1));
    }

    #[test]
    fn ordinary_text_is_not_tagged() {
        for text in ["", "a", "\u{f026}", "\u{f02f}x", "\u{f025}x", "é"] {
            assert!(!is_tagged(text), "{text:?}");
        }
        assert!(is_tagged("\u{f02d}1"));
    }
}
