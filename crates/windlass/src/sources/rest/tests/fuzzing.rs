//! What the fuzz targets check, on texts made of what addresses and headers are made of.

use proptest::prelude::*;

use crate::sources::rest::fuzzing;

/// Parts that lead readers of addresses astray.
const PARTS: [&str; 64] = [
    "http://",
    "https://",
    "http:",
    "http:/",
    "http:\\\\",
    "HTTP://",
    "//",
    "/\\",
    "\\\\",
    "/",
    "\\",
    "@",
    ":",
    "?",
    "#",
    "%",
    "%5c",
    "%40",
    "%2f",
    "%2e",
    "%00",
    "%0a",
    "%09",
    "%23",
    "%3f",
    "\t",
    "\n",
    "\r",
    " ",
    ".",
    "..",
    ";",
    "&",
    "=",
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::1%25lo]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "bücher.example",
    "xn--bcher-kva.example",
    "ⓛocalhost",
    "１２７.0.0.1",
    "。",
    "\u{ad}",
    "\u{200b}",
    "a",
    "b.c",
    "1",
    "80",
    "443",
    ":1",
    ":80",
    ":443",
    ":65536",
    "user",
    "user:pw@",
    "\u{0}",
];

/// Parts of headers.
const HEADER: [&str; 24] = [
    "<",
    ">",
    "\"",
    "\\",
    ";",
    ",",
    "=",
    " ",
    "\t",
    "rel",
    "REL",
    "rel=next",
    "rel=\"next last\"",
    "; rel=\"",
    "next",
    "title",
    "title=\"a, b\"",
    "title*=UTF-8''a",
    "<http://h/2>",
    "<?p=2>",
    "é",
    "'",
    "u",
    ", <",
];

fn text(parts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => proptest::sample::select(parts).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_meant_for_one_host_goes_to_no_other(
        home in prop_oneof![
            Just("http://127.0.0.1:1/a/b?c=d".to_owned()),
            Just("https://localhost/".to_owned()),
            Just("http://xn--bcher-kva.example/v1".to_owned()),
            text(&PARTS),
        ],
        link in text(&PARTS),
    ) {
        fuzzing::link(&format!("{}\n{link}", home.replace('\n', "")));
        fuzzing::link(&link.replace('\n', ""));
    }

    #[test]
    fn headers_of_links_are_read_by_the_book(header in text(&HEADER)) {
        fuzzing::link_header(&header);
    }
}
