//! Schedules as cron has them: five fields, checked before anything is written.

use windlass::core::{Error, Result};

/// Five fields of cron that are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Schedule(String);

/// A field: its name, its range, and names that stand for numbers from the lowest on.
struct Field {
    name: &'static str,
    low: u32,
    high: u32,
    words: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", low: 0, high: 59, words: &[] },
    Field { name: "hour", low: 0, high: 23, words: &[] },
    Field { name: "day of the month", low: 1, high: 31, words: &[] },
    Field {
        name: "month",
        low: 1,
        high: 12,
        words: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    },
    Field {
        name: "day of the week",
        low: 0,
        high: 7,
        words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

/// Names for schedules. GitHub has none, so that all are written as five fields.
const NAMED: [(&str, &str); 6] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
];

impl Schedule {
    /// Reads a schedule. Errors: a field that cron would not understand, named.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let refused = |why: String| {
            Err(Error::config(format!("`{text}` is not a schedule: {why}")).with_hint(
                "give minute, hour, day of the month, month and day of the week, such as \"30 3 * * 1-5\", or @daily",
            ))
        };
        let text = text.trim();
        if text.starts_with('@') {
            return match NAMED.iter().find(|(name, _)| *name == text) {
                Some((_, fields)) => Ok(Self((*fields).to_owned())),
                None => refused(format!("{text} is none of {}", NAMED.map(|(name, _)| name).join(", "))),
            };
        }
        let given: Vec<&str> = text.split_whitespace().collect();
        if given.len() != FIELDS.len() {
            return refused(format!("it has {} fields, and cron has 5", given.len()));
        }
        for (value, field) in given.iter().zip(&FIELDS) {
            if let Err(why) = field.check(value) {
                return refused(why);
            }
        }
        Ok(Self(given.join(" ")))
    }

    /// The five fields.
    pub(super) fn fields(&self) -> &str {
        &self.0
    }
}

impl Field {
    fn check(&self, text: &str) -> Result<(), String> {
        let wrong = || format!("`{text}` is no {}, which is {} to {}", self.name, self.low, self.high);
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(step)),
                None => (part, None),
            };
            if step.is_some_and(|step| !step.parse::<u32>().is_ok_and(|step| step > 0)) {
                return Err(wrong());
            }
            if range == "*" {
                continue;
            }
            let (low, high) = match range.split_once('-') {
                Some((low, high)) => (self.number(low), self.number(high)),
                None => (self.number(range), self.number(range)),
            };
            match (low, high) {
                (Some(low), Some(high)) if low <= high => {}
                _ => return Err(wrong()),
            }
        }
        Ok(())
    }

    fn number(&self, text: &str) -> Option<u32> {
        let lower = text.to_ascii_lowercase();
        let word = self.words.iter().position(|word| *word == lower);
        let number = match word {
            Some(index) => self.low.checked_add(u32::try_from(index).ok()?)?,
            None if text.chars().all(|digit| digit.is_ascii_digit()) => text.parse().ok()?,
            None => return None,
        };
        (self.low..=self.high).contains(&number).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_that_cron_understands_are_taken() {
        for (text, fields) in [
            ("30 3 * * 1-5", "30 3 * * 1-5"),
            ("  */15  0,12 1-7/2 jan-MAR mon,7 ", "*/15 0,12 1-7/2 jan-MAR mon,7"),
            ("@daily", "0 0 * * *"),
        ] {
            assert_eq!(Schedule::parse(text).unwrap().fields(), fields);
        }
    }

    #[test]
    fn what_is_wrong_with_a_schedule_is_named() {
        for (text, why) in [
            ("60 * * * *", "`60` is no minute, which is 0 to 59"),
            ("* * 0 * *", "`0` is no day of the month, which is 1 to 31"),
            ("* * * 5-2 *", "`5-2` is no month, which is 1 to 12"),
            ("*/0 * * * *", "`*/0` is no minute"),
            ("* * * * eight", "`eight` is no day of the week"),
            ("+5 * * * *", "`+5` is no minute"),
            ("* * *", "it has 3 fields"),
            ("", "it has 0 fields"),
            ("@fortnightly", "@fortnightly is none of"),
            ("1;rm * * * *", "`1;rm` is no minute"),
        ] {
            let error = Schedule::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
