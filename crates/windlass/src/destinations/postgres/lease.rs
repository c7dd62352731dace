//! Taking, renewing and giving back the lease of a pipeline, which is a row of a table in its dataset.

use std::sync::Arc;

use async_trait::async_trait;
use tokio_postgres::error::SqlState;
use windlass_core::Result;
use windlass_core::hash::shake128;
use windlass_core::lease::{Claim, Lease as Record};
use windlass_core::sql::POSTGRES;

use super::connection::Connection;
use super::error::{database_error, failed};
use crate::destination::Lease;
use crate::destinations::sql::{LEASE_TABLE, LeaseRow};
use crate::postgres::Address;

/// How long to wait for a transaction that has the row, and is about to end.
const LOCK_TIMEOUT: &str = "10s";

/// What is there of a dataset.
pub(super) struct Found {
    /// Whether the dataset exists.
    pub(super) has_dataset: bool,
    /// Whether it has any table.
    pub(super) has_tables: bool,
    /// Whether it has the table of leases.
    has_lease_table: bool,
}

/// A lease that was taken.
#[derive(Clone, Debug)]
pub(super) struct PostgresLease {
    address: Arc<Address>,
    dataset: String,
    pub(super) row: LeaseRow,
}

impl Found {
    pub(super) async fn of(connection: &Connection, dataset: &str) -> Result<Self> {
        let sql = "SELECT count(DISTINCT n.oid) > 0, count(c.oid) > 0, count(c.oid) FILTER (WHERE c.relname = $2) > 0 \
                   FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c \
                   ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p') WHERE n.nspname = $1";
        let failed = failed("read the tables of", &connection.location);
        let row = connection.client.query_one(sql, &[&dataset, &LEASE_TABLE]).await.map_err(failed)?;
        Ok(Self {
            has_dataset: row.try_get(0).map_err(failed)?,
            has_tables: row.try_get(1).map_err(failed)?,
            has_lease_table: row.try_get(2).map_err(failed)?,
        })
    }
}

