//! Files in a folder: parquet, jsonl or csv, with the reference's layout and system files.
//!
//! New files are gathered in a hidden folder of the dataset and moved to their places at the commit, so that a load
//! that fails leaves nothing behind.

mod commit;
mod inside;
mod layout;
mod lease;
mod owner;
mod placeholders;
mod session;
mod system_files;
mod tables;
#[cfg(test)]
mod tests;
#[cfg_attr(feature = "duckdb", path = "views.rs")]
#[cfg_attr(not(feature = "duckdb"), path = "no_views.rs")]
mod views;
#[cfg(feature = "duckdb")]
mod wide;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use windlass_core::file::{FileFormat, FileOptions};
use windlass_core::normalize::TypeDefaults;
use windlass_core::path_part::check_part;
use windlass_core::schema::Schema;
use windlass_core::value::{Timestamp, parse_timestamp};
use windlass_core::{Error, ErrorKind, Result};

use self::inside::check_path;
use self::layout::{Computed, DEFAULT_LAYOUT, Layout, LoadTimes};
pub use self::placeholders::{FileName, Placeholders};
use self::session::FilesystemSession;
use super::{BuildContext, DestinationEntry};
use crate::config::{parse_options, schema_of};
use crate::destination::{Capabilities, Dataset, Destination, ReplaceStrategy, Session};
use crate::store::{self, Key, Store};

pub(super) const ENTRY: DestinationEntry = DestinationEntry {
    name: "filesystem",
    short: "files in a folder: parquet, jsonl or csv",
    example: "\
type: filesystem
bucket_url: ./out                  # a folder, relative to this file
loader_file_format: parquet        # jsonl | parquet | csv
# layout: \"{table_name}/{load_id}.{file_id}.{ext}\"
",
    missing: None,
    needed: Some("bucket_url"),
    schema: schema_of::<FilesystemConfig>,
    build: |options, context| {
        Ok(Arc::new(Filesystem::new(parse_options::<FilesystemConfig>("destination", options)?, context)?))
    },
};

/// State files of a pipeline that are kept when nobody says otherwise.
const DEFAULT_MAX_STATE_FILES: i64 = 100;

/// Options of a filesystem destination.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FilesystemConfig {
    /// Folder of the datasets: a path or a `file://` URL.
    pub bucket_url: Option<String>,
    /// Format of the files: jsonl (default), parquet or csv.
    pub loader_file_format: Option<FileFormat>,
    /// Names of the files below the dataset's folder. Default `{table_name}/{load_id}.{file_id}.{ext}`.
    pub layout: Option<String>,
    /// Placeholders of the layout with fixed values.
    pub extra_placeholders: BTreeMap<String, Value>,
    /// The time that the date placeholders show. Default: when the load package was created.
    pub current_datetime: Option<String>,
    /// State files of a pipeline that are kept; 0 keeps all. Default 100.
    pub max_state_files: Option<i64>,
    /// Whether to warn of a layout in which the files of one table may be taken for another's. Default true.
    pub warn_unsafe_layout_separators: Option<bool>,
    /// Whether the name of the dataset is normalized. Default true.
    pub enable_dataset_name_normalization: Option<bool>,
}

/// A folder as destination.
#[derive(Clone, Debug)]
pub struct Filesystem(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bucket: Arc<dyn Store>,
    layout: Layout,
    current: Option<Timestamp>,
    placeholders: Option<Arc<dyn Placeholders>>,
    max_state_files: i64,
    capabilities: Capabilities,
}

impl Filesystem {
    /// The folder, with the default layout, in this format. Errors: none for a valid format.
    pub fn folder(path: impl AsRef<Path>, format: FileFormat) -> Result<Self> {
        let config = FilesystemConfig {
            bucket_url: Some(path.as_ref().display().to_string()),
            loader_file_format: Some(format),
            ..FilesystemConfig::default()
        };
        Self::new(config, &BuildContext::default())
    }

    /// The folder that the options name. Errors: no folder, a layout that is none, a time that is none.
    pub fn new(config: FilesystemConfig, context: &BuildContext) -> Result<Self> {
        Self::build(config, context, None)
    }

    /// The same with placeholders that are computed. Errors: as [`Filesystem::new`].
    pub fn with_placeholders(
        config: FilesystemConfig,
        context: &BuildContext,
        placeholders: Arc<dyn Placeholders>,
    ) -> Result<Self> {
        Self::build(config, context, Some(placeholders))
    }

