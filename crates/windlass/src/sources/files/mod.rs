//! Files by glob: JSON lines, JSON, CSV and Parquet, as they are or packed by gzip or zstd.

mod json;
mod lines;
mod open;
mod parquet;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_core::csv::CsvDialect;
use windlass_core::json::Select;
use windlass_core::{Error, Result};

use self::json::{DocumentReader, ListReader};
use self::lines::LineReader;
use self::open::Input;
use self::parquet::ParquetReader;
use super::{SourceEntry, SourceParts};
use crate::config::{parse_options, schema_of};
use crate::record_limit::RecordLimit;
use crate::source::{Extractor, Opening, Page, Resource, Source, SourceContext, SourceSettings};

pub(super) const ENTRY: SourceEntry = SourceEntry {
    name: "filesystem",
    short: "files by glob: jsonl, json, csv, parquet, plain or packed by gzip or zstd",
    example: "\
type: filesystem
bucket_url: ./data                 # a folder, relative to this file
resources:
  - name: events                   # becomes the table
    file_glob: \"**/*.jsonl*\"      # .json, .jsonl, .csv, .parquet; .gz and .zst are unpacked
    # format: jsonl                # jsonl | json | csv | parquet, when the name does not tell
    # records: \"$.items[*]\"       # where the records of a JSON document are
    # on_bad_record: reject        # keep bad lines aside instead of failing
    write_disposition: append      # append | replace
    # primary_key: id
    # columns: {created_at: {data_type: timestamp}}
    # steps: [{filter: '.type != null'}, {map: 'del(.secret)'}]   # jq
",
    missing: None,
    has_exchanges: false,
    options: schema_of::<FileOptions>,
    resource: schema_of::<FileResourceOptions>,
    forms: None,
    build: |parts| Ok(Box::new(FileSource::new(parts)?)),
};

/// Options of a filesystem source.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FileOptions {
    /// Folder of the files, or one file: a path or a `file://` URL.
    bucket_url: String,
    /// Which files, for resources that do not say so themselves.
    #[serde(default)]
    file_glob: Option<String>,
}

/// Options of a resource of a filesystem source.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct FileResourceOptions {
    /// Which files, relative to bucket_url: `*.jsonl`, `2024/**/*.csv.gz`. Default `*`.
    file_glob: Option<String>,
    /// Their format; by their names when left out.
    format: InputFormat,
    /// Where the records are in a JSON document, such as `$` or `data.items`.
    records: Option<String>,
    /// How CSV files are written.
    csv: CsvDialect,
}

/// Bytes of a page.
///
/// The tape of a chunk is about three times its text; with 256 KiB both stay in the second-level cache. 64 KiB and
/// 1 MiB were measured within 3 % of it: see bench/README.md.
const PAGE_BYTES: usize = 256 << 10;

/// Format of the files of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(extend("enum" = ["auto", "jsonl", "ndjson", "json", "csv", "parquet"]))]
pub enum InputFormat {
    /// By the name of the file: `.jsonl`, `.ndjson`, `.json`, `.csv`, `.tsv`, `.parquet`, before `.gz` or `.zst`.
    #[default]
    Auto,
    /// One JSON value per line.
    #[serde(alias = "ndjson")]
    Jsonl,
    /// A JSON document: a list of records, or records at a path.
    Json,
    /// Comma separated values.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// The files of one resource.
#[derive(Clone, Debug)]
pub struct FileResource {
    /// Name, hints and limits.
    pub resource: Resource,
    /// Which files, relative to the source's folder.
    pub file_glob: String,
    /// Their format.
    pub format: InputFormat,
    /// Where the records are in a JSON document.
    pub records: Option<Select>,
    /// How CSV files are written.
    pub csv: CsvDialect,
}

/// Reads files in the order of their paths.
#[derive(Clone, Debug)]
pub struct FileSource {
    /// Name of the source.
    pub name: String,
    /// Folder of the files, or one file.
    pub bucket_url: String,
    /// The resources.
    pub resources: Vec<FileResource>,
    /// Settings of the schema.
    pub settings: SourceSettings,
}

impl FileSource {
    /// The files that the options name. Errors: options that are wrong.
    fn new(parts: SourceParts) -> Result<Self> {
        let options: FileOptions = parse_options("source", parts.options)?;
        options.file_glob.as_deref().map_or(Ok(()), check_glob)?;
        let resources = parts.resources.into_iter().map(|(resource, own)| {
            let own: FileResourceOptions =
                parse_options(&format!("source.resources.{}", resource.name), own)?;
            let glob = own.file_glob.as_deref();
            glob.map_or(Ok(()), check_glob).map_err(|error| error.at_resource(&resource.name))?;
            Ok(FileResource {
                resource,
                file_glob: own
                    .file_glob
                    .or_else(|| options.file_glob.clone())
                    .unwrap_or_else(|| "*".to_owned()),
                format: own.format,
                records: own.records.as_deref().map(Select::parse).transpose()?,
                csv: own.csv,
            })
        });
        Ok(Self {
            name: parts.name,
            bucket_url: options.bucket_url.clone(),
            resources: resources.collect::<Result<_>>()?,
            settings: parts.settings,
        })
    }
}

/// Reads one file page by page; may block.
trait PageReader: Send {
    fn next(&mut self) -> Result<Option<Page>>;
}

#[async_trait]
impl Source for FileSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn settings(&self) -> SourceSettings {
        self.settings.clone()
    }

