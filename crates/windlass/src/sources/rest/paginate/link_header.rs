//! The header `Link`, as RFC 8288 writes it.

/// A link of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WebLink {
    /// Where it leads, as it is written.
    pub(crate) target: String,
    /// What it is to the answer; a link may be several things at once.
    pub(crate) relations: Vec<String>,
}

/// The links of a header, or of several joined by commas.
///
/// Names and relations have no case, values may be quoted, and what is quoted or between `<` and `>` may hold commas and
/// semicolons. Of several `rel` the first counts. What is no link is passed over.
pub(crate) fn web_links(header: &str) -> Vec<WebLink> {
    let mut links = Vec::new();
    let mut rest = header.trim_start_matches(is_gap);
    while !rest.is_empty() {
        let (target, behind) = target(rest);
        let (relations, behind) = relations(behind);
        if !target.is_empty() {
            links.push(WebLink { target: target.to_owned(), relations });
        }
        rest = behind.trim_start_matches(is_gap);
    }
    links
}

fn is_gap(c: char) -> bool {
    c == ',' || c.is_whitespace()
}

/// What stands between `<` and `>`, or before the parameters, and what follows.
fn target(text: &str) -> (&str, &str) {
    if let Some(inner) = text.strip_prefix('<')
        && let Some((target, behind)) = inner.split_once('>')
    {
        return (target.trim(), behind);
    }
    let end = text.find([';', ',']).unwrap_or(text.len());
    (
        text[..end].trim_matches(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '\'' | '"')),
        &text[end..],
    )
}

/// The relations that the parameters of a link name, and what follows the link.
fn relations(text: &str) -> (Vec<String>, &str) {
    let mut found: Option<Vec<String>> = None;
    let mut rest = text;
    loop {
        // Whatever stands before the next parameter is none.
        let Some(at) = rest.find([';', ',']) else { return (found.unwrap_or_default(), "") };
        let is_end = rest[at..].starts_with(',');
        rest = &rest[at + 1..];
        if is_end {
            return (found.unwrap_or_default(), rest);
        }
        let name_end = rest.find(['=', ';', ',']).unwrap_or(rest.len());
        let name = rest[..name_end].trim_matches([' ', '\t', '\'', '"']);
        rest = &rest[name_end..];
        let Some(behind) = rest.strip_prefix('=') else { continue };
        let (value, behind) = value(behind.trim_start());
        if name.eq_ignore_ascii_case("rel") && found.is_none() {
            found = Some(value.split_whitespace().map(str::to_owned).collect());
        }
        rest = behind;
    }
}

/// A value without its quotes, and what follows. A quote that is never closed is a character as any other.
fn value(text: &str) -> (String, &str) {
    if let Some(inner) = text.strip_prefix('"') {
        let mut value = String::new();
        let mut chars = inner.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => return (value, &inner[at + 1..]),
                '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
                c => value.push(c),
            }
        }
    }
    let end = text.find([';', ',']).unwrap_or(text.len());
    (text[..end].trim_matches([' ', '\t', '\'', '"']).to_owned(), &text[end..])
}

#[cfg(test)]
mod tests {
    use crate::sources::rest::paginate::header_link::target_of;

    /// The target of `next`.
    fn next(header: &str) -> Option<String> {
        target_of(header, "next")
    }

    #[test]
    fn links_of_every_legal_form_are_found() {
        for header in [
            "<u>; rel=\"next\"",
            "<u>; rel=next",
            "<u>;rel=next",
            "<u> ; rel = \"next\"",
            "<u>; REL=\"next\"",
            "<u>; rel=\"NEXT\"",
            "<u>; rel=\"next last\"",
            "<u>; rel=\"last\tnext\"",
            "<u>; rel=\" next  http://example.com/rels/other \"",
            "<u>; title=\"a, b; c\"; rel=next",
            "<u>; title=\"a, <v>; rel=prev\"; rel=next",
            "<u>; title=\"say \\\"hi\\\", <x>\"; rel=next",
            "<u>; title*=UTF-8''a%2Cb; rel=next",
            "<p>; rel=prev, <u>; rel=next",
            "<p>; rel=\"prev\",<u>; rel=\"next\",<l>; rel=\"last\"",
            "<p>; rel=prev,, ,<u>; rel=next,",
            "<u>; rel=next; rel=prev",
            "<u>; crossorigin; rel=next",
            "<u>; rel=next; crossorigin",
            "<u>; rel='next'",
            "<u>;; rel=next;",
            "< u >; rel=next",
            "u; rel=next",
        ] {
            assert_eq!(next(header).as_deref(), Some("u"), "{header}");
        }
        assert_eq!(next("<http://h/a,b;c=1?q=<x>; rel=next").as_deref(), Some("http://h/a,b;c=1?q=<x"));
    }

    #[test]
    fn what_is_no_next_link_is_none() {
        for header in [
            "",
            ",",
            "<u>",
            "<u>; rel=prev",
            "<u>; rel=\"nextpage\"",
            "<u>; rel=\"previous-next\"",
            "<u>; rev=next",
            "<u>; title=next",
            "<u>; title=\"; rel=next\"",
            "<u>; rel=prev; rel=next",
            "<u>; anchor=\"x, y; rel=next\"; rel=prev",
            "; rel=next",
            "<>; rel=next",
        ] {
            assert_eq!(next(header), None, "{header}");
        }
    }
}
