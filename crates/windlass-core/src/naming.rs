//! Naming conventions: from the names in the data to identifiers of tables and columns.
//!
//! A [`Naming`] is a pure value: a [`Convention`] and the longest identifier the destination takes. Source of the
//! rules: the reference's six conventions; `testdata/vectors/naming.json` holds 2,850 recorded results.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

use crate::error::{Code, Error, Result};
use crate::hash::shake128;
use crate::nearest::choices;

/// How names become identifiers. Stored in a schema by its [reference name](Convention::as_str).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Convention {
    /// `camelCase` and symbols become lower-case words joined by `_`. Case-insensitive. The default.
    #[default]
    SnakeCase,
    /// Keeps everything but line breaks and double quotes. Case-sensitive.
    DuckCase,
    /// Keeps everything but line breaks and quotes; nested names are joined by `▶`. Case-sensitive.
    Direct,
    /// Letters, digits and `_`, upper case kept.
    SqlCsV1,
    /// Letters, digits and `_`, lower-cased.
    SqlCiV1,
    /// Snake case within 255 characters; tables lose leading underscores.
    S3Tables,
}

impl Convention {
    /// All conventions, the default first.
    pub const ALL: [Self; 6] =
        [Self::SnakeCase, Self::DuckCase, Self::Direct, Self::SqlCsV1, Self::SqlCiV1, Self::S3Tables];

    /// What stands before the name in the reference's dotted module names.
    pub const MODULE: &str = "dlt.common.normalizers.names.";

    /// The name under which a schema stores the convention.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SnakeCase => "snake_case",
            Self::DuckCase => "duck_case",
            Self::Direct => "direct",
            Self::SqlCsV1 => "sql_cs_v1",
            Self::SqlCiV1 => "sql_ci_v1",
            Self::S3Tables => "s3_tables",
        }
    }
}

impl FromStr for Convention {
    type Err = Error;

    /// Accepts the short name and the reference's dotted module name.
    fn from_str(text: &str) -> Result<Self> {
        let short = text.strip_prefix(Self::MODULE).unwrap_or(text);
        Self::ALL.into_iter().find(|convention| convention.as_str() == short).ok_or_else(|| {
            Error::of(Code::UnknownChoice, format!("unknown naming convention `{text}`"))
                .with_detail("what", "naming convention")
                .with_detail("name", text)
                .with_hint(choices(short, Self::ALL.map(Self::as_str)))
        })
    }
}

/// A convention bound to the longest identifier that the destination takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Naming {
    convention: Convention,
    max_length: Option<usize>,
}

/// Length of the tag in a shortened name: four bytes in base64.
const TAG_LENGTH: usize = 6;

impl Naming {
    /// A naming for identifiers of at most `max_length` characters (`None` or 0: no limit).
    ///
    /// Errors: a limit below 6, which has no room for the tag of a shortened name; more than 255 for `s3_tables`.
    pub fn new(convention: Convention, max_length: Option<usize>) -> Result<Self> {
        let mut max_length = max_length.filter(|&length| length > 0);
        if convention == Convention::S3Tables {
            if max_length.is_some_and(|length| length > 255) {
                return Err(Error::config("s3_tables identifiers have at most 255 characters"));
            }
            max_length = max_length.or(Some(255));
        }
        if max_length.is_some_and(|length| length < TAG_LENGTH) {
            return Err(Error::config("identifiers need room for at least 6 characters"));
        }
        Ok(Self { convention, max_length })
    }

    /// The convention.
    pub fn convention(&self) -> Convention {
        self.convention
    }

    /// Longest identifier in characters.
    pub fn max_length(&self) -> Option<usize> {
        self.max_length
    }

    /// Whether names that differ only by case stay different.
    pub fn is_case_sensitive(&self) -> bool {
        matches!(self.convention, Convention::DuckCase | Convention::Direct | Convention::SqlCsV1)
    }

