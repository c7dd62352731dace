//! Decimals of any size, as text digits and an exponent: exact, and only as fast as rare values need.

use std::cmp::Ordering;
use std::fmt;

use arrow_buffer::i256;

use super::text::python_double;

/// A decimal number in the sense of Python's `Decimal`: it remembers trailing zeros (`1.50`) and its exponent form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    form: Form,
    /// Precision and scale of the column that it comes from. No digit of such a number is ever rounded away.
    column: Option<(u8, i8)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Form {
    /// `digits × 10^exponent`; no leading zeros except for zero itself.
    Finite {
        digits: Box<str>,
        exponent: i32,
    },
    Infinity,
    NaN,
}

/// Digits beyond this are nobody's number; it bounds the work on hostile input.
const MAX_DIGITS: usize = 4096;
const MAX_EXPONENT: i32 = 100_000;

impl Decimal {
    /// Parses Python's syntax in ASCII: sign, digits, fraction, exponent, `NaN`, `Infinity`.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, body) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let lower = body.to_ascii_lowercase();
        if matches!(lower.as_str(), "inf" | "infinity") {
            return Some(Self { negative, form: Form::Infinity, column: None });
        }
        if let Some(payload) = lower.strip_prefix("nan").or_else(|| lower.strip_prefix("snan")) {
            let valid = payload.bytes().all(|byte| byte.is_ascii_digit());
            return valid.then_some(Self { negative, form: Form::NaN, column: None });
        }
        let (mantissa, exponent) = match lower.split_once('e') {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (lower.as_str(), 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
        let count = whole.len() + fraction.len();
        if !all_digits || count == 0 || count > MAX_DIGITS || exponent.abs() > MAX_EXPONENT {
            return None;
        }
        let exponent = exponent - fraction.len() as i32;
        Some(Self::finite(negative, &format!("{whole}{fraction}"), exponent))
    }

    /// The integer written in hexadecimal digits.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > 256 {
            return None;
        }
        // Little-endian decimal digits, multiplied by 16 for each hexadecimal digit.
        let mut digits = vec![0_u8];
        for c in text.chars() {
            let mut carry = c.to_digit(16)?;
            for digit in &mut digits {
                carry += u32::from(*digit) * 16;
                *digit = (carry % 10) as u8;
                carry /= 10;
            }
            while carry > 0 {
                digits.push((carry % 10) as u8);
                carry /= 10;
            }
        }
        let text: String = digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        Some(Self::finite(false, &text, 0))
    }

    /// The shortest decimal that reads back as `value`.
    pub fn from_f64(value: f64) -> Self {
        let mut text = String::new();
        python_double(&mut text, value);
        // Every float text is valid decimal syntax.
        Self::parse(&text).unwrap_or(Self { negative: false, form: Form::NaN, column: None })
    }

    fn finite(negative: bool, digits: &str, exponent: i32) -> Self {
        let digits = digits.trim_start_matches('0');
        let digits = if digits.is_empty() { "0" } else { digits };
        Self { negative, form: Form::Finite { digits: digits.into(), exponent }, column: None }
    }

    /// Whether the number is zero.
    pub fn is_zero(&self) -> bool {
        matches!(&self.form, Form::Finite { digits, .. } if &**digits == "0")
    }

    /// Whether the number is neither NaN nor infinite.
    pub fn is_finite(&self) -> bool {
        matches!(self.form, Form::Finite { .. })
    }

    /// Order by value, so that 1.5 equals 1.50. `None` if one of them is NaN.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        let sign = |number: &Self| match (number.is_zero(), number.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        if self.form == Form::NaN || other.form == Form::NaN {
            return None;
        }
        let (mine, theirs) = (sign(self), sign(other));
        if mine != theirs || mine == 0 {
            return Some(mine.cmp(&theirs));
        }
        let magnitude = match (&self.form, &other.form) {
            (Form::Finite { digits: a, exponent: x }, Form::Finite { digits: b, exponent: y }) => {
                let size = |digits: &str, exponent: i32| digits.len() as i64 + i64::from(exponent);
                // Of equal size, the digits decide like letters do, once trailing zeros are gone.
                size(a, *x)
                    .cmp(&size(b, *y))
                    .then_with(|| a.trim_end_matches('0').cmp(b.trim_end_matches('0')))
            }
            (a, b) => (*a == Form::Infinity).cmp(&(*b == Form::Infinity)),
        };
        Some(if self.negative { magnitude.reverse() } else { magnitude })
    }

    /// The value if it is an integer of 64 bits.
    pub fn to_i64(&self) -> Option<i64> {
        let Form::Finite { digits, exponent } = &self.form else { return None };
        let scaled = scale_digits(digits, *exponent, 0, Rounding::Exact)?;
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{scaled}").parse().ok()
    }

    /// The nearest float; infinite past the range of floats.
    pub fn to_f64(&self) -> Option<f64> {
        let magnitude = match &self.form {
            Form::Finite { digits, exponent } => format!("{digits}e{exponent}").parse().ok()?,
            Form::Infinity => f64::INFINITY,
            Form::NaN => f64::NAN,
        };
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// The unscaled integer of a column of `precision` digits with `scale` of them fractional.
    ///
    /// Digits past the scale are rounded half away from zero, as databases do on insert, but for numbers of columns,
    /// whose every digit counts. `None` when the number does not fit or is not finite.
    pub fn unscaled(&self, precision: u8, scale: i8) -> Option<i256> {
        let Form::Finite { digits, exponent } = &self.form else { return None };
        let rounding = if self.column.is_some() { Rounding::Exact } else { Rounding::HalfUp };
        let scaled = scale_digits(digits, *exponent, i32::from(scale), rounding)?;
        if scaled.len() > usize::from(precision) && scaled != "0" {
            return None;
        }
        let magnitude = i256::from_string(&scaled)?;
        Some(if self.negative { magnitude.wrapping_neg() } else { magnitude })
    }

    /// Whether the number has no digits past the scale; not so for NaN and the infinities.
    pub fn is_exact_at(&self, scale: i8) -> bool {
        match &self.form {
            Form::Finite { digits, exponent } => {
                let zeros = digits.len() - digits.trim_end_matches('0').len();
                &**digits == "0" || i64::from(*exponent) + zeros as i64 + i64::from(scale) >= 0
            }
            Form::Infinity | Form::NaN => false,
        }
    }

    /// The number as one of a column of this precision and scale.
    pub fn of_column(self, precision: u8, scale: i8) -> Self {
        Self { column: Some((precision, scale)), ..self }
    }

    /// Precision and scale of the column that it comes from, if it comes from one.
    pub fn column_digits(&self) -> Option<(u8, i8)> {
        self.column
    }

    /// Digits before the decimal point; 0 for NaN and the infinities.
    pub fn whole_digits(&self) -> usize {
        match &self.form {
            Form::Finite { digits, exponent } => (digits.len() as i64 + i64::from(*exponent)).max(0) as usize,
            Form::Infinity | Form::NaN => 0,
        }
    }
}

