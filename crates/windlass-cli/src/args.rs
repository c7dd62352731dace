//! What can be written on the command line.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Loads JSON, CSV, Parquet and API data into typed relational tables: fast, nested, exactly once.
///
/// Exit codes: 0 ok, 1 the run failed, 2 usage or configuration, 3 partial (records were rejected), 4 a schema
/// contract was violated, 5 `plan --detailed-exitcode` found changes, 6 another run holds the pipeline, 130 or 143
/// after a clean stop on a signal.
#[derive(Debug, Parser)]
#[command(name = "windlass", version, styles = STYLES, max_term_width = 100)]
pub(crate) struct Args {
    /// Print one JSON object to stdout instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log to stderr: -v requests, statements and steps, -vv more (or set WINDLASS_LOG)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a commented pipeline file and a folder for settings and secrets
    Init(InitArgs),
    /// Write a first pipeline file for a REST API from what it says about itself
    Discover(DiscoverArgs),
    /// Load: finish pending packages, then extract, normalize and load
    Run(RunArgs),
    /// Load history in chunks of rows in the order of the cursor, each committed; goes on where it was broken off
    Backfill(BackfillArgs),
    /// Show what a run would create, change and delete; changes nothing
    Plan(PlanArgs),
    /// Read the sources of a pipeline and keep what servers answer, without secrets; loads nothing
    Record(RecordArgs),
    /// Check pipeline files, and tell everything that is wrong with them; connects to nothing
    Validate(ValidateArgs),
    /// Check a pipeline file, and ask each of its resources for a record and its destination for the dataset
    Check(FileArgs),
    /// Write what runs a pipeline elsewhere: a workflow of GitHub, a DAG of Airflow, a crontab line, a Dockerfile
    Deploy(DeployArgs),
    /// Look at a pipeline, or clean it up
    #[command(subcommand)]
    Pipeline(PipelineCommand),
    /// Run SQL on a loaded dataset
    Query(QueryArgs),
    /// Show rows of a table
    Preview(PreviewArgs),
    /// List the sources that this binary has
    Sources,
    /// List the destinations that this binary has
    Destinations,
    /// Print the JSON Schema of the pipeline file
    JsonSchema,
    /// Print a completion script
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct InitArgs {
    /// Kind of source: `windlass sources` lists them
    pub(crate) source: String,
    /// Kind of destination: `windlass destinations` lists them
    pub(crate) destination: String,
    /// Folder to write to
    #[arg(long, default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Name of the pipeline [default: the source's]
    #[arg(long)]
    pub(crate) name: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DiscoverArgs {
    /// Where the API is [default: what the document says]
    pub(crate) url: Option<String>,
    /// The API's OpenAPI document, version 3.x or 2.0 (Swagger): a file, or where to get it
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) openapi: String,
    /// File to write [default: print it]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Name of the pipeline [default: the API's]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Kind of destination: `windlass destinations` lists them
    #[arg(long, default_value = "duckdb")]
    pub(crate) destination: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct FileArgs {
    /// The pipeline file, YAML or TOML
    pub(crate) file: PathBuf,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ValidateArgs {
    /// The pipeline files, YAML or TOML
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DeployArgs {
    /// The pipeline file, YAML or TOML, or a Python script that runs a pipeline
    pub(crate) file: PathBuf,
    /// Where it is to run
    #[command(subcommand)]
    pub(crate) target: DeployTarget,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeployTarget {
    /// Write a workflow of GitHub Actions
    GithubAction(GithubActionArgs),
    /// Write a DAG of Airflow 2 or 3
    #[command(alias = "airflow-composer")]
    Airflow(AirflowArgs),
    /// Print a line for crontab
    Crontab(CrontabArgs),
    /// Write a Dockerfile
    Dockerfile(DockerfileArgs),
}

/// What all targets that are files have in common.
#[derive(Debug, ClapArgs)]
pub(crate) struct DeployedFiles {
    /// Root of the repository, below which the pipeline lies and files are written
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Write over files that exist
    #[arg(long)]
    pub(crate) force: bool,
    /// What pip installs: a version, a wheel or a repository [default: windlass of this version or later]
    #[arg(long, value_name = "REQUIREMENT")]
    pub(crate) requirement: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct GithubActionArgs {
    /// When to run: five fields of cron in UTC, or @hourly, @daily, @weekly, @monthly, @yearly
    #[arg(long, value_name = "CRON")]
    pub(crate) schedule: String,
    /// Whether it can be started by hand
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    pub(crate) run_manually: bool,
    /// Run on each push as well
    #[arg(long)]
    pub(crate) run_on_push: bool,
    #[command(flatten)]
    pub(crate) files: DeployedFiles,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct AirflowArgs {
    /// When to run: five fields of cron, or @hourly, @daily, @weekly, @monthly, @yearly
    #[arg(long, value_name = "CRON", default_value = "@daily")]
    pub(crate) schedule: String,
    /// Where secrets are: Variables of Airflow, or the environment of its workers
    #[arg(long, value_enum, default_value_t = SecretsFormat::Variables)]
    pub(crate) secrets_format: SecretsFormat,
    #[command(flatten)]
    pub(crate) files: DeployedFiles,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SecretsFormat {
    /// Variables of Airflow, by the names of the environment variables
    Variables,
    /// The environment of the workers
    Env,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct CrontabArgs {
    /// When to run: five fields of cron, or @hourly, @daily, @weekly, @monthly, @yearly
    #[arg(long, value_name = "CRON")]
    pub(crate) schedule: String,
    /// File to which the output is added [default: .windlass/NAME.log beside the pipeline]
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DockerfileArgs {
    /// Install the Python package instead of copying a binary; scripts need it anyway
    #[arg(long)]
    pub(crate) python: bool,
    #[command(flatten)]
    pub(crate) files: DeployedFiles,
}

/// What `run` and `plan` have in common.
#[derive(Debug, ClapArgs)]
pub(crate) struct LoadArgs {
    /// The pipeline file, YAML or TOML
    pub(crate) file: PathBuf,
    /// Read only these resources
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',')]
    pub(crate) select: Vec<String>,
    /// Read at most this many records of each resource
    #[arg(long, value_name = "RECORDS")]
    pub(crate) limit: Option<u64>,
    /// Load into this dataset
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Option<String>,
    /// Use this write disposition for all resources
    #[arg(long, value_name = "DISPOSITION")]
    pub(crate) write_disposition: Option<String>,
    /// Drop tables and state first, in the same transaction as the load: drop_sources, drop_resources or drop_data
    #[arg(long, value_name = "MODE")]
    pub(crate) refresh: Option<String>,
    /// The same as `--refresh drop_sources`: begin anew
    #[arg(long, conflicts_with = "refresh")]
    pub(crate) full_refresh: bool,
    /// Memory to use at most
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_memory: Option<String>,
    /// Threads that normalize [default: one per core]
    #[arg(long, value_name = "THREADS")]
    pub(crate) workers: Option<usize>,
    /// Take the answers of servers from a recording of `windlass record`, without network and credentials
    #[arg(long, value_name = "FOLDER")]
    pub(crate) replay: Option<PathBuf>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RecordArgs {
    /// The pipeline file, YAML or TOML
    pub(crate) file: PathBuf,
    /// Folder of the recording; what was recorded there before is replaced [default: FILE.cassette]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) out: Option<PathBuf>,
    /// Read only these resources
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',')]
    pub(crate) select: Vec<String>,
    /// Read at most this many records of each resource
    #[arg(long, value_name = "RECORDS")]
    pub(crate) limit: Option<u64>,
    /// How progress is shown on stderr
    #[arg(long, value_enum, default_value_t = ProgressKind::Auto)]
    pub(crate) progress: ProgressKind,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    /// Load into a new dataset, with nothing remembered of earlier runs
    #[arg(long)]
    pub(crate) dev_mode: bool,
    /// Wait so many seconds for another run of the pipeline to end, instead of ending with 6
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) wait: u32,
    /// How progress is shown on stderr
    #[arg(long, value_enum, default_value_t = ProgressKind::Auto)]
    pub(crate) progress: ProgressKind,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct BackfillArgs {
    /// The pipeline file, YAML or TOML
    pub(crate) file: PathBuf,
    /// Rows of a chunk
    #[arg(long, value_name = "ROWS", default_value_t = 50_000)]
    pub(crate) chunk: u64,
    /// Load chunk after chunk until one brings nothing new, instead of one
    #[arg(long)]
    pub(crate) until_done: bool,
    /// Load only these tables [default: all with a cursor]
    #[arg(long, value_name = "TABLE", value_delimiter = ',')]
    pub(crate) table: Vec<String>,
    /// Load into this dataset
    #[arg(long, value_name = "NAME")]
    pub(crate) dataset: Option<String>,
    /// Memory to use at most
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_memory: Option<String>,
    /// Threads that normalize [default: one per core]
    #[arg(long, value_name = "THREADS")]
    pub(crate) workers: Option<usize>,
    /// Wait so many seconds for another run of the pipeline to end, instead of ending with 6
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) wait: u32,
    /// How progress is shown on stderr
    #[arg(long, value_enum, default_value_t = ProgressKind::Auto)]
    pub(crate) progress: ProgressKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressKind {
    /// Bars on a terminal, nothing elsewhere
    Auto,
    /// A line now and then
    Plain,
    /// Nothing
    None,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) load: LoadArgs,
    /// Records of each resource to look at; 0 for all
    #[arg(long, value_name = "RECORDS", default_value_t = 1000)]
    pub(crate) sample: u64,
    /// Exit with 5 if a run would change anything
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
}

/// A pipeline that was run before, or a pipeline file.
#[derive(Debug, ClapArgs)]
pub(crate) struct NameArgs {
    /// Name of a pipeline, or its file
    pub(crate) name: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PipelineCommand {
    /// List the pipelines of this machine
    List,
    /// Show where a pipeline loads to, its schemas and its packages
    Info(NameArgs),
    /// Show what the last run did
    Trace(NameArgs),
    /// Print a schema
    Schema {
        #[command(flatten)]
        name: NameArgs,
        /// yaml, json, mermaid or dbml
        #[arg(long, default_value = "yaml")]
        format: String,
        /// Name of the schema [default: the pipeline's first]
        #[arg(long)]
        schema: Option<String>,
    },
    /// Print the state
    State(NameArgs),
    /// List load packages
    Loads(NameArgs),
    /// Show why packages could not be loaded
    FailedJobs(NameArgs),
    /// Take state and schemas over from the destination
    Sync(NameArgs),
    /// Drop the tables and the state of resources
    Drop(DropArgs),
    /// Give up packages that are not loaded; their data is extracted again
    DropPending {
        #[command(flatten)]
        name: NameArgs,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct DropArgs {
    #[command(flatten)]
    pub(crate) name: NameArgs,
    /// Names of resources, or patterns like `re:^repo`
    pub(crate) resources: Vec<String>,
    /// Drop all resources of the schema
    #[arg(long, conflicts_with = "resources")]
    pub(crate) drop_all: bool,
    /// Forget the state only, keep the tables
    #[arg(long)]
    pub(crate) state_only: bool,
    /// Name of the schema [default: the pipeline's first]
    #[arg(long)]
    pub(crate) schema: Option<String>,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    #[default]
    Table,
    Csv,
    Json,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct QueryArgs {
    #[command(flatten)]
    pub(crate) name: NameArgs,
    /// The SQL; tables of the dataset need no prefix
    pub(crate) sql: String,
    /// How rows are printed [default: table, or json with --json]
    #[arg(long, value_enum)]
    pub(crate) format: Option<RowFormat>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct PreviewArgs {
    #[command(flatten)]
    pub(crate) name: NameArgs,
    /// The table
    pub(crate) table: String,
    /// Rows to show at most
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u64,
    /// How rows are printed [default: table, or json with --json]
    #[arg(long, value_enum)]
    pub(crate) format: Option<RowFormat>,
}