    /// What joins the parts of a nested name.
    pub fn separator(&self) -> &'static str {
        if self.convention == Convention::Direct { "▶" } else { "__" }
    }

    /// The identifier for one name. Errors: nothing but white space.
    pub fn identifier(&self, name: &str) -> Result<String> {
        let name = strip(name);
        if name.is_empty() {
            return Err(Error::data("a name is empty"));
        }
        Ok(self.shorten(self.convert(name), name))
    }

    /// The identifier for one table name: as [`Naming::identifier`], but for `s3_tables`.
    pub fn table_identifier(&self, name: &str) -> Result<String> {
        let identifier = self.identifier(name)?;
        Ok(match self.convention {
            Convention::S3Tables => identifier.trim_start_matches('_').to_owned(),
            _ => identifier,
        })
    }

    /// Joins parts that are normalized already; empty parts are dropped. Nothing is shortened.
    pub fn make_path<S: AsRef<str>>(&self, parts: &[S]) -> String {
        let mut path = String::new();
        for part in parts.iter().map(AsRef::as_ref).filter(|part| !strip(part).is_empty()) {
            if !path.is_empty() {
                path.push_str(self.separator());
            }
            path.push_str(part);
        }
        path
    }

    /// Splits at every separator from the left; empty parts are dropped.
    pub fn break_path<'a>(&self, path: &'a str) -> Vec<&'a str> {
        path.split(self.separator()).filter(|part| !strip(part).is_empty()).collect()
    }

    /// Normalizes each part of a path of columns, joins and shortens it. The empty path stays empty.
    pub fn path(&self, path: &str) -> Result<String> {
        self.normalize_path(path, Self::identifier)
    }

    /// Normalizes each part of a path of tables, joins and shortens it. The empty path stays empty.
    pub fn tables_path(&self, path: &str) -> Result<String> {
        self.normalize_path(path, Self::table_identifier)
    }

    /// Joins normalized parts and shortens the whole; `None` without parts.
    pub fn shorten_fragments<S: AsRef<str>>(&self, parts: &[S]) -> Option<String> {
        if parts.is_empty() {
            return None;
        }
        let path = self.make_path(parts);
        let source = path.clone();
        Some(self.shorten(path, &source))
    }

    fn normalize_path(&self, path: &str, part: fn(&Self, &str) -> Result<String>) -> Result<String> {
        let parts = self.break_path(path).into_iter().map(|p| part(self, p)).collect::<Result<Vec<_>>>()?;
        Ok(self.shorten(self.make_path(&parts), path))
    }

    fn convert(&self, name: &str) -> String {
        match self.convention {
            Convention::SnakeCase | Convention::S3Tables => snake_case(name),
            Convention::DuckCase => {
                let kept = name.chars().map(|c| if matches!(c, '\n' | '\r' | '"') { '_' } else { c });
                collapse_underscores(kept)
            }
            Convention::Direct => {
                let replaced = |c| matches!(c, '\n' | '\r' | '\'' | '"' | '▶');
                name.chars().map(|c| if replaced(c) { '_' } else { c }).collect()
            }
            Convention::SqlCsV1 => sql_v1(name),
            Convention::SqlCiV1 => sql_v1(name).to_lowercase(),
        }
    }

    /// Cuts the middle out of a too long name and puts a tag there that is derived from `source`.
    fn shorten(&self, name: String, source: &str) -> String {
        let Some(max) = self.max_length else { return name };
        let length = name.chars().count();
        if length <= max {
            return name;
        }
        let mut digest = [0_u8; 4];
        shake128(source.as_bytes(), &mut digest);
        let tag = STANDARD_NO_PAD.encode(digest).to_ascii_lowercase().replace('/', "a").replace('+', "b");
        let keep = max - TAG_LENGTH;
        let tail = keep / 2;
        let head = keep - tail;
        let start = name.chars().take(head);
        name.chars().skip(length - tail).fold(start.chain(tag.chars()).collect(), |mut name: String, c| {
            name.push(c);
            name
        })
    }
}

impl fmt::Display for Naming {
    /// The display name: `snake_case_ci_65536`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let case = if self.is_case_sensitive() { "cs" } else { "ci" };
        write!(f, "{}_{case}", self.convention.as_str())?;
        self.max_length.map_or(Ok(()), |length| write!(f, "_{length}"))
    }
}

