//! Following a path.

use std::cmp::Ordering;

use regex::Regex;
use serde_json::Value;

use super::function::{self, add, compare};
use super::tree::{Found, Tree};
use super::{Comparison, Condition, Expr, Operator, Step};
use crate::error::Result;

/// What a path has led to so far, and what it is part of.
struct Match<N> {
    found: Found<N>,
    parents: Vec<N>,
}

/// All values that `expr` leads to from `root`.
pub(super) fn find<T: Tree>(expr: &Expr, tree: &T, root: T::Node) -> Result<Vec<Found<T::Node>>> {
    let start = Match { found: Found::Node(root), parents: Vec::new() };
    let matches = Finder { tree, root }.follow(expr, &start)?;
    Ok(matches.into_iter().map(|found| found.found).collect())
}

struct Finder<'t, T: Tree> {
    tree: &'t T,
    root: T::Node,
}

impl<T: Tree> Finder<'_, T> {
    /// The values that `expr` leads to when it begins at `start`.
    fn follow(&self, expr: &Expr, start: &Match<T::Node>) -> Result<Vec<Match<T::Node>>> {
        match expr {
            Expr::Root => Ok(vec![Match { found: Found::Node(self.root), parents: Vec::new() }]),
            Expr::This => Ok(vec![Match { found: start.found.clone(), parents: start.parents.clone() }]),
            Expr::Step(before, step) => {
                let mut out = Vec::new();
                for from in self.follow(before, start)? {
                    self.step(step, &from, &mut out)?;
                }
                Ok(out)
            }
            Expr::Child(before, then) => {
                let mut out = Vec::new();
                for from in self.follow(before, start)? {
                    out.extend(self.follow(then, &from)?);
                }
                Ok(out)
            }
            Expr::Descent(before, then) => {
                let mut out = Vec::new();
                for from in self.follow(before, start)? {
                    self.descend(then, from, &mut out)?;
                }
                Ok(out)
            }
            Expr::Union(left, right) => {
                let mut out = self.follow(left, start)?;
                out.extend(self.follow(right, start)?);
                Ok(out)
            }
            Expr::Arithmetic(left, operator, right) => self.arithmetic(left, *operator, right, start),
            Expr::Literal(value) => Ok(vec![computed(value.clone())]),
        }
    }

    fn step(&self, step: &Step, from: &Match<T::Node>, out: &mut Vec<Match<T::Node>>) -> Result<()> {
        let node = match (&from.found, step) {
            (_, Step::Function(function)) => {
                let value = from.found.clone().into_value(self.tree);
                out.extend(function::call(function, value)?.into_iter().map(computed));
                return Ok(());
            }
            (Found::Node(node), _) => *node,
            // What was computed is a value of its own: its parts are values too.
            (Found::Value(value), _) => {
                let path = super::JsonPath {
                    text: String::new(),
                    expr: Expr::Step(Box::new(Expr::Root), step.clone()),
                };
                out.extend(path.values(value)?.into_iter().map(computed));
                return Ok(());
            }
        };
        let mut take = |child: T::Node| out.push(below(from, node, child));
        match step {
            Step::Keys(keys) => {
                keys.iter().filter_map(|key| self.tree.member(node, key)).for_each(&mut take);
            }
            Step::All => self.children(node).into_iter().for_each(&mut take),
            Step::Indexes(indexes) => {
                if let Some(elements) = self.tree.elements(node) {
                    let at = |index: &i64| elements.get(position(*index, elements.len())?).copied();
                    indexes.iter().filter_map(at).for_each(&mut take);
                }
            }
            Step::Slice(start, end, by) => {
                if let Some(elements) = self.tree.elements(node) {
                    slice(elements.len(), *start, *end, *by)
                        .into_iter()
                        .filter_map(|index| elements.get(index).copied())
                        .for_each(&mut take);
                }
            }
            Step::Filter(conditions) => {
                for child in self.children(node) {
                    let at = below(from, node, child);
                    let mut is_kept = true;
                    for condition in conditions {
                        is_kept = is_kept && self.holds(condition, &at)?;
                    }
                    if is_kept {
                        out.push(at);
                    }
                }
            }
            Step::Sorted(by) => {
                if let Some(elements) = self.tree.elements(node) {
                    out.push(computed(Value::Array(self.sorted(elements, by)?)));
                }
            }
            Step::Parent => {
                if let Some((parent, before)) = from.parents.split_last() {
                    out.push(Match { found: Found::Node(*parent), parents: before.to_vec() });
                }
            }
            Step::Function(_) => {}
        }
        Ok(())
    }

    /// Depth first, each value before what is below it; without recursion, since documents may be deep.
    fn descend(&self, then: &Expr, from: Match<T::Node>, out: &mut Vec<Match<T::Node>>) -> Result<()> {
        let mut todo = vec![from];
        while let Some(next) = todo.pop() {
            out.extend(self.follow(then, &next)?);
            if let Found::Node(node) = next.found {
                let children = self.children(node);
                todo.extend(children.into_iter().rev().map(|child| below(&next, node, child)));
            }
        }
        Ok(())
    }

    fn children(&self, node: T::Node) -> Vec<T::Node> {
        self.tree
            .elements(node)
            .unwrap_or_else(|| self.tree.members(node).into_iter().map(|(_, value)| value).collect())
    }

    fn holds(&self, condition: &Condition, at: &Match<T::Node>) -> Result<bool> {
        let found = self.follow(&condition.path, at)?.into_iter().next();
        let Some((comparison, wanted)) = &condition.comparison else { return Ok(found.is_some()) };
        let Some(found) = found else { return Ok(*comparison == Comparison::NotEqual) };
        let value = found.found.into_value(self.tree);
        let order = compare(&value, wanted);
        Ok(match comparison {
            Comparison::Equal => order == Some(Ordering::Equal),
            Comparison::NotEqual => order != Some(Ordering::Equal),
            Comparison::Less => order == Some(Ordering::Less),
            Comparison::LessOrEqual => order.is_some_and(Ordering::is_le),
            Comparison::Greater => order == Some(Ordering::Greater),
            Comparison::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
            Comparison::Matches => match (value.as_str(), wanted.as_str().map(Regex::new)) {
                (Some(text), Some(Ok(pattern))) => pattern.is_match(text),
                _ => false,
            },
        })
    }

    fn sorted(&self, elements: Vec<T::Node>, by: &[(Expr, bool)]) -> Result<Vec<Value>> {
        let mut keyed = Vec::with_capacity(elements.len());
        for element in elements {
            let at = Match { found: Found::Node(element), parents: Vec::new() };
            let mut keys = Vec::with_capacity(by.len());
            for (path, _) in by {
                let first = self.follow(path, &at)?.into_iter().next();
                keys.push(first.map_or(Value::Null, |found| found.found.into_value(self.tree)));
            }
            keyed.push((keys, self.tree.value(element)));
        }
        keyed.sort_by(|(a, _), (b, _)| {
            let orders = a.iter().zip(b).zip(by).map(|((a, b), (_, is_descending))| {
                let order = compare(a, b).unwrap_or(Ordering::Equal);
                if *is_descending { order.reverse() } else { order }
            });
            orders.fold(Ordering::Equal, Ordering::then)
        });
        Ok(keyed.into_iter().map(|(_, value)| value).collect())
    }

    /// Pairs of what both sides find; a literal goes with everything. Sides of unequal length, and values that cannot
    /// be combined, give nothing.
    fn arithmetic(
        &self,
        left: &Expr,
        operator: Operator,
        right: &Expr,
        start: &Match<T::Node>,
    ) -> Result<Vec<Match<T::Node>>> {
        let side = |expr: &Expr| -> Result<Vec<Value>> {
            let found = self.follow(expr, start)?;
            Ok(found.into_iter().map(|found| found.found.into_value(self.tree)).collect())
        };
        let (mut lefts, mut rights) = (side(left)?, side(right)?);
        match (left, right) {
            (Expr::Literal(value), _) => lefts = vec![value.clone(); rights.len()],
            (_, Expr::Literal(value)) => rights = vec![value.clone(); lefts.len()],
            _ if lefts.len() != rights.len() => return Ok(Vec::new()),
            _ => {}
        }
        let results: Option<Vec<Value>> =
            lefts.iter().zip(&rights).map(|(left, right)| add(left, operator, right)).collect();
        Ok(results.unwrap_or_default().into_iter().map(computed).collect())
    }
}

