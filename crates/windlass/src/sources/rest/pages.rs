//! The pages of one chain: requests made from a template, sent, and their answers taken apart.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinHandle;
use windlass_core::json::ParseBuffers;
use windlass_core::{Error, ErrorKind, Result};

use super::actions;
pub use super::actions::{Action, ResponseAction, ResponseHook, Verdict};
use super::decode::decode;
use super::http::{Request, Response, Transport, masked_url};
use super::paginate::{Answer, Counted, PageNotice, Paginator, PaginatorConfig, detect, says_more};
use super::parts::{PART_BYTES, Parts};
use super::position::Position;
use super::problem::{non_number, not_json};
use super::repeats::Repeats;
use super::select::{Records, Selector};
use crate::record_limit::RecordLimit;
use crate::source::Body;

/// Times that a page is asked for whose answer ends in the middle, although the server says that it is whole.
const CUT_ATTEMPTS: u32 = 4;

/// The pause after the first of them; each further one is longer by as much.
const CUT_PAUSE: Duration = Duration::from_millis(100);

/// How a chain of pages is read.
#[derive(Clone, Debug, Default)]
pub struct PagesOptions {
    /// How one page leads to the next; found out on the first page if there is none, or `auto`.
    pub paginator: Option<PaginatorConfig>,
    /// Where the records are, as JSONPath; found out on the first page if there is none.
    pub selector: Option<String>,
    /// What is done with answers besides.
    pub actions: Vec<ResponseAction>,
    /// Pages that are fetched before they are asked for. 0 sends no request before its page is wanted; 1 fetches the
    /// next page while one is worked on; more fetch at once where offsets or numbers are known beforehand.
    pub read_ahead: usize,
    /// Whether pages are fetched at once although it is not known that they exist; those behind the end are thrown away.
    pub guess_pages: bool,
    /// Where to go on: a former [`Pages::position`].
    pub position: Option<Value>,
    /// How long a record may be.
    pub record_limit: RecordLimit,
}

/// A page of records, or a part of one that is large.
#[derive(Debug)]
pub struct RestPage {
    /// The records.
    pub body: Body,
    /// How many there are.
    pub records: u64,
    /// Where they come from, without secrets.
    pub url: String,
    /// The selector, where it finds nothing in the answer: the page is taken for empty.
    pub unmatched: Option<String>,
    /// What is to be told of the pages so far.
    pub notices: Vec<PageNotice>,
    /// Whether another page follows.
    pub leads_on: bool,
}

/// Reads a chain of pages.
///
/// A page is taken apart when it is asked for, and what it says of the next one counts from then on, in the order of the
/// pages, however many were fetched ahead. A dropped call of [`Pages::next`] loses no page.
#[derive(Debug)]
pub struct Pages {
    transport: Arc<dyn Transport>,
    template: Request,
    actions: Arc<[ResponseAction]>,
    read_ahead: usize,
    guess_pages: bool,
    paginator: Option<Box<dyn Paginator>>,
    selector: Option<Selector>,
    /// What was found out on the first page, for who goes on without it.
    detected: Position,
    in_flight: VecDeque<InFlight>,
    /// The request whose answer could not be read, and how often that was so.
    again: Option<Request>,
    attempts: u32,
    parts: Option<Parts>,
    /// Where the next page is; `None` if it cannot be said.
    position: Option<Position>,
    skip: u64,
    is_begun: bool,
    is_done: bool,
    repeats: Repeats,
    /// Whether the page that was learnt last is the first one again, and not to be given out twice.
    is_first_again: bool,
    notices: Vec<PageNotice>,
    buffers: Buffers,
    record_limit: RecordLimit,
}

/// Memory of the parser.
#[derive(Default)]
struct Buffers(ParseBuffers);

impl std::fmt::Debug for Buffers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Buffers")
    }
}

/// A request that is on its way. It is taken back when nobody waits for it any more.
#[derive(Debug)]
struct InFlight {
    request: Request,
    answer: JoinHandle<Result<Response>>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.answer.abort();
    }
}

