//! Taking, renewing and giving back the lease of a pipeline, which is a row of a table in its dataset.

use std::sync::Arc;

use async_trait::async_trait;
use windlass_core::lease::{Claim, Lease as Record};
use windlass_core::sql::MYSQL;
use windlass_core::{Error, Result};

use crate::destination::Lease;
use crate::destinations::sql::LeaseRow;
use crate::mysql::{Connection, Settings, failed, server_code};

/// Seconds to wait for a transaction that has the row, and is about to end.
const LOCK_SECONDS: u32 = 10;

/// Errors of a user who may not create tables or databases.
const NOT_ALLOWED: [u16; 2] = [1044, 1142];

/// A lease that was taken.
#[derive(Clone, Debug)]
pub(super) struct MySqlLease {
    settings: Arc<Settings>,
    pub(super) row: LeaseRow,
}

impl MySqlLease {
    /// Takes the lease, and makes its table first if there is none. `None` if the user may not have such a table: loads
    /// are then kept apart by their commits alone.
    pub(super) async fn take(
        connection: &mut Connection,
        dataset: &str,
        has_table: bool,
        claim: &Claim,
    ) -> Result<Option<Self>> {
        let settings = Arc::clone(&connection.settings);
        let mut lease = Self { settings, row: LeaseRow::new(MYSQL, dataset, claim)? };
        if !has_table && !lease.create(connection, dataset).await? {
            return Ok(None);
        }
        let last = lease.last(connection, "").await?;
        let owner = last.as_ref().map(|(last, _)| last.owner.clone()).unwrap_or_default();
        if let Some((last, now)) = &last {
            claim.take(Some(last), *now)?;
        }
        let wait = format!("SET SESSION innodb_lock_wait_timeout = {LOCK_SECONDS}");
        connection.execute(&wait, "set up").await?;
        connection.execute("START TRANSACTION", "write to").await?;
        let taken = lease.take_row(connection, claim, &owner).await;
        let end = if taken.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = connection.execute(end, "write to").await;
        lease.row.token = taken?;
        ended?;
        Ok(Some(lease))
    }

    async fn take_row(&self, connection: &mut Connection, claim: &Claim, owner: &str) -> Result<i64> {
        let inserted = connection.try_execute(&self.row.insert()).await?;
        inserted.map_err(|cause| self.busy(cause, owner))?;
        let last = self.last(connection, "FOR UPDATE").await?;
        let now = last.as_ref().map_or(0, |(_, now)| *now);
        let next = claim.take(last.as_ref().map(|(last, _)| last), now)?;
        connection.execute(&self.row.update(&next), "write to").await?;
        Ok(next.token)
    }

    /// Makes the table, and the dataset if it is missing. False if the user may not.
    async fn create(&self, connection: &mut Connection, dataset: &str) -> Result<bool> {
        let statements = MYSQL.create_dataset(dataset).into_iter().chain([self.row.create_table()]);
        for statement in statements {
            match connection.try_execute(&statement).await? {
                Ok(()) => {}
                Err(cause) if server_code(&cause).is_some_and(|code| NOT_ALLOWED.contains(&code)) => {
                    tracing::warn!(dataset, "no lease: the user may not create its table");
                    return Ok(false);
                }
                Err(cause) => return Err(self.failed("change the tables of", cause)),
            }
        }
        Ok(true)
    }

    /// The row, and the time of the server.
    async fn last(&self, connection: &mut Connection, lock: &str) -> Result<Option<(Record, i64)>> {
        let rows = connection.texts(&format!("{} {lock}", self.row.select()), "query").await?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let damaged = || {
            Error::destination("the row of the lease cannot be read")
                .with_hint("drop the table _windlass_lease of the dataset while no run is under way")
        };
        let [token, holder, owner, acquired, renewed, expires, now] =
            <[Option<String>; 7]>::try_from(row).map_err(|_| damaged())?;
        let number =
            |text: Option<String>| text.and_then(|text| text.parse::<i64>().ok()).ok_or_else(damaged);
        let record = Record {
            token: number(token)?,
            holder: holder.unwrap_or_default(),
            owner: owner.unwrap_or_default(),
            acquired_at: number(acquired)?,
            renewed_at: number(renewed)?,
            expires_at: number(expires)?,
        };
        Ok(Some((record, number(now)?)))
    }

    /// Ends the lease, if it was not taken over.
    pub(super) async fn release(&self, connection: &mut Connection) -> Result<()> {
        connection.execute(&self.row.release(), "write to").await.map(drop)
    }

    fn failed(&self, what: &str, cause: mysql_async::Error) -> Error {
        failed(self.settings.side, what, &self.settings.location)(cause)
    }

    /// What it means that the row cannot be read or written.
    fn busy(&self, cause: mysql_async::Error, owner: &str) -> Error {
        if server_code(&cause) == Some(1205) {
            let who = if owner.is_empty() { String::new() } else { format!(": {owner}") };
            let pipeline = &self.row.claim.pipeline;
            return Error::conflict(format!("another run of pipeline `{pipeline}` is about to commit{who}"))
                .with_hint("run again when it is done, or use `--wait 60`");
        }
        self.failed("query", cause)
    }
}

#[async_trait]
impl Lease for MySqlLease {
    async fn renew(&self, _: i64) -> Result<()> {
        // The connection of the load is in a transaction, whose updates nobody sees.
        let mut connection = Connection::open(&self.settings).await?;
        let renewed = connection.execute(&self.row.renew(), "write to").await?;
        connection.close();
        if renewed == 1 { Ok(()) } else { Err(self.row.claim.lost()) }
    }
}
