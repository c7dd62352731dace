//! The one session of all SQL databases. A database is a [`SqlClient`], a dialect and its facts, and settings.
//!
//! What is here decides and asks; nothing here knows a database by name.

mod blocking;
mod client;
mod dataset;
mod lease_row;
mod session;
mod values;

pub(super) use self::blocking::Blocking;
pub(super) use self::client::{Copy, LoadKey, Outcome, SqlClient, Work};
pub(super) use self::dataset::{DEFAULT_STAGING_LAYOUT, sql_capabilities, staging_layout};
pub(super) use self::lease_row::{LEASE_TABLE, LeaseRow};
pub(super) use self::session::SqlSession;
#[cfg(any(feature = "mysql", feature = "sqlite"))]
pub(super) use self::values::{Column, Value, decimal_parts};

use windlass_core::Error;

/// The error for a question to a database that no load has made yet.
pub(super) fn no_database(location: &str) -> Error {
    Error::destination(format!("there is no database at {location}")).with_hint("run the pipeline first")
}
