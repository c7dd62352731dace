//! How one page leads to the next: by links, cursors, offsets or numbers.
//!
//! A [`PaginatorConfig`] is what a configuration says; it makes a [`Paginator`] for each chain of pages, so that no two
//! chains share one. Programs add their own by [`register_paginator`].

mod config;
mod cursor;
mod detect;
mod header_cursor;
mod header_link;
mod json_link;
mod link;
mod link_header;
mod place;
mod range;
mod registry;
mod single_page;
mod values;

use std::fmt;

use serde_json::Value;
use windlass_core::json::{JsonPath, Tape};
use windlass_core::{Error, Result};

pub use config::PaginatorConfig;
pub use cursor::CursorOptions;
pub(crate) use detect::{MORE_MEMBERS, detect, says_more};
pub use header_cursor::HeaderCursorOptions;
pub use header_link::{
    HeaderLinkOptions, target_of as link_target, unknown_relations as unknown_link_relations,
};
pub use json_link::JsonLinkOptions;
pub use link::resolve as resolve_link;
pub(crate) use link_header::web_links;
pub use range::{OffsetOptions, PageNumberOptions};
pub use registry::{PaginatorFactory, register_paginator};
pub use single_page::SinglePage;

use super::http::{Request, Response};

/// Finds the next page. Each chain of pages has its own.
///
/// # Contract
/// Requests are made from a template that never changes: [`Paginator::apply`] writes all that sets the next page apart
/// from it. For every answer [`Paginator::update`] runs once, in the order of the pages.
pub trait Paginator: Send + Sync + fmt::Debug {
    /// Writes into the first request what the first page needs, and starts from the beginning.
    ///
    /// Errors: the request has no place for it.
    fn begin(&mut self, request: &mut Request) -> Result<()>;

    /// Learns from an answer what comes next.
    ///
    /// Errors: the answer lacks what the configuration promises.
    fn update(&mut self, answer: &Answer<'_>) -> Result<()>;

    /// Writes the next page into a copy of the template. Errors: there is no such page, or no place for it.
    fn apply(&self, request: &mut Request) -> Result<()>;

    /// Whether there is a next page.
    fn has_next(&self) -> bool;

    /// What names the next page where the server chose the name: a link, a cursor. A name that comes again with the
    /// same records is taken for an endless chain.
    fn next_name(&self) -> Option<String> {
        None
    }

    /// What [`Paginator::resume`] needs to go on with the next page; `None` if it can only start over.
    fn position(&self) -> Option<Value> {
        None
    }

    /// Goes on at a position. Errors: it is not one of this paginator.
    fn resume(&mut self, position: &Value) -> Result<()> {
        let _ = position;
        Err(Error::internal("this paginator has no positions"))
    }

    /// This paginator as it will be so many pages after the next one, if that is known before these are read.
    ///
    /// With `guess` it may be a page behind the end.
    fn ahead(&self, pages: u64, guess: bool) -> Option<Box<dyn Paginator>> {
        let _ = (pages, guess);
        None
    }

    /// What is to be told of the pages so far; each notice comes once.
    fn notices(&mut self) -> Vec<PageNotice> {
        Vec::new()
    }

    /// Whether the configuration says where the pages end, whatever the answer says of more.
    fn is_cut(&self) -> bool {
        false
    }

    /// What it counts, so that a page that comes again shows what is wrong with the count.
    fn counts(&self) -> Counted {
        Counted::Nothing
    }

    /// Goes on as one whose first page has the number 1, since the second one asked for was the first again; whether that
    /// can be.
    fn begin_at_one(&mut self) -> bool {
        false
    }

    /// The paths that it follows in the document. Bodies too large for memory are checked against them.
    fn paths(&self) -> Vec<&JsonPath> {
        Vec::new()
    }
}

/// What a paginator counts to come to the next page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// It follows what the answer names.
    Nothing,
    /// Pages.
    Pages,
    /// Records.
    Records,
}

/// Something about the pages of a resource that its user should know: what was guessed, what does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageNotice {
    /// What it is about; it is told once for a resource.
    pub about: &'static str,
    /// The notice.
    pub text: String,
}

impl PageNotice {
    /// A notice.
    pub fn new(about: &'static str, text: impl Into<String>) -> Self {
        Self { about, text: text.into() }
    }
}

/// What a notice is about that says that the first answer has nothing where the next page should be named.
pub(crate) const ABSENT: &str = "absent";

/// An answer, as paginators see it.
#[derive(Debug)]
pub struct Answer<'a> {
    /// What was asked, with the URL that a link is relative to.
    pub request: &'a Request,
    /// What came back. Its body is not there where it is too large for memory; [`Answer::first`] works then too.
    pub response: &'a Response,
    /// Records on the page.
    pub records: u64,
    document: &'a Tape<'a>,
}

impl<'a> Answer<'a> {
    /// An answer whose body was parsed.
    pub fn new(request: &'a Request, response: &'a Response, records: u64, document: &'a Tape<'a>) -> Self {
        Self { request, response, records, document }
    }

    /// The first value of the body that a path leads to; null is a value. Errors: as [`JsonPath::find`].
    pub fn first(&self, path: &JsonPath) -> Result<Option<Value>> {
        Ok(path.first(self.document, 0)?.map(|found| found.into_value(self.document)))
    }

    /// The body.
    pub(crate) fn document(&self) -> &Tape<'a> {
        self.document
    }

    /// The names of the members of the body, for errors. Never values.
    fn shape(&self) -> String {
        if self.document.is_array(0) {
            return "a list".to_owned();
        }
        let keys: Vec<String> =
            self.document.members(0).take(10).map(|(key, _)| format!("`{key}`")).collect();
        if keys.is_empty() { "no members".to_owned() } else { keys.join(", ") }
    }
}
