//! Reads the pages of one resource: where they are wanted, or ahead of that in a task of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use windlass_core::{Error, Result};

use super::budget::ByteBudget;
use crate::source::{Extractor, Page, PartitionFailure, Target};

/// Pages that a task reads ahead.
const PAGES_AHEAD: usize = 4;

/// What the next step of a resource brought, and where reading stands after it.
pub(super) struct Read {
    pub(super) step: Step,
    pub(super) place: Place,
    /// Partitions that failed on the way.
    pub(super) failures: Vec<PartitionFailure>,
    /// What people should know of what was read.
    pub(super) notices: Vec<String>,
    /// Where the page goes, if not to the tables of the resource.
    pub(super) target: Option<Arc<Target>>,
    /// Gives the bytes of a page that was read ahead back.
    _permit: Option<OwnedSemaphorePermit>,
}

/// The next step of a resource.
pub(super) enum Step {
    Page(Page),
    End,
    /// A budget is spent; nothing more can be read in this run.
    Spent(Error),
}

/// Where reading stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    pub(super) partition: usize,
    pub(super) position: Option<Value>,
    /// Whether nothing of the partition was read yet.
    pub(super) is_at_start: bool,
}

impl Place {
    /// Whether reading can go on here.
    pub(super) fn can_resume(&self) -> bool {
        self.is_at_start || self.position.is_some()
    }
}

/// The extractors of one resource, one after the other.
pub(super) struct Pages {
    extractors: VecDeque<Box<dyn Extractor>>,
    place: Place,
}

impl Pages {
    /// The pages from a place on; extractors before it are not asked.
    pub(super) fn new(extractors: Vec<Box<dyn Extractor>>, place: Place) -> Self {
        Self { extractors: extractors.into_iter().skip(place.partition).collect(), place }
    }

    async fn next(&mut self) -> Result<Read> {
        let (mut failures, mut notices) = (Vec::new(), Vec::new());
        loop {
            let Some(extractor) = self.extractors.front_mut() else {
                return Ok(self.read(Step::End, failures, notices));
            };
            let step = extractor.next_page().await;
            failures.extend(extractor.failures());
            notices.extend(extractor.notices());
            match step {
                Ok(Some(page)) => {
                    let (position, target) = (extractor.position(), extractor.target());
                    self.place = Place { position, is_at_start: false, ..self.place };
                    return Ok(Read { target, ..self.read(Step::Page(page), failures, notices) });
                }
                Ok(None) => {
                    self.extractors.pop_front();
                    let partition = self.place.partition + 1;
                    self.place = Place { partition, position: None, is_at_start: true };
                }
                Err(error) if error.is_budget_spent() => {
                    self.extractors.clear();
                    return Ok(self.read(Step::Spent(error), failures, notices));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn read(&self, step: Step, failures: Vec<PartitionFailure>, notices: Vec<String>) -> Read {
        Read { step, place: self.place.clone(), failures, notices, target: None, _permit: None }
    }
}

/// Where the pages of a resource come from.
pub(super) enum Reader {
    Here(Pages),
    Ahead(TaskReader),
}

/// A task that reads ahead, and ends when it is not wanted any more.
pub(super) struct TaskReader {
    receiver: mpsc::Receiver<Result<Read>>,
    /// Pages that the task may still read.
    wanted: Arc<Semaphore>,
    is_begun: bool,
    task: JoinHandle<()>,
}

impl Drop for TaskReader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reader {
    /// Starts to read in a task, holding `bytes` of pages at most. One after the other where what comes of a page
    /// decides about the next.
    pub(super) fn ahead(mut pages: Pages, bytes: usize, is_in_step: bool) -> Self {
        let count = if is_in_step { 1 } else { PAGES_AHEAD };
        let wanted = Arc::new(Semaphore::new(count));
        let (sender, receiver) = mpsc::channel(PAGES_AHEAD + 1);
        let budget = ByteBudget::new(bytes);
        let tickets = Arc::clone(&wanted);
        let task = tokio::spawn(async move {
            loop {
                let Ok(ticket) = tickets.acquire().await else { break };
                ticket.forget();
                let mut read = pages.next().await;
                let mut is_last = true;
                if let Ok(read) = &mut read
                    && let Step::Page(page) = &read.step
                {
                    is_last = false;
                    read._permit = budget.take(page.body.bytes()).await.ok();
                }
                if sender.send(read).await.is_err() || is_last {
                    break;
                }
            }
        });
        Self::Ahead(TaskReader { receiver, wanted, is_begun: false, task })
    }

    /// The next page or the end. What the call before gave is taken as done with.
    pub(super) async fn next(&mut self) -> Result<Read> {
        match self {
            Self::Here(pages) => pages.next().await,
            Self::Ahead(task) => {
                if std::mem::replace(&mut task.is_begun, true) {
                    task.wanted.add_permits(1);
                }
                let read = task.receiver.recv().await;
                read.unwrap_or_else(|| Err(Error::internal("a resource's reader broke down")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use async_trait::async_trait;

    use super::*;
    use crate::source::{Body, Origin};

    struct Counting {
        left: usize,
        asked: Arc<AtomicUsize>,
    }

    #[async_trait]
    impl Extractor for Counting {
        async fn next_page(&mut self) -> Result<Option<Page>> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            if self.left == 0 {
                return Ok(None);
            }
            self.left -= 1;
            let body = Body::Lines(b"{}\n".to_vec());
            Ok(Some(Page { body, first: 0, origin: Arc::new(Origin::default()) }))
        }
    }

    fn counting(pages: usize) -> (Pages, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let extractor = Counting { left: pages, asked: Arc::clone(&asked) };
        (Pages::new(vec![Box::new(extractor)], Place { is_at_start: true, ..Place::default() }), asked)
    }

    async fn settled(asked: &AtomicUsize) -> usize {
        let mut before = asked.load(Ordering::SeqCst);
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = asked.load(Ordering::SeqCst);
            if now == before {
                return now;
            }
            before = now;
        }
    }

    #[tokio::test]
    async fn a_task_reads_a_few_pages_ahead_and_waits() {
        let (pages, asked) = counting(100);
        let mut reader = Reader::ahead(pages, 1 << 20, false);
        assert_eq!(settled(&asked).await, PAGES_AHEAD);
        for _ in 0..10 {
            assert!(matches!(reader.next().await.unwrap().step, Step::Page(_)));
        }
        assert_eq!(settled(&asked).await, PAGES_AHEAD + 9);
    }

    #[tokio::test]
    async fn pages_that_decide_about_the_next_are_read_one_by_one() {
        let (pages, asked) = counting(3);
        let mut reader = Reader::ahead(pages, 1 << 20, true);
        assert_eq!(settled(&asked).await, 1);
        for page in 1..=3 {
            assert!(matches!(reader.next().await.unwrap().step, Step::Page(_)));
            assert_eq!(settled(&asked).await, page);
        }
        assert!(matches!(reader.next().await.unwrap().step, Step::End));
    }

    #[tokio::test]
    async fn bytes_that_are_read_ahead_are_bounded() {
        let (pages, asked) = counting(100);
        let _reader = Reader::ahead(pages, 1, false);
        assert_eq!(settled(&asked).await, 2, "one page waits, and one is held back");
    }
}
