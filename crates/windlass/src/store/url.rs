//! Which store a `bucket_url` names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use windlass_core::{Error, Result};

use super::{Local, Store};

/// The store that a `bucket_url` names, relative to `folder`: see [`local_path`] for the forms. Nothing need be there.
///
/// Errors: another protocol.
pub fn open(url: &str, folder: &Path) -> Result<Arc<dyn Store>> {
    Ok(Arc::new(Local::new(local_path(url, folder)?)))
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
            return Err(Error::unsupported(format!("`{protocol}://` is not supported yet"))
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
