//! What came of a recording beside what was recorded.

use serde_json::Value;
use windlass::core::{Error, ErrorKind};

use super::recording::RecordedError;

/// Seconds that pauses up to a date may differ by.
const TOLERANCE: f64 = 1.5;

/// Lines that tell where the pauses differ.
pub(super) fn compare_pauses(recorded: Option<&[f64]>, made: &[f64]) -> Vec<String> {
    let recorded = recorded.unwrap_or_default();
    let is_same = recorded.len() == made.len()
        && recorded.iter().zip(made).all(|(a, b)| a == b || a.fract() != 0.0 && (a - b).abs() < TOLERANCE);
    if is_same { Vec::new() } else { vec![format!("- pauses {recorded:?}"), format!("+ pauses {made:?}")] }
}

/// Lines that tell where a value differs.
pub(super) fn compare(what: &str, recorded: &Value, found: &Value) -> Vec<String> {
    // Numbers are compared by their value: the reference's `3.0` is `3` where a document wrote it so.
    if crate::compare::is_equal(recorded, found) {
        return Vec::new();
    }
    vec![format!("- {what} {recorded}"), format!("+ {what} {found}")]
}

/// Lines that tell where the error differs: its kind, and for answers that are errors its text.
pub(super) fn compare_error(recorded: Option<&RecordedError>, found: Option<&Error>) -> Vec<String> {
    let (recorded, found) = match (recorded, found) {
        (None, None) => return Vec::new(),
        (None, Some(found)) => return vec![format!("+ error {}", found.chain())],
        (Some(recorded), None) => return vec![format!("- error {}: {}", recorded.kind, recorded.message)],
        (Some(recorded), Some(found)) => (recorded, found),
    };
    let text = found.chain();
    if let Some(kind) = recorded.kind.strip_prefix("windlass.")
        && kind == found.kind().as_str()
        && text.contains(&recorded.message)
    {
        return Vec::new();
    }
    let is_same = match recorded.kind.rsplit('.').next().unwrap_or_default() {
        "HTTPError" => recorded.message.lines().all(|line| text.contains(line)),
        "JSONDecodeError" | "IncrementalCursorPathMissing" => found.kind() == ErrorKind::Data,
        // What is wrong with arguments is a matter of the configuration, what is wrong with answers of the source.
        "ValueError"
        | "TypeError"
        | "InvalidHeader"
        | "MissingSchema"
        | "JsonPathParserError"
        | "ResourceExtractionError"
        | "PipelineStepFailed" => {
            matches!(found.kind(), ErrorKind::Config | ErrorKind::Source | ErrorKind::Data)
        }
        _ => false,
    };
    if is_same {
        return Vec::new();
    }
    vec![
        format!("- error {}: {}", recorded.kind, recorded.message),
        format!("+ error {}: {text}", found.kind().as_str()),
    ]
}

/// A time in the form of HTTP's headers. `seconds` are since the epoch.
pub(super) fn http_date(seconds: i64) -> String {
    let mut text = String::new();
    let time = windlass::core::value::Timestamp { micros: seconds * 1_000_000, offset: None };
    windlass::core::value::format_timestamp(&mut text, time, ' ');
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let day = usize::try_from(seconds.div_euclid(86_400).rem_euclid(7)).unwrap_or(0);
    let month = part(5..7).parse::<usize>().unwrap_or(1).clamp(1, 12);
    format!("{}, {} {} {} {} GMT", DAYS[day], part(8..10), MONTHS[month - 1], part(0..4), part(11..19))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_the_form_of_http() {
        assert_eq!(http_date(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
