//! The ISO 8601 parser that decides which strings are timestamps.
//!
//! Two grammars, tried in order: a strict one with fixed positions, and a lenient one that also takes `2020/1/2 3:4`.
//! Source of the rules and of the odd corners: `testdata/vectors/iso_parse.json` (142 recorded strings).

use super::Time;
use super::calendar::{CivilDate, DAY_MICROS, Timestamp, days_in_month, days_of, is_leap};
use super::text::digit_value;

/// What a string turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsoValue {
    /// Date and time.
    Timestamp(Timestamp),
    /// Days since 1970-01-01.
    Date(i32),
    /// Time of day.
    Time(Time),
}

/// Parses a date, a time or both. `None` for everything else.
pub fn parse_iso(text: &str) -> Option<IsoValue> {
    // Nothing of either grammar is longer, but for the digits of the fraction.
    if text.is_empty() || text.len() > 128 {
        return None;
    }
    parse_strict(text.as_bytes()).or_else(|| parse_lenient(text))
}

/// Parses a date, or a date with a time, of any year, as [`super::format_date`] writes it. No text of a user is read like this.
pub(crate) fn parse_far(text: &str) -> Option<IsoValue> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let (year, rest) = unsigned.split_once('-')?;
    let is_year = (4..=7).contains(&year.len()) && year.bytes().all(|byte| byte.is_ascii_digit());
    let year = sign * year.parse::<i64>().ok().filter(|_| is_year)?;
    let mut cursor = Cursor { rest: rest.as_bytes() };
    let month = cursor.digits(2)?;
    let day = cursor.eat(b'-').then(|| cursor.digits(2))??;
    let last = days_in_month(year.rem_euclid(400) as i32, (1..=12).contains(&month).then_some(month)?);
    let days = days_of(year, month, (1..=last).contains(&day).then_some(day)?);
    if cursor.rest.is_empty() {
        return i32::try_from(days).ok().map(IsoValue::Date);
    }
    let clock = cursor.eat(b'T').then(|| strict_clock(cursor, Form::Extended))??;
    // The day of the earliest instant begins before what microseconds reach.
    let micros = i128::from(days) * i128::from(DAY_MICROS) + i128::from(clock.micros)
        - i128::from(clock.offset.unwrap_or(0)) * 1_000_000;
    Some(IsoValue::Timestamp(Timestamp { micros: i64::try_from(micros).ok()?, offset: clock.offset }))
}

/// Whether the `iso_timestamp` detector fires: the string is a date with a time.
pub fn is_iso_timestamp(text: &str) -> bool {
    parse_timestamp(text).is_some()
}

/// Whether the `iso_date` detector fires: the string is a date without a time.
pub fn is_iso_date(text: &str) -> bool {
    matches!(parse_iso(text), Some(IsoValue::Date(_)))
}

/// Parses a date with a time. The common form `YYYY-MM-DDTHH:MM:SS[.f…][Z]` takes a short path.
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    // Cheap rejection: every accepted form starts with a digit and has a `:`, or is basic with a `T`.
    if !bytes.first()?.is_ascii_digit() && bytes[0].is_ascii() {
        return None;
    }
    if let Some(timestamp) = parse_common(bytes) {
        return Some(timestamp);
    }
    match parse_iso(text) {
        Some(IsoValue::Timestamp(timestamp)) => Some(timestamp),
        _ => None,
    }
}

fn parse_common(bytes: &[u8]) -> Option<Timestamp> {
    let head: &[u8; 19] = bytes.first_chunk()?;
    let punctuation = [head[4], head[7], head[10], head[13], head[16]];
    if !matches!(punctuation, [b'-', b'-', b'T' | b' ', b':', b':']) {
        return None;
    }
    let two = |at: usize| {
        let (tens, ones) = (head[at].wrapping_sub(b'0'), head[at + 1].wrapping_sub(b'0'));
        (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
    };
    let (year, month, day) = (two(0)? * 100 + two(2)?, two(5)?, two(8)?);
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let date = CivilDate::new(year as i32, month, day)?;
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    let (fraction, offset) = match &bytes[19..] {
        [] => (0, None),
        [b'Z'] => (0, Some(0)),
        [b'.', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let offset = match &rest[digits..] {
                [] => None,
                [b'Z'] => Some(0),
                _ => return None,
            };
            (fraction(&rest[..digits])?, offset)
        }
        _ => return None,
    };
    let micros = i64::from(date.days()) * DAY_MICROS + seconds * 1_000_000 + fraction;
    Some(Timestamp { micros, offset })
}

/// Microseconds of a fraction: six digits kept, the rest dropped.
fn fraction(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() {
        return None;
    }
    let mut micros = 0;
    for place in 0..6 {
        micros = micros * 10 + digits.get(place).map_or(0, |digit| i64::from(digit - b'0'));
    }
    Some(micros)
}

/// Reads fixed-width ASCII digits.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    rest: &'a [u8],
}

