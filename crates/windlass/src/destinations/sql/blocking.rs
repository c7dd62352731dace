//! A connection whose calls block, and which a thread has for the time of each.

use windlass_core::{Error, Result};

use crate::destinations::run_blocking;

/// A connection, if it is open. Whoever drops a call that is under way leaves it to its thread, which closes it.
#[derive(Debug)]
pub(in crate::destinations) struct Blocking<C>(Option<C>);

impl<C> Default for Blocking<C> {
    fn default() -> Self {
        Self(None)
    }
}

impl<C: Send + 'static> Blocking<C> {
    /// Whether it is open.
    pub(in crate::destinations) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// The connection, for calls that do not block.
    pub(in crate::destinations) fn get(&self) -> Option<&C> {
        self.0.as_ref()
    }

    /// Opens it on a thread. Errors: as of `open`.
    pub(in crate::destinations) async fn open(
        &mut self,
        open: impl FnOnce() -> Result<Option<C>> + Send + 'static,
    ) -> Result<bool> {
        self.0 = run_blocking(open).await?;
        Ok(self.is_open())
    }

    /// Runs `work` on a thread. Errors: as of `work`; it is not open, which would be a bug.
    pub(in crate::destinations) async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&C) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let not_open = || Error::internal("a load goes on outside of its transaction; migrate() begins it");
        let connection = self.0.take().ok_or_else(not_open)?;
        let (connection, result) = run_blocking(move || {
            let result = work(&connection);
            Ok((connection, result))
        })
        .await?;
        self.0 = Some(connection);
        result
    }

    /// Closes it on a thread, by `close`. Without a connection there is nothing to do.
    pub(in crate::destinations) async fn close(
        &mut self,
        close: impl FnOnce(C) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        match self.0.take() {
            Some(connection) => run_blocking(move || close(connection)).await,
            None => Ok(()),
        }
    }
}
