//! Tables that come up while a resource is read.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use windlass_core::Result;
use windlass_core::normalize::{Normalizer, Turn};

use crate::source::Target;

/// The targets that one worker has met, by their place in memory: each is made once.
#[derive(Default)]
pub(super) struct Targets {
    known: HashMap<usize, (Arc<Target>, String)>,
}

impl Targets {
    /// Declares the tables of a target that is new to this worker; gives the name of its root table.
    ///
    /// Errors: a name that cannot be one, hints that cannot be, a contract that freezes.
    pub(super) fn declare(
        &mut self,
        target: &Arc<Target>,
        resource: &str,
        normalizer: &mut Normalizer,
        turn: &mut dyn Turn,
    ) -> Result<String> {
        let key = Arc::as_ptr(target) as usize;
        if let Some((_, root)) = self.known.get(&key) {
            return Ok(root.clone());
        }
        let ctx = normalizer.context();
        let table = target.table.as_ref();
        let root = ctx.root_table(table.map_or(resource, |table| &table.name))?;
        if let Some(table) = table {
            let tables = table.hints.tables(resource, &root, &ctx.naming)?;
            normalizer.declare(&table.name, &tables, turn)?;
        }
        self.known.insert(key, (Arc::clone(target), root.clone()));
        Ok(root)
    }

    /// The root tables that were declared.
    pub(super) fn roots(&self) -> BTreeSet<String> {
        self.known.values().map(|(_, root)| root.clone()).collect()
    }
}
