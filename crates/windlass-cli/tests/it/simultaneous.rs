//! Many runs of one pipeline at once, from one machine or from several: one loads at a time, every row is there once.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::project::{Done, Project};
use crate::server::Server;

/// Rows that come with each round.
const ROWS: usize = 20;

/// A pipeline that loads new rows of `data/*` into a place that nobody else uses.
struct Shared {
    project: Project,
    dataset: String,
    server: Option<Server>,
}

impl Shared {
    /// `None` if this machine has no such server. `settings` is added to the pipeline file.
    fn new(kind: &str, name: &str, settings: &str) -> Option<Self> {
        let server = if kind == "postgres" { Some(Server::shared()?) } else { None };
        let destination = match (kind, &server) {
            ("postgres", Some(server)) => format!("{{type: postgres, credentials: \"{}\"}}", server.url),
            ("filesystem", _) => "{type: filesystem, bucket_url: out}".to_owned(),
            ("sqlite", _) => "{type: sqlite, credentials: out.db}".to_owned(),
            _ => "{type: duckdb, credentials: out.duckdb}".to_owned(),
        };
        let project = Project::with(&destination, "incremental: {cursor_path: id}");
        // The server outlives a check that failed.
        let dataset = format!("lease_{name}_{}", std::process::id());
        let text = std::fs::read_to_string(project.path("p.yaml")).unwrap();
        let text = text.replace("dataset: d\n", &format!("dataset: {dataset}\n"));
        project.write("p.yaml", format!("{text}{settings}"));
        Some(Self { project, dataset, server })
    }

    /// Rows that were not there before.
    fn add(&self, round: usize) {
        let ids = round * ROWS..(round + 1) * ROWS;
        let lines: String = ids.map(|id| format!("{{\"id\": {id}, \"tags\": [{id}]}}\n")).collect();
        self.project.write(&format!("data/{round:04}.jsonl"), lines);
    }

