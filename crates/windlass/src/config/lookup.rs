//! Which value of a setting counts: the order in which places are asked, whoever holds the values. Does no I/O.

/// A setting that is looked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// Name of the pipeline, which goes in front of all sections; empty where there is none.
    pub pipeline: &'a str,
    /// Sections that may be left out, such as `sources`, the module, the source. Empty ones count as left out.
    pub sections: &'a [&'a str],
    /// What is never left out: sections that are fixed, such as `credentials`, and the name of the setting.
    pub key: &'a [&'a str],
    /// Whether only providers of secrets may have it.
    pub is_secret: bool,
}

/// Who has values of settings. An adapter of user code may fail, the engine's own do not.
pub trait Provider {
    /// A value as this face knows it.
    type Value;
    /// What goes wrong in user code.
    type Error;

    /// The value at a path of sections and name; `None` if there is none.
    fn value(&self, path: &[&str]) -> Result<Option<Self::Value>, Self::Error>;

    /// Whether it has no values at all, so that nobody need ask it.
    fn is_empty(&self) -> Result<bool, Self::Error>;

    /// Whether it may have secrets.
    fn holds_secrets(&self) -> Result<bool, Self::Error>;
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<V> {
    /// A value.
    Found(V),
    /// A secret at a provider that may have none.
    NotSecret {
        /// Position of the provider.
        provider: usize,
        /// Sections and name.
        path: Vec<String>,
    },
    /// Nothing, anywhere.
    Absent,
}

impl<'a> Query<'a> {
    /// The paths of the setting without the name of the pipeline, the strongest first. Sections are left out from the
    /// right; of `sources, MODULE, NAME, …` the module alone is left out once, after the first shorter path.
    pub fn paths(&self) -> Vec<Vec<&'a str>> {
        let sections = self.sections;
        let mut paths = Vec::with_capacity(sections.len() + 2);
        for count in (0..=sections.len()).rev() {
            paths.push(self.path(sections.get(..count).unwrap_or_default()));
            if let ["sources", module, name, ..] = sections
                && module != name
                && count + 1 == sections.len()
            {
                paths.push(self.path(&["sources", name]));
            }
        }
        paths
    }

