//! A destination of its own for each check.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use windlass::core::file::FileFormat;
use windlass::core::hints::{Disposition, DispositionOptions, WriteDisposition};
use windlass::destination::{Destination, Session};
use windlass::destinations::{BuildContext, destination_entry};
use windlass::pipeline::{LoadInfo, Pipeline, PipelineSettings, RunOptions};
use windlass::source::{Resource, Source, SourceSettings};
use windlass::sources::{InlineResource, InlineSource};

use crate::mariadb::{MariaDb, PASSWORD_IN_URL, USER};
use crate::server::Server;

/// A kind of destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    DuckDb,
    Postgres,
    MySql,
    Sqlite,
    Filesystem,
    Memory,
}

/// A destination that nobody else uses.
pub(crate) struct Place {
    pub(crate) kind: Kind,
    pub(crate) dataset: String,
    folder: tempfile::TempDir,
    server: Option<Server>,
    mariadb: Option<MariaDb>,
    /// Where the server is said to be, if not where it is.
    pub(crate) url: Option<String>,
}

/// A resource in a check.
pub(crate) struct Rows<'a> {
    pub(crate) name: &'a str,
    pub(crate) lines: String,
    pub(crate) disposition: Disposition,
    pub(crate) columns: Value,
    /// How rows are merged, if not in the default way.
    strategy: Option<&'static str>,
}

impl<'a> Rows<'a> {
    pub(crate) fn append(name: &'a str, lines: impl Into<String>) -> Self {
        Self {
            name,
            lines: lines.into(),
            disposition: Disposition::Append,
            columns: Value::Null,
            strategy: None,
        }
    }

    pub(crate) fn replace(name: &'a str, lines: impl Into<String>) -> Self {
        Self { disposition: Disposition::Replace, ..Self::append(name, lines) }
    }

    /// Rows that are merged by `id`.
    pub(crate) fn merge(name: &'a str, lines: impl Into<String>) -> Self {
        let columns = json!({ "id": { "primary_key": true } });
        Self { disposition: Disposition::Merge, columns, ..Self::append(name, lines) }
    }

    pub(crate) fn with_strategy(self, strategy: &'static str) -> Self {
        Self { strategy: Some(strategy), ..self }
    }

    pub(crate) fn with_columns(self, columns: Value) -> Self {
        Self { columns, ..self }
    }
}

impl Place {
    /// `None` if this machine has no such server.
    pub(crate) async fn new(kind: Kind, name: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let server = if kind == Kind::Postgres { Some(Server::shared()?) } else { None };
        let mariadb = if kind == Kind::MySql { Some(MariaDb::shared()?) } else { None };
        let dataset: String = name.to_lowercase().chars().take(50).collect();
        // A name that ends with `_` would be normalized to another one.
        let dataset = dataset.trim_end_matches('_').to_owned();
        let place = Self { kind, dataset, folder, server, mariadb, url: None };
        if kind == Kind::Postgres {
            // The server outlives a check that failed.
            for dataset in [place.dataset.clone(), format!("{}_staging", place.dataset)] {
                place.execute(&format!("DROP SCHEMA IF EXISTS \"{dataset}\" CASCADE")).await;
            }
        }
        if let Some(server) = &place.mariadb {
            for dataset in [place.dataset.clone(), format!("{}_staging", place.dataset)] {
                server.execute(&format!("DROP DATABASE IF EXISTS `{dataset}`"));
            }
        }
        Some(place)
    }

    /// The MariaDB server.
    pub(crate) fn mariadb(&self) -> &MariaDb {
        self.mariadb.as_ref().unwrap()
    }

    /// Whether users and settings of the server are known.
    pub(crate) fn has_own_server(&self) -> bool {
        self.server.as_ref().is_some_and(Server::is_own)
    }

