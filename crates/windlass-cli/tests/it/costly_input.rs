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

/// A record that this step changes.
fn with_step(expression: &str) -> Project {
    let project = Project::files("");
    let file = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    let step = serde_json::to_string(expression).unwrap();
    project.write("p.yaml", file.replace("\"*\"}", &format!("\"*\", steps: [{{map: {step}}}]}}")));
    project.write("data/a.jsonl", "{\"id\": 1}\n");
    project
}

/// What is built in and looks through long values, or makes many small ones, between two evaluations.
const HEAVY: [&str; 25] = [
    "{x: ([range(100000)] as $a | [$a[] as $i | $a | index($i)] | length)}",
    "{x: ([range(100000)] as $a | [$a[] as $i | $a | indices([$i, 0])] | length)}",
    "{x: ((\"ab\" * 100000) as $t | [range(100000) | $t | index(\"aa\")] | length)}",
    "{x: ([range(100000)] as $a | [range(100000)] as $b | [range(100000) | $a == $b] | length)}",
    "{x: ([range(100000)] as $a | [range(100000) | $a | sort] | length)}",
    "{x: ([range(100000)] as $a | [range(100000) | $a | group_by(.)] | length)}",
    "{x: ([range(100000)] as $a | [range(100000) | $a | contains($a)] | length)}",
    "{x: ([range(100000)] as $a | [range(100000) | $a - [.]] | length)}",
    "{x: ([range(100000)] as $a | [range(100000) | $a[1:]] | length)}",
    "{x: ((\"ab\" * 100000) as $t | [range(100000) | $t | test(\"c\")] | length)}",
    "{x: ((\"ab\" * 100000) as $t | [range(100000) | $t | gsub(\"b\"; \"c\")] | length)}",
    "{x: ((\"ab\" * 100000) as $t | [range(100000) | $t / \"b\"] | length)}",
    "{x: ((\"ab\" * 100000) as $t | [range(100000) | $t | explode] | length)}",
    "{x: ((\"ab\" * 100000) as $t | [range(100000) | $t | ascii_upcase, @base64] | length)}",
    "{x: ((\"[\" * 10000 + \"]\" * 10000) as $t | [range(100000) | $t | fromjson] | length)}",
    "{x: ([range(100000) | {key: tostring, value: 1}] | from_entries as $o | [range(100000) | $o | keys] | length)}",
    "{x: (reduce range(40) as $i (1; [., .]) == reduce range(40) as $i (1; [., .]))}",
    "{x: ([reduce range(40) as $i (1; [., .]), reduce range(40) as $i (1; [., .])] | sort | length)}",
    "{x: (reduce range(60) as $i (3; . * .))}",
    "{x: (reduce range(100) as $i (\"x\"; . + .) | length)}",
    "{x: (reduce range(100) as $i ([1]; . + .) | length)}",
    "{x: ([range(3000)] | [combinations(3)] | length)}",
    "{x: ((\"ab\" * 5000000) | [match(\"\"; \"g\")] | length)}",
    "{x: ((\"ab\" * 50000000) | explode | length)}",
    "def f(g): f(f(g)); f(.)",
];

#[test]
fn what_is_built_in_counts_by_what_it_looks_through_and_makes() {
    for expression in HEAVY {
        let started = std::time::Instant::now();
        let done = with_step(expression).windlass(&["run", "p.yaml"]);
        assert_eq!(done.code, 1, "{expression}: {}{}", done.stdout, done.stderr);
        assert!(done.error().contains("the steps of a record"), "{expression}: {}", done.error());
        assert!(!done.error().contains("seconds"), "{expression}: {}", done.error());
        done.says(&["a.jsonl:1"], "limit");
        assert!(started.elapsed().as_secs() < 30, "{expression}: {:?}", started.elapsed());
    }
}

#[test]
fn steps_that_would_end_the_program_are_refused() {
    for expression in ["if .id == 1 then halt else . end", "\"x\" | halt_error(0)", "halt_error"] {
        let project = with_step(expression);
        for command in ["validate", "run"] {
            let done = project.windlass(&[command, "p.yaml"]);
            assert_eq!(done.code, 2, "{expression}: {}{}", done.stdout, done.stderr);
            assert!(done.stderr.contains("would end the program, which a step cannot"), "{}", done.stderr);
        }
        assert!(!project.has_table("t"));
    }
}

#[test]
fn steps_that_make_no_json_are_named_and_not_the_file() {
    let project = with_step("{x: setpath([1000000000]; 1)}");
    let yaml = std::fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write("p.yaml", yaml.replace("steps:", "on_bad_record: reject, steps:"));
    project
        .run(1)
        .says(&["the steps of a record make an object with the key 1000000000", "a.jsonl:1"], "tostring");
    assert!(!project.has_table("t"), "it is no record of the file that is left out");
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
        let done = with_step(expression).windlass(&["run", "p.yaml"]);
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

#[test]
fn thousands_of_lists_beside_each_other_are_loaded() {
    let project = Project::files("");
    let lists: Vec<String> = (0..1500).map(|number| format!("\"k{number}\":[{{\"a\":1}}]")).collect();
    project.write("data/a.jsonl", format!("{{{}}}\n", lists.join(",")));
    project.run(0);
    assert_eq!(
        project.one("SELECT count(*) FROM information_schema.tables WHERE table_name LIKE 't__k%'"),
        "1500"
    );
}
