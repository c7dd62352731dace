//! Keys of `config.toml` and `secrets.toml` that nobody looks for.
//!
//! The files may serve other pipelines and Python programs as well: names that are free to choose are left alone,
//! unless they are nearly a name that is known.

use serde_json::{Map, Value};

use super::check::resolve;
use super::layers::Layers;
use super::{choices, nearest};
use crate::destinations::DESTINATIONS;
use crate::sources::SOURCES;

/// Sections that are not the engine's, but are there in projects of the reference.
const OTHERS: [&str; 4] = ["runtime", "pipelines", "dlthub", "workspace"];

/// Keys of `[runtime]` that programs look for.
const RUNTIME: [&str; 14] = [
    "pipeline_name",
    "log_level",
    "log_format",
    "sentry_dsn",
    "slack_incoming_hook",
    "dlthub_telemetry",
    "dlthub_telemetry_endpoint",
    "dlthub_telemetry_segment_write_key",
    "http_show_error_body",
    "http_max_error_body_length",
    "request_timeout",
    "request_max_attempts",
    "request_backoff_factor",
    "request_max_retry_delay",
];

/// Sections of the engine and the definitions of their keys.
const SECTIONS: [(&str, &str); 4] = [
    ("extract", "ExtractSection"),
    ("normalize", "NormalizeSection"),
    ("load", "LoadSection"),
    ("schema", "SchemaSection"),
];

/// A warning for each key that means nothing.
pub(super) fn unused_keys(layers: &Layers, schema: &Value, pipeline: &str, destination: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    for (path, value) in layers.files() {
        let mut finder = Finder { schema, destination, unused: Vec::new() };
        let top = value.as_object().cloned().unwrap_or_default();
        finder.top(&top, pipeline, &mut Vec::new());
        warnings.extend(finder.unused.into_iter().map(|(key, near)| {
            let near = near.map_or_else(String::new, |near| format!("; {near}"));
            format!("{}: the key `{key}` means nothing{near}", path.display())
        }));
    }
    warnings
}

struct Finder<'a> {
    schema: &'a Value,
    /// Name of the destination's section.
    destination: &'a str,
    /// Dotted keys, and what was probably meant.
    unused: Vec<(String, Option<String>)>,
}

impl<'a> Finder<'a> {
    fn note(&mut self, above: &[String], key: &str, near: Option<&str>) {
        self.push(above, key, near.map(|near| format!("did you mean `{near}`?")));
    }

    fn push(&mut self, above: &[String], key: &str, remedy: Option<String>) {
        let dotted = above.iter().map(String::as_str).chain([key]).collect::<Vec<_>>().join(".");
        self.unused.push((dotted, remedy));
    }

    /// The definitions of the schema whose names begin like this.
    fn definitions(&self, start: &str) -> Vec<(&'a str, &'a Value)> {
        let all = self.schema.get("$defs").and_then(Value::as_object).into_iter().flatten();
        all.filter_map(|(name, value)| Some((name.strip_prefix(start)?, value))).collect()
    }

