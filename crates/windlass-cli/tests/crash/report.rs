//! The table of results, for people and for docs/guarantees.md.