/// Strips what the reference's `strip()` does: Unicode white space and the separators U+001C to U+001F.
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

fn is_decimal_digit(c: char) -> bool {
    c.is_ascii_digit() || (!c.is_ascii() && c.general_category() == GeneralCategory::DecimalNumber)
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic() || is_decimal_digit(c)
}

/// Replaces each run of other characters than letters, digits and `_` by one `_`.
fn replace_non_words(chars: impl Iterator<Item = char>) -> Vec<char> {
    let mut out = Vec::new();
    let mut in_run = false;
    for c in chars {
        if is_word(c) {
            out.push(c);
        } else if !in_run {
            out.push('_');
        }
        in_run = !is_word(c);
    }
    out
}

fn collapse_underscores(chars: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    for c in chars {
        if c != '_' || !out.ends_with('_') {
            out.push(c);
        }
    }
    out
}

fn snake_case(name: &str) -> String {
    let mapped = name.chars().map(|c| match c {
        '+' | '*' => 'x',
        '-' => '_',
        '@' => 'a',
        '|' => 'l',
        c => c,
    });
    let words = split_after_lower(&split_capitalised(&replace_non_words(mapped)));
    let mut text: String = words.into_iter().map(|c| c.to_ascii_lowercase()).collect();
    if text.starts_with(is_decimal_digit) {
        text.insert(0, '_');
    }
    let trailing = text.len() - text.trim_end_matches('_').len();
    text.truncate(text.len() - trailing);
    text.extend(std::iter::repeat_n('x', trailing));
    collapse_underscores(text.chars())
}

/// Puts `_` before a capitalised word that follows another character; matches do not overlap.
fn split_capitalised(chars: &[char]) -> Vec<char> {
    let mut out = Vec::with_capacity(chars.len() + 8);
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        out.push(c);
        i += 1;
        let starts_word = chars.get(i).is_some_and(char::is_ascii_uppercase)
            && chars.get(i + 1).is_some_and(char::is_ascii_lowercase);
        if c != '_' && starts_word {
            out.push('_');
            out.push(chars[i]);
            i += 1;
            while let Some(lower) = chars.get(i).filter(|c| c.is_ascii_lowercase()) {
                out.push(*lower);
                i += 1;
            }
        }
    }
    out
}

/// Puts `_` between a lower-case letter or digit and a following capital; matches do not overlap.
fn split_after_lower(chars: &[char]) -> Vec<char> {
    let mut out = Vec::with_capacity(chars.len() + 8);
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        out.push(c);
        i += 1;
        let boundary = c.is_ascii_lowercase() || c.is_ascii_digit();
        if let Some(&next) = chars.get(i).filter(|next| boundary && next.is_ascii_uppercase()) {
            out.push('_');
            out.push(next);
            i += 1;
        }
    }
    out
}

fn sql_v1(name: &str) -> String {
    let mut text: String = replace_non_words(name.chars()).into_iter().collect();
    if text.starts_with(is_decimal_digit) {
        text.insert(0, '_');
    }
    if text != "_" {
        text.truncate(text.trim_end_matches('_').len());
    }
    collapse_underscores(text.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snake(max: usize) -> Naming {
        Naming::new(Convention::SnakeCase, Some(max)).unwrap()
    }

    #[test]
    fn two_stage_shortening_uses_two_tags() {
        let naming = snake(20);
        assert_eq!(naming.path("EventLog__UserProfile__Address").unwrap(), "event_lfoobegaddress");
        assert_eq!(
            naming.shorten_fragments(&["event_log", "user_profile", "address"]).unwrap(),
            "event_lau4sbgaddress"
        );
    }

    #[test]
    fn display_names_case_and_limit() {
        assert_eq!(snake(65536).to_string(), "snake_case_ci_65536");
        assert_eq!(Naming::new(Convention::Direct, None).unwrap().to_string(), "direct_cs");
    }

    #[test]
    fn blank_names_are_refused() {
        assert!(snake(0).identifier(" \u{1c}").is_err());
        assert_eq!(snake(0).path("").unwrap(), "");
    }
}
