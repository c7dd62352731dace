//! Chains of requests: one for a resource, or one for each record of its parent, in order and some at the same time.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use windlass_core::json::ParseBuffers;
use windlass_core::{Error, ErrorKind, Result};

use super::config::{Binding, CursorMoment, RestResource, bind, quoted_json, reduced};
use super::http::{Request, RequestBody, Transport, is_web, join_url};
use super::include::add_members;
use super::items::{Item, Items};
use super::pages::{Pages, PagesOptions, RestPage};
use super::paginate::{ABSENT, PageNotice};
use super::source::{PAGE, PARENT, goes_on, partition_parts};
use crate::record_limit::RecordLimit;
use crate::source::{CursorRange, Extractor, Opening, Origin, Page, PartitionFailure};

/// What all chains of a resource have in common.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) rest: Arc<RestResource>,
    pub(super) base_url: String,
    /// Headers of the client.
    pub(super) headers: Vec<(String, String)>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) record_limit: RecordLimit,
}

impl Links {
    /// The first request of a chain.
    ///
    /// Errors: two bodies, an address that cannot be.
    fn request(
        &self,
        binding: &Binding,
        cursor: &CursorMoment,
        range: &[(String, Value)],
    ) -> Result<Request> {
        let rest = &self.rest;
        let expanded = rest.template.expand(&binding.fields, cursor, range)?;
        let mut request = Request::new(rest.method.as_str(), join_url(&self.base_url, &expanded.path));
        // The host of an address in a record is anybody's; the credentials are for the one that the file names.
        match rest.template.path.start() {
            start if is_web(start) => request.bind_credentials(&[start, &self.base_url]),
            _ => request.bind_credentials(&[&self.base_url]),
        }
        request.own_params = expanded.params.keys().cloned().collect();
        request.params = expanded.params;
        for (name, value) in &self.headers {
            request.set_header(name, value);
        }
        for (name, value) in &expanded.headers {
            request.set_header(name, value);
        }
        request.auth = rest.auth.clone();
        request.body = match (expanded.json, expanded.data) {
            (Some(json), Some(data)) if is_truthy(&json) && is_truthy(&data) => {
                return Err(Error::config("a request has both `json` and `data`")
                    .with_hint("keep one: a request has one body"));
            }
            (Some(json), None) => RequestBody::Json(json),
            (Some(json), Some(data)) if !is_truthy(&data) => RequestBody::Json(json),
            (_, Some(Value::Object(form))) => RequestBody::Form(form),
            (_, Some(Value::String(text))) => RequestBody::Text(text),
            (_, Some(Value::Null)) | (None, None) => RequestBody::Empty,
            (_, Some(_)) => {
                return Err(Error::config("`data` is neither an object nor a text")
                    .with_hint("an object is sent as a form, a text as it is; for JSON there is `json`"));
            }
        };
        Ok(request)
    }

    fn pages(&self, request: Request, position: Option<Value>) -> Result<Pages> {
        let rest = &self.rest;
        let options = PagesOptions {
            paginator: rest.paginator.clone(),
            selector: rest.selector.clone(),
            actions: rest.actions.clone(),
            read_ahead: rest.read_ahead,
            guess_pages: rest.guess_pages,
            position,
            record_limit: self.record_limit,
        };
        Pages::new(Arc::clone(&self.transport), request, options)
    }

    /// The part of a parent's record that names its chain.
    fn name(&self, record: &Value) -> Value {
        reduced(record, &self.rest.fields, &self.rest.include)
    }
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

/// Reads the chains of a resource, in the order of the parent's records.
pub(super) struct Chains {
    links: Arc<Links>,
    /// How many chains are read at the same time.
    width: usize,
    cursor: Option<CursorRange>,
    items: Items,
    is_drained: bool,
    /// Chains that are begun, in order; pages are taken from the first one.
    running: VecDeque<Chain>,
    /// The parameters for the cursor's range, and the parent's page that they were made for.
    range: Option<(u64, Vec<(String, Value)>)>,
    /// Where the first item is to begin, and its number.
    begin: Option<(u64, Option<Value>)>,
    /// Number of the next record.
    first: u64,
    position: Option<Value>,
    failures: Vec<PartitionFailure>,
    notices: Vec<String>,
    /// What was told already; once is enough.
    told: HashSet<&'static str>,
    /// What is told at the end if no chain led on: one record of a parent may well have one page.
    absent: Option<String>,
    leads_on: bool,
    buffers: ParseBuffers,
}

/// The requests for one record of the parent.
struct Chain {
    item: Item,
    /// What its records get: text to put before the closing brace.
    added: String,
    feed: Feed,
    /// Where to go on after the page that was taken last.
    position: Option<Value>,
    pages: u64,
}

/// Where the pages of a chain come from.
enum Feed {
    /// Asked for one after the other.
    Here(Box<Pages>),
    /// Asked for by a task, while other chains are.
    Task { inbox: mpsc::Receiver<Result<Taken>>, task: JoinHandle<()> },
    /// Nowhere: the chain could not be begun.
    Failed(Option<Error>),
}

/// A page, and where to go on behind it.
type Taken = (RestPage, Option<Value>);

impl Feed {
    fn task(mut pages: Pages) -> Self {
        // One page waits while the next is asked for; with all chains together this bounds the memory.
        let (sender, inbox) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            loop {
                let taken = match pages.next().await {
                    Ok(Some(page)) => Ok((page, pages.position())),
                    Ok(None) => return,
                    Err(error) => Err(error),
                };
                let is_last = taken.is_err();
                if sender.send(taken).await.is_err() || is_last {
                    return;
                }
            }
        });
        Self::Task { inbox, task }
    }

    async fn next(&mut self) -> Result<Option<Taken>> {
        match self {
            Self::Here(pages) => Ok(pages.next().await?.map(|page| (page, pages.position()))),
            Self::Task { inbox, .. } => inbox.recv().await.transpose(),
            Self::Failed(error) => error.take().map_or(Ok(None), Err),
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Self::Task { task, .. } = self {
            task.abort();
        }
    }
}

