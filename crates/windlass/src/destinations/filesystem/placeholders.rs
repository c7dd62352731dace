//! Placeholders of a layout that a program fills in.

use std::fmt;

use async_trait::async_trait;
use windlass_core::Result;
use windlass_core::value::Timestamp;

/// What a file is called after.
#[derive(Clone, Copy, Debug)]
pub struct FileName<'a> {
    /// The schema of the table.
    pub schema_name: &'a str,
    /// The table.
    pub table_name: &'a str,
    /// The load.
    pub load_id: &'a str,
    /// What tells the files of a load apart.
    pub file_id: &'a str,
    /// The extension, that of the compression included.
    pub ext: &'a str,
}

/// Fills in placeholders that are no fixed values.
///
/// # Contract
/// Asked at the commit of a load, before any of its files is in place: an error leaves nothing behind.
#[async_trait]
pub trait Placeholders: Send + Sync + fmt::Debug {
    /// The names of the placeholders.
    fn names(&self) -> Vec<String>;

    /// The time that the date placeholders of this load show; `None` for when the package was created.
    async fn current_datetime(&self) -> Result<Option<Timestamp>>;

    /// The values for a file, in the order of the names.
    async fn values(&self, file: &FileName<'_>) -> Result<Vec<String>>;
}
