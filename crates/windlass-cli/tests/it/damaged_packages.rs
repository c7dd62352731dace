//! Packages that were removed by half, or of which files are missing, cut off or something else.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::project::Project;

const PARTS: [&str; 5] = ["manifest.json", "schema.json", "state.json", "delta.json", "journal.jsonl"];

/// What may become of a file.
const DAMAGES: [&str; 5] = ["missing", "empty", "cut", "other", "folder"];

fn damage(path: &Path, how: &str) {
    match how {
        "missing" => fs::remove_file(path).unwrap(),
        "empty" => fs::write(path, "").unwrap(),
        "cut" => {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }
        "other" => fs::write(path, "[\"\u{0}\u{1f4a5}\"]").unwrap(),
        _ => {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        }
    }
}

fn packages(project: &Project) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(project.path("work/pipelines/p/packages")) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

/// Rows that are appended, a file for each load.
fn project(destination: &str) -> Project {
    let project = Project::with(destination, "write_disposition: append, incremental: {cursor_path: id}");
    project.write("data/1.jsonl", "{\"id\":1}\n");
    project
}

const DUCKDB: &str = "{type: duckdb, credentials: out.duckdb}";

/// Commands that only look, all of which must go on working.
fn look(project: &Project) -> Vec<String> {
    let mut said = Vec::new();
    for command in ["info", "loads", "failed-jobs", "state", "schema", "trace"] {
        for json in [&[][..], &["--json"][..]] {
            let done = project.windlass(&[&["pipeline", command, "p"], json].concat());
            assert_eq!(done.code, 0, "{command}: {}", done.stderr);
            said.push(done.stdout);
        }
    }
    assert_eq!(project.windlass(&["pipeline", "list"]).code, 0);
    said
}

#[cfg(feature = "failpoints")]
#[test]
fn packages_that_wait_and_are_damaged_are_told_and_can_be_given_up() {
    for part in PARTS {
        for how in DAMAGES {
            let project = project(DUCKDB);
            project.run(0);
            project.write("data/2.jsonl", "{\"id\":2}\n");
            let mut command = project.command(&["run", "p.yaml"]);
            command.env("WINDLASS_FAILPOINT", "load.before_commit=kill");
            assert!(!command.output().unwrap().status.success());
            let waiting = packages(&project).pop().unwrap();
            damage(&waiting.join(part), how);
            let load_id = waiting.file_name().unwrap().to_string_lossy().into_owned();
            let of_journal = part == "journal.jsonl" && how != "folder";
            let said = look(&project).concat();
            assert!(said.contains(&load_id), "{part} {how}: {said}");
            if !of_journal {
                assert!(said.contains("drop-pending") && said.contains(part), "{part} {how}: {said}");
                // What comes after it relies on it, so that nothing is loaded without it.
                let done = project.run(1);
                done.says(&[&load_id, part, "cannot be read"], "drop-pending");
                let plan = project.windlass(&["plan", "p.yaml"]);
                assert!(
                    plan.code < 5 && plan.stdout.contains(&load_id) | plan.stderr.contains(&load_id),
                    "{}",
                    plan.stderr
                );
                let done = project.windlass(&["pipeline", "drop-pending", "p", "--yes"]);
                assert_eq!(done.code, 0, "{part} {how}: {}", done.stderr);
                assert!(done.stdout.contains(&load_id), "{}", done.stdout);
                assert!(!waiting.exists() && packages(&project).len() == 1);
                look(&project);
            }
            project.run(0);
            assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2"], "{part} {how}");
        }
    }
}

