//! Which files a pattern fits.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use percent_encoding::percent_decode_str;
use windlass_core::{Code, Error, Result};

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

/// The files of a glob in the order of their paths. Names that start with a dot only match a dot.
///
/// Errors: a pattern that is none; a `bucket_url` of another machine; a folder that cannot be read.
pub(super) fn list(bucket_url: &str, file_glob: &str, folder: &Path) -> Result<Vec<PathBuf>> {
    check_glob(file_glob)?;
    let base = local_path(bucket_url, folder)?;
    if base.is_file() {
        return Ok(vec![base]);
    }
    let parts = parts(file_glob)?;
    let mut walk = Walk { found: Vec::new(), above: Vec::new() };
    if base.is_dir() {
        walk.folder(&base, &parts)?;
    }
    walk.found.sort();
    walk.found.dedup();
    Ok(walk.found)
}

fn parts(file_glob: &str) -> Result<Vec<Part>> {
    let names = || file_glob.split('/').filter(|text| !text.is_empty() && *text != ".");
    let all_below = (names().next_back() == Some("**")).then_some("*");
    let mut parts = Vec::new();
    for text in names().chain(all_below) {
        let fits = Pattern::new(&within_a_name(text)).map_err(|cause| {
            Error::of(Code::InvalidPattern, format!("`{file_glob}` is not a pattern for files"))
                .with_detail("pattern", file_glob)
                .with_source(cause)
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

struct Walk {
    found: Vec<PathBuf>,
    /// The folders above the one at hand, by their real paths: a link to one of them is a loop.
    above: Vec<PathBuf>,
}

impl Walk {
    /// Finds the files below a folder.
    fn folder(&mut self, folder: &Path, parts: &[Part]) -> Result<()> {
        let Some((part, rest)) = parts.split_first() else { return Ok(()) };
        match part {
            Part::Name(name) => self.entry(&folder.join(name), rest),
            Part::Fits(pattern) => {
                for path in entries(folder)? {
                    if pattern.matches_with(&name_of(&path), OPTIONS) {
                        self.entry(&path, rest)?;
                    }
                }
                Ok(())
            }
            Part::Deep => {
                let real = fs::canonicalize(folder).map_err(|cause| unreadable(folder, cause))?;
                if self.above.contains(&real) {
                    return Ok(());
                }
                self.above.push(real);
                self.folder(folder, rest)?;
                for path in entries(folder)? {
                    if !name_of(&path).starts_with('.') && path.is_dir() {
                        self.folder(&path, parts)?;
                    }
                }
                self.above.pop();
                Ok(())
            }
        }
    }

    /// Goes on with what a part fits. What is no file any more, or a link to nowhere, is left out.
    fn entry(&mut self, path: &Path, rest: &[Part]) -> Result<()> {
        if rest.is_empty() {
            if path.is_file() {
                self.found.push(path.to_owned());
            }
            return Ok(());
        }
        if path.is_dir() { self.folder(path, rest) } else { Ok(()) }
    }
}

/// The name of a file, with a replacement for what is no UTF-8.
fn name_of(path: &Path) -> String {
    path.file_name().map(OsStr::to_string_lossy).unwrap_or_default().into_owned()
}

/// What is in a folder, by name.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let paths = fs::read_dir(folder).and_then(|entries| {
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<Vec<_>>>()
    });
    let mut paths = paths.map_err(|cause| unreadable(folder, cause))?;
    paths.sort();
    Ok(paths)
}

fn unreadable(folder: &Path, cause: std::io::Error) -> Error {
    Error::of(Code::SourceUnreadable, format!("the folder {} cannot be read", folder.display()))
        .with_source(cause)
        .with_hint("check its rights")
}

/// The path of a local `bucket_url`: a path, `file:///path` or `file:path`; `~` is the home folder. In a URL, `%20` and
/// the like are the characters that they stand for.
///
/// Errors: another protocol.
pub fn local_path(url: &str, folder: &Path) -> Result<PathBuf> {
    let path = match url.split_once(':') {
        Some(("file", rest)) => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            let path = path.strip_prefix("localhost/").map_or(path.to_owned(), |path| format!("/{path}"));
            let decoded: Vec<u8> = percent_decode_str(&path).collect();
            native(decoded)
        }
        Some((protocol, rest)) if protocol.len() > 1 && rest.starts_with("//") => {
            return Err(Error::of(
                Code::ProtocolUnsupported,
                format!("`{protocol}://` is not supported yet"),
            )
            .with_detail("protocol", protocol)
            .with_hint("use a local path"));
        }
        _ => PathBuf::from(url),
    };
    let path = match path.to_str().and_then(|path| path.strip_prefix('~')) {
        Some(rest) => {
            let home = std::env::var("HOME").unwrap_or_default();
            PathBuf::from(format!("{home}{rest}"))
        }
        None => path,
    };
    // `a/./b` is `a/b`, also for people.
    Ok(folder.join(path).components().collect())
}

/// A path of any bytes, where the system has such.
#[cfg(unix)]
fn native(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(not(unix))]
fn native(bytes: Vec<u8>) -> PathBuf {
    String::from_utf8_lossy(&bytes).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(folder: &Path, names: &[&str]) {
        for name in names {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
    }

    fn found(folder: &Path, glob: &str) -> Vec<String> {
        let files = list(&folder.display().to_string(), glob, Path::new("/")).unwrap();
        let name = |path: PathBuf| path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        files.into_iter().map(name).collect()
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
        assert!(list(&folder.path().display().to_string(), "a[", Path::new("/")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn names_of_any_bytes_are_found_and_loops_of_links_end() {
        use std::os::unix::ffi::OsStrExt as _;
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), &["a.csv", "x/b.csv"]);
        fs::write(folder.path().join(OsStr::from_bytes(b"caf\xe9.csv")), "").unwrap();
        symlink("..", folder.path().join("x/up")).unwrap();
        symlink("itself", folder.path().join("itself")).unwrap();
        symlink("nowhere.csv", folder.path().join("gone.csv")).unwrap();
        symlink("x", folder.path().join("z")).unwrap();
        // A folder that a link leads to is read under either name, but not below itself.
        assert_eq!(found(folder.path(), "**/*.csv"), ["a.csv", "caf\u{fffd}.csv", "x/b.csv", "z/b.csv"]);
    }

    #[test]
    fn urls_say_characters_by_their_numbers() {
        let path = |url: &str| local_path(url, Path::new("/base")).unwrap().display().to_string();
        assert_eq!(path("file:///a/my%20dir"), "/a/my dir");
        assert_eq!(path("file:///a/100%25"), "/a/100%");
        assert_eq!(path("file:///a/50%"), "/a/50%");
        assert_eq!(path("file://localhost/a"), "/a");
        assert_eq!(path("file:a%C3%A9/./b"), "/base/aé/b");
        assert_eq!(path("my%20dir"), "/base/my%20dir");
        assert!(local_path("s3://b", Path::new("/")).is_err());
    }
}
