//! Offsets and numbers of pages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use windlass_core::json::JsonPath;
use windlass_core::{Error, Result};

use super::place::Place;
use super::values::{has_more, int_of, path_of};
use super::{Answer, Paginator};
use crate::sources::rest::http::Request;

/// `offset`: a request says how many records to skip and how many to give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffsetOptions {
    /// Records on a page.
    pub limit: i64,
    /// Records that are skipped at first.
    #[serde(default)]
    pub offset: i64,
    /// The parameter that carries the offset; `offset` if there is no body path either.
    #[serde(default)]
    pub offset_param: Option<String>,
    /// The parameter that carries the limit; `limit` if there is no body path either.
    #[serde(default)]
    pub limit_param: Option<String>,
    /// The member of the JSON body that carries the offset: names joined by dots.
    #[serde(default)]
    pub offset_body_path: Option<String>,
    /// The member of the JSON body that carries the limit: names joined by dots.
    #[serde(default)]
    pub limit_body_path: Option<String>,
    /// Where the body says how many records there are, as JSONPath; null if it does not.
    #[serde(default = "total")]
    pub total_path: Option<String>,
    /// Offsets from here on are not asked for.
    #[serde(default)]
    pub maximum_offset: Option<i64>,
    /// Whether a page without records is the last one.
    #[serde(default = "yes")]
    pub stop_after_empty_page: bool,
    /// Where the body says whether there is more: a bool, or a text such as `yes`.
    #[serde(default)]
    pub has_more_path: Option<String>,
}

/// `page_number`: a request says which page to give.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageNumberOptions {
    /// The number of the first page of the API: 0 or 1.
    #[serde(default)]
    pub base_page: i64,
    /// The page to begin with; the first one if there is none.
    #[serde(default)]
    pub page: Option<i64>,
    /// The parameter that carries the number; `page` if there is no body path either.
    #[serde(default)]
    pub page_param: Option<String>,
    /// The member of the JSON body that carries the number: names joined by dots.
    #[serde(default)]
    pub page_body_path: Option<String>,
    /// Where the body says how many pages there are, as JSONPath; null if it does not.
    #[serde(default = "total")]
    pub total_path: Option<String>,
    /// Pages from this number on are not asked for.
    #[serde(default)]
    pub maximum_page: Option<i64>,
    /// Whether a page without records is the last one.
    #[serde(default = "yes")]
    pub stop_after_empty_page: bool,
    /// Where the body says whether there is more: a bool, or a text such as `yes`.
    #[serde(default)]
    pub has_more_path: Option<String>,
}

fn total() -> Option<String> {
    Some("total".to_owned())
}

fn yes() -> bool {
    true
}

impl Default for PageNumberOptions {
    fn default() -> Self {
        Self {
            base_page: 0,
            page: None,
            page_param: None,
            page_body_path: None,
            total_path: total(),
            maximum_page: None,
            stop_after_empty_page: true,
            has_more_path: None,
        }
    }
}

impl OffsetOptions {
    /// Pages of so many records, everything else by default.
    pub fn new(limit: i64) -> Self {
        Self {
            limit,
            offset: 0,
            offset_param: None,
            limit_param: None,
            offset_body_path: None,
            limit_body_path: None,
            total_path: total(),
            maximum_offset: None,
            stop_after_empty_page: true,
            has_more_path: None,
        }
    }

    pub(super) fn build(&self) -> Result<Box<dyn Paginator>> {
        if self.limit < 1 {
            return Err(Error::config("`limit` of the `offset` paginator is less than 1")
                .with_hint("give the number of records on a page"));
        }
        let place = Place::new(
            ("offset_param", self.offset_param.as_deref()),
            ("offset_body_path", self.offset_body_path.as_deref()),
            "offset",
        )?;
        let limit_place = Place::new(
            ("limit_param", self.limit_param.as_deref()),
            ("limit_body_path", self.limit_body_path.as_deref()),
            "limit",
        )?;
        Ok(Box::new(
            Range {
                what: What { paginator: "offset", maximum: "maximum_offset", of: "items" },
                place,
                limit: Some((limit_place, self.limit)),
                initial: self.offset,
                step: self.limit,
                base: 0,
                total: path_of("total_path", self.total_path.as_deref())?,
                maximum: self.maximum_offset,
                stop_after_empty_page: self.stop_after_empty_page,
                has_more: path_of("has_more_path", self.has_more_path.as_deref())?,
                value: self.offset,
                end: None,
                has_next: true,
            }
            .validate(self.total_path.is_some())?,
        ))
    }
}

