//! Row ids: derived from the position of a record, from its key or from its content.

use std::fmt::Write as _;

use crate::hash::{ROW_ID_BYTES, RowId, encode_row_id, row_id, shake128};
use crate::json::{NodePosition, Tape, write_sorted_node};

/// Derives the ids of one stream of records from the load and from each record's number.
///
/// The reference draws them at random. Derived ids make a repeated load the same load, whatever the chunking.
#[derive(Clone, Copy, Debug)]
pub struct PositionIds {
    keys: [u64; 2],
}

impl PositionIds {
    /// Ids for the records of `partition` (a file, a page stream) of a resource in a load.
    pub fn new(load_id: &str, resource: &str, partition: u64) -> Self {
        let mut seed = [0_u8; 16];
        shake128(format!("{load_id}\n{resource}\n{partition}").as_bytes(), &mut seed);
        let (low, high) = seed.split_at(8);
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        Self { keys: [word(low), word(high)] }
    }

    /// The id of the record with this number.
    #[inline]
    pub fn id(&self, number: u64) -> RowId {
        // Two keyed finalizers of splitmix64: 80 bits that are as good as random, without a hash per row.
        let mix = |key: u64| {
            let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(key);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let mut bytes = [0_u8; ROW_ID_BYTES];
        bytes[..8].copy_from_slice(&mix(self.keys[0]).to_le_bytes());
        bytes[8..].copy_from_slice(&mix(self.keys[1]).to_le_bytes()[..2]);
        encode_row_id(&bytes)
    }
}

/// The id of the row at `index` of a list: from the id of the parent row, the table and the index.
pub fn child_id(scratch: &mut Vec<u8>, parent: &[u8], table: &str, index: u32) -> RowId {
    scratch.clear();
    scratch.extend_from_slice(parent);
    scratch.push(b'_');
    scratch.extend_from_slice(table.as_bytes());
    scratch.push(b'_');
    let mut digits = [0_u8; 10];
    let mut at = digits.len();
    let mut rest = index;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    scratch.extend_from_slice(&digits[at..]);
    row_id(scratch)
}

/// The id of a record by its whole content, without the keys that start with `prefix`.
pub fn content_id(tape: &Tape<'_>, item: NodePosition, prefix: &str) -> RowId {
    let mut text = String::new();
    write_sorted_node(&mut text, tape, item, |key| key.starts_with(prefix));
    row_id(text.as_bytes())
}

/// The id of a record by the values of its primary key: `{"name":value,…}` sorted by name.
pub fn key_id(tape: &Tape<'_>, key: &mut [(String, NodePosition)]) -> RowId {
    key.sort_unstable();
    let mut text = String::from("{");
    for (index, (name, position)) in key.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        crate::value::json_string(&mut text, name);
        let _ = text.write_char(':');
        write_sorted_node(&mut text, tape, *position, |_| false);
    }
    text.push('}');
    row_id(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::json::ParseBuffers;

    fn text(id: RowId) -> String {
        String::from_utf8(id.to_vec()).unwrap()
    }

    #[test]
    fn child_ids_equal_the_reference() {
        let mut scratch = Vec::new();
        assert_eq!(text(child_id(&mut scratch, b"ROOT", "events__items", 1)), "XkL/DUe8stWziQ");
        assert_eq!(
            text(child_id(&mut scratch, b"XkL/DUe8stWziQ", "events__items__opts", 0)),
            "ja0pTmoaYrYF6Q"
        );
    }

    #[test]
    fn content_and_key_ids_equal_the_reference() {
        let mut buffers = ParseBuffers::new();
        let row = r#"{"name":"x","id":1,"l":[{"m":[1]}],"d":{"Z":true},"_dlt_x":5}"#;
        let parsed = buffers.parse_typed_value(row.as_bytes()).unwrap();
        assert_eq!(text(content_id(&parsed.tape, 0, "_dlt")), "qSh1u0ZXnSvtIQ");
        let id = parsed.tape.member(0, "id").unwrap();
        assert_eq!(text(key_id(&parsed.tape, &mut [("id".to_owned(), id)])), "z5jIxXIbUnmbKw");
    }

    #[test]
    fn position_ids_do_not_repeat() {
        let streams = [
            PositionIds::new("1.0", "a", 0),
            PositionIds::new("1.0", "a", 1),
            PositionIds::new("1.0", "b", 0),
        ];
        let ids: HashSet<RowId> = streams.iter().flat_map(|s| (0..20_000).map(|n| s.id(n))).collect();
        assert_eq!(ids.len(), 60_000);
        assert_eq!(PositionIds::new("1.0", "a", 0).id(7), streams[0].id(7));
    }
}