    /// The keys that may stand in a section without a name: those of all kinds.
    fn keys_of(&self, start: &str) -> Vec<&'a str> {
        let definitions = self.definitions(start).into_iter();
        definitions.flat_map(|(_, value)| keys(self.schema, value)).collect()
    }

    fn top(&mut self, map: &Map<String, Value>, pipeline: &str, above: &mut Vec<String>) {
        let names = SECTIONS.iter().map(|(name, _)| *name).chain(["destination", "sources"]).chain(OTHERS);
        let names: Vec<&str> = names.collect();
        let free = ["PipelineSection", "destination:", "source:", "resource:"];
        let free: Vec<&str> = free.iter().flat_map(|start| self.keys_of(start)).collect();
        for (key, value) in map {
            above.push(key.clone());
            match value {
                Value::Object(section) => {
                    if let Some((_, definition)) = SECTIONS.iter().find(|(name, _)| name == key) {
                        let definition = self.definitions(definition).first().map(|(_, value)| *value);
                        definition.into_iter().for_each(|definition| self.below(section, definition, above));
                    } else if key == "destination" {
                        self.destinations(section, above);
                    } else if key == "sources" {
                        self.sources(section, above);
                    } else if key == "runtime" {
                        self.nearly(section, above, &RUNTIME);
                    } else if key == pipeline && above.len() == 1 {
                        self.top(section, pipeline, above);
                    } else if !names.contains(&key.as_str()) && !free.contains(&key.as_str()) {
                        self.near_only(above, names.iter().copied());
                    }
                }
                _ if free.contains(&key.as_str()) => {}
                _ => self.near_only(above, free.iter().copied()),
            }
            above.pop();
        }
    }

    /// Notes the last key of a path if it is nearly one that is known.
    fn near_only<'b>(&mut self, path: &[String], known: impl IntoIterator<Item = &'b str>) {
        if let Some((key, above)) = path.split_last()
            && let Some(near) = nearest(key, known)
        {
            self.note(above, key, Some(near));
        }
    }

    /// Notes the keys of a section that are nearly known ones; others may be anybody's.
    fn nearly(&mut self, section: &Map<String, Value>, above: &mut Vec<String>, known: &[&str]) {
        for key in section.keys().filter(|key| !known.contains(&key.as_str())) {
            above.push(key.clone());
            self.near_only(above, known.iter().copied());
            above.pop();
        }
    }

    fn destinations(&mut self, section: &Map<String, Value>, above: &mut Vec<String>) {
        let kinds = DESTINATIONS.iter().map(|entry| entry.name);
        let options = self.keys_of("destination:");
        for (key, value) in section {
            above.push(key.clone());
            let definition =
                self.definitions(&format!("destination:{key}")).into_iter().find(|(rest, _)| rest.is_empty());
            match (value, definition) {
                _ if options.contains(&key.as_str()) => {}
                (Value::Object(map), Some((_, definition))) => self.below(map, definition, above),
                (Value::Object(_), None) if key == self.destination => {}
                (Value::Object(_), None) => self.near_only(above, kinds.clone()),
                _ => self.note(&above[..above.len() - 1], key, nearest(key, options.iter().copied())),
            }
            above.pop();
        }
    }

    fn sources(&mut self, section: &Map<String, Value>, above: &mut Vec<String>) {
        let kinds = SOURCES.iter().map(|entry| entry.name);
        for (key, value) in section {
            above.push(key.clone());
            let mut known: Vec<&str> = vec!["credentials"];
            for start in ["source:", "resource:"] {
                let definition =
                    self.definitions(&format!("{start}{key}")).into_iter().find(|(rest, _)| rest.is_empty());
                known.extend(definition.into_iter().flat_map(|(_, value)| keys(self.schema, value)));
            }
            match value {
                Value::Object(map) if known.len() > 1 => {
                    // A table may be the section of a source or of a table, whose name is free.
                    for (name, value) in map.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
                        let near = nearest(name, known.iter().copied());
                        match value {
                            Value::Object(section) if near.is_none() => {
                                above.push(name.clone());
                                self.nearly(section, above, &known);
                                above.pop();
                            }
                            _ => self.note(above, name, near),
                        }
                    }
                }
                Value::Object(_) => self.near_only(above, kinds.clone()),
                _ => {}
            }
            above.pop();
        }
    }

    /// The keys of a section whose keys are all known.
    fn below(&mut self, map: &Map<String, Value>, definition: &'a Value, above: &mut Vec<String>) {
        let known = objects(self.schema, definition);
        for (key, value) in map {
            let property = known.iter().find_map(|properties| properties.get(key));
            match (property, value) {
                (Some(property), Value::Object(nested)) => {
                    above.push(key.clone());
                    if !objects(self.schema, property).is_empty() {
                        self.below(nested, property, above);
                    }
                    above.pop();
                }
                (Some(_), _) => {}
                (None, _)
                    if above.first().is_some_and(|first| first == "destination")
                        && key == "destination_type" => {}
                (None, _) => {
                    let all = known.iter().flat_map(|properties| properties.keys().map(String::as_str));
                    let all: Vec<&str> = all.collect();
                    match nearest(key, all.iter().copied()) {
                        Some(near) => self.note(above, key, Some(near)),
                        None => self.push(above, key, Some(choices(key, all))),
                    }
                }
            }
        }
    }
}

