//! Files by glob: JSON lines, JSON, CSV and Parquet, as they are or packed by gzip or zstd.

mod gzip;
mod json;
mod lines;
mod listing;
mod new_files;
mod open;
mod parquet;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use windlass_core::csv::CsvDialect;
use windlass_core::json::Select;
use windlass_core::{Error, Result};

use self::json::{DocumentReader, ListReader};
use self::lines::LineReader;
use self::listing::{check_glob, list};
pub use self::new_files::NewFiles;
use self::new_files::{FileIncremental, KEY, Place, Seen, Unread};
use self::open::Input;
use self::parquet::ParquetReader;
use super::{SourceEntry, SourceParts};
use crate::charset::Charset;
use crate::config::{parse_options, schema_of};
use crate::record_limit::RecordLimit;
use crate::source::{Extractor, Opening, Page, Resource, Source, SourceContext, SourceSettings};
use crate::store::{self, Key, Object, Store, local_path};

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
    incremental: modification_date # only new and changed files; file_url: only files with new names
    write_disposition: append      # append | replace
    # primary_key: id
    # columns: {created_at: {data_type: timestamp}}
    # steps: [{filter: '.type != null'}, {map: 'del(.secret)'}]   # jq
",
    missing: None,
    has_exchanges: false,
    needed: None,
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
    /// How the text of CSV and JSON files is written, such as `utf-16le`, `windows-1252` or `shift_jis`; UTF-8 when left
    /// out. A byte order mark in a file comes first.
    #[schemars(extend("format" = "encoding"))]
    encoding: Option<String>,
    /// Which files or records are new: `modification_date` reads only files that were not loaded since they were written
    /// last, `file_url` only files whose names were never loaded; an object with `cursor_path` loads only records that
    /// are new.
    incremental: Option<FileIncremental>,
}

/// Bytes of a page.
///
/// The tape of a chunk is about three times its text; with 256 KiB both stay in the second-level cache. 64 KiB and
/// 1 MiB were measured within 3 % of it: see bench/README.md.
const PAGE_BYTES: usize = 256 << 10;

/// Format of the files of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(transform = with_ndjson)]
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

/// Adds the other name of a format to the schema.
fn with_ndjson(schema: &mut schemars::Schema) {
    if let Some(Value::Array(names)) = schema.get_mut("oneOf") {
        names.push(json!({ "const": "ndjson", "description": "The same as `jsonl`." }));
    }
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
    /// The encoding of CSV and JSON files; UTF-8 when left out.
    pub encoding: Option<String>,
    /// Which files are read; all when left out.
    pub new_files: Option<NewFiles>,
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
    /// The files that are loaded, by resource.
    pub seen: SeenFiles,
}

/// The files that earlier runs and this one have loaded, by resource.
#[derive(Clone, Debug, Default)]
pub struct SeenFiles(Arc<Mutex<BTreeMap<String, Seen>>>);

impl SeenFiles {
    fn with<T>(&self, resource: &str, change: impl FnOnce(&mut Seen) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(resource.to_owned()).or_default())
    }
}

