//! Files and folders that only their owner may read: secrets, working folders with the rows in them, recordings.
//!
//! What the system would leave open (`umask`) does not matter: the rights are set, not asked for.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Creates a folder and those above it that are missing, each for its owner alone; others stay as they are.
pub fn create_folders(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        create_folders(parent)?;
    }
    match fs::create_dir(path) {
        Ok(()) => keep_to_owner(path),
        // Another run was faster.
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(cause) => Err(cause),
    }
}

/// Creates a file, or empties the one that is there, for its owner alone.
pub fn create_file(path: &Path) -> io::Result<File> {
    open_file(path, File::options().write(true).create(true).truncate(true))
}

/// Creates a file that does not exist yet, for its owner alone.
pub fn create_new_file(path: &Path) -> io::Result<File> {
    open_file(path, File::options().write(true).create_new(true))
}

/// Opens a file as the options say; from then on it is for its owner alone.
pub fn open_file(path: &Path, options: &fs::OpenOptions) -> io::Result<File> {
    let mut options = options.clone();
    restrict(&mut options);
    let file = options.open(path)?;
    keep_file_to_owner(&file)?;
    Ok(file)
}

/// Takes the rights to a folder or a file from everybody but its owner.
#[cfg(unix)]
pub fn keep_to_owner(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = fs::metadata(path)?;
    let mode = if metadata.is_dir() { 0o700 } else { 0o600 };
    if metadata.permissions().mode() & 0o777 == mode {
        return Ok(());
    }
    where_there_are_rights(fs::set_permissions(path, fs::Permissions::from_mode(mode)))
}

/// Some file systems know no rights, and say so; there is nothing to close on them.
#[cfg(unix)]
fn where_there_are_rights(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(cause)
            if matches!(cause.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) =>
        {
            Ok(())
        }
        result => result,
    }
}

#[cfg(unix)]
fn restrict(options: &mut fs::OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

#[cfg(unix)]
fn keep_file_to_owner(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if file.metadata()?.permissions().mode() & 0o777 == 0o600 {
        return Ok(());
    }
    where_there_are_rights(file.set_permissions(fs::Permissions::from_mode(0o600)))
}

/// Does nothing: the folders of a user are closed to others here.
#[cfg(not(unix))]
pub fn keep_to_owner(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn restrict(_: &mut fs::OpenOptions) {}

#[cfg(not(unix))]
fn keep_file_to_owner(_: &File) -> io::Result<()> {
    Ok(())
}

/// Gives a file that was made for its owner alone the rights that files of this folder have by default.
#[cfg(unix)]
pub(crate) fn open_as_folder(file: &Path, folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(folder)?.permissions().mode() & 0o666;
    where_there_are_rights(fs::set_permissions(file, fs::Permissions::from_mode(mode)))
}

#[cfg(not(unix))]
pub(crate) fn open_as_folder(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn only_what_is_made_anew_is_closed_and_files_are_closed_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        create_folders(&open.join("a/b")).unwrap();
        assert_eq!([&open, &open.join("a"), &open.join("a/b")].map(|path| mode(path)), [0o755, 0o700, 0o700]);
        let file = open.join("f");
        fs::write(&file, "x").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        create_file(&file).unwrap();
        assert_eq!((mode(&file), fs::read(&file).unwrap().len()), (0o600, 0));
        assert!(create_new_file(&file).is_err());
        create_new_file(&open.join("g")).unwrap();
        assert_eq!(mode(&open.join("g")), 0o600);
        open_as_folder(&file, &open).unwrap();
        assert_eq!(mode(&file), 0o644);
    }
}
