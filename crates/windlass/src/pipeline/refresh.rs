//! Starting over: what a run forgets and drops before it loads, all of it in the transaction of the load.

use std::fmt;
use std::str::FromStr;

use windlass_core::schema::{Schema, Table};
use windlass_core::state::State;
use windlass_core::{Code, Error, Result};

/// What a run starts over with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refresh {
    /// All tables of the source are dropped; its schema and its state begin anew.
    DropSources,
    /// The tables of the selected resources are dropped; their state begins anew.
    DropResources,
    /// The tables of the selected resources are emptied; their state begins anew.
    DropData,
}

impl Refresh {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::DropSources, Self::DropResources, Self::DropData];

    /// The name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DropSources => "drop_sources",
            Self::DropResources => "drop_resources",
            Self::DropData => "drop_data",
        }
    }
}

impl fmt::Display for Refresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Refresh {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or_else(|| {
            Error::of(Code::UnknownChoice, format!("there is no refresh mode `{text}`"))
                .with_detail("what", "refresh mode")
                .with_detail("name", text)
                .with_hint(windlass_core::choices(text, Self::ALL.map(Self::as_str)))
        })
    }
}

/// What starting over means for one source.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refreshed {
    mode: Refresh,
    resources: Vec<String>,
    /// Tables that are dropped, nested ones first.
    pub(super) dropped: Vec<String>,
    /// Tables that are emptied, nested ones first.
    pub(super) emptied: Vec<String>,
    /// The schema's hash before.
    hash: Option<String>,
}

impl Refreshed {
    /// Finds the tables; `schema` loses those that are dropped, and is `None` if it begins anew.
    pub(super) fn new(
        mode: Refresh,
        schema: Schema,
        resources: impl IntoIterator<Item = String>,
        prefix: &str,
    ) -> (Self, Option<Schema>) {
        let resources: Vec<String> = resources.into_iter().collect();
        let is_meant = |table: &Table| {
            mode == Refresh::DropSources
                || resources.iter().any(|name| name == schema.resource_of(&table.name))
        };
        let mut tables: Vec<(usize, &Table)> = schema
            .data_tables(prefix)
            .filter(|table| is_meant(table))
            .map(|table| (schema.ancestry(&table.name).count(), table))
            .collect();
        tables.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
        let meant: Vec<String> = tables.iter().map(|(_, table)| table.name.clone()).collect();
        let with_rows = tables.iter().filter(|(_, table)| table.normalizer_flag("seen-data"));
        let with_rows: Vec<String> = with_rows.map(|(_, table)| table.name.clone()).collect();
        let hash = schema.version_hash.clone();
        let (mut dropped, mut emptied) = (Vec::new(), Vec::new());
        let left = match mode {
            Refresh::DropData => {
                emptied = with_rows;
                Some(schema)
            }
            Refresh::DropResources => {
                dropped = with_rows;
                let mut left = schema;
                left.remove_tables(meant.iter().map(String::as_str));
                Some(left)
            }
            Refresh::DropSources => {
                dropped = with_rows;
                None
            }
        };
        (Self { mode, resources, dropped, emptied, hash }, left)
    }

    /// Lets a schema that begins anew remember what it was.
    pub(super) fn remember(&self, schema: &mut Schema) {
        if let (Refresh::DropSources, Some(hash)) = (self.mode, &self.hash) {
            schema.remember_hash(hash.clone());
        }
    }

    /// Makes the state forget what begins anew.
    pub(super) fn forget(&self, state: &mut State, source: &str) {
        match self.mode {
            Refresh::DropSources => state.forget_source(source),
            Refresh::DropResources | Refresh::DropData => state.forget_resources(source, &self.resources),
        }
    }

    /// Whether the state goes to the destination even if it did not change.
    pub(super) fn forces_state(&self) -> bool {
        !self.dropped.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_read_and_write_alike() {
        for mode in Refresh::ALL {
            assert_eq!(mode.as_str().parse::<Refresh>().unwrap(), mode);
            assert_eq!(serde_json::to_value(mode).unwrap(), mode.as_str());
        }
        let error = "drop_all".parse::<Refresh>().unwrap_err();
        assert_eq!(
            error.hint(),
            Some("did you mean `drop_data`? there are drop_data, drop_sources, drop_resources")
        );
    }
}
