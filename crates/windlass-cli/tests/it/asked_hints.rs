//! Hints that a destination cannot follow: refused by name where they change what is stored, else one warning.

use crate::project::Project;

#[test]
fn table_formats_that_are_not_there_are_refused_by_name() {
    for format in ["delta", "iceberg", "hive"] {
        for destination in ["{type: duckdb, credentials: out.duckdb}", "{type: filesystem, bucket_url: out}"]
        {
            let project = Project::with(destination, &format!("table_format: {format}"));
            project.write("data/a.jsonl", "{\"id\": 1}\n");
            let done = project.windlass(&["run", "p.yaml"]);
            assert_ne!(done.code, 0, "{destination}");
            done.says(&[&format!("has no table format `{format}`"), "t"], "native");
            assert!(!project.path("out").exists() && !project.path("out.duckdb").exists());
        }
    }
    let native = Project::files("table_format: native");
    native.write("data/a.jsonl", "{\"id\": 1}\n");
    native.run(0);
}

#[test]
fn a_merge_strategy_is_not_replaced_by_append() {
    for strategy in ["scd2", "upsert", "insert-only"] {
        let project = Project::with(
            "{type: filesystem, bucket_url: out}",
            &format!("primary_key: id, write_disposition: {{disposition: merge, strategy: {strategy}}}"),
        );
        project.write("data/a.jsonl", "{\"id\": 1}\n");
        let done = project.windlass(&["run", "p.yaml"]);
        assert_ne!(done.code, 0, "{strategy}");
        done.says(&[&format!("has no merge strategy `{strategy}`")], "append or replace");
    }
}

#[test]
fn physical_hints_are_ignored_with_one_warning_a_run() {
    let project = Project::files(
        "columns: {id: {partition: true, cluster: true, x-bigquery-partition: day}, b: {sort: true, x-index: true}}",
    );
    project.write("data/a.jsonl", "{\"id\": 1, \"b\": 2}\n");
    let done = project.run(0);
    let about: Vec<_> =
        done.warnings().into_iter().filter(|warning| warning.contains("physical hints")).collect();
    assert_eq!(about.len(), 1, "{about:?}");
    for hint in ["`cluster`", "`partition`", "`sort`", "`x-bigquery-partition`", "`x-index`"] {
        assert!(about[0].contains(hint), "{hint}: {about:?}");
    }
    assert_eq!(project.query("SELECT id, b FROM t"), ["1,2"]);
}
