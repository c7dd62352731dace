//! Who holds a lock, for the messages of those who find it taken. Nothing depends on it: locks are the system's.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::env::{Env, iso};

/// Bytes of a note that are read.
const LONGEST_NOTE: usize = 400;

/// Notes in a file that is locked that this process holds it. What fails here only makes a message say less.
pub(crate) fn note(file: &File) {
    let text =
        format!("process {} on {}, since {}", std::process::id(), host_name(), iso(Env::default().now()));
    drop(file.set_len(0));
    drop((&*file).write_all(text.as_bytes()));
}

/// What the holder of a lock file noted there.
pub(crate) fn noted(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    (text.starts_with("process ") && text.len() < LONGEST_NOTE).then_some(text)
}

/// When a process of this machine began, where the system tells.
#[cfg_attr(not(feature = "duckdb"), allow(dead_code, reason = "only DuckDB names processes"))]
pub(crate) fn process_since(id: &str) -> Option<String> {
    let begun = std::fs::metadata(Path::new("/proc").join(id)).ok()?.modified().ok()?;
    let micros = begun.duration_since(UNIX_EPOCH).ok()?.as_micros();
    i64::try_from(micros).ok().map(iso)
}

/// The name of this machine. Two without a name would only be less polite to each other.
pub(crate) fn host_name() -> String {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let named = files.iter().find_map(|path| std::fs::read_to_string(Path::new(path)).ok());
    let named = named.or_else(|| {
        let output = std::process::Command::new("hostname").output().ok()?;
        String::from_utf8(output.stdout).ok()
    });
    named
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}
