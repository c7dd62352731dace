//! How SQLite stores moments: it has no type for them, so that each value is a text of some form or a number. Conditions
//! compare what the values mean; the form says where in an index those begin that can fulfil them.

use windlass_core::value::{DAY_MICROS, Timestamp, format_date, format_timestamp};

/// The Julian day of 1970-01-01.
const JULIAN_EPOCH: f64 = 2_440_587.5;

/// The last Julian day that SQLite's own functions take.
const LAST_JULIAN_DAY: f64 = 5_373_484.5;

/// Days that a Julian day may be off by: SQLite keeps milliseconds, and floats have few digits left for them.
const JULIAN_SLACK: f64 = 1e-7;

/// The function that gives the microseconds since 1970 which a stored value means.
pub(super) const MOMENT: &str = "windlass_moment";

/// The function that names the form of a stored value.
pub(super) const FORM: &str = "windlass_form";

/// The form of all values of a column that a read may meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum StoredForm {
    /// Nobody looked.
    #[default]
    Unknown,
    /// Whole numbers: seconds since 1970.
    Seconds,
    /// Other numbers: Julian days.
    JulianDays,
    /// Texts whose order is that of the moments.
    Text {
        /// What parts date and time.
        separator: char,
        /// Minutes by which all of them are ahead of UTC.
        offset: i64,
        /// Whether different texts mean different moments.
        is_exact: bool,
    },
    /// Several, or one whose order is not that of the moments.
    Mixed,
}

impl StoredForm {
    /// The form that values of these forms have together; a form is as [`form_of_text`] or `seconds` or `julian`.
    pub(super) fn of<'a>(forms: impl IntoIterator<Item = &'a str>) -> Self {
        let forms: Vec<&str> = forms.into_iter().collect();
        let all = |name: &str| forms.iter().all(|form| *form == name);
        if forms.is_empty() {
            return Self::Unknown;
        }
        if all("seconds") {
            return Self::Seconds;
        }
        if all("julian") {
            return Self::JulianDays;
        }
        let shapes: Option<Vec<Shape<'_>>> = forms.iter().map(|form| Shape::read(form)).collect();
        let Some(shapes) = shapes else { return Self::Mixed };
        let mut separators: Vec<char> = shapes.iter().filter_map(|shape| shape.separator).collect();
        separators.dedup();
        let Some(first) = shapes.first() else { return Self::Unknown };
        let is_zoned = shapes.iter().any(|shape| !shape.zone.is_empty());
        if separators.len() > 1 || (is_zoned && shapes.len() > 1) {
            return Self::Mixed;
        }
        let Some(offset) = minutes(first.zone) else { return Self::Mixed };
        let is_exact = shapes.len() == 1 && first.digits <= 6;
        Self::Text { separator: separators.first().copied().unwrap_or(' '), offset, is_exact }
    }

    /// Whether the database's own order of the values is that of the moments.
    pub(super) fn is_in_order(self) -> bool {
        !matches!(self, Self::Unknown | Self::Mixed)
    }

    /// Whether no two values mean one moment.
    pub(super) fn is_exact(self) -> bool {
        match self {
            Self::Seconds => true,
            Self::Text { is_exact, .. } => is_exact,
            Self::JulianDays | Self::Unknown | Self::Mixed => false,
        }
    }

    /// A condition that no value fails whose moment is at `micros` or on the side that `operator` asks for, and that an
    /// index answers. `None` beyond the years that texts can have.
    pub(super) fn reach(self, name: &str, operator: &str, micros: i64) -> Option<String> {
        let (first, last) = (date(micros - DAY_MICROS), date(micros + 2 * DAY_MICROS));
        let year: i64 = last.get(..4)?.parse().ok()?;
        if first.len() != 10 || last.len() != 10 || year >= 9999 {
            return None;
        }
        let seconds = micros.div_euclid(1_000_000);
        let days = JULIAN_EPOCH + micros as f64 / DAY_MICROS as f64;
        if operator.starts_with('<') {
            // Numbers stand before all texts. A text that is a number would be taken for one.
            return Some(match self {
                Self::Seconds => format!("{name} <= {}", seconds + 1),
                Self::JulianDays => format!("{name} <= {:?}", days + JULIAN_SLACK),
                _ => format!("{name} < '{:04}-'", year + 1),
            });
        }
        Some(match self {
            Self::Seconds => format!("{name} >= {seconds}"),
            Self::JulianDays => format!("{name} >= {:?}", days - JULIAN_SLACK),
            Self::Text { separator, offset, .. } => {
                format!("{name} >= '{}'", start_of_texts(micros + offset * 60_000_000, separator))
            }
            Self::Unknown | Self::Mixed => format!(
                "({name} >= '{first}' OR ({name} >= {seconds} AND {name} < '') OR ({name} >= {:?} AND {name} <= \
                 {LAST_JULIAN_DAY:?}))",
                days - JULIAN_SLACK
            ),
        })
    }
}

/// What all texts of a form begin with, or come after, whose moment is this one or later: to the second, without what a
/// shorter form may leave out.
fn start_of_texts(micros: i64, separator: char) -> String {
    let mut text = String::new();
    let micros = micros - micros.rem_euclid(1_000_000);
    format_timestamp(&mut text, Timestamp { micros, offset: None }, separator);
    if let Some(minute) = text.strip_suffix(":00") {
        text.truncate(minute.len());
        if let Some(day) = text.strip_suffix("00:00") {
            text.truncate(day.len() - separator.len_utf8());
        }
    }
    text
}

