//! One record outside the stream: the pipeline's state travels with the rows that it speaks of.

use std::sync::Arc;

use windlass_core::json::ParseBuffers;
use windlass_core::normalize::{NormalizeSettings, Normalizer, PositionIds, RecordNumbers, SchemaState};
use windlass_core::package::Job;
use windlass_core::{Error, Result};

use super::JobFiles;

/// Normalizes one record, as typed JSON, into the files of its table; gives the schema after it.
pub(crate) fn write_record(
    settings: NormalizeSettings,
    state: &Arc<SchemaState>,
    mut files: JobFiles,
    table: &str,
    record: &str,
) -> Result<(Arc<SchemaState>, Vec<Job>)> {
    let load_id = settings.ctx.load_id.clone();
    let mut normalizer = Normalizer::new(Arc::new(settings), Arc::clone(state));
    let mut turn = Arc::clone(state);
    let mut buffers = ParseBuffers::new();
    let parsed = buffers.parse_typed_lines(record.as_bytes())?;
    if !parsed.bad.is_empty() {
        return Err(Error::internal("a record of the engine is not JSON").at_table(table));
    }
    let ids = PositionIds::new(&load_id, table, 0);
    let numbers = RecordNumbers { ids: &ids, first: 0, explicit: None };
    normalizer.observe(table, &parsed.tape, &parsed.rows, numbers, &mut turn)?;
    normalizer.encode(&parsed.tape, numbers, &mut files)?;
    normalizer.flush(&mut files)?;
    Ok((turn, files.finish()?))
}
