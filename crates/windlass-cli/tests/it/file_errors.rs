//! Mistakes in pipeline files and settings: all at once, each with its place, the nearest word and all words.

use crate::project::{Done, Project};

fn validate(text: &str) -> Done {
    let project = Project::new();
    project.write("d/a.jsonl", "{\"uid\": 1}\n").write("p.yaml", text);
    project.windlass(&["validate", "p.yaml"])
}

fn files(resource: &str, more: &str) -> String {
    format!(
        "pipeline: p\ndataset: ds\ndestination: {{type: duckdb, credentials: o.duckdb}}\n{more}source:\n  type: filesystem\n  \
         bucket_url: d\n  resources:\n    - name: t\n      file_glob: '*'\n{resource}"
    )
}

fn rest(client: &str, endpoint: &str) -> String {
    format!(
        "pipeline: p\ndestination: duckdb\nsource:\n  type: rest_api\n  client: {{base_url: 'http://127.0.0.1:1/'{client}}}\n  \
         resources:\n    - name: t\n      endpoint: {{path: a{endpoint}}}\n"
    )
}

#[test]
fn a_merge_strategy_without_merge_does_not_append_in_silence() {
    for (options, option) in [
        ("{strategy: upsert}", "strategy"),
        ("{strategy: scd2}", "strategy"),
        ("{disposition: append, strategy: scd2}", "strategy"),
        ("{disposition: replace, strategy: upsert}", "strategy"),
        ("{disposition: append, deduplicated: true}", "deduplicated"),
        ("{disposition: append, validity_column_names: [a, b]}", "validity_column_names"),
    ] {
        let project = Project::files(&format!("primary_key: uid, write_disposition: {options}"));
        project.write("data/a.jsonl", "{\"uid\": 1}\n");
        for command in ["validate", "plan", "run"] {
            let done = project.windlass(&[command, "p.yaml"]);
            assert_ne!(done.code, 0, "{command} {options}");
            let message = format!("`{option}` needs `disposition: merge`");
            assert!(done.error().contains(&message), "{}", done.stderr);
        }
    }
    let done = validate(&files("      write_disposition: {}\n", ""));
    assert!(done.error().contains("have no `disposition`"), "{}", done.stderr);
}

#[test]
fn a_package_with_a_wrong_filter_says_how_to_get_rid_of_it() {
    let file = |filter: &str| {
        files(
            &format!(
                "      primary_key: uid\n      write_disposition: {{disposition: merge, source_filter: '{filter}'}}\n",
            ),
            "",
        )
    };
    let project = Project::new();
    project.write("d/a.jsonl", "{\"uid\": 1}\n{\"uid\": 2}\n").write("p.yaml", file("uid >"));
    project.run(1).says(&[], "drop-pending p");
    project.write("p.yaml", file("uid > 1"));
    project.run(1).says(&[], "with the filters and hints that it was made with");
    assert_eq!(project.windlass(&["pipeline", "drop-pending", "p", "--yes"]).code, 0);
    project.run(0);
    assert_eq!(project.query("SELECT uid FROM t"), ["2"]);
}