impl Cursor<'_> {
    fn eat(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(count)?;
        let mut number = 0;
        for digit in digits {
            number = number * 10 + u32::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        }
        self.rest = rest;
        Some(number)
    }

    /// How many of the next bytes are digits.
    fn run(&self) -> usize {
        self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }
}

/// How a date was written, which decides how its clock may be written.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Extended,
    Basic,
    /// No date before a leading `T`.
    Absent,
}

fn parse_strict(bytes: &[u8]) -> Option<IsoValue> {
    let mut cursor = Cursor { rest: bytes };
    if cursor.eat(b'T') {
        return strict_clock(cursor, Form::Absent).map(IsoValue::Time);
    }
    if bytes.len() > 2 && bytes[2] == b':' {
        return strict_clock(cursor, Form::Extended).map(IsoValue::Time);
    }
    let (days, form) = strict_date(&mut cursor)?;
    if cursor.rest.is_empty() {
        return Some(IsoValue::Date(days));
    }
    if !(cursor.eat(b'T') || cursor.eat(b' ')) {
        return None;
    }
    let clock = strict_clock(cursor, form)?;
    timestamp(days, clock)
}

fn strict_date(cursor: &mut Cursor<'_>) -> Option<(i32, Form)> {
    if cursor.run() >= 5 {
        // A basic date: 8 digits, or 7 for the ordinal form.
        let run = cursor.run();
        let year = cursor.digits(4)? as i32;
        return match run {
            7 => Some((ordinal(year, cursor.digits(3)?)?, Form::Basic)),
            8 => {
                let (month, day) = (cursor.digits(2)?, cursor.digits(2)?);
                Some((CivilDate::new(year, month, day)?.days(), Form::Basic))
            }
            _ => None,
        };
    }
    let year = cursor.digits(4)? as i32;
    if cursor.eat(b'W') {
        let week = cursor.digits(2)?;
        let day = if cursor.run() > 0 { cursor.digits(1)? } else { 1 };
        return Some((week_date(year, week, day)?, Form::Basic));
    }
    if !cursor.eat(b'-') {
        return None;
    }
    if cursor.eat(b'W') {
        let week = cursor.digits(2)?;
        let day = if cursor.eat(b'-') { cursor.digits(1)? } else { 1 };
        return Some((week_date(year, week, day)?, Form::Extended));
    }
    match cursor.run() {
        3 => Some((ordinal(year, cursor.digits(3)?)?, Form::Extended)),
        2 => {
            let month = cursor.digits(2)?;
            let day = if cursor.eat(b'-') { cursor.digits(2)? } else { 1 };
            Some((CivilDate::new(year, month, day)?.days(), Form::Extended))
        }
        _ => None,
    }
}

fn ordinal(year: i32, day: u32) -> Option<i32> {
    let last = if is_leap(year) { 366 } else { 365 };
    let first = CivilDate::new(year, 1, 1)?.days();
    (1..=last).contains(&day).then(|| first + day as i32 - 1)
}

fn week_date(year: i32, week: u32, day: u32) -> Option<i32> {
    let january_4th = CivilDate::new(year, 1, 4)?.days();
    // Monday is 0; 1970-01-01 was a Thursday.
    let weekday = (january_4th + 3).rem_euclid(7);
    let first_monday = january_4th - weekday;
    let january_1st = (CivilDate::new(year, 1, 1)?.days() + 3).rem_euclid(7);
    let is_long = january_1st == 3 || (january_1st == 2 && is_leap(year));
    if day > 7 || week > 53 || (week == 53 && !is_long) {
        return None;
    }
    let days = first_monday + (week as i32 - 1) * 7 + day as i32 - 1;
    CivilDate::from_days(i64::from(days)).map(|_| days)
}

