//! The table of results, for people and for docs/guarantees.md.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use crate::matrix::{Fault, Outcome};
use crate::scenario::{Disposition, Kind};

/// The ways of breaking a run, in the order of the columns.
const COLUMNS: [&str; 7] = ["kill", "panic", "eio", "enospc", "cut before", "cut at once", "cut after"];

/// The headings of these columns.
const HEADINGS: &str =
    "SIGKILL | panic | EIO | ENOSPC | cut before a message | cut as it arrives | cut after the answer";

const BEGIN: &str = "<!-- crash matrix: written by `make crash` -->";
const END: &str = "<!-- end of the crash matrix -->";

/// The counts of one pipeline.
#[derive(Default)]
struct Line<'a> {
    points: BTreeSet<&'a str>,
    broken: BTreeMap<&'a str, u32>,
    lost: usize,
    doubled: usize,
    wrong: usize,
}

/// The results as Markdown; `of` is the number of cells that there are.
pub(crate) fn markdown(outcomes: &[Outcome], of: usize) -> String {
    let mut lines: BTreeMap<(Kind, Disposition), Line<'_>> = BTreeMap::new();
    let mut points: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for outcome in outcomes {
        let cell = &outcome.cell;
        let line = lines.entry((cell.kind, cell.disposition)).or_default();
        if let Fault::Point { point, .. } = &cell.fault {
            line.points.insert(point);
            points.entry(point).or_default().insert(cell.kind.name());
        }
        *line.broken.entry(cell.fault.column()).or_default() += 1;
        line.lost += outcome.difference.lost.len();
        line.doubled += outcome.difference.doubled.len();
        line.wrong += usize::from(!outcome.problems.is_empty());
    }
    let mut text = format!(
        "| destination | disposition | points | {HEADINGS} | rows lost | rows doubled | other faults |\n{}|\n",
        "|---".repeat(COLUMNS.len() + 6)
    );
    for ((kind, disposition), line) in &lines {
        let counts = COLUMNS.map(|column| line.broken.get(column).map_or("–".to_owned(), u32::to_string));
        // Writing to a text cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            kind.name(),
            disposition.name(),
            line.points.len(),
            counts.join(" | "),
            line.lost,
            line.doubled,
            line.wrong
        );
    }
    let sum = |count: fn(&Line<'_>) -> usize| lines.values().map(count).sum::<usize>();
    let (lost, doubled, wrong) = (sum(|line| line.lost), sum(|line| line.doubled), sum(|line| line.wrong));
    let _ = writeln!(
        text,
        "\n{} of the {of} cells of the matrix, at {} points: {lost} rows lost, {doubled} rows doubled, {wrong} other \
         faults.\n",
        outcomes.len(),
        points.len()
    );
    text.push_str("The points, by what they stand before or after:\n\n");
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for point in points.keys() {
        let (group, step) = point.split_once('.').unwrap_or(("", point));
        groups.entry(group).or_default().push(step);
    }
    for (group, steps) in groups {
        let _ = writeln!(text, "- `{group}`: {}", steps.join(", "));
    }
    text
}

/// Puts the results between the markers of docs/guarantees.md.
pub(crate) fn write(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guarantees.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(BEGIN).expect("docs/guarantees.md has a place for the table");
    let (_, tail) = rest.split_once(END).expect("the place for the table ends");
    std::fs::write(&path, format!("{head}{BEGIN}\n{table}{END}{tail}")).unwrap();
}