#[test]
fn words_that_are_none_are_told_with_all_of_them_and_their_place() {
    for (resource, more, message, hint) in [
        ("      columns: {a: {data_type: bigit}}\n", "", "must be one of bigint, text, double", "`bigint`"),
        ("      columns: {a: {data_type: timestmp}}\n", "", "must be one of timestamp, ", "`timestamp`"),
        ("      columns: [{name: a, data_type: bigit}]\n", "", "must be one of bigint, text", "`bigint`"),
        ("      columns: {a: {partitionn: true}}\n", "", "unknown key `partitionn`", "`partition`"),
        ("      columns: {a: {precission: 3}}\n", "", "unknown key `precission`", "`precision`"),
        (
            "      write_disposition: {disposition: merge, strategy: upsrt}\n",
            "",
            "must be one of upsert, delete-insert, ",
            "`upsert`",
        ),
        ("      schema_contract: freze\n", "", "must be one of freeze, evolve, ", "`freeze`"),
        ("      schema_contract: {colums: freeze}\n", "", "unknown key `colums`", "`columns`"),
        ("", "schema: {naming: snake}\n", "must be one of snake_case, duck_case, ", "`snake_case`"),
        ("      encoding: utf8x\n", "", "there is no encoding `utf8x`", "such are utf-8, "),
        ("      format: cvs\n", "", "must be one of csv, auto, ", "`csv`"),
        ("      csv: {delimiter: ';;'}\n", "", "needs 1 character, not 2", ""),
        ("      incremental: true\n", "", "must be a text or an object, not true or false", ""),
        ("      steps: [{filter: '.a ='}]\n", "", "is not a jq expression", "steps are jq expressions"),
        (
            "      write_disposition: {disposition: merge, strategy: scd2, validity_column_names: [a]}\n",
            "",
            "validity_column_names`: needs 2 items, not 1",
            "",
        ),
        ("", "max_memory: lots\n", "lots", ""),
    ] {
        let done = validate(&files(resource, more));
        assert_eq!(done.code, 2, "{resource}{more}: {}", done.stdout);
        done.says(&[message], hint);
        let line = if resource.is_empty() { "p.yaml:4:" } else { "p.yaml:10:" };
        assert!(done.stderr.contains(line), "{resource}{more}: {}", done.stderr);
        assert_eq!(done.stderr.matches("error: ").count(), 1, "{}", done.stderr);
    }
}

#[test]
fn words_of_rest_sources_are_told_with_all_of_them() {
    for (client, endpoint, message, hint) in [
        (", paginator: {page_number: 1}", "", "`type` is missing", "write `type: page_number`"),
        (", paginator: {pages: 1}", "", "`type` is missing", "header_link"),
        (", paginator: 5", "", "must be a text or an object, not a number", ""),
        (", session: {retris: 3}", "", "unknown key `retris`", "request_max_attempts"),
        ("", ", method: GTE", "must be one of GET, POST", "`GET`"),
        (
            "",
            ", response_actions: [{status_code: 404, action: ignor}]",
            "no response action `ignor`",
            "`ignore`? there is no other",
        ),
    ] {
        let done = validate(&rest(client, endpoint));
        assert_eq!(done.code, 2, "{client}{endpoint}");
        done.says(&[message], hint);
    }
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\": 1}\n");
    let done = project.windlass(&["run", "p.yaml", "--refresh", "drop_all"]);
    assert!(done.stderr.contains("drop_sources") && done.stderr.contains("drop_data"), "{}", done.stderr);
}

#[test]
fn errors_of_form_do_not_hide_those_of_meaning() {
    let done = validate(
        "pipeline: p\ndestination: duckdb\nsource:\n  type: filesystem\n  bucket_url: d\n  resources:\n    - {name: t, \
         write_disposition: mrge, primarykey: x, columns: {a: {data_type: bigit}}, format: cvs}\n    - {name: u, \
         write_disposition: {strategy: upsert}}\n    - {name: v, steps: [{map: '.a ='}]}\n    - {name: w, \
         write_disposition: {disposition: merge, strategy: cdc, boundary_timestamp: '2024-01-01'}}\nschema_contract: freze\n\
         max_memory: lots\nschema: {naming: snake}\nfoo: bar\n",
    );
    let pieces = [
        "resources.0.write_disposition",
        "primarykey",
        "data_type",
        "resources.0.format",
        "`strategy` needs",
        "is not a jq expression",
        "boundary_timestamp",
        "`schema_contract`",
        "max_memory",
        "schema.naming",
        "`foo`",
    ];
    let errors: Vec<&str> = done.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    for piece in pieces {
        let count = errors.iter().filter(|error| error.contains(piece)).count();
        assert_eq!(count, 1, "{piece}: {}", done.stderr);
    }
    assert_eq!(errors.len(), pieces.len(), "{}", done.stderr);
    assert!(errors.iter().all(|error| error.contains("(p.yaml:")), "{}", done.stderr);
}