/// The day of a moment as a text.
pub(super) fn date(micros: i64) -> String {
    let mut text = String::new();
    format_date(&mut text, micros.div_euclid(DAY_MICROS));
    text
}

/// The parts of a form that orders depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape<'a> {
    separator: Option<char>,
    zone: &'a str,
    /// Digits of the fraction.
    digits: usize,
}

impl<'a> Shape<'a> {
    fn read(form: &'a str) -> Option<Self> {
        let mut parts = form.strip_prefix("text|")?.split('|');
        let (separator, zone, digits) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { separator: separator.chars().next(), zone, digits: digits.parse().ok()? })
    }
}

/// The form of a text that is a date, or a date and a time: `text|separator|zone|digits|length`; `other` for one whose
/// parts have no fixed places.
#[cfg(any(test, feature = "sqlite"))]
pub(super) fn form_of_text(text: &str) -> String {
    let fixed = || -> Option<String> {
        let bytes = text.as_bytes();
        let digits =
            |from: usize, to: usize| bytes.get(from..to)?.iter().all(u8::is_ascii_digit).then_some(());
        let is = |at: usize, byte: u8| (bytes.get(at) == Some(&byte)).then_some(());
        digits(0, 4)?;
        is(4, b'-')?;
        digits(5, 7)?;
        is(7, b'-')?;
        digits(8, 10)?;
        if bytes.len() == 10 {
            return Some("text|||0|10".to_owned());
        }
        let separator = bytes.get(10).filter(|byte| matches!(byte, b' ' | b'T'))?;
        digits(11, 13)?;
        is(13, b':')?;
        digits(14, 16)?;
        let (mut at, mut fraction) = (16, 0);
        if bytes.get(at) == Some(&b':') {
            digits(17, 19)?;
            at = 19;
            if bytes.get(at) == Some(&b'.') {
                fraction = bytes.get(20..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
                at = 20 + fraction;
            }
        }
        let zone = text.get(at..)?;
        minutes(zone)?;
        Some(format!("text|{}|{zone}|{fraction}|{}", char::from(*separator), bytes.len()))
    };
    fixed().unwrap_or_else(|| "other".to_owned())
}

/// Minutes of an offset; 0 for none.
fn minutes(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone == "Z" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = zone.get(1..)?.chars().filter(|c| *c != ':').collect();
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i64>().ok();
    let (hours, minutes) = match digits.len() {
        2 => (number(0, 2)?, 0),
        4 => (number(0, 2)?, number(2, 4)?),
        _ => return None,
    };
    Some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(texts: &[&str]) -> StoredForm {
        let forms: Vec<String> = texts.iter().map(|text| form_of_text(text)).collect();
        StoredForm::of(forms.iter().map(String::as_str))
    }

    #[test]
    fn texts_of_one_form_are_in_the_order_of_their_moments() {
        let text = |separator, offset, is_exact| StoredForm::Text { separator, offset, is_exact };
        assert_eq!(form(&["2024-05-01 10:00:00"]), text(' ', 0, true));
        assert_eq!(form(&["2024-05-01T10:00:00.250Z"]), text('T', 0, true));
        assert_eq!(form(&["2024-05-01T10:00:00-05:30"]), text('T', -330, true));
        assert_eq!(form(&["2024-05-01", "2024-05-01 10:00", "2024-05-01 10:00:00.5"]), text(' ', 0, false));
        assert_eq!(form(&["2024-05-01 10:00:00.1234567"]), text(' ', 0, false));
    }

    #[test]
    fn texts_of_several_forms_are_not() {
        for texts in [
            &["2024-05-01 10:00:00", "2024-05-01T10:00:00"][..],
            &["2024-05-01T10:00:00Z", "2024-05-01T10:00:00.5Z"],
            &["2024-05-01T10:00:00+01:00", "2024-05-01T10:00:00+02:00"],
            &["2024-05-01T10:00:00+01:00", "2024-05-01T10:00:00"],
            &["20240501T100000"],
        ] {
            assert_eq!(form(texts), StoredForm::Mixed, "{texts:?}");
        }
        assert_eq!(StoredForm::of(["seconds", "text|||0|10"]), StoredForm::Mixed);
        assert_eq!(StoredForm::of(["seconds"]), StoredForm::Seconds);
        assert_eq!(StoredForm::of([]), StoredForm::Unknown);
    }

    #[test]
    fn the_reach_holds_every_text_of_a_later_moment() {
        // 2024-05-01 10:00:30.75 in UTC
        let micros = 1_714_557_630_750_000;
        let reach = |form: StoredForm| form.reach("u", ">=", micros).unwrap();
        assert_eq!(reach(form(&["2024-05-01 10:00:30"])), "u >= '2024-05-01 10:00:30'");
        assert_eq!(reach(form(&["2024-05-01T05:00:30-05:00"])), "u >= '2024-05-01T05:00:30'");
        let at = |micros: i64| form(&["2024-05-01"]).reach("u", ">", micros).unwrap();
        assert_eq!(at(1_714_557_600_000_000), "u >= '2024-05-01 10:00'");
        assert_eq!(at(1_714_521_600_000_000), "u >= '2024-05-01'");
        assert_eq!(reach(StoredForm::Seconds), "u >= 1714557630");
        assert!(
            reach(StoredForm::Mixed)
                .starts_with("(u >= '2024-04-30' OR (u >= 1714557630 AND u < '') OR (u >= 24604")
        );
        assert_eq!(StoredForm::Mixed.reach("u", "<", micros).unwrap(), "u < '2025-'");
        assert_eq!(StoredForm::Unknown.reach("u", ">=", i64::MAX / 2), None);
    }
}
