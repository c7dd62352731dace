//! What `windlass query` prints of values that Arrow does not know, and of folders that pipelines share.

use crate::project::Project;

fn loaded(destination: &str) -> Project {
    let project = Project::with(destination, "table_name: u");
    project.write("data/a.jsonl", "{\"id\":1}\n");
    project.run(0);
    project
}

#[test]
fn infinity_and_the_end_of_a_day_are_printed() {
    let project = loaded("{type: duckdb, credentials: out.duckdb}");
    let sql = "SELECT 'infinity'::timestamp a, '-infinity'::timestamptz b, 'infinity'::date c, '-infinity'::date d, \
               time '24:00:00' e, '290000-01-02 03:04:05'::timestamp f, '44-03-15 (BC)'::date g, \
               ['infinity'::date, '2024-01-02'::date] h, {'x': time '24:00:00'} i, \
               [timestamptz '2024-01-02 03:04:05+00'] j";
    assert_eq!(
        project.query(sql),
        ["infinity,-infinity,infinity,-infinity,24:00:00,+290000-01-02T03:04:05,-0043-03-15,\
          \"[\"\"infinity\"\",\"\"2024-01-02\"\"]\",\"{\"\"x\"\":\"\"24:00:00\"\"}\",\"[\"\"2024-01-02T03:04:05Z\"\"]\""]
    );
    let json = project.windlass(&["query", "p.yaml", sql, "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(rows[0]["a"], "infinity");
    assert_eq!(rows[0]["e"], "24:00:00");
    assert_eq!(rows[0]["h"], serde_json::json!(["infinity", "2024-01-02"]));
    let table = project.windlass(&["query", "p.yaml", sql]);
    assert_eq!(table.code, 0, "{}", table.stderr);
    assert!(table.stdout.contains("24:00:00") && table.stdout.contains("-infinity"));
}

#[test]
fn integers_of_39_digits_keep_them() {
    let project = loaded("{type: duckdb, credentials: out.duckdb}");
    let sql = "SELECT 170141183460469231731687303715884105727::hugeint a, (-170141183460469231731687303715884105727)::hugeint b, \
               100000000000000000000000000000000000000::hugeint c, [100000000000000000000000000000000000000::hugeint] d";
    let shown = [
        "170141183460469231731687303715884105727",
        "-170141183460469231731687303715884105727",
        "100000000000000000000000000000000000000",
    ];
    for format in ["table", "csv", "json"] {
        let done = project.windlass(&["query", "p.yaml", sql, "--format", format]);
        assert_eq!(done.code, 0, "{format}: {}", done.stderr);
        for number in shown {
            assert!(done.stdout.contains(number), "{format}: {}", done.stdout);
        }
    }
}

#[test]
fn every_type_of_duckdb_is_printed_in_every_form() {
    let project = loaded("{type: duckdb, credentials: out.duckdb}");
    for format in ["table", "csv", "json"] {
        let done =
            project.windlass(&["query", "p.yaml", "SELECT * FROM test_all_types()", "--format", format]);
        assert_eq!(done.code, 0, "{format}: {}", done.stderr);
        if format == "json" {
            let rows: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
            assert_eq!(rows.as_array().unwrap().len(), 3);
        }
    }
    let maps = "SELECT map {1: 'a'} m, interval 1 day i, 1::bit b, 'x'::blob c";
    for format in ["table", "csv", "json"] {
        let done = project.windlass(&["query", "p.yaml", maps, "--format", format]);
        assert_eq!(done.code, 0, "{format}: {}", done.stderr);
    }
}

/// Two pipelines of one folder, each with what its file adds to the resource and the destination.
fn sharing(first: (&str, &str), second: (&str, &str)) -> Project {
    let project = Project::new();
    for (name, (destination, data)) in [("p0", first), ("p1", second)] {
        project.write(&format!("{name}/a.jsonl"), data).write(
            &format!("{name}.yaml"),
            format!(
                "pipeline: {name}\ndataset: shared\ndestination: {{type: filesystem, bucket_url: ./out{destination}}}\n\
                 source: {{type: filesystem, bucket_url: ./{name}, resources: [{{name: u, file_glob: '*.jsonl'}}]}}\n"
            ),
        );
        let done = project.windlass(&["run", &format!("{name}.yaml")]);
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
    project
}

#[track_caller]
fn both_say(project: &Project, sql: &str, expected: &[&str]) {
    for name in ["p0.yaml", "p1.yaml"] {
        let done = project.windlass(&["query", name, sql, "--format", "csv"]);
        assert_eq!(done.code, 0, "{name}: {}", done.stderr);
        assert_eq!(done.stdout.lines().skip(1).collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn a_folder_of_two_pipelines_can_be_asked() {
    let project = sharing(("", "{\"id\":1}\n"), ("", "{\"id\":2,\"more\":true}\n"));
    both_say(&project, "SELECT id, more FROM u ORDER BY id", &["1,", "2,true"]);
    both_say(&project, "SELECT count(*) FROM _dlt_loads", &["2"]);
    let done = project.windlass(&["preview", "p1.yaml", "u", "--format", "csv"]);
    assert_eq!(done.stdout.lines().count(), 3, "{}", done.stderr);
}

#[test]
fn a_folder_of_two_pipelines_with_other_types_and_formats_can_be_asked() {
    let project = sharing(("", "{\"id\":1}\n"), ("", "{\"id\":\"x\"}\n"));
    both_say(&project, "SELECT id FROM u ORDER BY id", &["1", "x"]);
    for format in ["parquet", "csv"] {
        let other = format!(", loader_file_format: {format}");
        let project = sharing(("", "{\"id\":1}\n"), (&other, "{\"id\":2}\n"));
        both_say(&project, "SELECT id FROM u ORDER BY id", &["1", "2"]);
    }
}

#[test]
fn names_that_differ_by_case_only_are_numbered_in_files_of_every_format() {
    for format in ["jsonl", "csv", "parquet"] {
        let project = Project::with(
            &format!(
                "{{type: filesystem, bucket_url: out, loader_file_format: {format}}}\nschema: {{naming: sql_cs_v1}}"
            ),
            "",
        );
        project.write("data/a.jsonl", "{\"Id\":1,\"id\":2,\"ID\":3,\"b\":\"x\"}\n{\"id\":7}\n");
        project.run(0);
        assert_eq!(
            project.query("SELECT \"Id\", id_1, \"ID_2\", b FROM t ORDER BY 2"),
            ["1,2,3,x", ",7,,"],
            "{format}"
        );
        assert_eq!(project.one("SELECT count(*) FROM _dlt_loads"), "1", "{format}");
    }
}

#[test]
fn numbers_of_more_digits_than_duckdb_has_are_read_from_files() {
    let wei = "123456789012345678901234567890123456789012345";
    for format in ["jsonl", "csv", "parquet"] {
        let project = Project::with(
            &format!("{{type: filesystem, bucket_url: out, loader_file_format: {format}}}"),
            "columns: {d: {data_type: decimal, precision: 40, scale: 10}}",
        );
        project.write("data/a.jsonl", format!("{{\"id\":1,\"w\":{wei},\"d\":0.00123}}\n"));
        project.run(0);
        project.write("data/b.jsonl", "{\"id\":2,\"w\":5}\n{\"id\":3,\"d\":12345}\n");
        project.run(0);
        let rows = project.query("SELECT id, w, rtrim(rtrim(d, '0'), '.') FROM t ORDER BY id, w");
        let expected =
            [format!("1,{wei},0.00123"), format!("1,{wei},0.00123"), "2,5,".into(), "3,,12345".into()];
        assert_eq!(rows, expected, "{format}");
        assert_eq!(project.one("SELECT count(*) FROM _dlt_version"), "1", "{format}");
    }
}