    /// A run that goes on by itself, with this working folder.
    fn spawn(&self, work: &str, failpoint: &str, arguments: &[&str]) -> Child {
        let mut command = self.project.command(&["run", "p.yaml", "--workers", "1"]);
        command.args(arguments).env("WINDLASS_DATA_DIR", self.project.path(work));
        command
            .env("WINDLASS_FAILPOINT", failpoint)
            .env("WINDLASS_FAILPOINT_GATE", self.project.path("gate"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn run(&self, work: &str, arguments: &[&str]) -> Done {
        Done::of(self.spawn(work, "", arguments).wait_with_output().unwrap())
    }

    /// Checks that the rows of the first `rounds` rounds are there once, each with its child.
    #[track_caller]
    fn has_rounds(&self, rounds: usize, what: &str) {
        let expected: Vec<String> = (0..rounds * ROWS).map(|id| format!("{id},{id}")).collect();
        let rows = "SELECT t.id, c.value FROM t JOIN t__tags c ON c._dlt_parent_id = t._dlt_id ORDER BY t.id, c.value";
        assert_eq!(self.project.query(rows), expected, "{what}");
        let counts = "SELECT (SELECT count(*) FROM t) AS a, (SELECT count(*) FROM t__tags) AS b";
        assert_eq!(self.project.one(counts), format!("{0},{0}", expected.len()), "{what}");
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(server) = self.server.as_ref().filter(|_| !std::thread::panicking()) {
            for suffix in ["", "_staging"] {
                let drop = format!("DROP SCHEMA IF EXISTS \"{}{suffix}\" CASCADE", self.dataset);
                crate::query_only::psql(&server.url, &drop);
            }
        }
    }
}

fn rounds() -> usize {
    if std::env::var_os("WINDLASS_PROPERTY_FACTOR").is_some() { 100 } else { 3 }
}

/// Rounds of several runs that begin at once, each with its own working folder or all with the same.
fn many_at_once(kind: &str, name: &str, folders: usize) {
    let Some(shared) = Shared::new(kind, name, "") else { return };
    for round in 0..rounds() {
        shared.add(round);
        let runs: Vec<Child> = (0..[2, 8, 5][round % 3])
            .map(|run| shared.spawn(&format!("work-{}", run % folders), "", &[]))
            .collect();
        let done: Vec<Done> = runs.into_iter().map(|run| Done::of(run.wait_with_output().unwrap())).collect();
        let codes: Vec<i32> = done.iter().map(|done| done.code).collect();
        let what = format!("{name}, round {round}, exit codes {codes:?}");
        for done in &done {
            assert!([0, 6].contains(&done.code), "{what}: {}", done.stderr);
            if done.code == 6 {
                done.says(&["other"], "");
            }
        }
        assert!(codes.contains(&0), "{what}");
        shared.has_rounds(round + 1, &what);
    }
}

/// Waits until a run has reached its failpoint and was stopped there.
fn wait_until_stopped(run: &Child) {
    let until = Instant::now() + Duration::from_secs(60);
    let path = format!("/proc/{}/stat", run.id());
    loop {
        let stat = std::fs::read_to_string(&path).unwrap_or_default();
        if stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')) {
            return;
        }
        assert!(Instant::now() < until, "the run never stops: {stat}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn go_on(run: Child) -> Done {
    let id = run.id().to_string();
    assert!(std::process::Command::new("kill").args(["-CONT", &id]).status().unwrap().success());
    Done::of(run.wait_with_output().unwrap())
}

/// A run that is stopped at a point of its load until another one has taken over and loaded.
fn zombie(kind: &str, name: &str, points: &[&str]) {
    for point in points {
        for loads_before in [0, 1] {
            let settings = "load: {lease_seconds: 1}\n";
            let Some(shared) = Shared::new(kind, &format!("{name}_{loads_before}"), settings) else { return };
            let what = format!("{kind}, stopped at {point} after {loads_before} loads");
            for round in 0..loads_before {
                shared.add(round);
                assert_eq!(shared.run("work-a", &[]).code, 0, "{what}");
            }
            shared.add(loads_before);
            let stopped = shared.spawn("work-a", &format!("{point}=stop"), &[]);
            wait_until_stopped(&stopped);
            let other = shared.run("work-b", &["--wait", "60"]);
            assert_eq!(other.code, 0, "{what}: {}", other.stderr);
            let refused = go_on(stopped);
            assert_eq!(refused.code, 6, "{what}: {}{}", refused.stdout, refused.stderr);
            refused.says(&["another run of pipeline `p`"], "run again");
            shared.has_rounds(loads_before + 1, &what);
            // What was refused is given up, and both go on from the same state.
            shared.add(loads_before + 1);
            let next = shared.run("work-a", &[]);
            assert_eq!(next.code, 0, "{what}: {}", next.stderr);
            assert!(next.warnings().iter().any(|warning| warning.contains("was given up")), "{what}");
            assert_eq!(shared.run("work-b", &[]).code, 0, "{what}");
            shared.has_rounds(loads_before + 2, &what);
        }
    }
}

#[test]
fn many_runs_with_folders_of_their_own_duckdb() {
    many_at_once("duckdb", "own_duckdb", 8);
}

#[test]
fn many_runs_with_folders_of_their_own_sqlite() {
    many_at_once("sqlite", "own_sqlite", 8);
}

#[test]
fn many_runs_with_folders_of_their_own_filesystem() {
    many_at_once("filesystem", "own_filesystem", 8);
}

#[test]
fn many_runs_with_folders_of_their_own_postgres() {
    many_at_once("postgres", "own_postgres", 8);
}

#[test]
fn many_runs_in_one_folder() {
    for kind in ["duckdb", "sqlite", "filesystem", "postgres"] {
        many_at_once(kind, &format!("same_{kind}"), 1);
    }
}

#[test]
fn a_zombie_commits_nothing_postgres() {
    zombie("postgres", "zombie", &["extract.done", "load.before_commit", "postgres.before_commit"]);
}

#[test]
fn a_zombie_commits_nothing_filesystem() {
    zombie("filesystem", "zombie", &["extract.done", "load.before_commit", "filesystem.before_commit"]);
}

/// A run that is stopped in the middle of its commit has committed: the one that takes over finishes it.
#[test]
fn a_commit_that_was_stopped_is_finished_by_the_next_run() {
    let points =
        ["filesystem.sealed", "filesystem.replaced", "filesystem.move", "filesystem.between_records"];
    for (point, disposition) in points.into_iter().flat_map(|point| [(point, "append"), (point, "replace")]) {
        let Some(shared) = Shared::new("filesystem", "finished", "load: {lease_seconds: 1}\n") else {
            return;
        };
        let is_replaced = disposition == "replace";
        if is_replaced {
            let text = std::fs::read_to_string(shared.project.path("p.yaml")).unwrap();
            shared.project.write(
                "p.yaml",
                text.replace("incremental: {cursor_path: id}", "write_disposition: replace"),
            );
        }
        shared.add(0);
        assert_eq!(shared.run("work-a", &[]).code, 0, "{point}");
        shared.add(1);
        let stopped = shared.spawn("work-a", &format!("{point}=stop"), &[]);
        wait_until_stopped(&stopped);
        shared.add(2);
        let other = shared.run("work-b", &["--wait", "60"]);
        assert_eq!(other.code, 0, "{point}: {}", other.stderr);
        shared.has_rounds(3, &format!("{point}, before the stopped run goes on"));
        let done = go_on(stopped);
        assert_eq!(done.code, 0, "{point}: {}{}", done.stdout, done.stderr);
        shared.has_rounds(3, &format!("{disposition}, stopped at {point}"));
        shared.add(3);
        assert_eq!(shared.run("work-a", &[]).code, 0, "{point}");
        shared.has_rounds(4, &format!("{disposition}, after {point}"));
    }
}

/// Without a lease: a run that was stopped before its load finds that its rows are there.
#[test]
fn a_zombie_commits_nothing_duckdb_and_sqlite() {
    zombie("duckdb", "zombie_duckdb", &["extract.done"]);
    zombie("sqlite", "zombie_sqlite", &["extract.done"]);
}

/// A run that is stopped in the middle of its load keeps the lock of the file, and all others out.
#[test]
fn a_load_into_a_file_keeps_others_out() {
    let Some(shared) = Shared::new("duckdb", "held", "") else { return };
    shared.add(0);
    let stopped = shared.spawn("work-a", "load.before_commit=stop", &[]);
    wait_until_stopped(&stopped);
    let other = shared.run("work-b", &[]);
    assert_eq!(other.code, 6, "{}", other.stderr);
    other.says(&["another run of windlass uses", "out.duckdb"], "--wait");
    let done = go_on(stopped);
    assert_eq!(done.code, 0, "{}", done.stderr);
    shared.has_rounds(1, "held");
}

#[test]
fn a_lease_is_renewed_while_its_run_goes_on() {
    for kind in ["filesystem", "postgres"] {
        let Some(shared) = Shared::new(kind, "renewed", "load: {lease_seconds: 1}\n") else { return };
        shared.add(0);
        let long = shared.spawn("work-a", "load.before_commit=wait", &[]);
        let until = Instant::now() + Duration::from_secs(60);
        while !shared.project.path("gate.reached").exists() {
            assert!(Instant::now() < until, "the run never comes to its load");
            std::thread::sleep(Duration::from_millis(10));
        }
        let other = shared.run("work-b", &["--wait", "3"]);
        assert_eq!(other.code, 6, "{kind}: {}", other.stderr);
        other.says(&["another run of pipeline `p` is under way", "work-a"], "--wait");
        shared.project.write("gate", "");
        let done = Done::of(long.wait_with_output().unwrap());
        assert_eq!(done.code, 0, "{kind}: {}", done.stderr);
        shared.has_rounds(1, kind);
    }
}

#[test]
fn a_killed_run_does_not_keep_its_own_folder_waiting() {
    for kind in ["filesystem", "postgres"] {
        let Some(shared) = Shared::new(kind, "killed", "") else { return };
        shared.add(0);
        let killed = shared.spawn("work-a", "load.before_commit=kill", &[]);
        assert_eq!(Done::of(killed.wait_with_output().unwrap()).code, 137);
        let other = shared.run("work-b", &[]);
        assert_eq!(other.code, 6, "{kind}: {}", other.stderr);
        let done = shared.run("work-a", &[]);
        assert_eq!(done.code, 0, "{kind}: {}", done.stderr);
        shared.has_rounds(1, kind);
    }
}
