//! Reads the pieces of a table at the same time, as one extractor.
//!
//! ```text
//!  piece 3 ──task──┐
//!  piece 4 ──task──┼──> pages in the order in which they come ──> next_page, position: what is done, and how far the others are
//!  (5, 6 …  wait)  ┘
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use windlass_core::{Error, Result};

use super::connections::{Connection, Connections, Turn};
use super::split::{Piece, Split};
use crate::source::{Extractor, Origin, Page};

/// Begins to read a piece.
#[async_trait]
pub(super) trait OpenPiece: Send + Sync {
    /// The reader of a piece, from what its [`Extractor::position`] was.
    async fn open(&self, piece: &Piece, position: Option<&Value>) -> Result<Box<dyn Extractor>>;
}

/// The pieces of a table and how far they are read, as a checkpoint keeps it. The pieces are part of it: after a crash
/// the table may be cut elsewhere, and what was read would not be known any more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct PieceProgress {
    /// All pieces.
    pub(super) pieces: Vec<Piece>,
    /// Those that are read, by index.
    pub(super) done: BTreeSet<usize>,
    /// Where those go on that were begun.
    pub(super) at: BTreeMap<usize, Value>,
}

impl PieceProgress {
    /// What a checkpoint kept. Errors: something else.
    pub(super) fn read(position: &Value) -> Result<Self> {
        Self::deserialize(position).map_err(|cause| {
            Error::data("the place where a table was left cannot be read")
                .with_source(cause)
                .with_hint("`windlass pipeline drop-pending NAME` gives up what was read of it")
        })
    }
}

/// The pieces of a table.
pub(super) struct Parallel {
    opens: Arc<dyn OpenPiece>,
    progress: PieceProgress,
    is_lasting: bool,
    readers: usize,
    connections: Arc<Connections>,
    turn: Turn,
    /// The table's first connection, once it has come, and the piece that uses it.
    first: Option<Connection>,
    first_user: Option<usize>,
    waiting: VecDeque<usize>,
    /// Pieces that are being read.
    running: BTreeSet<usize>,
    /// Those of them that cannot go on where they are.
    adrift: BTreeSet<usize>,
    tasks: JoinSet<()>,
    sender: mpsc::Sender<Message>,
    receiver: mpsc::Receiver<Message>,
    checkpoint_due: Option<watch::Receiver<bool>>,
    notices: Vec<String>,
}

/// What the task of a piece says.
enum Message {
    /// A page, where the piece stands after it, and whether it was the last.
    Page {
        piece: usize,
        page: Page,
        position: Option<Value>,
        is_last: bool,
        notices: Vec<String>,
    },
    End {
        piece: usize,
        notices: Vec<String>,
    },
    Failed(Error),
}

impl Parallel {
    /// The pieces of a split, `readers` of them at a time as far as there are connections; from a checkpoint on if
    /// there is one. Lines up for the first connection at once.
    pub(super) fn new(
        opens: Arc<dyn OpenPiece>,
        split: Split,
        progress: Option<PieceProgress>,
        readers: usize,
        connections: &Arc<Connections>,
        checkpoint_due: Option<watch::Receiver<bool>>,
    ) -> Self {
        let progress =
            progress.unwrap_or_else(|| PieceProgress { pieces: split.pieces, ..PieceProgress::default() });
        // Those that were begun come first: what they hold open at the server is the oldest.
        let begun = progress.at.keys().copied();
        let fresh = (0..progress.pieces.len())
            .filter(|piece| !(progress.done.contains(piece) || progress.at.contains_key(piece)));
        let (sender, receiver) = mpsc::channel(1);
        Self {
            waiting: begun.chain(fresh).collect(),
            opens,
            progress,
            is_lasting: split.is_lasting,
            readers: readers.max(1),
            connections: Arc::clone(connections),
            turn: connections.line_up(),
            first: None,
            first_user: None,
            running: BTreeSet::new(),
            adrift: BTreeSet::new(),
            tasks: JoinSet::new(),
            sender,
            receiver,
            checkpoint_due,
            notices: Vec::new(),
        }
    }

    /// Says this with the first page.
    pub(super) fn with_notices(mut self, notices: Vec<String>) -> Self {
        self.notices.extend(notices);
        self
    }

    /// Whether to let the pieces that are read come to their end, so that a checkpoint finds nothing half read.
    fn is_settling(&self) -> bool {
        let is_due = self.checkpoint_due.as_ref().is_some_and(|due| *due.borrow());
        is_due && self.is_lasting && !self.adrift.is_empty()
    }

