//! A connection, and the questions that are asked through it.

use std::collections::HashMap;

use tokio::task::JoinHandle;
use tokio_postgres::Client;
use tokio_postgres::types::Oid;
use windlass_core::Result;
use windlass_core::sql::{Dialect, ExistingTables};

use super::error::failed;
use crate::failpoint::failpoint;
use crate::postgres::{Address, connect};

/// An open connection. It is closed when this is dropped, and what was not committed is undone.
pub(super) struct Connection {
    pub(super) client: Client,
    driver: JoinHandle<()>,
    pub(super) location: String,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// The type of a column at the server.
#[derive(Clone, Debug)]
pub(super) struct TargetColumn {
    pub(super) name: String,
    pub(super) oid: Oid,
    /// The type as people write it.
    pub(super) type_name: String,
}

/// The columns of tables, by their names.
pub(super) type TargetTables = HashMap<String, Vec<TargetColumn>>;

impl Connection {
    /// Errors: no such server or database, a user or password that is refused, TLS that cannot be agreed on.
    pub(super) async fn open(address: &Address) -> Result<Self> {
        failpoint("postgres.connect")?;
        let (client, driver) = connect(address, failed("open", &address.location)).await?;
        let connection = Self { client, driver, location: address.location.clone() };
        let zone = Dialect::Postgres.literal(&address.timezone);
        connection.execute(&format!("SET TIME ZONE {zone}"), "set up").await?;
        Ok(connection)
    }

    /// Runs a statement. `what` continues "Postgres cannot" in errors.
    pub(super) async fn execute(&self, sql: &str, what: &str) -> Result<()> {
        self.client.batch_execute(sql).await.map_err(failed(what, &self.location))
    }

    /// The first column of the first row of a query, as text.
    pub(super) async fn one_text(&self, sql: &str) -> Result<Option<String>> {
        let failed = failed("query", &self.location);
        let rows = self.client.query(sql, &[]).await.map_err(failed)?;
        rows.first().map(|row| row.try_get(0).map_err(failed)).transpose()
    }

    /// Whether a dataset exists.
    pub(super) async fn has_dataset(&self, dataset: &str) -> Result<bool> {
        let sql = "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1";
        let rows = self.client.query(sql, &[&dataset]).await;
        Ok(!rows.map_err(failed("read the tables of", &self.location))?.is_empty())
    }

    /// Table and column names of one dataset, without the table of leases. Views count: what has a name is in the way of a table.
    pub(super) async fn tables(&self, dataset: &str) -> Result<ExistingTables> {
        let sql = "SELECT c.relname, a.attname FROM pg_catalog.pg_class c \
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid \
                   WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
                   AND c.relname <> $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum";
        let failed = failed("read the tables of", &self.location);
        let mut tables = ExistingTables::new();
        for row in self.client.query(sql, &[&dataset, &super::lease::TABLE]).await.map_err(failed)? {
            let table: String = row.try_get(0).map_err(failed)?;
            tables.entry(table).or_default().push(row.try_get(1).map_err(failed)?);
        }
        Ok(tables)
    }

    /// The columns of the tables of a dataset with their types.
    pub(super) async fn columns(&self, dataset: &str) -> Result<TargetTables> {
        // The type below a domain is what a value is sent as.
        let sql = "SELECT c.relname, a.attname, CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END, \
                   pg_catalog.format_type(a.atttypid, a.atttypmod) FROM pg_catalog.pg_class c \
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid \
                   JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
                   WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped \
                   ORDER BY a.attrelid, a.attnum";
        let failed = failed("read the columns of", &self.location);
        let mut tables = TargetTables::new();
        for row in self.client.query(sql, &[&dataset]).await.map_err(failed)? {
            let table: String = row.try_get(0).map_err(failed)?;
            tables.entry(table).or_default().push(TargetColumn {
                name: row.try_get(1).map_err(failed)?,
                oid: row.try_get(2).map_err(failed)?,
                type_name: row.try_get(3).map_err(failed)?,
            });
        }
        Ok(tables)
    }

    /// Waits until nobody else holds the lock of this name, and holds it until the end of the transaction.
    pub(super) async fn lock(&self, name: &str) -> Result<()> {
        let mut bytes = [0_u8; 8];
        windlass_core::hash::shake128(name.as_bytes(), &mut bytes);
        let key = i64::from_be_bytes(bytes);
        let sql = format!("SELECT pg_catalog.pg_advisory_xact_lock({key})");
        self.execute(&sql, "lock").await
    }
}
