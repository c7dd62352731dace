//! One moment of a database for all who read a table together.

use std::fmt;

use tokio::sync::Mutex;
use windlass_core::{Error, Result};

use super::database::{Database, Snapshot};

/// A snapshot that is taken when the first reader begins, and again when it was lost.
pub struct SharedSnapshot {
    held: Mutex<Option<Box<dyn Snapshot>>>,
    may_be_renewed: bool,
}

impl SharedSnapshot {
    /// None is taken yet. What is read by the place of the rows must be seen at one moment only: `may_be_renewed` is
    /// false.
    pub fn new(may_be_renewed: bool) -> Self {
        Self { held: Mutex::default(), may_be_renewed }
    }

    /// The name of the moment; `None` where the database has no such thing. Says in `notices` if it is not the first.
    ///
    /// Errors: as [`Database::snapshot`]; the snapshot was lost, and another does not do.
    pub async fn name(&self, database: &dyn Database, notices: &mut Vec<String>) -> Result<Option<String>> {
        let mut held = self.held.lock().await;
        if let Some(snapshot) = held.as_ref().filter(|snapshot| snapshot.is_held()) {
            return Ok(Some(snapshot.name().to_owned()));
        }
        let is_lost = held.is_some();
        if is_lost && !self.may_be_renewed {
            return Err(Error::source_failed("the connection that held the snapshot was lost").with_hint(
                "run again: the table is read anew; with a primary key, or with `partition_on`, it would go on",
            ));
        }
        let Some(snapshot) = database.snapshot().await? else { return Ok(None) };
        let name = snapshot.name().to_owned();
        *held = Some(snapshot);
        if is_lost {
            notices.push(
                "the connection that held the snapshot was lost: what was not read by then is read as of a later \
                 moment"
                    .to_owned(),
            );
        }
        Ok(Some(name))
    }
}

impl fmt::Debug for SharedSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSnapshot")
    }
}
