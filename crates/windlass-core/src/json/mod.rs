//! JSON: from bytes to a tape, and from a tape to text.
//!
//! `simd-json` stands behind [`Tape`] and [`ParseBuffers`]; nothing else in the crate speaks of it. Its input is checked
//! against the lines it came from, and what it refuses goes through the strict [`sanitize`], which names the bad byte
//! and rewrites the numbers that do not fit a machine word.

mod lines;
mod list;
mod parse;
mod path;
mod program;
mod sanitize;
mod scan;
mod select;
mod tape;
mod text;

pub use lines::{Line, LineIndex};
pub use list::{Elements, ListError, ListSplitter};
pub use parse::{BadRecord, ParseBuffers, Parsed, ParsedRow, TapeMemory};
pub use path::{Found, JsonPath, Tree};
pub use program::TypedValues;
pub(crate) use sanitize::is_exact;
pub use sanitize::{INVALID_UTF8, SyntaxError, sanitize};
pub use scan::{ValueScan, push_line};
pub use select::Select;
pub(crate) use tape::{Node, StaticNode};
pub use tape::{NodePosition, Tape, TapeBuilder};
pub use text::{compact, write_compact, write_sorted, write_sorted_node, write_typed};
pub(crate) use text::{distinct_members, write_digest_text};

/// Levels of nesting beyond which a record is refused.
pub const MAX_DEPTH: usize = 65_536;