impl FileSource {
    /// The files that the options name. Errors: options that are wrong.
    fn new(parts: SourceParts) -> Result<Self> {
        let options: FileOptions = parse_options("source", parts.options)?;
        options.file_glob.as_deref().map_or(Ok(()), check_glob)?;
        let places = &parts.places;
        local_path(&options.bucket_url, Path::new("")).map_err(|error| error.at(places.at("/bucket_url")))?;
        let resources = parts.resources.into_iter().enumerate().map(|(index, (resource, own))| {
            let at = |key: &str, error: Error| {
                error.at(places.at(&format!("/resources/{index}/{key}"))).at_resource(&resource.name)
            };
            let own: FileResourceOptions = parse_options(&format!("source.resources.{}", resource.name), own)
                .map_err(|error| at("csv", error))?;
            let glob = own.file_glob.as_deref();
            glob.map_or(Ok(()), check_glob).map_err(|error| at("file_glob", error))?;
            if let Some(name) = &own.encoding {
                Charset::option(name).map_err(|error| at("encoding", error))?;
            }
            own.csv.check().map_err(|error| at("csv", error))?;
            let records = own.records.as_deref().map(Select::parse).transpose();
            let records = records.map_err(|error| at("records", error))?;
            let new_files = match own.incremental {
                Some(FileIncremental::Files(new_files)) => Some(new_files),
                _ => None,
            };
            if new_files.is_some() && resource.limit.is_some() {
                return Err(Error::config(
                    "a limit would end in the midst of a file, which the next run loads again",
                )
                .at_resource(&resource.name)
                .with_hint("leave out `limit`, or `incremental` by files"));
            }
            Ok(FileResource {
                resource,
                file_glob: own
                    .file_glob
                    .or_else(|| options.file_glob.clone())
                    .unwrap_or_else(|| "*".to_owned()),
                format: own.format,
                records,
                csv: own.csv,
                encoding: own.encoding,
                new_files,
            })
        });
        Ok(Self {
            name: parts.name,
            bucket_url: options.bucket_url.clone(),
            resources: resources.collect::<Result<_>>()?,
            settings: parts.settings,
            seen: SeenFiles::default(),
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

    async fn begin(&self, state: &Map<String, Value>) -> Result<()> {
        for files in self.resources.iter().filter(|files| files.new_files.is_some()) {
            let name = &files.resource.name;
            let stored = state.get("resources").and_then(|resources| resources.get(name)?.get(KEY));
            let seen = Seen::restore(stored).map_err(|error| error.at_resource(name))?;
            self.seen.with(name, |known| *known = seen);
        }
        Ok(())
    }

    fn resource_states(&self) -> Vec<(String, String, Value)> {
        let stored = |files: &FileResource| {
            let name = &files.resource.name;
            let by = files.new_files?;
            Some((name.clone(), KEY.to_owned(), self.seen.with(name, |seen| seen.store(by))))
        };
        self.resources.iter().filter_map(stored).collect()
    }

    fn remedy_for_repeats(&self, resource: &Resource) -> Option<String> {
        let files = self.resources.iter().find(|files| files.resource.name == resource.name)?;
        let remedy = "set `incremental: modification_date` to load only new and changed files";
        files.new_files.is_none().then(|| remedy.to_owned())
    }

    async fn open(&self, resource: &Resource, opening: &Opening) -> Result<Vec<Box<dyn Extractor>>> {
        let files =
            self.resources.iter().find(|files| files.resource.name == resource.name).ok_or_else(|| {
                Error::internal("a resource is not of this source").at_resource(&resource.name)
            })?;
        let store = store::open(&self.bucket_url, &opening.folder)?;
        let keys = list(&*store, &files.file_glob)?;
        if keys.is_empty() {
            return Err(Error::source_failed(format!(
                "no file matches `{}` in {}",
                files.file_glob, self.bucket_url
            ))
            .at_resource(&resource.name)
            .with_hint("check bucket_url and file_glob; `*` does not cross folders, `**/*` does"));
        }
        // One partition for all files: they are opened one after the other, the next while this one is read.
        let place = Place::new(&self.bucket_url, &opening.folder)?;
        let mut queue = VecDeque::new();
        for (key, partition) in keys.into_iter().zip(0..) {
            let file = FileAt { store: Arc::clone(&store), key };
            let Some(by) = files.new_files else {
                queue.push_back((file, partition, None));
                continue;
            };
            let new = self.seen.with(&resource.name, |seen| seen.look(by, &place, &*store, &file.key))?;
            if new.is_some() {
                queue.push_back((file, partition, new));
            }
        }
        Ok(vec![Box::new(FilesExtractor {
            seen: self.seen.clone(),
            files: Arc::new(files.clone()),
            queue,
            current: None,
            next: None,
            limit: opening.record_limit,
        })])
    }
}

/// A file in its store.
#[derive(Clone, Debug)]
struct FileAt {
    store: Arc<dyn Store>,
    key: Key,
}

impl FileAt {
    /// Its address, which messages name it by.
    fn location(&self) -> String {
        self.store.location(&self.key)
    }

    /// What it is called, with a replacement for what is no UTF-8.
    fn name(&self) -> String {
        let location = self.location();
        let whole = Path::new(&location);
        let name = if self.key.is_root() { whole.file_name().unwrap_or_default() } else { self.key.name() };
        name.to_string_lossy().into_owned()
    }

    /// Errors: it is gone, or may not be read.
    fn open(&self) -> Result<Box<dyn Object>> {
        self.store.open(&self.key).map_err(|error| {
            Error::source_failed(format!("cannot open {}", self.location()))
                .with_source(error.into_cause())
                .with_hint("check the path and its rights")
        })
    }
}

struct FilesExtractor {
    files: Arc<FileResource>,
    seen: SeenFiles,
    queue: VecDeque<(FileAt, u64, Option<Unread>)>,
    current: Option<(Box<dyn PageReader>, Option<Unread>)>,
    /// The next file, opened and with its first page read while this one is.
    next: Option<Ahead>,
    limit: RecordLimit,
}

/// An opened file and its first page.
type Opened = Result<(Box<dyn PageReader>, Option<Page>)>;

/// A file that is being opened, and what is noted when it is read.
type Ahead = (tokio::task::JoinHandle<Opened>, Option<Unread>);

impl FilesExtractor {
    fn open_next(&mut self) -> Option<Ahead> {
        let (file, partition, unread) = self.queue.pop_front()?;
        let (files, limit) = (Arc::clone(&self.files), self.limit);
        let opening = tokio::task::spawn_blocking(move || {
            let mut reader = open_file(&files, &file, partition, limit)?;
            let page = reader.next()?;
            Ok((reader, page))
        });
        Some((opening, unread))
    }

    /// Notes that a file was read to its end.
    fn note(&self, file: Option<Unread>) {
        if let Some(file) = file {
            self.seen.with(&self.files.resource.name, |seen| seen.note(file));
        }
    }
}

fn task_failed(cause: tokio::task::JoinError) -> Error {
    Error::internal("a reading task broke down").with_source(cause)
}

#[async_trait]
impl Extractor for FilesExtractor {
    async fn next_page(&mut self) -> Result<Option<Page>> {
        loop {
            if let Some((mut reader, unread)) = self.current.take() {
                let read = tokio::task::spawn_blocking(move || {
                    let page = reader.next();
                    (reader, page)
                });
                let (reader, page) = read.await.map_err(task_failed)?;
                if let Some(page) = page? {
                    self.current = Some((reader, unread));
                    return Ok(Some(page));
                }
                self.note(unread);
            }
            let (opening, unread) = match self.next.take() {
                Some(opening) => opening,
                None => match self.open_next() {
                    Some(opening) => opening,
                    None => return Ok(None),
                },
            };
            self.next = self.open_next();
            let (reader, page) = opening.await.map_err(task_failed)??;
            if let Some(page) = page {
                self.current = Some((reader, unread));
                return Ok(Some(page));
            }
            self.note(unread);
        }
    }
}

fn open_file(
    files: &FileResource,
    file: &FileAt,
    partition: u64,
    limit: RecordLimit,
) -> Result<Box<dyn PageReader>> {
    let format = match files.format {
        InputFormat::Auto => format_of(file)?,
        format => format,
    };
    if let Some(select) =
        files.records.as_ref().filter(|select| !select.is_root() && format != InputFormat::Json)
    {
        return Err(records_elsewhere(select, format).at_file(file.location()));
    }
    if format == InputFormat::Parquet {
        return Ok(Box::new(ParquetReader::open(file, partition, limit)?));
    }
    let charset = files.encoding.as_deref().map(Charset::option).transpose()?;
    let mut input = Input::open(file, charset, limit)?;
    Ok(match format {
        InputFormat::Jsonl => Box::new(LineReader::json(input, partition)),
        InputFormat::Csv => {
            let mut dialect = files.csv.clone();
            let is_tsv = stem(file).to_lowercase().ends_with(".tsv");
            if is_tsv && dialect.delimiter == CsvDialect::default().delimiter {
                dialect.delimiter = '\t';
            }
            Box::new(LineReader::csv(input, &dialect, partition)?)
        }
        _ => match &files.records {
            // A list is read piece by piece; anything else is one document, or turns out to be lines.
            Some(select) if !select.takes_elements() => {
                Box::new(DocumentReader::new(input, Arc::new(select.clone()), partition))
            }
            select => match (input.first_byte()?, select) {
                (Some(b'['), _) => Box::new(ListReader::new(input, partition)),
                (_, Some(select)) if !select.is_root() => {
                    Box::new(DocumentReader::new(input, Arc::new(select.clone()), partition))
                }
                _ if input.looks_like_lines()? => Box::new(LineReader::json(input, partition)),
                _ => Box::new(DocumentReader::new(input, Arc::new(Select::default()), partition)),
            },
        },
    })
}

/// The error for a path to records in a file that is no JSON document.
fn records_elsewhere(select: &Select, format: InputFormat) -> Error {
    let name = serde_json::to_value(format).unwrap_or_default();
    let name = name.as_str().unwrap_or_default();
    let hint = match format {
        InputFormat::Jsonl => {
            "leave `records` out: each line is a record; a step such as `map: '.items[]'` takes records out of lines"
        }
        _ => "leave `records` out: each row is a record",
    };
    Error::config(format!(
        "`records: {}` says where the records of a JSON document are, and this is a {name} file",
        select.as_str()
    ))
    .with_hint(hint)
}

/// The file name without the extension of its compression.
fn stem(file: &FileAt) -> String {
    let name = file.name();
    let lower = name.to_lowercase();
    let packed = [".gz", ".gzip", ".zst", ".zstd"].into_iter().find(|end| lower.ends_with(end));
    let length = packed.map_or(name.len(), |end| name.len() - end.len());
    name.get(..length).unwrap_or(&name).to_owned()
}

fn format_of(file: &FileAt) -> Result<InputFormat> {
    let name = stem(file).to_lowercase();
    let formats = [
        (".jsonl", InputFormat::Jsonl),
        (".ndjson", InputFormat::Jsonl),
        (".json", InputFormat::Json),
        (".csv", InputFormat::Csv),
        (".tsv", InputFormat::Csv),
        (".parquet", InputFormat::Parquet),
    ];
    formats.iter().find(|(end, _)| name.ends_with(end)).map(|(_, format)| *format).ok_or_else(|| {
        Error::config(format!("the name of {} does not tell its format", file.location()))
            .with_hint("give the resource a format: jsonl, json, csv or parquet")
    })
}
