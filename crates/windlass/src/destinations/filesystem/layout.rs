//! Names of files: a layout with placeholders, and what it says about a table's files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use windlass_core::path_part::flaw_of_path;
use windlass_core::value::{CivilDate, Timestamp, format_timestamp};
use windlass_core::{Code, Error, Result};

use super::placeholders::FileName;

/// The layout when nobody says otherwise.
pub(super) const DEFAULT_LAYOUT: &str = "{table_name}/{load_id}.{file_id}.{ext}";

/// Placeholders of the file itself.
const FILE_PLACEHOLDERS: [&str; 5] = ["schema_name", "table_name", "load_id", "file_id", "ext"];

/// Placeholders of the time of the load.
pub(super) const TIME_PLACEHOLDERS: [&str; 29] = [
    "curr_date",
    "timestamp",
    "timestamp_ms",
    "load_package_timestamp",
    "load_package_timestamp_ms",
    "YYYY",
    "YY",
    "Y",
    "Q",
    "MMMM",
    "MMM",
    "MM",
    "M",
    "DD",
    "D",
    "dddd",
    "ddd",
    "dd",
    "d",
    "HH",
    "H",
    "mm",
    "m",
    "ss",
    "s",
    "S",
    "SS",
    "SSS",
    "SSSS",
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Text(String),
    Placeholder(String),
}

/// A layout that was checked.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) parts: Vec<Part>,
    /// Index of the table's name in `parts`.
    table: usize,
    pub(super) extra: BTreeMap<String, String>,
    /// Placeholders whose values are computed for each file.
    pub(super) computed: BTreeSet<String>,
}

/// Values of placeholders that were computed for one file.
pub(super) type Computed = BTreeMap<String, String>;

/// The times of a load.
#[derive(Clone, Copy, Debug)]
pub(super) struct LoadTimes {
    /// The time that the date placeholders show.
    pub(super) current: Timestamp,
    /// When the package was created, in microseconds since the epoch.
    pub(super) package: i64,
}

impl Layout {
    /// Reads and checks a layout. `extra` are placeholders with fixed values, `computed` the names of those that have
    /// another value for each file.
    ///
    /// Errors: a placeholder that does not exist, no table name, a table name from which the table's files cannot be
    /// told, paths that do not lie below the dataset.
    pub(super) fn parse(
        layout: &str,
        extra: BTreeMap<String, String>,
        computed: &BTreeSet<String>,
    ) -> Result<Self> {
        let flaw = |code: Code, what: String| {
            Error::of(code, format!("layout `{}`: {what}", layout.escape_debug()))
                .with_detail("layout", layout)
        };
        let wrong = |what: String| flaw(Code::InvalidLayout, what);
        if let Some(name) = ["schema_name", "table_name"].into_iter().find(|name| computed.contains(*name)) {
            return Err(wrong(format!("`{name}` cannot be computed for each file"))
                .with_hint("the files of a table are found by it: choose another name for the placeholder"));
        }
        let mut parts = Vec::new();
        let mut rest = layout;
        while !rest.is_empty() {
            let end = rest.find(['{', '}']).unwrap_or(rest.len());
            if end > 0 {
                parts.push(Part::Text(rest[..end].to_owned()));
            }
            rest = &rest[end..];
            if rest.is_empty() {
                break;
            }
            let close = rest.find('}').filter(|close| *close > 1 && rest.starts_with('{'));
            let close = close.ok_or_else(|| {
                wrong("a brace does not stand around a placeholder".to_owned())
                    .with_hint("placeholders look like `{table_name}`")
            })?;
            let name = &rest[1..close];
            let is_known = extra.contains_key(name)
                || computed.contains(name)
                || FILE_PLACEHOLDERS.contains(&name)
                || TIME_PLACEHOLDERS.contains(&name);
            if !is_known {
                let known = FILE_PLACEHOLDERS.iter().chain(&TIME_PLACEHOLDERS).copied();
                let own = extra.keys().chain(computed).map(String::as_str);
                let known: Vec<&str> = known.chain(own).collect();
                return Err(flaw(Code::UnknownPlaceholder, format!("there is no placeholder `{name}`"))
                    .with_detail("placeholder", name)
                    .with_hint(format!("the placeholders are {}", known.join(", "))));
            }
            parts.push(Part::Placeholder(name.to_owned()));
            rest = &rest[close + 1..];
        }
        let is = |part: &Part, wanted: &str| matches!(part, Part::Placeholder(name) if name == wanted);
        if !parts.iter().any(|part| is(part, "ext")) {
            parts.push(Part::Text(".".to_owned()));
            parts.push(Part::Placeholder("ext".to_owned()));
        }
        let table = parts.iter().position(|part| is(part, "table_name")).ok_or_else(|| {
            wrong("`{table_name}` is missing".to_owned())
                .with_hint("without it the files of a table cannot be found again")
        })?;
        if let Some(Part::Placeholder(name)) = parts[..table]
            .iter()
            .find(|part| matches!(part, Part::Placeholder(name) if name != "schema_name"))
        {
            return Err(wrong(format!("`{{{name}}}` stands before `{{table_name}}`")).with_hint(
                "before the table only `{schema_name}` can stand, so that its files have one prefix",
            ));
        }
        if !matches!(parts.get(table + 1), Some(Part::Text(_))) {
            return Err(wrong("a character must separate `{table_name}` from what follows".to_owned())
                .with_hint("put `/` behind it"));
        }
        let layout = Self { parts, table, extra, computed: computed.clone() };
        let sample = layout.sample("schema", "table");
        match flaw_of_path(&sample) {
            None => Ok(layout),
            Some(flaw) => Err(wrong(format!("a path such as `{}` {flaw}", sample.escape_debug())).with_hint(
                "paths lie below the folder of the dataset: write folders by their names, with `/`",
            )),
        }
    }

