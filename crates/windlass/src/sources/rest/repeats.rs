//! Chains of pages that never end are found by what comes again.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use serde_json::Value;

use super::http::masked_url;

/// Names of pages that are remembered.
const MAX_NAMES: usize = 1 << 20;

/// Times that a page may come again, the same byte for byte, where only a number sets pages apart: an API may well hold
/// the same records twice.
const MAX_IDENTICAL: u32 = 2;

/// Places of a body that are compared first, and bytes at each.
const SAMPLES: usize = 32;
const SAMPLE_BYTES: usize = 16;

/// Remembers what a chain of pages was like.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    hasher: RandomState,
    names: HashSet<u64>,
    /// Records of pages whose next one had a name that was there before.
    pages: HashSet<u64>,
    /// Hashes of the body before: of its samples, and of all of it where the samples agreed with those before.
    sample: Option<u64>,
    whole: Option<u64>,
    identical: u32,
    /// The first page, and how many pages were held against it.
    first: Option<PageHash>,
    compared: u32,
}

/// What the records of a page are like.
#[derive(Clone, Copy, Debug)]
struct PageHash {
    whole: u64,
    /// The ids of the records, if all have one and no two the same.
    ids: Option<u64>,
}

/// Keys whose values tell records apart.
const ID_KEYS: [&str; 5] = ["id", "_id", "uuid", "guid", "uid"];

/// The ids of the records, which stand in lines, and the key that they have them by.
fn ids_of(lines: &[u8]) -> Option<(&'static str, Vec<String>)> {
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let records: Vec<Value> = lines.map(serde_json::from_slice).collect::<Result<_, _>>().ok()?;
    ID_KEYS.iter().find_map(|key| {
        let id_of = |record: &Value| {
            let (_, id) = record.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
            (id.is_string() || id.is_number()).then(|| id.to_string())
        };
        let ids: Vec<String> = records.iter().map(id_of).collect::<Option<_>>()?;
        let distinct: HashSet<&String> = ids.iter().collect();
        (distinct.len() == ids.len() && !ids.is_empty()).then_some((*key, ids))
    })
}

/// Pages that are held against the first one: where the second or third is the same, counting began at another number.
const COMPARED: u32 = 3;

impl Repeats {
    /// Notes a page and says what is wrong if the chain goes round in a circle.
    ///
    /// A name alone may come again: servers that keep the place themselves give one name for all pages. With the same
    /// records it does not. `page` gives what the page holds; it is asked for where names repeat only.
    pub(super) fn note(&mut self, name: Option<&str>, page: impl FnOnce() -> Vec<u8>) -> Option<String> {
        let name = name?;
        if self.names.len() >= MAX_NAMES {
            self.names.clear();
            self.pages.clear();
        }
        if self.names.insert(self.hasher.hash_one(name)) || self.pages.insert(self.hasher.hash_one(page())) {
            return None;
        }
        let name: String = masked_url(name).chars().take(200).collect();
        Some(format!(
            "the pages never end: `{name}` was the next page before, and the records are the same again"
        ))
    }

    /// Notes the records of a page that is counted, and says whether it is the first one again: all of it, or, as records may
    /// have values that change from answer to answer, their ids in the same order.
    pub(super) fn is_first_again(&mut self, records: u64, page: impl FnOnce() -> Vec<u8>) -> bool {
        if records == 0 || self.compared >= COMPARED {
            return false;
        }
        self.compared += 1;
        let page = page();
        let page = PageHash {
            whole: self.hasher.hash_one(&page),
            ids: ids_of(&page).map(|ids| self.hasher.hash_one(ids)),
        };
        match self.first {
            None if self.compared == 1 => {
                self.first = Some(page);
                false
            }
            first => first.is_some_and(|first| {
                first.whole == page.whole || (first.ids.is_some() && first.ids == page.ids)
            }),
        }
    }

    /// Whether there is a first page to hold others against.
    pub(super) fn has_first(&self) -> bool {
        self.first.is_some()
    }

    /// Holds no page against the first one, which is not known.
    pub(super) fn without_first(&mut self) {
        self.compared = COMPARED;
    }

    /// Notes the body of a page that only its number sets apart, and says what is wrong if it is always the same.
    ///
    /// Only bodies that agree in length and in samples are looked at as a whole.
    pub(super) fn note_body(&mut self, records: u64, body: &[u8]) -> Option<String> {
        let sample = self.hasher.hash_one((body.len(), samples(body)));
        if records == 0 || self.sample.replace(sample) != Some(sample) {
            self.whole = None;
            self.identical = 0;
            return None;
        }
        let whole = self.hasher.hash_one(body);
        self.identical = if self.whole.replace(whole) == Some(whole) { self.identical + 1 } else { 0 };
        (self.identical >= MAX_IDENTICAL)
            .then(|| "the pages never end: one page came again and again, the same byte for byte".to_owned())
    }
}

fn samples(body: &[u8]) -> Vec<&[u8]> {
    let step = (body.len() / SAMPLES).max(SAMPLE_BYTES);
    body.chunks(step).map(|chunk| chunk.get(..SAMPLE_BYTES).unwrap_or(chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_come_again_with_other_records() {
        let mut repeats = Repeats::default();
        let mut note = |name: &str, page: &str| repeats.note(Some(name), || page.into()).is_some();
        assert!(!note("scroll", "1") && !note("scroll", "2") && !note("scroll", "3"));
        assert!(note("scroll", "3"));
    }

    #[test]
    fn a_circle_of_pages_is_found() {
        let mut repeats = Repeats::default();
        let steps = [("b", "A"), ("a", "B"), ("b", "A"), ("a", "B"), ("b", "A")];
        let found = steps.map(|(name, page)| repeats.note(Some(name), || page.into()).is_some());
        assert_eq!(found, [false, false, false, false, true]);
    }

    #[test]
    fn the_first_page_again_is_found_by_its_ids() {
        let is_again = |pages: &[&str]| {
            let mut repeats = Repeats::default();
            pages
                .iter()
                .map(|page| repeats.is_first_again(2, || page.as_bytes().to_vec()))
                .collect::<Vec<_>>()
        };
        assert_eq!(is_again(&["{\"a\":1}", "{\"a\":2}", "{\"a\":1}"]), [false, false, true]);
        assert_eq!(
            is_again(&[
                "{\"ID\":1,\"seen\":1}\n{\"ID\":2,\"seen\":2}",
                "{\"ID\":1,\"seen\":3}\n{\"ID\":2,\"seen\":4}\n",
                "{\"ID\":2,\"seen\":3}\n{\"ID\":1,\"seen\":4}",
            ]),
            [false, true, false]
        );
        assert_eq!(is_again(&["{\"id\":1}\n{\"id\":1}", "{\"id\":1}\n{\"id\":1,\"b\":2}"]), [false, false]);
    }

    #[test]
    fn one_page_again_and_again_is_found_and_empty_ones_are_not() {
        let mut repeats = Repeats::default();
        let body = vec![b'x'; 10_000];
        let found: Vec<bool> = (0..6).map(|_| repeats.note_body(2, &body).is_some()).collect();
        assert_eq!(found.iter().position(|found| *found), Some(3));
        let mut repeats = Repeats::default();
        assert!((0..9).all(|_| repeats.note_body(0, b"[]").is_none()));
        let mut repeats = Repeats::default();
        assert!((0..9).all(|number| repeats.note_body(1, format!("{number}").as_bytes()).is_none()));
    }
}
