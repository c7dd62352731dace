//! Loads as users do them: formats, places, dispositions, limits and steps.

use std::fmt::Write as _;
use std::path::Path;

use crate::project::{Project, files_below};

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/github/github_events.json");

#[test]
fn the_example_becomes_typed_tables() {
    let project = Project::files("");
    std::fs::copy(EVENTS, project.path("data/events.json")).unwrap();
    project.run(0);
    assert_eq!(
        project.one("SELECT count(*), count(DISTINCT id), count(DISTINCT _dlt_id) FROM t"),
        "30,30,30"
    );
    assert_eq!(
        project.one(
            "SELECT count(*) FROM t__payload__commits c JOIN t ON c._dlt_parent_id = t._dlt_id WHERE t.type = 'PushEvent'"
        ),
        project.one("SELECT count(*) FROM t__payload__commits")
    );
    let columns = project.columns("t");
    for column in ["created_at: timestamp", "public: bool", "actor__id: bigint", "_dlt_load_id: text"] {
        assert!(columns.iter().any(|known| known == column), "{column} is not in {columns:?}");
    }
    // The second run appends the same events again under another load.
    project.run(0);
    assert_eq!(
        project.one("SELECT count(*), count(DISTINCT id), count(DISTINCT _dlt_id) FROM t"),
        "60,30,60"
    );
    assert_eq!(project.one("SELECT count(*) FROM _dlt_loads WHERE status = 0"), "2");
    assert_eq!(project.one("SELECT count(*) FROM _dlt_version"), "1");
}

#[test]
fn every_format_gives_the_same_table() {
    let rows = ["1,a,1.5", "2,b,", "3,\"c,d\",2.5"];
    let check = |name: &str, bytes: &[u8], resource: &str| {
        let project = Project::files(resource);
        project.write(&format!("data/{name}"), bytes);
        project.run(0);
        assert_eq!(project.query("SELECT id, name, x FROM t ORDER BY id"), rows, "{name}");
    };
    let lines = "{\"id\": 1, \"name\": \"a\", \"x\": 1.5}\n{\"id\": 2, \"name\": \"b\"}\n{\"id\": 3, \"name\": \"c,d\", \"x\": 2.5}\n";
    let array = format!("[{}]", lines.trim_end().replace('\n', ","));
    check("a.jsonl", lines.as_bytes(), "");
    check("a.json", array.as_bytes(), "");
    check("a.data", array.as_bytes(), "format: json");
    check("a.csv", b"id,name,x\n1,a,1.5\n2,b,\n3,\"c,d\",2.5\n", "");
    let document = format!("{{\"meta\": {{\"items\": {array}}}, \"other\": [1]}}");
    check("a.json", document.as_bytes(), "records: \"$.meta.items[*]\"");
    let project = Project::with("{type: filesystem, bucket_url: out, loader_file_format: parquet}", "");
    project.write("data/a.jsonl", lines);
    project.run(0);
    let parquet = std::fs::read(&files_below(&project.path("out/d/t"))[0]).unwrap();
    check("a.parquet", &parquet, "");
}

#[test]
fn thousands_of_files_are_one_table() {
    let project = Project::files("");
    for file in 0..2000 {
        project.write(
            &format!("data/part-{file:04}.jsonl"),
            format!("{{\"id\": {file}}}\n{{\"id\": {}}}\n", file + 10_000),
        );
    }
    project.run(0);
    assert_eq!(project.one("SELECT count(*), count(DISTINCT id), max(id) FROM t"), "4000,4000,11999");
}

/// Rows and child rows that are easy to check.
fn nested_lines(rows: usize) -> String {
    let mut lines = String::new();
    for id in 0..rows {
        writeln!(
            lines,
            "{{\"id\": {id}, \"tags\": [\"a{id}\", \"b\"], \"by\": {{\"name\": \"n{}\"}}}}",
            id % 7
        )
        .unwrap();
    }
    lines
}

#[test]
fn threads_change_nothing_but_the_time() {
    let lines = nested_lines(20_000);
    let tables = |workers: &str| {
        let project = Project::files("");
        project.write("data/a.jsonl", &lines);
        project.run_with(&["--workers", workers], 0);
        let ids = "SELECT md5(string_agg(id || by__name, '' ORDER BY id)) FROM t";
        let tags = "SELECT md5(string_agg(t.id || c.value || c._dlt_list_idx, '' ORDER BY t.id, c._dlt_list_idx)) \
                    FROM t__tags c JOIN t ON t._dlt_id = c._dlt_parent_id";
        (
            project.one(ids),
            project.one(tags),
            project.columns("t"),
            project.one("SELECT version_hash FROM _dlt_version"),
        )
    };
    let one = tables("1");
    assert_eq!(one, tables("2"));
    assert_eq!(one, tables("6"));
}

