//! Incremental loading: only what is new since the last run, by a cursor in each record.
//!
//! ```text
//!  stored entry ──> Filter (fixed for the run) ──┬─ worker 0: rows ──> kept rows, Tally ─┐
//!                                                └─ worker n: rows ──> kept rows, Tally ─┴─> merge ──> next entry
//! ```
//!
//! Whether a record is kept depends on its own cursor, on the range of the run and on the digests stored at its start,
//! never on the records around it; and a [`Tally`] is a maximum with the digests of the records that have it. So any
//! chunking, any number of workers and any order of the pages give the same rows and the same state.
//!
//! In reading order: [`IncrementalOptions`], cursor values and their lag, digests of records, the stored entry, the
//! [`Filter`], and the same over columns.

mod columns;
mod digest;
mod filter;
mod lag;
mod options;
mod stored;
mod tally;
mod value;

pub use columns::take_rows;
pub use digest::{MAX_BOUNDARY_RECORDS, MAX_PLAIN_DIGESTS, WARN_BOUNDARY_RECORDS};
pub use filter::{Filter, Judged, PageScan};
pub use options::{Bound, Extreme, Guard, IncrementalOptions, MissingCursor, RowOrder};
pub use tally::Tally;
pub use value::TextOrder;

#[cfg(test)]
mod tests;
