//! Cursors in a header.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use windlass_core::{Error, Result};

use super::link::absent_header_notice;
use super::{Answer, PageNotice, Paginator};
use crate::sources::rest::http::Request;

/// `header_cursor`: a header holds the cursor of the next page, which goes into a parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeaderCursorOptions {
    /// The header, in any case.
    pub cursor_key: String,
    /// The parameter of the query that carries the cursor.
    pub cursor_param: String,
}

impl Default for HeaderCursorOptions {
    fn default() -> Self {
        Self { cursor_key: "next".to_owned(), cursor_param: "cursor".to_owned() }
    }
}

impl HeaderCursorOptions {
    pub(super) fn build(&self) -> Box<dyn Paginator> {
        Box::new(HeaderCursor {
            options: self.clone(),
            cursor: None,
            has_next: true,
            is_begun: false,
            notices: Vec::new(),
        })
    }
}

#[derive(Clone, Debug)]
struct HeaderCursor {
    options: HeaderCursorOptions,
    cursor: Option<String>,
    has_next: bool,
    is_begun: bool,
    notices: Vec<PageNotice>,
}

impl Paginator for HeaderCursor {
    fn begin(&mut self, _: &mut Request) -> Result<()> {
        self.cursor = None;
        self.has_next = true;
        self.is_begun = false;
        Ok(())
    }

    fn update(&mut self, answer: &Answer<'_>) -> Result<()> {
        // An empty header is a cursor in the reference, which only an absent one ends.
        self.cursor = answer.response.header(&self.options.cursor_key).map(str::to_owned);
        self.has_next = self.cursor.is_some();
        let is_first = !std::mem::replace(&mut self.is_begun, true);
        if is_first && answer.records > 0 && !self.has_next {
            let header = format!("the header `{}`", self.options.cursor_key);
            self.notices.push(absent_header_notice("cursor_key", &header, ""));
        }
        Ok(())
    }

    fn apply(&self, request: &mut Request) -> Result<()> {
        if let Some(cursor) = &self.cursor {
            request.params.insert(self.options.cursor_param.clone(), Value::from(cursor.as_str()));
        }
        Ok(())
    }

    fn has_next(&self) -> bool {
        self.has_next
    }

    fn next_name(&self) -> Option<String> {
        self.cursor.clone()
    }

    fn position(&self) -> Option<Value> {
        self.cursor.as_ref().map(|cursor| json!({"cursor": cursor}))
    }

    fn resume(&mut self, position: &Value) -> Result<()> {
        let cursor = position.get("cursor").and_then(Value::as_str);
        let cursor = cursor.ok_or_else(|| Error::internal("the position of a cursor has no cursor"))?;
        self.cursor = Some(cursor.to_owned());
        self.has_next = true;
        self.is_begun = true;
        Ok(())
    }

    fn notices(&mut self) -> Vec<PageNotice> {
        std::mem::take(&mut self.notices)
    }
}