    /// The path of a file of a table, with values as long as they get where only a load can tell them.
    pub(super) fn sample(&self, schema_name: &str, table_name: &str) -> String {
        let file = FileName {
            schema_name,
            table_name,
            load_id: "1700000000.123456789",
            file_id: "0123456789",
            ext: "parquet.gz",
        };
        let times = LoadTimes { current: Timestamp { micros: 0, offset: None }, package: 0 };
        let mut path = String::new();
        for part in &self.parts {
            match part {
                Part::Placeholder(name) if self.computed.contains(name) => path.push('x'),
                part => path.push_str(&self.value(part, &file, times, &Computed::new())),
            }
        }
        path
    }

    /// The path of a file below the dataset, with `/`.
    pub(super) fn path(&self, file: &FileName<'_>, times: LoadTimes, computed: &Computed) -> String {
        self.parts.iter().fold(String::new(), |mut path, part| {
            path.push_str(&self.value(part, file, times, computed));
            path
        })
    }

    /// What the paths of all files of a table start with: everything up to one character behind the table's name.
    pub(super) fn prefix(&self, schema_name: &str, table_name: &str) -> String {
        let file = FileName { schema_name, table_name, load_id: "", file_id: "", ext: "" };
        let times = LoadTimes { current: Timestamp { micros: 0, offset: None }, package: 0 };
        let computed = Computed::new();
        let mut prefix: String =
            self.parts[..=self.table].iter().map(|part| self.value(part, &file, times, &computed)).collect();
        prefix.extend(self.separator());
        prefix
    }

    pub(super) fn separator(&self) -> Option<char> {
        match self.parts.get(self.table + 1) {
            Some(Part::Text(text)) => text.chars().next(),
            _ => None,
        }
    }

    /// The character behind the table's name if it may stand in a table's name as well.
    pub(super) fn unsafe_separator(&self) -> Option<char> {
        self.separator().filter(|c| c.is_alphanumeric() || *c == '_')
    }

    fn value(&self, part: &Part, file: &FileName<'_>, times: LoadTimes, computed: &Computed) -> String {
        let name = match part {
            Part::Text(text) => return text.clone(),
            Part::Placeholder(name) => name.as_str(),
        };
        // The file's own placeholders can be given other values, those of the time cannot.
        let is_time = TIME_PLACEHOLDERS.contains(&name);
        if let Some(value) = computed.get(name).or_else(|| self.extra.get(name)).filter(|_| !is_time) {
            return value.clone();
        }
        match name {
            "schema_name" => file.schema_name.to_owned(),
            "table_name" => file.table_name.to_owned(),
            "load_id" => file.load_id.to_owned(),
            "file_id" => file.file_id.to_owned(),
            "ext" => file.ext.to_owned(),
            "load_package_timestamp" => times.package.div_euclid(1_000_000).to_string(),
            "load_package_timestamp_ms" => times.package.div_euclid(1000).to_string(),
            name => time_value(name, times.current),
        }
    }
}

