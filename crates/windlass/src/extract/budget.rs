//! The bytes that may wait between reading and normalizing.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use windlass_core::{Error, Result};

/// One permit stands for this many bytes.
const PERMIT_BYTES: usize = 4096;

/// A number of bytes that pages share; who wants more waits until pages are done.
pub(super) struct ByteBudget {
    semaphore: Arc<Semaphore>,
    permits: usize,
}

impl ByteBudget {
    pub(super) fn new(bytes: usize) -> Self {
        let permits = (bytes / PERMIT_BYTES).clamp(1, u32::MAX as usize);
        Self { semaphore: Arc::new(Semaphore::new(permits)), permits }
    }

    /// Takes `bytes`, which come back when the permit is dropped. A page larger than the whole budget takes all of it,
    /// so that it travels alone.
    pub(super) async fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit> {
        let wanted = bytes.div_ceil(PERMIT_BYTES).clamp(1, self.permits);
        let permits = u32::try_from(wanted).unwrap_or(u32::MAX);
        let taken = Arc::clone(&self.semaphore).acquire_many_owned(permits).await;
        taken.map_err(|cause| Error::internal("the memory budget is gone").with_source(cause))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn pages_wait_when_the_budget_is_spent() {
        let budget = ByteBudget::new(1 << 20);
        let must_wait =
            async |bytes| tokio::time::timeout(Duration::from_millis(20), budget.take(bytes)).await.is_err();
        let half = budget.take(512 << 10).await.unwrap();
        let rest = budget.take(512 << 10).await.unwrap();
        assert!(must_wait(1).await, "not a byte is left");
        drop(half);
        assert!(must_wait(513 << 10).await, "half of it is free");
        drop(rest);
        let large = budget.take(1 << 30).await.unwrap();
        assert!(must_wait(1).await, "a large page takes all");
        drop(large);
    }
}
