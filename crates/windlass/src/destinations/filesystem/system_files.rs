//! The files in which a dataset remembers its loads, schema versions and pipeline states.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use windlass_core::{Error, Result};

use super::inside::INIT;
use crate::store::{ChildKind, Key, Store, Write};

/// Version of the arrangement of files that this engine writes.
const LAYOUT_VERSION: i64 = 2;

/// A system file: its name holds three parts, `owner__middle__hash.jsonl`, or two for loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SystemFile {
    pub(super) key: Key,
    pub(super) owner: String,
    pub(super) middle: String,
    pub(super) hash: String,
}

/// The system files of a folder with three parts in their names; others are left alone.
pub(super) fn list(dataset: &dyn Store, folder: &Key) -> Result<Vec<SystemFile>> {
    let mut files = Vec::new();
    for key in files_in(dataset, folder)? {
        let name = key.name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".jsonl") else { continue };
        let mut parts = stem.rsplitn(3, "__");
        if let (Some(hash), Some(middle), Some(owner)) = (parts.next(), parts.next(), parts.next()) {
            let (owner, middle, hash) = (owner.to_owned(), middle.to_owned(), hash.to_owned());
            files.push(SystemFile { key, owner, middle, hash });
        }
    }
    Ok(files)
}

/// The files directly in a folder; none if it does not exist.
pub(super) fn files_in(dataset: &dyn Store, folder: &Key) -> Result<Vec<Key>> {
    let children = dataset.children(folder)?.into_iter().filter(|child| child.kind != ChildKind::Folder);
    Ok(children.map(|child| folder.child(&child.name)).collect::<Result<_, _>>()?)
}

/// The content of a file. Errors: there is none.
fn content(dataset: &dyn Store, key: &Key) -> Result<Bytes> {
    dataset.get(key, None, None)?.ok_or_else(|| {
        Error::destination(format!("cannot read {}", dataset.location(key)))
            .with_source(std::io::Error::from(std::io::ErrorKind::NotFound))
            .with_hint("check the path")
    })
}

/// Reads a system file.
pub(super) fn read(dataset: &dyn Store, key: &Key) -> Result<Value> {
    parse(dataset, key, &content(dataset, key)?)
}

fn parse(dataset: &dyn Store, key: &Key, bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|cause| {
        Error::data("a system file of the dataset is damaged")
            .with_source(cause)
            .at_file(dataset.location(key))
            .with_hint("restore the file, or delete it together with the data of its load")
    })
}

/// Writes a system file: compact JSON without a line break at the end. `what` names it in failpoints.
///
/// It comes by way of `gathering`: what a crash leaves there is nobody's record, and is swept with the folder.
pub(super) fn write(
    what: &str,
    dataset: &dyn Store,
    gathering: &Key,
    key: &Key,
    content: &Value,
) -> Result<()> {
    let draft = gathering.child(key.name())?;
    Ok(dataset.put(Write { what, key, draft: &draft, bytes: content.to_string().as_bytes() })?)
}

/// Writes the file that marks a dataset. Its name is always the same, so that nothing is left of an attempt.
fn write_init(dataset: &dyn Store, key: &Key, born: &Value) -> Result<()> {
    let draft = Key::new(format!("{INIT}.tmp"))?;
    let bytes = born.to_string();
    Ok(dataset.put(Write { what: "filesystem.init", key, draft: &draft, bytes: bytes.as_bytes() })?)
}

/// Reads or creates the file that marks a dataset, and gives the version that the dataset was born with.
///
/// Errors: a dataset of a newer version.
pub(super) fn init(dataset: &dyn Store) -> Result<i64> {
    let key = Key::new(INIT)?;
    let born = |version: i64| json!({ "initial_version": version, "current_version": LAYOUT_VERSION });
    let Some(bytes) = dataset.get(&key, None, None)? else {
        write_init(dataset, &key, &born(LAYOUT_VERSION))?;
        return Ok(LAYOUT_VERSION);
    };
    if bytes.trim_ascii().is_empty() {
        write_init(dataset, &key, &born(1))?;
        return Ok(1);
    }
    let content = parse(dataset, &key, &bytes)?;
    let version = |key: &str| content.get(key).and_then(Value::as_i64).unwrap_or(LAYOUT_VERSION);
    if version("current_version") > LAYOUT_VERSION {
        return Err(Error::unsupported(format!(
            "the dataset has files of version {}, this windlass knows {LAYOUT_VERSION}",
            version("current_version")
        ))
        .at_file(dataset.location(&key))
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
