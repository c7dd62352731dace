//! The sources that this engine has.

mod files;
mod inline;

pub use files::{FileResource, FileSource, InputFormat, local_path};
pub use inline::{InlineResource, InlineSource};
