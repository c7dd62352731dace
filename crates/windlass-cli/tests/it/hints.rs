//! Errors that tell what to do: all choices, all mistakes at once, who is in the way.

use serde_json::Value;

use crate::project::Project;

const REST: &str =
    "pipeline: p\ndestination: duckdb\nsource:\n  type: rest_api\n  client: {base_url: 'http://127.0.0.1:1/'";

fn validate(text: &str) -> crate::project::Done {
    let project = Project::new();
    project.write("p.yaml", text);
    let done = project.windlass(&["validate", "p.yaml"]);
    assert_eq!(done.code, 2, "{text}: {}", done.stdout);
    done
}

#[test]
fn a_word_that_is_none_is_told_with_all_of_them_the_nearest_first() {
    for (rest, place, all) in [
        (
            "}\n  resources: [{name: a, endpoint: {path: a, paginator: {type: pagenumber}}}]\n",
            "paginator.type",
            "page_number, ",
        ),
        (", auth: {type: beerer, token: x}}\n  resources: [a]\n", "client.auth.type", "bearer, "),
        (", auth: beerer}\n  resources: [a]\n", "client.auth", "bearer, "),
        ("}\n  resources: [{name: a, write_disposition: apend}]\n", "write_disposition", "append, "),
    ] {
        let done = validate(&format!("{REST}{rest}"));
        assert!(done.error().contains(place), "{}", done.stderr);
        assert!(done.error().contains(&format!("must be one of {all}")), "{}", done.stderr);
        assert!(done.hint().contains("did you mean"), "{}", done.stderr);
    }
    let done = validate(
        "pipeline: p\ndestination: dukdb\nsource: {type: inline, resources: [{name: a, items: []}]}\n",
    );
    assert!(done.hint().starts_with("did you mean `duckdb`? there are duckdb, "), "{}", done.stderr);
}

#[test]
fn a_key_that_stands_elsewhere_is_told_with_its_place() {
    let file = |resource: &str, source: &str| {
        format!(
            "pipeline: p\ndestination: duckdb\nsource:\n  type: filesystem\n  bucket_url: d\n{source}  resources: \
             [{{name: a{resource}}}]\n"
        )
    };
    let done = validate(&file(", delimiter: ';'", ""));
    done.says(&["unknown key `delimiter`"], "write `csv.delimiter`");
    let done = validate(&file("", "  write_disposition: append\n"));
    done.says(&["unknown key `write_disposition`"], "`resources.write_disposition`");
    let done = validate(&file(", bucket_url: x", ""));
    done.says(&["unknown key `bucket_url`"], "stands further up");
}

#[test]
fn all_that_is_wrong_with_several_files_is_told_at_once() {
    let project = Project::new();
    project.write(
        "a.yaml",
        "pipeline: p\ndestination: {type: duckdb, credntials: x}\nnormalize: {workers: many}\nsource:\n  type: inline\n  \
         resources:\n    - {name: a, items: [], write_disposition: apend}\n    - {name: b, items: [], primary_kye: id}\n    - \
         {name: \"${NOWHERE}\", items: []}\n",
    );
    project.write(
        "b.yaml",
        "pipeline: q\ndestination: duckdb\nsource: {type: inline, resources: [{name: a, items: []}]}\n",
    );
    let done = project.windlass(&["validate", "a.yaml", "b.yaml"]);
    assert_eq!(done.code, 2);
    assert!(done.stdout.contains("b.yaml: pipeline q"), "{}", done.stdout);
    let errors: Vec<&str> = done.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 5, "{}", done.stderr);
    for piece in ["NOWHERE", "credntials", "normalize.workers", "write_disposition", "primary_kye"] {
        assert_eq!(
            errors.iter().filter(|error| error.contains(piece)).count(),
            1,
            "{piece}: {}",
            done.stderr
        );
    }
    let json = project.windlass(&["validate", "a.yaml", "b.yaml", "--json"]);
    let value: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(value["files"][0]["errors"].as_array().unwrap().len(), 5);
    assert_eq!(value["files"][1]["pipeline"], "q");
}

