//! Results on stdout, everything else on stderr, and what the exit code says.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::{Value, json};
use windlass::core::masking::{mask_value, masked};
use windlass::core::path_part::printable;
use windlass::core::{Error, ErrorKind, Result};

use crate::signals::Signals;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit(u8);

impl Exit {
    /// All is well.
    pub(crate) const OK: Self = Self(0);
    /// Records were rejected, partitions failed, or a budget was spent.
    pub(crate) const PARTIAL: Self = Self(3);
    /// Files or arguments are wrong.
    pub(crate) const INVALID: Self = Self(2);
    /// A plan found changes.
    pub(crate) const CHANGES: Self = Self(5);

    /// What an error means for the caller.
    pub(crate) fn of(error: &Error, signals: &Signals) -> Self {
        Self(match error.kind() {
            ErrorKind::Config | ErrorKind::Unsupported => 2,
            ErrorKind::Contract => 4,
            ErrorKind::Conflict => 6,
            ErrorKind::Cancelled => signals.exit_code(),
            _ => 1,
        })
    }

    /// The code.
    pub(crate) fn code(self) -> u8 {
        self.0
    }
}

/// Whether stderr takes colours.
pub(crate) fn stderr_has_colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Where results go.
#[derive(Debug)]
pub(crate) struct Output {
    is_json: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// Whether results are one JSON object.
    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Prints text or bytes as they are. A reader that went away is no error.
    pub(crate) fn print(&self, text: impl AsRef<[u8]>) -> Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()) {
            Err(cause) if cause.kind() != io::ErrorKind::BrokenPipe => {
                Err(Error::destination("cannot write to stdout").with_source(cause))
            }
            _ => Ok(()),
        }
    }

    /// Prints a result: as JSON if that was asked for, else as the text.
    pub(crate) fn result(&self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        if self.is_json { self.print_json(value) } else { self.print(&*printable(&masked(&text()))) }
    }

    /// Prints a value as JSON.
    pub(crate) fn print_json(&self, value: &impl Serialize) -> Result<()> {
        let unprintable = |cause| Error::internal("the result cannot be printed").with_source(cause);
        let mut value = serde_json::to_value(value).map_err(unprintable)?;
        mask_value(&mut value);
        let mut json = serde_json::to_string_pretty(&value).map_err(unprintable)?;
        json.push('\n');
        self.print(json)
    }

    /// Prints a line for people, if results are for people.
    pub(crate) fn say(&self, text: impl Display) -> Result<()> {
        if self.is_json { Ok(()) } else { self.print(&*printable(&masked(&format!("{text}\n")))) }
    }

    /// Prints a warning to stderr.
    pub(crate) fn warning(&self, text: &str) {
        self.note("warning", "33", text);
    }

    /// Prints an error and its remedy to stderr, and with `--json` to stdout as well.
    pub(crate) fn error(&self, error: &Error) {
        if self.is_json {
            // The error itself still goes to stderr.
            drop(self.result(&json!({ "error": error_json(error) }), String::new));
        }
        self.errors(std::slice::from_ref(error));
    }

    /// Warns of an error that is in nobody's way, with its remedy.
    pub(crate) fn passing(&self, error: &Error) {
        let remedy = error.hint().map_or_else(String::new, |hint| format!("; {hint}"));
        self.warning(&format!("{}{remedy}", error.chain()));
    }

    /// Prints several errors with their remedies to stderr.
    pub(crate) fn errors(&self, errors: &[Error]) {
        for error in errors {
            self.note("error", "31", &error.chain());
            if let Some(hint) = error.hint() {
                self.note("hint", "36", hint);
            }
        }
    }

    fn note(&self, label: &str, colour: &str, text: &str) {
        let text = printable(&masked(text)).replace('\n', "\n  ");
        let line = if stderr_has_colour() {
            format!("\x1b[1;{colour}m{label}:\x1b[0m {text}\n")
        } else {
            format!("{label}: {text}\n")
        };
        // Where stderr is closed there is nobody to tell.
        drop(io::stderr().lock().write_all(line.as_bytes()));
    }
}

/// Stderr for logs, without secrets. A line comes in one piece.
#[derive(Debug)]
pub(crate) struct MaskedStderr;

impl io::Write for MaskedStderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        io::stderr().lock().write_all(masked(&text).as_bytes()).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// An error as programs read it.
pub(crate) fn error_json(error: &Error) -> Value {
    let at = error.place();
    let mut place = json!({
        "source": at.source, "resource": at.resource, "table": at.table, "column": at.column,
        "file": at.file, "line": at.line, "byte": at.byte, "row": at.row,
    });
    if let Value::Object(place) = &mut place {
        place.retain(|_, value| !value.is_null());
    }
    let mut json = windlass::pipeline::error_json(error);
    json["place"] = place;
    json
}

/// A table of text; columns whose index is in `numbers` are aligned to the right.
pub(crate) fn text_table(header: &[&str], rows: Vec<Vec<String>>, numbers: &[usize]) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().map(|name| Cell::new(name.to_uppercase())));
    for row in rows {
        table.add_row(row);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if numbers.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size with its unit.
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in ["KB", "MB", "GB", "TB"] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_sizes_are_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 1023, 1024, 200 << 20].map(size), ["0 B", "1023 B", "1.0 KB", "200.0 MB"]);
    }
}
