//! The files of one worker: an open file per table, closed and begun anew when it is large or its table grew.

use std::collections::HashMap;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_schema::SchemaRef;
use windlass_core::file::{FileOptions, TableWriter, create_writer};
use windlass_core::hash::shake128;
use windlass_core::normalize::{BatchSink, TableBatch};
use windlass_core::package::Job;
use windlass_core::path_part::escape_part;
use windlass_core::{Error, Result};

use crate::failpoint::failpoint;
use crate::files::{io_error, sync_files};
use crate::private;

/// How the files of a table are written, by table name.
pub(crate) type TableFormats = Arc<dyn Fn(&str) -> FileOptions + Send + Sync>;

/// When a file is closed and the next one begun.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileRotation {
    /// After this many rows.
    pub max_rows: Option<u64>,
    /// After this many bytes.
    pub max_bytes: Option<u64>,
}

/// Bytes of the name of a table in a path; file systems take 255.
const LONGEST_FOLDER: usize = 120;

/// The folder of the files below that of the package.
const JOBS: &str = "jobs";

/// Bytes that are written at once.
const FILE_BUFFER_BYTES: usize = 256 << 10;

/// Open files of one worker at most; a package with thousands of tables must not run out of handles.
const MAX_OPEN_FILES: usize = 128;

/// Bytes of a file that is made durable by itself. Smaller ones wait for each other: a load may have thousands of tables.
const LARGE_FILE: u64 = 1 << 20;

/// Writes batches into job files.
pub(crate) struct JobFiles {
    folder: PathBuf,
    /// Begins the name of each file: the worker, or what else writes.
    writer: String,
    formats: TableFormats,
    rotation: FileRotation,
    open: HashMap<String, OpenFile>,
    count: u64,
    finished: Vec<Job>,
    /// Small files that are not yet durable.
    unsynced: Vec<PathBuf>,
}

struct OpenFile {
    name: String,
    path: PathBuf,
    schema: SchemaRef,
    writer: Box<dyn TableWriter>,
    rows: u64,
}

impl JobFiles {
    pub(crate) fn new(
        folder: &Path,
        writer: impl Into<String>,
        formats: TableFormats,
        rotation: FileRotation,
    ) -> Self {
        Self {
            folder: folder.to_owned(),
            writer: writer.into(),
            formats,
            rotation,
            open: HashMap::new(),
            count: 0,
            finished: Vec::new(),
            unsynced: Vec::new(),
        }
    }

    fn open_file(&mut self, table: &str, batch: &TableBatch) -> Result<OpenFile> {
        if self.open.len() >= MAX_OPEN_FILES {
            self.close_all()?;
        }
        let options = (self.formats)(table);
        // One folder for all tables: the names of data stay out of paths, and one sync makes all names durable.
        let name = format!("{JOBS}/{}-{}.{}", self.writer, self.count, options.extension());
        self.count += 1;
        let path = self.folder.join(&name);
        let jobs = self.folder.join(JOBS);
        private::create_folders(&jobs).map_err(|cause| io_error("create", &jobs, cause))?;
        failpoint("job.create")?;
        let file = private::create_file(&path).map_err(|cause| io_error("create", &path, cause))?;
        let out = BufWriter::with_capacity(FILE_BUFFER_BYTES, file);
        let schema = batch.rows.schema();
        let writer = create_writer(Box::new(out), Arc::clone(&schema), &batch.json_columns, &options)?;
        Ok(OpenFile { name, path, schema, writer, rows: 0 })
    }

    fn close(&mut self, table: &str, file: OpenFile) -> Result<()> {
        let OpenFile { name, path, writer, rows, .. } = file;
        let with_hint = |error: Error| match error.hint() {
            Some(_) => error,
            None => error.at_file(path.display().to_string()).with_hint(
                "if the disk is full, free some space and run again: nothing was loaded and nothing is lost",
            ),
        };
        failpoint("job.finish")?;
        let bytes = writer.finish().map_err(with_hint)?;
        if bytes < LARGE_FILE {
            self.unsynced.push(path);
        } else {
            self.sync(&[path])?;
        }
        self.finished.push(Job { file: name, table: table.to_owned(), rows, bytes });
        Ok(())
    }

    fn close_all(&mut self) -> Result<()> {
        let mut files: Vec<_> = self.open.drain().collect();
        files.sort_by(|a, b| a.0.cmp(&b.0));
        files.into_iter().try_for_each(|(table, file)| self.close(&table, file))
    }

    /// The data must be on disk before a manifest or a checkpoint names it.
    fn sync(&self, files: &[PathBuf]) -> Result<()> {
        sync_files(&self.folder, files, || failpoint("job.sync"))?;
        failpoint("job.synced")
    }

    /// Closes all files and gives what was written, which is durable now but for the names of the files.
    pub(crate) fn finish(mut self) -> Result<Vec<Job>> {
        self.close_all()?;
        if !self.unsynced.is_empty() {
            self.sync(&self.unsynced)?;
        }
        Ok(self.finished)
    }
}

impl BatchSink for JobFiles {
    fn receive(&mut self, table: &str, batch: TableBatch) -> Result<()> {
        let mut file = match self.open.remove(table) {
            Some(file) if file.schema == batch.rows.schema() => file,
            Some(file) => {
                self.close(table, file)?;
                self.open_file(table, &batch)?
            }
            None => self.open_file(table, &batch)?,
        };
        failpoint("job.write")?;
        let path = file.path.display().to_string();
        file.writer.write(&batch.rows).map_err(|e| {
            e.at_file(path).with_hint("if the disk is full, free some space and run again: nothing is lost")
        })?;
        file.rows += batch.rows.num_rows() as u64;
        let is_full = self.rotation.max_rows.is_some_and(|max| file.rows >= max)
            || self.rotation.max_bytes.is_some_and(|max| file.writer.bytes_written() >= max);
        if is_full {
            return self.close(table, file);
        }
        self.open.insert(table.to_owned(), file);
        Ok(())
    }
}

/// A table's name as a part of a path, cut where a file system would not take it.
pub(super) fn folder_name(table: &str) -> String {
    let name = escape_part(table);
    let (table, whole) = (name.as_str(), table);
    if table.len() <= LONGEST_FOLDER {
        return table.to_owned();
    }
    let mut digest = [0; 8];
    shake128(whole.as_bytes(), &mut digest);
    let end = (0..=LONGEST_FOLDER - 2 * digest.len() - 1).rev().find(|end| table.is_char_boundary(*end));
    let (start, digest) = (&table[..end.unwrap_or(0)], u64::from_be_bytes(digest));
    format!("{start}-{digest:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_have_names_that_a_file_system_takes() {
        assert_eq!(folder_name("events__payload"), "events__payload");
        let (one, other) = (folder_name(&"é".repeat(5000)), folder_name(&"é".repeat(5001)));
        assert!(one.len() <= LONGEST_FOLDER && one.starts_with("éé"), "{one}");
        assert_ne!(one, other);
        assert_eq!(folder_name("../a b"), "%2E%2E%2Fa%20b");
    }
}
