//! The order in which resources that depend on each other are read.

use indexmap::IndexMap;
use windlass_core::{Code, Error, Result};

use crate::config::choices;

/// The order of the resources: those without parents first, in the order in which their names come up, then those whose
/// parents are read, and so on. Gives indexes into `resources`, which are names with the name of the parent.
///
/// Errors: a parent that does not exist, with the index of who names it; resources that wait for each other.
pub(crate) fn order(resources: &[(String, Option<String>)]) -> Result<Vec<usize>, (usize, Error)> {
    let index_of: IndexMap<&str, usize> =
        resources.iter().enumerate().map(|(index, (name, _))| (name.as_str(), index)).collect();
    // A name comes up where its resource is defined, or where it is named as a parent before.
    let mut seen: IndexMap<usize, Vec<usize>> = IndexMap::new();
    for (index, (name, parent)) in resources.iter().enumerate() {
        seen.entry(index).or_default();
        let Some(parent) = parent else { continue };
        let Some(&parent_index) = index_of.get(parent.as_str()) else {
            let error = Error::config(format!(
                "the resource `{name}` refers to the resource `{parent}`, which does not exist"
            ));
            return Err((index, error.with_hint(choices(parent, index_of.keys().copied()))));
        };
        seen.entry(parent_index).or_default().push(index);
    }
    let mut ordered: Vec<usize> =
        seen.keys().copied().filter(|&index| resources[index].1.is_none()).collect();
    let mut next = 0;
    while let Some(&done) = ordered.get(next) {
        ordered.extend(seen.get(&done).into_iter().flatten());
        next += 1;
    }
    if ordered.len() == resources.len() {
        return Ok(ordered);
    }
    Err(cycle(resources, &index_of, &ordered))
}

/// The error for the first resource that is never reached.
fn cycle(
    resources: &[(String, Option<String>)],
    index_of: &IndexMap<&str, usize>,
    ordered: &[usize],
) -> (usize, Error) {
    let left = (0..resources.len()).find(|index| !ordered.contains(index)).unwrap_or_default();
    // Who waits for a cycle need not be in it: after as many steps as there are resources one surely is.
    let parent = |index: usize| {
        resources[index].1.as_deref().and_then(|name| index_of.get(name).copied()).unwrap_or(index)
    };
    let inside = (0..resources.len()).fold(left, |index, _| parent(index));
    let mut names = vec![resources[inside].0.as_str()];
    let mut index = parent(inside);
    while index != inside {
        names.push(&resources[index].0);
        index = parent(index);
    }
    names.push(&resources[inside].0);
    let error = Error::of(
        Code::ResourceCycle,
        format!("resources depend on each other in a cycle: {}", names.join(" → ")),
    )
    .with_detail("resources", names.clone())
    .with_hint("a resource's parent must not need the resource itself");
    (inside, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(resources: &[(&str, &str)], expected: &str) {
        let resources: Vec<_> = resources
            .iter()
            .map(|(name, parent)| ((*name).to_owned(), (!parent.is_empty()).then(|| (*parent).to_owned())))
            .collect();
        let found = match order(&resources) {
            Ok(order) => {
                order.into_iter().map(|index| resources[index].0.as_str()).collect::<Vec<_>>().join(" ")
            }
            Err((index, error)) => format!("{}: {error}", resources[index].0),
        };
        assert!(found.contains(expected), "{found}");
    }

    #[test]
    fn layers_in_the_order_in_which_names_come_up() {
        check(&[("c", "b"), ("z", ""), ("b", "a"), ("y", ""), ("a", "")], "z a y b c");
        check(&[("c", "p"), ("x", ""), ("p", "")], "p x c");
    }

    #[test]
    fn cycles_and_strangers_are_named() {
        check(&[("a", "a")], "a: resources depend on each other in a cycle: a → a");
        check(&[("w", "a"), ("a", "b"), ("b", "a")], "a → b → a");
        check(&[("posts", ""), ("c", "post")], "c: the resource `c` refers to the resource `post`");
    }
}
