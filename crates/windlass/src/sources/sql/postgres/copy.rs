//! Rows of a query by binary `COPY`.

use std::pin::Pin;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio_postgres::CopyOutStream;
use windlass_core::{Error, Result};

use super::super::catalog::ColumnShape;
use super::super::config::InvalidValues;
use super::super::database::{BATCH_BYTES, Rows};
use super::client::Client;
use super::decode::Decoder;
use super::error::failed;
use crate::failpoint::failpoint;

/// What binary `COPY` begins with, before flags and extensions.
const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// A query that is being read.
pub(super) struct CopyRows {
    client: Client,
    stream: Pin<Box<CopyOutStream>>,
    decoder: Decoder,
    chunk_rows: usize,
    /// What came and was not taken yet.
    left: Bytes,
    has_header: bool,
    is_at_end: bool,
}

impl CopyRows {
    /// Begins to read. Errors: a query that cannot be run; columns that are not those of the catalogue.
    pub(super) async fn start(
        client: Client,
        query: &str,
        columns: &[ColumnShape],
        chunk_rows: usize,
        snapshot: Option<&str>,
        invalid_values: InvalidValues,
    ) -> Result<Self> {
        client.begin(snapshot).await?;
        let failed = failed("read", &client.location);
        let statement = client.client.prepare(query).await.map_err(failed)?;
        let types: Vec<_> = statement.columns().iter().map(|column| column.type_().clone()).collect();
        let decoder = Decoder::new(columns, &types, chunk_rows, invalid_values)?;
        let copy = format!("COPY ({query}\n) TO STDOUT (FORMAT binary)");
        let stream = client.client.copy_out(copy.as_str()).await.map_err(failed)?;
        Ok(Self {
            client,
            stream: Box::pin(stream),
            decoder,
            chunk_rows: chunk_rows.max(1),
            left: Bytes::new(),
            has_header: false,
            is_at_end: false,
        })
    }

    /// Whether the rows so far make a batch.
    fn is_full(&self) -> bool {
        self.decoder.rows() >= self.chunk_rows || self.decoder.bytes() >= BATCH_BYTES
    }

    /// Takes rows off what came until a batch is full or more bytes are needed.
    fn take(&mut self) -> Result<()> {
        if !self.has_header {
            let Some((head, rest)) = self.left.split_first_chunk::<19>() else { return Ok(()) };
            if !head.starts_with(SIGNATURE) {
                return Err(not_copy());
            }
            let [.., a, b, c, d] = *head;
            let extension = u32::from_be_bytes([a, b, c, d]) as usize;
            if rest.len() < extension {
                return Ok(());
            }
            self.left = self.left.slice(19 + extension..);
            self.has_header = true;
        }
        let mut place = 0;
        while !self.is_full() {
            let Some((head, fields)) = self.left.get(place..).and_then(<[u8]>::split_first_chunk::<2>) else {
                break;
            };
            if i16::from_be_bytes(*head) == -1 {
                self.is_at_end = true;
                break;
            }
            let Some(length) = self.decoder.row(fields)? else { break };
            place += 2 + length;
        }
        self.left = if place == self.left.len() { Bytes::new() } else { self.left.slice(place..) };
        Ok(())
    }
}

fn not_copy() -> Error {
    Error::source_failed("the server's answer is not binary COPY")
        .with_hint("connect to the server itself, not through a proxy that changes what it sends")
}

#[async_trait]
impl Rows for CopyRows {
    async fn next_batch(&mut self) -> Result<Option<RecordBatch>> {
        failpoint("postgres.source.batch")?;
        loop {
            if !self.left.is_empty() {
                self.take()?;
            }
            if self.is_full() || (self.is_at_end && self.decoder.rows() > 0) {
                return self.decoder.finish().map(Some);
            }
            // What the server says after the last row is not waited for.
            if self.is_at_end {
                return Ok(None);
            }
            match self.stream.next().await {
                // A message is a row; only proxies cut rows apart.
                Some(Ok(bytes)) if self.left.is_empty() => self.left = bytes,
                Some(Ok(bytes)) => self.left = [self.left.as_ref(), bytes.as_ref()].concat().into(),
                Some(Err(cause)) => return Err(failed("read", &self.client.location)(cause)),
                None => {
                    return Err(Error::source_failed(format!(
                        "{} ended the rows in their midst",
                        self.client.location
                    ))
                    .with_hint("the connection was lost; run again")
                    .retryable());
                }
            }
        }
    }

    fn notices(&mut self) -> Vec<String> {
        // Said once for all rows.
        if self.is_at_end { self.decoder.notices() } else { Vec::new() }
    }
}