impl From<i64> for Decimal {
    fn from(value: i64) -> Self {
        Self::finite(value < 0, &value.unsigned_abs().to_string(), 0)
    }
}

impl From<u64> for Decimal {
    fn from(value: u64) -> Self {
        Self::finite(false, &value.to_string(), 0)
    }
}

#[derive(PartialEq)]
enum Rounding {
    Exact,
    HalfUp,
}

/// The digits of `digits × 10^(exponent + scale)` as an integer.
fn scale_digits(digits: &str, exponent: i32, scale: i32, rounding: Rounding) -> Option<String> {
    if digits == "0" {
        return Some("0".to_owned());
    }
    let shift = exponent + scale;
    if shift >= 0 {
        let length = digits.len() + shift as usize;
        // No column takes more digits; a huge exponent must not allocate.
        return (length <= MAX_DIGITS).then(|| format!("{digits}{}", "0".repeat(shift as usize)));
    }
    let dropped = (-i64::from(shift)) as usize;
    let (kept, rest) =
        if dropped <= digits.len() { digits.split_at(digits.len() - dropped) } else { ("", "0") };
    if rounding == Rounding::Exact && rest.bytes().any(|digit| digit != b'0') {
        return None;
    }
    if rounding == Rounding::Exact && dropped > digits.len() {
        return None;
    }
    let mut number: Vec<u8> = kept.bytes().collect();
    if rest.as_bytes().first().is_some_and(|&digit| digit >= b'5') {
        let mut carry = true;
        for digit in number.iter_mut().rev() {
            *digit = if *digit == b'9' { b'0' } else { *digit + 1 };
            carry = *digit == b'0';
            if !carry {
                break;
            }
        }
        if carry {
            number.insert(0, b'1');
        }
    }
    let text: String = number.into_iter().map(char::from).collect();
    Some(if text.is_empty() { "0".to_owned() } else { text })
}

