//! The crash matrix: runs that are broken off at every point that has a name, in every way, and then run again. What
//! the destination holds must be what a run without a crash leaves there.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and a long one says how far it is"
)]

mod content;
#[path = "../it/mariadb.rs"]
#[allow(dead_code, reason = "shared with the tests of sources")]
mod mariadb;
mod matrix;
#[path = "../it/project.rs"]
#[allow(dead_code, reason = "shared with the other tests of the binary")]
mod project;
#[path = "../../../windlass/tests/destinations/proxy.rs"]
mod proxy;
mod report;
#[path = "../../../windlass/tests/destinations/rows.rs"]
mod rows;
mod scenario;
#[path = "../../../windlass/tests/destinations/server.rs"]
#[allow(dead_code, reason = "shared with the tests of the destinations")]
mod server;
mod tests;