impl PageNumberOptions {
    pub(super) fn build(&self) -> Result<Box<dyn Paginator>> {
        let place = Place::new(
            ("page_param", self.page_param.as_deref()),
            ("page_body_path", self.page_body_path.as_deref()),
            "page",
        )?;
        let initial = self.page.unwrap_or(self.base_page);
        Ok(Box::new(
            Range {
                what: What { paginator: "page_number", maximum: "maximum_page", of: "pages" },
                place,
                limit: None,
                initial,
                step: 1,
                base: self.base_page,
                total: path_of("total_path", self.total_path.as_deref())?,
                maximum: self.maximum_page,
                stop_after_empty_page: self.stop_after_empty_page,
                has_more: path_of("has_more_path", self.has_more_path.as_deref())?,
                value: initial,
                end: None,
                has_next: true,
            }
            .validate(self.total_path.is_some())?,
        ))
    }
}

/// The words of a kind of range.
#[derive(Clone, Copy, Debug)]
struct What {
    paginator: &'static str,
    maximum: &'static str,
    of: &'static str,
}

/// Counts on by a step until something says that there is no more.
#[derive(Clone, Debug)]
struct Range {
    what: What,
    place: Place,
    limit: Option<(Place, i64)>,
    initial: i64,
    step: i64,
    base: i64,
    total: Option<JsonPath>,
    maximum: Option<i64>,
    stop_after_empty_page: bool,
    has_more: Option<JsonPath>,
    value: i64,
    /// Values from here on are behind the end, as the last answer said.
    end: Option<i64>,
    has_next: bool,
}

impl Range {
    fn validate(self, has_total: bool) -> Result<Self> {
        let can_stop =
            has_total || self.maximum.is_some() || self.has_more.is_some() || self.stop_after_empty_page;
        if can_stop {
            return Ok(self);
        }
        let maximum = self.what.maximum;
        Err(Error::config(format!(
            "one of `total_path`, `{maximum}`, `has_more_path`, or `stop_after_empty_page` must be provided"
        ))
        .with_hint("otherwise the pages would never end"))
    }

    fn total_of(&self, path: &JsonPath, answer: &Answer<'_>) -> Result<i64> {
        let What { paginator, of, .. } = self.what;
        let hint = "set `total_path` to where the body says it, or to null to read on until a page is empty";
        let path_text = path.as_str();
        match answer.first(path)? {
            None | Some(Value::Null) => Err(Error::data(format!(
                "total `{of}` not found in the response: the paginator `{paginator}` expects `{path_text}`, and there is {}",
                answer.shape()
            ))
            .with_hint(hint)),
            Some(value) => int_of(&value).ok_or_else(|| {
                Error::data(format!(
                    "'{path_text}' is not an `int` in the response: the paginator `{paginator}` expects the number of {of}"
                ))
                .with_hint(hint)
            }),
        }
    }
}

impl Paginator for Range {
    fn begin(&mut self, request: &mut Request) -> Result<()> {
        self.value = self.initial;
        self.end = None;
        self.has_next = true;
        self.apply(request)
    }

    fn update(&mut self, answer: &Answer<'_>) -> Result<()> {
        if self.stop_after_empty_page && answer.records == 0 {
            self.has_next = false;
            return Ok(());
        }
        self.end = match &self.total {
            Some(path) => Some(self.total_of(path, answer)?.saturating_add(self.base)),
            None => None,
        };
        self.value = self.value.saturating_add(self.step);
        let is_behind = |end: Option<i64>| end.is_some_and(|end| self.value >= end);
        // The maximum is compared without the base, as in the reference.
        self.has_next = !is_behind(self.end) && !is_behind(self.maximum);
        if let Some(path) = &self.has_more {
            self.has_next &= has_more(path, answer, self.what.paginator)?;
        }
        Ok(())
    }

    fn apply(&self, request: &mut Request) -> Result<()> {
        self.place.write(request, self.value.into())?;
        match &self.limit {
            Some((place, limit)) => place.write(request, (*limit).into()),
            None => Ok(()),
        }
    }

    fn has_next(&self) -> bool {
        self.has_next
    }

    fn position(&self) -> Option<Value> {
        Some(json!({"value": self.value}))
    }

    fn resume(&mut self, position: &Value) -> Result<()> {
        let value = position.get("value").and_then(Value::as_i64);
        self.value = value.ok_or_else(|| Error::internal("the position of a range has no number"))?;
        self.has_next = true;
        Ok(())
    }

    fn ahead(&self, pages: u64, guess: bool) -> Option<Box<dyn Paginator>> {
        let steps = self.step.checked_mul(i64::try_from(pages).ok()?)?;
        let value = self.value.checked_add(steps)?;
        let is_before = |end: Option<i64>| end.is_none_or(|end| value < end);
        let is_known = pages == 0 || guess || self.end.is_some();
        (self.has_next && is_known && is_before(self.end) && is_before(self.maximum))
            .then(|| Box::new(Self { value, ..self.clone() }) as Box<dyn Paginator>)
    }

    fn paths(&self) -> Vec<&JsonPath> {
        self.total.iter().chain(&self.has_more).collect()
    }
}
