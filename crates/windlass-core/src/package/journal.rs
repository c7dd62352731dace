//! The journal of a load: lines that are only ever appended, and what they add up to.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// One step of a load that is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub enum JournalEntry {
    /// A load begins, or begins again.
    Started {
        /// Microseconds since the epoch.
        at: i64,
    },
    /// The destination has all tables and columns; names of the tables that changed.
    Migrated {
        /// The statements that were executed.
        statements: Vec<String>,
    },
    /// The rows of a file are at the destination for good.
    Loaded {
        /// The job's file.
        file: String,
    },
    /// A job failed.
    Failed {
        /// The job's file, if the failure belongs to one.
        file: Option<String>,
        /// Why.
        message: String,
        /// Microseconds since the epoch.
        at: i64,
    },
    /// Rows, load record and state are visible together.
    Committed {
        /// Microseconds since the epoch.
        at: i64,
    },
    /// The user gave the package up.
    Dropped {
        /// Microseconds since the epoch.
        at: i64,
    },
}

/// How far a load has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal {
    /// Whether a load was begun.
    pub is_started: bool,
    /// Whether the destination's tables are up to date, and by which statements.
    pub migrated: Option<Vec<String>>,
    /// Files whose rows are at the destination for good.
    pub loaded: BTreeSet<String>,
    /// The failures of the last attempt: file and reason.
    pub failed: Vec<(Option<String>, String)>,
    /// When the load was committed.
    pub committed_at: Option<i64>,
    /// When the user gave the package up.
    pub dropped_at: Option<i64>,
}

impl Journal {
    /// Adds up the lines of a journal. A last line that a crash cut off counts as not written.
    pub fn replay(text: &str) -> Self {
        let mut journal = Self::default();
        for line in text.split_inclusive('\n') {
            let Some(line) = line.strip_suffix('\n') else { break };
            let Ok(entry) = serde_json::from_str::<JournalEntry>(line) else { continue };
            journal.apply(entry);
        }
        journal
    }

    /// Adds one step.
    pub fn apply(&mut self, entry: JournalEntry) {
        match entry {
            JournalEntry::Started { .. } => {
                self.is_started = true;
                self.failed.clear();
            }
            JournalEntry::Migrated { statements } => self.migrated = Some(statements),
            JournalEntry::Loaded { file } => drop(self.loaded.insert(file)),
            JournalEntry::Failed { file, message, .. } => self.failed.push((file, message)),
            JournalEntry::Committed { at } => self.committed_at = Some(at),
            JournalEntry::Dropped { at } => self.dropped_at = Some(at),
        }
    }

    /// Whether nothing more is to be done.
    pub fn is_finished(&self) -> bool {
        self.committed_at.is_some() || self.dropped_at.is_some()
    }
}

impl JournalEntry {
    /// The entry as a line.
    pub fn to_line(&self) -> String {
        // A tree of strings and numbers always serializes.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry() -> impl Strategy<Value = JournalEntry> {
        prop_oneof![
            Just(JournalEntry::Started { at: 1 }),
            Just(JournalEntry::Migrated { statements: vec!["CREATE TABLE \"a\nb\" ()".to_owned()] }),
            "[a-c]".prop_map(|file| JournalEntry::Loaded { file }),
            ("[a-c]", ".*").prop_map(|(file, message)| JournalEntry::Failed {
                file: Some(file),
                message,
                at: 2
            }),
            Just(JournalEntry::Committed { at: 3 }),
        ]
    }

    proptest! {
        #[test]
        fn replay_is_the_sum_of_the_whole_lines(entries in prop::collection::vec(entry(), 0..12), cut in 0_usize..40) {
            let text: String = entries.iter().map(JournalEntry::to_line).collect();
            let mut end = text.len().saturating_sub(cut);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let mut expected = Journal::default();
            let whole = text[..end].matches('\n').count();
            entries.iter().take(whole).cloned().for_each(|entry| expected.apply(entry));
            prop_assert_eq!(Journal::replay(&text[..end]), expected);
        }
    }

    #[test]
    fn a_new_start_forgets_failures_but_not_what_is_loaded() {
        let lines = [
            JournalEntry::Started { at: 1 },
            JournalEntry::Loaded { file: "a".to_owned() },
            JournalEntry::Failed { file: Some("b".to_owned()), message: "x".to_owned(), at: 2 },
            JournalEntry::Started { at: 3 },
        ];
        let journal = Journal::replay(&lines.iter().map(JournalEntry::to_line).collect::<String>());
        assert!(journal.failed.is_empty() && journal.loaded.contains("a") && !journal.is_finished());
    }
}
