//! Runs that are killed, stopped, or meet a full disk at every point that has a name: the next run finishes what is
//! there, and every row is in the tables once.

use crate::project::{Done, Project};

/// Points at which a run can be broken off, and whether the destination passes them.
const POINTS: &[(&str, &[&str])] = &[
    ("job.create", &["duckdb", "filesystem"]),
    ("job.write", &["duckdb", "filesystem"]),
    ("job.sync", &["duckdb", "filesystem"]),
    ("extract.done", &["duckdb", "filesystem"]),
    ("files.before_rename", &["duckdb", "filesystem"]),
    ("package.before_seal", &["duckdb", "filesystem"]),
    ("package.after_seal", &["duckdb", "filesystem"]),
    ("load.migrated", &["duckdb", "filesystem"]),
    ("load.before_commit", &["duckdb", "filesystem"]),
    ("load.after_commit", &["duckdb", "filesystem"]),
    ("load.recorded", &["duckdb", "filesystem"]),
    ("duckdb.migrated", &["duckdb"]),
    ("duckdb.job_loaded", &["duckdb"]),
    ("duckdb.before_commit", &["duckdb"]),
    ("duckdb.after_commit", &["duckdb"]),
    ("filesystem.migrated", &["filesystem"]),
    ("filesystem.job_loaded", &["filesystem"]),
    ("filesystem.replaced", &["filesystem"]),
    ("filesystem.move", &["filesystem"]),
    ("filesystem.before_record", &["filesystem"]),
    ("filesystem.after_record", &["filesystem"]),
    ("filesystem.between_records", &["filesystem"]),
];

/// Times that a point is tried: the first, second and so on time that a run passes it.
const PASSES: u32 = 6;

const ROWS: usize = 40;

fn lines(from: usize) -> String {
    (from..from + ROWS).map(|id| format!("{{\"id\": {id}, \"tags\": [\"a{id}\", \"b\"]}}\n")).collect()
}

fn project(destination: &str, disposition: &str) -> Project {
    let destination = match destination {
        "duckdb" => "{type: duckdb, credentials: out.duckdb}",
        _ => "{type: filesystem, bucket_url: out}",
    };
    let project = Project::with(destination, &format!("write_disposition: {disposition}"));
    project.write("data/a.jsonl", lines(0));
    project.run(0);
    project.write("data/a.jsonl", lines(1000));
    project
}

fn broken_run(project: &Project, point: &str, action: &str, pass: u32) -> Done {
    let mut command = project.command(&["run", "p.yaml", "--workers", "1"]);
    command.env("WINDLASS_FAILPOINT", format!("{point}={action}:{pass}"));
    Done::of(command.output().unwrap())
}

/// All rows as text: ids with their tags. The ids of rows differ from load to load, what they hold does not.
fn rows(project: &Project) -> Vec<String> {
    project.query(
        "SELECT t.id, string_agg(c.value, ' ' ORDER BY c._dlt_list_idx) FROM t JOIN t__tags c \
         ON c._dlt_parent_id = t._dlt_id GROUP BY t._dlt_id, t.id ORDER BY t.id",
    )
}

fn expected(disposition: &str) -> Vec<String> {
    let row = |id: usize| format!("{id},a{id} b");
    let old = if disposition == "append" { 0..ROWS } else { 0..0 };
    old.chain(1000..1000 + ROWS).map(row).collect()
}

/// After a run that was broken off: the next run finishes what is pending; what was not sealed is read again.
fn finish(project: &Project, disposition: &str, what: &str) {
    if disposition == "append" {
        // Without new records only what is pending is loaded: all of it or nothing.
        project.write("data/a.jsonl", "");
        let done = project.windlass(&["run", "p.yaml"]);
        assert_eq!(done.code, 0, "{what}: {}", done.stderr);
        let found = rows(project);
        if found.len() == ROWS {
            project.write("data/a.jsonl", lines(1000));
            project.run(0);
        }
    } else {
        let done = project.windlass(&["run", "p.yaml"]);
        assert_eq!(done.code, 0, "{what}: {}", done.stderr);
    }
    assert_eq!(rows(project), expected(disposition), "{what}");
    let counts = "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM t__tags)";
    let total = expected(disposition).len();
    assert_eq!(project.one(counts), format!("{total},{}", 2 * total), "{what}: no row without its parent");
}

/// Breaks runs off at every point of a destination; gives how often that happened.
fn matrix(destination: &str, disposition: &str, action: &str, codes: &[i32]) -> u32 {
    let mut broken = 0;
    for (point, _) in POINTS.iter().filter(|(_, destinations)| destinations.contains(&destination)) {
        for pass in 1..=PASSES {
            let project = project(destination, disposition);
            let what = format!("{destination} {disposition} {action} at {point}, time {pass}");
            let done = broken_run(&project, point, action, pass);
            if done.code == 0 {
                // Not passed that often: this run went through, and so do those with a higher number.
                assert!(
                    pass > 1 || action != "kill" || *point == "filesystem.replaced",
                    "{what} never happens"
                );
                break;
            }
            assert!(codes.contains(&done.code), "{what}: {} {}", done.code, done.stderr);
            broken += 1;
            finish(&project, disposition, &what);
        }
    }
    broken
}

#[test]
fn kill_9_anywhere_duckdb_append() {
    assert!(matrix("duckdb", "append", "kill", &[137]) >= 15);
}

#[test]
fn kill_9_anywhere_duckdb_replace() {
    assert!(matrix("duckdb", "replace", "kill", &[137]) >= 15);
}

#[test]
fn kill_9_anywhere_filesystem_append() {
    assert!(matrix("filesystem", "append", "kill", &[137]) >= 15);
}

#[test]
fn kill_9_anywhere_filesystem_replace() {
    assert!(matrix("filesystem", "replace", "kill", &[137]) >= 15);
}

#[test]
fn a_full_disk_anywhere() {
    assert!(matrix("duckdb", "append", "enospc", &[1]) >= 10);
    assert!(matrix("filesystem", "replace", "enospc", &[1]) >= 10);
}

#[test]
fn ctrl_c_anywhere_is_a_clean_stop() {
    assert!(matrix("duckdb", "append", "int", &[130]) >= 5);
    assert!(matrix("filesystem", "replace", "int", &[130]) >= 5);
}

#[test]
fn sigterm_anywhere_is_a_clean_stop() {
    assert!(matrix("duckdb", "replace", "term", &[143]) >= 5);
}

#[test]
fn a_stopped_run_says_that_nothing_is_lost() {
    let project = project("duckdb", "append");
    let done = broken_run(&project, "extract.done", "int", 1);
    assert_eq!(done.code, 130, "{}", done.stderr);
    done.says(&["the run was stopped"], "run again");
}
