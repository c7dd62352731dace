//! Whole runs of pipelines, from files to a destination.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod incremental;
#[cfg(feature = "http")]
mod rest_api;
