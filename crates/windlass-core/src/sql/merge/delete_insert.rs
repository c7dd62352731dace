//! Delete-insert: stored rows with the key of a new row go, new rows come.

use super::Merge;
use super::rows::Survivor;
use crate::error::Result;

impl Merge<'_> {
    pub(super) fn delete_insert(&mut self) -> Result<()> {
        let mut touched = Vec::new();
        match &self.destination_scope {
            Some(scope) => touched.push(format!("({scope})")),
            None => {
                let keys = [&self.primary_key, &self.merge_key];
                touched.extend(keys.into_iter().filter(|key| !key.is_empty()).map(|key| self.is_staged(key)));
            }
        }
        // A scope may ask the stored rows, so they stay until all are known that go.
        if !self.nested.is_empty() && !touched.is_empty() {
            let id = self.root.row_key()?.to_owned();
            let select = |condition| format!("SELECT {id} FROM {} WHERE {condition}", self.root.main);
            let roots: Vec<String> = touched.iter().map(select).collect();
            let key = self.root.row_key_part()?.to_owned();
            let temporary = self.create_temporary("_windlass_roots", &key, &roots.join(" UNION ALL "));
            self.delete_nested(&format!("SELECT {id} FROM {temporary}"))?;
            self.drop_temporary(&temporary);
        }
        for condition in touched {
            self.push(format!("DELETE FROM {} WHERE {condition}", self.root.main));
        }
        self.insert_survivors()
    }

    fn insert_survivors(&mut self) -> Result<()> {
        let has_duplicates = self.has_duplicates();
        let place_name = self.place_name();
        let mut carried = Vec::new();
        let mut conditions = Vec::new();
        if let (Some(hard_delete), Some((kept, _))) = (&self.settings.hard_delete, self.deletion()) {
            carried.push(self.target.dialect.quote(&hard_delete.column));
            conditions.push(kept);
        }
        if self.nested.is_empty() {
            if has_duplicates {
                let survivors = self.survivors(&place_name, &carried, Survivor::First, &conditions)?;
                conditions = vec![format!("{} IN ({survivors})", self.root.place()?)];
            } else {
                conditions.extend(self.source_filter.iter().map(|filter| format!("({filter})")));
            }
            self.push(self.root.insert(&conditions));
            return Ok(());
        }
        if has_duplicates || !conditions.is_empty() || self.source_filter.is_some() {
            let (id, place) = (self.root.row_key()?.to_owned(), self.root.place()?.to_owned());
            let kept = if has_duplicates {
                carried.retain(|column| *column != id);
                // The row's place may be its id already.
                if place != id {
                    carried.push(id.clone());
                }
                let named = if place == id {
                    format!("{place_name}, {place_name} AS {id}")
                } else {
                    format!("{place_name}, {id}")
                };
                self.survivors(&named, &carried, Survivor::First, &conditions)?
            } else {
                conditions.extend(self.source_filter.iter().map(|filter| format!("({filter})")));
                let all = super::conjunction(conditions);
                format!("SELECT {place} AS {place_name}, {id} FROM {} WHERE {all}", self.root.staged)
            };
            let kept = self.create_temporary("_windlass_kept", &place_name, &kept);
            self.push(self.root.insert(&[format!("{place} IN (SELECT {place_name} FROM {kept})")]));
            for index in 0..self.nested.len() {
                let part = &self.nested[index];
                let condition =
                    self.below(self.target.staging, part.table, &format!("SELECT {id} FROM {kept}"))?;
                let statement = part.insert(&[condition]);
                self.push(statement);
            }
            self.drop_temporary(&kept);
            return Ok(());
        }
        self.push(self.root.insert(&[]));
        let inserts: Vec<String> = self.nested.iter().map(|part| part.insert(&[])).collect();
        self.statements.extend(inserts);
        Ok(())
    }
}
