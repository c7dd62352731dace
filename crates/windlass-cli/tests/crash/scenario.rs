//! Pipelines as users write them, the data that they read, and places that are set up once and copied.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use windlass::destination::Session;
use windlass::destinations::{BuildContext, destination_entry};
use windlass::pipeline::{Pipeline, PipelineSettings};

use crate::content::Content;
use crate::mariadb::{MariaDb, PASSWORD_IN_URL, USER};
use crate::project::Project;
use crate::server::Server;

/// A kind of destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    DuckDb,
    Postgres,
    MySql,
    Sqlite,
    Filesystem,
}

/// What a load does with the rows that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Disposition {
    Append,
    Replace,
    Merge,
    Scd2,
}

/// Which load of a pipeline is broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Turn {
    First,
    Second,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::DuckDb, Self::Postgres, Self::MySql, Self::Sqlite, Self::Filesystem];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::DuckDb => "duckdb",
            Self::Postgres => "postgres",
            Self::MySql => "mysql",
            Self::Sqlite => "sqlite",
            Self::Filesystem => "filesystem",
        }
    }

    /// Whether rows, load record and state become visible together.
    pub(crate) fn is_transactional(self) -> bool {
        self != Self::Filesystem
    }

    /// Whether new columns are seen before the load that needs them is.
    pub(crate) fn adds_columns_first(self) -> bool {
        self == Self::MySql
    }

    fn settings(self) -> &'static str {
        match self {
            Self::DuckDb => "{type: duckdb, credentials: out.duckdb}",
            Self::Postgres => "{type: postgres, credentials: \"${SERVER}\"}",
            Self::MySql => "{type: mysql, credentials: \"${SERVER}\"}",
            Self::Sqlite => "{type: sqlite, credentials: out.db}",
            Self::Filesystem => "{type: filesystem, bucket_url: out}",
        }
    }
}

impl Disposition {
    pub(crate) const ALL: [Self; 4] = [Self::Append, Self::Replace, Self::Merge, Self::Scd2];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Replace => "replace",
            Self::Merge => "merge",
            Self::Scd2 => "scd2",
        }
    }

    fn resource(self, kind: Kind) -> &'static str {
        match self {
            // A folder refuses the strategy, and adds up what a plain merge reads.
            Self::Scd2 if kind == Kind::Filesystem => "write_disposition: merge",
            Self::Append => {
                "write_disposition: append, primary_key: id, incremental: {cursor_path: updated_at}"
            }
            Self::Replace => "write_disposition: replace",
            Self::Merge => {
                "write_disposition: merge, primary_key: id, incremental: {cursor_path: updated_at}"
            }
            Self::Scd2 => "write_disposition: {disposition: merge, strategy: scd2}",
        }
    }

    /// Whether each load reads everything there is.
    fn reads_snapshots(self) -> bool {
        matches!(self, Self::Replace | Self::Scd2)
    }
}

/// A record; `revision` changes its values and its cursor.
fn record(id: u32, revision: u32, extra: &str) -> String {
    let (hour, minute) = (revision, id % 60);
    format!(
        "{{\"id\": {id}, \"name\": \"name {id}.{revision}\", \"updated_at\": \"2025-01-01T{hour:02}:{minute:02}:00Z\", \
         \"tags\": [\"a{id}\", \"b{revision}\"]{extra}}}\n"
    )
}

/// The records of the first load.
fn first_records() -> String {
    (0..20).map(|id| record(id, 1, "")).collect()
}

/// Those of the second: some as they were, some changed, some new, with a new column and a new nested table. The
/// first of them have the cursor of the last one of the first load.
fn second_records() -> String {
    let new = |id| record(id, 2, &format!(", \"note\": \"n{id}\", \"lines\": [{{\"sku\": \"s{id}\"}}]"));
    let unchanged = (15..20).map(|id| record(id, 1, ""));
    let boundary = record(79, 1, "");
    let changed = (0..3).map(|id| record(id, 2, ""));
    unchanged.chain([boundary]).chain(changed).chain((30..36).map(new)).collect()
}

/// A folder with a pipeline and its destination.
pub(crate) struct Place {
    pub(crate) project: Project,
    kind: Kind,
    disposition: Disposition,
    /// The server with a database of its own.
    database: Option<Database>,
}