impl Pages {
    /// The pages that begin with the request of the template.
    ///
    /// Errors: a paginator or selector that makes no sense, a position of something else.
    pub fn new(transport: Arc<dyn Transport>, template: Request, options: PagesOptions) -> Result<Self> {
        let paginator = options.paginator.map(|config| config.build()).transpose()?.flatten();
        Self::build(transport, template, paginator, PagesOptions { paginator: None, ..options })
    }

    /// The same with a paginator of the program. `options.paginator` means nothing then.
    pub fn with_paginator(
        transport: Arc<dyn Transport>,
        template: Request,
        paginator: Box<dyn Paginator>,
        options: PagesOptions,
    ) -> Result<Self> {
        Self::build(transport, template, Some(paginator), options)
    }

    fn build(
        transport: Arc<dyn Transport>,
        mut template: Request,
        paginator: Option<Box<dyn Paginator>>,
        options: PagesOptions,
    ) -> Result<Self> {
        let selector = options.selector.as_deref().filter(|text| !text.is_empty());
        template.method = template.method.to_ascii_uppercase();
        if template.settles.is_none() {
            template.settles = actions::settles(&options.actions);
        }
        let mut pages = Self {
            transport,
            template,
            actions: options.actions.into(),
            read_ahead: options.read_ahead,
            guess_pages: options.guess_pages,
            paginator,
            selector: selector.map(Selector::parse).transpose()?,
            detected: Position::default(),
            in_flight: VecDeque::new(),
            again: None,
            attempts: 0,
            parts: None,
            position: Some(Position::default()),
            skip: 0,
            is_begun: false,
            is_done: false,
            repeats: Repeats::default(),
            is_first_again: false,
            notices: Vec::new(),
            buffers: Buffers::default(),
            record_limit: options.record_limit,
        };
        if let Some(position) = &options.position {
            pages.resume(Position::parse(position)?)?;
        }
        Ok(pages)
    }

    fn resume(&mut self, position: Position) -> Result<()> {
        self.detected.paginator.clone_from(&position.paginator);
        self.detected.selector.clone_from(&position.selector);
        if self.paginator.is_none()
            && let Some(found) = &position.paginator
        {
            self.paginator = found.build()?;
        }
        if self.selector.is_none()
            && let Some(found) = &position.selector
        {
            self.selector = Some(Selector::parse(found)?);
        }
        if let Some(next) = &position.next {
            let paginator = self.paginator.as_mut();
            paginator.ok_or_else(|| Error::internal("a position without its paginator"))?.resume(next)?;
            self.is_begun = true;
            self.repeats.without_first();
        }
        self.skip = position.skip;
        self.is_done = position.end;
        self.position = Some(position);
        Ok(())
    }

