//! Numbers as the text of Python and of JSON, and back.

use std::fmt::Write as _;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use super::Decimal;
use crate::naming::strip;

/// The value of a decimal digit of any script (Unicode class Nd).
pub(super) fn digit_value(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let is_digit = |c: char| c.general_category() == GeneralCategory::DecimalNumber;
    if !is_digit(c) {
        return None;
    }
    // Digits of a script are ten neighbours from zero to nine; where scripts adjoin, the run is a multiple of ten.
    let mut zero = c as u32;
    while let Some(before) = char::from_u32(zero - 1).filter(|&before| is_digit(before)) {
        zero = before as u32;
    }
    Some((c as u32 - zero) % 10)
}

/// ASCII form of a Python number: white space stripped, digits of any script as ASCII, `_` only between digits.
fn ascii_number(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = strip(text).chars().peekable();
    let mut after_digit = false;
    while let Some(c) = chars.next() {
        if c == '_' {
            let before_digit = chars.peek().is_some_and(|&next| digit_value(next).is_some());
            if !(after_digit && before_digit) {
                return None;
            }
            after_digit = false;
            continue;
        }
        let digit = digit_value(c);
        after_digit = digit.is_some();
        match digit {
            Some(digit) => out.push(char::from_digit(digit, 10)?),
            None if c.is_ascii() => out.push(c),
            None => return None,
        }
    }
    Some(out)
}

/// Parses an integer as Python's `int()` does, with `0x` for hexadecimal. `None` also past 64 bits.
pub fn parse_int(text: &str) -> Option<i64> {
    if let Some(value) = parse_hex(text) {
        return value.to_i64();
    }
    let ascii = ascii_number(text)?;
    let digits = ascii.strip_prefix(['+', '-']).unwrap_or(&ascii);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    ascii.parse().ok()
}

/// Parses a float as Python's `float()` does, with `0x` for a hexadecimal integer.
pub fn parse_double(text: &str) -> Option<f64> {
    if let Some(value) = parse_hex(text) {
        return value.to_f64().filter(|value| value.is_finite());
    }
    let ascii = ascii_number(text)?;
    let body = ascii.strip_prefix(['+', '-']).unwrap_or(&ascii);
    let named = ["inf", "infinity", "nan"].iter().any(|name| body.eq_ignore_ascii_case(name));
    // Rust accepts the same grammar but for the names, which are checked above.
    let numeric = body.bytes().next().is_some_and(|byte| byte.is_ascii_digit() || byte == b'.');
    if named || numeric { ascii.parse().ok() } else { None }
}

/// Parses a decimal as Python's `Decimal()` does, with `0x` for a hexadecimal integer.
pub(super) fn parse_decimal(text: &str) -> Option<Decimal> {
    parse_hex(text).or_else(|| Decimal::parse(&ascii_number(text)?))
}

fn parse_hex(text: &str) -> Option<Decimal> {
    let digits = strip(text).strip_prefix("0x").or_else(|| strip(text).strip_prefix("0X"))?;
    Decimal::from_hex(digits)
}

/// Shortest digits that read back as `value` and the exponent of the first, for a finite value.
fn shortest(value: f64) -> (String, i32) {
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// Writes digits in plain notation with at least one fractional digit.
fn plain(out: &mut String, digits: &str, exponent: i32) {
    if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
        out.push_str(digits);
        return;
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        out.push_str(digits);
        out.extend(std::iter::repeat_n('0', whole - digits.len()));
        out.push_str(".0");
    } else {
        out.push_str(&digits[..whole]);
        out.push('.');
        out.push_str(&digits[whole..]);
    }
}

fn mantissa(out: &mut String, digits: &str) {
    out.push_str(&digits[..1]);
    if digits.len() > 1 {
        out.push('.');
        out.push_str(&digits[1..]);
    }
}

/// Python's `repr` of a float: `1.0`, `1e+22`, `1e-05`, `nan`, `-inf`.
pub fn python_double(out: &mut String, value: f64) {
    if value.is_nan() {
        return out.push_str("nan");
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    if value.is_infinite() {
        return out.push_str("inf");
    }
    let (digits, exponent) = shortest(value);
    if (-4..16).contains(&exponent) {
        plain(out, &digits, exponent);
    } else {
        mantissa(out, &digits);
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{sign}{:02}", exponent.abs());
    }
}

/// A float as JSON text in the reference's form: plain from 1e-5 up to 1e16, else `1.5e+16` and `1e-6`.
///
/// NaN and the infinities, which JSON lacks, are `null`.
pub fn json_double(out: &mut String, value: f64) {
    if !value.is_finite() {
        return out.push_str("null");
    }
    if value.is_sign_negative() {
        out.push('-');
    }
    let (digits, exponent) = shortest(value);
    if (-5..16).contains(&exponent) {
        plain(out, &digits, exponent);
    } else {
        mantissa(out, &digits);
        let sign = if exponent < 0 { "" } else { "+" };
        let _ = write!(out, "e{sign}{exponent}");
    }
}

/// A string as JSON text: UTF-8 unescaped, control characters in their short form or as `\u00xx`.
pub fn json_string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0x08 => "\\b",
            0x0c => "\\f",
            0..0x20 => "",
            _ => continue,
        };
        out.push_str(&text[plain_from..at]);
        plain_from = at + 1;
        if escape.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&text[plain_from..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(value: f64) -> String {
        let mut out = String::new();
        json_double(&mut out, value);
        out
    }

    #[test]
    fn json_doubles_equal_the_reference() {
        let cases = [
            (1.0, "1.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (1e-4, "0.0001"),
            (1e-5, "0.00001"),
            (1.5e-5, "0.000015"),
            (9.9e-6, "9.9e-6"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (-0.0, "-0.0"),
        ];
        for (value, text) in cases {
            assert_eq!(json(value), text);
        }
    }

    #[test]
    fn digits_of_other_scripts_count() {
        assert_eq!(parse_int("٣"), Some(3));
        assert_eq!(parse_int(" +1_000 "), Some(1000));
        assert_eq!(parse_int("1__0"), None);
        assert_eq!(parse_int("99999999999999999999"), None);
        assert_eq!(digit_value('𝟗'), Some(9));
        assert_eq!(digit_value('²'), None);
    }

    #[test]
    fn strings_escape_like_the_reference() {
        let mut out = String::new();
        json_string(&mut out, "\0\u{1f}\u{7f}\u{2028}\"\\/é\u{8}\u{c}\n\r\t");
        assert_eq!(out, "\"\\u0000\\u001f\u{7f}\u{2028}\\\"\\\\/é\\b\\f\\n\\r\\t\"");
    }
}
