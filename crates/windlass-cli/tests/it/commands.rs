//! Every command, its output and its exit code.

use serde_json::Value;

use crate::project::{Project, files_below};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn init_writes_files_that_validate_and_run() {
    for destination in ["duckdb", "filesystem"] {
        let project = Project::new();
        let done = project.windlass(&["init", "inline", destination, "--name", "first"]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        for file in ["first.yaml", ".windlass/config.toml", ".windlass/secrets.toml", ".gitignore"] {
            assert!(project.path(file).exists(), "{file}");
        }
        assert_eq!(project.windlass(&["validate", "first.yaml"]).code, 0);
        let done = project.windlass(&["run", "first.yaml"]);
        assert_eq!(done.code, 0, "{}", done.stderr);
        let again = project.windlass(&["init", "inline", destination, "--name", "first"]);
        assert_eq!(again.code, 2);
        again.says(&["first.yaml exists already"], "--name");
        let ignored = std::fs::read_to_string(project.path(".gitignore")).unwrap();
        assert!(ignored.contains(".windlass/secrets.toml"));
    }
    let project = Project::new();
    let done = project.windlass(&["init", "filesystm", "duckdb"]);
    assert_eq!(done.code, 2);
    done.says(&["filesystm"], "did you mean `filesystem`?");
}

#[test]
fn a_plan_shows_tables_and_statements_and_changes_nothing() {
    let project = Project::files("write_disposition: replace");
    project.write("data/a.jsonl", "{\"id\": 1, \"tags\": [\"x\"], \"v\": 1}\n");
    let before = files_below(&project.path(""));
    let done = project.windlass(&["plan", "p.yaml", "--detailed-exitcode"]);
    assert_eq!(done.code, 5, "{}", done.stderr);
    for piece in ["+ new table t", "+ new table t__tags below t", "+ id: bigint", "CREATE TABLE"] {
        assert!(done.stdout.contains(piece), "{piece} is not in {}", done.stdout);
    }
    assert_eq!(before, files_below(&project.path("")), "a plan changes nothing");
    project.run(0);
    project.write("data/a.jsonl", "{\"id\": 1, \"tags\": [{\"y\": 1}], \"v\": \"text\"}\n");
    let plan = json(&project.windlass(&["plan", "p.yaml", "--json"]).stdout);
    assert_eq!(plan["tables"]["t"]["is_new"], false);
    assert_eq!(plan["tables"]["t"]["columns"][0], "v__v_text: text (variant)");
    assert_eq!(plan["tables"]["t__tags"]["columns"][0], "y: bigint");
    assert_eq!(plan["replaced"], serde_json::json!(["t", "t__tags"]));
    assert!(
        plan["statements"].as_array().unwrap().iter().any(|s| s.as_str().unwrap().contains("ALTER TABLE"))
    );
    assert_eq!(project.one("SELECT v FROM t"), "1");
}

#[test]
fn a_plan_without_changes_says_so() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\": 1}\n");
    project.run(0);
    let done = project.windlass(&["plan", "p.yaml", "--detailed-exitcode"]);
    assert_eq!(done.code, 0, "{}", done.stdout);
    assert!(done.stdout.contains("no change of tables"), "{}", done.stdout);
}

#[test]
fn a_contract_that_is_broken_ends_with_four() {
    let project = Project::files("schema_contract: {columns: freeze}");
    project.write("data/a.jsonl", "{\"id\": 1}\n");
    project.run(0);
    project.write("data/a.jsonl", "{\"id\": 2, \"extra\": 1}\n");
    project.run(4).says(&["extra", "table `t`"], "");
    assert_eq!(project.one("SELECT count(*) FROM t"), "1");
}

