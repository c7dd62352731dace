//! Data of users is read and written by way of `windlass::store` alone: what a bucket is to have as well is not called on the
//! file system. The settings, locks, packages and spools of this machine, and databases in files, are no such data.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Files of sources and destinations that call the file system, and what for.
const EXCEPTIONS: [(&str, &str); 10] = [
    ("destinations/duckdb/connection.rs", "the folder of a database file"),
    ("destinations/job_file.rs", "files of load packages"),
    ("destinations/sqlite/connection.rs", "the folder of a database file, and its lock"),
    ("sources/rest/http/body.rs", "spools of a run"),
    ("sources/rest/http/cassette.rs", "recordings"),
    ("sources/rest/http/client/astray.rs", "tests"),
    ("sources/rest/http/netrc.rs", "settings"),
    ("sources/rest/http/response.rs", "spools of a run"),
    ("sources/rest/items.rs", "spools of a run"),
    ("sources/sql/mysql/settings.rs", "certificates"),
];

const CALLS: [&str; 5] = ["std::fs", "tokio::fs", "rustix::fs", "File::open(", "File::create("];

fn sources_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code without the tests at its end.
fn without_tests(text: &str) -> &str {
    let starts = ["#[cfg(test)]\nmod tests {", "#[cfg(all(test, unix))]\nmod tests {"];
    let end = starts.iter().filter_map(|start| text.find(start)).min();
    &text[..end.unwrap_or(text.len())]
}

#[test]
fn only_the_store_calls_the_file_system_on_data_of_users() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for folder in ["sources", "destinations"] {
        sources_below(&root.join(folder), &mut files);
    }
    let is_test = |path: &Path| {
        path.file_stem().is_some_and(|name| name == "tests") || path.iter().any(|part| part == "tests")
    };
    files.retain(|path| !is_test(path.strip_prefix(&root).unwrap()));
    assert!(files.len() > 100, "{}", files.len());
    let callers: BTreeSet<String> = files
        .iter()
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            CALLS.iter().any(|call| without_tests(&text).contains(call))
        })
        .map(|path| path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/"))
        .collect();
    let allowed: BTreeSet<String> = EXCEPTIONS.iter().map(|(file, _)| (*file).to_owned()).collect();
    let (new, gone): (Vec<_>, Vec<_>) =
        (callers.difference(&allowed).collect(), allowed.difference(&callers).collect());
    assert!(new.is_empty(), "{new:?}: go by `windlass::store`, or say here why not");
    assert!(gone.is_empty(), "{gone:?}: leave them out here");
}
