//! Files with one secret each, as Docker and Kubernetes give them to containers.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use windlass_core::masking;

use super::lookup::variable_name;

/// The files of a folder, by their names. A name is that of the environment variable in small letters, with `-` for `_`:
/// `sources--github--access-token`.
#[derive(Clone, Debug, Default)]
pub struct SecretFiles {
    folder: PathBuf,
    /// `None` where there is no such folder.
    names: Option<BTreeSet<String>>,
}

impl SecretFiles {
    /// The files that a folder has now; their contents are read when they are asked for.
    pub fn list(folder: &Path) -> Self {
        let entries = std::fs::read_dir(folder).ok();
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
        let names = entries.map(|entries| entries.filter_map(name).collect());
        Self { folder: folder.to_owned(), names }
    }

    /// The content of the file of a path, without white space around it; `None` if there is none. A folder stands for the
    /// file of the same name within it. What is read is masked from now on.
    ///
    /// A file that cannot be read, or is no text, counts as none, with a warning.
    pub fn value(&self, path: &[&str]) -> Option<String> {
        let name = file_name(path);
        // Names are compared and never joined unseen, so that no setting leads out of the folder.
        self.names.as_ref()?.get(&name)?;
        let mut file = self.folder.join(&name);
        if file.is_dir() {
            file.push(&name);
        }
        if !file.is_file() {
            return None;
        }
        match std::fs::read_to_string(&file) {
            Ok(text) => {
                let text = text.trim();
                if text.contains("://") {
                    masking::learn_address(text)
                } else {
                    masking::learn(text)
                }
                Some(text.to_owned())
            }
            Err(cause) => {
                tracing::warn!(path = %file.display(), %cause, "a file of a secret cannot be read, and is left out");
                None
            }
        }
    }

    /// Where the secret of a path would be, if there is such a folder.
    pub fn place(&self, path: &[&str]) -> Option<PathBuf> {
        self.names.as_ref().map(|_| self.folder.join(file_name(path)))
    }
}

fn file_name(path: &[&str]) -> String {
    variable_name(path).to_lowercase().replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_read_by_the_names_of_their_settings() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("sources--shop--access-token", b" of-a-file-of-secrets \n");
        std::fs::create_dir(folder.path().join("key")).unwrap();
        write("key/key", b"in-a-folder");
        write("binary", b"\xff\xfe");
        std::fs::create_dir(folder.path().join("empty")).unwrap();
        std::fs::write(folder.path().with_extension("outside"), "outside").unwrap();
        let files = SecretFiles::list(folder.path());
        let found = files.value(&["sources", "shop", "access_token"]);
        assert_eq!(found.as_deref(), Some("of-a-file-of-secrets"));
        assert_eq!(masking::masked("x of-a-file-of-secrets"), "x ***");
        assert_eq!(files.value(&["key"]).as_deref(), Some("in-a-folder"));
        let outside = format!("../{}.outside", folder.path().file_name().unwrap().to_string_lossy());
        for missing in ["binary", "empty", "none", "..", "", outside.as_str(), "a\0b"] {
            assert_eq!(files.value(&[missing]), None, "{missing}");
        }
        std::fs::remove_file(folder.path().with_extension("outside")).unwrap();
        assert_eq!(SecretFiles::list(&folder.path().join("none")).place(&["key"]), None);
    }
}
