//! The sections of settings that hold for the engine, under the reference's names.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use windlass_core::file::{CsvOptions, CsvQuoting, FileFormat, ParquetCompression};
use windlass_core::naming::Convention;
use windlass_core::normalize::{BatchIds, Collisions};
use windlass_core::{Code, Error, Result};

use crate::alerts::{Alerts, Webhooks};
use crate::extract::FileRotation;
use crate::pipeline::{FileSettings, PipelineSettings};

/// Settings beside source and destination.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    pub(super) pipeline: PipelineSection,
    pub(super) extract: ExtractSection,
    pub(super) normalize: NormalizeSection,
    pub(super) load: LoadSection,
    pub(super) schema: SchemaSection,
}

/// Settings of the pipeline itself.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PipelineSection {
    /// Folder of the working folders of all pipelines.
    pub(super) pipelines_dir: Option<PathBuf>,
    /// Form of the dataset's name, such as `dev_%s`.
    pub(super) dataset_name_layout: Option<String>,
    /// Whether each run loads into a new dataset and forgets what was.
    pub(super) dev_mode: bool,
    /// Folder of schema files that people edit.
    pub(super) import_schema_path: Option<PathBuf>,
    /// Folder to which schemas are written after each change.
    pub(super) export_schema_path: Option<PathBuf>,
    /// Whether state and schemas are read from the destination at the start. Default true.
    pub(super) restore_from_destination: Option<bool>,
    /// Memory that a run takes at most: bytes, or a text such as `512MB`.
    pub(super) max_memory: Option<ByteSize>,
    /// Who is told of new tables and columns.
    pub(super) on_schema_change: Webhooks,
    /// Who is told of runs that failed, or that loaded only a part.
    pub(super) on_failure: Webhooks,
}

/// How sources are read.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExtractSection {
    /// Seconds after which what was read so far is made durable, so that a run that is broken off goes on there, if the
    /// source can. Long runs wait longer, two percent of their time. Default 5.
    #[schemars(range(min = 0))]
    pub(super) checkpoint_seconds: Option<f64>,
    /// Bytes of pages after which that happens in any case: a number, or a text such as `512MB`, the default.
    pub(super) checkpoint_bytes: Option<ByteSize>,
    /// Bytes that one record may have: a line, an element of a list, a row. A number, or a text such as `64MB`. Default a
    /// sixteenth of max_memory, 32 MiB. A JSON document that is read as a whole and a row that comes as columns may have
    /// twice as many.
    pub(super) max_record_bytes: Option<ByteSize>,
}

/// How data is normalized and written to files.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct NormalizeSection {
    /// Worker threads; as many as there are cores by default.
    pub(super) workers: Option<usize>,
    /// Format of the files; the destination's preferred one by default.
    pub(super) loader_file_format: Option<FileFormat>,
    /// How files are written.
    pub(super) data_writer: DataWriterSection,
    /// What is added to rows that come as columns.
    pub(super) parquet_normalizer: ParquetNormalizerSection,
}

/// What is added to rows that come as columns, as from Parquet files.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ParquetNormalizerSection {
    /// Whether they get the id of the load. Default true.
    pub(super) add_dlt_load_id: Option<bool>,
    /// Whether they get ids of their own. Default true.
    pub(super) add_dlt_id: Option<bool>,
}

/// How files are written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct DataWriterSection {
    /// Rows after which a file is closed and the next begun.
    pub(super) file_max_items: Option<u64>,
    /// Bytes after which a file is closed and the next begun.
    pub(super) file_max_bytes: Option<u64>,
    /// Rows that are buffered; the engine buffers by size and only accepts the key.
    pub(super) buffer_max_items: Option<u64>,
    /// Whether jsonl and csv files are left uncompressed.
    pub(super) disable_compression: bool,
    /// Compression of parquet files.
    pub(super) compression: Option<ParquetCompression>,
    /// Rows of a row group of parquet files.
    pub(super) row_group_size: Option<usize>,
    /// What stands between the values of csv files.
    pub(super) delimiter: Option<char>,
    /// Whether csv files begin with the names of the columns.
    pub(super) include_header: Option<bool>,
    /// Which values of csv files stand in quotes.
    pub(super) quoting: Option<CsvQuoting>,
    /// What ends the lines of csv files.
    pub(super) lineterminator: Option<String>,
}

