//! PostgreSQL as a source: the catalogue by a few queries, rows by binary `COPY (SELECT …) TO STDOUT`, decoded straight
//! into columns.
//!
//! # What the types become
//! Types with a binary form of their own go through as they are; all others as the server's text. `numeric` without
//! digits is any number of them, as text that the engine takes into the destination's decimal. Arrays are JSON lists by
//! the server's `array_to_json`. `timetz` is the time of day in UTC. Dates that are infinite or outside of the years 1
//! to 9999, and NaN in a `numeric` with digits, are null or an error, as `invalid_values` says.
//!
//! # `guard: snapshot`
//! A cursor such as `updated_at` or a serial number is drawn before its transaction commits, and transactions commit in
//! another order than they draw. A run that reads up to the largest committed cursor would never see a row that was
//! drawn earlier and committed later. With the guard a run first asks for the oldest transaction that still runs
//! (`pg_snapshot_xmin`), and then leaves out every row version that this one or a later transaction wrote; for
//! timestamps also the rows from the start of the oldest running transaction on, since `now()` is known before a
//! transaction has a number. What is left out comes with a later run, when those transactions have ended. One
//! transaction that stays open keeps all newer rows away.

mod catalog;
mod client;
mod copy;
mod decode;
mod error;
mod guard;
mod types;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use windlass_core::Result;

use self::client::Client;
use self::copy::CopyRows;
use super::address::Address as SqlAddress;
use super::catalog::{ColumnShape, Relation, TableShape};
use super::config::InvalidValues;
use super::database::{Database, Dialect, Rows, Snapshot};
use super::open::OpenOptions;
use crate::postgres::{Address, PostgresConnection, PostgresCredentials};
use crate::side::Side;

/// The client of a server. Errors: an address that is not complete, parameters that are unknown.
pub(super) fn open(address: &SqlAddress, options: &OpenOptions) -> Result<Arc<dyn Database>> {
    let parts = PostgresConnection {
        database: address.database.clone(),
        username: address.username.clone(),
        password: address.password.clone(),
        host: address.host.clone(),
        port: address.port,
        query: address.query.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect(),
        ..PostgresConnection::default()
    };
    let address = Address::new(&PostgresCredentials::Detailed(parts), Side::Source)?;
    Ok(Arc::new(Postgres { address: Arc::new(address), invalid_values: options.invalid_values }))
}

/// A PostgreSQL database.
#[derive(Debug)]
struct Postgres {
    address: Arc<Address>,
    invalid_values: InvalidValues,
}

#[async_trait]
impl Database for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn selected(&self, column: &ColumnShape, quoted: &str) -> String {
        types::selected(column, quoted)
    }

    fn location(&self) -> &str {
        &self.address.location
    }

    async fn relations(&self, schema: Option<&str>) -> Result<Vec<Relation>> {
        catalog::relations(&Client::open(&self.address).await?, schema).await
    }

    async fn reflect(&self, schema: Option<&str>, names: &[String]) -> Result<Vec<TableShape>> {
        catalog::reflect(&Client::open(&self.address).await?, schema, names).await
    }

    async fn describe(&self, query: &str) -> Result<Vec<ColumnShape>> {
        catalog::describe(&Client::open(&self.address).await?, query).await
    }

    async fn ask(&self, query: &str) -> Result<Vec<Vec<Option<String>>>> {
        Client::open(&self.address).await?.texts(query).await
    }

    async fn guard(&self, table: &TableShape, cursor: &ColumnShape) -> Result<Vec<String>> {
        guard::conditions(&Client::open(&self.address).await?, table, cursor).await
    }

    async fn snapshot(&self) -> Result<Option<Box<dyn Snapshot>>> {
        Ok(Some(Box::new(client::HeldSnapshot::take(&self.address).await?)))
    }

    async fn read(
        &self,
        query: &str,
        columns: &[ColumnShape],
        chunk_rows: usize,
        snapshot: Option<&str>,
    ) -> Result<Box<dyn Rows>> {
        let client = Client::open(&self.address).await?;
        Ok(Box::new(
            CopyRows::start(client, query, columns, chunk_rows, snapshot, self.invalid_values).await?,
        ))
    }
}
