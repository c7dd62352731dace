//! A connection to a MySQL server that is asked or loads.

use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use windlass_core::hash::shake128;
use windlass_core::lease::Claim;
use windlass_core::sql::{Dialect, ExistingColumn, ExistingTables, KeyIndex, MYSQL};
use windlass_core::{Error, Result};

use super::copy::{Target, insert_file, load_file};
use super::index;
use super::lease::MySqlLease;
use super::read::{Query, check_dataset};
use crate::destination::{Dataset, Lease};
use crate::destinations::log_statement;
use crate::destinations::sql::{Copy, LEASE_TABLE, LoadKey, Outcome, SqlClient, Work};
use crate::failpoint::failpoint;
use crate::mysql::{Access, Connection, Settings, failed, is_unanswered};
use crate::rows::RowStream;
use crate::side::Side;
use crate::sources::sql::Address;

/// Seconds to wait for another load; longer than any takes.
const LOCK_SECONDS: u32 = 31_536_000;

/// Connections, opened when they are needed.
pub(super) struct MySqlClient {
    address: Address,
    settings: Arc<Settings>,
    dataset: String,
    /// The connection that questions are asked on.
    reading: Option<Connection>,
    /// The connection of the load that is under way. What it holds ends with it.
    writing: Option<Load>,
    lease: Option<MySqlLease>,
}

/// The load that is under way.
struct Load {
    connection: Connection,
    /// Whether the rows have begun to come: until then each statement commits by itself.
    is_in_transaction: bool,
    /// Whether the server reads files of clients, as far as is known.
    takes_files: bool,
    max_packet: usize,
}

impl MySqlClient {
    /// Errors: a dataset whose name MySQL does not take; parameters of the address that are unknown or wrong.
    pub(super) fn new(address: &Address, settings: Arc<Settings>, dataset: &Dataset) -> Result<Self> {
        let name = &dataset.name;
        let is_system = ["information_schema", "mysql", "performance_schema", "sys"];
        if name.chars().count() > 64
            || name.ends_with(' ')
            || name.contains('\0')
            || is_system.iter().any(|system| name.eq_ignore_ascii_case(system))
        {
            return Err(Error::config(format!("`{name}` cannot be the name of a MySQL database"))
                .with_hint("choose another dataset name, of at most 64 characters"));
        }
        let address = Address { database: Some(name.clone()), ..address.clone() };
        Ok(Self { address, settings, dataset: name.clone(), reading: None, writing: None, lease: None })
    }

    /// The connection that is open: that of questions, or that of the load.
    fn opened(&mut self) -> Result<&mut Connection> {
        let writing = self.writing.as_mut().map(|load| &mut load.connection);
        self.reading.as_mut().or(writing).ok_or_else(not_loading)
    }

    fn loading(&mut self) -> Result<&mut Load> {
        self.writing.as_mut().ok_or_else(not_loading)
    }

    /// Settings of connections that can only read the dataset.
    async fn read_settings(&self) -> Result<Arc<Settings>> {
        let settings = Arc::new(Settings::new(&self.address, Side::Destination, Access::Read)?);
        check_dataset(&settings, &self.dataset).await?;
        Ok(settings)
    }
}

fn not_loading() -> Error {
    Error::internal("a load goes on outside of its transaction; migrate() begins it")
}

/// Waits until no other connection holds a lock of this name, and holds it until it is released or the connection ends.
async fn lock(connection: &mut Connection, name: &str) -> Result<()> {
    let sql = format!("SELECT GET_LOCK({}, {LOCK_SECONDS})", lock_name(name));
    let rows = connection.texts(&sql, "lock").await?;
    if rows.into_iter().flatten().next().flatten().as_deref() == Some("1") {
        return Ok(());
    }
    Err(Error::destination("MySQL does not give the lock of a load")
        .retryable()
        .with_hint("the server ended the wait; run again"))
}

/// The literal of a lock's name, which may have 64 characters.
fn lock_name(name: &str) -> String {
    let mut bytes = [0_u8; 16];
    shake128(name.as_bytes(), &mut bytes);
    format!("'windlass_{:032x}'", u128::from_be_bytes(bytes))
}

fn load_lock(key: &LoadKey) -> String {
    format!("load {}.{}", key.dataset, key.load_id)
}

fn tables_lock(dataset: &str) -> String {
    format!("tables {dataset}")
}

