//! Files of one table: from batches to bytes in the formats that destinations take.

mod csv;
mod jsonl;
mod parquet;
mod repeats;
mod scalar_text;

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use flate2::Compression;
use flate2::write::GzEncoder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::csv::{CsvOptions, CsvQuoting};
pub use self::parquet::{ParquetCompression, ParquetOptions, rows_in_parquet};

use crate::error::{Code, Error, Result};

/// Format of a job file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// Apache Parquet.
    #[default]
    Parquet,
    /// One JSON object per line.
    Jsonl,
    /// Comma separated values with a header.
    Csv,
}

impl FileFormat {
    /// The name, which is also the file extension.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// Whether files of this format are compressed with gzip unless that is switched off.
    pub fn is_gzipped(self) -> bool {
        self != Self::Parquet
    }
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for FileFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = [Self::Parquet, Self::Jsonl, Self::Csv];
        all.into_iter().find(|format| format.as_str() == text).ok_or_else(|| {
            Error::of(Code::UnknownChoice, format!("unknown file format `{text}`"))
                .with_detail("what", "file format")
                .with_detail("name", text)
                .with_hint(crate::nearest::choices(text, all.map(Self::as_str)))
        })
    }
}

/// How files are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileOptions {
    /// The format.
    pub format: FileFormat,
    /// Whether jsonl and csv files are compressed with gzip.
    pub gzip: bool,
    /// Parquet settings.
    pub parquet: ParquetOptions,
    /// CSV settings.
    pub csv: CsvOptions,
}

impl FileOptions {
    /// The extension with the compression: `parquet`, `jsonl.gz`.
    pub fn extension(&self) -> String {
        let gz = if self.gzip && self.format.is_gzipped() { ".gz" } else { "" };
        format!("{}{gz}", self.format)
    }
}

/// Writes the batches of one file. All batches have the file's schema.
pub trait TableWriter: Send {
    /// Appends a batch.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;
    /// Bytes handed to the file so far; what is still buffered does not count.
    fn bytes_written(&self) -> u64;
    /// Ends the file and gives its size in bytes.
    fn finish(self: Box<Self>) -> Result<u64>;
}

/// A writer for one file. `json_columns` are the text columns whose values are JSON.
///
/// Errors: a type that the format cannot hold.
pub fn create_writer(
    out: Box<dyn Write + Send>,
    schema: SchemaRef,
    json_columns: &[String],
    options: &FileOptions,
) -> Result<Box<dyn TableWriter>> {
    let counted = Counted { out, bytes: 0 };
    Ok(match options.format {
        FileFormat::Parquet => Box::new(parquet::ParquetWriter::new(counted, schema, &options.parquet)),
        FileFormat::Jsonl => Box::new(TextWriter {
            out: Sink::new(counted, options.gzip),
            encoder: jsonl::Jsonl::new(&schema, json_columns),
            text: String::new(),
        }),
        FileFormat::Csv => Box::new(TextWriter {
            out: Sink::new(counted, options.gzip),
            encoder: csv::Csv::new(&schema, options.csv.clone()),
            text: String::new(),
        }),
    })
}

/// Encodes rows as text.
trait TextEncoder: Send {
    fn encode(&mut self, batch: &RecordBatch, out: &mut String) -> Result<()>;
}

/// Counts the bytes that go into a file.
struct Counted {
    out: Box<dyn Write + Send>,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// A text file, compressed or not.
enum Sink {
    Plain(Counted),
    Gzip(Box<GzEncoder<Counted>>),
}

impl Sink {
    fn new(out: Counted, gzip: bool) -> Self {
        if gzip { Self::Gzip(Box::new(GzEncoder::new(out, Compression::fast()))) } else { Self::Plain(out) }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Plain(out) => out.bytes,
            Self::Gzip(out) => out.get_ref().bytes,
        }
    }

    fn write(&mut self, text: &str) -> Result<()> {
        let result = match self {
            Self::Plain(out) => out.write_all(text.as_bytes()),
            Self::Gzip(out) => out.write_all(text.as_bytes()),
        };
        result.map_err(write_failed)
    }

    fn finish(self) -> Result<u64> {
        let mut out = match self {
            Self::Plain(out) => out,
            Self::Gzip(out) => out.finish().map_err(write_failed)?,
        };
        out.flush().map_err(write_failed)?;
        Ok(out.bytes)
    }
}

fn write_failed(cause: std::io::Error) -> Error {
    Error::of(Code::FileFailed, "a file could not be written").with_source(cause)
}

struct TextWriter<E> {
    out: Sink,
    encoder: E,
    text: String,
}

impl<E: TextEncoder> TableWriter for TextWriter<E> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.text.clear();
        self.encoder.encode(batch, &mut self.text)?;
        self.out.write(&self.text)
    }

    fn bytes_written(&self) -> u64 {
        self.out.bytes()
    }

    fn finish(mut self: Box<Self>) -> Result<u64> {
        // A file without rows still has what comes before them: the header of a csv file.
        if self.text.is_empty() {
            self.encoder.encode(
                &RecordBatch::new_empty(SchemaRef::new(arrow_schema::Schema::empty())),
                &mut self.text,
            )?;
            self.out.write(&self.text)?;
        }
        self.out.finish()
    }
}

#[cfg(test)]
mod tests;
