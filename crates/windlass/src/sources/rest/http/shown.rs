//! What errors may show of the answers of servers.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use windlass_core::masking::{MASK, is_secret_name, masked};

/// `"name": "value"`, `name=value`, `Bearer value`.
static PAIRS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"(?i)(["']?)([a-z0-9_.\-]+)["']?(\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^"'\s&,;<>{}\[\]]+)"#,
    )
    .ok()
});
static SCHEMES: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\b(bearer|basic|digest|negotiate)\s+([a-z0-9+/=_.~\-]{6,})").ok());

/// The beginning of a body, for who asked to see it: without known secrets, and without what stands under the name of one.
pub fn shown_body(text: &str, characters: usize) -> String {
    let text = masked(text);
    let pair = |found: &Captures<'_>| {
        let part = |index: usize| found.get(index).map_or("", |part| part.as_str());
        if !is_secret_name(part(2)) {
            return part(0).to_owned();
        }
        let (value, whole) = (part(4), part(0));
        let quote =
            value.chars().next().filter(|c| matches!(c, '"' | '\'')).map(String::from).unwrap_or_default();
        format!("{}{quote}{MASK}{quote}", whole.strip_suffix(value).unwrap_or_default())
    };
    let (Some(pairs), Some(schemes)) = (&*PAIRS, &*SCHEMES) else { return String::new() };
    let text = pairs.replace_all(&text, pair);
    let text = schemes.replace_all(&text, format!("$1 {MASK}"));
    let shown: String = text.chars().take(characters).collect();
    if shown.len() < text.len() { format!("{shown}… (truncated)") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_under_the_name_of_a_secret_is_not_shown() {
        let body = r#"{"error": "no", "access_token": "a\"b", "api_key":5, 'pwd': 'x y', "page": "2", "keyword": "k"} sig=abc&x=1 Bearer abcdef12"#;
        assert_eq!(
            shown_body(body, 1000),
            r#"{"error": "no", "access_token": "***", "api_key":***, 'pwd': '***', "page": "2", "keyword": "k"} sig=***&x=1 Bearer ***"#
        );
        assert_eq!(shown_body("abcdef", 3), "abc… (truncated)");
        assert_eq!(shown_body("abc", 3), "abc");
    }
}