    async fn resources(&self, _: &SourceContext) -> Result<Vec<Resource>> {
        Ok(self.resources.iter().map(|files| files.resource.clone()).collect())
    }

    async fn open(&self, resource: &Resource, opening: &Opening) -> Result<Vec<Box<dyn Extractor>>> {
        let files =
            self.resources.iter().find(|files| files.resource.name == resource.name).ok_or_else(|| {
                Error::internal("a resource is not of this source").at_resource(&resource.name)
            })?;
        let paths = list(&self.bucket_url, &files.file_glob, &opening.folder)?;
        if paths.is_empty() {
            return Err(Error::source_failed(format!(
                "no file matches `{}` in {}",
                files.file_glob, self.bucket_url
            ))
            .at_resource(&resource.name)
            .with_hint("check bucket_url and file_glob; `*` does not cross folders, `**/*` does"));
        }
        // One partition for all files: they are opened one after the other, the next while this one is read.
        let queue = paths.into_iter().zip(0..).collect();
        Ok(vec![Box::new(FilesExtractor {
            files: Arc::new(files.clone()),
            queue,
            current: None,
            next: None,
            limit: opening.record_limit,
        })])
    }
}

/// Errors: a pattern that leads out of the folder.
fn check_glob(file_glob: &str) -> Result<()> {
    let is_out = file_glob.starts_with('/') || file_glob.split('/').any(|part| part == "..");
    if is_out || file_glob.contains('\0') {
        return Err(Error::config(format!(
            "file_glob `{}` leads out of bucket_url",
            file_glob.escape_debug()
        ))
        .with_hint("name the folder that holds all of the files in bucket_url"));
    }
    Ok(())
}

