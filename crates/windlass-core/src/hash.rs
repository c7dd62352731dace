//! The two hashes of the stored formats: SHAKE-128 for ids and tags, SHA3-256 for schemas and states.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha3::{Digest as _, Sha3_256};

/// Bytes that one permutation of SHAKE-128 absorbs.
const RATE: usize = 168;

/// Bytes of a row id before base64.
pub const ROW_ID_BYTES: usize = 10;

/// Characters of a row id.
pub const ROW_ID_CHARS: usize = 14;

/// A row id: base64 without padding of ten bytes.
pub type RowId = [u8; ROW_ID_CHARS];

/// Fills `out` (at most 168 bytes) with the SHAKE-128 digest of `input`.
///
/// Row ids of nested rows are digests of some 40 bytes, one each, so this absorbs and permutes directly.
pub fn shake128(input: &[u8], out: &mut [u8]) {
    debug_assert!(out.len() <= RATE, "one squeeze is enough for ids and tags");
    let keccak = keccak::Keccak::new();
    keccak.with_f1600(|permute| {
        let mut state = [0_u64; 25];
        let mut blocks = input.chunks_exact(RATE);
        for block in &mut blocks {
            absorb(&mut state, block);
            permute(&mut state);
        }
        let mut last = [0_u8; RATE];
        let rest = blocks.remainder();
        last[..rest.len()].copy_from_slice(rest);
        last[rest.len()] = 0x1f;
        last[RATE - 1] |= 0x80;
        absorb(&mut state, &last);
        permute(&mut state);
        for (bytes, lane) in out.chunks_mut(8).zip(state) {
            bytes.copy_from_slice(&lane.to_le_bytes()[..bytes.len()]);
        }
    });
}

fn absorb(state: &mut [u64; 25], block: &[u8]) {
    for (lane, bytes) in state.iter_mut().zip(block.chunks_exact(8)) {
        let mut word = [0_u8; 8];
        word.copy_from_slice(bytes);
        *lane ^= u64::from_le_bytes(word);
    }
}

/// The row id of `input`: base64 without padding of the first ten bytes of its SHAKE-128 digest.
pub fn row_id(input: &[u8]) -> RowId {
    let mut digest = [0_u8; ROW_ID_BYTES];
    shake128(input, &mut digest);
    encode_row_id(&digest)
}

/// Ten bytes as the text of a row id.
pub fn encode_row_id(bytes: &[u8; ROW_ID_BYTES]) -> RowId {
    let mut id = [0_u8; ROW_ID_CHARS];
    // Ten bytes are fourteen base64 characters; the slice cannot be too small.
    let written = STANDARD_NO_PAD.encode_slice(bytes, &mut id);
    debug_assert_eq!(written, Ok(ROW_ID_CHARS));
    id
}

/// SHA3-256 over several pieces, as padded base64 (44 characters).
pub fn sha3_256_base64<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha3_256::new();
    for piece in pieces {
        hasher.update(piece);
    }
    STANDARD.encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_ids_equal_the_reference() {
        let id = |text: &str| String::from_utf8(row_id(text.as_bytes()).to_vec()).unwrap();
        assert_eq!(id("R_events__l_0"), "rH39JzNVl6h8RQ");
        assert_eq!(id("R_events__l_1"), "OAc28Erc0X1TPQ");
        assert_eq!(id(r#"{"id":1}"#), "z5jIxXIbUnmbKw");
    }

    #[test]
    fn shake_equals_the_library_at_every_length() {
        use shake::digest::{ExtendableOutput as _, Update as _, XofReader as _};
        for length in [0, 1, 7, 8, 167, 168, 169, 335, 336, 337, 1000] {
            let input: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let mut expected = [0_u8; 32];
            let mut hasher = shake::Shake128::default();
            hasher.update(&input);
            hasher.finalize_xof().read(&mut expected);
            let mut digest = [0_u8; 32];
            shake128(&input, &mut digest);
            assert_eq!(digest, expected, "length {length}");
        }
    }
}