    fn build(
        config: FilesystemConfig,
        context: &BuildContext,
        placeholders: Option<Arc<dyn Placeholders>>,
    ) -> Result<Self> {
        let url = config.bucket_url.as_deref().filter(|url| !url.is_empty()).ok_or_else(|| {
            Error::config("a filesystem destination needs a bucket_url").with_hint(
                "set destination.bucket_url, or DESTINATION__FILESYSTEM__BUCKET_URL in the environment",
            )
        })?;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let extra = config.extra_placeholders.iter().map(|(name, value)| (name.clone(), text(value)));
        let computed: BTreeSet<String> = placeholders.iter().flat_map(|given| given.names()).collect();
        let layout = config.layout.as_deref().unwrap_or(DEFAULT_LAYOUT);
        let layout = Layout::parse(layout, extra.collect(), &computed)?;
        let time = |text: &str| {
            parse_timestamp(text).ok_or_else(|| {
                Error::config(format!("current_datetime `{text}` is not a time"))
                    .with_hint("write it like 2024-03-05T07:08:09Z")
            })
        };
        let warns = config.warn_unsafe_layout_separators.unwrap_or(true);
        let mut warnings = Vec::new();
        if let Some(separator) = layout.unsafe_separator().filter(|_| warns) {
            warnings.push(format!(
                "the layout separates table names by `{separator}`, which may be a part of a table's name: what finds the \
                 files of a table by the beginning of their names, as dlt does, takes those of other tables for them; use `/`"
            ));
        }
        Ok(Self(Arc::new(Inner {
            bucket: store::open(url, &context.folder)?,
            layout,
            current: config.current_datetime.as_deref().map(time).transpose()?,
            placeholders,
            max_state_files: config.max_state_files.unwrap_or(DEFAULT_MAX_STATE_FILES),
            capabilities: Capabilities {
                normalizes_dataset_name: config.enable_dataset_name_normalization.unwrap_or(true),
                warnings,
                ..capabilities(config.loader_file_format.unwrap_or(FileFormat::Jsonl))
            },
        })))
    }
}

impl Inner {
    /// The times of a load whose package was created at `package`.
    async fn times(&self, package: i64) -> Result<LoadTimes> {
        let given = match &self.placeholders {
            Some(placeholders) => placeholders.current_datetime().await?,
            None => None,
        };
        let of_package = Timestamp { micros: package, offset: None };
        Ok(LoadTimes { current: given.or(self.current).unwrap_or(of_package), package })
    }

    /// The path of a file below the dataset.
    async fn path(&self, file: &FileName<'_>, times: LoadTimes) -> Result<String> {
        let computed = match &self.placeholders {
            Some(placeholders) => {
                let values = placeholders.values(file).await?;
                placeholders.names().into_iter().zip(values).collect()
            }
            None => Computed::new(),
        };
        let path = self.layout.path(file, times, &computed);
        check_path(&path)?;
        Ok(path)
    }
}

fn capabilities(format: FileFormat) -> Capabilities {
    let mut formats = vec![FileFormat::Jsonl, FileFormat::Parquet, FileFormat::Csv];
    formats.retain(|known| *known != format);
    formats.insert(0, format);
    Capabilities {
        formats,
        file_options: FileOptions { format, gzip: true, ..FileOptions::default() },
        max_identifier_length: 65_536,
        counts_identifier_bytes: false,
        has_case_sensitive_identifiers: true,
        types: TypeDefaults { wei: (78, 0), scale_defaults_alone: false, ..TypeDefaults::default() },
        merge_strategies: Vec::new(),
        takes_sql_conditions: false,
        replace_strategy: ReplaceStrategy::TruncateAndInsert,
        merge_falls_back_to_append: true,
        normalizes_dataset_name: true,
        warnings: Vec::new(),
    }
}

#[async_trait]
impl Destination for Filesystem {
    fn kind(&self) -> &'static str {
        "filesystem"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    fn location(&self) -> String {
        self.0.bucket.location(&Key::root())
    }

    fn check_places(&self, schema: &Schema) -> Result<()> {
        for table in schema.tables.values().filter(|table| !table.is_new()) {
            let of_table = |error: Error| error.at_table(&table.name);
            check_path(&self.0.layout.sample(&schema.name, &table.name)).map_err(of_table)?;
        }
        Ok(())
    }

    async fn connect(&self, dataset: &Dataset) -> Result<Box<dyn Session>> {
        check_part(ErrorKind::Config, "a dataset", &dataset.name)?;
        Ok(Box::new(FilesystemSession::new(Arc::clone(&self.0), dataset.clone())?))
    }
}
