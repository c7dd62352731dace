//! Whose a file is. A layout may set the name of a table off by a character that names have as well, so that the files of
//! `ev.x` begin like those of `ev`; what follows the name tells them apart.

use std::collections::BTreeSet;

use super::layout::{Layout, Part, TIME_PLACEHOLDERS};

/// How well a path is one that the layout gives to the files of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It is not.
    None,
    /// It would be, with other values of the placeholders that people fill in.
    Loose,
    /// It is.
    Exact,
}

/// A table of a schema, by their names.
pub(super) type Named = (String, String);

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose<'a> {
    /// It is one of the table.
    Mine,
    /// It is not.
    NotMine,
    /// It may be this other table's as well.
    Unclear(&'a Named),
}

/// What a part of a layout may stand for in a path.
enum Form {
    Text(String),
    Of(fn(&str) -> bool),
}

impl Layout {
    /// Whether the prefix of a table begins the files of no other, as no name holds the separator.
    pub(super) fn has_sure_prefix(&self) -> bool {
        self.separator() == Some('/')
    }

    /// Whose the file at this path is that begins like the files of `table`, among all tables of the dataset.
    pub(super) fn whose<'a>(&self, path: &str, table: &Named, others: &'a BTreeSet<Named>) -> Whose<'a> {
        let mine = self.fit(table, path);
        if mine == Fit::None {
            return Whose::NotMine;
        }
        let has_schema =
            self.parts.iter().any(|part| matches!(part, Part::Placeholder(name) if name == "schema_name"));
        // Without the schema in their paths, equal tables of two schemas share their files.
        let is_other = |(schema, name): &Named| *name != table.1 || (has_schema && *schema != table.0);
        let rivals = others.iter().filter(|other| is_other(other));
        let best = rivals.map(|other| (self.fit(other, path), other)).max_by_key(|(fit, _)| *fit);
        match best {
            Some((theirs, _)) if theirs > mine => Whose::NotMine,
            Some((theirs, other)) if theirs == mine => Whose::Unclear(other),
            _ => Whose::Mine,
        }
    }

    fn fit(&self, table: &Named, path: &str) -> Fit {
        if self.gives(table, path, true) {
            Fit::Exact
        } else if self.gives(table, path, false) {
            Fit::Loose
        } else {
            Fit::None
        }
    }

    /// Whether the path is one of the table's, as far as its values can be known.
    fn gives(&self, table: &Named, path: &str, is_exact: bool) -> bool {
        // How far in the path the parts so far may reach.
        let mut reached = BTreeSet::from([0]);
        for part in &self.parts {
            let form = self.form(part, table, is_exact);
            let mut next = BTreeSet::new();
            for start in reached {
                let rest = path.get(start..).unwrap_or_default();
                match &form {
                    Form::Text(text) => {
                        next.extend(rest.starts_with(text.as_str()).then(|| start + text.len()));
                    }
                    Form::Of(is_value) => {
                        let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
                        next.extend(ends.filter(|end| is_value(&rest[..*end])).map(|end| start + end));
                    }
                }
            }
            reached = next;
        }
        reached.contains(&path.len())
    }

    fn form(&self, part: &Part, (schema, table): &Named, is_exact: bool) -> Form {
        let name = match part {
            Part::Text(text) => return Form::Text(single_slashes(text)),
            Part::Placeholder(name) => name.as_str(),
        };
        if TIME_PLACEHOLDERS.contains(&name) {
            return Form::Of(match name {
                "curr_date" => is_date,
                "MMMM" | "MMM" | "dddd" | "ddd" | "dd" => {
                    |text| text.bytes().all(|byte| byte.is_ascii_lowercase())
                }
                _ => |text| text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit()),
            });
        }
        match self.extra.get(name) {
            _ if self.computed.contains(name) => return Form::Of(|_| true),
            Some(value) if is_exact => return Form::Text(value.clone()),
            Some(_) => return Form::Of(|_| true),
            None => {}
        }
        match name {
            "schema_name" => Form::Text(schema.clone()),
            "table_name" => Form::Text(table.clone()),
            "load_id" => Form::Of(is_load_id),
            "ext" => Form::Of(is_extension),
            _ => Form::Of(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric())),
        }
    }
}

/// As paths of files have them.
fn single_slashes(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for c in text.chars().filter(|c| *c != '\0') {
        if c != '/' || !kept.ends_with('/') {
            kept.push(c);
        }
    }
    kept
}