/// The files of a glob in the order of their paths. Names that start with a dot only match a dot.
///
/// Errors: a pattern that is none; a `bucket_url` of another machine.
fn list(bucket_url: &str, file_glob: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    check_glob(file_glob)?;
    let base = local_path(bucket_url, folder)?;
    if base.is_file() {
        return Ok(vec![base]);
    }
    let pattern = if file_glob.ends_with("**") { format!("{file_glob}/*") } else { file_glob.to_owned() };
    let full = format!("{}/{pattern}", glob::Pattern::escape(&base.display().to_string()));
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let matches = glob::glob_with(&full, options).map_err(|cause| {
        Error::config(format!("`{file_glob}` is not a pattern for files")).with_source(cause)
    })?;
    let mut paths = Vec::new();
    for entry in matches {
        let path = entry.map_err(|cause| {
            Error::source_failed("a folder cannot be read").with_source(cause).with_hint("check its rights")
        })?;
        if path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The path of a local `bucket_url`: a path, `file:///path` or `file:path`; `~` is the home folder.
///
/// Errors: another protocol.
pub fn local_path(url: &str, folder: &Path) -> Result<PathBuf> {
    let path = match url.split_once(':') {
        Some(("file", rest)) => rest.strip_prefix("//").unwrap_or(rest),
        Some((protocol, rest)) if protocol.len() > 1 && rest.starts_with("//") => {
            return Err(Error::unsupported(format!("`{protocol}://` is not supported yet"))
                .with_hint("use a local path"));
        }
        _ => url,
    };
    let path = match path.strip_prefix('~') {
        Some(rest) => {
            let home = std::env::var("HOME").unwrap_or_default();
            PathBuf::from(format!("{home}{rest}"))
        }
        None => PathBuf::from(path),
    };
    // `a/./b` is `a/b`, also for people.
    Ok(folder.join(path).components().collect())
}

struct FilesExtractor {
    files: Arc<FileResource>,
    queue: VecDeque<(PathBuf, u64)>,
    current: Option<Box<dyn PageReader>>,
    /// The next file, opened and with its first page read while this one is.
    next: Option<tokio::task::JoinHandle<Opened>>,
    limit: RecordLimit,
}

/// An opened file and its first page.
type Opened = Result<(Box<dyn PageReader>, Option<Page>)>;

impl FilesExtractor {
    fn open_next(&mut self) -> Option<tokio::task::JoinHandle<Opened>> {
        let (path, partition) = self.queue.pop_front()?;
        let (files, limit) = (Arc::clone(&self.files), self.limit);
        Some(tokio::task::spawn_blocking(move || {
            let mut reader = open_file(&files, &path, partition, limit)?;
            let page = reader.next()?;
            Ok((reader, page))
        }))
    }
}

fn task_failed(cause: tokio::task::JoinError) -> Error {
    Error::internal("a reading task broke down").with_source(cause)
}

#[async_trait]
impl Extractor for FilesExtractor {
    async fn next_page(&mut self) -> Result<Option<Page>> {
        loop {
            if let Some(mut reader) = self.current.take() {
                let read = tokio::task::spawn_blocking(move || {
                    let page = reader.next();
                    (reader, page)
                });
                let (reader, page) = read.await.map_err(task_failed)?;
                if let Some(page) = page? {
                    self.current = Some(reader);
                    return Ok(Some(page));
                }
            }
            let opening = match self.next.take() {
                Some(opening) => opening,
                None => match self.open_next() {
                    Some(opening) => opening,
                    None => return Ok(None),
                },
            };
            self.next = self.open_next();
            let (reader, page) = opening.await.map_err(task_failed)??;
            if let Some(page) = page {
                self.current = Some(reader);
                return Ok(Some(page));
            }
        }
    }
}

fn open_file(
    files: &FileResource,
    path: &Path,
    partition: u64,
    limit: RecordLimit,
) -> Result<Box<dyn PageReader>> {
    let format = match files.format {
        InputFormat::Auto => format_of(path)?,
        format => format,
    };
    if format == InputFormat::Parquet {
        return Ok(Box::new(ParquetReader::open(path, partition, limit)?));
    }
    let mut input = Input::open(path, limit)?;
    Ok(match format {
        InputFormat::Jsonl => Box::new(LineReader::json(input, partition)),
        InputFormat::Csv => {
            let mut dialect = files.csv.clone();
            let is_tsv = stem(path).to_lowercase().ends_with(".tsv");
            if is_tsv && dialect.delimiter == CsvDialect::default().delimiter {
                dialect.delimiter = '\t';
            }
            Box::new(LineReader::csv(input, &dialect, partition)?)
        }
        _ => match &files.records {
            Some(select) if !select.is_root() => {
                Box::new(DocumentReader::new(input, Arc::new(select.clone()), partition))
            }
            // A list is read piece by piece; anything else is one document, or turns out to be lines.
            _ => match input.first_byte()? {
                Some(b'[') => Box::new(ListReader::new(input, partition)),
                _ if input.looks_like_lines()? => Box::new(LineReader::json(input, partition)),
                _ => Box::new(DocumentReader::new(input, Arc::new(Select::default()), partition)),
            },
        },
    })
}

/// The file name without the extension of its compression.
fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let lower = name.to_lowercase();
    let packed = [".gz", ".gzip", ".zst", ".zstd"].into_iter().find(|end| lower.ends_with(end));
    packed.map_or(name.clone(), |end| name[..name.len() - end.len()].to_owned())
}

fn format_of(path: &Path) -> Result<InputFormat> {
    let name = stem(path).to_lowercase();
    let formats = [
        (".jsonl", InputFormat::Jsonl),
        (".ndjson", InputFormat::Jsonl),
        (".json", InputFormat::Json),
        (".csv", InputFormat::Csv),
        (".tsv", InputFormat::Csv),
        (".parquet", InputFormat::Parquet),
    ];
    formats.iter().find(|(end, _)| name.ends_with(end)).map(|(_, format)| *format).ok_or_else(|| {
        Error::config(format!("the name of {} does not tell its format", path.display()))
            .with_hint("give the resource a format: jsonl, json, csv or parquet")
    })
}
