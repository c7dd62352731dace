//! Names that come to one name: keys of a record are told and counted, columns and tables are refused.

use crate::project::Project;

const DUCKDB: &str = "{type: duckdb, credentials: out.duckdb}";

fn with_schema(resource: &str, schema: &str) -> Project {
    let project = Project::with(DUCKDB, resource);
    let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write("p.yaml", format!("{text}schema: {schema}\n"));
    project
}

#[test]
fn columns_of_a_csv_file_that_come_to_one_name_are_refused() {
    for (header, name, two) in [
        ("a,A,a b,a_b", "`a`", ["`a`", "`A`"]),
        ("name,name,name_1,ID,id", "`name_1`", ["`name.1`", "`name_1`"]),
        ("ID,id", "`id`", ["`ID`", "`id`"]),
        ("姓名,年龄,城市", "`x`", ["`姓名`", "`年龄`"]),
        ("a b,c,a-b", "`a_b`", ["`a b`", "`a-b`"]),
    ] {
        let project = Project::files("");
        let values = vec!["1"; header.split(',').count()].join(",");
        project.write("data/a.csv", format!("{header}\n{values}\n"));
        let done = project.run(1);
        let called = format!("are called {name} after normalization");
        done.says(&[&called, two[0], two[1], "data/a.csv"], "rename one of them");
        assert!(done.hint().contains("schema.collisions: number"), "{}", done.hint());
        assert!(!project.has_table("t"));
    }
    let project = Project::files("");
    project.write("data/a.csv", "姓名,年龄\n王,5\n");
    assert!(project.run(1).hint().contains("schema.naming: duck_case"));
    // Under another convention they differ.
    let project = with_schema("", "{naming: duck_case}");
    project.write("data/a.csv", "姓名,年龄\n王,5\n").run(0);
    assert_eq!(project.one("SELECT \"姓名\" || \"年龄\" FROM t"), "王5");
    // The same name twice is numbered, as it always was.
    let project = Project::files("");
    project.write("data/a.csv", "a,b,a\n1,2,3\n").run(0);
    assert_eq!(project.one("SELECT concat(a, b, a_1) FROM t"), "123");
}

#[test]
fn columns_of_one_name_can_be_numbered() {
    let project = with_schema("", "{collisions: number}");
    project.write("data/a.csv", "a,A,a b,a_b\n1,2,3,4\n");
    assert_eq!(project.run(0).warnings(), Vec::<&str>::new());
    assert_eq!(project.one("SELECT concat_ws(' ', a, a_2, a_b, a_b_2) FROM t"), "1 2 3 4");
    project.write("data/a.csv", "name,name,name_1,ID,id\n1,2,3,4,5\n");
    let project = with_schema("", "{collisions: number}");
    project.write("data/a.csv", "name,name,name_1,ID,id\n1,2,3,4,5\n").run(0);
    assert_eq!(project.one("SELECT concat_ws(' ', name, name_1, name_1_2, id, id_2) FROM t"), "1 2 3 4 5");
}

#[test]
fn keys_of_a_record_that_come_to_one_name_are_told_and_counted() {
    let lines: String = (0..40)
        .map(|id| format!("{{\"id\":{id},\"a b\":{id},\"a_b\":\"x\",\"L\":[1,2],\"l\":[3],\"o\":{{\"K\":1}},\"O\":{{\"k\":2}}}}\n"))
        .collect();
    for (workers, format) in [("1", "a.jsonl"), ("4", "a.jsonl"), ("1", "a.json")] {
        let project = Project::files("");
        let text = if format == "a.json" {
            format!("[{}]", lines.trim_end().replace('\n', ","))
        } else {
            lines.clone()
        };
        project.write(&format!("data/{format}"), text);
        let done = project.run_with(&["--workers", workers], 0);
        let warning = done
            .warnings()
            .into_iter()
            .find(|warning| warning.contains("both come to"))
            .unwrap_or_default()
            .to_owned();
        for piece in [
            "table `t`",
            "`a b` and `a_b` both come to `a_b`, and 40 values were dropped",
            "`L` and `l`",
            "schema.collisions",
        ] {
            assert!(warning.contains(piece), "`{piece}` is not in {warning:?}");
        }
        assert_eq!(
            project.one("SELECT concat_ws(' ', count(*), count(DISTINCT a_b), min(a_b)) FROM t"),
            "40 1 x"
        );
        assert_eq!(project.one("SELECT concat_ws(' ', count(*), min(value)) FROM t__l"), "40 3");
        let plan = project.windlass(&["plan", "p.yaml"]);
        assert!(plan.stderr.contains("both come to"), "{}{}", plan.stdout, plan.stderr);
    }
    // What was null is no loss, and the same key twice is JSON's own business.
    let project = Project::files("");
    project
        .write("data/a.jsonl", "{\"a b\":null,\"a_b\":1,\"c\":1,\"c\":2,\"L\":[],\"l\":[1]}\n{\"A_B\":1}\n");
    assert_eq!(project.run(0).warnings(), Vec::<&str>::new());
}

