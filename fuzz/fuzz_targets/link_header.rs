//! Any header `Link`: see `windlass::sources::rest::fuzzing::link_header`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| windlass::sources::rest::fuzzing::link_header(text));