fn strict_clock(mut cursor: Cursor<'_>, date: Form) -> Option<Time> {
    let hour = cursor.digits(2)?;
    let (mut minute, mut second, mut micros) = (0, 0, 0);
    let mut has_seconds = false;
    let extended = cursor.rest.first() == Some(&b':');
    if extended || cursor.run() > 0 {
        cursor.eat(b':');
        minute = cursor.digits(2)?;
        let more = if extended { cursor.eat(b':') } else { cursor.run() > 0 };
        if more {
            second = cursor.digits(2)?;
            has_seconds = true;
            if cursor.eat(b'.') || cursor.eat(b',') {
                let run = cursor.run();
                micros = fraction(&cursor.rest[..run])?;
                cursor.rest = &cursor.rest[run..];
            }
        }
        let allowed = match date {
            Form::Extended => extended,
            Form::Basic | Form::Absent => !(extended && has_seconds),
        };
        if !allowed {
            return None;
        }
    }
    let offset = strict_zone(&mut cursor)?;
    if !cursor.rest.is_empty() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Some(Time { micros: seconds * 1_000_000 + micros, offset })
}

/// The outer `None` is a malformed zone, the inner one no zone at all.
fn strict_zone(cursor: &mut Cursor<'_>) -> Option<Option<i32>> {
    if cursor.rest.is_empty() {
        return Some(None);
    }
    if cursor.eat(b'Z') {
        return Some(Some(0));
    }
    let negative = cursor.eat(b'-');
    if !negative && !cursor.eat(b'+') {
        return None;
    }
    let hours = cursor.digits(2)? as i32;
    let colon = cursor.eat(b':');
    let minutes = if colon || cursor.run() > 0 { cursor.digits(2)? as i32 } else { 0 };
    let seconds = hours * 3600 + minutes * 60;
    // The reference detects an offset of exactly 24 h and then fails the load; here it is text.
    (seconds < 86_400 && minutes < 100).then_some(Some(if negative { -seconds } else { seconds }))
}

fn timestamp(days: i32, clock: Time) -> Option<IsoValue> {
    let local = i64::from(days) * DAY_MICROS + clock.micros;
    let micros = local - i64::from(clock.offset.unwrap_or(0)) * 1_000_000;
    let timestamp = Timestamp { micros, offset: clock.offset };
    timestamp.in_range().then_some(IsoValue::Timestamp(timestamp))
}

/// The lenient grammar, over decimal digits of any script.
fn parse_lenient(text: &str) -> Option<IsoValue> {
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    let mut date = None;
    if let Some(year) = lenient_digits(&chars, at, 4, 4) {
        at = year.1;
        let (mut month, mut day) = (1, 1);
        let after_month = lenient_digits(&chars, skip_one(&chars, at, "/:"), 2, 2);
        if let Some((m, next)) = after_month
            && let Some((d, next)) = lenient_digits(&chars, skip_one(&chars, next, "/:"), 2, 2)
        {
            (month, day, at) = (m, d, next);
        }
        date = Some(CivilDate::new(year.0 as i32, month, day)?.days());
    }
    if at == chars.len() {
        return date.map(IsoValue::Date);
    }
    let (hour, next) = lenient_digits(&chars, skip_one(&chars, at, " "), 1, 2)?;
    at = next;
    if chars.get(at) != Some(&':') {
        return None;
    }
    let (minute, next) = lenient_digits(&chars, at + 1, 1, 2)?;
    at = next;
    let (mut second, mut micros) = (0, 0);
    if chars.get(at) == Some(&':') {
        (second, at) = lenient_digits(&chars, at + 1, 1, 2)?;
    }
    if chars.get(at).is_some_and(|c| ".,|".contains(*c)) {
        let digits: Vec<u8> =
            chars[at + 1..].iter().map_while(|&c| digit_value(c)).map(|digit| b'0' + digit as u8).collect();
        if !(1..=9).contains(&digits.len()) {
            return None;
        }
        micros = fraction(&digits)?;
        at += 1 + digits.len();
    }
    if at != chars.len() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let clock =
        Time { micros: i64::from(hour * 3600 + minute * 60 + second) * 1_000_000 + micros, offset: None };
    match date {
        Some(days) => timestamp(days, clock),
        None => Some(IsoValue::Time(clock)),
    }
}

fn skip_one(chars: &[char], at: usize, any_of: &str) -> usize {
    at + usize::from(chars.get(at).is_some_and(|c| any_of.contains(*c)))
}

fn lenient_digits(chars: &[char], at: usize, least: usize, most: usize) -> Option<(u32, usize)> {
    let digits: Vec<u32> = chars.get(at..)?.iter().take(most).map_while(|&c| digit_value(c)).collect();
    let number = digits.iter().fold(0, |number, digit| number * 10 + digit);
    (digits.len() >= least).then_some((number, at + digits.len()))
}