    pub(crate) fn server_url(&self) -> String {
        match &self.mariadb {
            Some(server) => format!("mysql://{USER}:{PASSWORD_IN_URL}@127.0.0.1:{}", server.port),
            None => self.server.as_ref().unwrap().url.clone(),
        }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The certificate that the server shows, if it shows one.
    pub(crate) fn server_certificate(&self) -> Option<PathBuf> {
        self.server.as_ref()?.certificate()
    }

    /// The destination with these options beside its place.
    pub(crate) fn destination(&self, options: Value) -> Arc<dyn Destination> {
        let mut options = options.as_object().cloned().unwrap_or_default();
        let folder = self.folder.path();
        let (name, key, place) = match self.kind {
            Kind::DuckDb => ("duckdb", "credentials", folder.join("out.duckdb").display().to_string()),
            Kind::Sqlite => ("sqlite", "credentials", folder.join("out.db").display().to_string()),
            Kind::Filesystem => ("filesystem", "bucket_url", folder.join("bucket").display().to_string()),
            Kind::Memory => ("memory", "store", folder.display().to_string()),
            Kind::MySql => ("mysql", "credentials", self.url.clone().unwrap_or_else(|| self.server_url())),
            Kind::Postgres => {
                ("postgres", "credentials", self.url.clone().unwrap_or_else(|| self.server_url()))
            }
        };
        options.insert(key.to_owned(), place.into());
        let context = BuildContext {
            folder: folder.to_owned(),
            pipeline: "suite".to_owned(),
            work_dir: folder.join("pipelines/suite"),
        };
        (destination_entry(name).unwrap().build)(options.into(), &context).unwrap()
    }

    /// A pipeline to a destination, whose working folder is called `work`.
    pub(crate) fn pipeline_to(&self, destination: Arc<dyn Destination>, work: &str) -> Pipeline {
        let mut settings = PipelineSettings { max_memory: 512 << 20, ..PipelineSettings::default() };
        settings.extract.workers = 1;
        if self.kind == Kind::Filesystem {
            // JSON has neither NaN nor infinity.
            settings.loader_file_format = Some(FileFormat::Parquet);
        }
        let pipelines = self.folder.path().join(work);
        Pipeline::new("suite", destination, pipelines).unwrap().dataset(&self.dataset).settings(settings)
    }

    pub(crate) fn pipeline(&self) -> Pipeline {
        self.pipeline_to(self.destination(json!({})), "pipelines")
    }

    /// Loads the resources of one source.
    pub(crate) async fn load(&self, resources: &[Rows<'_>]) -> LoadInfo {
        load(&self.pipeline(), resources).await.unwrap()
    }

    pub(crate) async fn session(&self) -> Box<dyn Session> {
        let pipeline = self.pipeline();
        pipeline.destination().connect(&pipeline.dataset_place().unwrap()).await.unwrap()
    }

    /// Runs a statement as somebody else would. Only for servers.
    pub(crate) async fn execute(&self, sql: &str) {
        drop(self.session().await.execute(sql).await.unwrap());
    }

    /// The rows of a table, sorted, with the columns that are not the engine's; see [`crate::rows::lines`].
    pub(crate) async fn rows(&self, table: &str) -> Vec<String> {
        let mut session = self.session().await;
        let batches = session.table_rows(table, 1_000_000).await.unwrap();
        crate::rows::lines(&batches, |column| !column.starts_with("_dlt_"))
    }

    /// The values of some columns of a table, sorted.
    pub(crate) async fn columns(&self, table: &str, columns: &[&str]) -> Vec<String> {
        let mut session = self.session().await;
        let batches = session.table_rows(table, 1_000_000).await.unwrap();
        crate::rows::lines(&batches, |column| columns.contains(&column))
    }

    /// The rows of a table and of its child table `tags` with all columns, sorted; none if there is no such table.
    pub(crate) async fn everything(&self, table: &str) -> Vec<String> {
        let mut lines = Vec::new();
        for table in [table.to_owned(), format!("{table}__tags")] {
            if let Ok(batches) = self.session().await.table_rows(&table, 1_000_000).await {
                lines.extend(crate::rows::lines(&batches, |_| true));
            }
        }
        lines
    }

    /// Number of rows; 0 if there is no such table.
    pub(crate) async fn count(&self, table: &str) -> usize {
        match self.session().await.table_rows(table, 1_000_000).await {
            Ok(batches) => batches.iter().map(arrow_array::RecordBatch::num_rows).sum(),
            Err(_) => 0,
        }
    }
}

/// A source with these resources.
pub(crate) fn source(resources: &[Rows<'_>]) -> Box<dyn Source> {
    let resources = resources.iter().map(|rows| {
        let mut resource = Resource::new(rows.name);
        resource.hints.write_disposition = Some(match rows.strategy {
            None => WriteDisposition::Plain(rows.disposition),
            Some(strategy) => WriteDisposition::Detailed(DispositionOptions {
                disposition: Some(rows.disposition),
                strategy: Some(strategy.to_owned()),
                ..DispositionOptions::default()
            }),
        });
        if !rows.columns.is_null() {
            let hints = json!({ "columns": rows.columns });
            resource.hints.columns =
                serde_json::from_value::<windlass::core::hints::ResourceHints>(hints).unwrap().columns;
        }
        InlineResource { resource, pages: vec![rows.lines.clone()] }
    });
    Box::new(InlineSource {
        name: "suite".to_owned(),
        resources: resources.collect(),
        settings: SourceSettings::default(),
    })
}

/// Loads the resources of one source.
pub(crate) async fn load(pipeline: &Pipeline, resources: &[Rows<'_>]) -> windlass::core::Result<LoadInfo> {
    pipeline.run(&[source(resources)], &RunOptions::default()).await
}