#[test]
fn keys_of_one_name_can_be_refused_or_numbered() {
    let line = "{\"id\":1,\"a b\":1,\"a_b\":2,\"A_b\":3,\"L\":[1],\"l\":[2],\"o\":{\"K\":1,\"k\":2}}\n";
    let project = with_schema("", "{collisions: refuse}");
    project.write("data/a.jsonl", format!("{{\"id\":0}}\n{line}"));
    project
        .run(1)
        .says(&["`a b` and `a_b`", "come to the name `a_b`", "data/a.jsonl:2"], "schema.collisions: number");
    assert!(!project.has_table("t"));
    for line in ["{\"L\":[1],\"l\":[2]}", "{\"o\":{\"K\":1,\"k\":2}}", "{\"o__k\":1,\"o\":{\"k\":2}}"] {
        let project = with_schema("", "{collisions: refuse}");
        project.write("data/a.jsonl", format!("{line}\n"));
        project.run(1).says(&["of one record both come to the name"], "rename");
    }
    let project = with_schema("", "{collisions: number}");
    project.write("data/a.jsonl", line.repeat(3));
    assert_eq!(project.run(0).warnings(), Vec::<&str>::new());
    let columns = "concat_ws(' ', count(*), min(a_b), min(a_b_2), min(a_b_3), min(o__k), min(o__k_2))";
    assert_eq!(project.one(&format!("SELECT {columns} FROM t")), "3 1 2 3 1 2");
    assert_eq!(project.one("SELECT concat_ws(' ', count(*), min(value)) FROM t__l"), "3 1");
    assert_eq!(project.one("SELECT concat_ws(' ', count(*), min(value)) FROM t__l_2"), "3 2");
    let project = with_schema("", "{collisions: other}");
    project.write("data/a.jsonl", line);
    assert_eq!(project.windlass(&["run", "p.yaml"]).code, 2);
}

#[test]
fn resources_that_come_to_one_table_are_refused() {
    let project = Project::files("");
    let resource = |name: &str, more: &str| format!("    - {{name: {name}, items: [{{id: 1}}]{more}}}\n");
    let file = |resources: String| {
        format!(
            "pipeline: p\ndataset: d\ndestination: {DUCKDB}\nsource:\n  type: inline\n  resources:\n{resources}"
        )
    };
    project.write("p.yaml", file(resource("Events", "") + &resource("events", "")));
    let done = project.run(2);
    done.says(&["`Events` and `events` both come to the name `events`"], "another table_name");
    assert!(!project.path("out.duckdb").exists());
    project.write("p.yaml", file(resource("a", ", table_name: My Rows") + &resource("my_rows", "")));
    project.run(2).says(&["`My Rows` and `my_rows`"], "another table_name");
    // Two that name one table mean it.
    project.write("p.yaml", file(resource("a", ", table_name: rows") + &resource("b", ", table_name: rows")));
    project.run(0);
    assert_eq!(project.one("SELECT count(*) FROM rows"), "2");
}

#[test]
fn a_list_that_comes_to_the_table_of_a_resource_is_refused() {
    let project = Project::files("");
    project.write(
        "p.yaml",
        format!(
            "pipeline: p\ndataset: d\ndestination: {DUCKDB}\nsource:\n  type: inline\n  resources:\n    - {{name: \
             orders__items, items: [{{id: 1, value: 2}}]}}\n    - {{name: orders, items: [{{id: 1, items: [1]}}]}}\n"
        ),
    );
    project.run(1).says(&["table `orders__items`", "a list of the data"], "another table_name");
    assert!(!project.path("out.duckdb").exists());
}

#[test]
fn columns_of_a_sql_source_that_come_to_one_name_are_refused() {
    let project = Project::new();
    project.write(
        "source.yaml",
        "pipeline: s\ndataset: main\ndestination: {type: sqlite, credentials: s.db}\nschema: {naming: direct}\nsource:\n  \
         type: inline\n  resources:\n    - {name: one, items: [{a b: 1, a_b: 2}]}\n    - {name: Two Rows, items: [{id: \
         1}]}\n    - {name: two_rows, items: [{id: 1}]}\n",
    );
    let done = project.windlass(&["run", "source.yaml"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let file = |tables: &str| {
        format!(
            "pipeline: p\ndataset: d\ndestination: {DUCKDB}\nsource:\n  type: sql_database\n  credentials: \
             sqlite:///s.db\n  tables: [{tables}]\n"
        )
    };
    project.write("p.yaml", file("one"));
    project.run(1).says(&["are called `a_b` after normalization", "`a b`"], "rename one of them");
    project.write("p.yaml", file("\"Two Rows\", two_rows"));
    project
        .run(2)
        .says(&["`Two Rows` and `two_rows` both come to the name `two_rows`"], "another table_name");
    assert!(!project.path("out.duckdb").exists());
}

#[test]
fn lists_of_several_tables_that_come_to_one_are_told() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"a\":[{\"b\":[1]}],\"a__b\":[{\"x\":1}]}\n");
    for args in [&["plan", "p.yaml"][..], &["run", "p.yaml"]] {
        let done = project.windlass(args);
        let said = format!("{}{}", done.stdout, done.stderr);
        assert!(said.contains("table `t__a__b` has the rows of lists of `t` and `t__a`"), "{said}");
    }
    assert_eq!(project.one("SELECT count(*) FROM t__a__b"), "2");
}

#[test]
fn a_key_that_has_the_name_of_a_variant_is_told_and_the_last_value_counts() {
    for (first, second, kept) in [
        (r#"{"a":1}"#, r#"{"a":"x","a__v_text":"mine"}"#, "mine"),
        (r#"{"a":1}"#, r#"{"a__v_text":"mine","a":"x"}"#, "x"),
        (r#"{"a":1,"a__v_text":"y"}"#, r#"{"a__v_text":"mine","a":"x"}"#, "x"),
    ] {
        let project = Project::files("");
        project.write("data/a.jsonl", format!("{first}\n{second}\n"));
        let done = project.run(0);
        assert!(
            done.stderr.contains("`a__v_text`") && done.stderr.contains("`a`"),
            "{second}: {}",
            done.stderr
        );
        let rows = project.query("SELECT a__v_text FROM t WHERE a IS NULL");
        assert_eq!(rows, [kept], "{first} {second}");
    }
}
