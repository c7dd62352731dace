//! What messages say.

use serde_json::{Value, json};
use windlass_core::Error;

use crate::pipeline::{LoadInfo, error_json};

/// Tables that a message for people names, and columns of each.
const SHOWN: usize = 20;

/// Something that is worth a message.
#[derive(Debug)]
pub(super) enum Message<'a> {
    /// New columns: load, schema, and the columns by table.
    SchemaChange { info: &'a LoadInfo, loads: Vec<Load<'a>> },
    /// A run that failed.
    Failure { info: &'a LoadInfo, error: &'a Error },
    /// A run that loaded a part: partitions failed, or resources were not read to their end.
    Partial { info: &'a LoadInfo },
}

/// The schema change of one load.
#[derive(Debug)]
pub(super) struct Load<'a> {
    load_id: &'a str,
    schema: &'a str,
    schema_hash: &'a str,
    tables: Vec<(&'a str, &'a [String])>,
}

impl<'a> Message<'a> {
    /// The new tables and columns of a run; `None` if there are none but those of the engine, which begin with `system`.
    pub(super) fn schema_change(info: &'a LoadInfo, system: &str) -> Option<Self> {
        let loads = info.packages.iter().map(|package| Load {
            load_id: &package.load_id,
            schema: &package.schema,
            schema_hash: &package.schema_hash,
            tables: package
                .schema_update
                .iter()
                .filter(|(table, columns)| !table.starts_with(system) && !columns.is_empty())
                .map(|(table, columns)| (table.as_str(), columns.as_slice()))
                .collect(),
        });
        let loads: Vec<Load<'a>> = loads.filter(|load| !load.tables.is_empty()).collect();
        (!loads.is_empty()).then_some(Self::SchemaChange { info, loads })
    }

    /// A run that failed.
    pub(super) fn failure(info: &'a LoadInfo, error: &'a Error) -> Self {
        Self::Failure { info, error }
    }

    /// What a run could not read; `None` if it read everything.
    pub(super) fn partial(info: &'a LoadInfo) -> Option<Self> {
        info.has_unread().then_some(Self::Partial { info })
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::SchemaChange { info, loads } => {
                let loads = loads.iter().map(|load| {
                    let tables: serde_json::Map<String, Value> = load
                        .tables
                        .iter()
                        .map(|(table, columns)| ((*table).to_owned(), json!(columns)))
                        .collect();
                    json!({
                        "load_id": load.load_id,
                        "schema": load.schema,
                        "schema_hash": load.schema_hash,
                        "new_columns": tables,
                    })
                });
                json!({
                    "event": "schema_change",
                    "pipeline": info.pipeline,
                    "destination": info.destination,
                    "dataset": info.dataset,
                    "loads": loads.collect::<Vec<_>>(),
                })
            }
            Self::Failure { info, error } => json!({
                "event": "failure",
                "pipeline": info.pipeline,
                "destination": info.destination,
                "dataset": info.dataset,
                "started_at": info.started_at,
                "finished_at": info.finished_at,
                "error": error_json(error),
            }),
            Self::Partial { info } => json!({
                "event": "partial",
                "pipeline": info.pipeline,
                "destination": info.destination,
                "dataset": info.dataset,
                "started_at": info.started_at,
                "finished_at": info.finished_at,
                "failed_partitions": info.failed_partitions,
                "unfinished_resources": info.unfinished_resources,
            }),
        }
    }

    /// For people who use Slack.
    pub(super) fn slack(&self) -> Value {
        let text = match self {
            Self::SchemaChange { info, loads } => {
                let mut lines = vec![format!(
                    "windlass: pipeline *{}* changed the schema of dataset *{}* ({})",
                    escaped(&info.pipeline),
                    escaped(&info.dataset),
                    info.destination
                )];
                let tables: Vec<_> = loads.iter().flat_map(|load| &load.tables).collect();
                lines.extend(tables.iter().take(SHOWN).map(|(table, columns)| {
                    let shown: Vec<String> =
                        columns.iter().take(SHOWN).map(|column| format!("`{}`", escaped(column))).collect();
                    format!("• `{}`: {}{}", escaped(table), shown.join(", "), more(columns.len(), " columns"))
                }));
                if tables.len() > SHOWN {
                    lines.push(format!("•{}", more(tables.len(), " tables")));
                }
                lines.join("\n")
            }
            Self::Failure { info, error } => {
                let hint = error.hint().map_or_else(String::new, |hint| format!("\nhint: {}", escaped(hint)));
                format!(
                    "windlass: pipeline *{}* failed to load into dataset *{}* ({}): {}{hint}",
                    escaped(&info.pipeline),
                    escaped(&info.dataset),
                    info.destination,
                    escaped(&error.chain())
                )
            }
            Self::Partial { info } => {
                let mut lines = vec![format!(
                    "windlass: pipeline *{}* loaded only a part into dataset *{}* ({}); the next run reads the rest",
                    escaped(&info.pipeline),
                    escaped(&info.dataset),
                    info.destination
                )];
                lines.extend(info.unfinished_resources.iter().map(|(resource, reason)| {
                    format!("• `{}` was not read to its end: {}", escaped(resource), escaped(reason))
                }));
                lines.extend(info.failed_partitions.iter().take(SHOWN).map(|failed| {
                    let partition = failed.partition.to_string();
                    let (resource, error) = (escaped(&failed.resource), escaped(&failed.error));
                    format!("• `{resource}`, partition `{}`: {error}", escaped(&partition))
                }));
                if info.failed_partitions.len() > SHOWN {
                    lines.push(format!("•{}", more(info.failed_partitions.len(), " partitions")));
                }
                lines.join("\n")
            }
        };
        json!({ "text": text })
    }
}

