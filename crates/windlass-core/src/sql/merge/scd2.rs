//! Slowly changing dimensions of type 2: rows end to be valid, new versions begin.

use super::{Merge, conjunction};
use crate::error::{Error, Result};

impl Merge<'_> {
    pub(super) fn scd2(&mut self) -> Result<()> {
        let table = self.root.table;
        let (from, to) = self.settings.validity.clone().ok_or_else(|| missing("validity columns"))?;
        let version = self.settings.row_version.clone().ok_or_else(|| missing("row version column"))?;
        if !table.columns[&version].is_complete() {
            return Err(missing("row version column").at_column(&version));
        }
        let instant = |micros| self.target.instant(micros, table, &to);
        let boundary = instant(self.settings.boundary.unwrap_or(self.target.loaded_at));
        let active_until = self.settings.active_until.map(instant);
        let quote = |name: &str| self.target.dialect.quote(name);
        let (version, from, to) = (quote(&version), quote(&from), quote(&to));
        let is_active = |prefix: &str| match &active_until {
            None => format!("{prefix}{to} IS NULL"),
            Some(time) => format!("{prefix}{to} = {time}"),
        };
        let (main, staged) = (self.root.main.clone(), self.root.staged.clone());
        let filter: Vec<String> = self.source_filter.iter().map(|filter| format!("({filter})")).collect();

        let same = format!("s.{version} = {main}.{version}");
        let among = conjunction(filter.iter().cloned().chain([same]));
        let mut retired = vec![is_active("")];
        retired.push(format!("NOT EXISTS (SELECT 1 FROM {staged} AS s WHERE {among})"));
        match &self.destination_scope {
            Some(scope) => retired.push(format!("({scope})")),
            None if self.merge_key.is_empty() => {}
            None => retired.push(self.is_staged(&self.merge_key)),
        }
        let columns: Vec<&String> =
            self.root.columns.iter().filter(|column| **column != from && **column != to).collect();
        let columns = columns.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let stored =
            format!("SELECT 1 FROM {main} AS d WHERE d.{version} = s.{version} AND {}", is_active("d."));
        let new = conjunction(filter.iter().cloned().chain([format!("NOT EXISTS ({stored})")]));
        let until = active_until.as_deref().unwrap_or("NULL");
        let update = format!("UPDATE {main} SET {to} = {boundary} WHERE {}", conjunction(retired));
        let insert = format!(
            "INSERT INTO {main} ({columns}, {from}, {to}) SELECT {columns}, {boundary}, {until} FROM {staged} AS s WHERE {new}"
        );
        self.push(update);
        self.push(insert);
        for index in 0..self.nested.len() {
            let part = &self.nested[index];
            let id = part.row_key()?;
            let mut conditions =
                vec![format!("NOT EXISTS (SELECT 1 FROM {} AS d WHERE d.{id} = s.{id})", part.main)];
            if !filter.is_empty() {
                let root = self.root.row_key()?;
                let roots = format!("SELECT {root} FROM {staged}{}", self.where_filter());
                conditions.push(self.below(self.target.staging, part.table, &roots)?);
            }
            let statement = part.insert(&conditions);
            self.push(statement);
        }
        Ok(())
    }
}

fn missing(what: &str) -> Error {
    Error::config(format!("an scd2 table has no {what}"))
        .with_hint("every row needs a value in it; see row_version_column_name and validity_column_names")
}
