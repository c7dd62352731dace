//! What a store cannot do.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use windlass_core::Error;

use crate::files::io_error_at;

/// Result of what a store does.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why a store did not do what it was asked for. It becomes an [`Error`] of a destination by `?`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A step failed; what the source says.
    #[error("cannot {step} {location}")]
    Io {
        /// What was done, as a verb.
        step: &'static str,
        /// What it was done to, for people.
        location: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The object is of another version than the one that was asked for.
    #[error("{location} has changed since it was looked at")]
    Changed {
        /// The object, for people.
        location: String,
    },
    /// A folder on the way to what is to be deleted is a link, so that something elsewhere would be.
    #[error("{location} is a symbolic link")]
    Link {
        /// The folder, for people.
        location: String,
    },
    /// No key: it would lead out of the store.
    #[error("`{path}` is no path below a folder")]
    NotAKey {
        /// What was given.
        path: String,
    },
    /// What says itself what could not be done, and what helps.
    #[error(transparent)]
    Other(#[from] Error),
}

impl StoreError {
    pub(super) fn io(step: &'static str, location: impl Into<String>, cause: io::Error) -> Self {
        Self::Io { step, location: location.into(), cause }
    }

    pub(super) fn not_a_key(path: &Path) -> Self {
        Self::NotAKey { path: path.display().to_string().escape_debug().to_string() }
    }

    /// What it comes from, for an error that says itself what could not be done.
    pub fn into_cause(self) -> Box<dyn StdError + Send + Sync> {
        match self {
            Self::Io { cause, .. } => Box::new(cause),
            error => Box::new(error),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Io { step, location, cause } => io_error_at(step, &location, cause),
            StoreError::Other(error) => error,
            StoreError::Link { location } => {
                Self::destination("a folder of the bucket is a symbolic link; nothing is deleted through it")
                    .at_file(location)
                    .with_hint("put the folder itself in its place, or mount it there")
            }
            StoreError::Changed { .. } => {
                Self::conflict(error.to_string()).with_hint("somebody else writes there: run again")
            }
            StoreError::NotAKey { .. } => Self::config(error.to_string()),
        }
    }
}