#[test]
fn replace_leaves_the_rows_of_the_last_run() {
    for destination in [
        "{type: duckdb, credentials: out.duckdb}",
        "{type: duckdb, credentials: out.duckdb, replace_strategy: insert-from-staging}",
        "{type: filesystem, bucket_url: out}",
        "{type: filesystem, bucket_url: out, loader_file_format: parquet}",
        "{type: filesystem, bucket_url: out, loader_file_format: csv}",
    ] {
        let project = Project::with(destination, "write_disposition: replace");
        project.write("data/a.jsonl", nested_lines(50));
        project.run(0);
        project.write("data/a.jsonl", "{\"id\": 7, \"extra\": true}\n{\"id\": 8, \"tags\": [\"x\"]}\n");
        project.run(0);
        assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["7", "8"], "{destination}");
        assert_eq!(project.query("SELECT value FROM t__tags"), ["x"], "{destination}");
        project.write("data/a.jsonl", "");
        project.run(0);
        if destination.contains("duckdb") {
            assert_eq!(project.one("SELECT count(*) FROM t"), "0", "{destination}");
            assert_eq!(project.one("SELECT count(*) FROM t__tags"), "0", "{destination}");
        } else {
            let left: Vec<_> = files_below(&project.path("out/d"));
            let is_data = |path: &&std::path::PathBuf| {
                !path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("_dlt"))
                    && !path.to_string_lossy().contains("/.windlass/")
                    && !path.ends_with("init")
            };
            assert_eq!(left.iter().filter(is_data).count(), 0, "{destination}: {left:?}");
        }
    }
}

#[test]
fn a_database_in_memory_takes_a_load() {
    let project = Project::with("{type: duckdb, credentials: \":memory:\"}", "");
    project.write("data/a.jsonl", nested_lines(10));
    let done = project.run_with(&["--json"], 0);
    let info: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(info["packages"][0]["rows"]["t"], 10);
    assert_eq!(info["packages"][0]["rows"]["t__tags"], 20);
}

#[test]
fn limits_and_steps_shape_what_is_loaded() {
    let project =
        Project::files("steps: [{filter: '.id % 2 == 0'}, {map: '{id, name: .by.name}'}], limit: 5");
    project.write("data/a.jsonl", nested_lines(100));
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["0", "2", "4", "6", "8"]);
    assert!(!project.has_table("t__tags"));
    project.run_with(&["--limit", "2"], 0);
    assert_eq!(project.one("SELECT count(*) FROM t"), "7");
}

#[test]
fn the_filesystem_destination_writes_the_layout_of_the_field() {
    let project = Project::with(
        "{type: filesystem, bucket_url: out, layout: \"{schema_name}/{table_name}/{load_id}.{file_id}.{ext}\"}",
        "",
    );
    project.write("data/a.jsonl", nested_lines(3));
    project.run(0);
    let files: Vec<String> = files_below(&project.path("out/d"))
        .into_iter()
        .map(|path| path.strip_prefix(project.path("out/d")).unwrap().display().to_string())
        .collect();
    let has =
        |start: &str, end: &str| files.iter().any(|file| file.starts_with(start) && file.ends_with(end));
    assert!(has("p/t/", ".jsonl.gz") && has("p/t__tags/", ".jsonl.gz"), "{files:?}");
    assert!(has("_dlt_loads/", ".jsonl") && has("_dlt_version/", ".jsonl"), "{files:?}");
    assert!(files.iter().any(|file| file.ends_with("init")), "{files:?}");
    assert_eq!(project.one("SELECT count(*) FROM t__tags"), "6");
}

#[test]
fn the_binary_needs_no_environment_and_runs_from_any_folder() {
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_windlass"))
        .arg("destinations")
        .current_dir(Path::new("/"))
        .env_clear()
        .output()
        .unwrap();
    assert!(done.status.success());
    assert!(String::from_utf8(done.stdout).unwrap().contains("duckdb"));
}

#[test]
fn incremental_and_merge_load_what_is_new_once() {
    let project = Project::files(
        "primary_key: id, write_disposition: merge, incremental: {cursor_path: updated_at, initial_value: 0}",
    );
    project.write(
        "data/a.jsonl",
        "{\"id\": 1, \"updated_at\": 5, \"v\": \"a\"}\n{\"id\": 2, \"updated_at\": 7, \"v\": \"b\"}\n",
    );
    project.run(0);
    project.write(
        "data/a.jsonl",
        "{\"id\": 1, \"updated_at\": 9, \"v\": \"new\"}\n{\"id\": 2, \"updated_at\": 7, \"v\": \"ignored\"}\n\
         {\"id\": 3, \"updated_at\": 8, \"v\": \"c\"}\n",
    );
    project.run(0);
    assert_eq!(project.query("SELECT id, v FROM t ORDER BY id"), ["1,new", "2,b", "3,c"]);
    let again = project.run_with(&["--json"], 0);
    let info: serde_json::Value = serde_json::from_str(&again.stdout).unwrap();
    assert!(
        info["packages"].as_array().unwrap().iter().all(|package| package["rows"]["t"].is_null()),
        "{info}"
    );
}

#[test]
fn a_refresh_begins_anew_and_the_plan_says_so() {
    let project = Project::files("incremental: {cursor_path: id}");
    project.write("data/a.jsonl", "{\"id\": 1, \"tags\": [1]}\n{\"id\": 2, \"tags\": []}\n");
    project.run(0);
    let plan = project.windlass(&["plan", "p.yaml", "--full-refresh", "--json"]);
    let plan: serde_json::Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["dropped"], serde_json::json!(["t__tags", "t"]));
    assert_eq!(project.one("SELECT count(*) FROM t"), "2");
    project.run(0);
    assert_eq!(project.one("SELECT count(*) FROM t"), "2", "the cursor holds");
    project.run_with(&["--refresh", "drop_data"], 0);
    assert_eq!(project.one("SELECT count(*) FROM t"), "2", "read again");
    project.write("data/a.jsonl", "{\"id\": 1}\n");
    project.run_with(&["--full-refresh"], 0);
    assert_eq!(project.one("SELECT count(*) FROM t"), "1");
    assert!(!project.has_table("t__tags"));
    project.run_with(&["--refresh", "all"], 2).says(&["all"], "drop_sources");
}