#[async_trait]
impl SqlClient for MySqlClient {
    fn dialect(&self) -> &'static dyn Dialect {
        MYSQL
    }

    async fn open(&mut self) -> Result<bool> {
        failpoint("mysql.connect")?;
        self.reading = Some(Connection::open(&self.settings).await?);
        Ok(true)
    }

    async fn close(&mut self) -> Result<()> {
        if let Some(connection) = self.reading.take() {
            connection.close();
        }
        Ok(())
    }

    async fn tables(&mut self, dataset: &str) -> Result<ExistingTables> {
        let sql = format!(
            "SELECT TABLE_NAME, COLUMN_NAME, IS_NULLABLE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {} \
             AND TABLE_NAME <> {} ORDER BY TABLE_NAME, ORDINAL_POSITION",
            MYSQL.literal(dataset),
            MYSQL.literal(LEASE_TABLE)
        );
        let mut tables = ExistingTables::new();
        for row in self.opened()?.texts(&sql, "read the tables of").await? {
            let mut texts = row.into_iter().map(Option::unwrap_or_default);
            let table = texts.next().unwrap_or_default();
            let (name, is_nullable) = (texts.next().unwrap_or_default(), texts.next());
            let is_required = is_nullable.as_deref() == Some("NO");
            tables.entry(table).or_default().push(ExistingColumn { name, is_required });
        }
        Ok(tables)
    }

    async fn has_dataset(&mut self, dataset: &str, tables: &ExistingTables) -> Result<bool> {
        if !tables.is_empty() {
            return Ok(true);
        }
        let name = MYSQL.literal(dataset);
        let sql = format!("SELECT '1' FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {name}");
        Ok(self.one_text(&sql).await?.is_some())
    }

    async fn one_text(&mut self, sql: &str) -> Result<Option<String>> {
        let rows = self.opened()?.texts(sql, "query").await?;
        Ok(rows.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }

    async fn await_load(&mut self, key: &LoadKey) -> Result<()> {
        // The lock is free when the other connection has come to its end.
        lock(self.opened()?, &load_lock(key)).await
    }

    async fn begin(&mut self, key: &LoadKey, _: &str, _: bool) -> Result<bool> {
        failpoint("mysql.begin")?;
        let mut connection = Connection::open(&self.settings).await?;
        failpoint("mysql.lock")?;
        lock(&mut connection, &load_lock(key)).await?;
        let packet = connection.texts("SELECT @@max_allowed_packet", "query").await?;
        let packet = packet.into_iter().flatten().next().flatten().and_then(|text| text.parse().ok());
        self.writing = Some(Load {
            connection,
            is_in_transaction: false,
            takes_files: true,
            max_packet: packet.unwrap_or(1 << 20),
        });
        Ok(false)
    }

    async fn lock_tables(&mut self, key: &LoadKey) -> Result<bool> {
        failpoint("mysql.lock_tables")?;
        lock(&mut self.loading()?.connection, &tables_lock(&key.dataset)).await?;
        Ok(true)
    }

    async fn index(&mut self, dataset: &str, indexes: &[KeyIndex]) -> Result<Vec<String>> {
        let connection = &mut self.loading()?.connection;
        let statements = index::missing(connection, dataset, indexes).await?;
        self.execute(statements.clone(), Work::Migrate).await?;
        Ok(statements)
    }

    async fn execute(&mut self, statements: Vec<String>, work: Work) -> Result<()> {
        let release = format!("DO RELEASE_LOCK({})", lock_name(&tables_lock(&self.dataset)));
        let load = self.loading()?;
        if work != Work::Migrate && !load.is_in_transaction {
            // The tables are there: whoever waits to make the same finds them.
            load.connection.execute(&release, "lock").await?;
            load.connection.execute("START TRANSACTION", "write to").await?;
            load.is_in_transaction = true;
        }
        let (name, what) = match work {
            Work::Migrate | Work::Prepare => ("mysql.ddl", "change the tables of"),
            Work::Merge => ("mysql.statement", "commit to"),
        };
        for statement in &statements {
            failpoint(name)?;
            log_statement(statement);
            load.connection.execute(statement, what).await?;
        }
        if work == Work::Prepare { failpoint("mysql.migrated") } else { Ok(()) }
    }

    async fn copy(&mut self, copy: Copy) -> Result<()> {
        let load = self.loading()?;
        let target = Target { dataset: &copy.dataset, table: &copy.table.name, max_packet: load.max_packet };
        for (path, rows) in &copy.files {
            failpoint("mysql.copy")?;
            let mut taken = None;
            if load.takes_files {
                taken = load_file(&mut load.connection, &target, path).await?;
                if taken.is_none() {
                    tracing::warn!(
                        "the server takes no files of clients (local_infile is off): rows are inserted, which takes longer"
                    );
                    load.takes_files = false;
                }
            }
            let taken = match taken {
                Some(taken) => taken,
                None => insert_file(&mut load.connection, &target, path).await?,
            };
            if taken != *rows {
                return Err(Error::destination(format!("the server took {taken} of {rows} rows"))
                    .with_hint("a trigger of the table leaves rows out; the load was rolled back"));
            }
            failpoint("mysql.job_loaded")?;
        }
        Ok(())
    }

    async fn lock_pipeline(&mut self, key: &LoadKey) -> Result<()> {
        let name = format!("pipeline {}.{}", key.dataset, key.pipeline);
        lock(&mut self.loading()?.connection, &name).await
    }

    async fn commit(&mut self) -> Result<Outcome> {
        failpoint("mysql.before_commit")?;
        log_statement("COMMIT");
        let result = self.loading()?.connection.try_execute("COMMIT").await?;
        self.writing = None;
        match result {
            Ok(()) => failpoint("mysql.after_commit").map(|()| Outcome::Committed),
            Err(cause) => {
                let is_unknown = is_unanswered(&cause);
                let error = failed(Side::Destination, "commit to", &self.settings.location)(cause);
                if is_unknown { Ok(Outcome::Unknown(error)) } else { Err(error) }
            }
        }
    }

    async fn rollback(&mut self) -> Result<()> {
        let Some(mut load) = self.writing.take() else { return Ok(()) };
        failpoint("mysql.rollback")?;
        // A connection that is lost has rolled back.
        drop(load.connection.try_execute("ROLLBACK").await);
        load.connection.close();
        Ok(())
    }

    async fn acquire(
        &mut self,
        dataset: &str,
        claim: &Claim,
        may_create: bool,
    ) -> Result<Option<Arc<dyn Lease>>> {
        let mut connection = Connection::open(&self.settings).await?;
        let sql = format!(
            "SELECT count(*), COALESCE(sum(TABLE_NAME = {}), 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA = {}",
            MYSQL.literal(LEASE_TABLE),
            MYSQL.literal(dataset)
        );
        let counts: Vec<bool> = connection
            .texts(&sql, "read the tables of")
            .await?
            .into_iter()
            .flatten()
            .map(|count| count.is_some_and(|count| count != "0"))
            .collect();
        let (has_tables, has_lease) = (counts.first() == Some(&true), counts.get(1) == Some(&true));
        if !has_tables && !may_create {
            return Ok(None);
        }
        self.lease = MySqlLease::take(&mut connection, dataset, has_lease, claim).await?;
        connection.close();
        Ok(self.lease.clone().map(|lease| -> Arc<dyn Lease> { Arc::new(lease) }))
    }

    async fn release(&mut self) -> Result<()> {
        let Some(lease) = self.lease.take() else { return Ok(()) };
        let mut connection = Connection::open(&self.settings).await?;
        lease.release(&mut connection).await?;
        connection.close();
        Ok(())
    }

    fn fence(&self) -> Option<String> {
        self.lease.as_ref().map(|lease| lease.row.fence())
    }

    fn fenced(&self) -> Error {
        self.lease.as_ref().map_or_else(not_loading, |lease| lease.row.claim.lost())
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<RecordBatch>> {
        Query::start(&self.read_settings().await?, sql).await?.all().await
    }

    async fn stream(self: Box<Self>, sql: &str) -> Result<RowStream> {
        Ok(Query::start(&self.read_settings().await?, sql).await?.stream())
    }

    async fn run(&mut self, sql: &str) -> Result<RowStream> {
        let settings = Arc::new(Settings::new(&self.address, Side::Destination, Access::Write)?);
        check_dataset(&settings, &self.dataset).await?;
        let mut connection = Connection::open(&settings).await?;
        if connection.gives_rows(sql).await? {
            connection.close();
            return Ok(RowStream::of(Query::start(&settings, sql).await?.all().await?));
        }
        connection.execute(sql, "query").await?;
        connection.close();
        Ok(RowStream::of(Vec::new()))
    }
}
