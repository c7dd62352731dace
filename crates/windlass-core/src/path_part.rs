//! Names as parts of paths: which cannot be one, and how others are written in the engine's own folders.
//!
//! Names of tables come from the keys of the data. With a naming convention that keeps them as they are, a key such as
//! `../../victim` would name a folder outside the destination, and replacing that table would delete what is there.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::error::{Error, ErrorKind, Result};

/// Bytes of one part of a path; file systems take no more.
pub const LONGEST_PART: usize = 255;

/// Why a name cannot be one part of a path, on any system; `None` if it can.
pub fn flaw_of_part(name: &str) -> Option<&'static str> {
    let mut chars = name.chars();
    let begins_like_drive =
        chars.next().is_some_and(|c| c.is_ascii_alphabetic()) && chars.next() == Some(':');
    match name {
        "" => Some("is empty"),
        "." | ".." => Some("stands for a folder"),
        _ if name.contains(['/', '\\']) => Some("holds a separator of paths"),
        _ if name.contains('\0') => Some("holds a NUL"),
        _ if begins_like_drive => Some("begins like a drive"),
        _ => None,
    }
}

/// Why a path with `/` does not stay below the folder in which it begins; `None` if it does.
///
/// Parts may be empty, as in `a//b`, but for the first.
pub fn flaw_of_path(path: &str) -> Option<String> {
    if path.starts_with('/') {
        return Some("begins at the root of the file system".to_owned());
    }
    path.split('/').filter(|part| !part.is_empty()).find_map(|part| {
        let flaw = match flaw_of_part(part) {
            None if part.len() > LONGEST_PART => "is longer than a file system takes",
            flaw => flaw?,
        };
        Some(format!("has a part `{}` that {flaw}", shown(part)))
    })
}

/// Errors, of this kind: a name of a table, a dataset or the like that would lead somewhere else as a part of a path.
pub fn check_part(kind: ErrorKind, what: &str, name: &str) -> Result<()> {
    match flaw_of_part(name) {
        None => Ok(()),
        Some(flaw) => Err(Error::new(kind, format!("`{}` cannot be the name of {what}: it {flaw}", shown(name)))
            .with_hint(
                "names become parts of paths: rename it, or use a naming convention that replaces such characters, \
                 such as snake_case",
            )),
    }
}

/// The name as one part of a path in a folder of the engine's own: other characters than letters, digits, `_` and `-`
/// are percent-escaped, so that two names never become one.
pub fn escape_part(name: &str) -> String {
    let mut part = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_alphanumeric() || c == '_' || c == '-' {
            part.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                // Writing to a text cannot fail.
                let _ = write!(part, "%{byte:02X}");
            }
        }
    }
    part
}

/// A name in a message: its beginning, without what a terminal would take for something else.
fn shown(name: &str) -> String {
    let plain: String = name.chars().take(80).collect();
    let plain = printable(&plain).replace('\n', "\\n").replace('\t', "\\t");
    if name.chars().count() > 80 { format!("{plain}…") } else { plain }
}

/// A text for people, in which control characters but for line breaks and tabs are escaped: a terminal would take them for
/// something else, and they may come from names of files or from the data.
pub fn printable(text: &str) -> Cow<'_, str> {
    let is_hidden = |c: char| (c.is_control() && c != '\n' && c != '\t') || is_direction(c);
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) { plain.extend(c.escape_default()) } else { plain.push(c) }
    }
    Cow::Owned(plain)
}

/// Whether it changes the direction of what follows, so that a name looks like another.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_no_parts() {
        for name in ["", ".", "..", "a/b", "/", "a\\b", "..\\..", "a\0b", "C:", "c:x", "../../victim"] {
            assert!(flaw_of_part(name).is_some(), "{name:?}");
        }
        for name in
            ["...", "a", ".a", "a.", "ab:c:d", "12:30", "~", "$HOME", "a b", "%2e%2e", "\u{2024}\u{2024}"]
        {
            assert_eq!(flaw_of_part(name), None, "{name:?}");
        }
    }

    #[test]
    fn paths_that_leave_their_folder_are_told() {
        for path in ["/a", "../a", "a/..", "a/../b", "./a", "a/./b", "a/C:/b", "a\\b", "a/\0"] {
            assert!(flaw_of_path(path).is_some(), "{path:?}");
        }
        assert!(flaw_of_path(&"x".repeat(256)).is_some());
        for path in ["a", "a/b.c", "a//b", "a/.../b", "a/"] {
            assert_eq!(flaw_of_path(path), None, "{path:?}");
        }
    }

    #[test]
    fn messages_show_names_without_control_characters() {
        let error =
            check_part(ErrorKind::Data, "a table", &format!("\u{1b}[2J/{}", "x".repeat(200))).unwrap_err();
        assert!(error.message().starts_with("`\\u{1b}[2J/xxx"), "{error}");
        assert!(error.message().contains("x…` cannot be the name of a table"), "{error}");
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        assert_eq!(printable("a\tb\nc é 😀"), "a\tb\nc é 😀");
        assert_eq!(
            printable("\u{1b}[31m\r\u{9b}2J\u{7f}\u{202e}"),
            "\\u{1b}[31m\\r\\u{9b}2J\\u{7f}\\u{202e}"
        );
    }

    proptest! {
        #[test]
        fn an_escaped_name_is_one_plain_part_and_says_which_name_it_was(name in "\\PC*|[./\\\\:\u{0}%a-c]*") {
            let part = escape_part(&name);
            prop_assert!(part.chars().all(|c| c.is_alphanumeric() || "_-%".contains(c)));
            prop_assert!(name.is_empty() || flaw_of_part(&part).is_none());
            let mut bytes = Vec::new();
            let mut rest = part.as_bytes();
            while let Some((first, after)) = rest.split_first() {
                if *first == b'%' {
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
                    rest = &after[2..];
                } else {
                    bytes.push(*first);
                    rest = after;
                }
            }
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), name);
        }

        #[test]
        fn a_path_without_flaw_stays_below_its_folder(path in "([./\\\\:\u{0}a-c]|\\PC){0,12}") {
            if flaw_of_path(&path).is_none() {
                let mut depth = 0;
                for part in std::path::Path::new(&path).components() {
                    prop_assert!(matches!(part, std::path::Component::Normal(_)), "{:?}", part);
                    depth += 1;
                }
                prop_assert!(depth > 0 || path.is_empty());
            }
        }
    }
}