#[test]
fn packages_that_were_loaded_and_are_damaged_are_in_nobodys_way() {
    for destination in [DUCKDB, "{type: sqlite, credentials: out.db}", "{type: filesystem, bucket_url: out}"]
    {
        for part in PARTS {
            for how in DAMAGES {
                let project = project(destination);
                project.run(0);
                project.write("data/2.jsonl", "{\"id\":2}\n");
                project.run(0);
                // The older of two, whose state and schema are not those that count.
                damage(&packages(&project)[0].join(part), how);
                look(&project);
                project.write("data/3.jsonl", "{\"id\":3}\n");
                project.run(0);
                project.run(0);
                look(&project);
                assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2", "3"], "{part} {how}");
                let done = project.windlass(&["pipeline", "drop-pending", "p", "--yes"]);
                assert_eq!(done.code, 0, "{part} {how}: {}", done.stderr);
            }
        }
    }
}

#[cfg(feature = "failpoints")]
#[test]
fn a_file_of_rows_that_is_missing_is_told_before_anything_is_loaded() {
    let project = project(DUCKDB);
    let mut command = project.command(&["run", "p.yaml"]);
    command.env("WINDLASS_FAILPOINT", "load.before_migrate=kill");
    assert!(!command.output().unwrap().status.success());
    fs::remove_dir_all(packages(&project)[0].join("jobs")).unwrap();
    project.run(1).says(&["a file of rows", "missing"], "drop-pending");
    assert_eq!(project.windlass(&["pipeline", "drop-pending", "p", "--yes"]).code, 0);
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t"), ["1"]);
}

#[cfg(feature = "failpoints")]
#[test]
fn a_kill_anywhere_in_the_removal_of_an_old_package_is_in_nobodys_way() {
    let seed = project(DUCKDB);
    let text = fs::read_to_string(seed.path("p.yaml")).unwrap();
    seed.write("p.yaml", format!("{text}load: {{kept_packages: 0}}\n"));
    seed.run(0);
    let removal = |point: &str| point.starts_with("package.remove");
    let trace = seed.path("trace.txt");
    let mut command = seed.command(&["run", "p.yaml"]);
    command.env("WINDLASS_FAILPOINT_TRACE", &trace);
    seed.write("data/2.jsonl", "{\"id\":2}\n");
    assert!(command.output().unwrap().status.success());
    let mut points: Vec<(String, usize)> = Vec::new();
    for point in fs::read_to_string(&trace).unwrap().lines().filter(|point| removal(point)) {
        let time = points.iter().filter(|(known, _)| known == point).count() + 1;
        points.push((point.to_owned(), time));
    }
    // The four files and the journal, the folder, what goes before, and the files of rows of the load itself.
    assert!(points.len() >= 10, "{points:?}");
    for (number, (point, time)) in points.iter().enumerate() {
        let id = 3 + number;
        seed.write(&format!("data/{id:03}.jsonl"), format!("{{\"id\":{id}}}\n"));
        let mut command = seed.command(&["run", "p.yaml"]);
        command.env("WINDLASS_FAILPOINT", format!("{point}=kill:{time}"));
        assert!(!command.output().unwrap().status.success(), "{point} {time}");
        let said: Value =
            serde_json::from_str(&seed.windlass(&["pipeline", "loads", "p", "--json"]).stdout).unwrap();
        assert!(
            said.as_array().unwrap().iter().all(|package| package["status"] != "damaged"),
            "{point} {time}: {said}"
        );
        look(&seed);
        assert_eq!(seed.windlass(&["pipeline", "drop-pending", "p", "--yes"]).code, 0, "{point} {time}");
        seed.run(0);
        assert_eq!(seed.one("SELECT count(*) FROM t"), id.to_string(), "{point} {time}");
        let left = packages(&seed);
        assert!(left.iter().all(|path| !path.to_string_lossy().contains(".removed")), "{left:?}");
    }
}

#[test]
fn only_as_many_finished_packages_are_kept_as_is_asked_for() {
    let project = project(DUCKDB);
    let text = fs::read_to_string(project.path("p.yaml")).unwrap();
    project.write("p.yaml", format!("{text}load: {{kept_packages: 2}}\n"));
    for id in 2..8 {
        project.write(&format!("data/{id}.jsonl"), format!("{{\"id\":{id}}}\n"));
        project.run(0);
    }
    // Two, and the one of the last run, which came after they were counted.
    assert_eq!(packages(&project).len(), 3);
}

