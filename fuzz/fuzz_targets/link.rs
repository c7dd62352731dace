//! A host and a link that it gives, parted by a line break: see `windlass::sources::rest::fuzzing::link`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| windlass::sources::rest::fuzzing::link(text));
