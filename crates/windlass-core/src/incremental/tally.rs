//! What one worker saw of a cursor.

use std::cmp::Ordering;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Value, json};

use super::digest::{Digest, DigestForm, Digests};
use super::options::Extreme;
use super::value::{self, TextOrder};
use crate::error::{Error, Result};
use crate::value::Scalar;

/// The last cursor value so far and the digests of the records that have it.
///
/// Tallies of different workers are merged in any order to the same result. As a value of serde it also says how it
/// compares, so that it can be merged where its filter is not known.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    func: Extreme,
    text_order: TextOrder,
    pub(super) last: Option<Last>,
    /// Records that were kept.
    pub(super) kept: u64,
    /// Whether any page was looked at.
    pub(super) has_pages: bool,
    /// The cursor of the record before, where the order is watched.
    pub(super) previous: Option<Scalar<'static>>,
}

/// A cursor value and the records that have it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Last {
    pub(super) value: Scalar<'static>,
    /// Page and index of the first record with it: 1 and 1.0 are equal, and the first one is stored.
    place: (u64, u32),
    pub(super) digests: Digests,
}

impl Tally {
    pub(super) fn new(func: Extreme) -> Self {
        Self { func, text_order: TextOrder::Letters, last: None, kept: 0, has_pages: false, previous: None }
    }

    /// The same, with texts compared in this order.
    pub(super) fn of_texts(self, text_order: TextOrder) -> Self {
        Self { text_order, ..self }
    }

    /// What was seen so far, for a run that goes on after a crash.
    pub fn to_json(&self) -> Value {
        let last = self.last.as_ref().map(|last| {
            json!({
                "value": value::to_json(&last.value),
                "page": last.place.0,
                "index": last.place.1,
                "digests": last.digests.to_json(),
            })
        });
        json!({
            "last": last,
            "kept": self.kept,
            "has_pages": self.has_pages,
            "previous": self.previous.as_ref().map(value::to_json),
        })
    }

    /// Takes up what [`Tally::to_json`] wrote. Errors: something else.
    pub fn resume(&mut self, json: &Value) -> Result<()> {
        let broken = || Error::data("what was seen of the cursor before the crash cannot be read");
        let last = match &json["last"] {
            Value::Null => None,
            last => Some(Last {
                value: value::from_json(&last["value"])?.ok_or_else(broken)?,
                place: (
                    last["page"].as_u64().ok_or_else(broken)?,
                    last["index"].as_u64().and_then(|index| index.try_into().ok()).ok_or_else(broken)?,
                ),
                digests: Digests::from_json(&last["digests"])?,
            }),
        };
        self.last = last;
        self.kept = json["kept"].as_u64().ok_or_else(broken)?;
        self.has_pages = json["has_pages"].as_bool().ok_or_else(broken)?;
        self.previous = value::from_json(&json["previous"])?;
        Ok(())
    }

    /// Records that were kept.
    pub fn kept(&self) -> u64 {
        self.kept
    }

    /// Records that have the last value of the cursor and are told apart by their digests.
    pub fn boundary_records(&self) -> usize {
        self.last.as_ref().map_or(0, |last| last.digests.set.len())
    }

    /// Notes records that share a cursor value. Errors: it cannot be compared with the one before; too many records.
    pub(super) fn note(
        &mut self,
        value: &Scalar<'_>,
        place: (u64, u32),
        form: DigestForm,
        digests: impl IntoIterator<Item = Digest>,
    ) -> Result<()> {
        match (self.order_of(value)?, &mut self.last) {
            (Ordering::Greater, last) => {
                let mut fresh =
                    Last { value: value.clone().into_owned(), place, digests: Digests::empty(form) };
                fresh.digests.extend(digests)?;
                *last = Some(fresh);
            }
            (Ordering::Equal, Some(last)) => {
                last.digests.extend(digests)?;
                if place < last.place {
                    last.place = place;
                    last.value = value.clone().into_owned();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether a later value was seen, so that no digests are needed. Errors: values that cannot be compared.
    pub(super) fn is_behind(&self, value: &Scalar<'_>) -> Result<bool> {
        Ok(self.order_of(value)? == Ordering::Less)
    }

    fn order_of(&self, value: &Scalar<'_>) -> Result<Ordering> {
        let Some(last) = &self.last else { return Ok(Ordering::Greater) };
        let order = value::compare_by(self.text_order, value, &last.value);
        let order = order.ok_or_else(|| match (value, &last.value) {
            (Scalar::Text(_), Scalar::Text(_)) => self.text_order.mixed(),
            _ => mixed(value::kind(&last.value), value::kind(value)),
        })?;
        Ok(self.func.order(order))
    }

    /// Adds what another worker saw. Errors: cursors that cannot be compared; too many records with the last one.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        self.kept += other.kept;
        self.has_pages |= other.has_pages;
        if let Some(last) = other.last {
            self.note(&last.value, last.place, last.digests.form, last.digests.set)?;
        }
        Ok(())
    }
}

/// The stored form of a [`Tally`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredTally {
    func: Extreme,
    text_order: TextOrder,
    /// What [`Tally::to_json`] gives.
    seen: Value,
}

impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let stored = StoredTally { func: self.func, text_order: self.text_order, seen: self.to_json() };
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tally {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let StoredTally { func, text_order, seen } = StoredTally::deserialize(deserializer)?;
        let mut tally = Self::new(func).of_texts(text_order);
        tally.resume(&seen).map_err(de::Error::custom)?;
        Ok(tally)
    }
}

fn mixed(one: &str, other: &str) -> Error {
    // The order of the two depends on who was first, which must not show.
    let (one, other) = if one < other { (one, other) } else { (other, one) };
    Error::data(format!("the cursor is {one} in one record and {other} in another")).with_hint(
        "all records need cursors of one type; make them so in a step, or choose another cursor_path",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incremental::{Filter, IncrementalOptions};

    fn noted(values: &[i64]) -> Tally {
        let mut tally = Tally::new(Extreme::Max);
        for (index, value) in (0..).zip(values) {
            let digest = DigestForm::Current.digest(&format!("{index}"));
            tally.note(&Scalar::Int(*value), (7, index), DigestForm::Current, [digest]).unwrap();
            (tally.kept, tally.has_pages) = (tally.kept + 1, true);
            tally.previous = Some(Scalar::Int(*value));
        }
        tally
    }

    #[test]
    fn what_was_seen_goes_on_as_if_nothing_had_happened() {
        let filter = Filter::new(&IncrementalOptions::new("at"), None, None).unwrap();
        for before in [&[][..], &[3, 5, 5]] {
            let (whole, mut resumed) = (noted(before), Tally::new(Extreme::Max));
            resumed.resume(&whole.to_json()).unwrap();
            assert_eq!(resumed.to_json(), whole.to_json());
            assert_eq!(filter.finish(&resumed).unwrap(), filter.finish(&whole).unwrap());
            assert_eq!(filter.last_value(&resumed).unwrap(), filter.last_value(&whole).unwrap());
            let backwards = Tally { func: Extreme::Min, text_order: TextOrder::Numbers, ..whole };
            let text = serde_json::to_string(&backwards).unwrap();
            assert_eq!(serde_json::from_str::<Tally>(&text).unwrap(), backwards);
        }
        for broken in [json!({}), json!({"kept": 1, "has_pages": true, "last": {"value": []}})] {
            assert!(Tally::new(Extreme::Max).resume(&broken).is_err(), "{broken}");
        }
    }
}
