//! Holding a pipeline's lease while a run goes on.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use windlass_core::hash::shake128;
use windlass_core::lease::Claim;
use windlass_core::{Error, ErrorKind, Result};

use super::Pipeline;
use crate::destination::{Lease, Session};
use crate::holder::host_name;

/// How often a run that waits for another looks again.
pub(super) const POLL: Duration = Duration::from_millis(100);

/// A lease that is renewed until this is dropped.
pub(super) struct HeldLease {
    lease: Arc<dyn Lease>,
    renewing: JoinHandle<()>,
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

impl Pipeline {
    /// Takes the pipeline's lease if the destination has one to give; see [`Session::acquire`].
    pub(super) async fn acquire(
        &self,
        session: &mut dyn Session,
        may_create: bool,
    ) -> Result<Option<HeldLease>> {
        let claim = self.claim();
        let Some(lease) = session.acquire(&claim, may_create, self.env.now()).await? else { return Ok(None) };
        let (renewed, env) = (Arc::clone(&lease), self.env.clone());
        // Two renewals may fail before others take over.
        let pause = Duration::from_micros(claim.micros.unsigned_abs() / 3);
        let renewing = tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                match renewed.renew(env.now()).await {
                    Ok(()) => {}
                    // The commit will say so.
                    Err(error) if error.kind() == ErrorKind::Conflict => break,
                    Err(error) => tracing::warn!(error = error.chain(), "the lease was not renewed"),
                }
            }
        });
        Ok(Some(HeldLease { lease, renewing }))
    }

    /// Gives the lease back. What fails here ends by itself when the lease does.
    pub(super) async fn release(&self, session: &mut dyn Session, lease: Option<HeldLease>) {
        if lease.is_some() {
            drop(lease);
            if let Err(error) = session.release(self.env.now()).await {
                tracing::warn!(error = error.chain(), "the lease was not given back");
            }
        }
    }

    /// What a failure of a load is: who took the lease over may have been its cause.
    pub(super) async fn explain(&self, lease: Option<&HeldLease>, error: Error) -> Error {
        let Some(held) = lease.filter(|_| error.kind() == ErrorKind::Destination) else { return error };
        match held.lease.renew(self.env.now()).await {
            Err(lost) if lost.kind() == ErrorKind::Conflict => lost.with_source(error),
            _ => error,
        }
    }

    fn claim(&self) -> Claim {
        let host = host_name();
        let work = self.work.path();
        let work = std::fs::canonicalize(work).unwrap_or_else(|_| work.to_owned());
        let mut bytes = [0_u8; 16];
        shake128(format!("{host}\0{}", work.display()).as_bytes(), &mut bytes);
        let seconds = i64::try_from(self.settings.lease_seconds.max(1)).unwrap_or(i64::MAX);
        Claim {
            pipeline: self.name.clone(),
            holder: format!("{:032x}", u128::from_be_bytes(bytes)),
            owner: format!("process {} on {host}, working folder {}", std::process::id(), work.display()),
            micros: seconds.saturating_mul(1_000_000).min(i64::MAX / 4),
        }
    }
}