#[test]
fn the_pipeline_commands_show_what_a_pipeline_knows() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\": 1, \"tags\": [1]}\n");
    project.run(0);
    // By name and by file.
    for name in ["p", "p.yaml"] {
        let info = json(&project.windlass(&["pipeline", "info", name, "--json"]).stdout);
        assert_eq!(info["dataset"], "d");
        assert_eq!(info["schemas"][0]["name"], "p");
    }
    let list = json(&project.windlass(&["pipeline", "list", "--json"]).stdout);
    assert_eq!(list["pipelines"][0]["name"], "p");
    assert_eq!(list["pipelines"][0]["result"], "ok");
    let trace = json(&project.windlass(&["pipeline", "trace", "p", "--json"]).stdout);
    assert_eq!(trace["packages"][0]["rows"]["t__tags"], 1);
    assert!(trace["error"].is_null());
    let loads = json(&project.windlass(&["pipeline", "loads", "p", "--json"]).stdout);
    assert_eq!(loads[0]["status"], "loaded");
    let state = json(&project.windlass(&["pipeline", "state", "p"]).stdout);
    assert_eq!(state["pipeline_name"], "p");
    for (format, piece) in
        [("yaml", "tables:"), ("json", "\"version_hash\""), ("mermaid", "erDiagram"), ("dbml", "Table")]
    {
        let done = project.windlass(&["pipeline", "schema", "p", "--format", format]);
        assert!(done.stdout.contains(piece), "{format}: {}", done.stdout);
    }
    let wrong = project.windlass(&["pipeline", "schema", "p", "--format", "xml"]);
    assert_eq!(wrong.code, 2);
    wrong.says(&["xml"], "mermaid");
    assert_eq!(project.windlass(&["pipeline", "failed-jobs", "p"]).stdout, "nothing failed\n");
    let unknown = project.windlass(&["pipeline", "info", "q"]);
    assert_eq!(unknown.code, 2);
    unknown.says(&["no pipeline `q`"], "pipeline list");
}

#[test]
fn a_lost_working_folder_is_restored_from_the_destination() {
    for destination in ["{type: duckdb, credentials: out.duckdb}", "{type: filesystem, bucket_url: out}"] {
        let project = Project::with(destination, "");
        project.write("data/a.jsonl", "{\"id\": 1}\n");
        project.run(0);
        let state = |project: &Project| {
            let mut state = json(&project.windlass(&["pipeline", "state", "p.yaml"]).stdout);
            state.as_object_mut().unwrap().remove("_local");
            state
        };
        let before = state(&project);
        std::fs::remove_dir_all(project.path("work")).unwrap();
        let sync = json(&project.windlass(&["pipeline", "sync", "p.yaml", "--json"]).stdout);
        assert_eq!(sync["change"], "adopted", "{destination}");
        assert_eq!(state(&project), before, "{destination}");
        assert_eq!(project.columns("t")[0], "id: bigint");
        let sync = json(&project.windlass(&["pipeline", "sync", "p.yaml", "--json"]).stdout);
        assert_eq!(sync["change"], "none", "{destination}");
        project.run(0);
        assert_eq!(project.one("SELECT count(*) FROM t"), "2", "{destination}");
    }
}

#[test]
fn drop_removes_tables_and_asks_before() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\": 1, \"tags\": [1]}\n");
    project.run(0);
    let asked = project.windlass(&["pipeline", "drop", "p", "t"]);
    assert_eq!(asked.code, 2);
    asked.says(&["nobody to ask"], "--yes");
    assert!(project.has_table("t"));
    let done = json(&project.windlass(&["pipeline", "drop", "p", "re:^t$", "--yes", "--json"]).stdout);
    assert_eq!(done["tables"], serde_json::json!(["t__tags", "t"]));
    assert!(!project.has_table("t") && !project.has_table("t__tags"));
    project.run(0);
    assert_eq!(project.one("SELECT count(*) FROM t"), "1");
}

