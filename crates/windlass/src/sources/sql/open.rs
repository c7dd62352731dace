//! The clients of the kinds of databases. Each is known outside its own folder by one line here.

use std::path::PathBuf;
use std::sync::Arc;

use windlass_core::Result;

use super::address::Address;
use super::config::InvalidValues;
use super::database::{Database, Dialect};
use super::{duckdb, mysql, postgres, sqlite};

/// What a client needs to know besides the address.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Folder that relative paths are relative to.
    pub folder: PathBuf,
    /// What becomes of values that no table can hold.
    pub invalid_values: InvalidValues,
}

/// The client of a database; connects to nothing yet.
///
/// Errors: an address that is not complete, parameters that are unknown, a kind of database that this binary does not
/// have.
pub fn open(address: &Address, options: &OpenOptions) -> Result<Arc<dyn Database>> {
    match address.dialect {
        Dialect::Postgres => postgres::open(address, options),
        Dialect::MySql => mysql::open(address, options),
        Dialect::Sqlite => sqlite::open(address, options),
        Dialect::DuckDb => duckdb::open(address, options),
    }
}
