//! The start of a run that looks back.

use super::options::Extreme;
use crate::error::{Code, Error, Result};
use crate::value::{CivilDate, DAY_MICROS, Scalar, Timestamp, format_date};

/// The value `lag` before `value`: seconds for timestamps, days for dates, else a number. A text keeps its form.
///
/// Errors: a decimal, a text that is neither date nor time, a result outside of the calendar.
pub(super) fn apply(value: &Scalar<'_>, lag: f64, func: Extreme) -> Result<Scalar<'static>> {
    let shift = match func {
        Extreme::Max => -lag,
        Extreme::Min => lag,
    };
    let out_of_range = || {
        Error::of(Code::InvalidCursorOptions, format!("a lag of {lag} leads out of the range of the cursor"))
            .with_hint("lag is in seconds for timestamps, in days for dates, else a number")
    };
    Ok(match value {
        Scalar::Int(number) => {
            let exact = (shift.fract() == 0.0).then(|| number.checked_add(shift as i64)).flatten();
            Scalar::Int(exact.unwrap_or((*number as f64 + shift).trunc() as i64))
        }
        Scalar::Double(number) => Scalar::Double(number + shift),
        Scalar::Timestamp(timestamp) => {
            let micros = timestamp.micros.checked_add(micros_of(shift)).ok_or_else(out_of_range)?;
            CivilDate::from_days(micros.div_euclid(DAY_MICROS)).ok_or_else(out_of_range)?;
            Scalar::Timestamp(Timestamp { micros, ..*timestamp })
        }
        Scalar::Date(days) => {
            let days = i64::from(*days).saturating_add(shift.floor() as i64);
            CivilDate::from_days(days).ok_or_else(out_of_range)?;
            Scalar::Date(i32::try_from(days).map_err(|_| out_of_range())?)
        }
        Scalar::Text(text) => match Layout::of(text) {
            Some(layout) => Scalar::Text(layout.shifted(shift).ok_or_else(out_of_range)?.into()),
            None => return Err(unsupported("a text that is neither a date nor a time")),
        },
        other => return Err(unsupported(super::value::kind(other))),
    })
}

fn unsupported(what: &str) -> Error {
    Error::of(Code::InvalidCursorOptions, format!("`lag` is set, but the last value of the cursor is {what}"))
        .with_hint(
            "lag works with numbers, timestamps and dates, also as ISO text; leave it out for other cursors",
        )
}

fn micros_of(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

/// A date or time as text, taken apart so that it can be written in the same form.
#[derive(Debug)]
struct Layout<'a> {
    days: i64,
    /// Whether the date is written as `2024-01-02`, not `20240102`.
    is_extended: bool,
    clock: Option<Clock<'a>>,
}

#[derive(Debug)]
struct Clock<'a> {
    separator: char,
    is_extended: bool,
    micros: i64,
    /// How much is written: minutes, seconds, or a fraction.
    parts: usize,
    zone: &'a str,
}

impl<'a> Layout<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let is_extended = text.as_bytes().get(4) == Some(&b'-');
        let (date, rest) = text.split_at_checked(if is_extended { 10 } else { 8 })?;
        let (month, day) = if is_extended {
            (date.get(5..7)?, date.get(7..)?.strip_prefix('-')?)
        } else {
            (date.get(4..6)?, date.get(6..8)?)
        };
        let date = CivilDate::new(number(date.get(..4)?)?.try_into().ok()?, number(month)?, number(day)?)?;
        let clock = match rest.chars().next() {
            None => None,
            Some(separator @ ('T' | ' ')) => Some(Clock::of(separator, &rest[1..])?),
            Some(_) => return None,
        };
        Some(Self { days: i64::from(date.days()), is_extended, clock })
    }

    fn shifted(&self, shift: f64) -> Option<String> {
        let mut text = String::new();
        let Some(clock) = &self.clock else {
            let days = self.days.checked_add(shift.floor() as i64)?;
            self.date(days, &mut text)?;
            return Some(text);
        };
        let local = (self.days * DAY_MICROS + clock.micros).checked_add(micros_of(shift))?;
        self.date(local.div_euclid(DAY_MICROS), &mut text)?;
        clock.write(local.rem_euclid(DAY_MICROS), &mut text);
        Some(text)
    }

    fn date(&self, days: i64, out: &mut String) -> Option<()> {
        CivilDate::from_days(days)?;
        format_date(out, days);
        if !self.is_extended {
            out.retain(|c| c != '-');
        }
        Some(())
    }
}