/// The keys of the objects that a schema may be.
fn objects<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Map<String, Value>> {
    let Some(schema) = resolve(root, schema) else { return Vec::new() };
    let own = schema.get("properties").and_then(Value::as_object);
    let variants = ["anyOf", "oneOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten();
    own.into_iter().chain(variants.flat_map(|variant| objects(root, variant))).collect()
}

fn keys<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a str> {
    objects(root, schema).into_iter().flat_map(|properties| properties.keys().map(String::as_str)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::json_schema;

    fn warnings(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".dlt")).unwrap();
        std::fs::write(folder.path().join(".dlt/config.toml"), text).unwrap();
        let layers = Layers::of_project([], folder.path()).unwrap();
        let all = unused_keys(&layers, &json_schema(), "shop", "postgres");
        all.iter().map(|text| text.split(": the key ").nth(1).unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn a_key_that_means_nothing_is_named_with_the_nearest() {
        for (text, expected) in [
            ("[normalize]\nwrokers = 2", "`normalize.wrokers` means nothing; did you mean `workers`?"),
            (
                "[normalize.data_writer]\nfile_max_item = 2",
                "`normalize.data_writer.file_max_item` means nothing; did you mean `file_max_items`?",
            ),
            ("[runtime]\nlog_levl = \"INFO\"", "`runtime.log_levl` means nothing; did you mean `log_level`?"),
            (
                "[sources.filesystem.p]\nbucket_ulr = \"z\"",
                "`sources.filesystem.p.bucket_ulr` means nothing; did you mean `bucket_url`?",
            ),
            ("[destinaton.postgres]\nx = 1", "`destinaton` means nothing; did you mean `destination`?"),
            ("[destination.postgrs]\nx = 1", "`destination.postgrs` means nothing; did you mean `postgres`?"),
            (
                "[destination.postgres]\ncreate_index = true",
                "`destination.postgres.create_index` means nothing; did you mean `create_indexes`?",
            ),
            (
                "[destination.postgres.credentials]\nhots = \"h\"",
                "`destination.postgres.credentials.hots` means nothing; did you mean `host`?",
            ),
            (
                "[destination]\nbucket_ulr = \"x\"",
                "`destination.bucket_ulr` means nothing; did you mean `bucket_url`?",
            ),
            (
                "[sources.sql_databse]\nx = 1",
                "`sources.sql_databse` means nothing; did you mean `sql_database`?",
            ),
            (
                "[sources.filesystem]\nbucket_ur = \"x\"",
                "`sources.filesystem.bucket_ur` means nothing; did you mean `bucket_url`?",
            ),
            (
                "[shop.load]\nlease_secons = 1",
                "`shop.load.lease_secons` means nothing; did you mean `lease_seconds`?",
            ),
            ("max_memry = \"1GB\"", "`max_memry` means nothing; did you mean `max_memory`?"),
        ] {
            assert_eq!(warnings(text), [expected], "{text}");
        }
    }

    #[test]
    fn a_key_that_is_near_nothing_is_named_with_all_that_there_are() {
        for (text, key, known) in [
            ("[load]\ntruncate = true", "load.truncate", "delete_completed_jobs"),
            ("[extract]\nwobble = 2", "extract.wobble", "checkpoint_seconds"),
            (
                "[destination.duckdb]\ncreate_indexes = true",
                "destination.duckdb.create_indexes",
                "credentials",
            ),
        ] {
            let all = warnings(text);
            assert!(all[0].starts_with(&format!("`{key}` means nothing; there are ")), "{all:?}");
            assert!(all[0].contains(known) && all.len() == 1, "{all:?}");
        }
    }

    #[test]
    fn what_others_may_look_for_is_left_alone() {
        for text in [
            "[runtime]\nlog_level = \"INFO\"",
            "[other_pipeline.destination.postgres]\nx = 1",
            "[sources.my_api]\ntoken = \"x\"",
            "[sources.sql_database.orders]\nchunk_size = 5",
            "[sources.sql_database]\nchunk_size = 5\ncredentials = \"x\"",
            "[destination.warehouse]\ndestination_type = \"postgres\"",
            "[destination.postgres.credentials]\nhost = \"h\"",
            "[destination]\ncredentials = \"x\"",
            "api_key = \"x\"\nbucket_url = \"y\"",
            "[pipelines.shop]\nmax_memory = \"1GB\"",
        ] {
            assert_eq!(warnings(text), Vec::<String>::new(), "{text}");
        }
    }
}