/// Seconds from 1970 on, with a fraction.
fn is_load_id(text: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(seconds, fraction)| is_number(seconds) && is_number(fraction))
}

/// Year, month and day.
fn is_date(text: &str) -> bool {
    let mut lengths =
        text.split('-').map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then_some(part.len()));
    lengths.next().is_some_and(|year| year >= Some(4)) && lengths.eq([Some(2), Some(2)])
}

/// The format, and what it is compressed by.
fn is_extension(text: &str) -> bool {
    let format = text.strip_suffix(".gz").unwrap_or(text);
    format.starts_with(|c: char| c.is_ascii_lowercase())
        && format
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn named(names: &[&str]) -> BTreeSet<Named> {
        names.iter().map(|name| ("s".to_owned(), (*name).to_owned())).collect()
    }

    /// The tables that a file is taken for, of all that there are; `?` for one that cannot be told.
    fn owners(
        layout: &str,
        extra: &[(&str, &str)],
        computed: &[&str],
        tables: &[&str],
        path: &str,
    ) -> Vec<String> {
        let extra: BTreeMap<String, String> =
            extra.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let computed = computed.iter().map(|name| (*name).to_owned()).collect();
        let layout = Layout::parse(layout, extra, &computed).unwrap();
        let all = named(tables);
        let of = |table: &Named| match layout.whose(path, table, &all) {
            Whose::Mine => Some(table.1.clone()),
            Whose::NotMine => None,
            Whose::Unclear(_) => Some(format!("{}?", table.1)),
        };
        all.iter().filter_map(of).collect()
    }

    #[test]
    fn a_file_belongs_to_the_table_whose_layout_gives_its_name() {
        let tables = ["ev", "ev-1", "ev.x", "ev_archive", "ev__list", "ev.2024", "ev.17.5"];
        for separator in ['.', '-', '_', '~', 'x'] {
            for rest in [
                "{load_id}.{file_id}.{ext}",
                "{file_id}.{load_id}",
                "{YYYY}{separator}{load_id}.{file_id}.{ext}",
                "{curr_date}/{load_id}.{file_id}.{ext}",
            ] {
                let layout =
                    format!("{{table_name}}{separator}{rest}").replace("{separator}", &separator.to_string());
                let file = rest
                    .replace("{load_id}", "1700000000.123")
                    .replace("{file_id}", "1a2b3c4d5e")
                    .replace("{YYYY}", "2024")
                    .replace("{curr_date}", "2024-01-02")
                    .replace("{separator}", &separator.to_string())
                    .replace(".{ext}", "");
                for table in tables {
                    for end in [".jsonl", ".parquet", ".jsonl.gz"] {
                        let path = format!("{table}{separator}{file}{end}");
                        let found = owners(&layout, &[], &[], &tables, &path);
                        assert_eq!(found, [table], "{layout} {path}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_file_that_no_table_has_named_is_nobodys() {
        let layout = "{table_name}.{load_id}.{file_id}.{ext}";
        for path in
            ["ev.x.1700000000.1.ab.jsonl", "ev.notes.txt", "ev.jsonl", "ev.d/1.txt", "ev.", "ev.1.2.a.b.c.d"]
        {
            assert!(owners(layout, &[], &[], &["ev"], path).is_empty(), "{path}");
        }
        assert_eq!(owners("{table_name}", &[], &[], &["ev", "ev.x"], "ev.x.jsonl"), ["ev.x"]);
    }

    #[test]
    fn values_that_people_give_may_have_been_others() {
        let tables = ["ev", "ev-eu"];
        let of =
            |path| owners("{table_name}-{at}-{load_id}.{file_id}.{ext}", &[("at", "us")], &[], &tables, path);
        assert_eq!(of("ev-us-1.2.ab.csv"), ["ev"]);
        assert_eq!(of("ev-eu-us-1.2.ab.csv"), ["ev-eu"]);
        assert_eq!(of("ev-asia-1.2.ab.csv"), ["ev"]);
        // Of `ev` at `eu-west`, or of `ev-eu` at `west`.
        assert_eq!(of("ev-eu-west-1.2.ab.csv"), ["ev?", "ev-eu?"]);
        let of = |path| owners("{table_name}.{shard}.{ext}", &[], &["shard"], &["ev", "ev.x"], path);
        assert_eq!(of("ev.7.csv"), ["ev"]);
        assert_eq!(of("ev.x.7.csv"), ["ev?", "ev.x?"]);
    }
}