fn time_value(name: &str, time: Timestamp) -> String {
    // Dates are those of the clock that shows the time; counts since the epoch are the same everywhere.
    let micros = match name {
        "timestamp" | "timestamp_ms" => time.utc_micros(),
        _ => time.micros.saturating_add(i64::from(time.offset.unwrap_or(0)) * 1_000_000),
    };
    let days = micros.div_euclid(86_400_000_000);
    let Some(date) = CivilDate::from_days(days) else { return String::new() };
    let of_day = micros.rem_euclid(86_400_000_000);
    let (hour, minute) = (of_day / 3_600_000_000, of_day / 60_000_000 % 60);
    let (second, micro) = (of_day / 1_000_000 % 60, of_day % 1_000_000);
    // Day 0 was a Thursday.
    let weekday = (days + 4).rem_euclid(7) as usize;
    let month_name = MONTHS[date.month as usize - 1];
    let mut text = String::new();
    let _ = match name {
        "curr_date" => write!(text, "{:04}-{:02}-{:02}", date.year, date.month, date.day),
        "timestamp" => write!(text, "{}", micros.div_euclid(1_000_000)),
        "timestamp_ms" => write!(text, "{}", micros.div_euclid(1000)),
        "YYYY" | "Y" => write!(text, "{:04}", date.year),
        "YY" => write!(text, "{:02}", date.year.rem_euclid(100)),
        "Q" => write!(text, "{}", (date.month - 1) / 3 + 1),
        "MMMM" => write!(text, "{month_name}"),
        "MMM" => write!(text, "{}", &month_name[..3]),
        "MM" => write!(text, "{:02}", date.month),
        "M" => write!(text, "{}", date.month),
        "DD" => write!(text, "{:02}", date.day),
        "D" => write!(text, "{}", date.day),
        "dddd" => write!(text, "{}", DAYS[weekday]),
        "ddd" => write!(text, "{}", &DAYS[weekday][..3]),
        "dd" => write!(text, "{}", &DAYS[weekday][..2]),
        "d" => write!(text, "{weekday}"),
        "HH" => write!(text, "{hour:02}"),
        "H" => write!(text, "{hour}"),
        "mm" => write!(text, "{minute:02}"),
        "m" => write!(text, "{minute}"),
        "ss" => write!(text, "{second:02}"),
        "s" => write!(text, "{second}"),
        "S" => write!(text, "{}", micro / 100_000),
        "SS" => write!(text, "{:02}", micro / 10_000),
        "SSS" => write!(text, "{:03}", micro / 1000),
        "SSSS" => write!(text, "{:04}", micro / 100),
        _ => Ok(()),
    };
    text
}

