//! Any bytes: see `windlass_core::fuzzing::list`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| windlass_core::fuzzing::list(bytes));
