//! Recorded facts of the reference, checked against this engine, and promises as properties.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod costly;
mod errors;
#[cfg(feature = "fuzzing")]
mod fuzz_seeds;
mod incremental_properties;
mod key_ids;
mod load;
mod nested_keys;
mod normalize_rows;
mod shred_properties;
mod texts;
mod vectors;

/// Cases of a property: `usual`, or as many times that as `WINDLASS_PROPERTY_FACTOR` says.
fn property_cases(usual: u32) -> u32 {
    let factor = std::env::var("WINDLASS_PROPERTY_FACTOR").ok().and_then(|factor| factor.parse::<u32>().ok());
    usual * factor.unwrap_or(1)
}
