//! `numeric` on the wire: groups of four decimal digits with a weight, exact in both directions.

use arrow_buffer::i256;

/// Powers of ten within a group.
const POWERS: [u16; 5] = [1, 10, 100, 1000, 10_000];

const NEGATIVE: u16 = 0x4000;

/// Groups of the widest integer of 256 bits, with some to spare: 78 digits, and one group that the point splits.
const MAX_GROUPS: usize = 24;

/// Appends the unscaled value with this scale, without its length.
pub(crate) fn put_i128(out: &mut Vec<u8>, unscaled: i128, scale: i8) {
    let mut rest = unscaled.unsigned_abs();
    put(out, unscaled < 0, scale, |digits| {
        let power = u128::from(POWERS[digits]);
        let group = rest % power;
        rest /= power;
        (group as u16, rest == 0)
    });
}

/// Appends the unscaled value with this scale, without its length.
pub(crate) fn put_i256(out: &mut Vec<u8>, unscaled: i256, scale: i8) {
    if let Some(narrow) = unscaled.to_i128() {
        return put_i128(out, narrow, scale);
    }
    let text = unscaled.to_string();
    let mut rest = text.trim_start_matches('-');
    put(out, unscaled.is_negative(), scale, |digits| {
        let (left, group) = rest.split_at(rest.len().saturating_sub(digits));
        rest = left;
        (group.parse().unwrap_or(0), left.is_empty())
    });
}

/// `next` takes that many digits off the end of the value, at most four, and says whether nothing is left.
fn put(out: &mut Vec<u8>, is_negative: bool, scale: i8, mut next: impl FnMut(usize) -> (u16, bool)) {
    let scale = usize::try_from(scale).unwrap_or(0);
    let mut groups = [0_u16; MAX_GROUPS];
    let mut count = 0;
    // The point stands between groups: the last group holds fewer digits and zeros after them.
    let first = match scale % 4 {
        0 => 4,
        digits => digits,
    };
    let (group, mut is_done) = next(first);
    groups[0] = group * POWERS[4 - first];
    count += 1;
    while !is_done && count < groups.len() {
        let (group, done) = next(4);
        groups[count] = group;
        is_done = done;
        count += 1;
    }
    let fraction_groups = scale.div_ceil(4);
    let mut low = 0;
    while low < count && groups[low] == 0 {
        low += 1;
    }
    while count > low && groups[count - 1] == 0 {
        count -= 1;
    }
    let digits = count - low;
    let weight = if digits == 0 { 0 } else { count as i16 - 1 - fraction_groups as i16 };
    let sign = if is_negative && digits > 0 { NEGATIVE } else { 0 };
    out.extend_from_slice(&(digits as u16).to_be_bytes());
    out.extend_from_slice(&weight.to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&(scale as u16).to_be_bytes());
    for group in groups[low..count].iter().rev() {
        out.extend_from_slice(&group.to_be_bytes());
    }
}

/// A number as the server sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Numeric {
    /// Sign, digits before the point, digits after it.
    Finite(bool, String, String),
    /// `NaN`, `Infinity`, `-Infinity`.
    Special(&'static str),
}

impl Numeric {
    /// Reads the form on the wire; `None` if it is damaged.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let word = |index: usize| -> Option<u16> {
            let bytes = bytes.get(index * 2..index * 2 + 2)?;
            Some(u16::from_be_bytes([bytes[0], bytes[1]]))
        };
        let (count, weight, sign, scale) = (word(0)?, word(1)? as i16, word(2)?, word(3)?);
        match sign {
            0xC000 => return Some(Self::Special("NaN")),
            0xD000 => return Some(Self::Special("Infinity")),
            0xF000 => return Some(Self::Special("-Infinity")),
            _ => {}
        }
        let group = |position: i32| -> Option<u16> {
            // Groups that are not sent are zeros.
            match usize::try_from(position) {
                Ok(index) if index < usize::from(count) => word(4 + index),
                _ => Some(0),
            }
        };
        let mut whole = String::new();
        for position in 0..=i32::from(weight) {
            whole.push_str(&format!("{:04}", group(position)?));
        }
        let mut fraction = String::new();
        // Positions before the first group, as of 0.00000001, are zeros that are not sent either.
        let mut position = i32::from(weight) + 1;
        while fraction.len() < usize::from(scale) {
            fraction.push_str(&format!("{:04}", group(position)?));
            position += 1;
        }
        fraction.truncate(usize::from(scale));
        let whole = whole.trim_start_matches('0').to_owned();
        Some(Self::Finite(sign == NEGATIVE, whole, fraction))
    }

    /// Digits before the point and after it without zeros at the end; `None` for what is no number.
    pub(crate) fn widths(&self) -> Option<(usize, usize)> {
        match self {
            Self::Finite(_, whole, fraction) => Some((whole.len(), fraction.trim_end_matches('0').len())),
            Self::Special(_) => None,
        }
    }

    /// The unscaled integer as text; digits beyond the scale are zeros or were asked not to be there.
    pub(crate) fn unscaled(&self, scale: usize) -> Option<String> {
        match self {
            Self::Finite(is_negative, whole, fraction) => {
                let sign = if *is_negative { "-" } else { "" };
                let kept = fraction.get(..scale.min(fraction.len())).unwrap_or_default();
                let text = format!("{whole}{kept:0<scale$}");
                let digits = text.trim_start_matches('0');
                Some(if digits.is_empty() { "0".to_owned() } else { format!("{sign}{digits}") })
            }
            Self::Special(_) => None,
        }
    }

    /// Plain decimal text.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Special(text) => (*text).to_owned(),
            Self::Finite(is_negative, whole, fraction) => {
                let sign = if *is_negative { "-" } else { "" };
                let whole = if whole.is_empty() { "0" } else { whole };
                let point = if fraction.is_empty() { "" } else { "." };
                format!("{sign}{whole}{point}{fraction}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(bytes: &[u8]) -> Vec<u16> {
        bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
    }

    #[test]
    fn numbers_are_sent_as_the_server_sends_them() {
        let check = |unscaled: i128, scale: i8, expected: &[u16]| {
            let mut narrow = Vec::new();
            put_i128(&mut narrow, unscaled, scale);
            assert_eq!(words(&narrow), expected, "{unscaled} {scale}");
        };
        check(0, 0, &[0, 0, 0, 0]);
        check(0, 9, &[0, 0, 0, 9]);
        check(1, 0, &[1, 0, 0, 0, 1]);
        check(-12_500_000_000, 9, &[2, 0, NEGATIVE, 9, 12, 5000]);
        check(10_000, 0, &[1, 1, 0, 0, 1]);
        check(1, 9, &[1, 0xFFFD, 0, 9, 1000]);
        check(12_345_678, 4, &[2, 0, 0, 4, 1234, 5678]);
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_is_read(high in any::<i128>(), low in any::<u128>(), scale in 0_i8..=76) {
            for value in [i256::from_i128(high), i256::from_parts(low, high / 8)] {
                let mut bytes = Vec::new();
                put_i256(&mut bytes, value, scale);
                let read = Numeric::read(&bytes).unwrap();
                prop_assert_eq!(read.unscaled(scale as usize).unwrap(), value.to_string());
            }
        }

        #[test]
        fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            drop(Numeric::read(&bytes));
        }
    }
}
