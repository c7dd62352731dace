//! Whole runs of pipelines, from files or a scripted source to a destination.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod incremental;
mod json_texts;
#[cfg(feature = "duckdb")]
mod parents;
#[cfg(feature = "duckdb")]
mod partial;
#[cfg(feature = "http")]
mod rest_api;
#[cfg(feature = "duckdb")]
mod resume;
#[cfg(feature = "duckdb")]
mod script;
#[cfg(feature = "postgres")]
#[path = "../destinations/server.rs"]
#[allow(
    dead_code,
    clippy::print_stderr,
    reason = "the suite of destinations needs more of it, and what is left out is said"
)]
mod server;
#[cfg(any(feature = "duckdb", feature = "postgres", feature = "sqlite"))]
mod sql_split;
mod user_data;
