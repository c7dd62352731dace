//! Values as MySQL reads them: in the lines of `LOAD DATA`, and as literals.

use windlass_core::value::{Time, Timestamp, format_date, format_time, format_timestamp};
use windlass_core::{Error, Result};

use crate::destinations::sql::{Value, decimal_parts};

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Form {
    /// A field of a line: tabs, ends of lines and backslashes are escaped, bytes are hexadecimal digits.
    Field,
    /// A literal of a statement.
    Literal,
}

/// Appends a value. Errors: numbers that MySQL does not have.
pub(super) fn put(value: &Value<'_>, form: Form, out: &mut Vec<u8>) -> Result<()> {
    match value {
        Value::Null if form == Form::Field => out.extend_from_slice(b"\\N"),
        Value::Null => out.extend_from_slice(b"NULL"),
        Value::Bool(value) => out.push(if *value { b'1' } else { b'0' }),
        Value::Integer(value) => plain(&value.to_string(), out),
        Value::Real(value) if !value.is_finite() => {
            return Err(Error::data(format!("MySQL has no number {value}"))
                .with_hint("leave such values out with a step, or give the column the type text"));
        }
        // The shortest digits that give the same number again.
        Value::Real(value) => plain(&format!("{value:e}"), out),
        Value::Decimal(digits, scale) => {
            let (sign, whole, fraction) = decimal_parts(digits, *scale);
            let point = if fraction.is_empty() { "" } else { "." };
            plain(&format!("{sign}{whole}{point}{fraction}"), out);
        }
        Value::Text(text) => texts(text.as_bytes(), form, out),
        Value::Blob(bytes) => blob(bytes, form, out),
        Value::Date(_) | Value::Time(_) | Value::Timestamp(_) => texts(moment(value).as_bytes(), form, out),
    }
    Ok(())
}

fn plain(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(text.as_bytes());
}

fn moment(value: &Value<'_>) -> String {
    let mut text = String::new();
    match *value {
        Value::Date(days) => format_date(&mut text, days),
        Value::Time(micros) => format_time(&mut text, Time { micros, offset: None }),
        Value::Timestamp(micros) => format_timestamp(&mut text, Timestamp { micros, offset: None }, ' '),
        _ => {}
    }
    text
}

fn texts(bytes: &[u8], form: Form, out: &mut Vec<u8>) {
    if form == Form::Literal {
        out.push(b'\'');
    }
    for &byte in bytes {
        let escaped = match (byte, form) {
            (b'\\', _) => b'\\',
            (b'\0', _) => b'0',
            (b'\t', Form::Field) => b't',
            (b'\n', Form::Field) => b'n',
            (b'\r', Form::Field) => b'r',
            (b'\'', Form::Literal) => b'\'',
            _ => {
                out.push(byte);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', escaped]);
    }
    if form == Form::Literal {
        out.push(b'\'');
    }
}

fn blob(bytes: &[u8], form: Form, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if form == Form::Literal {
        out.extend_from_slice(b"X'");
    }
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.extend(DIGITS.get(usize::from(digit)));
        }
    }
    if form == Form::Literal {
        out.push(b'\'');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_both_forms_read_them() {
        for (value, field, literal) in [
            (Value::Null, "\\N", "NULL"),
            (Value::Text("\\N"), "\\\\N", "'\\\\N'"),
            (Value::Text("a\tb\nc\\d'e\0\r"), "a\\tb\\nc\\\\d'e\\0\\r", "'a\tb\nc\\\\d\\'e\\0\r'"),
            (Value::Blob(&[0, 255]), "00FF", "X'00FF'"),
            (Value::Blob(&[]), "", "X''"),
            (Value::Real(-0.0), "-0e0", "-0e0"),
            (Value::Real(1e300), "1e300", "1e300"),
            (Value::Decimal("-5".into(), 3), "-0.005", "-0.005"),
            (Value::Decimal("12".into(), 0), "12", "12"),
            (Value::Timestamp(1), "1970-01-01 00:00:00.000001", "'1970-01-01 00:00:00.000001'"),
            (Value::Date(0), "1970-01-01", "'1970-01-01'"),
        ] {
            for (form, expected) in [(Form::Field, field), (Form::Literal, literal)] {
                let mut out = Vec::new();
                put(&value, form, &mut out).unwrap();
                assert_eq!(String::from_utf8(out).unwrap(), expected, "{value:?}");
            }
        }
        assert!(put(&Value::Real(f64::NAN), Form::Field, &mut Vec::new()).is_err());
    }
}
