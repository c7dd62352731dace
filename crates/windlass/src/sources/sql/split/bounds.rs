//! From bounds to conditions.

use super::Piece;
use crate::sources::sql::database::Dialect;
use crate::sources::sql::query::quote;

/// The values of the key at which one piece ends and the next begins, each written as SQL.
pub(super) type Bound = Vec<String>;

/// The condition of each range between bounds that ascend in the database's order; none without bounds.
pub(super) fn conditions(dialect: Dialect, key: &[&str], bounds: &[Bound]) -> Vec<String> {
    let mut bounds: Vec<&Bound> = bounds.iter().collect();
    bounds.dedup();
    let (Some(first), Some(last)) = (bounds.first(), bounds.last()) else { return Vec::new() };
    let mut ranges = vec![before(dialect, key, first)];
    ranges.extend(
        bounds
            .windows(2)
            .map(|pair| format!("{} AND {}", from(dialect, key, pair[0]), before(dialect, key, pair[1]))),
    );
    ranges.push(from(dialect, key, last));
    ranges
}

/// Ranges of pages of a table on the disk; the last one has no end, since the table may grow.
pub(super) fn places(pages: u64, count: usize) -> Vec<Piece> {
    let count = (count as u64).clamp(1, pages.max(1));
    let at = |index: u64| pages * index / count;
    let pieces = (0..count).map(|index| {
        let begin = format!("ctid >= '({},0)'::tid", at(index));
        let condition = match index + 1 {
            next if next == count => begin,
            next => format!("{begin} AND ctid < '({},0)'::tid", at(next)),
        };
        Piece { name: format!("part {} of {count}", index + 1), condition: Some(condition) }
    });
    pieces.collect()
}

fn from(dialect: Dialect, key: &[&str], bound: &Bound) -> String {
    compare(dialect, key, bound, ">", ">=")
}

fn before(dialect: Dialect, key: &[&str], bound: &Bound) -> String {
    compare(dialect, key, bound, "<", "<")
}

/// Compares rows: `strict` where a column differs, `last` at the last one.
///
/// PostgreSQL and SQLite find the range of a row value in an index. MySQL does not, so that the first column's own range
/// is said beside it.
fn compare(dialect: Dialect, key: &[&str], bound: &Bound, strict: &str, last: &str) -> String {
    let names: Vec<String> = key.iter().map(|name| quote(dialect, name)).collect();
    let pairs: Vec<(&String, &String)> = names.iter().zip(bound).collect();
    let ([(name, value), rest @ ..], true) = (pairs.as_slice(), pairs.len() > 1) else {
        return pairs.first().map(|(name, value)| format!("{name} {last} {value}")).unwrap_or_default();
    };
    if matches!(dialect, Dialect::Postgres | Dialect::Sqlite) {
        return format!("({}) {last} ({})", names.join(", "), bound.join(", "));
    }
    let weak = format!("{}=", &strict[..1]);
    let mut condition = String::new();
    for (index, (name, value)) in rest.iter().enumerate().rev() {
        condition = if index + 1 == rest.len() {
            format!("{name} {last} {value}")
        } else {
            format!("{name} {strict} {value} OR {name} = {value} AND ({condition})")
        };
    }
    format!("({name} {weak} {value} AND ({name} {strict} {value} OR {condition}))")
}