/// How packages are loaded.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LoadSection {
    /// Whether the files of loaded packages are removed. Default true.
    pub(super) delete_completed_jobs: Option<bool>,
    /// Finished packages that are kept for `windlass pipeline loads`; the oldest are removed first. Default 50.
    pub(super) kept_packages: Option<usize>,
    /// Seconds after which the lease of a run that died is taken over by others. A run renews it while it goes on.
    /// Default 300.
    pub(super) lease_seconds: Option<u64>,
}

/// How schemas are made.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SchemaSection {
    /// Naming convention of new schemas. Default snake_case.
    #[schemars(schema_with = "naming_schema")]
    pub(super) naming: Option<String>,
    /// Longest identifier, if shorter than the destination's.
    pub(super) max_identifier_length: Option<usize>,
    /// Columns that a table may get. Default 4096.
    pub(super) max_columns_per_table: Option<usize>,
    /// What becomes of several keys of one record that come to one name: the last one counts, with a warning (`last`,
    /// the default), the run is refused (`refuse`), or they get numbered names (`number`). Two columns of a file, a
    /// frame or a table that come to one name are refused unless they are to be numbered.
    pub(super) collisions: Option<Collisions>,
}

/// The settings of a pipeline from the sections `pipeline`, `normalize`, `load` and `schema`, as in a pipeline file.
///
/// Errors: a key that is unknown, a value that is none.
pub fn pipeline_settings(sections: Value) -> Result<PipelineSettings> {
    super::parse_options::<Settings>("settings", sections)?.pipeline_settings()
}

/// The conventions of names; the reference's dotted names are understood.
fn naming_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let dotted = Convention::ALL.map(|convention| format!("{}{}", Convention::MODULE, convention.as_str()));
    schemars::json_schema!({ "anyOf": [
        { "enum": Convention::ALL.map(Convention::as_str) },
        { "enum": dotted, "deprecated": true },
        { "type": "null" },
    ] })
}

/// A number of bytes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ByteSize {
    /// Bytes.
    Number(u64),
    /// A number and a unit.
    Text(#[schemars(extend("format" = "byte-size"))] String),
}

impl ByteSize {
    fn bytes(&self) -> Result<u64> {
        match self {
            Self::Number(bytes) => Ok(*bytes),
            Self::Text(text) => parse_byte_size(text),
        }
    }
}

/// Reads `512MB`, `2 GiB`, `1000`. Units are powers of 1024, as memory is measured.
pub fn parse_byte_size(text: &str) -> Result<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let power = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => Some(0),
        "k" | "kb" | "kib" => Some(1),
        "m" | "mb" | "mib" => Some(2),
        "g" | "gb" | "gib" => Some(3),
        _ => None,
    };
    match (number.parse::<f64>(), power) {
        (Ok(number), Some(power)) if number.is_finite() => Ok((number * 1024_f64.powi(power)) as u64),
        _ => Err(Error::of(Code::InvalidValue, format!("`{text}` is not a size"))
            .with_detail("value", text)
            .with_hint("write it like 512MB or 2GB")),
    }
}

impl Settings {
    /// Who is told what. Errors: a webhook that is none.
    pub(super) fn alerts(&self) -> Result<Alerts> {
        let PipelineSection { on_schema_change, on_failure, .. } = &self.pipeline;
        on_schema_change.check("on_schema_change")?;
        on_failure.check("on_failure")?;
        Ok(Alerts { on_schema_change: on_schema_change.clone(), on_failure: on_failure.clone() })
    }

