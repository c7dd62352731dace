//! Paths of a bucket: none leaves it, and nothing is deleted through a link.
//!
//! Names of folders come from tables, and so from the data; and whoever may write to a bucket may put a link there.

use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use windlass_core::path_part::flaw_of_path;
use windlass_core::{Error, Result};

use super::system_files::entries;
use crate::files::io_error;

/// Names in the folder of a dataset that are the engine's own.
pub(super) const GATHERING: &str = ".windlass";
/// The file that marks a dataset.
pub(super) const INIT: &str = "init";

/// Errors: the path of a file, below its dataset, that would be somewhere else, or in the place of the engine's own.
pub(super) fn check_path(path: &str) -> Result<()> {
    let refused = |what: String| {
        Err(Error::config(format!("the layout gives a file a path that {what}"))
            .with_hint("change the layout, the values of its placeholders, or the name of the table"))
    };
    if let Some(flaw) = flaw_of_path(path) {
        return refused(flaw);
    }
    match path.split('/').find(|part| !part.is_empty()) {
        Some(first) if first.eq_ignore_ascii_case(GATHERING) || first.eq_ignore_ascii_case(INIT) => {
            refused(format!("begins with `{first}`, which is the engine's own"))
        }
        _ => Ok(()),
    }
}

/// Errors: a path of a commit that does not stay below the dataset.
pub(super) fn check_relative(path: &Path) -> Result<()> {
    // Names of files that others have put into the folder of a table may be anything but a way out.
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_)));
    if is_below && !path.as_os_str().is_empty() {
        return Ok(());
    }
    Err(Error::data("a commit in the bucket names a path that leads out of the dataset")
        .at_file(path.display().to_string())
        .with_hint("somebody else wrote to the bucket: look at the files below `.windlass/.lease` of the dataset, and remove them"))
}

/// Errors: a folder on the way from `root` to `relative` is a link, so that what is deleted would be somewhere else.
pub(super) fn check_no_link(root: &Path, relative: &Path) -> Result<()> {
    let mut path = root.to_owned();
    for part in relative.parent().into_iter().flat_map(Path::components) {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_symlink() => return Err(is_link(&path)),
            Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(io_error("read", &path, cause)),
            _ => {}
        }
    }
    Ok(())
}

fn is_link(path: &Path) -> Error {
    Error::destination("a folder of the bucket is a symbolic link; nothing is deleted through it")
        .at_file(path.display().to_string())
        .with_hint("put the folder itself in its place, or mount it there")
}

/// What files are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// They are read: links are followed, each folder once.
    Read,
    /// They are deleted: a link to a folder is an error.
    Delete,
}

/// All files below the folder of a dataset, itself below `bucket`, whose path from there starts with `prefix`.
///
/// Errors: a prefix that leads elsewhere; for deletion a folder that is a link.
pub(super) fn files_with_prefix(
    bucket: &Path,
    dataset: &str,
    prefix: &str,
    purpose: Purpose,
) -> Result<Vec<PathBuf>> {
    if let Some(flaw) = flaw_of_path(prefix.trim_end_matches('/')) {
        return Err(Error::config(format!("the files of a table have a path that {flaw}"))
            .with_hint("change the layout, the values of its placeholders, or the name of the table"));
    }
    let root = bucket.join(dataset);
    let (folder, start) = prefix.rsplit_once('/').unwrap_or(("", prefix));
    if purpose == Purpose::Delete {
        check_no_link(bucket, &Path::new(dataset).join(folder).join("file"))?;
    }
    let mut found = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut open: Vec<PathBuf> = entries(&root.join(folder))?
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start)))
        .collect();
    while let Some(path) = open.pop() {
        let is_link = fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
        if !path.is_dir() {
            found.push(path);
        } else if !is_link {
            open.extend(entries(&path)?);
        } else if purpose == Purpose::Delete {
            return Err(self::is_link(&path));
        } else if fs::canonicalize(&path).is_ok_and(|real| seen.insert(real)) {
            open.extend(entries(&path)?);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_engines_own_files_are_no_places_for_rows() {
        for path in ["init", "init/a", ".windlass/x", ".Windlass/x", "/init", "../d/a", "t/../../a"] {
            assert!(check_path(path).is_err(), "{path}");
        }
        for path in ["initial/a", "t/init", "t/.windlass/a", ".windlass.d/x"] {
            check_path(path).unwrap();
        }
        for path in ["../../victim", "/etc/passwd", "a/../../b"] {
            assert!(check_relative(Path::new(path)).is_err(), "{path}");
        }
        check_relative(Path::new(".windlass/p/1/a")).unwrap();
    }

    #[test]
    fn links_are_read_once_and_never_deleted_through() {
        let folder = tempfile::tempdir().unwrap();
        let (bucket, victim) = (folder.path().join("b"), folder.path().join("victim"));
        for made in [bucket.join("d/t/deep"), bucket.join("d/plain"), victim.clone()] {
            fs::create_dir_all(made).unwrap();
        }
        for file in [bucket.join("d/t/deep/a"), bucket.join("d/plain/a"), victim.join("precious")] {
            fs::write(file, "").unwrap();
        }
        symlink(&victim, bucket.join("d/t/link")).unwrap();
        symlink(bucket.join("d/t"), bucket.join("d/t/deep/loop")).unwrap();
        symlink(&victim, bucket.join("d/linked")).unwrap();
        symlink(victim.join("precious"), bucket.join("d/plain/file_link")).unwrap();
        let find = |prefix: &str, purpose| files_with_prefix(&bucket, "d", prefix, purpose);
        let read = find("t/", Purpose::Read).unwrap();
        assert!(
            read.iter().filter(|path| path.ends_with("precious")).count() >= 1 && read.len() < 6,
            "{read:?}"
        );
        for prefix in ["t/", "linked/", "linked/pre", "t/link/", "t/deep/"] {
            let error = find(prefix, Purpose::Delete).unwrap_err();
            assert!(error.message().contains("symbolic link"), "{prefix}: {error}");
        }
        // A link that stands for a file is a file of the table: it goes, and what it leads to stays.
        assert_eq!(find("plain/", Purpose::Delete).unwrap().len(), 2);
        for prefix in ["../", "../../victim/", "/etc/", "a/../"] {
            assert!(find(prefix, Purpose::Read).is_err(), "{prefix}");
        }
    }
}
