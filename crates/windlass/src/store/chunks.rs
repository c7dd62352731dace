//! Parquet in a store.

use std::io::{BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::{Key, Object, Result, Store};

/// An open object, as Parquet reads it.
#[derive(Clone, Debug)]
pub(crate) struct Chunks(Arc<dyn Object>);

impl Chunks {
    pub(crate) fn new(object: Box<dyn Object>) -> Self {
        Self(object.into())
    }

    /// Errors: there is no such object, or it may not be read.
    #[cfg_attr(not(feature = "duckdb"), allow(dead_code, reason = "only queries open files themselves"))]
    pub(crate) fn open(store: &dyn Store, key: &Key) -> Result<Self> {
        store.open(key).map(Self::new)
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        // An object without a length has no footer either, which is told.
        self.0.size().unwrap_or_default()
    }
}

impl ChunkReader for Chunks {
    type T = Box<dyn Read + Send>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(Box::new(BufReader::new(self.0.read_from(start)?)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        Ok(self.0.range(start, length)?)
    }
}