#[test]
fn rows_are_printed_as_table_csv_and_json() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\": 1, \"name\": \"a,b\"}\n");
    project.run(0);
    let query =
        |format: &str| project.windlass(&["query", "p", "SELECT id, name FROM t", "--format", format]).stdout;
    assert!(query("table").contains("│  1 ┆ a,b  │"), "{}", query("table"));
    assert_eq!(query("csv"), "id,name\n1,\"a,b\"\n");
    assert_eq!(query("json"), "[{\"id\":1,\"name\":\"a,b\"}]\n");
    let preview = project.windlass(&["preview", "p", "t", "--limit", "1", "--json"]);
    assert_eq!(json(&preview.stdout)[0]["name"], "a,b");
    let wrong = project.windlass(&["preview", "p", "tt"]);
    assert_eq!(wrong.code, 2);
    wrong.says(&["`tt`"], "the tables are");
    let wrong = project.windlass(&["query", "p", "SELECT * FROM nothing"]);
    assert_eq!(wrong.code, 1);
    wrong.says(&["nothing"], "pipeline schema");
    let written = project.windlass(&["query", "p", "DELETE FROM t"]);
    assert_eq!(written.code, 1, "a query only reads");
    assert_eq!(project.one("SELECT count(*) FROM t"), "1");
}

#[test]
fn errors_are_json_too() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\": 1}\n{]\n");
    let done = project.run_with(&["--json"], 1);
    let error = &json(&done.stdout)["error"];
    assert_eq!(error["kind"], "data");
    assert_eq!(error["code"], "not_json");
    assert_eq!(error["place"]["line"], 2);
    assert_eq!(error["place"]["byte"], 2);
    assert!(error["hint"].is_string());
}

#[test]
fn selections_and_datasets_can_be_given_on_the_command_line() {
    let project = Project::new();
    project.write(
        "p.yaml",
        "pipeline: p\ndestination: {type: duckdb, credentials: out.duckdb}\nsource:\n  type: inline\n  resources:\n    \
         - {name: a, items: [{id: 1}]}\n    - {name: b, items: [{id: 2}]}\n",
    );
    project.run_with(&["--select", "b", "--dataset", "other"], 0);
    assert!(!project.has_table("a"));
    assert_eq!(project.one("SELECT id FROM other.b"), "2");
    project.run_with(&["--select", "c"], 2).says(&["c"], "");
    project.run_with(&["--write-disposition", "replac"], 2).says(&["replac"], "replace");
    project.run_with(&["--max-memory", "lots"], 2).says(&["lots"], "512MB");
}

#[test]
fn what_the_binary_has_is_listed() {
    let project = Project::new();
    let names = |command: &str| {
        let list = json(&project.windlass(&[command, "--json"]).stdout);
        list.as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert!(names("sources").contains(&"filesystem".to_owned()));
    assert!(names("destinations").contains(&"duckdb".to_owned()));
    let schema = json(&project.windlass(&["json-schema"]).stdout);
    assert!(schema["properties"]["pipeline"].is_object(), "{schema}");
    for shell in ["bash", "zsh", "fish"] {
        assert!(project.windlass(&["completions", shell]).stdout.contains("windlass"));
    }
    let version = project.windlass(&["--version"]);
    assert_eq!(version.stdout, format!("windlass {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(project.windlass(&["runn"]).code, 2);
}

#[test]
fn secrets_are_never_shown() {
    let project = Project::new();
    project.write(
        "p.yaml",
        "pipeline: p\ndestination: {type: duckdb, credentials: \"${SECRET_PLACE}\", wrong: 1}\n\
         source: {type: inline, resources: [{name: a, items: []}]}\n",
    );
    let mut command = project.command(&["validate", "p.yaml", "-vvv"]);
    command.env("SECRET_PLACE", "hunter2-is-the-password");
    let done = crate::project::Done::of(command.output().unwrap());
    assert_eq!(done.code, 2);
    assert!(!format!("{}{}", done.stdout, done.stderr).contains("hunter2"), "{}", done.stderr);
}
