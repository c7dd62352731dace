//! The files in which a dataset remembers its loads, schema versions and pipeline states.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use windlass_core::{Code, Error, Result};

use crate::files::{io_error, read_to_string, write_atomic, write_atomic_by_way_of};

/// Version of the arrangement of files that this engine writes.
const LAYOUT_VERSION: i64 = 2;

/// A system file: its name holds three parts, `owner__middle__hash.jsonl`, or two for loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SystemFile {
    pub(super) path: PathBuf,
    pub(super) owner: String,
    pub(super) middle: String,
    pub(super) hash: String,
}

/// The system files of a folder with three parts in their names; others are left alone.
pub(super) fn list(folder: &Path) -> Result<Vec<SystemFile>> {
    let mut files = Vec::new();
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".jsonl") else { continue };
        let mut parts = stem.rsplitn(3, "__");
        if let (Some(hash), Some(middle), Some(owner)) = (parts.next(), parts.next(), parts.next()) {
            let (owner, middle, hash) = (owner.to_owned(), middle.to_owned(), hash.to_owned());
            files.push(SystemFile { path, owner, middle, hash });
        }
    }
    Ok(files)
}

/// The paths in a folder; none if it does not exist.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(cause) => return Err(io_error("read", folder, cause)),
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    paths.collect::<std::io::Result<_>>().map_err(|cause| io_error("read", folder, cause))
}

/// Reads a system file.
pub(super) fn read(path: &Path) -> Result<Value> {
    serde_json::from_str(&read_to_string(path)?).map_err(|cause| {
        Error::of(Code::DamagedDataset, "a system file of the dataset is damaged")
            .with_source(cause)
            .at_file(path.display().to_string())
            .with_hint("restore the file, or delete it together with the data of its load")
    })
}

/// Writes a system file: compact JSON without a line break at the end. `what` names it in failpoints.
///
/// It comes by way of `gathering`: what a crash leaves there is nobody's record, and is swept with the folder.
pub(super) fn write(what: &str, gathering: &Path, path: &Path, content: &Value) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|cause| io_error("create", folder, cause))?;
    }
    let temporary = gathering.join(path.file_name().unwrap_or_default());
    write_atomic_by_way_of(what, &temporary, path, content.to_string().as_bytes())
}

/// Writes the file that marks a dataset. Its name is always the same, so that nothing is left of an attempt.
fn write_init(path: &Path, born: &Value) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|cause| io_error("create", folder, cause))?;
    }
    write_atomic("filesystem.init", path, born.to_string().as_bytes())
}

/// Reads or creates the file that marks a dataset, and gives the version that the dataset was born with.
///
/// Errors: a dataset of a newer version.
pub(super) fn init(dataset: &Path) -> Result<i64> {
    let path = dataset.join("init");
    let born = |version: i64| json!({ "initial_version": version, "current_version": LAYOUT_VERSION });
    if !path.exists() {
        write_init(&path, &born(LAYOUT_VERSION))?;
        return Ok(LAYOUT_VERSION);
    }
    let text = read_to_string(&path)?;
    if text.trim().is_empty() {
        write_init(&path, &born(1))?;
        return Ok(1);
    }
    let content = read(&path)?;
    let version = |key: &str| content.get(key).and_then(Value::as_i64).unwrap_or(LAYOUT_VERSION);
    if version("current_version") > LAYOUT_VERSION {
        return Err(Error::unsupported(format!(
            "the dataset has files of version {}, this windlass knows {LAYOUT_VERSION}",
            version("current_version")
        ))
        .at_file(path.display().to_string())
        .with_hint("it was written by a newer version; update windlass"));
    }
    Ok(version("initial_version"))
}

/// A hash in base64 as hexadecimal digits, which may stand in a file name.
pub(super) fn hex_hash(hash: &str) -> String {
    let bytes = STANDARD.decode(hash).unwrap_or_else(|_| hash.as_bytes().to_vec());
    hex(&bytes)
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