/// The keys of a position.
const ITEM: &str = "item";
const FIRST: &str = "first";

impl Chains {
    /// Errors: a position that is none of this extractor.
    pub(super) fn open(links: Links, width: usize, opening: &Opening) -> Result<Self> {
        let items = match &opening.parent_pages {
            Some(pages) => Items::of_parent(pages, opening.retries.iter().map(partition_parts).collect()),
            None if links.rest.resource.parent.is_some() => {
                return Err(Error::internal("a resource is opened without the pages of its parent"));
            }
            None => Items::root(),
        };
        let mut first = 0;
        let mut begin = None;
        if let Some(position) = &opening.position {
            let number = |key: &str| {
                position
                    .get(key)
                    .and_then(Value::as_u64)
                    .ok_or_else(|| Error::internal(format!("a position has no `{key}`")))
            };
            first = number(FIRST)?;
            begin = Some((number(ITEM)?, position.get(PAGE).filter(|page| !page.is_null()).cloned()));
        }
        Ok(Self {
            links: Arc::new(links),
            width: width.max(1),
            cursor: opening.cursor.clone(),
            items,
            is_drained: false,
            running: VecDeque::new(),
            range: None,
            begin,
            first,
            position: opening.position.clone(),
            failures: Vec::new(),
            notices: Vec::new(),
            told: HashSet::new(),
            absent: None,
            leads_on: false,
            buffers: ParseBuffers::default(),
        })
    }

    /// Begins chains until enough run.
    async fn fill(&mut self) -> Result<()> {
        let links = Arc::clone(&self.links);
        let name = |record: &Value| links.name(record);
        if let Some((index, _)) = &self.begin {
            self.items.skip_to(*index, name).await?;
        }
        while !self.is_drained && self.running.len() < self.width {
            let Some(mut item) = self.items.next(name).await? else {
                self.is_drained = true;
                break;
            };
            if let Some((_, page)) = self.begin.take() {
                item.page = page.or(item.page);
            }
            let chain = self.chain(item);
            self.running.push_back(chain);
        }
        Ok(())
    }

    /// Begins the chain of an item; what is wrong with it is said when its turn comes.
    fn chain(&mut self, item: Item) -> Chain {
        let mut added = String::new();
        let feed = match self.begun(&item, &mut added) {
            Ok(pages) if self.width > 1 => Feed::task(pages),
            Ok(pages) => Feed::Here(Box::new(pages)),
            Err(error) => Feed::Failed(Some(error)),
        };
        let position = item.page.clone();
        Chain { item, added, feed, position, pages: 0 }
    }

    fn begun(&mut self, item: &Item, added: &mut String) -> Result<Pages> {
        let rest = &self.links.rest;
        let binding = match &rest.resource.parent {
            None => Binding::default(),
            Some(parent) => bind(&item.record, parent, &rest.fields, &rest.include)?,
        };
        for (name, value) in &binding.include {
            added.push_str(&format!(",{}:{value}", quoted_json(name)));
        }
        let moment = self.cursor.as_ref().map(CursorMoment::of).unwrap_or_default();
        let requests = rest.template.cursor.clone().unwrap_or_default();
        // As in the reference, the parameters for the range move with the pages of the parent, placeholders with every
        // record.
        let range = match &self.range {
            Some((page, range)) if *page == item.parent_page => range.clone(),
            _ => self.range.insert((item.parent_page, moment.params(&requests)?)).1.clone(),
        };
        let request = self.links.request(&binding, &moment, &range)?;
        self.links.pages(request, item.page.clone())
    }

