//! Digests of the records that have the last value of a run: the next run reads those records again and drops them.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;

use crate::error::{Code, Error, Result};
use crate::hash::shake128;

/// Up to this many digests are stored one by one, as the reference does.
///
/// More are packed into one text: about 10 instead of 15 bytes each. The reference keeps such a text, but does not
/// understand it, so that it would load the records of that one cursor value again.
pub const MAX_PLAIN_DIGESTS: usize = 10_000;

/// Records that may share the last value of the cursor. Beyond, a run fails rather than let the state grow.
pub const MAX_BOUNDARY_RECORDS: usize = 1_000_000;

/// Beyond so many records with the last value of the cursor, people should know.
pub const WARN_BOUNDARY_RECORDS: usize = 200;

/// Starts a packed text; no digest starts with it.
const PACKED: char = '~';

/// A digest, in the low bytes.
pub(super) type Digest = u128;

/// How digests are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DigestForm {
    /// Nine bytes.
    Current,
    /// Fifteen bytes, from before version 1.29 of the reference; kept until the cursor moves on.
    Legacy,
}

impl DigestForm {
    fn bytes(self) -> usize {
        match self {
            Self::Current => 9,
            Self::Legacy => 15,
        }
    }

    /// The digest of a canonical text.
    pub(super) fn digest(self, text: &str) -> Digest {
        let mut bytes = [0_u8; 16];
        shake128(text.as_bytes(), &mut bytes[16 - self.bytes()..]);
        u128::from_be_bytes(bytes)
    }

    fn encode(self, digest: Digest) -> String {
        STANDARD.encode(&digest.to_be_bytes()[16 - self.bytes()..])
    }

    fn decode(text: &str) -> Option<(Self, Digest)> {
        let decoded = STANDARD.decode(text).ok()?;
        let form = [Self::Current, Self::Legacy].into_iter().find(|form| form.bytes() == decoded.len())?;
        let mut bytes = [0_u8; 16];
        bytes[16 - decoded.len()..].copy_from_slice(&decoded);
        Some((form, u128::from_be_bytes(bytes)))
    }
}

/// The digests of one cursor value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Digests {
    pub(super) form: DigestForm,
    pub(super) set: HashSet<Digest>,
}

impl Digests {
    pub(super) fn empty(form: DigestForm) -> Self {
        Self { form, set: HashSet::new() }
    }

    /// Reads the stored list. One digest of the legacy form makes all of them that form.
    ///
    /// Errors: an entry that is no digest.
    pub(super) fn from_json(list: &Value) -> Result<Self> {
        let broken = || {
            Error::of(Code::DamagedState, "the stored digests of the cursor cannot be read")
                .with_hint("forget the state of the resource, and load it again or set initial_value")
        };
        let mut digests = Self::empty(DigestForm::Current);
        let mut legacy = HashSet::new();
        for entry in list.as_array().ok_or_else(broken)? {
            let text = entry.as_str().ok_or_else(broken)?;
            if let Some(packed) = text.strip_prefix(PACKED) {
                digests.set.extend(unpack(packed).ok_or_else(broken)?);
                continue;
            }
            match DigestForm::decode(text).ok_or_else(broken)? {
                (DigestForm::Current, digest) => drop(digests.set.insert(digest)),
                (DigestForm::Legacy, digest) => drop(legacy.insert(digest)),
            }
        }
        // Digests of both forms never match each other, so the others are of no use.
        Ok(if legacy.is_empty() { digests } else { Self { form: DigestForm::Legacy, set: legacy } })
    }

    /// The stored list, in the same order for the same set.
    pub(super) fn to_json(&self) -> Value {
        if self.set.len() > MAX_PLAIN_DIGESTS && self.form == DigestForm::Current {
            return Value::Array(vec![format!("{PACKED}{}", pack(&self.set)).into()]);
        }
        let mut list: Vec<String> = self.set.iter().map(|digest| self.form.encode(*digest)).collect();
        list.sort_unstable();
        list.into()
    }

    /// Errors: more than [`MAX_BOUNDARY_RECORDS`].
    pub(super) fn extend(&mut self, digests: impl IntoIterator<Item = Digest>) -> Result<()> {
        self.set.extend(digests);
        if self.set.len() <= MAX_BOUNDARY_RECORDS {
            return Ok(());
        }
        Err(Error::of(Code::CursorTies, format!(
            "more than {MAX_BOUNDARY_RECORDS} records have the same last value of the cursor"
        ))
        .with_hint(
            "choose a finer cursor; or set `range_start: open` if no more records come with a value that was read, \
             or `primary_key: []` with the merge disposition to load them again each time",
        ))
    }
}

