//! One page and no more.

use serde_json::{Value, json};
use windlass_core::Result;

use super::{Answer, Paginator};
use crate::sources::rest::http::Request;

/// `single_page`: one request, whatever the answer says of more.
#[derive(Clone, Debug, Default)]
pub struct SinglePage {
    is_read: bool,
}

impl Paginator for SinglePage {
    fn begin(&mut self, _: &mut Request) -> Result<()> {
        self.is_read = false;
        Ok(())
    }

    fn update(&mut self, _: &Answer<'_>) -> Result<()> {
        self.is_read = true;
        Ok(())
    }

    fn apply(&self, _: &mut Request) -> Result<()> {
        Ok(())
    }

    fn has_next(&self) -> bool {
        !self.is_read
    }

    fn is_cut(&self) -> bool {
        true
    }

    fn position(&self) -> Option<Value> {
        Some(json!({"read": self.is_read}))
    }

    fn resume(&mut self, position: &Value) -> Result<()> {
        self.is_read = position.get("read") == Some(&Value::Bool(true));
        Ok(())
    }
}
