//! Which files a pattern fits.

use std::path::PathBuf;

use glob::{MatchOptions, Pattern};
use windlass_core::{Error, Result};

use crate::store::{ChildKind, Key, Store, StoreError};

/// A part of a pattern, between slashes.
enum Part {
    /// Folders of any depth, none among them.
    Deep,
    /// Names as they are.
    Name(String),
    /// Names that fit.
    Fits(Pattern),
}

const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// Errors: a pattern that leads out of the folder.
pub(super) fn check_glob(file_glob: &str) -> Result<()> {
    let is_out = file_glob.starts_with('/') || file_glob.split('/').any(|part| part == "..");
    if is_out || file_glob.contains('\0') {
        return Err(Error::config(format!(
            "file_glob `{}` leads out of bucket_url",
            file_glob.escape_debug()
        ))
        .with_hint("name the folder that holds all of the files in bucket_url"));
    }
    Ok(())
}

/// The files of a glob, in the order of their paths. Names that start with a dot only match a dot. Where the store is one
/// file, it is that one.
///
/// Errors: a pattern that is none; a folder that cannot be read.
pub(super) fn list(store: &dyn Store, file_glob: &str) -> Result<Vec<Key>> {
    check_glob(file_glob)?;
    if is_file(store, &Key::root()) {
        return Ok(vec![Key::root()]);
    }
    let parts = parts(file_glob)?;
    let mut walk = Walk { store, found: Vec::new(), above: Vec::new() };
    walk.folder(&Key::root(), &parts)?;
    // Part by part, not byte by byte: the numbers of the files, and so the ids of their rows, hang on it.
    walk.found.sort_by(|one, other| one.as_path().cmp(other.as_path()));
    walk.found.dedup();
    Ok(walk.found)
}

fn is_file(store: &dyn Store, key: &Key) -> bool {
    matches!(store.head(key), Ok(Some(_)))
}

fn parts(file_glob: &str) -> Result<Vec<Part>> {
    let names = || file_glob.split('/').filter(|text| !text.is_empty() && *text != ".");
    let all_below = (names().next_back() == Some("**")).then_some("*");
    let mut parts = Vec::new();
    for text in names().chain(all_below) {
        let fits = Pattern::new(&within_a_name(text)).map_err(|cause| {
            Error::config(format!("`{file_glob}` is not a pattern for files")).with_source(cause)
        })?;
        match text {
            "**" if matches!(parts.last(), Some(Part::Deep)) => {}
            "**" => parts.push(Part::Deep),
            _ if !text.contains(['*', '?', '[']) => parts.push(Part::Name(text.to_owned())),
            _ => parts.push(Part::Fits(fits)),
        }
    }
    Ok(parts)
}

/// Two stars that are not all of a name mean one there, as in a shell.
fn within_a_name(text: &str) -> String {
    let mut pattern = text.to_owned();
    while text != "**" && pattern.contains("**") {
        pattern = pattern.replace("**", "*");
    }
    pattern
}

struct Walk<'a> {
    store: &'a dyn Store,
    found: Vec<Key>,
    /// The folders above the one at hand, by their identities: a link to one of them is a loop.
    above: Vec<PathBuf>,
}

impl Walk<'_> {
    /// Finds the files below a folder; none if there is no such folder.
    fn folder(&mut self, folder: &Key, parts: &[Part]) -> Result<()> {
        let unreadable = |error: StoreError| {
            Error::source_failed(format!("the folder {} cannot be read", self.store.location(folder)))
                .with_source(error.into_cause())
                .with_hint("check its rights")
        };
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        if let Part::Name(name) = part {
            let key = folder.child(name)?;
            return match rest {
                [] if is_file(self.store, &key) => {
                    self.found.push(key);
                    Ok(())
                }
                // What is no folder has nothing in it.
                _ => self.folder(&key, rest),
            };
        }
        if matches!(part, Part::Deep) {
            match self.store.identity(folder).map_err(unreadable)? {
                Some(real) if !self.above.contains(&real) => self.above.push(real),
                _ => return Ok(()),
            }
            self.folder(folder, rest)?;
        }
        for child in self.store.children(folder).map_err(unreadable)? {
            let name = child.name.to_string_lossy();
            let (fits, below) = match part {
                Part::Fits(pattern) => (pattern.matches_with(&name, OPTIONS), rest),
                _ => (child.kind == ChildKind::Folder && !name.starts_with('.'), parts),
            };
            match (child.kind, below) {
                _ if !fits => {}
                (ChildKind::Object, []) => self.found.push(folder.child(&child.name)?),
                (ChildKind::Folder, _) => self.folder(&folder.child(&child.name)?, below)?,
                // A link to nowhere, or a file where a folder was to be.
                _ => {}
            }
        }
        if matches!(part, Part::Deep) {
            self.above.pop();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::store::Local;

    fn put(folder: &Path, names: &[&str]) {
        for name in names {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
    }

    fn found(folder: &Path, glob: &str) -> Vec<String> {
        let files = list(&Local::new(folder), glob).unwrap();
        files.iter().map(Key::to_string).collect()
    }

    #[test]
    fn patterns_fit_files_and_no_folders() {
        let folder = tempfile::tempdir().unwrap();
        put(
            folder.path(),
            &["a.csv", "b.json", "x/c.csv", "x/y/d.csv", ".e.csv", ".z/f.csv", "x/[1].csv", "g.csv/h"],
        );
        for (glob, files) in [
            ("*", vec!["a.csv", "b.json"]),
            ("*.csv", vec!["a.csv"]),
            ("**", vec!["a.csv", "b.json", "g.csv/h", "x/[1].csv", "x/c.csv", "x/y/d.csv"]),
            ("**/*.csv", vec!["a.csv", "x/[1].csv", "x/c.csv", "x/y/d.csv"]),
            ("**/y/**/*.csv", vec!["x/y/d.csv"]),
            ("x/*", vec!["x/[1].csv", "x/c.csv"]),
            ("./x//c.csv", vec!["x/c.csv"]),
            ("x/[[]1].csv", vec!["x/[1].csv"]),
            ("[ab].*", vec!["a.csv", "b.json"]),
            (".*", vec![".e.csv"]),
            ("a**", vec!["a.csv"]),
            ("**/**.csv", vec!["a.csv", "x/[1].csv", "x/c.csv", "x/y/d.csv"]),
            ("x**", vec![]),
            ("nothing/*", vec![]),
        ] {
            assert_eq!(found(folder.path(), glob), files, "{glob}");
        }
        assert!(list(&Local::new(folder.path()), "a[").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn names_of_any_bytes_are_found_and_loops_of_links_end() {
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), &["a.csv", "x/b.csv"]);
        fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"caf\xe9.csv")), "").unwrap();
        symlink("..", folder.path().join("x/up")).unwrap();
        symlink("itself", folder.path().join("itself")).unwrap();
        symlink("nowhere.csv", folder.path().join("gone.csv")).unwrap();
        symlink("x", folder.path().join("z")).unwrap();
        // A folder that a link leads to is read under either name, but not below itself.
        assert_eq!(found(folder.path(), "**/*.csv"), ["a.csv", "caf\u{fffd}.csv", "x/b.csv", "z/b.csv"]);
    }
}
