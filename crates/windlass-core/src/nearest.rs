//! The word that was probably meant.

/// The word of `known` that `word` was probably meant to be; `None` if none is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let best = known.into_iter().map(|other| (closeness(&word, other), other));
    let best = best.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= 0.8).then_some(best.1)
}

/// How near two words are, from 0 to 1.
fn closeness(word: &str, other: &str) -> f64 {
    let other = other.to_lowercase();
    if is_swapped(word, &other) {
        return 0.97;
    }
    let close = strsim::jaro_winkler(word, &other);
    // Long words share many letters by chance.
    let is_other =
        || strsim::osa_distance(word, &other) * 2 > word.chars().count().max(other.chars().count());
    if close >= 0.8 && is_other() { 0.0 } else { close }
}

/// Whether two neighbouring letters changed places.
fn is_swapped(word: &str, other: &str) -> bool {
    let pairs = || word.chars().zip(other.chars()).filter(|(a, b)| a != b);
    if word.len() != other.len() || word.chars().count() != other.chars().count() {
        return false;
    }
    let mut different = pairs();
    match (different.next(), different.next(), different.next()) {
        (Some((a, b)), Some((c, d)), None) => {
            a == d && b == c && (word.contains(&format!("{a}{c}")) || word.contains(&format!("{c}{a}")))
        }
        _ => false,
    }
}

/// A question after the word that was probably meant, with a space behind it; nothing if none is near.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default()
}

/// Names that an error lists; a database may have thousands of tables.
const LISTED_NAMES: usize = 40;

/// All words, the one that was probably meant first and the others in their order.
pub fn nearest_first<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all: Vec<&str> = Vec::new();
    known.into_iter().for_each(|other| {
        if !all.contains(&other) {
            all.push(other);
        }
    });
    if let Some(place) =
        nearest(word, all.iter().copied()).and_then(|near| all.iter().position(|a| *a == near))
    {
        let near = all.remove(place);
        all.insert(0, near);
    }
    all
}

/// What helps where `word` is none of the words that are known: the nearest one, and all of them.
pub fn choices<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let all = nearest_first(word, known);
    let more = match all.len().saturating_sub(LISTED_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let list = all.iter().take(LISTED_NAMES).copied().collect::<Vec<_>>().join(", ");
    match (nearest(word, all.iter().copied()), all.len()) {
        (Some(near), 1) => format!("did you mean `{near}`? there is no other"),
        (Some(near), _) => format!("did you mean `{near}`? there are {list}{more}"),
        (None, 0) => "there is none".to_owned(),
        (None, 1) => format!("there is only {list}"),
        (None, _) => format!("there are {list}{more}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_that_changed_places_are_near_and_words_that_share_letters_are_not() {
        for (word, known, near) in [
            ("cvs", "csv", true),
            ("GTE", "GET", true),
            ("upsrt", "upsert", true),
            ("scd1", "scd2", true),
            ("snake", "snake_case", true),
            ("pagenumber", "page_number", true),
            ("create_indexes", "credentials", false),
            ("abc", "cba", false),
        ] {
            assert_eq!(nearest(word, [known]).is_some(), near, "{word} {known}");
        }
    }

    #[test]
    fn the_nearest_choice_comes_first_and_all_are_told() {
        assert_eq!(choices("cvs", ["json", "csv"]), "did you mean `csv`? there are csv, json");
        assert_eq!(choices("x", ["json", "csv"]), "there are json, csv");
        assert_eq!(choices("ignor", ["ignore"]), "did you mean `ignore`? there is no other");
    }
}