/// Sorted digests as gaps in Rice code: each gap is a quotient in unary and `bits` bits of remainder.
fn pack(set: &HashSet<Digest>) -> String {
    let mut sorted: Vec<Digest> = set.iter().copied().collect();
    sorted.sort_unstable();
    let bits = 72_u32.saturating_sub(usize::BITS - sorted.len().leading_zeros());
    let mut out = BitWriter { bytes: (sorted.len() as u32).to_be_bytes().to_vec(), free: 0 };
    out.bytes.push(bits as u8);
    let mut last = 0;
    for digest in sorted {
        let gap = digest - last;
        last = digest;
        for _ in 0..gap >> bits {
            out.push(true);
        }
        out.push(false);
        for bit in (0..bits).rev() {
            out.push(gap >> bit & 1 == 1);
        }
    }
    STANDARD_NO_PAD.encode(out.bytes)
}

fn unpack(text: &str) -> Option<Vec<Digest>> {
    let bytes = STANDARD_NO_PAD.decode(text).ok()?;
    let (count, rest) = bytes.split_first_chunk::<4>()?;
    let (&bits, rest) = rest.split_first()?;
    let count = u32::from_be_bytes(*count) as usize;
    if count > MAX_BOUNDARY_RECORDS || bits > 72 {
        return None;
    }
    let mut stream = rest.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    let mut digests = Vec::with_capacity(count.min(rest.len()));
    let mut last: Digest = 0;
    for _ in 0..count {
        let mut gap: Digest = 0;
        while stream.next()? {
            gap += 1;
        }
        for _ in 0..bits {
            gap = gap.checked_mul(2)? | Digest::from(stream.next()?);
        }
        last = last.checked_add(gap)?;
        digests.push(last);
    }
    Some(digests)
}

struct BitWriter {
    bytes: Vec<u8>,
    /// Bits of the last byte that are not written yet.
    free: u32,
}

impl BitWriter {
    fn push(&mut self, bit: bool) {
        if self.free == 0 {
            self.bytes.push(0);
            self.free = 8;
        }
        self.free -= 1;
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << self.free;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn digests_equal_the_reference() {
        let current = |text: &str| DigestForm::Current.encode(DigestForm::Current.digest(text));
        for (text, digest) in [
            ("1", "669czW83KR00"),
            ("\"a\"", "HXVczKyPrzLo"),
            ("[1,\"a\"]", "ndvRJS8rm8iA"),
            ("null", "KtLhiM3tliLb"),
            ("1.5", "Fplwv0GiPZps"),
            ("\"1.50\"", "NryApKkv48uo"),
            ("{\"d\":1704067200000000,\"z\":{\"y\":[1]}}", "fu9RHRHAVr6u"),
        ] {
            assert_eq!(current(text), digest, "{text}");
        }
        assert_eq!(DigestForm::Legacy.encode(DigestForm::Legacy.digest("1")), "669czW83KR00ut4bv/U5");
    }

    #[test]
    fn lists_read_back_in_either_form() {
        for list in [json!([]), json!(["669czW83KR00", "Tp44cKMYfAuJ"]), json!(["669czW83KR00ut4bv/U5"])] {
            assert_eq!(Digests::from_json(&list).unwrap().to_json(), list);
        }
        let mixed = Digests::from_json(&json!(["669czW83KR00", "669czW83KR00ut4bv/U5"])).unwrap();
        assert_eq!(mixed.form, DigestForm::Legacy);
        for broken in [json!("x"), json!([1]), json!(["x"]), json!(["~x"]), json!(["~AAAA/0gA"]), json!({})] {
            assert!(Digests::from_json(&broken).unwrap_err().hint().is_some(), "{broken}");
        }
    }

    #[test]
    fn many_digests_are_packed_and_read_back() {
        let mut digests = Digests::empty(DigestForm::Current);
        let many = (0..=MAX_PLAIN_DIGESTS).map(|n| DigestForm::Current.digest(&n.to_string()));
        digests.extend(many).unwrap();
        let list = digests.to_json();
        let text = list[0].as_str().unwrap();
        assert_eq!(list.as_array().unwrap().len(), 1);
        assert!(text.len() < MAX_PLAIN_DIGESTS * 11, "{}", text.len());
        assert_eq!(Digests::from_json(&list).unwrap(), digests);
    }

    #[test]
    fn packing_is_exact_at_the_edges() {
        for set in [vec![], vec![0], vec![(1 << 72) - 1], vec![0, 1, 2, (1 << 72) - 1]] {
            let set: HashSet<Digest> = set.into_iter().collect();
            let unpacked: HashSet<Digest> = unpack(&pack(&set)).unwrap().into_iter().collect();
            assert_eq!(unpacked, set);
        }
    }

    #[test]
    fn too_many_are_an_error() {
        let mut digests = Digests::empty(DigestForm::Current);
        digests.extend(0..MAX_BOUNDARY_RECORDS as u128).unwrap();
        let error = digests.extend([u128::MAX]).unwrap_err();
        assert!(error.message().starts_with("more than 1000000 records"), "{error}");
    }
}