impl<'a> Clock<'a> {
    fn of(separator: char, text: &'a str) -> Option<Self> {
        let zone = text.find(['Z', '+', '-']).unwrap_or(text.len());
        let (digits, zone) = text.split_at(zone);
        let is_zone = matches!(zone, "" | "Z")
            || zone.get(1..).is_some_and(|offset| {
                let digits = offset.replace(':', "");
                matches!(digits.len(), 2 | 4) && digits.bytes().all(|byte| byte.is_ascii_digit())
            });
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let is_extended = whole.contains(':');
        let fields: Vec<&str> = if is_extended {
            whole.split(':').collect()
        } else {
            (0..whole.len()).step_by(2).map(|at| whole.get(at..at + 2)).collect::<Option<_>>()?
        };
        let fits = is_zone && matches!(fields.len(), 2 | 3) && fields.iter().all(|field| field.len() == 2);
        if !fits || (fraction.is_some() && fields.len() != 3) {
            return None;
        }
        let field = |at: usize| fields.get(at).map_or(Some(0), |field| number(field)).map(i64::from);
        let (hour, minute, second) = (field(0)?, field(1)?, field(2)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let micros = match fraction {
            Some(digits) => i64::from(number(format!("{digits:0<6}").get(..6)?)?),
            None => 0,
        };
        Some(Self {
            separator,
            is_extended,
            micros: ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros,
            parts: fields.len() + usize::from(fraction.is_some()),
            zone,
        })
    }

    fn write(&self, micros: i64, out: &mut String) {
        let seconds = micros / 1_000_000;
        let fields = [seconds / 3600, seconds / 60 % 60, seconds % 60];
        let colon = if self.is_extended { ":" } else { "" };
        out.push(self.separator);
        let written: Vec<String> =
            fields.iter().take(self.parts).map(|field| format!("{field:02}")).collect();
        out.push_str(&written.join(colon));
        if self.parts > 3 {
            out.push_str(&format!(".{:06}", micros % 1_000_000));
        }
        out.push_str(self.zone);
    }
}

fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::value::{from_json, to_json};
    use super::*;

    fn check(value: Value, lag: f64, func: Extreme) -> Result<Value> {
        Ok(to_json(&apply(&from_json(&value)?.unwrap(), lag, func)?))
    }

    #[test]
    fn texts_keep_their_form_as_in_the_reference() {
        for (text, lag, expected) in [
            ("20240110", 1.0, "20240109"),
            ("2024-01-10", 1.0, "2024-01-09"),
            ("2024-01-10", 1.5, "2024-01-08"),
            ("2024-01-10T00:00:00", 60.0, "2024-01-09T23:59:00"),
            ("2024-01-10 00:00:00", 60.0, "2024-01-09 23:59:00"),
            ("2024-01-10T00:00:00.123Z", 60.0, "2024-01-09T23:59:00.123000Z"),
            ("2024-01-10T00:00:00+02:00", 60.0, "2024-01-09T23:59:00+02:00"),
            ("2024-01-10T00:00:00.123456+0200", 60.5, "2024-01-09T23:58:59.623456+0200"),
            ("2024-01-10T00:00", 60.0, "2024-01-09T23:59"),
            ("2024-01-10T00:00:00Z", 0.5, "2024-01-09T23:59:59Z"),
        ] {
            assert_eq!(check(json!(text), lag, Extreme::Max).unwrap(), json!(expected), "{text}");
        }
        assert_eq!(check(json!("20240110T000000Z"), 60.0, Extreme::Max).unwrap(), json!("20240109T235900Z"));
        assert_eq!(check(json!("2024-01-10"), 1.0, Extreme::Min).unwrap(), json!("2024-01-11"));
    }

    #[test]
    fn numbers_timestamps_and_dates_shift_as_in_the_reference() {
        for (value, lag, max, min) in [
            (json!(100), 5.5, json!(94), json!(105)),
            (json!(-100), 5.5, json!(-105), json!(-94)),
            (json!(i64::MAX), 1.0, json!(i64::MAX - 1), json!(i64::MAX)),
            (json!(1.5), 0.25, json!(1.25), json!(1.75)),
            (json!("\u{f028}2024-01-10"), 1.5, json!("\u{f028}2024-01-08"), json!("\u{f028}2024-01-11")),
            (
                json!("\u{f027}2024-01-10T00:00:00+00:00"),
                1.5,
                json!("\u{f027}2024-01-09T23:59:58.500000+00:00"),
                json!("\u{f027}2024-01-10T00:00:01.500000+00:00"),
            ),
        ] {
            assert_eq!(check(value.clone(), lag, Extreme::Max).unwrap(), max);
            assert_eq!(check(value, lag, Extreme::Min).unwrap(), min);
        }
    }

    #[test]
    fn what_has_no_lag_is_refused_with_a_hint() {
        let wrong = [
            json!("x"),
            json!("2024-13-01"),
            json!("2024-01-01T25:00"),
            json!("2024-01-01T00:00:00 CET"),
            json!("äöü-äö"),
            json!("\u{f026}1.5"),
        ];
        for value in wrong {
            assert!(check(value, 1.0, Extreme::Max).unwrap_err().hint().is_some());
        }
        assert!(check(json!("2024-01-01"), 1e9, Extreme::Max).is_err());
        assert!(check(json!("\u{f028}2024-01-01"), 1e300, Extreme::Max).is_err());
    }
}