/// A server that the places of a kind share.
#[derive(Clone)]
pub(crate) enum Host {
    Postgres(Arc<Server>),
    MySql(Arc<MariaDb>),
}

impl Host {
    /// The server of a kind of destination; `None` if it needs none or this machine has none.
    pub(crate) fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Postgres => Server::shared().map(|server| Self::Postgres(Arc::new(server))),
            Kind::MySql => MariaDb::shared().map(|server| Self::MySql(Arc::new(server))),
            _ => None,
        }
    }
}

/// A database that is dropped with this value; for MySQL, a dataset and its staging dataset.
struct Database {
    host: Host,
    name: String,
}

impl Database {
    /// An empty database, or one like the template.
    fn new(host: &Host, template: Option<&str>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("crash_{}_{count}", std::process::id());
        match host {
            Host::Postgres(server) => {
                let template = template.unwrap_or("template1");
                administer(server, &format!("CREATE DATABASE {name} TEMPLATE {template}"));
            }
            Host::MySql(server) => {
                if let Some(template) = template {
                    copy_datasets(server, template, &name);
                }
            }
        }
        Self { host: host.clone(), name }
    }

    fn url(&self) -> String {
        match &self.host {
            Host::Postgres(server) => {
                let (address, _) = server.url.rsplit_once('/').unwrap();
                format!("{address}/{}", self.name)
            }
            Host::MySql(server) => format!("mysql://{USER}:{PASSWORD_IN_URL}@127.0.0.1:{}", server.port),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        match &self.host {
            Host::Postgres(server) => {
                administer(server, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
            }
            Host::MySql(server) => {
                let drops = DATASETS.map(|ending| format!("DROP DATABASE IF EXISTS {}{ending}", self.name));
                drop(server.execute(&drops.join("; ")));
            }
        }
    }
}

/// What follows on the name of a database of MySQL in the names of its datasets.
const DATASETS: [&str; 2] = ["", "_staging"];

/// Makes a dataset and its staging dataset like others.
fn copy_datasets(server: &MariaDb, from: &str, to: &str) {
    let mut script = "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; ".to_owned();
    for ending in DATASETS {
        let (from, to) = (format!("{from}{ending}"), format!("{to}{ending}"));
        let is = format!("TABLE_SCHEMA = '{from}'");
        let tables = server.execute(&format!("SELECT TABLE_NAME FROM information_schema.TABLES WHERE {is}"));
        if tables.is_empty() {
            continue;
        }
        script.push_str(&format!("CREATE DATABASE {to} CHARACTER SET utf8mb4; "));
        for table in tables.lines() {
            script.push_str(&format!(
                "CREATE TABLE {to}.`{table}` LIKE {from}.`{table}`; INSERT INTO {to}.`{table}` SELECT * FROM {from}.`{table}`; "
            ));
        }
    }
    server.execute(&script);
}

/// Runs a statement outside of all databases that are tested.
fn administer(server: &Server, sql: &str) {
    let config = json!({ "type": "postgres", "credentials": server.url });
    in_session("postgres", config, Path::new("/"), "d", async |session| {
        session.execute(sql).await.map(drop).unwrap_or_else(|e| panic!("{sql}: {}", e.chain()));
    });
}

/// Runs `work` with a session of our own.
fn in_session<T>(
    kind: &str,
    mut options: serde_json::Value,
    folder: &Path,
    dataset: &str,
    work: impl AsyncFnOnce(&mut dyn Session) -> T,
) -> T {
    options.as_object_mut().unwrap().remove("type");
    let context = BuildContext {
        folder: folder.to_owned(),
        pipeline: "p".to_owned(),
        work_dir: folder.join("work/pipelines/p"),
    };
    let destination = (destination_entry(kind).unwrap().build)(options, &context).unwrap();
    let settings = PipelineSettings { max_memory: 256 << 20, ..PipelineSettings::default() };
    let pipeline =
        Pipeline::new("p", destination, folder.join("work")).unwrap().dataset(dataset).settings(settings);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let place = pipeline.dataset_place().unwrap();
        let mut session = pipeline.destination().connect(&place).await.unwrap();
        work(session.as_mut()).await
    })
}