    /// The next page, or a part of it where it is large; `None` at the end.
    ///
    /// Errors: a request that fails, with its method and URL, secrets masked; an answer that is not what the paginator
    /// or the selector needs; pages that never end. The same page is asked for again by the next call.
    pub async fn next(&mut self) -> Result<Option<RestPage>> {
        loop {
            if self.parts.is_some() {
                if let Some(page) = self.next_part().await? {
                    return Ok(Some(page));
                }
                continue;
            }
            if self.is_done {
                return Ok(None);
            }
            let (request, response) = self.fetch().await?;
            match self.take(&request, response) {
                Ok(None) => {}
                Ok(Some(page)) => {
                    self.attempts = 0;
                    return Ok(Some(page));
                }
                // Bodies that end in the middle. Statuses were tried again by the transport.
                Err(error) if error.kind() == ErrorKind::Data && error.is_retryable() => {
                    self.in_flight.clear();
                    self.again = Some(request);
                    self.attempts += 1;
                    if self.attempts >= CUT_ATTEMPTS {
                        self.attempts = 0;
                        return Err(error);
                    }
                    tracing::warn!(%error, "the page is asked for again");
                    tokio::time::sleep(CUT_PAUSE * self.attempts).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Where to go on after the page that was returned last, for [`PagesOptions::position`]; `None` if the pages can
    /// only be read again from the beginning. May hold links and cursors with secrets of the server.
    pub fn position(&self) -> Option<Value> {
        self.position.as_ref()?.to_value()
    }

    /// The next answer, and the request that it belongs to.
    async fn fetch(&mut self) -> Result<(Request, Response)> {
        if self.in_flight.is_empty() {
            let request = match self.again.take() {
                Some(request) => request,
                None => self.request()?,
            };
            if self.read_ahead == 0 {
                let response = self.transport.send(&request).await?;
                return Ok((request, response));
            }
            self.send(request);
        }
        let Some(front) = self.in_flight.front_mut() else {
            return Err(Error::internal("no request is on its way"));
        };
        let answer = (&mut front.answer).await;
        let request = front.request.clone();
        self.in_flight.pop_front();
        let answer = answer.map_err(|cause| Error::internal("a request was lost").with_source(cause));
        // Pages behind one that failed are not wanted any more.
        let answer = answer.and_then(|answer| answer).inspect_err(|_| self.in_flight.clear())?;
        Ok((request, answer))
    }

    /// The request for the next page.
    fn request(&mut self) -> Result<Request> {
        let mut request = self.template.clone();
        if let Some(paginator) = &mut self.paginator {
            if self.is_begun {
                paginator.apply(&mut request)?;
            } else {
                paginator.begin(&mut request)?;
            }
        }
        self.is_begun = true;
        Ok(request)
    }

    fn send(&mut self, request: Request) {
        let transport = Arc::clone(&self.transport);
        let sent = request.clone();
        let answer = tokio::spawn(async move { transport.send(&sent).await });
        self.in_flight.push_back(InFlight { request, answer });
    }

    /// Sends requests for pages that are known to come.
    fn send_ahead(&mut self) {
        while self.in_flight.len() < self.read_ahead {
            let mut request = self.template.clone();
            let Some(paginator) = &self.paginator else { return };
            let pages = self.in_flight.len() as u64;
            let written = match pages {
                0 => paginator.apply(&mut request),
                _ => match paginator.ahead(pages, self.guess_pages) {
                    Some(later) => later.apply(&mut request),
                    None => return,
                },
            };
            // What is wrong is said when the page is asked for.
            if written.is_err() {
                return;
            }
            self.send(request);
        }
    }

    /// Takes an answer apart. `None` if it holds no page, or one that comes in parts.
    fn take(&mut self, request: &Request, mut response: Response) -> Result<Option<RestPage>> {
        if response.spooled.is_none() {
            decode(&mut response);
        }
        if actions::run(&self.actions, &mut response)? == Verdict::Ignore {
            self.finish();
            return Ok(None);
        }
        response.check_status(&request.method)?;
        let can_split = self.selector.as_ref().is_none_or(|selector| selector.plain().is_some());
        if response.spooled.is_some() || (can_split && (response.body.len() > PART_BYTES || self.skip > 0)) {
            let parts = Parts::new(
                request.clone(),
                response,
                self.selector.as_ref(),
                self.paginator.as_deref(),
                self.skip,
                self.record_limit,
            )?;
            if self.selector.is_none() {
                self.select(Selector::clone(parts.selector()));
            }
            self.parts = Some(parts);
            return Ok(None);
        }
        let mut buffers = std::mem::take(&mut self.buffers.0);
        let page = self.take_document(request, response, &mut buffers);
        self.buffers.0 = buffers;
        page.map(Some)
    }

    fn take_document(
        &mut self,
        request: &Request,
        mut response: Response,
        buffers: &mut ParseBuffers,
    ) -> Result<RestPage> {
        // Records that are found one by one are written anew, so that no digit of theirs may be lost.
        let is_plain = self.selector.as_ref().is_none_or(|selector| selector.plain().is_some());
        buffers.keep_literals(!is_plain);
        let parsed = match non_number(&response.body) {
            Some(error) => Err(error),
            None => buffers.parse_value(&response.body),
        };
        let parsed = parsed.map_err(|error| not_json(&response, &request.method, &error))?;
        if self.selector.is_none() {
            self.select(Selector::detect(&parsed.tape)?);
            self.notices.extend(Selector::doubt(&parsed.tape).map(|text| PageNotice::new("selector", text)));
        }
        let selector = self.selector.clone().ok_or_else(|| Error::internal("a page without selector"))?;
        let records = selector.records(&parsed.tape)?;
        let count = records.count();
        let finds_nothing = matches!(records, Records::Plain(0, None)) && !parsed.tape.is_array(0);
        let unmatched = finds_nothing.then(|| selector.as_str().to_owned());
        if let Some(selector) = &unmatched {
            tracing::warn!(selector, "the selector finds nothing in an answer: the page is empty");
        }
        let body = match selector.plain() {
            _ if count == 0 => Some(Body::Lines(Vec::new())),
            Some(_) => None,
            None => Some(Body::TypedLines(records.lines(&parsed.tape))),
        };
        let answer = Answer::new(request, &response, count, &parsed.tape);
        self.learn(&answer, || records.lines(&parsed.tape))?;
        let url = masked_url(&response.url);
        let memory = parsed.into_memory();
        buffers.restore(memory);
        let body = match (body, selector.plain()) {
            (None, Some(plain)) => Body::Document(std::mem::take(&mut response.body), Arc::clone(plain)),
            (body, _) => body.unwrap_or(Body::Lines(Vec::new())),
        };
        let notices = std::mem::take(&mut self.notices);
        let leads_on = !self.is_done;
        if std::mem::take(&mut self.is_first_again) {
            let body = Body::Lines(Vec::new());
            return Ok(RestPage { body, records: 0, url, unmatched, notices, leads_on });
        }
        Ok(RestPage { body, records: count, url, unmatched, notices, leads_on })
    }

    /// The next part of a large page; `None` if nothing is left of it.
    async fn next_part(&mut self) -> Result<Option<RestPage>> {
        let Some(parts) = &mut self.parts else { return Ok(None) };
        let part = parts.next().await.inspect_err(|_| self.parts = None)?;
        let Some(parts) = &self.parts else { return Ok(None) };
        let page = part.map(|(lines, records)| RestPage {
            body: Body::Lines(lines),
            records,
            url: masked_url(&parts.response().url),
            unmatched: None,
            notices: std::mem::take(&mut self.notices),
            leads_on: true,
        });
        if !parts.is_done() {
            if let Some(position) = &mut self.position {
                position.skip = parts.given();
                position.selector.clone_from(&self.detected.selector);
            }
            return Ok(page);
        }
        let Some(parts) = self.parts.take() else { return Ok(None) };
        let mut buffers = ParseBuffers::new();
        let rest = parts.rest();
        let parsed = buffers.parse_value(rest);
        let (request, response) = (parts.request(), parts.response());
        let parsed = parsed.map_err(|error| not_json(response, &request.method, &error))?;
        let answer = Answer::new(request, response, parts.records(), &parsed.tape);
        // What is left of a large page has none of its records.
        self.repeats.without_first();
        self.learn(&answer, || rest.to_vec())?;
        let (notices, leads_on) = (std::mem::take(&mut self.notices), !self.is_done);
        // A page without records is a page too.
        let empty = || RestPage {
            body: Body::Lines(Vec::new()),
            records: 0,
            url: masked_url(&response.url),
            unmatched: None,
            notices: Vec::new(),
            leads_on,
        };
        let page = page.or_else(|| (parts.records() == 0 || !notices.is_empty()).then(empty));
        Ok(page.map(|mut page| {
            page.notices.extend(notices);
            page.leads_on = leads_on;
            page
        }))
    }

    fn select(&mut self, found: Selector) {
        tracing::debug!(selector = found.as_str(), "found the selector");
        self.detected.selector = Some(found.as_str().to_owned());
        self.selector = Some(found);
    }

    /// Learns from a page what comes next, and sends for it if it is wanted ahead.
    fn learn(&mut self, answer: &Answer<'_>, records: impl Fn() -> Vec<u8>) -> Result<()> {
        let mut paginator = match self.paginator.take() {
            Some(paginator) => paginator,
            None => {
                let (found, notice) = detect(answer)?;
                self.notices.extend(notice);
                let built = found.build()?.ok_or_else(|| Error::internal("a guess that guesses"))?;
                self.detected.paginator = Some(found);
                built
            }
        };
        let updated = paginator.update(answer);
        let paginator = self.paginator.insert(paginator);
        updated.map_err(|error| {
            let url = masked_url(&answer.response.url);
            error.at_file(format!("{} {url}", answer.request.method))
        })?;
        self.notices.extend(paginator.notices());
        if !paginator.has_next()
            && !paginator.is_cut()
            && let Some(path) = says_more(answer)
        {
            self.notices.push(PageNotice::new(
                "more",
                format!(
                    "the pages end, although the answer says that there are more (`{path}`): records may be missing; check the \
                     `paginator`"
                ),
            ));
        }
        let name = paginator.next_name();
        let counted = paginator.counts();
        // An only page is held against no other.
        if paginator.has_next() || self.repeats.has_first() {
            self.hold_against_first(counted, answer, &records)?;
        }
        if counted != Counted::Nothing {
            return self.go_on(None, answer);
        }
        let endless = name.as_ref().and_then(|name| self.repeats.note(Some(name), records));
        self.go_on(endless, answer)
    }

    /// Finds pages that are counted from another number than the paginator's.
    fn hold_against_first(
        &mut self,
        counted: Counted,
        answer: &Answer<'_>,
        records: impl FnOnce() -> Vec<u8>,
    ) -> Result<()> {
        if !self.repeats.is_first_again(answer.records, records) {
            return Ok(());
        }
        let unheeded = match counted {
            Counted::Pages => None,
            Counted::Records => Some(
                "the parameter of the `offset` paginator, and other records are missing; correct its `offset_param`",
            ),
            Counted::Nothing => {
                Some("what asks for the next page, and other records are missing; check the `paginator`")
            }
        };
        if let Some(what) = unheeded {
            self.notices.push(PageNotice::new(
                "base",
                format!("a page has the records of the first one: the server does not heed {what}"),
            ));
            return Ok(());
        }
        let Some(paginator) = &mut self.paginator else { return Ok(()) };
        let Some(guessed) = &mut self.detected.paginator else {
            self.notices.push(PageNotice::new(
                "base",
                "a page has the records of the first one: the API may count its pages from another number, and the last page be \
                 missing; set `base_page` of the paginator, or the name of its parameter",
            ));
            return Ok(());
        };
        if !paginator.begin_at_one() {
            let url = masked_url(&answer.response.url);
            return Err(Error::source_failed(format!(
                "{} {url}: the pages are all the same: the server does not heed the parameter `page` of the guessed paginator",
                answer.request.method
            ))
            .with_hint("set `paginator` to what the API has"));
        }
        if let PaginatorConfig::PageNumber(options) = guessed {
            options.base_page = 1;
        }
        self.is_first_again = true;
        self.in_flight.clear();
        Ok(())
    }

    /// Makes ready for the next page, if there is one. Errors: the pages go round in a circle.
    fn go_on(&mut self, endless: Option<String>, answer: &Answer<'_>) -> Result<()> {
        let Some(paginator) = &self.paginator else { return Ok(()) };
        if !paginator.has_next() {
            self.finish();
            return Ok(());
        }
        let name = paginator.next_name();
        let endless = match &name {
            Some(_) => endless,
            None => self.repeats.note_body(answer.records, &answer.response.body),
        };
        if let Some(why) = endless {
            let url = masked_url(&answer.response.url);
            self.in_flight.clear();
            return Err(Error::source_failed(format!("{} {url}: {why}", answer.request.method)).with_hint(
                "the server does not heed the parameter that asks for the next page: check the `paginator`, above all the \
                 name of its parameter",
            ));
        }
        let detected = &self.detected;
        let next = paginator.position();
        self.skip = 0;
        self.position = next.map(|next| Position { next: Some(next), ..detected.clone() });
        self.send_ahead();
        Ok(())
    }

    /// There are no more pages.
    fn finish(&mut self) {
        self.is_done = true;
        self.in_flight.clear();
        self.position = Some(Position { end: true, ..Position::default() });
    }
}
