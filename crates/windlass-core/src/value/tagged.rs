//! Typed strings: values that JSON lacks, as strings whose first character tells the type.
//!
//! They stand in typed JSON only, which the engine writes for itself: rows of Python and of columns on their way to the
//! parser, values of cursors, states. What a user wrote is never looked at for tags: whoever writes a user's text as
//! typed JSON marks one that begins like a tag as text, by [`escape_text`]. The tags are code points of the private use
//! area from U+F026, as in the reference's typed JSON.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::iso::parse_far;
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
    /// A text that begins with the character of a tag, this one included. Not a tag of the reference.
    Text,
    /// A number of a column of decimals: `precision,scale;digits`. Not a tag of the reference.
    ColumnDecimal,
}

const TAGS: [Tag; 11] = [
    Tag::Decimal,
    Tag::Timestamp,
    Tag::Date,
    Tag::Uuid,
    Tag::HexBytes,
    Tag::Bytes,
    Tag::Wei,
    Tag::Time,
    Tag::Number,
    Tag::Text,
    Tag::ColumnDecimal,
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

    /// The tag whose character begins the text.
    fn leading(text: &str) -> Option<Self> {
        let [a, b, c, ..] = text.as_bytes() else { return None };
        TAGS.get(usize::from(c.wrapping_sub(FIRST))).copied().filter(|_| [*a, *b] == LEAD)
    }

    fn of(text: &str) -> Option<(Self, &str)> {
        let tag = Self::leading(text)?;
        let body = text.get(3..).filter(|body| !body.is_empty())?;
        // Nothing else needs that mark, so that the rest is somebody's own text.
        (tag != Self::Text || Self::leading(body).is_some()).then_some((tag, body))
    }
}

/// Whether the string starts with a tag. One compare for ordinary text.
pub fn is_tagged(text: &str) -> bool {
    text.as_bytes().first() == Some(&LEAD[0]) && Tag::of(text).is_some()
}

/// A text as a typed string: itself, but for one that would be taken for a value of another type.
pub fn escape_text(text: &str) -> Cow<'_, str> {
    match Tag::leading(text) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(encode_tagged(Tag::Text, text)),
    }
}

/// The tag and the body of a typed string.
pub fn strip_tag(text: &str) -> Option<(Tag, &str)> {
    Tag::of(text)
}

/// A JSON value as typed JSON: its texts are those that they are. Names are never typed.
pub fn typed_json(value: &Value) -> Value {
    match value {
        Value::String(text) => escape_text(text).into(),
        Value::Array(items) => items.iter().map(typed_json).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), typed_json(value))).collect(),
        other => other.clone(),
    }
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
        Tag::ColumnDecimal => {
            let (digits, number) = body.split_once(';')?;
            let (precision, scale) = digits.split_once(',')?;
            let number = Decimal::parse(number)?;
            Scalar::Decimal(number.of_column(precision.parse().ok()?, scale.parse().ok()?))
        }
        Tag::Wei => Scalar::Wei(Decimal::parse(body)?),
        Tag::Number => decode_number(body),
        Tag::Uuid | Tag::Text => Scalar::Text(Cow::Borrowed(body)),
        Tag::HexBytes => Scalar::Binary(Binary { bytes: decode_hex(body.strip_prefix("0x")?)?, hex: true }),
        Tag::Bytes => Scalar::Binary(Binary { bytes: STANDARD.decode(body).ok()?.into(), hex: false }),
        Tag::Timestamp => match parse_any_year(body)? {
            IsoValue::Timestamp(timestamp) => Scalar::Timestamp(timestamp),
            _ => return None,
        },
        Tag::Date => match parse_any_year(body)? {
            IsoValue::Date(days) => Scalar::Date(days),
            _ => return None,
        },
        Tag::Time => match parse_iso(body)? {
            IsoValue::Time(time) => Scalar::Time(time),
            _ => return None,
        },
    })
}

/// Dates of typed strings may be of any year, those of users have four digits.
fn parse_any_year(body: &str) -> Option<IsoValue> {
    parse_iso(body).or_else(|| parse_far(body))
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
        for text in [
            "",
            "a",
            "\u{f026}",
            "\u{f02f}x",
            "\u{f025}x",
            "\u{f031}x",
            "é",
            "\u{1f9e1} love",
            "A香",
            ".香港",
            "P২Y",
            "\u{fe0f}",
            "\u{f826}x",
            "\u{1f9e1}",
            "\u{10f026}x",
        ] {
            assert!(!is_tagged(text), "{text:?}");
            assert_eq!(decode_tagged(text), Scalar::Text(Cow::Borrowed(text)));
        }
        assert!(is_tagged("\u{f02d}1"));
    }

    #[test]
    fn every_text_is_itself_after_it_was_escaped() {
        let bodies = ["", "1", "2024-01-01", "01:02:03", "0xff", "YQ==", "NaN", "é", "\u{f027}", "\u{f02f}1"];
        for first in (0..=0x10_ffff).filter_map(char::from_u32) {
            for body in bodies {
                let text = format!("{first}{body}");
                assert_eq!(decode_tagged(&escape_text(&text)), Scalar::Text(Cow::Borrowed(text.as_str())));
            }
        }
    }

    #[test]
    fn years_of_any_length_come_back() {
        for days in [i32::MIN, -1_000_000, -719_529, -719_163, 0, 2_932_896, 2_932_897, 6_585_916, i32::MAX] {
            let mut text = String::new();
            super::super::format_date(&mut text, i64::from(days));
            assert_eq!(decode_tagged(&encode_tagged(Tag::Date, &text)), Scalar::Date(days), "{text}");
        }
        for micros in [i64::MIN, -62_135_596_800_000_001, 0, 253_402_300_800_000_000, i64::MAX] {
            for offset in [None, Some(0), Some(-3_600)] {
                let timestamp = super::super::Timestamp { micros, offset };
                let mut text = String::new();
                super::super::format_timestamp(&mut text, timestamp, 'T');
                let read = decode_tagged(&encode_tagged(Tag::Timestamp, &text)).into_owned();
                // What an offset leads beyond the range of microseconds cannot be written.
                if micros.checked_add(i64::from(offset.unwrap_or(0)) * 1_000_000).is_some() {
                    assert_eq!(read, Scalar::Timestamp(timestamp), "{text}");
                }
            }
        }
    }
}
