//! What the fuzz targets check, on seeds and on random bytes that look like the real thing.

use proptest::prelude::*;
use windlass_core::fuzzing;

use crate::property_cases;

/// Bytes made of pieces that matter to the parsers, so that random input gets past the first byte.
fn pieces(pieces: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(pieces), 0..40).prop_map(|pieces| pieces.concat())
}

const JSON: &[&[u8]] = &[
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\"",
    b"\"a\"",
    b"\"b\":",
    b"{\"a\":1}",
    b"{\"a\":[{}]}",
    b"1",
    b"-0.0",
    b"1e400",
    b"99999999999999999999",
    b"NaN",
    b"null",
    b"true",
    b"\n",
    b"\r\n",
    b" ",
    b"\\",
    b"\\u00e9",
    b"\\ud800",
    b"\xff",
    b"\xc3\xa9",
    b"\x00",
    b"\xef\xbb\xbf",
];

const TEXTS: &[&[u8]] = &[
    b"\xef\x80\xa6",
    b"\xef\x80\xa7",
    b"\xef\x80\xae",
    b"\xef\x80\xaf",
    b"\xef\x80",
    b"\xf0\x9f\xa7\xa1",
    b"2024-01-01",
    b"T00:00:00",
    b"NaN",
    b"0x",
    b"1234567890",
    b".5",
    b"e3",
    b"-",
    b"\"",
    b"\\",
    b"\n",
];

const CSV: &[&[u8]] = &[
    b"a,b\n",
    b"1,2\n",
    b"\"x\"",
    b"\"",
    b"\"\"",
    b",",
    b"\n",
    b"\r\n",
    b"\r",
    b"\"a\nb\",c\n",
    b" ",
    b"\xff",
    b"NaN",
    b"\\",
    b"\\\"",
    b"\\\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(property_cases(300)))]

    #[test]
    fn json_lines_mean_the_same_alone_and_together(bytes in pieces(JSON)) {
        fuzzing::parse(&bytes);
    }

    #[test]
    fn texts_are_themselves(bytes in prop_oneof![pieces(TEXTS), any::<String>().prop_map(String::into_bytes)]) {
        fuzzing::texts(&bytes);
    }

    #[test]
    fn csv_can_be_cut_between_records(bytes in pieces(CSV), first in any::<u8>()) {
        fuzzing::csv(&[&[first], bytes.as_slice()].concat());
    }

    #[test]
    fn lists_are_what_the_document_says(bytes in pieces(JSON), has_brackets in any::<bool>()) {
        let bytes = if has_brackets { [b"[", bytes.as_slice(), b"]"].concat() } else { bytes };
        fuzzing::list(&bytes);
    }

    #[test]
    fn names_are_stable(text in any::<String>()) {
        fuzzing::naming(&text);
    }

    #[test]
    fn files_of_the_engine_are_never_trusted(bytes in any::<Vec<u8>>()) {
        fuzzing::manifest(&bytes);
    }
}