fn computed<N>(value: Value) -> Match<N> {
    Match { found: Found::Value(value), parents: Vec::new() }
}

fn below<N: Copy>(from: &Match<N>, node: N, child: N) -> Match<N> {
    let mut parents = Vec::with_capacity(from.parents.len() + 1);
    parents.extend_from_slice(&from.parents);
    parents.push(node);
    Match { found: Found::Node(child), parents }
}

/// Where an index points to in a list of this length.
fn position(index: i64, length: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add(i64::try_from(length).ok()?)? } else { index };
    usize::try_from(index).ok().filter(|index| *index < length)
}

/// The indexes of a slice, with the meaning that slices have in Python.
fn slice(length: usize, start: Option<i64>, end: Option<i64>, by: Option<i64>) -> Vec<usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let by = by.unwrap_or(1);
    if by == 0 {
        return Vec::new();
    }
    let (lowest, highest) = if by > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |index: i64| {
        let index = if index < 0 { index.saturating_add(length) } else { index };
        index.clamp(lowest, highest)
    };
    let start = start.map_or(if by > 0 { lowest } else { highest }, clamp);
    let end = end.map_or(if by > 0 { highest } else { lowest }, clamp);
    let mut out = Vec::new();
    let mut at = start;
    while if by > 0 { at < end } else { at > end } {
        out.extend(usize::try_from(at).ok());
        at = at.saturating_add(by);
    }
    out
}