impl Place {
    /// An empty place before the first load.
    pub(crate) fn new(kind: Kind, disposition: Disposition, host: Option<&Host>) -> Self {
        let project = Project::in_memory().reading_files(kind.settings(), disposition.resource(kind));
        // The second load removes what is left of the first, so that removals are broken off as well.
        let text = fs::read_to_string(project.path("p.yaml")).unwrap();
        // Datasets of MySQL are databases of the server that all places share.
        let text =
            if kind == Kind::MySql { text.replace("dataset: d\n", "dataset: ${DATASET}\n") } else { text };
        project.write("p.yaml", format!("{text}load: {{kept_packages: 0}}\n"));
        let database = matches!(kind, Kind::Postgres | Kind::MySql)
            .then(|| Database::new(host.expect("a server"), None));
        let place = Self { project, kind, disposition, database };
        place.project.write("data/a.jsonl", first_records());
        place
    }

    /// A place before its only load, which comes page by page and goes on wherever it is broken off.
    pub(crate) fn of_pages(kind: Kind, disposition: Disposition) -> Self {
        let place = Self::new(kind, disposition, None);
        let items = first_records().lines().collect::<Vec<_>>().join(", ");
        let other = "{name: u, page_size: 2, items: [{id: 1}, {id: 2}, {id: 3}]}";
        place.project.write(
            "p.yaml",
            format!(
                "pipeline: p\ndataset: d\ndestination: {}\nextract: {{checkpoint_seconds: 0}}\nsource:\n  type: \
                 inline\n  resources:\n    - {other}\n    - {{name: t, page_size: 4, {}, items: [{items}]}}\n",
                kind.settings(),
                disposition.resource(kind)
            ),
        );
        place
    }

    /// The files of the second load appear.
    pub(crate) fn advance(&self) {
        if self.disposition.reads_snapshots() {
            self.project.write("data/a.jsonl", second_records());
        } else {
            self.project.write("data/b.jsonl", second_records());
        }
    }

    /// Another place like this one as it stands.
    pub(crate) fn copy(&self) -> Self {
        let project = Project::in_memory();
        copy_folder(&self.project.path(""), &project.path(""));
        let copied = |database: &Database| Database::new(&database.host, Some(&database.name));
        let database = self.database.as_ref().map(copied);
        Self { project, database, ..*self }
    }

    /// Whether each load adds what it reads, as where nothing can be merged.
    pub(crate) fn adds_up(&self) -> bool {
        self.kind == Kind::Filesystem && self.disposition == Disposition::Scd2
    }

    /// The server's address, if there is one.
    pub(crate) fn url(&self) -> Option<String> {
        self.database.as_ref().map(Database::url)
    }

    /// The same, if the messages to it can be counted and cut.
    pub(crate) fn url_for_cuts(&self) -> Option<String> {
        self.url().filter(|_| self.kind == Kind::Postgres)
    }

    fn dataset(&self) -> &str {
        let database = self.database.as_ref().filter(|_| self.kind == Kind::MySql);
        database.map_or("d", |database| &database.name)
    }

    /// `windlass run` in this place; `url` stands for the server's address.
    pub(crate) fn command(&self, url: Option<&str>) -> Command {
        let mut command = self.project.command(&["run", "p.yaml", "--workers", "1", "--max-memory", "256MB"]);
        command.env("DATASET", self.dataset());
        if let Some(url) = url.map(str::to_owned).or_else(|| self.url()) {
            command.env("SERVER", url);
        }
        command
    }

    /// What is there.
    pub(crate) fn content(&self) -> Content {
        let folder = self.project.path("");
        let (key, place) = match self.kind {
            Kind::DuckDb => ("credentials", "out.duckdb".to_owned()),
            Kind::Sqlite => ("credentials", "out.db".to_owned()),
            Kind::Filesystem => ("bucket_url", "out".to_owned()),
            Kind::Postgres | Kind::MySql => ("credentials", self.url().unwrap()),
        };
        in_session(self.kind.name(), json!({ key: place }), &folder, self.dataset(), async |session| {
            Content::read(session).await
        })
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