    async fn begin_pieces(&mut self) {
        while self.running.len() < self.readers && !self.waiting.is_empty() && !self.is_settling() {
            if self.first.is_none() {
                self.first = Some(self.turn.come().await);
            }
            let connection = match self.first_user {
                None => None,
                Some(_) => match self.connections.one_more() {
                    Some(connection) => Some(connection),
                    None => break,
                },
            };
            let Some(index) = self.waiting.pop_front() else { break };
            if connection.is_none() {
                self.first_user = Some(index);
            }
            let Some(piece) = self.progress.pieces.get(index).cloned() else { continue };
            self.running.insert(index);
            let reading = Reading {
                index,
                piece,
                position: self.progress.at.get(&index).cloned(),
                opens: Arc::clone(&self.opens),
                sender: self.sender.clone(),
                connection,
            };
            self.tasks.spawn(reading.run());
        }
    }

    fn end(&mut self, piece: usize) {
        self.running.remove(&piece);
        self.first_user.take_if(|user| *user == piece);
        self.adrift.remove(&piece);
        self.progress.at.remove(&piece);
        self.progress.done.insert(piece);
    }
}

#[async_trait]
impl Extractor for Parallel {
    async fn next_page(&mut self) -> Result<Option<Page>> {
        loop {
            self.begin_pieces().await;
            if self.running.is_empty() && self.waiting.is_empty() {
                self.first = None;
                return Ok(None);
            }
            match self.receiver.recv().await {
                Some(Message::Page { piece, page, position, is_last, notices }) => {
                    self.notices.extend(notices);
                    match position {
                        _ if is_last => self.end(piece),
                        None => {
                            self.adrift.insert(piece);
                        }
                        Some(position) => {
                            self.adrift.remove(&piece);
                            self.progress.at.insert(piece, position);
                        }
                    }
                    return Ok(Some(page));
                }
                Some(Message::End { piece, notices }) => {
                    self.notices.extend(notices);
                    self.end(piece);
                }
                Some(Message::Failed(error)) => {
                    self.tasks.abort_all();
                    return Err(error);
                }
                None => return Err(Error::internal("the readers of a table broke down")),
            }
        }
    }

    fn position(&self) -> Option<Value> {
        let can_resume = self.is_lasting && self.adrift.is_empty();
        can_resume.then(|| serde_json::to_value(&self.progress).ok()).flatten()
    }

    fn notices(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notices)
    }
}

/// The reading of one piece.
struct Reading {
    index: usize,
    piece: Piece,
    position: Option<Value>,
    opens: Arc<dyn OpenPiece>,
    sender: mpsc::Sender<Message>,
    /// Beyond the table's first.
    connection: Option<Connection>,
}

impl Reading {
    async fn run(self) {
        let Self { index, piece, position, opens, sender, connection } = self;
        let reading = read(index, &piece, position.as_ref(), &*opens, &sender);
        let ended = match reading.await {
            Ok(notices) => notices.map(|notices| Message::End { piece: index, notices }),
            Err(error) => Some(Message::Failed(error)),
        };
        drop(connection);
        if let Some(ended) = ended {
            // Nobody listens to a table that was given up.
            let _ = sender.send(ended).await;
        }
    }
}