#[test]
fn validate_finds_what_plan_finds_without_a_connection() {
    for (destination, resources, piece) in [
        (
            "duckdb",
            "[{name: a, items: [], write_disposition: {disposition: merge, strategy: mrge}}]",
            "strategy",
        ),
        (
            "{type: filesystem, bucket_url: x}",
            "[{name: a, items: [], file_format: parquet}, {name: b, items: [], schema_contract: {tables: maybe}}]",
            "contract",
        ),
        ("{type: postgres, credentials: 'postgresql://u:p@127.0.0.1:1/d'}", "[{name: a, items: []}]", "pg_"),
    ] {
        let done = validate(&format!(
            "pipeline: p\ndataset: pg_x\ndestination: {destination}\nsource: {{type: inline, resources: {resources}}}\n"
        ));
        assert!(done.stderr.contains(piece), "{piece}: {}", done.stderr);
    }
}

#[test]
fn missing_settings_of_a_destination_name_every_place() {
    for (kind, key) in
        [("postgres", "CREDENTIALS"), ("filesystem", "BUCKET_URL"), ("sqlalchemy", "CREDENTIALS")]
    {
        let done = validate(&format!(
            "pipeline: p\ndestination: {kind}\nsource: {{type: inline, resources: [{{name: a, items: []}}]}}\n"
        ));
        assert!(done.error().contains(&format!("`{}` is missing", key.to_lowercase())), "{}", done.stderr);
        for place in [
            format!("P__DESTINATION__{}__{key}", kind.to_uppercase()),
            format!("environment DESTINATION__{}__{key}", kind.to_uppercase()),
            "secrets.toml".to_owned(),
            "config.toml".to_owned(),
        ] {
            assert!(done.hint().contains(&place), "{place}: {}", done.stderr);
        }
    }
}

#[test]
fn settings_that_mean_nothing_are_named() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\":1}\n").write(".dlt/config.toml", "[normalize]\nwrokers = 2\n");
    for args in [&["run", "p.yaml"][..], &["plan", "p.yaml"], &["validate", "p.yaml"], &["check", "p.yaml"]] {
        let done = project.windlass(args);
        assert_eq!(done.code, 0, "{}", done.stderr);
        let warnings = done.warnings();
        assert!(
            warnings
                .iter()
                .any(|text| text.contains("`normalize.wrokers` means nothing; did you mean `workers`?")),
            "{args:?}: {}",
            done.stderr
        );
    }
}

#[test]
fn a_backfill_names_the_table_that_is_not_there() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\":1}\n");
    let done = project.windlass(&["backfill", "p.yaml", "--table", "tt"]);
    assert_eq!(done.code, 2, "{}", done.stderr);
    done.says(&["there is no resource `tt`"], "t");
}

#[test]
fn sqlite_names_the_file_that_holds_the_tables() {
    let project = Project::with("{type: sqlite, credentials: out.db}", "");
    project.write("data/a.jsonl", "{\"id\":1}\n");
    assert!(project.run(0).stdout.contains("out__d.db"));
    assert!(project.windlass(&["plan", "p.yaml"]).stdout.contains("out__d.db"));
    assert!(project.windlass(&["check", "p.yaml"]).stdout.contains("out__d.db"));
}

#[test]
fn statements_and_steps_are_logged_and_more_with_another_v() {
    for destination in ["{type: duckdb, credentials: out.duckdb}", "{type: sqlite, credentials: out.db}"] {
        let project = Project::with(destination, "");
        project.write("data/a.jsonl", "{\"id\":1}\n");
        let done = project.run_with(&["-v"], 0);
        for piece in ["CREATE TABLE", "COMMIT", "stage=\"extract p\"", "a.jsonl"] {
            assert!(done.stderr.contains(piece), "{piece}: {}", done.stderr);
        }
        assert!(done.stderr.lines().all(|line| line.len() < 600), "{}", done.stderr);
        let project = Project::with(destination, "");
        project.write("data/a.jsonl", "{\"id\":1}\n");
        let more = project.run_with(&["-vv"], 0);
        assert!(more.stderr.len() > done.stderr.len());
    }
}

#[test]
fn the_holder_of_a_working_folder_is_named() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\":1}\n");
    project.run(0);
    let lock = project.path("work/pipelines/p/lock");
    let file = std::fs::File::options().write(true).open(&lock).unwrap();
    file.lock().unwrap();
    let done = project.run(6);
    done.says(&["another run uses the working folder", ": process ", ", since 20"], "--wait");
}