impl fmt::Display for Decimal {
    /// Python's `str`: plain for small exponents, `1E+3` where the exponent is positive.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        let (digits, exponent) = match &self.form {
            Form::Finite { digits, exponent } => (&**digits, *exponent),
            Form::Infinity => return f.write_str("Infinity"),
            Form::NaN => return f.write_str("NaN"),
        };
        let count = digits.len() as i32;
        let left = exponent + count;
        let point = if exponent <= 0 && left > -6 { left } else { 1 };
        if point <= 0 {
            write!(f, "0.{}{digits}", "0".repeat(-point as usize))?;
        } else if point >= count {
            write!(f, "{digits}{}", "0".repeat((point - count) as usize))?;
        } else {
            let (whole, fraction) = digits.split_at(point as usize);
            write!(f, "{whole}.{fraction}")?;
        }
        if left == point { Ok(()) } else { write!(f, "E{:+}", left - point) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_pythons() {
        for (input, text) in [
            ("1.50", "1.50"),
            ("1E+3", "1E+3"),
            ("1e3", "1E+3"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1E-7"),
            ("-00012.30", "-12.30"),
            ("NaN", "NaN"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(Decimal::parse(input).unwrap().to_string(), text);
        }
        assert_eq!(Decimal::parse("1,5"), None);
        assert_eq!(Decimal::parse(""), None);
        assert_eq!(Decimal::parse("."), None);
    }

    #[test]
    fn order_is_by_value() {
        let parse = |text| Decimal::parse(text).unwrap();
        let ascending =
            ["-Infinity", "-100", "-1.5", "-0.01", "0", "1e-9", "1.49", "1.5", "9", "10", "1e3", "Infinity"];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(parse(a).compare(&parse(b)), Some(i.cmp(&j)), "{a} {b}");
            }
        }
        assert_eq!(parse("1.50").compare(&parse("15e-1")), Some(Ordering::Equal));
        assert_eq!(parse("0.0").compare(&parse("-0")), Some(Ordering::Equal));
        assert_eq!(parse("NaN").compare(&parse("1")), None);
    }

    #[test]
    fn unscaled_rounds_half_up_and_refuses_what_does_not_fit() {
        let unscaled = |text, precision, scale| Decimal::parse(text).unwrap().unscaled(precision, scale);
        assert_eq!(unscaled("1.25", 38, 9), Some(i256::from_i128(1_250_000_000)));
        assert_eq!(unscaled("1.005", 5, 2), Some(i256::from_i128(101)));
        assert_eq!(unscaled("9.995", 3, 2), None);
        assert_eq!(unscaled("9.994", 3, 2), Some(i256::from_i128(999)));
        assert_eq!(unscaled("-0.4", 3, 0), Some(i256::ZERO));
        assert_eq!(unscaled("0.05", 3, 0), Some(i256::ZERO));
        assert_eq!(unscaled("1e30", 38, 9), None);
        assert_eq!(unscaled("1e99999", 76, 0), None);
        assert_eq!(unscaled("NaN", 38, 9), None);
    }

    #[test]
    fn hexadecimal_and_integers() {
        assert_eq!(Decimal::from_hex("ff").unwrap().to_i64(), Some(255));
        assert_eq!(Decimal::from_hex("ffffffffffffffff").unwrap().to_string(), "18446744073709551615");
        assert_eq!(Decimal::parse("3.00").unwrap().to_i64(), Some(3));
        assert_eq!(Decimal::parse("0.001").unwrap().to_i64(), None);
        assert_eq!(Decimal::parse("1E+3").unwrap().to_i64(), Some(1000));
        assert_eq!(Decimal::from(i64::MIN).to_i64(), Some(i64::MIN));
    }
}
