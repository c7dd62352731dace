//! Upsert, cdc and insert-only: rows are told apart by the primary key, nested rows by their derived ids.

use super::rows::Survivor;
use super::{Merge, conjunction};
use crate::error::Result;
use crate::merge::MergeStrategy;

impl Merge<'_> {
    pub(super) fn upsert(&mut self) -> Result<()> {
        if self.settings.strategy == MergeStrategy::Cdc {
            self.delete_absent()?;
        }
        let key = self.primary_key.clone();
        let matched = self.is_staged(&key);
        let place = self.root.place()?.to_owned();
        let place_name = self.place_name();
        let skips = self.settings.skips_unchanged;
        // Replacing whole rows is fastest; where stored values have to stay, rows are updated in place.
        let in_place = skips || self.target.widened.contains(&self.root.table.name);
        self.delete_nested_of_staged(&matched)?;
        let deletion = self.deletion();
        let kept = if in_place || deletion.is_some() { Some(self.keep_new(in_place)?) } else { None };
        if in_place {
            self.update_in_place(skips)?;
            if let Some((_, gone)) = &deletion {
                let carried = self.carried();
                let gone =
                    self.survivors(&key.join(", "), &carried, Survivor::Last, std::slice::from_ref(gone))?;
                // A deletion of an unknown row is inserted below, not deleted.
                self.push(format!("DELETE FROM {} WHERE {} IN ({gone})", self.root.main, super::tuple(&key)));
            }
        } else {
            self.push(format!("DELETE FROM {} WHERE {matched}", self.root.main));
        }
        let conditions = match &kept {
            Some(kept) => vec![format!("{place} IN (SELECT {place_name} FROM {kept})")],
            None if self.has_duplicates() => {
                vec![format!("{place} IN ({})", self.survivors(&place_name, &[], Survivor::Last, &[])?)]
            }
            None => self.source_filter.iter().map(|filter| format!("({filter})")).collect(),
        };
        self.push(self.root.insert(&conditions));
        if let Some(kept) = kept {
            self.drop_temporary(&kept);
        }
        self.insert_nested(Survivor::Last, false)
    }

    /// The columns that conditions on the survivors look at.
    fn carried(&self) -> Vec<String> {
        let mut carried = self.primary_key.clone();
        if let Some(hard_delete) = &self.settings.hard_delete {
            let column = self.target.dialect.quote(&hard_delete.column);
            if self.deletion().is_some() && !carried.contains(&column) {
                carried.push(column);
            }
        }
        carried
    }

    /// Notes, before anything is deleted, which new rows are to be inserted.
    ///
    /// As in the reference a deletion of an unknown row is inserted, except by cdc.
    fn keep_new(&mut self, in_place: bool) -> Result<String> {
        let same = Self::same(&self.primary_key, "d", "numbered");
        let is_unknown = format!("NOT EXISTS (SELECT 1 FROM {} AS d WHERE {same})", self.root.main);
        let carried = self.carried();
        let place_name = self.place_name();
        let is_cdc = self.settings.strategy == MergeStrategy::Cdc;
        let mut selects = Vec::new();
        match self.deletion() {
            Some((kept, gone)) => {
                let mut conditions = vec![kept];
                if in_place {
                    conditions.push(is_unknown.clone());
                }
                selects.push(self.survivors(&place_name, &carried, Survivor::Last, &conditions)?);
                if !is_cdc {
                    selects.push(self.survivors(
                        &place_name,
                        &carried,
                        Survivor::Last,
                        &[gone, is_unknown],
                    )?);
                }
            }
            None => selects.push(self.survivors(&place_name, &carried, Survivor::Last, &[is_unknown])?),
        }
        Ok(self.create_temporary("_windlass_kept", &place_name, &selects.join(" UNION ALL ")))
    }

    /// Sets the columns of stored rows whose key is among the new rows.
    fn update_in_place(&mut self, skips_unchanged: bool) -> Result<()> {
        let columns: Vec<&String> =
            self.root.columns.iter().filter(|column| !self.primary_key.contains(column)).collect();
        let set: Vec<(String, String)> =
            columns.iter().map(|column| ((*column).clone(), format!("s.{column}"))).collect();
        if set.is_empty() {
            return Ok(());
        }
        let place = self.root.place()?;
        let (place_name, dialect) = (self.place_name(), self.target.dialect);
        let survivors = self.survivors(&place_name, &[], Survivor::Last, &[])?;
        let mut conditions = vec![Self::same(&self.primary_key, "d", "s")];
        conditions.push(format!("s.{place_name} IN ({survivors})"));
        if skips_unchanged {
            let compared = self.compared_columns();
            if compared.is_empty() {
                return Ok(());
            }
            let is_changed =
                |column: &String| dialect.is_distinct(&format!("s.{column}"), &format!("d.{column}"));
            let changed: Vec<String> = compared.iter().map(is_changed).collect();
            conditions.push(format!("({})", changed.join(" OR ")));
        }
        let staged = format!("(SELECT *, {place} AS {place_name} FROM {})", self.root.staged);
        self.push(dialect.update_from(&self.root.main, &set, &staged, &conjunction(conditions)));
        Ok(())
    }

    /// The columns in which a row has to differ to be written.
    fn compared_columns(&self) -> Vec<String> {
        let quote = |name: &str| self.target.dialect.quote(name);
        let table = self.root.table;
        let mut compared: Vec<String> = match &self.settings.row_version {
            Some(version) if table.columns[version].is_complete() => vec![quote(version)],
            _ => {
                let ignored = ["primary_key", "row_key", "parent_key", "root_key", "hard_delete"];
                let columns = table.complete_columns().filter(|column| {
                    column.name != self.target.names.load_id && !ignored.iter().any(|hint| column.has(hint))
                });
                columns.map(|column| quote(&column.name)).collect()
            }
        };
        // Nested rows point to the id of the new row: where it is another one, the stored row has to take it.
        if !self.nested.is_empty()
            && let Some(id) = &self.root.row_key
            && !compared.contains(id)
        {
            compared.push(id.clone());
        }
        compared
    }

    /// Deletes the nested rows of all stored rows that meet `matched`, and those of the new rows' ids.
    fn delete_nested_of_staged(&mut self, matched: &str) -> Result<()> {
        if self.nested.is_empty() {
            return Ok(());
        }
        // The two differ where the rows came by another strategy, with other ids.
        let id = self.root.row_key()?.to_owned();
        let select = format!(
            "SELECT {id} FROM {} WHERE {matched} UNION ALL SELECT {id} FROM {}{}",
            self.root.main,
            self.root.staged,
            self.where_filter()
        );
        let key = self.root.row_key_part()?.to_owned();
        let roots = self.create_temporary("_windlass_roots", &key, &select);
        self.delete_nested(&format!("SELECT {id} FROM {roots}"))?;
        self.drop_temporary(&roots);
        Ok(())
    }

    /// Inserts the nested rows of new rows that take part and are no deletions, one of each id.
    fn insert_nested(&mut self, survivor: Survivor, only_unknown: bool) -> Result<()> {
        let mut limits: Vec<String> = self.source_filter.iter().map(|filter| format!("({filter})")).collect();
        limits.extend(self.deletion().map(|(kept, _)| kept));
        if survivor == Survivor::Last && self.has_duplicates() && self.newest().is_some() {
            return self.insert_nested_of_newest();
        }
        for index in 0..self.nested.len() {
            let part = &self.nested[index];
            let (id, place) = (part.row_key()?, part.place()?);
            let mut conditions = vec![format!("s.{place} IN ({})", part.one_of_each(id, survivor)?)];
            if !limits.is_empty() {
                let root = self.root.row_key()?;
                let all = conjunction(limits.iter().cloned());
                conditions.push(self.below(
                    self.target.staging,
                    part.table,
                    &format!("SELECT {root} FROM {} WHERE {all}", self.root.staged),
                )?);
            }
            if only_unknown {
                conditions
                    .push(format!("NOT EXISTS (SELECT 1 FROM {} AS d WHERE d.{id} = s.{id})", part.main));
            }
            let statement = part.insert(&conditions);
            self.push(statement);
        }
        Ok(())
    }

    /// Inserts the nested rows that came with the new rows that stay: rows of one key have one id, and so have those
    /// nested in them, so that the number of the record tells them apart.
    fn insert_nested_of_newest(&mut self) -> Result<()> {
        let record = self.record();
        let mut carried = self.carried();
        carried.push(record.clone());
        let kept: Vec<String> = self.deletion().map(|(kept, _)| kept).into_iter().collect();
        let newest = self.survivors(&record, &carried, Survivor::Last, &kept)?;
        for index in 0..self.nested.len() {
            let statement = self.nested[index].insert(&[format!("s.{record} IN ({newest})")]);
            self.push(statement);
        }
        Ok(())
    }

    pub(super) fn insert_only(&mut self) -> Result<()> {
        let conditions: Vec<String> = self.deletion().map(|(kept, _)| kept).into_iter().collect();
        let (carried, place_name) = (self.carried(), self.place_name());
        let same = Self::same(&self.primary_key, "d", "s");
        let is_unknown = format!("NOT EXISTS (SELECT 1 FROM {} AS d WHERE {same})", self.root.main);
        let mut limits = if self.has_duplicates() {
            let survivors = self.survivors(&place_name, &carried, Survivor::First, &conditions)?;
            vec![format!("s.{} IN ({survivors})", self.root.place()?)]
        } else {
            self.source_filter.iter().map(|filter| format!("({filter})")).chain(conditions).collect()
        };
        limits.push(is_unknown);
        self.push(self.root.insert(&limits));
        self.insert_nested(Survivor::First, true)
    }

    /// Cdc: deletes the stored rows of the scope that the load does not have.
    fn delete_absent(&mut self) -> Result<()> {
        let main = &self.root.main;
        let mut inner: Vec<String> = self.source_filter.iter().map(|filter| format!("({filter})")).collect();
        inner.push(Self::same(&self.primary_key, "s", main));
        let mut absent = vec![format!(
            "NOT EXISTS (SELECT 1 FROM {} AS s WHERE {})",
            self.root.staged,
            conjunction(inner)
        )];
        match &self.destination_scope {
            Some(scope) => absent.push(format!("({scope})")),
            None if self.merge_key.is_empty() => {}
            None => absent.push(self.is_staged(&self.merge_key)),
        }
        let absent = conjunction(absent);
        if !self.nested.is_empty() {
            let id = self.root.row_key()?;
            let select = format!("SELECT {id} FROM {main} WHERE {absent}");
            let (id, main) = (id.to_owned(), main.clone());
            let key = self.root.row_key_part()?.to_owned();
            let roots = self.create_temporary("_windlass_absent", &key, &select);
            self.delete_nested(&format!("SELECT {id} FROM {roots}"))?;
            self.drop_temporary(&roots);
            self.push(format!("DELETE FROM {main} WHERE {absent}"));
        } else {
            self.push(format!("DELETE FROM {main} WHERE {absent}"));
        }
        Ok(())
    }
}
