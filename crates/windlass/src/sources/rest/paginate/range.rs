//! Offsets and numbers of pages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use windlass_core::json::JsonPath;
use windlass_core::{Error, Result};

use super::place::Place;
use super::values::{has_more, int_of, path_of};
use super::{Answer, Counted, PageNotice, Paginator};
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
                is_first: true,
                short: None,
                short_later: None,
                notices: Vec::new(),
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
                is_first: true,
                short: None,
                short_later: None,
                notices: Vec::new(),
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
    is_first: bool,
    /// Records of the page before, where these were fewer than a page has and nothing said that more would follow.
    short: Option<i64>,
    /// Records of a later page that was short, until the next one shows whether it was the last.
    short_later: Option<i64>,
    notices: Vec<PageNotice>,
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

    /// Forgets a total that says that the page which was just read is not there; whether reading may go on.
    fn check_total(&mut self, answer: &Answer<'_>) -> bool {
        let (Some(end), true) = (self.end, answer.records > 0) else { return true };
        if end > self.value {
            return true;
        }
        let can_end = self.stop_after_empty_page || self.maximum.is_some() || self.has_more.is_some();
        let size = i64::try_from(answer.records).unwrap_or(i64::MAX);
        let is_full = self.limit.as_ref().is_none_or(|(_, limit)| size >= *limit);
        let path = self.total.as_ref().map(JsonPath::as_str).unwrap_or_default();
        if is_full {
            self.notices.push(PageNotice::new(
                "total",
                format!(
                    "the number of {} at `{path}` says that there is nothing, and yet a page has records: {}",
                    self.what.of,
                    if can_end {
                        "it is not heeded, and pages are read up to an empty one; correct `total_path`, or set it to null"
                    } else {
                        "only what was read so far is loaded; correct `total_path`"
                    }
                ),
            ));
        }
        if !(is_full && can_end) {
            return false;
        }
        self.end = None;
        true
    }

    /// Looks at a page without records, at which reading ends: the body may say that it is not the last one.
    fn check_empty(&mut self, answer: &Answer<'_>) {
        let What { paginator, of, .. } = self.what;
        let total = self.total.as_ref().and_then(|path| {
            let total = answer.first(path).ok().flatten().and_then(|value| int_of(&value))?;
            (total.saturating_add(self.base) > self.value)
                .then(|| format!("there are {total} {of} (`{}`)", path.as_str()))
        });
        let more = || {
            let path = self.has_more.as_ref()?;
            has_more(path, answer, paginator).ok()?.then(|| format!("there is more (`{}`)", path.as_str()))
        };
        let Some(said) = total.or_else(more) else { return };
        let remedy = if self.limit.is_none() && self.value == 0 {
            "the API may count its pages from 1: set `base_page: 1`, or `stop_after_empty_page: false` to read on"
        } else {
            "set `stop_after_empty_page: false` to read on"
        };
        self.notices.push(PageNotice::new(
            "empty",
            format!(
                "a page has no records, and reading ends there, though the answer says that {said}: {remedy}"
            ),
        ));
    }

    /// Looks at the number of records of a page of an offset: the next one begins behind those that came.
    fn check_size(&mut self, answer: &Answer<'_>) {
        let Some(limit) = self.limit.as_ref().map(|(_, limit)| *limit) else { return };
        let size = i64::try_from(answer.records).unwrap_or(i64::MAX);
        let is_first = std::mem::replace(&mut self.is_first, false);
        let said = |size: i64, rest: &str| {
            PageNotice::new("size", format!("a page has {size} records, though `limit` is {limit}: {rest}"))
        };
        if size == 0 {
            return;
        }
        if let Some(before) = self.short_later.take() {
            self.notices.push(said(
                before,
                "it is short although another page follows, so that records may be missing if the server counts only what it \
                 gives",
            ));
        }
        if let Some(before) = self.short.take() {
            self.notices.push(said(
                before,
                "the server gives other numbers of records than it is asked for, so offsets go on by what it gives; set `limit` \
                 to what it allows",
            ));
        }
        let says_more = self.end.is_some_and(|end| self.value.saturating_add(size) < end);
        if is_first && size != limit {
            self.step = size;
            match self.end {
                Some(_) if says_more => self.notices.push(said(
                    size,
                    "the server gives other numbers of records than it is asked for, so offsets go on by what it gives; set \
                     `limit` to what it allows",
                )),
                Some(_) => {}
                None => self.short = Some(size),
            }
        } else if size < self.step && says_more {
            self.notices.push(said(
                size,
                "it is short although there are more, so that records may be missing if the server counts only what it gives",
            ));
        } else if size < self.step && self.end.is_none() {
            self.short_later = Some(size);
        }
    }
}

impl Paginator for Range {
    fn begin(&mut self, request: &mut Request) -> Result<()> {
        self.value = self.initial;
        self.end = None;
        self.has_next = true;
        self.is_first = true;
        self.short = None;
        self.short_later = None;
        if let Some((_, limit)) = &self.limit {
            self.step = *limit;
        }
        self.apply(request)
    }

    fn update(&mut self, answer: &Answer<'_>) -> Result<()> {
        if self.stop_after_empty_page && answer.records == 0 {
            self.check_empty(answer);
            self.has_next = false;
            return Ok(());
        }
        self.end = match &self.total {
            Some(path) => Some(self.total_of(path, answer)?.saturating_add(self.base)),
            None => None,
        };
        let goes_on = self.check_total(answer);
        self.check_size(answer);
        self.value = self.value.saturating_add(self.step);
        let is_behind = |end: Option<i64>| end.is_some_and(|end| self.value >= end);
        // The maximum is compared without the base, as in the reference.
        self.has_next = goes_on && !is_behind(self.end) && !is_behind(self.maximum);
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
        match &self.limit {
            Some((_, limit)) if *limit != self.step => Some(json!({"value": self.value, "step": self.step})),
            _ => Some(json!({"value": self.value})),
        }
    }

    fn resume(&mut self, position: &Value) -> Result<()> {
        let value = position.get("value").and_then(Value::as_i64);
        self.value = value.ok_or_else(|| Error::internal("the position of a range has no number"))?;
        self.step = position.get("step").and_then(Value::as_i64).unwrap_or(self.step);
        self.has_next = true;
        self.is_first = false;
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

    fn notices(&mut self) -> Vec<PageNotice> {
        std::mem::take(&mut self.notices)
    }

    fn is_cut(&self) -> bool {
        self.maximum.is_some_and(|maximum| self.value >= maximum)
    }

    fn counts(&self) -> Counted {
        if self.limit.is_none() { Counted::Pages } else { Counted::Records }
    }

    fn begin_at_one(&mut self) -> bool {
        // The first page was asked for without a number or as page 0, the second as page 1.
        if self.limit.is_some() || self.base != 0 || self.initial != 0 || self.value != 2 {
            return false;
        }
        self.base = 1;
        self.end = self.end.map(|end| end.saturating_add(1));
        let is_behind = |end: Option<i64>| end.is_some_and(|end| self.value >= end);
        self.has_next = !is_behind(self.end) && !is_behind(self.maximum);
        true
    }

    fn paths(&self) -> Vec<&JsonPath> {
        self.total.iter().chain(&self.has_more).collect()
    }
}
