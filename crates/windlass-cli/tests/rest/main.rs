//! REST APIs through the built binary: the examples, also in bad weather and when runs are killed, and input that is
//! wrong.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod astray;
mod backfill;
mod bad_input;
mod canary;
mod example;
mod kills;
mod large;
mod lost_pages;
#[path = "../it/project.rs"]
#[allow(dead_code, reason = "shared with the other tests of the binary")]
mod project;
mod recording;
mod storms;
mod tls;
mod weather;
