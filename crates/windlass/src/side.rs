//! What a server is to a pipeline, for its settings and errors.

/// What a server is to a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Rows are loaded into it.
    Destination,
    /// Rows are read from it.
    Source,
}

impl Side {
    /// How it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Destination => "destination",
            Self::Source => "source",
        }
    }

    /// Where its credentials stand.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Destination => "destination.credentials",
            Self::Source => "source.credentials",
        }
    }
}
