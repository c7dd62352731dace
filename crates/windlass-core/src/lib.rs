//! The engine of windlass without I/O, clock or threads: values in, values out.

pub mod csv;
pub mod document;
pub mod error;
pub mod file;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod hash;
pub mod hints;
pub mod incremental;
pub mod json;
pub mod lease;
pub mod masking;
pub mod merge;
pub mod naming;
mod nearest;
pub mod normalize;
pub mod package;
pub mod path_part;
pub mod schema;
pub mod sql;
pub mod state;
pub mod value;

pub use error::{At, Code, Error, ErrorKind, Result};
pub use nearest::{choices, did_you_mean, nearest, nearest_first};