    fn path(&self, sections: &[&'a str]) -> Vec<&'a str> {
        let named = sections.iter().filter(|section| !section.is_empty());
        named.chain(self.key).copied().collect()
    }

    /// Rounds of the search: with the name of the pipeline in front, then without. In each, every provider is asked for
    /// every path, so that a value for the pipeline counts more than a general one of a stronger provider.
    pub fn rounds(&self) -> Vec<Vec<Vec<&'a str>>> {
        let paths = self.paths();
        if self.pipeline.is_empty() {
            return vec![paths];
        }
        let own =
            paths.iter().map(|path| std::iter::once(self.pipeline).chain(path.iter().copied()).collect());
        vec![own.collect(), paths]
    }

    /// Asks the providers, the strongest first, for the value that counts.
    ///
    /// `asked` hears of every place that was looked at, by the position of the provider and the path. Errors: those of
    /// the providers.
    pub fn find<V, E>(
        &self,
        providers: &[&dyn Provider<Value = V, Error = E>],
        asked: &mut dyn FnMut(usize, &[&str]),
    ) -> Result<Answer<V>, E> {
        for paths in self.rounds() {
            for (position, provider) in providers.iter().enumerate() {
                if provider.is_empty()? {
                    continue;
                }
                let is_allowed = !self.is_secret || provider.holds_secrets()?;
                for path in &paths {
                    if is_allowed {
                        asked(position, path);
                    }
                    match provider.value(path)? {
                        None => {}
                        Some(value) if is_allowed => return Ok(Answer::Found(value)),
                        Some(_) => {
                            let path = path.iter().map(|part| (*part).to_owned()).collect();
                            return Ok(Answer::NotSecret { provider: position, path });
                        }
                    }
                }
            }
        }
        Ok(Answer::Absent)
    }
}

/// The environment variable of a path.
pub fn variable_name(path: &[&str]) -> String {
    path.join("__").to_uppercase()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    struct Given {
        values: BTreeMap<String, usize>,
        holds_secrets: bool,
    }

    impl Provider for Given {
        type Value = usize;
        type Error = Infallible;

        fn value(&self, path: &[&str]) -> Result<Option<usize>, Infallible> {
            Ok(self.values.get(&path.join(".")).copied())
        }

        fn is_empty(&self) -> Result<bool, Infallible> {
            Ok(self.values.is_empty())
        }

        fn holds_secrets(&self) -> Result<bool, Infallible> {
            Ok(self.holds_secrets)
        }
    }

    fn paths(sections: &[&str]) -> Vec<String> {
        let query = Query { sections, key: &["k"], ..Query::default() };
        query.paths().iter().map(|path| path.join(".")).collect()
    }

    #[test]
    fn sections_are_left_out_from_the_right_and_the_module_of_a_source_once() {
        assert_eq!(paths(&["destination", "duckdb"]), ["destination.duckdb.k", "destination.k", "k"]);
        assert_eq!(
            paths(&["sources", "m", "s"]),
            ["sources.m.s.k", "sources.m.k", "sources.s.k", "sources.k", "k"]
        );
        assert_eq!(
            paths(&["sources", "m", "s", "r"]),
            ["sources.m.s.r.k", "sources.m.s.k", "sources.s.k", "sources.m.k", "sources.k", "k"]
        );
        assert_eq!(paths(&["sources", "m", "m"]), ["sources.m.m.k", "sources.m.k", "sources.k", "k"]);
        assert_eq!(paths(&["a", "b", "c"]), ["a.b.c.k", "a.b.k", "a.k", "k"]);
        assert_eq!(paths(&["sources", "", "s"])[0], "sources.s.k");
    }

    /// The places that hold a value: rounds, then providers, then paths.
    fn places() -> impl Strategy<Value = (bool, Vec<&'static str>, Vec<(usize, usize, bool)>)> {
        let sections = prop_oneof![
            Just(vec![]),
            Just(vec!["load"]),
            Just(vec!["destination", "duckdb"]),
            Just(vec!["sources", "m", "s"]),
            Just(vec!["sources", "m", "s", "r"]),
        ];
        let held = proptest::collection::vec((0..3_usize, 0..6_usize, any::<bool>()), 0..6);
        (any::<bool>(), sections, held)
    }

    proptest! {
        #[test]
        fn the_first_place_in_order_counts((is_secret, sections, held) in places()) {
            let query = Query { pipeline: "p", sections: &sections, key: &["x", "k"], is_secret };
            let mut providers: Vec<Given> =
                (0..3).map(|number| Given { values: BTreeMap::new(), holds_secrets: number != 2 }).collect();
            // A rank for each place: the smallest that holds a value is the answer.
            let mut best: Option<(usize, usize)> = None;
            let (rounds, count) = (query.rounds(), query.paths().len());
            for &(provider, path, is_own) in held.iter().filter(|(_, path, _)| *path < count) {
                let round = usize::from(!is_own);
                let rank = (round * 3 + provider) * count + path;
                providers[provider].values.insert(rounds[round][path].join("."), rank);
                best = Some(best.map_or((rank, provider), |known| known.min((rank, provider))));
            }
            let asked: Vec<&dyn Provider<Value = usize, Error = Infallible>> =
                providers.iter().map(|provider| provider as _).collect();
            let mut looked = Vec::new();
            let Ok(found) = query.find(&asked, &mut |provider, path| looked.push((provider, path.join("."))));
            match (best, found) {
                (None, found) => prop_assert_eq!(found, Answer::Absent),
                (Some((_, 2)), Answer::NotSecret { provider, .. }) if is_secret => prop_assert_eq!(provider, 2),
                (Some((rank, _)), found) => prop_assert_eq!(found, Answer::Found(rank)),
            }
            prop_assert!(!is_secret || looked.iter().all(|(provider, _)| *provider != 2));
            prop_assert!(looked.iter().all(|(_, path)| path.ends_with("x.k")));
        }
    }
}
