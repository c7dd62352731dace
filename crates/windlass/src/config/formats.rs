//! Texts that have a form of their own, which the JSON Schema of the options names as `format`.

use windlass_core::Error;

use super::parse_byte_size;
use crate::charset::Charset;
use crate::steps::{Step, StepRunner};

/// What is wrong with a text of a format; `None` if it has that form, or if the format is none of these.
pub(super) fn check_format(format: &str, text: &str) -> Option<Error> {
    match format {
        "byte-size" => parse_byte_size(text).err(),
        "encoding" => Charset::option(text).err(),
        "jq" => StepRunner::new(&[Step::Map(text.to_owned())]).err(),
        _ => None,
    }
}
