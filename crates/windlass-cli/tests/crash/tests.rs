//! The part of the matrix that each test run does, and all of it on request.

use std::sync::Arc;

use crate::matrix::{Bench, Cell, Outcome, try_all};
use crate::scenario::{Disposition, Kind, Turn};
use crate::server::Server;

/// The ways in which a point breaks a run.
const ACTIONS: [&str; 4] = ["kill", "panic", "eio", "enospc"];

fn benches(kind: Kind, dispositions: &[Disposition], server: Option<&Arc<Server>>) -> Vec<Bench> {
    dispositions.iter().map(|disposition| Bench::new(kind, *disposition, server)).collect()
}

fn check(outcomes: &[Outcome]) {
    let wrong = outcomes.iter().filter(|outcome| !outcome.is_right());
    let wrong: Vec<String> = wrong
        .map(|outcome| format!("{}: {:?} {:?}", outcome.cell, outcome.difference, outcome.problems))
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), outcomes.len(), wrong.join("\n"));
}

#[test]
fn probe() {
    let server = Server::shared().map(Arc::new);
    for kind in Kind::ALL {
        for disposition in Disposition::ALL {
            let start = std::time::Instant::now();
            let bench = Bench::new(kind, disposition, server.as_ref());
            let points = bench.passes(Turn::Second);
            eprintln!(
                "{kind:?} {disposition:?} {} points {} passes {} messages {:?}",
                points.len(),
                points.values().sum::<u32>(),
                bench.messages(Turn::Second).len(),
                start.elapsed()
            );
            if disposition == Disposition::Merge {
                eprintln!("{points:?} {:?}", bench.messages(Turn::Second));
            }
            let start = std::time::Instant::now();
            let cells: Vec<Cell> =
                points.keys().take(10).map(|point| bench.at(Turn::Second, point, 1, "kill")).collect();
            let n = cells.len();
            check(&try_all(&[bench], &cells));
            eprintln!("   {n} cells {:?}", start.elapsed());
        }
    }
}
