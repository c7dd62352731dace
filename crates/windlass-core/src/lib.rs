//! The engine of windlass without I/O, clock or threads: values in, values out.

pub mod document;
pub mod error;
pub mod hash;
pub mod json;
pub mod naming;
pub mod normalize;
pub mod schema;
pub mod value;

pub use error::{At, Error, ErrorKind, Result};