fn more(count: usize, what: &str) -> String {
    match count.saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more{what}"),
    }
}

/// A text without what Slack takes for commands.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::pipeline::PackageInfo;

    fn info(tables: &[(&str, &[&str])]) -> LoadInfo {
        let update = tables.iter().map(|(table, columns)| {
            ((*table).to_owned(), columns.iter().map(|column| (*column).to_owned()).collect())
        });
        LoadInfo {
            pipeline: "shop".to_owned(),
            destination: "duckdb".to_owned(),
            dataset: "shop_dataset".to_owned(),
            packages: vec![PackageInfo {
                load_id: "1.5".to_owned(),
                schema: "shop".to_owned(),
                schema_hash: "h=".to_owned(),
                schema_update: update.collect(),
                ..PackageInfo::default()
            }],
            ..LoadInfo::default()
        }
    }

    #[test]
    fn a_schema_change_names_tables_and_columns() {
        let info = info(&[("_dlt_loads", &["load_id: text"]), ("a", &["x: bigint", "y<z>: text (variant)"])]);
        let message = Message::schema_change(&info, "_dlt").unwrap();
        expect![[r#"{"event":"schema_change","pipeline":"shop","destination":"duckdb","dataset":"shop_dataset","loads":[{"load_id":"1.5","schema":"shop","schema_hash":"h=","new_columns":{"a":["x: bigint","y<z>: text (variant)"]}}]}"#]]
            .assert_eq(&message.json().to_string());
        expect![[r#"
            windlass: pipeline *shop* changed the schema of dataset *shop_dataset* (duckdb)
            • `a`: `x: bigint`, `y&lt;z&gt;: text (variant)`"#]]
        .assert_eq(message.slack()["text"].as_str().unwrap());
    }

    #[test]
    fn the_tables_of_the_engine_are_no_change() {
        assert!(Message::schema_change(&info(&[("_dlt_loads", &["load_id: text"])]), "_dlt").is_none());
        assert!(Message::schema_change(&info(&[("a", &[])]), "_dlt").is_none());
        assert!(Message::schema_change(&LoadInfo::default(), "_dlt").is_none());
    }

    #[test]
    fn a_long_change_is_cut_for_people_and_whole_for_programs() {
        let names: Vec<String> = (0..25).map(|index| format!("c{index}: text")).collect();
        let columns: Vec<&str> = names.iter().map(String::as_str).collect();
        let info = info(&[("wide", &columns)]);
        let message = Message::schema_change(&info, "_dlt").unwrap();
        assert!(message.slack()["text"].as_str().unwrap().ends_with("`c19: text` and 5 more columns"));
        assert_eq!(message.json()["loads"][0]["new_columns"]["wide"].as_array().map(Vec::len), Some(25));
    }

    #[test]
    fn a_partial_run_names_what_is_missing() {
        use windlass_core::package::FailedPartition;
        assert!(Message::partial(&info(&[])).is_none());
        let failed = |id: i64| FailedPartition {
            resource: "comments".to_owned(),
            partition: json!({ "id": id }),
            error: "404 <gone>".to_owned(),
        };
        let info = LoadInfo {
            failed_partitions: (0..21).map(failed).collect(),
            unfinished_resources: [("posts".to_owned(), "max_requests of 10 are made".to_owned())].into(),
            ..info(&[])
        };
        let message = Message::partial(&info).unwrap();
        let slack = message.slack();
        let lines: Vec<&str> = slack["text"].as_str().unwrap().lines().collect();
        assert!(lines[0].contains("only a part"), "{}", lines[0]);
        assert_eq!(lines[1], "• `posts` was not read to its end: max_requests of 10 are made");
        assert_eq!(lines[2], "• `comments`, partition `{\"id\":0}`: 404 &lt;gone&gt;");
        assert_eq!((lines.len(), lines[22]), (23, "• and 1 more partitions"));
        assert_eq!(message.json()["failed_partitions"].as_array().unwrap().len(), 21);
        assert_eq!(message.json()["event"], "partial");
    }

    #[test]
    fn a_failure_says_what_helps() {
        let error = Error::data("bad <row>").with_hint("fix it");
        let info = info(&[]);
        let message = Message::failure(&info, &error);
        expect!["windlass: pipeline *shop* failed to load into dataset *shop_dataset* (duckdb): bad &lt;row&gt;\nhint: fix it"]
            .assert_eq(message.slack()["text"].as_str().unwrap());
        assert_eq!(
            message.json()["error"],
            json!({ "kind": "data", "code": "invalid_data", "message": "bad <row>", "hint": "fix it" })
        );
    }
}
