//! The pages of a parent, kept on disk until the resources that are made from them are read.

use std::fs::File;
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use windlass_core::Result;

use crate::failpoint::failpoint;
use crate::files::io_error;
use crate::private;

/// A file of JSON lines; each is the list of the records of one page.
pub(super) struct Spool {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
}

/// Where the pages of a resource are kept.
pub(super) fn spool_path(package: &Path, index: usize, resource: &str) -> PathBuf {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let name: String = resource.chars().take(80).map(|c| if is_plain(c) { c } else { '_' }).collect();
    package.join("spool").join(format!("{index}-{name}.jsonl"))
}

impl Spool {
    /// Opens a spool that holds so many bytes; what a crash left behind them is cut off.
    pub(super) fn open(path: PathBuf, bytes: u64) -> Result<Self> {
        let failed = |cause| io_error("write", &path, cause);
        if let Some(folder) = path.parent() {
            private::create_folders(folder).map_err(|cause| io_error("create", folder, cause))?;
        }
        failpoint("spool.open")?;
        let options = File::options().create(true).truncate(false).write(true).to_owned();
        let file = private::open_file(&path, &options).map_err(failed)?;
        file.set_len(bytes).map_err(failed)?;
        let mut file = BufWriter::new(file);
        file.seek(SeekFrom::Start(bytes)).map_err(failed)?;
        Ok(Self { path, file, bytes })
    }

    /// Adds a page.
    pub(super) fn push(&mut self, line: &[u8]) -> Result<()> {
        failpoint("spool.write")?;
        let written = self.file.write_all(line).and_then(|()| self.file.write_all(b"\n"));
        written.map_err(|cause| io_error("write", &self.path, cause))?;
        self.bytes += line.len() as u64 + 1;
        Ok(())
    }

    /// Makes everything readable for others; gives the bytes.
    pub(super) fn flush(&mut self) -> Result<u64> {
        self.file.flush().map_err(|cause| io_error("write", &self.path, cause))?;
        Ok(self.bytes)
    }

    /// Makes everything durable; gives the bytes.
    pub(super) fn sync(&mut self) -> Result<u64> {
        self.flush()?;
        self.file.get_ref().sync_data().map_err(|cause| io_error("write", &self.path, cause))?;
        Ok(self.bytes)
    }
}
