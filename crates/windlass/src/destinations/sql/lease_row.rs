//! The lease of a pipeline as a row of a table in its dataset: the statements, whatever the database is.
//!
//! Times are the server's, so that clocks of machines do not matter.

use windlass_core::lease::{Claim, Lease as Record};
use windlass_core::sql::{Clock, Dialect};
use windlass_core::{Error, Result};

/// The table. It is not part of the schema: migrations, plans and drops do not see it.
pub(in crate::destinations) const LEASE_TABLE: &str = "_windlass_lease";

/// The row of a pipeline.
#[derive(Clone, Debug)]
pub(in crate::destinations) struct LeaseRow {
    dialect: &'static dyn Dialect,
    clock: Clock,
    /// The table with its dataset.
    table: String,
    /// Who asks.
    pub(in crate::destinations) claim: Claim,
    /// The number that the lease was given under; 0 before.
    pub(in crate::destinations) token: i64,
}

impl LeaseRow {
    /// Errors: a database without a clock, which would be a bug.
    pub(in crate::destinations) fn new(
        dialect: &'static dyn Dialect,
        dataset: &str,
        claim: &Claim,
    ) -> Result<Self> {
        let clock = dialect.facts().clock;
        let clock = clock.ok_or_else(|| Error::internal("a lease is taken at a database without a clock"))?;
        let table = dialect.qualify(dataset, LEASE_TABLE);
        Ok(Self { dialect, clock, table, claim: claim.clone(), token: 0 })
    }

    fn pipeline(&self) -> String {
        self.dialect.literal(&self.claim.pipeline)
    }

    /// Makes the table.
    pub(in crate::destinations) fn create_table(&self) -> String {
        let Clock { column_type: time, key_type: text, .. } = self.clock;
        format!(
            "CREATE TABLE IF NOT EXISTS {} (pipeline {text} PRIMARY KEY, token bigint NOT NULL, holder {text} NOT NULL, \
             owner {text} NOT NULL, acquired_at {time} NOT NULL, renewed_at {time} NOT NULL, \
             expires_at {time} NOT NULL){}",
            self.table,
            self.dialect.table_options()
        )
    }

    /// Selects the row and the time of the server: token, holder, owner, and microseconds since the epoch.
    pub(in crate::destinations) fn select(&self) -> String {
        let micros = self.clock.micros;
        format!(
            "SELECT token, holder, owner, {}, {}, {}, {} FROM {} WHERE pipeline = {}",
            micros("acquired_at"),
            micros("renewed_at"),
            micros("expires_at"),
            micros(self.clock.now),
            self.table,
            self.pipeline()
        )
    }

    /// Inserts the row where there is none, for its lock.
    pub(in crate::destinations) fn insert(&self) -> String {
        let Clock { epoch, .. } = self.clock;
        let row = format!("{}, 0, '', '', {epoch}, {epoch}, {epoch}", self.pipeline());
        self.dialect.insert_missing(&self.table, &row)
    }

    /// Writes the lease that follows on the last one.
    pub(in crate::destinations) fn update(&self, next: &Record) -> String {
        let literal = |text: &str| self.dialect.literal(text);
        format!(
            "UPDATE {} SET token = {}, holder = {}, owner = {}, acquired_at = {now}, renewed_at = {now}, \
             expires_at = {} WHERE pipeline = {}",
            self.table,
            next.token,
            literal(&next.holder),
            literal(&next.owner),
            (self.clock.later)(self.claim.micros),
            self.pipeline(),
            now = self.clock.now,
        )
    }

    /// Moves the end of the lease away, unless it was taken over.
    pub(in crate::destinations) fn renew(&self) -> String {
        format!(
            "UPDATE {} SET renewed_at = {}, expires_at = {} WHERE pipeline = {} AND token = {}",
            self.table,
            self.clock.now,
            (self.clock.later)(self.claim.micros),
            self.pipeline(),
            self.token
        )
    }

    /// Ends the lease, unless it was taken over.
    pub(in crate::destinations) fn release(&self) -> String {
        format!(
            "UPDATE {} SET expires_at = {} WHERE pipeline = {} AND token = {}",
            self.table,
            self.clock.now,
            self.pipeline(),
            self.token
        )
    }

    /// Selects a row if the lease was not taken over. It stays locked until the end of the transaction, so that nobody
    /// takes over while it commits.
    pub(in crate::destinations) fn fence(&self) -> String {
        format!(
            "SELECT '1' FROM {} WHERE pipeline = {} AND token = {} FOR UPDATE",
            self.table,
            self.pipeline(),
            self.token
        )
    }
}
