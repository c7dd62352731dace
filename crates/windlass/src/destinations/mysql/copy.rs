//! A job file on its way into a table: by `LOAD DATA LOCAL INFILE` where the server takes it, else by `INSERT`.

use std::path::Path;

use arrow_array::RecordBatchReader as _;
use arrow_schema::{DataType as ArrowType, Schema};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use tokio::sync::mpsc;
use windlass_core::sql::MYSQL;
use windlass_core::{Error, Result};

use super::encode::{Form, put};
use crate::destinations::job_file::{damaged, open_job_file};
use crate::destinations::run_blocking;
use crate::destinations::sql::Column;
use crate::failpoint::failpoint;
use crate::mysql::{Connection, TOO_NARROW, failed, server_code};
use crate::said::Said;

/// Bytes that are sent at once.
const PIECE_BYTES: usize = 256 << 10;

/// Pieces that wait to be sent; more would only take memory.
const WAITING_PIECES: usize = 4;

/// Bytes of an `INSERT`, if the server takes as many; more makes it no faster.
const STATEMENT_BYTES: usize = 1 << 20;

/// The server or this user may not read files of clients, in the words of each server.
const NO_LOCAL_FILES: [u16; 4] = [1148, 3948, 3950, 4166];

/// Where rows go.
pub(super) struct Target<'a> {
    pub(super) dataset: &'a str,
    pub(super) table: &'a str,
    /// Bytes that a statement may have.
    pub(super) max_packet: usize,
}

impl Target<'_> {
    fn table(&self) -> String {
        MYSQL.qualify(self.dataset, self.table)
    }
}

/// Copies the rows of a file by `LOAD DATA` and gives their number; `None` if the server takes no files of clients.
///
/// Errors: the file, values that do not fit, the server.
pub(super) async fn load_file(
    connection: &mut Connection,
    target: &Target<'_>,
    path: &Path,
) -> Result<Option<u64>> {
    let reader = open_job_file(path)?;
    let sql = load_statement(target, &reader.schema());
    let (pieces, inbox) = mpsc::channel(WAITING_PIECES);
    let place = path.to_owned();
    let encoding = run_blocking(move || Ok(encode_lines(reader, &place, &pieces)));
    let loading = connection.load_data(&sql, inbox);
    let (encoded, loaded) = tokio::join!(encoding, loading);
    let loaded = match loaded? {
        Err(cause) if server_code(&cause).is_some_and(|code| NO_LOCAL_FILES.contains(&code)) => {
            return Ok(None);
        }
        loaded => loaded,
    };
    // A value that cannot be sent is what has ended the statement.
    encoded??;
    let settings = &connection.settings;
    let failed = failed(settings.side, "write to", &settings.location);
    let (rows, warnings) = loaded.map_err(failed)?;
    if warnings > 0 {
        // What a strict `INSERT` refuses, `LOAD DATA LOCAL` changes to fit, with a warning.
        return Err(changed_values(connection).await?);
    }
    Ok(Some(rows))
}

/// The error for values that the server has changed.
async fn changed_values(connection: &mut Connection) -> Result<Error> {
    let warnings = connection.texts("SHOW WARNINGS LIMIT 1", "query").await?;
    let text = warnings.into_iter().flatten().nth(2).flatten().unwrap_or_default();
    // `Data too long for column 'a' at row 1`: the row is the one of the file.
    let column = text.split("column '").nth(1).and_then(|rest| rest.split('\'').next()).map(str::to_owned);
    let error = Error::destination("MySQL would have to change a value of the load to store it")
        .with_source(Said(text))
        .with_hint(TOO_NARROW);
    Ok(match column {
        Some(column) => error.at_column(column),
        None => error,
    })
}

fn load_statement(target: &Target<'_>, schema: &Schema) -> String {
    let (mut columns, mut set) = (Vec::new(), Vec::new());
    for (index, field) in schema.fields().iter().enumerate() {
        let name = MYSQL.quote(field.name());
        if matches!(field.data_type(), ArrowType::Binary | ArrowType::FixedSizeBinary(_)) {
            columns.push(format!("@b{index}"));
            set.push(format!("{name} = UNHEX(@b{index})"));
        } else {
            columns.push(name);
        }
    }
    let set = if set.is_empty() { String::new() } else { format!(" SET {}", set.join(", ")) };
    format!(
        "LOAD DATA LOCAL INFILE 'windlass' INTO TABLE {} CHARACTER SET utf8mb4 \
         FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' ({}){set}",
        target.table(),
        columns.join(", ")
    )
}

