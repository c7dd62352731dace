//! Where data goes: the traits of a destination, and what the engine must know of it.

use std::sync::Arc;

use async_trait::async_trait;
use windlass_core::Result;
use windlass_core::file::{FileFormat, FileOptions};
use windlass_core::lease::Claim;
use windlass_core::merge::MergeStrategy;
use windlass_core::naming::Naming;
use windlass_core::normalize::TypeDefaults;
use windlass_core::package::Job;
use windlass_core::schema::Schema;
use windlass_core::state::State;

use crate::extract::Cancel;
use crate::packages::LoadPackage;
use crate::rows::RowStream;

/// What a destination can do. Normalizing and loading look at nothing else.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Formats of job files it takes, the preferred one first.
    pub formats: Vec<FileFormat>,
    /// How job files are written; the format is set per table.
    pub file_options: FileOptions,
    /// Longest identifier of tables and columns, in characters.
    pub max_identifier_length: usize,
    /// Whether the longest identifier is counted in bytes of UTF-8: names that are shortened to as many characters may
    /// still be too long.
    pub counts_identifier_bytes: bool,
    /// Whether two names that differ by case only may stand side by side.
    pub has_case_sensitive_identifiers: bool,
    /// Whether the name of a dataset is normalized like the name of a table.
    pub normalizes_dataset_name: bool,
    /// Digits and precisions of types that come without.
    pub types: TypeDefaults,
    /// How it can merge, the default first; empty if it cannot. The first is always delete-insert.
    pub merge_strategies: Vec<MergeStrategy>,
    /// Whether conditions over rows (`source_filter`, `destination_scope`), which are SQL, can be asked.
    pub takes_sql_conditions: bool,
    /// How a replace is done.
    pub replace_strategy: ReplaceStrategy,
    /// Whether merge, where it cannot be done, adds rows instead.
    pub merge_falls_back_to_append: bool,
    /// What the user should know of the settings.
    pub warnings: Vec<String>,
}

impl Capabilities {
    /// Whether rows can be merged.
    pub fn can_merge(&self) -> bool {
        !self.merge_strategies.is_empty()
    }
}

/// How the rows of a table are replaced.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ReplaceStrategy {
    /// The table is emptied, then filled.
    #[default]
    TruncateAndInsert,
    /// New rows go to a staging table first; then the table is emptied and filled from there.
    InsertFromStaging,
    /// New rows go to a staging table, which then takes the place of the table where the database can do that in the
    /// transaction of the load (Postgres); elsewhere as [`ReplaceStrategy::InsertFromStaging`].
    StagingOptimized,
}

impl ReplaceStrategy {
    /// The name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TruncateAndInsert => "truncate-and-insert",
            Self::InsertFromStaging => "insert-from-staging",
            Self::StagingOptimized => "staging-optimized",
        }
    }

    /// Whether new rows go to a staging table first.
    pub fn is_staged(self) -> bool {
        self != Self::TruncateAndInsert
    }
}

/// A place that data is loaded to.
#[async_trait]
pub trait Destination: Send + Sync {
    /// The kind of destination: `duckdb`, `filesystem`.
    fn kind(&self) -> &'static str;

    /// What it can do.
    fn capabilities(&self) -> &Capabilities;

    /// Where it is, without secrets, for people.
    fn location(&self) -> String;

    /// Errors: a table that has no place here, such as where its files cannot have the names that they would get.
    ///
    /// # Contract
    /// Asked before a package is sealed: what is refused later could never be loaded.
    fn check_places(&self, _: &Schema) -> Result<()> {
        Ok(())
    }

    /// Opens a connection for one dataset. Nothing is created before there is something to load.
    async fn connect(&self, dataset: &Dataset) -> Result<Box<dyn Session>>;
}

/// The place of one pipeline's tables at a destination.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Normalized name.
    pub name: String,
    /// The pipeline that loads.
    pub pipeline: String,
    /// How names are normalized.
    pub naming: Naming,
    /// Bytes of memory that loading may take.
    pub memory_bytes: u64,
    /// Threads that loading may use.
    pub threads: usize,
    /// Ends a statement that takes long when a stop is asked for.
    pub cancel: Cancel,
}

