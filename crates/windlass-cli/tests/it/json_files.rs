//! JSON files as they come: what is no JSON is refused with its place, and nothing is lost without a word.

use crate::project::Project;

fn project(resource: &str, name: &str, text: &str) -> Project {
    let project = Project::files(resource);
    project.write(&format!("data/{name}"), text);
    project
}

#[test]
fn a_line_break_inside_a_string_of_a_list_is_refused() {
    let project = project("", "a.json", "[{\"a\":\"l1\nl2\"},{\"a\":\"l1\r\nl2\"}]");
    project.run(1).says(&["a control character inside a string", "data/a.json:1:10"], "fix the record");
    assert!(!project.has_table("t"));
    {
        let escaped = "[{\"a\":\"l1\\nl2\"}\n,\r\n{\"a\":\n\"x\"}]";
        let project = self::project("", "a.json", escaped);
        project.run(0);
        assert_eq!(project.query("SELECT replace(a, chr(10), '+') FROM t ORDER BY a"), ["l1+l2", "x"]);
    }
}

#[test]
fn what_follows_an_empty_list_is_refused() {
    for (text, place) in
        [("[]\n[{\"a\":1}]", "data/a.json:2:1"), ("[{\"a\":1}]\n[{\"a\":2}]", "data/a.json:2:1")]
    {
        let project = project("", "a.json", text);
        project.run(1).says(&["more follows", place], "fix the file");
        assert!(!project.has_table("t"));
    }
}

#[test]
fn commas_without_values_are_refused_with_their_place() {
    for (text, place) in [
        ("[{\"a\":1},\n,{\"a\":2}]", "data/a.json:2:1"),
        ("[{\"a\":1},\n]", "data/a.json:2:1"),
        ("[,{\"a\":1}]", "data/a.json:1:2"),
        ("[{\"a\":1}\n{\"a\":2}]", "data/a.json:2:1"),
        ("[{\"a\":1},\n{\"a\":", "data/a.json:2:1"),
        ("[{\"a\":1},\n {\"a\":\n  tru}]", "data/a.json:3:"),
    ] {
        let project = project("", "a.json", text);
        project.run(1).says(&["this", place], "");
        assert!(!project.has_table("t"), "{text}");
    }
}

#[test]
fn a_bad_element_of_a_list_may_be_rejected() {
    let project = project("on_bad_record: reject", "a.json", "[{\"a\":1},\n{\"a\":01},\n{\"a\":3}]");
    project.run(3);
    assert_eq!(project.query("SELECT a FROM t ORDER BY a"), ["1", "3"]);
}

#[test]
fn of_equal_keys_the_last_counts() {
    let lines = [
        "{\"id\":1,\"a\":{\"x\":1},\"a\":{\"y\":2}}",
        "{\"id\":2,\"a\":{\"x\":1},\"a\":5}",
        "{\"id\":3,\"a\":5,\"a\":{\"x\":1}}",
        "{\"id\":4,\"a\":{\"x\":1},\"a\":null}",
        "{\"id\":5,\"a\":6,\"a\":[1]}",
        "{\"id\":6,\"a\":{\"l\":[1]},\"a\":{\"l\":[2,3]}}",
        "{\"id\":7,\"a\":[7],\"a\":[8]}",
        "{\"id\":8,\"a\":[9],\"a\":4}",
        "{\"id\":0,\"id\":9,\"a\":{\"y\":{\"z\":1},\"y\":3}}",
    ];
    let list = format!("[{}]", lines.join(",\n"));
    let records = format!("{{\"items\": [1], \"items\": {list}}}");
    for (name, resource, text) in [
        ("a.jsonl", "", lines.join("\n")),
        ("a.json", "", list.clone()),
        ("a.json", "records: items", records),
        ("a.jsonl", "steps: [{filter: 'true'}]", lines.join("\n")),
    ] {
        let project = project(resource, name, &text);
        project.run(0);
        assert_eq!(
            project.query("SELECT id, a, a__x, a__y FROM t ORDER BY id"),
            ["1,,,2", "2,5,,", "3,,1,", "4,,,", "5,,,", "6,,,", "7,,,", "8,4,,", "9,,,3"],
            "{name} {resource}"
        );
        assert_eq!(project.query("SELECT value FROM t__a ORDER BY value"), ["1", "8"], "{name} {resource}");
        assert_eq!(
            project.query("SELECT value FROM t__a__l ORDER BY value"),
            ["2", "3"],
            "{name} {resource}"
        );
    }
}

#[test]
fn records_that_are_nowhere_are_told() {
    for (resource, text, told) in [
        ("records: itmes", "{\"items\":[{\"a\":1}]}", "did you mean `items`?"),
        ("records: data.rows", "{\"data\":{\"items\":[{\"a\":1}]}}", "nothing is at `records: data.rows`"),
        ("records: 'items.*'", "{\"other\":[]}", "the document has `other`"),
        ("records: itmes, steps: [{filter: 'true'}]", "{\"items\":[{\"a\":1}]}", "did you mean `items`?"),
        ("records: itmes, limit: 5", "{\"items\":[{\"a\":1}]}", "did you mean `items`?"),
    ] {
        let project = project(resource, "a.json", text);
        for command in ["plan", "run"] {
            let done = project.windlass(&[command, "p.yaml"]);
            assert_eq!(done.code, 0, "{}", done.stderr);
            let warnings = done.warnings().join("\n");
            for piece in [told, "data/a.json", "resource `t`"] {
                assert!(warnings.contains(piece), "{command} {resource}: `{piece}` is not in {warnings:?}");
            }
        }
    }
    // What is there and empty is no mistake.
    for text in ["{\"items\":[]}", "{\"items\":null}"] {
        let project = project("records: items", "a.json", text);
        assert_eq!(project.run(0).warnings(), Vec::<&str>::new(), "{text}");
    }
}

#[test]
fn a_star_takes_the_members_of_an_object() {
    for path in ["items.*", "$.items[*]"] {
        let project =
            project(&format!("records: '{path}'"), "a.json", "{\"items\":{\"x\":{\"a\":1},\"y\":{\"a\":2}}}");
        project.run(0);
        assert_eq!(project.query("SELECT a FROM t ORDER BY a"), ["1", "2"], "{path}");
    }
}

#[test]
fn records_are_refused_where_files_are_no_documents() {
    for (name, text, hint) in [
        ("a.jsonl", "{\"items\":[{\"a\":1}]}\n", "map: '.items[]'"),
        ("a.csv", "a\n1\n", "each row is a record"),
    ] {
        let project = project("records: items", name, text);
        project.run(2).says(&["`records: items`", name], hint);
    }
}