impl PostgresLease {
    /// Takes the lease, and makes its table first if there is none. `None` if the user may not have such a table: loads
    /// are then kept apart by their commits alone.
    pub(super) async fn take(
        connection: &Connection,
        address: &Arc<Address>,
        dataset: &str,
        found: &Found,
        claim: &Claim,
    ) -> Result<Option<Self>> {
        let mut lease = Self {
            address: Arc::clone(address),
            dataset: dataset.to_owned(),
            row: LeaseRow::new(POSTGRES, dataset, claim)?,
        };
        if !found.has_lease_table && !lease.create(connection, found).await? {
            return Ok(None);
        }
        let last = lease.last(connection, "").await?;
        let owner = last.as_ref().map(|(last, _)| last.owner.clone()).unwrap_or_default();
        if let Some((last, now)) = last {
            let next = claim.take(Some(&last), now)?;
            if last.token > 0 && next.token > last.token {
                lease.end_load(connection, last.token).await?;
            }
        }
        let begin = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; {}",
            lease.row.insert()
        );
        let taken = async {
            connection.client.batch_execute(&begin).await.map_err(|cause| lease.busy(cause, &owner))?;
            let last = lease.last(connection, "FOR UPDATE").await?;
            let now = last.as_ref().map_or(0, |(_, now)| *now);
            let next = claim.take(last.as_ref().map(|(last, _)| last), now)?;
            connection.execute(&format!("{}; END", lease.row.update(&next)), "write to").await?;
            Ok(next.token)
        };
        match taken.await {
            Ok(token) => {
                lease.row.token = token;
                Ok(Some(lease))
            }
            Err(error) => {
                // The first error counts.
                drop(connection.client.batch_execute("ROLLBACK").await);
                Err(error)
            }
        }
    }

    /// Makes the table, and the dataset if it is missing. False if the user may not.
    async fn create(&self, connection: &Connection, found: &Found) -> Result<bool> {
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED", "write to").await?;
        // Two runs must not create the same table; the one that waits then finds it.
        connection.lock(&format!("windlass leases {}", self.dataset)).await?;
        let schema = if found.has_dataset { None } else { POSTGRES.create_dataset(&self.dataset) };
        let create = format!(
            "{}{}; END",
            schema.map(|schema| format!("{schema}; ")).unwrap_or_default(),
            self.row.create_table()
        );
        match connection.client.batch_execute(&create).await {
            Ok(()) => Ok(true),
            Err(cause) => {
                drop(connection.client.batch_execute("ROLLBACK").await);
                if cause.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) {
                    tracing::warn!(dataset = self.dataset, "no lease: the user may not create its table");
                    return Ok(false);
                }
                Err(database_error("change the tables of", &connection.location, cause))
            }
        }
    }

    /// The row, and the time of the server.
    async fn last(&self, connection: &Connection, lock: &str) -> Result<Option<(Record, i64)>> {
        let sql = format!("{} {lock}", self.row.select());
        let rows = connection.client.query(&sql, &[]).await.map_err(|cause| self.busy(cause, ""))?;
        let failed = failed("query", &connection.location);
        let Some(row) = rows.first() else { return Ok(None) };
        let record = Record {
            token: row.try_get(0).map_err(failed)?,
            holder: row.try_get(1).map_err(failed)?,
            owner: row.try_get(2).map_err(failed)?,
            acquired_at: row.try_get(3).map_err(failed)?,
            renewed_at: row.try_get(4).map_err(failed)?,
            expires_at: row.try_get(5).map_err(failed)?,
        };
        Ok(Some((record, row.try_get(6).map_err(failed)?)))
    }

    /// Ends the transaction of a load whose lease has ended, which may hold locks that everybody waits for. Somebody
    /// else's transactions, and other transactions of its connection, are not called like this.
    async fn end_load(&self, connection: &Connection, token: i64) -> Result<()> {
        let sql = "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
                   WHERE application_name = $1 AND datname = current_database() AND pid <> pg_backend_pid()";
        // Without the right to do so the wait is longer, no more.
        if let Err(cause) = connection.client.query(sql, &[&self.load_name(token)]).await {
            tracing::warn!(%cause, "the load that was left behind cannot be ended");
        }
        Ok(())
    }

    /// Ends the lease, if it was not taken over.
    pub(super) async fn release(&self, connection: &Connection) -> Result<()> {
        connection.execute(&self.row.release(), "write to").await
    }

    /// Gives the transaction of a load a name by which the next holder finds it.
    pub(super) fn name_load(&self) -> String {
        format!("SET LOCAL application_name = {}", POSTGRES.literal(&self.load_name(self.row.token)))
    }

    fn load_name(&self, token: i64) -> String {
        let mut bytes = [0_u8; 8];
        shake128(format!("{}.{}", self.dataset, self.row.claim.pipeline).as_bytes(), &mut bytes);
        format!("windlass {:016x} {token}", u64::from_be_bytes(bytes))
    }

    /// What it means that the row cannot be read or written.
    fn busy(&self, cause: tokio_postgres::Error, owner: &str) -> windlass_core::Error {
        if cause.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) {
            let who = if owner.is_empty() { String::new() } else { format!(": {owner}") };
            let message =
                format!("another run of pipeline `{}` is about to commit{who}", self.row.claim.pipeline);
            return windlass_core::Error::conflict(message)
                .with_hint("run again when it is done, or use `--wait 60`");
        }
        database_error("query", &self.address.location, cause)
    }
}

#[async_trait]
impl Lease for PostgresLease {
    async fn renew(&self, _: i64) -> Result<()> {
        // The connection of the session is in the transaction of a load, whose updates nobody sees.
        let connection = Connection::open(&self.address).await?;
        let renewed = connection.client.execute(&self.row.renew(), &[]).await;
        let renewed = renewed.map_err(|cause| database_error("write to", &self.address.location, cause))?;
        if renewed == 1 { Ok(()) } else { Err(self.row.claim.lost()) }
    }
}
