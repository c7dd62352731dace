//! Input that is made to be costly: it loads in time and memory that are in proportion, or a limit that has a name
//! refuses it.

use std::io::Write as _;

use crate::project::Project;

/// The points that a run passes, from its trace.
fn passed(project: &Project, args: &[&str]) -> Vec<String> {
    let trace = project.path("trace");
    let done = project.command(args).env("WINDLASS_FAILPOINT_TRACE", &trace).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    std::fs::read_to_string(trace).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn gzip(pieces: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    pieces.into_iter().for_each(|piece| packed.write_all(&piece).unwrap());
    packed.finish().unwrap()
}

/// A text of so many megabytes between a beginning and an end.
fn long(start: &str, megabytes: usize, end: &str) -> Vec<u8> {
    let text = std::iter::repeat_n(vec![b'a'; 1 << 20], megabytes);
    gzip(std::iter::once(start.as_bytes().to_vec()).chain(text).chain([end.as_bytes().to_vec()]))
}

#[test]
fn twenty_thousand_new_keys_of_a_record_are_loaded() {
    let keys: Vec<String> = (0..20_000).map(|number| format!("\"key_{number}\": {number}")).collect();
    let project = Project::with("{type: filesystem, bucket_url: out}", "");
    project.write("data/a.jsonl", format!("{{{}}}\n", keys.join(", ")));
    let done = project.run(0);
    assert!(done.stderr.contains("no room for more columns"), "{}", done.stderr);
    let columns = project.columns("t");
    assert!(columns.contains(&"_overflow: json".to_owned()), "{columns:?}");
    let kept = project.one("SELECT count(*) FROM (SELECT unnest(json_keys(_overflow)) FROM t)");
    assert_eq!(kept, "20000");
}

#[test]
fn lists_in_lists_become_a_table_for_each_level() {
    let project = Project::files("");
    project.write("data/a.jsonl", include_str!("testdata/deep_lists.jsonl"));
    project.run(0);
    let tables =
        "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 't%' AND table_schema = 'd'";
    assert_eq!(project.one(tables), "400", "the last list holds nothing");
    assert_eq!(project.one("SELECT count(*) FROM t"), "1");
    let deepest = format!("t__v{}", "__list".repeat(398));
    assert_eq!(project.one(&format!("SELECT count(*) FROM \"{deepest}\"")), "1");
}

/// What is made durable does not depend on the number of tables.
#[cfg(feature = "failpoints")]
#[test]
fn a_hundred_tables_are_made_durable_at_once() {
    let lists: Vec<String> = (0..100).map(|number| format!("\"list_{number}\": [1]")).collect();
    let project = Project::files("");
    project.write("data/a.jsonl", format!("{{{}}}\n", lists.join(", ")));
    let passed = passed(&project, &["run", "p.yaml", "--workers", "1"]);
    let count = |point: &str| passed.iter().filter(|passed| *passed == point).count();
    assert_eq!(count("job.create"), 102, "one for each table, and the state's");
    assert_eq!(count("job.sync"), 2, "the tables together, and the state");
    assert_eq!(count("package.sync_jobs"), 2, "the folder of the files, and that of the packages");
}

#[test]
fn thousands_of_small_files_are_loaded() {
    let project = Project::with("{type: filesystem, bucket_url: out}", "");
    for number in 0..3000 {
        project.write(&format!("data/{number}.jsonl"), format!("{{\"id\": {number}}}\n"));
    }
    project.run(0);
    assert_eq!(project.one("SELECT count(DISTINCT id) FROM t"), "3000");
}

#[test]
fn a_record_longer_than_the_limit_is_refused_by_name() {
    // 64 MB of memory allow 4 MiB for a record.
    for (name, start, end) in [
        ("line.jsonl.gz", "{\"s\": \"", "\"}\n"),
        ("list.json.gz", "[{\"s\": \"", "\"}]"),
        ("document.json.gz", "{\"s\": \"", "\"}"),
        ("field.csv.gz", "id,s\n1,", "\n"),
        ("quoted.csv.gz", "id,s\n1,\"", "\"\n"),
        ("header.csv.gz", "a", "\n1\n"),
    ] {
        let project = Project::files("");
        project.write(&format!("data/{name}"), long(start, 600, end));
        let done = project.run_with(&["--max-memory", "64MB"], 1);
        assert!(done.error().contains(" is longer than "), "{name}: {}", done.error());
        done.says(&[name], "extract.max_record_bytes");
        assert!(!project.has_table("t"));
    }
}

#[test]
fn a_limit_that_is_set_lets_longer_records_pass() {
    let project = Project::files("");
    project.write("data/a.jsonl.gz", long("{\"s\": \"", 5, "\"}\n"));
    project.run_with(&["--max-memory", "64MB"], 1).says(&["a record is longer than 4 MiB"], "--max-memory");
    let file = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write("p.yaml", format!("{file}extract: {{max_record_bytes: 6MB}}\n"));
    project.run_with(&["--max-memory", "64MB"], 0);
    assert_eq!(project.one("SELECT length(s) FROM t"), (5 << 20).to_string());
}

#[test]
fn steps_without_end_are_stopped_by_a_limit() {
    for expression in [
        "def f: f; f",
        "def f: 1 + f; f",
        "repeat(.)",
        "{a: [range(1000000000)] | length}",
        "{a: [limit(1000000000; repeat(1))]}",
        "{a: (reduce range(60) as $i (\"xx\"; . + .) | length)}",
        "{a: (\"x\" * 1000000000000)}",
        "{a: (reduce range(60) as $i ([1]; . + .) | length)}",
        "{a: (reduce range(60) as $i (\"x\"; [., .]) | tojson | length)}",
        "{a: reduce range(60) as $i (\"x\"; [., .])}",
        "{a: (reduce range(60) as $i (\"x\"; \"\\(.)\\(.)\") | length)}",
        "{a: reduce range(100000000) as $i (null; [.])}",
        "def f(n): if n == 0 then . else f(n - 1) | . end; f(10000000)",
        "try error(\"x\") catch (def f: try f catch f; f)",
    ] {
        let project = Project::files("");
        let file = std::fs::read_to_string(project.path("p.yaml")).unwrap();
        let step = serde_json::to_string(expression).unwrap();
        project.write("p.yaml", file.replace("\"*\"}", &format!("\"*\", steps: [{{map: {step}}}]}}")));
        project.write("data/a.jsonl", "{\"id\": 1}\n");
        let done = project.windlass(&["run", "p.yaml"]);
        assert_eq!(done.code, 1, "{expression}: {}{}", done.stdout, done.stderr);
        assert!(done.error().contains("the steps of a record"), "{expression}: {}", done.error());
        done.says(&["a.jsonl:1"], "limit");
    }
}

#[test]
fn steps_that_are_long_but_end_are_run() {
    let project = Project::files("");
    let file = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    let step = "{n: ([range(20000)] | map(. * 2) | add), s: ([range(3000) | tostring] | join(\\\",\\\") | length), \
                e: ([range(1000) | {key: tostring, value: .}] | from_entries | length), l: ((\\\"x\\\" * 3) + .s)}";
    project.write("p.yaml", file.replace("\"*\"}", &format!("\"*\", steps: [{{map: \"{step}\"}}]}}")));
    project.write("data/a.jsonl", "{\"s\": \"y\"}\n");
    project.run(0);
    assert_eq!(project.query("SELECT n, s, e, l FROM t"), ["399980000,13889,1000,xxxy"]);
}