/// What may become of a file that holds JSON.
const OTHERS: [&[u8]; 7] = [b"", b"{\"a", b"\xff\xfe", b"null", b"[]", b"7", b"{\"tables\": 7}"];

#[test]
fn a_report_that_cannot_be_read_is_in_nobodys_way() {
    let project = project(DUCKDB);
    project.run(0);
    let trace = project.path("work/pipelines/p/trace.json");
    let remembered = project.path("work/pipelines/p/pipeline.json");
    for bytes in &OTHERS[..6] {
        fs::write(&trace, bytes).unwrap();
        fs::write(&remembered, bytes).unwrap();
        fs::create_dir_all(project.path("work/pipelines/other")).unwrap();
        for args in [&["pipeline", "list"][..], &["pipeline", "info", "p"], &["pipeline", "list", "--json"]] {
            let done = project.windlass(args);
            assert_eq!(done.code, 0, "{bytes:?} {args:?}: {}", done.stderr);
            assert!(
                done.stderr.contains("trace.json") && done.stderr.contains("delete it"),
                "{}",
                done.stderr
            );
            assert!(args[1] == "info" || done.stdout.contains("other"), "{}", done.stdout);
        }
        let done = project.windlass(&["pipeline", "trace", "p"]);
        assert_eq!(done.code, 1);
        done.says(&["trace.json"], "run the pipeline");
        project.windlass(&["query", "p", "SELECT 1"]).says(&["pipeline.json"], "path of the pipeline file");
        project.run(0);
        assert_eq!(project.windlass(&["pipeline", "trace", "p"]).code, 0);
        assert_eq!(project.windlass(&["query", "p", "SELECT 1"]).code, 0);
    }
}

#[test]
fn a_state_or_schema_that_cannot_be_read_is_named_with_the_remedy() {
    for file in ["state.json", ".schema.json"] {
        for bytes in OTHERS {
            let project = project(DUCKDB);
            project.run(0);
            let folder = project.path("work/pipelines/p");
            let schema = || fs::read_dir(folder.join("schemas")).unwrap().next().unwrap().unwrap().path();
            let path = if file == "state.json" { folder.join(file) } else { schema() };
            assert_ne!(fs::read(&path).unwrap(), bytes);
            fs::write(&path, bytes).unwrap();
            if file == "state.json" && bytes.starts_with(b"{\"tables") {
                continue;
            }
            for args in [&["run", "p.yaml"][..], &["pipeline", "info", "p"]] {
                let done = project.windlass(args);
                assert_eq!(done.code, 1, "{bytes:?}: {}", done.stderr);
                done.says(&["is damaged", file], "delete it: what it held is read back");
            }
            fs::remove_file(&path).unwrap();
            project.write("data/2.jsonl", "{\"id\":2}\n");
            project.run(0);
            assert_eq!(project.query("SELECT id FROM t ORDER BY id"), ["1", "2"], "{file} {bytes:?}");
        }
    }
}

#[cfg(all(unix, feature = "failpoints"))]
#[test]
fn a_package_whose_journal_cannot_be_written_can_be_given_up() {
    let project = project(DUCKDB);
    let mut command = project.command(&["run", "p.yaml"]);
    command.env("WINDLASS_FAILPOINT", "load.before_migrate=kill");
    assert!(!command.output().unwrap().status.success());
    let journal = packages(&project)[0].join("journal.jsonl");
    drop(fs::remove_file(&journal));
    std::os::unix::fs::symlink("/nowhere/at/all", &journal).unwrap();
    project.run(1);
    let done = project.windlass(&["pipeline", "drop-pending", "p", "--yes"]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(packages(&project).is_empty());
    project.run(0);
    assert_eq!(project.query("SELECT id FROM t"), ["1"]);
}
