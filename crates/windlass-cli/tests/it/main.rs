//! The built binary, as its users meet it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[cfg(feature = "http")]
mod alerts;
mod bad_files;
mod bad_places;
mod bad_values;
mod commands;
#[cfg(feature = "failpoints")]
mod crash;
mod loads;
mod project;
