//! Any bytes: see `windlass_core::fuzzing::texts`.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| windlass_core::fuzzing::texts(bytes));