#[test]
fn validate_warns_of_what_plan_warns_of() {
    for (destination, resource, warning) in [
        ("duckdb", "write_disposition: merge", "merge without primary_key and merge_key"),
        ("{type: filesystem, bucket_url: o}", "write_disposition: merge, primary_key: id", "cannot merge"),
        ("duckdb", "columns: {id: {partition: true}}", "ignores the physical hints `partition`"),
        ("duckdb", "", "every run appends all of its records again"),
    ] {
        let project = Project::with(destination, resource);
        project.write("data/a.jsonl", "{\"id\": 1}\n");
        for command in ["validate", "plan"] {
            let done = project.windlass(&[command, "p.yaml"]);
            assert_eq!(done.code, 0, "{}", done.stderr);
            let told = done.warnings().iter().filter(|text| text.contains(warning)).count();
            assert_eq!(told, 1, "{command} {warning}: {}", done.stderr);
        }
        let json = project.windlass(&["validate", "p.yaml", "--json"]);
        assert!(json.stdout.contains(warning), "{}", json.stdout);
    }
    let done = validate(&files("", "").replace("bucket_url: d", "bucket_url: s3://x/y"));
    assert_eq!(done.code, 2);
    done.says(&["`s3://` is not supported yet", "p.yaml:6"], "");
}

#[test]
fn missing_settings_of_a_source_name_every_place() {
    for (source, key, kind) in [
        ("{type: sql_database}", "credentials", "SQL_DATABASE"),
        ("{type: filesystem, resources: [{name: t}]}", "bucket_url", "FILESYSTEM"),
        ("{type: rest_api, resources: [a]}", "client", "REST_API"),
    ] {
        let done = validate(&format!("pipeline: p\ndestination: duckdb\nsource: {source}\n"));
        assert_eq!(done.code, 2, "{source}");
        let upper = key.to_uppercase();
        assert!(done.error().contains(&format!("`{key}` is missing")), "{}", done.stderr);
        for place in [
            format!("environment P__SOURCES__{kind}__{upper}"),
            format!("environment SOURCES__{kind}__{upper}"),
            "secrets.toml".to_owned(),
            "config.toml".to_owned(),
        ] {
            assert!(done.hint().contains(&place), "{place}: {}", done.stderr);
        }
    }
}

#[test]
fn keys_of_config_toml_that_mean_nothing_are_warned_about_once() {
    let project = Project::files("");
    project
        .write("data/a.jsonl", "{\"id\": 1}\n")
        .write(".dlt/config.toml", "[normalize.data_writer]\ndisable_compresion = true\n");
    let done = project.run(0);
    let about: Vec<_> =
        done.warnings().into_iter().filter(|text| text.contains("disable_compresion")).collect();
    // The folder of the pipeline is the home folder, too.
    assert_eq!(about.len(), 1, "{about:?}");
    assert!(about[0].contains("did you mean `disable_compression`?"), "{about:?}");
}

#[test]
fn an_empty_query_and_a_pipeline_before_its_first_run_are_told_as_such() {
    let project = Project::with("{type: sqlite, credentials: o.db}", "");
    project.write("data/a.jsonl", "{\"id\": 1}\n");
    project.run(0);
    for text in ["", " ; "] {
        project.windlass(&["query", "p.yaml", text]).says(&["the query is empty"], "SELECT");
    }
    std::fs::remove_file(project.path("work/pipelines/p/trace.json")).unwrap();
    let info = project.windlass(&["pipeline", "info", "p"]);
    assert!(info.stdout.contains("none has ended yet"), "{}", info.stdout);
}