fn encode_lines(
    reader: ParquetRecordBatchReader,
    path: &Path,
    pieces: &mpsc::Sender<std::io::Result<Bytes>>,
) -> Result<()> {
    let encoded = send_lines(reader, path, pieces);
    if encoded.is_err() {
        // The end of the file would be the end of the statement, with the rows so far.
        drop(pieces.blocking_send(Err(std::io::Error::other("a value cannot be sent"))));
    }
    encoded
}

fn send_lines(
    reader: ParquetRecordBatchReader,
    path: &Path,
    pieces: &mpsc::Sender<std::io::Result<Bytes>>,
) -> Result<()> {
    let mut piece = Vec::with_capacity(PIECE_BYTES + 4096);
    for batch in reader {
        failpoint("mysql.copy_batch")?;
        let batch = batch.map_err(|cause| damaged(path, cause))?;
        let columns = Column::all(&batch, MYSQL.facts().name)?;
        for row in 0..batch.num_rows() {
            for (index, column) in columns.iter().enumerate() {
                if index > 0 {
                    piece.push(b'\t');
                }
                put(&column.value(row), Form::Field, &mut piece)
                    .map_err(|error| error.at_column(batch.schema().field(index).name()))?;
            }
            piece.push(b'\n');
            if piece.len() >= PIECE_BYTES {
                let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_BYTES + 4096));
                if pieces.blocking_send(Ok(full.into())).is_err() {
                    return Ok(());
                }
            }
        }
    }
    if !piece.is_empty() {
        // Nobody receives any more if the server refused the rows, and that is the error that counts.
        drop(pieces.blocking_send(Ok(piece.into())));
    }
    Ok(())
}

/// Inserts the rows of a file and gives their number. Errors: as of [`load_file`].
pub(super) async fn insert_file(
    connection: &mut Connection,
    target: &Target<'_>,
    path: &Path,
) -> Result<u64> {
    let reader = open_job_file(path)?;
    let schema = reader.schema();
    let names: Vec<String> = schema.fields().iter().map(|field| MYSQL.quote(field.name())).collect();
    let head = format!("INSERT INTO {} ({}) VALUES ", target.table(), names.join(", "));
    let limit = STATEMENT_BYTES.min(target.max_packet / 2);
    let (statements, mut inbox) = mpsc::channel(WAITING_PIECES);
    let place = path.to_owned();
    let encoding = run_blocking(move || encode_inserts(reader, &place, &head, limit, &statements));
    // A refusal ends the receiving, and without a receiver the thread stops.
    let inserting = async move {
        let mut rows = 0;
        while let Some(statement) = inbox.recv().await {
            rows += connection.execute(&statement, "write to").await?;
        }
        Ok::<_, Error>(rows)
    };
    let (encoded, inserted) = tokio::join!(encoding, inserting);
    let inserted = inserted?;
    encoded.map(|()| inserted)
}

fn encode_inserts(
    reader: ParquetRecordBatchReader,
    path: &Path,
    head: &str,
    limit: usize,
    statements: &mpsc::Sender<String>,
) -> Result<()> {
    let mut statement = Vec::new();
    let send = |statement: &mut Vec<u8>| -> Result<bool> {
        if statement.is_empty() {
            return Ok(true);
        }
        let text = String::from_utf8(std::mem::take(statement))
            .map_err(|cause| Error::internal("a statement is not UTF-8").with_source(cause))?;
        Ok(statements.blocking_send(text).is_ok())
    };
    for batch in reader {
        failpoint("mysql.copy_batch")?;
        let batch = batch.map_err(|cause| damaged(path, cause))?;
        let columns = Column::all(&batch, MYSQL.facts().name)?;
        for row in 0..batch.num_rows() {
            statement.extend_from_slice(if statement.is_empty() { head.as_bytes() } else { b", " });
            for (index, column) in columns.iter().enumerate() {
                statement.push(if index == 0 { b'(' } else { b',' });
                put(&column.value(row), Form::Literal, &mut statement)
                    .map_err(|error| error.at_column(batch.schema().field(index).name()))?;
            }
            statement.push(b')');
            if statement.len() >= limit && !send(&mut statement)? {
                return Ok(());
            }
        }
    }
    send(&mut statement).map(drop)
}
