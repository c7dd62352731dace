//! The built binary, as its users meet it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod bad_files;
mod bad_places;
mod bad_values;
mod commands;
mod loads;
mod project;