    /// What is kept of a failed chain; the error if the run cannot go on without it.
    fn failure(&self, chain: &Chain, error: Error) -> Result<PartitionFailure> {
        let is_of_the_chain =
            matches!(error.kind(), ErrorKind::Source | ErrorKind::Data) && !error.is_budget_spent();
        // Without a position the pages that were taken already would be read twice.
        let can_go_on = chain.pages == 0 || chain.position.is_some();
        if !goes_on(&self.links.rest) || !is_of_the_chain || !can_go_on {
            return Err(error);
        }
        Ok(PartitionFailure { partition: self.partition(&chain.item, chain.position.as_ref()), error })
    }

    /// What names a chain, and where to go on in it.
    fn partition(&self, item: &Item, page: Option<&Value>) -> Value {
        let mut partition = json!({ PARENT: self.links.name(&item.record) });
        if let Some(page) = page {
            partition[PAGE] = page.clone();
        }
        partition
    }

    /// Leaves this chain and all others behind to the next run, since the parent's pages are gone by then.
    async fn leave(&mut self, chain: Chain, error: &Error) -> Result<()> {
        let links = Arc::clone(&self.links);
        let mut left = vec![self.partition(&chain.item, chain.position.as_ref())];
        for chain in std::mem::take(&mut self.running) {
            left.push(self.partition(&chain.item, chain.item.page.as_ref()));
        }
        while let Some(item) = self.items.next(|record| links.name(record)).await? {
            left.push(self.partition(&item, item.page.as_ref()));
        }
        self.is_drained = true;
        let failures = left
            .into_iter()
            .map(|partition| PartitionFailure { partition, error: Error::budget_spent(error.message()) });
        self.failures.extend(failures);
        Ok(())
    }

    /// Notes what is to be told of a page.
    fn tell(&mut self, url: &str, unmatched: Option<String>, notices: Vec<PageNotice>, leads_on: bool) {
        self.leads_on |= leads_on;
        if let Some(selector) = unmatched.filter(|_| self.told.insert("unmatched")) {
            self.notices.push(format!(
                "the selector `{selector}` finds nothing in the answer of {url}, which is taken for empty; \
                 `data_selector` says where the records are"
            ));
        }
        for PageNotice { about, text } in notices {
            let text = format!("{text} ({url})");
            if about == ABSENT && self.links.rest.resource.parent.is_some() {
                self.absent.get_or_insert(text);
            } else if self.told.insert(about) {
                self.notices.push(text);
            }
        }
    }

    fn position_of(&self, item: u64, page: Option<&Value>) -> Value {
        json!({ ITEM: item, PAGE: page, FIRST: self.first })
    }
}

#[async_trait]
impl Extractor for Chains {
    async fn next_page(&mut self) -> Result<Option<Page>> {
        loop {
            self.fill().await?;
            let Some(chain) = self.running.front_mut() else {
                let absent = self.absent.take().filter(|_| !self.leads_on);
                self.notices.extend(absent);
                return Ok(None);
            };
            let taken = chain.feed.next().await;
            match taken {
                Ok(Some((page, position))) => {
                    let body = match chain.added.as_str() {
                        "" => page.body,
                        added => add_members(&page.body, added, &mut self.buffers)?,
                    };
                    chain.pages += 1;
                    chain.position = position;
                    let first = self.first;
                    self.first += page.records;
                    let (item, position) = (chain.item.index, chain.position.clone());
                    self.position = position.map(|page| self.position_of(item, Some(&page)));
                    self.tell(&page.url, page.unmatched, page.notices, page.leads_on);
                    let origin = Arc::new(Origin { file: Some(page.url), ..Origin::default() });
                    return Ok(Some(Page { body, first, origin }));
                }
                Ok(None) => {
                    let next = chain.item.index + 1;
                    self.running.pop_front();
                    self.position = Some(self.position_of(next, None));
                }
                Err(error) => {
                    let Some(chain) = self.running.pop_front() else { return Err(error) };
                    if error.is_budget_spent() && self.links.rest.resource.parent.is_some() {
                        self.leave(chain, &error).await?;
                        return Err(error);
                    }
                    let failure = self.failure(&chain, error)?;
                    self.failures.push(failure);
                    self.position = Some(self.position_of(chain.item.index + 1, None));
                }
            }
        }
    }

    fn position(&self) -> Option<Value> {
        self.position.clone()
    }

    fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }

    fn failures(&mut self) -> Vec<PartitionFailure> {
        std::mem::take(&mut self.failures)
    }
}

#[cfg(test)]
mod tests;
