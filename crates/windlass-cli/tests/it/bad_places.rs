//! Places and settings that are wrong: missing, locked, read-only, full, misspelt.

use std::os::unix::process::CommandExt as _;
use std::path::Path;

use crate::project::{Done, Project};

#[test]
fn a_missing_folder_is_named() {
    let project = Project::files("");
    std::fs::remove_dir(project.path("data")).unwrap();
    project.run(1).says(&["data"], "");
}

#[test]
fn a_glob_that_matches_nothing_is_an_error_with_the_place() {
    let project = Project::files("");
    project.run(1).says(&["no file", "data"], "file_glob");
}

#[test]
fn a_missing_pipeline_file_is_named() {
    let project = Project::new();
    let done = project.windlass(&["run", "p.yaml"]);
    assert_eq!(done.code, 2);
    done.says(&["there is no pipeline file p.yaml"], "windlass init");
}

#[test]
fn an_unknown_key_is_shown_with_its_place_and_the_right_word() {
    let check = |file: &str, text: &str, error: &str, hint: &str| {
        let project = Project::new();
        project.write(file, text);
        let done = project.windlass(&["validate", file]);
        assert_eq!(done.code, 2, "{}{}", done.stdout, done.stderr);
        done.says(&[error, file], hint);
    };
    let yaml = |resource: &str| {
        format!(
            "pipeline: p\ndestination: duckdb\nsource:\n  type: inline\n  resources:\n    - name: t\n      items: []\n      \
             {resource}\n"
        )
    };
    check("p.yaml", &yaml("write_dispositon: append"), "p.yaml:8:", "did you mean `write_disposition`?");
    check("p.yaml", &yaml("write_disposition: apend"), "p.yaml:8:", "append");
    check("p.yaml", &yaml("primary_key: {a: 1}"), "primary_key", "");
    check(
        "p.yaml",
        "pipeline: p\ndestination: duckdbb\nsource: {type: inline, resources: []}\n",
        "p.yaml:2:",
        "duckdb",
    );
    check(
        "p.yaml",
        "pipeline: p\ndestination: duckdb\nsource: {type: inlin, resources: []}\n",
        "p.yaml:3:",
        "inline",
    );
    check("p.yaml", "pipeline: p\n  destination: [\n", "p.yaml:2", "");
    check(
        "p.toml",
        "pipeline = \"p\"\ndestination = \"duckdb\"\n[source]\ntype = \"inline\"\nresorces = []\n",
        "p.toml:5:",
        "did you mean `resources`?",
    );
    check("p.yaml", &yaml("write_disposition: \"${NOT_SET}\""), "NOT_SET", "");
}

#[test]
fn a_database_that_somebody_has_open_is_not_touched() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\": 1}\n");
    let database = project.path("out.duckdb");
    let open = duckdb::Connection::open(&database).unwrap();
    let done = project.run(1);
    done.says(&["DuckDB cannot open", "out.duckdb"], "close it and run again");
    drop(open);
    project.run(0);
    assert_eq!(project.one("SELECT count(*) FROM t"), "1");
}

#[test]
fn a_second_run_of_the_same_pipeline_is_refused() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\": 1}\n");
    let folder = project.path("work/pipelines/p");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    project.run(6).says(&["another run"], "wait");
    drop(lock);
    project.run(0);
}

/// The output of a command that is run as a user who may not write to the project.
fn as_nobody(project: &Project, args: &[&str]) -> Done {
    let mut command = project.command(args);
    // The library must be where that user can read it.
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.libduckdb");
    let copy = project.path("lib");
    if !copy.exists() {
        std::fs::create_dir(&copy).unwrap();
        std::fs::copy(library.join("libduckdb.so"), copy.join("libduckdb.so")).unwrap();
    }
    command.env("LD_LIBRARY_PATH", &copy);
    // Root may write everywhere; anybody else may not.
    let is_root = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0;
    if is_root {
        command.uid(65_534).gid(65_534);
    }
    Done::of(command.output().unwrap())
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_that_may_not_be_written_is_named() {
    for destination in
        ["{type: duckdb, credentials: closed/out.duckdb}", "{type: filesystem, bucket_url: closed}"]
    {
        let project = Project::with(destination, "");
        project.write("data/a.jsonl", "{\"id\": 1}\n");
        std::fs::create_dir(project.path("closed")).unwrap();
        std::fs::create_dir(project.path("work")).unwrap();
        set_mode(&project.path("closed"), 0o555);
        set_mode(&project.path("work"), 0o777);
        set_mode(&project.path(""), 0o755);
        let done = as_nobody(&project, &["run", "p.yaml"]);
        assert_eq!(done.code, 1, "{}{}", done.stdout, done.stderr);
        done.says(&["closed"], "who may write there");
        set_mode(&project.path("closed"), 0o777);
        let done = as_nobody(&project, &["run", "p.yaml"]);
        assert_eq!(done.code, 0, "{}", done.stderr);
    }
}

#[test]
fn a_working_folder_that_may_not_be_written_is_named() {
    let project = Project::files("");
    project.write("data/a.jsonl", "{\"id\": 1}\n");
    std::fs::create_dir(project.path("work")).unwrap();
    set_mode(&project.path("work"), 0o555);
    set_mode(&project.path(""), 0o755);
    let done = as_nobody(&project, &["run", "p.yaml"]);
    assert_eq!(done.code, 1, "{}{}", done.stdout, done.stderr);
    done.says(&["work"], "who may write there");
}

/// A disk of three megabytes; gone when dropped.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    /// `None` where nobody lets us mount one; then the failpoints of the crash tests stand in for it.
    fn mount(path: std::path::PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&path).unwrap();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
            .arg(&path)
            .output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(path))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = std::process::Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} stays mounted", self.0.display());
    }
}

#[test]
fn a_full_disk_loses_nothing() {
    for (destination, full) in [
        ("{type: duckdb, credentials: disk/out.duckdb}", "disk"),
        ("{type: filesystem, bucket_url: disk}", "disk"),
        ("{type: duckdb, credentials: out.duckdb}", "work"),
    ] {
        let project = Project::with(destination, "");
        let Some(disk) = SmallDisk::mount(project.path(full)) else { return };
        let row = |id: usize| format!("{{\"id\": {id}, \"text\": \"{}\"}}\n", noise(id));
        let lines: String = (0..12_000).map(row).collect();
        project.write("data/a.jsonl", &lines);
        let done = project.run(1);
        assert!(done.hint().contains("free some"), "{destination}: {}", done.stderr);
        // With less to load it fits: what was pending is given up first.
        project.windlass(&["pipeline", "drop-pending", "p.yaml", "--yes"]);
        project.write(
            "data/a.jsonl",
            lines.lines().take(20).map(|line| format!("{line}\n")).collect::<String>(),
        );
        project.run(0);
        assert_eq!(
            project.one("SELECT count(*) || ' ' || count(DISTINCT id) FROM t"),
            "20 20",
            "{destination}"
        );
        drop(disk);
    }
}

/// 640 characters that do not compress.
fn noise(seed: usize) -> String {
    let mut state = seed as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut text = String::new();
    for _ in 0..40 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(&format!("{:016x}", state ^ (state >> 29)));
    }
    text
}
