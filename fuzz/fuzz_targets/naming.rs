//! Any text: see `windlass_core::fuzzing::naming`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| windlass_core::fuzzing::naming(text));
