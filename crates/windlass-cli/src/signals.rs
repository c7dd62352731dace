//! Ctrl-C and SIGTERM: the first stops the run where nothing is lost, the second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use windlass::core::{Error, Result};
use windlass::extract::Cancel;

/// Which signal came.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    last: Arc<AtomicUsize>,
}

impl Signals {
    /// Lets signals ask for a stop instead of ending the process.
    pub(crate) fn stop(&self, cancel: &Cancel) -> Result<()> {
        for signal in [SIGINT, SIGTERM] {
            let number = usize::try_from(signal).unwrap_or_default();
            let registered = flag::register_conditional_shutdown(signal, 128 + signal, cancel.flag())
                .and_then(|_| flag::register_usize(signal, Arc::clone(&self.last), number))
                .and_then(|_| flag::register(signal, cancel.flag()));
            registered.map_err(|cause| Error::internal("signals cannot be handled").with_source(cause))?;
        }
        Ok(())
    }

    /// The exit code after a clean stop: 130 for Ctrl-C, 143 for SIGTERM.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.last.load(Ordering::Relaxed) {
            0 => 130,
            signal => 128 + u8::try_from(signal).unwrap_or(2),
        }
    }
}
