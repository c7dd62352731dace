//! Keys that no record has are refused before anything is loaded; columns that may come later are warned about.

use crate::project::Project;

const RECORDS: &str = "{\"id\":1,\"k\":{\"id\":7},\"v\":1}\n{\"id\":2,\"k\":{\"id\":8},\"v\":2}\n";

fn project(resource: &str) -> Project {
    let project = Project::files(resource);
    project.write("data/a.jsonl", RECORDS);
    project
}

#[test]
fn a_key_that_no_record_has_is_refused_with_the_nearest_name() {
    for (resource, name, near) in [
        ("write_disposition: merge, primary_key: Idd", "`Idd`", "`id`"),
        ("write_disposition: append, primary_key: idd", "`idd`", "`id`"),
        ("primary_key: [id, vv]", "`vv`", "`v`"),
        ("write_disposition: merge, merge_key: k.id", "`k.id`", "`k__id`"),
        ("write_disposition: {disposition: merge, strategy: upsert}, primary_key: k_id", "`k_id`", "`k__id`"),
        ("write_disposition: {disposition: merge, strategy: scd2}, merge_key: Ids", "`Ids`", "`id`"),
        (
            "write_disposition: {disposition: merge, strategy: scd2, row_version_column_name: vs}",
            "`vs`",
            "`v`",
        ),
        ("write_disposition: merge, primary_key: idd, columns: {idd: {data_type: bigint}}", "`idd`", "`id`"),
        (
            "write_disposition: merge, primary_key: idd, columns: {idd: {data_type: bigint, nullable: true}}",
            "`idd`",
            "`id`",
        ),
        ("merge_key: idd, columns: {idd: {data_type: text, nullable: true}}", "`idd`", "`id`"),
        (
            "write_disposition: {disposition: merge, strategy: scd2}, merge_key: idd, columns: {idd: {data_type: bigint, nullable: true}}",
            "`idd`",
            "`id`",
        ),
    ] {
        let project = project(resource);
        let done = project.windlass(&["run", "p.yaml"]);
        assert_ne!(done.code, 0, "{resource}: {}", done.stdout);
        done.says(&[name.trim_matches('`')], &format!("did you mean {near}?"));
        assert!(!project.path("out.duckdb").exists(), "{resource}");
        let again = project.windlass(&["run", "p.yaml"]);
        assert_eq!(again.error(), done.error(), "nothing is left behind");
    }
}

#[test]
fn a_name_like_no_other_is_refused_with_all_columns() {
    let project = project("write_disposition: merge, primary_key: zzz");
    let done = project.windlass(&["run", "p.yaml"]);
    done.says(&["no record has `zzz`"], "the columns are id, v, k__id");
}

#[test]
fn a_key_that_goes_missing_later_is_refused_too() {
    let project = project("write_disposition: merge, primary_key: id");
    project.run(0);
    project.write("data/a.jsonl", "{\"idd\":1,\"v\":3}\n{\"idd\":2,\"v\":4}\n");
    let done = project.windlass(&["run", "p.yaml"]);
    done.says(&["`id`"], "did you mean `idd`?");
    assert_eq!(project.one("SELECT count(*) FROM t"), "2");
}

#[test]
fn a_part_of_a_key_that_may_be_null_may_be_left_out() {
    let project = project(
        "write_disposition: merge, primary_key: [id, region], columns: {region: {data_type: text, nullable: true}}",
    );
    project.run(0);
    assert_eq!(project.one("SELECT count(*) FROM t"), "2");
}

#[test]
fn a_load_without_rows_is_never_refused() {
    let project = Project::files("write_disposition: merge, primary_key: id");
    project.write("data/a.jsonl", "");
    project.run(0);
    project.write("data/a.jsonl", "{\"id\":1}\n");
    project.run(0);
    project.write("data/a.jsonl", "");
    project.run(0);
    assert_eq!(project.one("SELECT count(*) FROM t"), "1");
}

#[test]
fn a_key_that_was_mistyped_can_be_corrected() {
    let project = project("write_disposition: merge, primary_key: Idd");
    assert_ne!(project.windlass(&["run", "p.yaml"]).code, 0);
    let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write("p.yaml", text.replace("Idd", "ID"));
    project.run(0);
    project.run(0);
    assert_eq!(project.one("SELECT count(*) FROM t"), "2");
}

#[test]
fn deletions_and_orders_that_never_came_are_warned_about() {
    for (hint, column, near) in [("hard_delete: true", "vv", "`v`"), ("dedup_sort: desc", "k_id", "`k__id`")]
    {
        let project =
            project(&format!("write_disposition: merge, primary_key: id, columns: {{{column}: {{{hint}}}}}"));
        let done = project.run(0);
        let warnings = done.warnings();
        let is_meant =
            |text: &&str| text.contains(&format!("no record has `{column}`")) && text.contains(near);
        assert!(warnings.iter().any(is_meant), "{warnings:?}");
        let declared = project.path("p.yaml");
        let text = std::fs::read_to_string(&declared).unwrap();
        project.write("p.yaml", text.replace(hint, &format!("{hint}, data_type: bigint")));
        let done = project.run(0);
        assert!(!done.warnings().iter().any(is_meant), "{:?}", done.warnings());
    }
}

#[test]
fn a_plan_tells_of_a_key_that_no_record_has() {
    let project = project("write_disposition: merge, primary_key: Idd");
    let done = project.windlass(&["plan", "p.yaml"]);
    assert_ne!(done.code % 5, 0, "{}", done.stdout);
    done.says(&["no record has `Idd`"], "did you mean `id`?");
    // There are more records than were looked at.
    let done = project.windlass(&["plan", "p.yaml", "--sample", "1"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("no record has `Idd`"), "{}", done.stderr);
}