/// What a destination knows of a pipeline.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    /// Whether the dataset exists.
    pub has_dataset: bool,
    /// The newest state that was loaded.
    pub state: Option<State>,
    /// The load that brought the state, where that can be seen before its load record.
    pub state_load_id: Option<String>,
    /// The greatest load id of the dataset, of whatever pipeline; a new load has a greater one.
    pub last_load_id: Option<String>,
}

/// A lease that is held, apart from the session, which may be busy when it is to be renewed.
#[async_trait]
pub trait Lease: Send + Sync {
    /// Moves its end away.
    ///
    /// # Contract
    /// [`windlass_core::ErrorKind::Conflict`] exactly if another run has taken over; any other error may pass.
    async fn renew(&self, now: i64) -> Result<()>;
}

/// One connection to a destination.
#[async_trait]
pub trait Session: Send {
    /// Reads the newest state of the pipeline.
    async fn stored(&mut self) -> Result<Stored>;

    /// Reads the newest version of a schema.
    async fn stored_schema(&mut self, name: &str) -> Result<Option<Schema>>;

    /// Takes the pipeline's lease, so that one run loads at a time.
    ///
    /// `None` if the destination has no need of one, because nobody else can write while it is being written; and
    /// without `may_create` also if there is no dataset yet that could hold it.
    ///
    /// # Contract
    /// One holder at a time, with a token that only grows; a lease that has ended is taken over, and what its holder
    /// has begun is never committed: from now on [`Session::commit`] checks the token together with what it makes
    /// visible. Errors: [`windlass_core::ErrorKind::Conflict`] if another run holds it.
    async fn acquire(&mut self, claim: &Claim, may_create: bool, now: i64) -> Result<Option<Arc<dyn Lease>>>;

    /// Gives the lease back, if there is one and it was not taken over.
    async fn release(&mut self, now: i64) -> Result<()>;

    /// Whether a load was committed.
    ///
    /// # Contract
    /// True exactly if [`Session::commit`] of this load took effect, also when its caller never heard of it.
    async fn is_loaded(&mut self, load_id: &str) -> Result<bool>;

    /// What [`Session::migrate`] would execute or create for this schema, for people.
    async fn plan(&mut self, schema: &Schema) -> Result<Vec<String>>;

    /// Creates what the package needs and is missing, empties what it replaces, and gives what was executed.
    ///
    /// # Contract
    /// Only adds tables and columns. May be called again after a failure.
    async fn migrate(&mut self, package: &LoadPackage, now: i64) -> Result<Vec<String>>;

    /// Loads files of one table.
    ///
    /// # Contract
    /// All of their rows or none. Loading the same job twice leaves the rows of one load.
    async fn load(&mut self, package: &LoadPackage, jobs: &[&Job]) -> Result<()>;

    /// Makes the load count.
    ///
    /// # Contract
    /// Load record and state become visible together, and where the capabilities say so, together with the rows.
    /// Refused with [`windlass_core::ErrorKind::Conflict`], and then nothing is visible, if another run has taken the
    /// lease over or has changed the state that the rows follow on.
    async fn commit(&mut self, package: &LoadPackage, now: i64) -> Result<()>;

    /// Gives up everything that is not committed.
    async fn rollback(&mut self) -> Result<()>;

    /// The rows of a query.
    ///
    /// # Contract
    /// Only reads: whatever the statement says, nothing at the destination or anywhere else is changed, and no file is
    /// read that is not the dataset's. The same holds for [`Session::stream`] and [`Session::table_rows`].
    async fn query(&mut self, sql: &str) -> Result<Vec<arrow_array::RecordBatch>>;

    /// The rows of a query as they come; the session lives as long as they do.
    ///
    /// Destinations whose driver gives all rows at once have nothing to add to this.
    async fn stream(mut self: Box<Self>, sql: &str) -> Result<RowStream> {
        Ok(RowStream::of(self.query(sql).await?))
    }

    /// Executes a statement that may write, and gives its rows: for who asks for that by name.
    ///
    /// Destinations that SQL cannot write to have nothing to add to this.
    async fn execute(&mut self, sql: &str) -> Result<RowStream> {
        Ok(RowStream::of(self.query(sql).await?))
    }

    /// The rows of a table of the dataset, at most `limit`.
    async fn table_rows(&mut self, table: &str, limit: u64) -> Result<Vec<arrow_array::RecordBatch>>;
}
