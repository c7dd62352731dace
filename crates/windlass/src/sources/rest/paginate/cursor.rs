//! Cursors in the body.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use windlass_core::json::JsonPath;
use windlass_core::{Error, Result};

use super::link::absent_notice;
use super::place::Place;
use super::values::{has_more, is_truthy, path_of};
use super::{Answer, PageNotice, Paginator};
use crate::sources::rest::http::{Request, python_text};

/// `cursor`: the body holds the cursor of the next page, which goes into a parameter or into the body of the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CursorOptions {
    /// Where the cursor is, as JSONPath. One that is missing, null, false, zero or empty ends the pages.
    pub cursor_path: String,
    /// The parameter that carries the cursor; `cursor` if there is no body path either.
    pub cursor_param: Option<String>,
    /// The member of the JSON body that carries the cursor: names joined by dots.
    pub cursor_body_path: Option<String>,
    /// Whether a page without records is the last one.
    pub stop_after_empty_page: bool,
    /// Where the body says whether there is more: a bool, or a text such as `yes`.
    pub has_more_path: Option<String>,
    /// Whether an answer may lack what `has_more_path` leads to: it is a guess.
    #[serde(skip)]
    pub(super) may_lack_has_more: bool,
}

impl Default for CursorOptions {
    fn default() -> Self {
        Self {
            cursor_path: "cursors.next".to_owned(),
            cursor_param: None,
            cursor_body_path: None,
            stop_after_empty_page: false,
            has_more_path: None,
            may_lack_has_more: false,
        }
    }
}

impl CursorOptions {
    pub(super) fn build(&self) -> Result<Box<dyn Paginator>> {
        let param = ("cursor_param", self.cursor_param.as_deref().filter(|param| !param.is_empty()));
        let body = ("cursor_body_path", self.cursor_body_path.as_deref());
        Ok(Box::new(Cursor {
            path: path_of("cursor_path", Some(&self.cursor_path))?,
            place: Place::new(param, body, "cursor")?,
            stop_after_empty_page: self.stop_after_empty_page,
            has_more: path_of("has_more_path", self.has_more_path.as_deref())?,
            may_lack_has_more: self.may_lack_has_more,
            cursor: None,
            has_next: true,
            is_begun: false,
            notices: Vec::new(),
        }))
    }
}

#[derive(Clone, Debug)]
struct Cursor {
    path: Option<JsonPath>,
    place: Place,
    stop_after_empty_page: bool,
    has_more: Option<JsonPath>,
    may_lack_has_more: bool,
    cursor: Option<Value>,
    has_next: bool,
    is_begun: bool,
    notices: Vec<PageNotice>,
}

impl Paginator for Cursor {
    fn begin(&mut self, _: &mut Request) -> Result<()> {
        self.cursor = None;
        self.has_next = true;
        self.is_begun = false;
        Ok(())
    }

    fn update(&mut self, answer: &Answer<'_>) -> Result<()> {
        let cursor = self.path.as_ref().map(|path| answer.first(path)).transpose()?.flatten();
        if !std::mem::replace(&mut self.is_begun, true)
            && cursor.is_none()
            && answer.records > 0
            && let Some(path) = &self.path
        {
            self.notices.push(absent_notice("cursor_path", path, answer));
        }
        self.cursor = cursor.filter(is_truthy);
        self.has_next = self.cursor.is_some();
        if self.stop_after_empty_page && answer.records == 0 {
            self.has_next = false;
        } else if let Some(path) = &self.has_more
            && !(self.may_lack_has_more && answer.first(path)?.is_none_or(|value| value.is_null()))
        {
            self.has_next &= has_more(path, answer, "cursor")?;
        }
        Ok(())
    }

    fn apply(&self, request: &mut Request) -> Result<()> {
        match &self.cursor {
            Some(cursor) => self.place.write(request, cursor.clone()),
            None => Ok(()),
        }
    }

    fn has_next(&self) -> bool {
        self.has_next
    }

    fn next_name(&self) -> Option<String> {
        self.cursor.as_ref().map(python_text)
    }

    fn position(&self) -> Option<Value> {
        self.cursor.as_ref().map(|cursor| json!({"cursor": cursor}))
    }

    fn resume(&mut self, position: &Value) -> Result<()> {
        let cursor = position.get("cursor");
        let cursor = cursor.ok_or_else(|| Error::internal("the position of a cursor has no cursor"))?;
        self.cursor = Some(cursor.clone());
        self.has_next = true;
        self.is_begun = true;
        Ok(())
    }

    fn notices(&mut self) -> Vec<PageNotice> {
        std::mem::take(&mut self.notices)
    }

    fn paths(&self) -> Vec<&JsonPath> {
        self.path.iter().chain(&self.has_more).collect()
    }
}