    /// The settings as the pipeline takes them. Errors: a size or a convention that is none.
    pub(super) fn pipeline_settings(&self) -> Result<PipelineSettings> {
        let defaults = PipelineSettings::default();
        let mut extract = defaults.extract;
        if let Some(workers) = self.normalize.workers {
            extract.workers = workers.clamp(1, 256);
        }
        let writer = &self.normalize.data_writer;
        extract.rotation = FileRotation {
            max_rows: writer.file_max_items,
            max_bytes: writer.file_max_bytes.or(extract.rotation.max_bytes),
        };
        if let Some(seconds) = self.extract.checkpoint_seconds {
            extract.checkpoints.interval = Duration::try_from_secs_f64(seconds).map_err(|cause| {
                Error::of(Code::InvalidValue, "extract.checkpoint_seconds is not a time")
                    .with_detail("key", "extract.checkpoint_seconds")
                    .with_source(cause)
                    .with_hint("write a number of seconds such as 5 or 0.5")
            })?;
        }
        if let Some(size) = &self.extract.checkpoint_bytes {
            extract.checkpoints.bytes = size.bytes()?;
        }
        extract.max_record_bytes = self.extract.max_record_bytes.as_ref().map(ByteSize::bytes).transpose()?;
        let mut limits = defaults.limits;
        if let Some(columns) = self.schema.max_columns_per_table {
            limits.max_columns = columns;
        }
        let max_memory = match &self.pipeline.max_memory {
            Some(size) => size.bytes()?,
            None => defaults.max_memory,
        };
        Ok(PipelineSettings {
            extract,
            max_memory,
            loader_file_format: self.normalize.loader_file_format,
            files: FileSettings {
                disable_compression: writer.disable_compression,
                parquet_compression: writer.compression,
                row_group_size: writer.row_group_size,
                csv: writer.csv(),
            },
            naming: self.schema.naming.as_deref().map(str::parse::<Convention>).transpose()?,
            max_identifier_length: self.schema.max_identifier_length,
            limits,
            collisions: self.schema.collisions.unwrap_or_default(),
            batch_ids: BatchIds {
                load_id: self.normalize.parquet_normalizer.add_dlt_load_id.unwrap_or(true),
                row_id: self.normalize.parquet_normalizer.add_dlt_id.unwrap_or(true),
            },
            import_schema_path: self.pipeline.import_schema_path.clone(),
            export_schema_path: self.pipeline.export_schema_path.clone(),
            delete_completed_jobs: self.load.delete_completed_jobs.unwrap_or(true),
            kept_packages: self.load.kept_packages.unwrap_or(defaults.kept_packages),
            lease_seconds: match self.load.lease_seconds {
                Some(0) => {
                    return Err(Error::of(Code::InvalidValue, "load.lease_seconds is 0")
                        .with_detail("key", "load.lease_seconds")
                        .with_hint("use a second or more"));
                }
                seconds => seconds.unwrap_or(defaults.lease_seconds),
            },
            restore_from_destination: self.pipeline.restore_from_destination.unwrap_or(true),
        })
    }
}

impl DataWriterSection {
    fn csv(&self) -> Option<CsvOptions> {
        let is_set = self.delimiter.is_some()
            || self.include_header.is_some()
            || self.quoting.is_some()
            || self.lineterminator.is_some();
        let defaults = CsvOptions::default();
        is_set.then(|| CsvOptions {
            delimiter: self.delimiter.unwrap_or(defaults.delimiter),
            include_header: self.include_header.unwrap_or(defaults.include_header),
            quoting: self.quoting.unwrap_or(defaults.quoting),
            lineterminator: self.lineterminator.clone().unwrap_or(defaults.lineterminator),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        let size = |text: &str| parse_byte_size(text).ok();
        assert_eq!(size("512MB"), Some(512 << 20));
        assert_eq!(size(" 1.5 GiB "), Some(3 << 29));
        assert_eq!(size("1000"), Some(1000));
        assert_eq!(size("x"), None);
        assert_eq!(size("5 parsecs"), None);
    }
}
