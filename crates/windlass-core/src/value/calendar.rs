//! Proleptic Gregorian calendar arithmetic and ISO text. A [`CivilDate`] is of the years 1 to 9999; other years are
//! written with a sign, as ISO 8601 has it.

use std::fmt::Write as _;

use super::Time;

/// Microseconds in a day.
pub const DAY_MICROS: i64 = 86_400_000_000;

const SECOND_MICROS: i64 = 1_000_000;

/// A calendar date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CivilDate {
    /// 1 to 9999.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

/// Days from 0001-01-01 and 9999-12-31 to the epoch.
const MIN_DAYS: i64 = -719_162;
const MAX_DAYS: i64 = 2_932_896;

impl CivilDate {
    /// The date if it exists.
    pub fn new(year: i32, month: u32, day: u32) -> Option<Self> {
        let valid = (1..=9999).contains(&year) && (1..=12).contains(&month) && day >= 1;
        (valid && day <= days_in_month(year, month)).then_some(Self { year, month, day })
    }

    /// The date `days` after 1970-01-01, if its year has four digits.
    pub fn from_days(days: i64) -> Option<Self> {
        if !(MIN_DAYS..=MAX_DAYS).contains(&days) {
            return None;
        }
        let (year, month, day) = civil(days);
        Some(Self { year: year as i32, month, day })
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> i32 {
        days_of(i64::from(self.year), self.month, self.day) as i32
    }
}

/// Year, month and day of the day so many days after 1970-01-01; the year before 1 is 0.
fn civil(days: i64) -> (i64, u32, u32) {
    // Years counted from March, in eras of 400 years: H. Hinnant, "chrono-compatible low-level date algorithms".
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month as u32, day as u32)
}

/// Days since 1970-01-01 of a day of any year.
pub(super) fn days_of(year: i64, month: u32, day: u32) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Number of days of a month.
pub(super) fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether February has 29 days.
pub(super) fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// A point in time to the microsecond, with the offset it was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp {
    /// Microseconds since 1970-01-01: of UTC when `offset` is given, else of the wall clock.
    pub micros: i64,
    /// Seconds east of UTC; `None` for a naive timestamp.
    pub offset: Option<i32>,
}

impl Timestamp {
    /// The instant with naive timestamps taken as UTC.
    pub fn utc_micros(self) -> i64 {
        self.micros
    }

    /// Whether the year, as written, has four digits.
    pub(super) fn in_range(self) -> bool {
        let local = self.micros.saturating_add(i64::from(self.offset.unwrap_or(0)) * SECOND_MICROS);
        CivilDate::from_days(local.div_euclid(DAY_MICROS)).is_some()
            && CivilDate::from_days(self.micros.div_euclid(DAY_MICROS)).is_some()
    }
}

/// `2024-01-02`, with a sign before year 0 and after year 9999: `+10000-01-01`, `-0768-02-04` for the year 769 BC.
pub fn format_date(out: &mut String, days: i64) {
    let (year, month, day) = civil(days);
    let sign = match year {
        ..0 => "-",
        0..=9999 => "",
        _ => "+",
    };
    // Writing to a String cannot fail.
    let _ = write!(out, "{sign}{:04}-{month:02}-{day:02}", year.unsigned_abs());
}

/// `03:04:05.000600+02:00`: microseconds only if not zero, the offset only if there is one.
pub fn format_time(out: &mut String, time: Time) {
    let (seconds, micros) = (time.micros / SECOND_MICROS, time.micros % SECOND_MICROS);
    let _ = write!(out, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if micros != 0 {
        let _ = write!(out, ".{micros:06}");
    }
    format_offset(out, time.offset);
}

/// The timestamp in ISO form with `separator` between date and time.
pub fn format_timestamp(out: &mut String, timestamp: Timestamp, separator: char) {
    let local = timestamp.micros.saturating_add(i64::from(timestamp.offset.unwrap_or(0)) * SECOND_MICROS);
    format_date(out, local.div_euclid(DAY_MICROS));
    out.push(separator);
    format_time(out, Time { micros: local.rem_euclid(DAY_MICROS), offset: timestamp.offset });
}

fn format_offset(out: &mut String, offset: Option<i32>) {
    let Some(offset) = offset else { return };
    let sign = if offset < 0 { '-' } else { '+' };
    let offset = offset.abs();
    let _ = write!(out, "{sign}{:02}:{:02}", offset / 3600, offset / 60 % 60);
    if offset % 60 != 0 {
        let _ = write!(out, ":{:02}", offset % 60);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_any_year_are_written() {
        let text = |days| {
            let mut out = String::new();
            format_date(&mut out, days);
            out
        };
        let dates = [0, MAX_DAYS + 1, MIN_DAYS - 1, MIN_DAYS - 366 - 1, 105_000_000, -735_160].map(text);
        let expected =
            ["1970-01-01", "+10000-01-01", "0000-12-31", "-0001-12-31", "+289450-03-28", "-0043-03-15"];
        assert_eq!(dates, expected);
    }

    #[test]
    fn days_round_trip_over_all_years() {
        let mut expected = CivilDate { year: 1, month: 1, day: 1 };
        for days in MIN_DAYS..=MAX_DAYS {
            let date = CivilDate::from_days(days).unwrap();
            assert_eq!(date, expected);
            assert_eq!(i64::from(date.days()), days);
            expected = if date.day < days_in_month(date.year, date.month) {
                CivilDate { day: date.day + 1, ..date }
            } else if date.month < 12 {
                CivilDate { month: date.month + 1, day: 1, ..date }
            } else {
                CivilDate { year: date.year + 1, month: 1, day: 1 }
            };
        }
        assert_eq!(CivilDate::from_days(MAX_DAYS + 1), None);
    }
}