/// The time as ISO text, as the system files have it.
pub(super) fn iso(micros: i64) -> String {
    let mut text = String::new();
    format_timestamp(&mut text, Timestamp { micros, offset: Some(0) }, 'T');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-03-05T07:08:09.123456Z
    const TIME: i64 = 1_709_622_489_123_456;

    fn path(layout: &str) -> String {
        let extra = BTreeMap::from([("team".to_owned(), "core".to_owned())]);
        let file = FileName {
            schema_name: "s",
            table_name: "event",
            load_id: "1.5",
            file_id: "ab",
            ext: "jsonl.gz",
        };
        let computed = BTreeSet::from(["shard".to_owned()]);
        let current = Timestamp { micros: TIME, offset: None };
        let values = Computed::from([("shard".to_owned(), "7".to_owned())]);
        let layout = Layout::parse(layout, extra, &computed).unwrap();
        layout.path(&file, LoadTimes { current, package: 1_000_000 }, &values)
    }

    fn error(layout: &str) -> String {
        Layout::parse(layout, BTreeMap::new(), &BTreeSet::new()).unwrap_err().to_string()
    }

    fn prefix(layout: &str) -> String {
        Layout::parse(layout, BTreeMap::new(), &BTreeSet::new()).unwrap().prefix("s", "event")
    }

    #[test]
    fn placeholders_have_the_references_values() {
        assert_eq!(path(DEFAULT_LAYOUT), "event/1.5.ab.jsonl.gz");
        assert_eq!(path("{table_name}"), "event.jsonl.gz");
        assert_eq!(path("{table_name}/{team}/{curr_date}"), "event/core/2024-03-05.jsonl.gz");
        assert_eq!(path("{table_name}/{shard}.{ext}"), "event/7.jsonl.gz");
        assert_eq!(
            path("{table_name}/{YYYY}-{Y}-{YY}-{Q}-{MMMM}-{MMM}-{MM}-{M}-{DD}-{D}"),
            "event/2024-2024-24-1-march-mar-03-3-05-5.jsonl.gz"
        );
        assert_eq!(
            path("{table_name}/{dddd}-{ddd}-{dd}-{d}-{HH}-{H}-{mm}-{m}-{ss}-{s}-{S}-{SS}-{SSS}-{SSSS}"),
            "event/tuesday-tue-tu-2-07-7-08-8-09-9-1-12-123-1234.jsonl.gz"
        );
        assert_eq!(
            path(
                "{table_name}.{timestamp}.{timestamp_ms}.{load_package_timestamp}.{load_package_timestamp_ms}.{ext}"
            ),
            "event.1709622489.1709622489123.1.1000.jsonl.gz"
        );
    }

    #[test]
    fn the_prefix_ends_one_character_behind_the_table() {
        assert_eq!(prefix("{schema_name}/{table_name}/{file_id}"), "s/event/");
        assert_eq!(prefix("x/{table_name}_{file_id}"), "x/event_");
        assert_eq!(prefix("{schema_name}_{table_name}.{file_id}"), "s_event.");
        assert_eq!(prefix("{table_name}"), "event.");
        assert_eq!(prefix("{table_name}/"), "event/");
        let layout = |text: &str| Layout::parse(text, BTreeMap::new(), &BTreeSet::new()).unwrap();
        assert_eq!(layout("x/{table_name}_{file_id}").unsafe_separator(), Some('_'));
        assert_eq!(layout(DEFAULT_LAYOUT).unsafe_separator(), None);
    }

    #[test]
    fn the_files_names_can_be_given_the_times_cannot() {
        let extra =
            [("load_id", "mine"), ("YYYY", "1999")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let computed = BTreeSet::from(["file_id".to_owned()]);
        let layout =
            Layout::parse("{table_name}/{YYYY}.{load_id}.{file_id}", extra.into(), &computed).unwrap();
        let file = FileName { schema_name: "s", table_name: "t", load_id: "1.5", file_id: "ab", ext: "csv" };
        let current = Timestamp { micros: TIME, offset: Some(9 * 3600) };
        let values = Computed::from([("file_id".to_owned(), "x".to_owned())]);
        assert_eq!(layout.path(&file, LoadTimes { current, package: 0 }, &values), "t/2024.mine.x.csv");
        let times = LoadTimes { current, package: 0 };
        let clock = Layout::parse("{table_name}/{DD}T{HH}.{timestamp}", BTreeMap::new(), &BTreeSet::new());
        assert_eq!(clock.unwrap().path(&file, times, &Computed::new()), "t/05T16.1709622489.csv");
        let wrong = BTreeSet::from(["table_name".to_owned()]);
        let error = Layout::parse("{table_name}/{ext}", BTreeMap::new(), &wrong).unwrap_err().to_string();
        assert!(error.contains("cannot be computed"), "{error}");
    }

    #[test]
    fn wrong_layouts_say_why() {
        assert!(error("{table_name}/{nope}").contains("no placeholder `nope`"));
        assert!(error("{file_id}").contains("`{table_name}` is missing"), "{}", error("{file_id}"));
        assert!(error("{load_id}/{table_name}/x").contains("before `{table_name}`"));
        assert!(error("{table_name}{load_id}").contains("must separate"));
        assert!(error("{table_name}/{x").contains("brace"));
        assert!(error("{table_name}/x}").contains("brace"));
        assert!(error("{table_name}/{}").contains("brace"));
    }
}
