//! A connection, and the questions that are asked through it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::types::Oid;
use tokio_postgres::{Client, SimpleQueryMessage};
use windlass_core::Result;
use windlass_core::normalize::RECORD_COLUMN;
use windlass_core::sql::{ExistingColumn, ExistingTables, POSTGRES};

use super::error::failed;
use crate::destinations::log_statement;
use crate::destinations::sql::LEASE_TABLE;
use crate::failpoint::failpoint;
use crate::postgres::{Address, connect};

/// How long a statement may take before it is looked whom it waits for.
const FIRST_LOOK: Duration = Duration::from_secs(5);

/// The longest time between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// An open connection. It is closed when this is dropped, and what was not committed is undone.
pub(super) struct Connection {
    pub(super) client: Client,
    driver: JoinHandle<()>,
    pub(super) location: String,
    address: Arc<Address>,
    /// The server's process for this connection.
    process: i32,
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

impl TargetColumn {
    /// The column of temporary tables that numbers the records of a load.
    pub(super) fn of_records() -> Self {
        Self {
            name: RECORD_COLUMN.to_owned(),
            oid: tokio_postgres::types::Type::INT8.oid(),
            type_name: "bigint".to_owned(),
        }
    }
}
/// The columns of tables, by their names.
pub(super) type TargetTables = HashMap<String, Vec<TargetColumn>>;

impl Connection {
    /// Errors: no such server or database, a user or password that is refused, TLS that cannot be agreed on.
    pub(super) async fn open(address: &Arc<Address>) -> Result<Self> {
        failpoint("postgres.connect")?;
        let (client, driver) = connect(address, failed("open", &address.location)).await?;
        let location = address.location.clone();
        let mut connection = Self { client, driver, location, address: Arc::clone(address), process: 0 };
        let zone = POSTGRES.literal(&address.timezone);
        let sql = format!("SET TIME ZONE {zone}; SELECT pg_catalog.pg_backend_pid()");
        let answers = connection.client.simple_query(&sql).await;
        for answer in answers.map_err(failed("set up", &connection.location))? {
            if let SimpleQueryMessage::Row(row) = answer {
                connection.process = row.get(0).and_then(|id| id.parse().ok()).unwrap_or_default();
            }
        }
        Ok(connection)
    }

    /// Runs a statement, and tells whom it waits for if it takes long. `what` continues "Postgres cannot" in errors.
    pub(super) async fn execute(&self, sql: &str, what: &str) -> Result<()> {
        log_statement(sql);
        let done = self.telling_waits(self.client.batch_execute(sql)).await;
        done.map_err(failed(what, &self.location))
    }

    /// Does something on this connection; when it takes long, tells which other connection it waits for.
    pub(super) async fn telling_waits<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let (mut pause, mut told) = (FIRST_LOOK, String::new());
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(pause) => {
                    // Boxed, since everybody carries this and hardly anybody needs it.
                    let waits = Box::pin(self.waits_for()).await.unwrap_or_default();
                    if !waits.is_empty() && waits != told {
                        tracing::warn!(target: "windlass::waiting", "{}: waiting for {waits}", self.location);
                        told = waits;
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// The connections that this one waits for, as another connection sees them. `None` if that cannot be found out.
    async fn waits_for(&self) -> Option<String> {
        let (client, driver) = connect(&self.address, failed("open", &self.location)).await.ok()?;
        let sql = "SELECT concat('pid ', pid, ' (', concat_ws(', ', usename, nullif(application_name, ''), state), ') since ', \
                   to_char(coalesce(xact_start, backend_start) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')) \
                   FROM pg_catalog.pg_stat_activity WHERE pid = ANY (pg_catalog.pg_blocking_pids($1)) ORDER BY pid";
        let rows = client.query(sql, &[&self.process]).await;
        driver.abort();
        let texts: Vec<String> = rows.ok()?.iter().filter_map(|row| row.try_get(0).ok()).collect();
        Some(texts.join(", "))
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

    /// The tables of one dataset with their columns, without the table of leases. Views count: what has a name is in the way of a table.
    pub(super) async fn tables(&self, dataset: &str) -> Result<ExistingTables> {
        let sql = "SELECT c.relname, a.attname, a.attnotnull FROM pg_catalog.pg_class c \
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid \
                   WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \
                   AND c.relname <> $2 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum";
        let failed = failed("read the tables of", &self.location);
        let mut tables = ExistingTables::new();
        for row in self.client.query(sql, &[&dataset, &LEASE_TABLE]).await.map_err(failed)? {
            let table: String = row.try_get(0).map_err(failed)?;
            tables.entry(table).or_default().push(ExistingColumn {
                name: row.try_get(1).map_err(failed)?,
                is_required: row.try_get(2).map_err(failed)?,
            });
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
