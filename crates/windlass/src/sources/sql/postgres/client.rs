//! A connection, the questions that are asked through it, and snapshots that it holds.

use tokio::task::JoinHandle;
use tokio_postgres::SimpleQueryMessage;
use windlass_core::{Error, Result};

use super::super::database::Snapshot;
use super::error::failed;
use crate::failpoint::failpoint;
use crate::postgres::{Address, connect};

/// Forms of values that the reader relies on.
const SETTINGS: &str = "SET TIME ZONE 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; \
                        SET bytea_output = 'hex'; SET extra_float_digits = 1";

/// An open connection; closed when this is dropped.
pub(super) struct Client {
    pub(super) client: tokio_postgres::Client,
    driver: JoinHandle<()>,
    pub(super) location: String,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Client {
    /// Errors: no such server or database, a user or password that is refused, TLS that cannot be agreed on.
    pub(super) async fn open(address: &Address) -> Result<Self> {
        failpoint("postgres.source.connect")?;
        let (client, driver) = connect(address, failed("open", &address.location)).await?;
        let client = Self { client, driver, location: address.location.clone() };
        client.execute(SETTINGS, "set up").await?;
        Ok(client)
    }

    /// Runs statements. `what` continues "Postgres cannot" in errors.
    pub(super) async fn execute(&self, sql: &str, what: &str) -> Result<()> {
        self.client.batch_execute(sql).await.map_err(failed(what, &self.location))
    }

    /// The rows of a query as texts.
    pub(super) async fn texts(&self, query: &str) -> Result<Vec<Vec<Option<String>>>> {
        let messages =
            self.client.simple_query(query).await.map_err(failed("run a query on", &self.location))?;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|index| row.get(index).map(str::to_owned)).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }

    /// Begins a transaction that sees one moment: its own, or that of a snapshot.
    pub(super) async fn begin(&self, snapshot: Option<&str>) -> Result<()> {
        self.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", "begin to read").await?;
        let Some(name) = snapshot else { return Ok(()) };
        let name = name.replace('\'', "''");
        self.execute(&format!("SET TRANSACTION SNAPSHOT '{name}'"), "use a snapshot of").await
    }
}

/// A snapshot, held by a transaction that stays open.
pub(super) struct HeldSnapshot {
    name: String,
    client: Client,
}

impl HeldSnapshot {
    /// Errors: no connection; a standby that exports none.
    pub(super) async fn take(address: &Address) -> Result<Self> {
        let client = Client::open(address).await?;
        client.begin(None).await?;
        // A connection that does nothing else must not be ended for it.
        client.execute("SET idle_in_transaction_session_timeout = 0", "set up").await?;
        let rows = client.texts("SELECT pg_catalog.pg_export_snapshot()").await?;
        let name = rows.into_iter().flatten().flatten().next();
        let name = name.ok_or_else(|| {
            Error::source_failed(format!("{} gave no snapshot", address.location))
                .with_hint("read the table in one part")
        })?;
        Ok(Self { name, client })
    }
}

impl Snapshot for HeldSnapshot {
    fn name(&self) -> &str {
        &self.name
    }

    fn is_held(&self) -> bool {
        !self.client.client.is_closed()
    }
}
