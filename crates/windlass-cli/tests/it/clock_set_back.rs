//! Runs on a machine whose clock was set back, and whose working folder was lost.

use crate::project::Project;

const HOUR: i64 = 3600;

fn project(destination: &str) -> Project {
    Project::with(destination, "write_disposition: append, incremental: {cursor_path: id}")
}

/// Runs with the clock this many seconds off.
fn run_at(project: &Project, set_off: i64) {
    let mut command = project.command(&["run", "p.yaml"]);
    let done = crate::project::Done::of(
        command.env("WINDLASS_CLOCK_SET_OFF", set_off.to_string()).output().unwrap(),
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
}

/// Five new rows each time, and whether the working folder is lost before; gives rows and different rows.
fn runs(destination: &str, runs: &[(i64, bool)]) -> (String, usize) {
    let project = project(destination);
    for (index, (set_off, loses_folder)) in runs.iter().enumerate() {
        let rows: Vec<String> = (0..5).map(|row| format!("{{\"id\":{}}}", index * 5 + row)).collect();
        project.write(&format!("data/{index}.jsonl"), rows.join("\n"));
        if *loses_folder {
            std::fs::remove_dir_all(project.path("work")).unwrap();
        }
        run_at(&project, *set_off);
    }
    (project.one("SELECT count(*) || ' ' || count(DISTINCT id) FROM t"), runs.len() * 5)
}

const DESTINATIONS: [&str; 3] = [
    "{type: duckdb, credentials: out.duckdb}",
    "{type: sqlite, credentials: out.db}",
    "{type: filesystem, bucket_url: out}",
];

#[test]
fn rows_are_not_doubled_when_the_folder_is_lost_after_the_clock_was_set_back() {
    for destination in DESTINATIONS {
        let (found, rows) = runs(destination, &[(0, false), (-HOUR, false), (-HOUR + 600, true)]);
        assert_eq!(found, format!("{rows} {rows}"), "{destination}");
    }
}

#[test]
fn rows_are_not_doubled_when_the_clock_jumps() {
    let year = 8766 * HOUR;
    for destination in DESTINATIONS {
        let times = [5 * year, 0, -16 * year, 0, 6 * year, 0].map(|time| (time, false));
        let (found, rows) = runs(destination, &times);
        assert_eq!(found, format!("{rows} {rows}"), "{destination}");
    }
}

#[test]
fn the_schema_of_the_last_load_counts_after_the_clock_was_set_back() {
    for destination in DESTINATIONS {
        let project = project(destination);
        for (id, value, set_off, loses_folder) in
            [(1, "1", 0, false), (2, "\"x\"", -HOUR, false), (3, "\"y\"", -2 * HOUR, true)]
        {
            project.write(
                &format!("data/{id}.jsonl"),
                format!("{{\"id\":{id},\"v{id}\":{value},\"w\":{value}}}"),
            );
            if loses_folder {
                std::fs::remove_dir_all(project.path("work")).unwrap();
            }
            run_at(&project, set_off);
        }
        let rows = project.query("SELECT id, w, w__v_text FROM t ORDER BY id");
        assert_eq!(rows, ["1,1,", "2,,x", "3,,y"], "{destination}");
        let columns = project.columns("t");
        assert!(columns.contains(&"v2: text".to_owned()), "{destination}: {columns:?}");
    }
}