/// Sends the pages of a piece. Gives the last notices; `None` if the last page has told the end already.
///
/// What cannot go on in its midst is read one page ahead, so that its last page is known to be the last.
async fn read(
    index: usize,
    piece: &Piece,
    position: Option<&Value>,
    opens: &dyn OpenPiece,
    sender: &mpsc::Sender<Message>,
) -> Result<Option<Vec<String>>> {
    let mut extractor = opens.open(piece, position).await?;
    let mut origin: Option<Arc<Origin>> = None;
    let mut next = extractor.next_page().await?;
    while let Some(mut page) = next.take() {
        let origin = origin.get_or_insert_with(|| {
            Arc::new(Origin {
                file: page.origin.file.clone(),
                counts_lines: page.origin.counts_lines,
                partition: index as u64,
            })
        });
        page.origin = Arc::clone(origin);
        let position = extractor.position();
        let is_adrift = position.is_none();
        let mut is_last = false;
        if is_adrift {
            next = extractor.next_page().await?;
            is_last = next.is_none();
        }
        let message = Message::Page { piece: index, page, position, is_last, notices: extractor.notices() };
        if sender.send(message).await.is_err() || is_last {
            return Ok(None);
        }
        if !is_adrift {
            next = extractor.next_page().await?;
        }
    }
    Ok(Some(extractor.notices()))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;
    use crate::source::Body;

    /// Pieces of so many pages each; a page holds the number of its piece and its own.
    struct Book {
        pages: BTreeMap<String, u64>,
        has_positions: bool,
        open: AtomicUsize,
        most_open: AtomicUsize,
        opened: Mutex<Vec<String>>,
    }

    struct Chapter {
        name: String,
        at: u64,
        pages: u64,
        has_positions: bool,
        book: Arc<Book>,
    }

    impl Drop for Chapter {
        fn drop(&mut self) {
            self.book.open.fetch_sub(1, Ordering::SeqCst);
        }
    }

    #[async_trait]
    impl Extractor for Chapter {
        async fn next_page(&mut self) -> Result<Option<Page>> {
            tokio::task::yield_now().await;
            if self.at == self.pages {
                return Ok(None);
            }
            let line = format!("{}.{}\n", self.name, self.at);
            self.at += 1;
            let body = Body::Lines(line.into_bytes());
            Ok(Some(Page { body, first: self.at - 1, origin: Arc::default() }))
        }

        fn position(&self) -> Option<Value> {
            self.has_positions.then(|| json!(self.at))
        }
    }

    struct Opens(Arc<Book>);

    #[async_trait]
    impl OpenPiece for Opens {
        async fn open(&self, piece: &Piece, position: Option<&Value>) -> Result<Box<dyn Extractor>> {
            let book = &self.0;
            book.opened.lock().unwrap().push(piece.name.clone());
            let open = book.open.fetch_add(1, Ordering::SeqCst) + 1;
            book.most_open.fetch_max(open, Ordering::SeqCst);
            let Some(pages) = book.pages.get(&piece.name).copied() else {
                book.open.fetch_sub(1, Ordering::SeqCst);
                return Err(Error::source_failed("the connection was closed"));
            };
            let at = position.and_then(Value::as_u64).unwrap_or(0);
            let has_positions = book.has_positions;
            Ok(Box::new(Chapter {
                name: piece.name.clone(),
                at,
                pages,
                has_positions,
                book: Arc::clone(book),
            }))
        }
    }

    fn book(pages: &[u64], has_positions: bool) -> Arc<Book> {
        Arc::new(Book {
            pages: pages.iter().enumerate().map(|(index, pages)| (index.to_string(), *pages)).collect(),
            has_positions,
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            opened: Mutex::default(),
        })
    }

    fn pieces(count: usize) -> Split {
        let piece = |index: usize| Piece { name: index.to_string(), condition: None };
        Split { pieces: (0..count).map(piece).collect(), is_lasting: true }
    }

    fn parallel(book: &Arc<Book>, count: usize, from: Option<Value>, due: Option<bool>) -> Parallel {
        let progress = from.map(|from| PieceProgress::read(&from).unwrap());
        let due = due.map(|due| watch::channel(due).1);
        let opens = Arc::new(Opens(Arc::clone(book)));
        Parallel::new(opens, pieces(count), progress, 2, &Connections::new(8), due)
    }

    fn text(page: &Page) -> String {
        match &page.body {
            Body::Lines(bytes) => String::from_utf8_lossy(bytes).trim().to_owned(),
            _ => panic!("not a line"),
        }
    }

    const PAGES: [u64; 5] = [3, 0, 5, 1, 2];

    fn all() -> Vec<String> {
        let pieces = PAGES.iter().enumerate();
        pieces.flat_map(|(piece, pages)| (0..*pages).map(move |page| format!("{piece}.{page}"))).collect()
    }

    #[tokio::test]
    async fn every_page_of_every_piece_comes_once_and_two_are_open_at_most() {
        let book = book(&PAGES, true);
        let mut parallel = parallel(&book, PAGES.len(), None, None);
        let mut seen = Vec::new();
        while let Some(page) = parallel.next_page().await.unwrap() {
            assert_eq!(page.origin.partition.to_string(), text(&page)[..1]);
            seen.push(text(&page));
        }
        seen.sort();
        assert_eq!(seen, all());
        assert_eq!(book.most_open.load(Ordering::SeqCst), 2);
        assert!(parallel.next_page().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn reading_goes_on_after_any_page() {
        for has_positions in [true, false] {
            for broken_after in 0..all().len() {
                let first = book(&PAGES, has_positions);
                // What cannot go on in its midst comes to a place where it can when a checkpoint is due.
                let mut parallel_before = parallel(&first, PAGES.len(), None, Some(true));
                let (mut kept, mut read, mut from) = (Vec::new(), Vec::new(), None);
                for _ in 0..=broken_after {
                    read.push(text(&parallel_before.next_page().await.unwrap().unwrap()));
                    if let Some(position) = parallel_before.position() {
                        from = Some(position);
                        kept.append(&mut read);
                    }
                }
                drop(parallel_before);
                let mut parallel = parallel(&book(&PAGES, has_positions), PAGES.len(), from, None);
                while let Some(page) = parallel.next_page().await.unwrap() {
                    kept.push(text(&page));
                }
                kept.sort();
                assert_eq!(kept, all(), "broken after {broken_after}, positions: {has_positions}");
            }
        }
    }

    #[tokio::test]
    async fn pieces_that_cannot_go_on_settle_when_a_checkpoint_is_due() {
        let mut parallel = parallel(&book(&[50, 50, 50, 50], false), 4, None, Some(true));
        let mut marks = 0;
        while parallel.next_page().await.unwrap().is_some() {
            marks += usize::from(parallel.position().is_some());
        }
        assert_eq!(marks, 2, "two pieces at a time are read to their end");
    }

    #[tokio::test]
    async fn a_piece_that_fails_fails_the_table() {
        let mut parallel = parallel(&book(&[1], true), 2, None, None);
        let error = loop {
            match parallel.next_page().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("a piece was lost"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.message(), "the connection was closed");
    }
}
