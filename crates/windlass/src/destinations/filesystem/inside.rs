//! Paths of a bucket: none leaves it, and nothing is deleted through a link.
//!
//! Names of folders come from tables, and so from the data; and whoever may write to a bucket may put a link there.

use std::path::Path;

use windlass_core::path_part::flaw_of_path;
use windlass_core::{Error, Result};

use crate::store::{Key, Links, Store};

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

/// The key of a file that a commit names. Errors: a path that does not stay below the dataset.
pub(super) fn key_of(path: &Path) -> Result<Key> {
    // Names of files that others have put into the folder of a table may be anything but a way out.
    match Key::new(path) {
        Ok(key) if !key.is_root() => Ok(key),
        _ => Err(Error::data("a commit in the bucket names a path that leads out of the dataset")
            .at_file(path.display().to_string())
            .with_hint("somebody else wrote to the bucket: look at the files below `.windlass/.lease` of the dataset, and remove them")),
    }
}

/// What files are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// They are read: links are followed, each folder once.
    Read,
    /// They are deleted: a link to a folder is an error.
    Delete,
}

/// All files of a dataset whose path in it starts with `prefix`, by their keys there.
///
/// Errors: a prefix that leads elsewhere; for deletion a folder that is a link, that of the dataset among them.
pub(super) fn files_with_prefix(
    bucket: &dyn Store,
    dataset: &str,
    prefix: &str,
    purpose: Purpose,
) -> Result<Vec<Key>> {
    if let Some(flaw) = flaw_of_path(prefix.trim_end_matches('/')) {
        return Err(Error::config(format!("the files of a table have a path that {flaw}"))
            .with_hint("change the layout, the values of its placeholders, or the name of the table"));
    }
    let links = if purpose == Purpose::Delete { Links::Refuse } else { Links::Follow };
    let folder = Key::root().child(dataset)?;
    let mut found = Vec::new();
    for entry in bucket.list(&format!("{dataset}/{prefix}"), None, links)? {
        found.extend(entry?.key.below(&folder));
    }
    Ok(found)
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::store::Local;

    #[test]
    fn the_engines_own_files_are_no_places_for_rows() {
        for path in ["init", "init/a", ".windlass/x", ".Windlass/x", "/init", "../d/a", "t/../../a"] {
            assert!(check_path(path).is_err(), "{path}");
        }
        for path in ["initial/a", "t/init", "t/.windlass/a", ".windlass.d/x"] {
            check_path(path).unwrap();
        }
        for path in ["../../victim", "/etc/passwd", "a/../../b"] {
            assert!(key_of(Path::new(path)).is_err(), "{path}");
        }
        key_of(Path::new(".windlass/p/1/a")).unwrap();
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
        let store = Local::new(&bucket);
        let find = |prefix: &str, purpose| files_with_prefix(&store, "d", prefix, purpose);
        let read = find("t/", Purpose::Read).unwrap();
        assert!(
            read.iter().filter(|key| key.name() == "precious").count() >= 1 && read.len() < 6,
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
