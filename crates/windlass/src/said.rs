//! What a database said, without the bare number that its library adds as a cause of its own.

use std::fmt;

/// An error whose message says everything: `Error code 1: Unknown error code` below it would only puzzle.
#[derive(Debug)]
pub(crate) struct Said<E>(pub(crate) E);

impl<E: fmt::Display> fmt::Display for Said<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for Said<E> {}
