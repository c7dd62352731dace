//! The part of the matrix that each test run does, and all of it on request.

use crate::matrix::{Bench, Cell, Fault, Outcome, try_all};
use crate::proxy::Side;
use crate::report;
use crate::scenario::{Disposition, Host, Kind, Place, Turn};

/// The ways in which a point breaks a run.
const ACTIONS: [&str; 4] = ["kill", "panic", "eio", "enospc"];

/// A bench for each disposition; none where there is no server for it.
fn benches(kind: Kind) -> Vec<Bench> {
    let host = Host::of(kind);
    if matches!(kind, Kind::Postgres | Kind::MySql) && host.is_none() {
        return Vec::new();
    }
    Disposition::ALL.iter().map(|disposition| Bench::new(kind, *disposition, host.as_ref())).collect()
}

#[track_caller]
fn check(outcomes: &[Outcome]) {
    let wrong = outcomes.iter().filter(|outcome| !outcome.is_right());
    let wrong: Vec<String> = wrong
        .map(|outcome| format!("{}: {:?} {:?}", outcome.cell, outcome.difference, outcome.problems))
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), outcomes.len(), wrong.join("\n"));
}

/// Each point of a load once, in ways and dispositions that take turns.
fn round(benches: &[Bench], turn: Turn, actions: &[&'static str], shift: usize) -> Vec<Cell> {
    let Some(first) = benches.first() else { return Vec::new() };
    let points = first.passes(turn).keys().enumerate();
    let cells = points.filter_map(|(number, point)| {
        let number = number + shift;
        let bench = &benches[number % benches.len()];
        let passes = *bench.passes(turn).get(point)?;
        let pass = 1 + u32::try_from(number).unwrap() % passes;
        // Another divisor than that of the dispositions, so that all pairs occur.
        Some(bench.at(turn, point, pass, actions[(number / benches.len() + number) % actions.len()]))
    });
    cells.collect()
}

/// Breaks a load of a pipeline to a destination at each point: killed, and in another way.
fn sample(kind: Kind) {
    let benches = benches(kind);
    let mut cells = round(&benches, Turn::Second, &["kill"], 0);
    cells.extend(round(&benches, Turn::Second, &ACTIONS[1..], 1).into_iter().step_by(2));
    cells.extend(round(&benches, Turn::First, &ACTIONS, 2).into_iter().step_by(3));
    assert!(benches.is_empty() || cells.len() > 100, "only {} cells", cells.len());
    check(&try_all(&benches, &cells));
}

#[test]
fn duckdb_is_exactly_once_wherever_a_run_breaks() {
    sample(Kind::DuckDb);
}

#[test]
fn postgres_is_exactly_once_wherever_a_run_breaks() {
    sample(Kind::Postgres);
}

#[test]
fn mysql_is_exactly_once_wherever_a_run_breaks() {
    sample(Kind::MySql);
}

#[test]
fn sqlite_is_exactly_once_wherever_a_run_breaks() {
    sample(Kind::Sqlite);
}

#[test]
fn a_folder_is_exactly_once_wherever_a_run_breaks() {
    sample(Kind::Filesystem);
}

#[test]
fn postgres_is_exactly_once_wherever_the_connection_is_cut() {
    let benches = benches(Kind::Postgres);
    let all: Vec<Cell> = benches.iter().flat_map(|bench| bench.cuts(Turn::Second)).collect();
    // Each COMMIT in each way, and of all others a part.
    let is_commit = |cell: &Cell| matches!(&cell.fault, Fault::Message { label, .. } if label == "Q COMMIT");
    let (commits, others): (Vec<Cell>, Vec<Cell>) = all.into_iter().partition(is_commit);
    assert_eq!(commits.len(), 3 * benches.len());
    let cells: Vec<Cell> = commits.into_iter().chain(others.into_iter().step_by(7)).collect();
    let outcomes = try_all(&benches, &cells);
    check(&outcomes);
    // A commit that the server confirmed is no failure, whether or not anybody heard of it.
    for outcome in outcomes.iter().filter(|outcome| is_commit(&outcome.cell)) {
        if matches!(outcome.cell.fault, Fault::Message { side: Side::Answered, .. }) {
            assert_eq!(outcome.code, 0, "{}", outcome.cell);
        }
    }
}

#[test]
fn a_run_that_is_broken_at_any_page_goes_on_and_is_exactly_once() {
    let benches: Vec<Bench> = [
        (Kind::DuckDb, Disposition::Append),
        (Kind::Sqlite, Disposition::Merge),
        (Kind::Filesystem, Disposition::Replace),
        (Kind::Sqlite, Disposition::Scd2),
    ]
    .into_iter()
    .map(|(kind, disposition)| Bench::of(Place::of_pages(kind, disposition), kind, disposition))
    .collect();
    let mut cells = Vec::new();
    for bench in &benches {
        let pages = bench.passes(Turn::First)["extract.page"];
        assert_eq!(pages, 7);
        cells.extend((1..=pages).map(|pass| bench.at(Turn::First, "extract.page", pass, "kill")));
        // Broken while it goes on, too.
        cells.extend((1..pages).map(|pass| Cell {
            again: Some("checkpoint.done"),
            ..bench.at(Turn::First, "checkpoint.begin", pass, "kill")
        }));
    }
    for shift in 0..benches.len() {
        let of_checkpoints = |cell: &Cell| match &cell.fault {
            Fault::Point { point, .. } => point.contains("checkpoint") || point.starts_with("job."),
            Fault::Message { .. } => false,
        };
        cells.extend(round(&benches, Turn::First, &ACTIONS, shift).into_iter().filter(of_checkpoints));
    }
    check(&try_all(&benches, &cells));
}

#[test]
fn a_killed_run_is_taken_up_where_it_was() {
    let place = Place::of_pages(Kind::DuckDb, Disposition::Append);
    let mut command = place.command(None);
    command.env("WINDLASS_FAILPOINT", "extract.page=kill:5");
    assert!(!command.output().unwrap().status.success());
    let trace = place.project.path("trace.txt");
    let mut command = place.command(None);
    command.arg("--json").env("WINDLASS_FAILPOINT_TRACE", &trace);
    let done = crate::project::Done::of(command.output().unwrap());
    assert_eq!(done.code, 0, "{}", done.stderr);
    let info: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    assert_eq!(info["packages"][0]["was_resumed"], true);
    assert_eq!(
        (&info["packages"][0]["rows"]["t"], &info["packages"][0]["rows"]["u"]),
        (&20.into(), &3.into())
    );
    let passed = std::fs::read_to_string(trace).unwrap();
    // Of seven pages four were durable.
    assert_eq!(passed.lines().filter(|point| *point == "extract.page").count(), 3);
}

#[test]
fn a_stop_anywhere_is_a_clean_end() {
    for (kind, actions) in [(Kind::DuckDb, ["int", "term"]), (Kind::Filesystem, ["term", "int"])] {
        let benches = benches(kind);
        let cells: Vec<Cell> = round(&benches, Turn::Second, &actions, 0).into_iter().step_by(4).collect();
        let outcomes = try_all(&benches, &cells);
        check(&outcomes);
        let stopped = outcomes.iter().filter(|outcome| outcome.code > 128).count();
        assert!(stopped >= 5, "only {stopped} runs stopped");
    }
}

#[test]
fn a_stopped_run_says_that_nothing_is_lost() {
    let place = Place::new(Kind::DuckDb, Disposition::Append, None);
    let mut command = place.command(None);
    command.env("WINDLASS_FAILPOINT", "extract.done=int");
    let done = crate::project::Done::of(command.output().unwrap());
    assert_eq!(done.code, 130, "{}", done.stderr);
    done.says(&["the run was stopped"], "run again");
}

#[test]
fn a_torn_journal_and_a_lost_commit_do_not_load_twice() {
    for kind in [Kind::DuckDb, Kind::Sqlite, Kind::Filesystem] {
        let benches = [Bench::new(kind, Disposition::Append, None)];
        let cells = ["kill", "eio"].map(|action| Cell {
            again: Some("load.after_commit"),
            ..benches[0].at(Turn::Second, "package.journal.write", 1, action)
        });
        check(&try_all(&benches, &cells));
    }
}

/// Times that a point which is passed often breaks a run by a kill.
const MOST_KILLS: u32 = 4;

/// All that `make crash` does (with `WINDLASS_CRASH=1/N` each Nth of it): a kill at each point of both loads, the first times that it is passed and the last, and
/// everything else once at each point of the second load.
fn everything(benches: &[Bench]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for bench in benches {
        for turn in [Turn::First, Turn::Second] {
            for (point, passes) in bench.passes(turn) {
                if turn == Turn::First {
                    cells.push(bench.at(turn, point, 1, "kill"));
                    continue;
                }
                cells.extend(
                    (1..MOST_KILLS.min(*passes))
                        .chain([*passes])
                        .map(|pass| bench.at(turn, point, pass, "kill")),
                );
                cells.extend(
                    ACTIONS[1..].iter().map(|action| bench.at(turn, point, 1.max(passes / 2), action)),
                );
            }
        }
        cells.extend(bench.cuts(Turn::Second));
    }
    cells
}

#[test]
fn the_whole_matrix() {
    let Ok(part) = std::env::var("WINDLASS_CRASH") else { return };
    let step: usize = match part.strip_prefix("1/") {
        Some(divisor) => divisor.parse().expect("WINDLASS_CRASH is `full` or `1/N`"),
        None => 1,
    };
    let benches: Vec<Bench> = Kind::ALL.into_iter().flat_map(benches).collect();
    let all = everything(&benches);
    let cells: Vec<Cell> = all.iter().step_by(step).cloned().collect();
    let outcomes = try_all(&benches, &cells);
    let table = report::markdown(&outcomes, all.len());
    eprintln!("{table}");
    report::write(&table);
    check(&outcomes);
}
