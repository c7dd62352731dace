//! How a table is read: by one reader, or in pieces by several.

use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use windlass_core::{Error, Result};

use super::connections::{Connection, Connections, Turn};
use super::database::Dialect;
use super::key::ReadKey;
use super::parallel::{OpenPiece, Parallel, PieceProgress};
use super::reader::{TableRead, TableReader};
use super::snapshot::SharedSnapshot;
use super::split::{Piece, Split, SplitRequest, split};
use crate::source::{Extractor, Opening, Page};

/// The reader of a table, from the place where an earlier run left it.
///
/// Errors: no connection; options that ask for pieces of what cannot be cut; a place that is none.
pub(super) async fn open(
    read: TableRead,
    mut notices: Vec<String>,
    opening: &Opening,
    connections: &Arc<Connections>,
) -> Result<Box<dyn Extractor>> {
    let options = &read.table.options;
    let position = opening.position.as_ref();
    let progress =
        position.filter(|position| position.get("pieces").is_some()).map(PieceProgress::read).transpose()?;
    let is_single = position.is_some() && progress.is_none();
    let is_in_order = read.cursor.is_some() || read.limit.is_some();
    let partitions = options.partitions.map(NonZeroUsize::get);
    if is_in_order && partitions.is_some_and(|partitions| partitions > 1) {
        notices.push(
            "`partitions` has no effect: with `row_order` or a limit, rows are read one after the other"
                .to_owned(),
        );
    }
    let split = if progress.is_some() {
        Split { pieces: Vec::new(), is_lasting: true }
    } else if is_in_order || is_single {
        Split::whole()
    } else {
        cut(&read, opening).await?
    };
    if progress.is_none() && split.pieces.len() <= 1 {
        let reader = TableReader::new(read, notices, position)?;
        return Ok(Box::new(Single { reader, turn: connections.line_up(), connection: None }));
    }
    let readers = partitions.unwrap_or_else(default_readers);
    let is_begun = progress.is_some();
    let key = key(&read, &split);
    let snapshot = Arc::new(SharedSnapshot::new(split.is_lasting));
    if partitions.is_none() && !is_begun && snapshot.name(&*read.database, &mut notices).await.is_err() {
        // A standby exports no snapshot; nobody asked for pieces, and one reader needs none.
        let reader = TableReader::new(read, notices, None)?;
        return Ok(Box::new(Single { reader, turn: connections.line_up(), connection: None }));
    }
    let opens = Arc::new(Pieces { read: TableRead { snapshot: Some(snapshot), ..read }, key });
    let parallel =
        Parallel::new(opens, split, progress, readers, connections, opening.checkpoint_due.clone());
    Ok(Box::new(parallel.with_notices(notices)))
}

/// Readers of a large table at the same time when nobody says.
const MOST_READERS: usize = 4;

fn default_readers() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(MOST_READERS)
}

/// Rows from which a table is worth a second reader when nobody asked for one.
const WORTH_ROWS: u64 = 500_000;

async fn cut(read: &TableRead, opening: &Opening) -> Result<Split> {
    let (options, database) = (&read.table.options, &*read.database);
    let (table, select) = (&read.table.shape, &read.select);
    let mut request =
        SplitRequest { table, select, column: options.partition_on.as_deref(), readers: 1, must: true };
    match options.partitions {
        Some(partitions) => request.readers = partitions.get(),
        None => {
            // Elsewhere the pieces would be seen at several moments, and only new rows are seldom worth the effort.
            let is_continued = opening.cursor.as_ref().is_some_and(|cursor| cursor.start_value.is_some());
            if database.dialect() != Dialect::Postgres || table.is_view || is_continued {
                return Ok(Split::whole());
            }
            (request.readers, request.must) = (default_readers(), false);
            if request.readers > 1 && request.row_count(database).await? < WORTH_ROWS {
                return Ok(Split::whole());
            }
        }
    }
    split(database, request).await.map_err(|error: Error| error.at_table(&table.name))
}

/// The key that the rows of each piece are read in the order of, so that reading can go on in its midst: the one that
/// cuts them, where an index gives the order. DuckDB would sort each piece.
fn key(read: &TableRead, split: &Split) -> Option<ReadKey> {
    let dialect = read.database.dialect();
    let cuts = read.table.options.partition_on.as_ref();
    let is_by_key = cuts.is_none_or(|column| read.table.shape.primary_key.first() == Some(column));
    if !split.is_lasting || !is_by_key || dialect == Dialect::DuckDb {
        return None;
    }
    ReadKey::primary(dialect, &read.table)
}

/// The pieces of one table, seen at one moment where the database can do that.
struct Pieces {
    read: TableRead,
    key: Option<ReadKey>,
}

#[async_trait]
impl OpenPiece for Pieces {
    async fn open(&self, piece: &Piece, position: Option<&Value>) -> Result<Box<dyn Extractor>> {
        let mut read = self.read.clone();
        read.select.conditions.extend(piece.condition.clone());
        Ok(Box::new(TableReader::in_order(read, self.key.clone(), Vec::new(), position)?))
    }
}

/// A table that one connection reads, once it has come.
struct Single {
    reader: TableReader,
    turn: Turn,
    connection: Option<Connection>,
}

#[async_trait]
impl Extractor for Single {
    async fn next_page(&mut self) -> Result<Option<Page>> {
        if self.connection.is_none() {
            self.connection = Some(self.turn.come().await);
        }
        let page = self.reader.next_page().await?;
        if page.is_none() {
            self.connection = None;
        }
        Ok(page)
    }

    fn position(&self) -> Option<Value> {
        self.reader.position()
    }

    fn notices(&mut self) -> Vec<String> {
        self.reader.notices()
    }
}
