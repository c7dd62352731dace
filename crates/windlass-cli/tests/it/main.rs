//! The built binary, as its users meet it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[cfg(feature = "http")]
mod alerts;
mod asked_hints;
#[cfg(feature = "http")]
mod asks;
mod bad_files;
mod bad_places;
mod bad_state;
mod bad_values;
#[cfg(feature = "failpoints")]
mod clock_set_back;
mod colliding_names;
mod commands;
mod costly_input;
mod csv_files;
mod damaged_packages;
mod deploy;
#[cfg(feature = "http")]
mod discover;
mod file_errors;
mod found_files;
mod hints;
mod hostile_names;
mod json_files;
mod key_names;
mod loads;
#[cfg(feature = "mysql")]
#[allow(clippy::print_stderr, reason = "what is left out is said")]
mod mariadb;
mod parquet_types;
#[cfg(unix)]
mod private_files;
mod project;
mod query_only;
mod query_values;
#[cfg(feature = "http")]
mod recordings;
#[cfg(feature = "http")]
mod rest_api;
mod same_key_twice;
#[path = "../../../windlass/tests/destinations/server.rs"]
#[allow(
    dead_code,
    clippy::print_stderr,
    reason = "the suite of destinations needs more of it, and what is left out is said"
)]
mod server;
mod settings_places;
#[cfg(feature = "failpoints")]
mod simultaneous;
mod sql_backfill;
#[allow(clippy::print_stderr, reason = "what is left out is said")]
mod sql_examples;
#[cfg(feature = "failpoints")]
mod sql_kills;
mod sql_made_cursors;
#[allow(clippy::print_stderr, reason = "what is left out is said")]
mod sql_missing_cursors;
#[cfg(feature = "mysql")]
mod sql_mysql;
mod sql_partitions;
#[cfg(feature = "failpoints")]
mod sql_postgres;
mod sql_sqlite_cursors;
#[cfg(feature = "mysql")]
mod sql_types;
mod sql_versions;
#[cfg(feature = "failpoints")]
mod sql_watermarks;
mod text_cursors;
mod texts;
mod type_changes;
