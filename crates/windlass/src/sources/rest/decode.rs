//! Bodies as UTF-8.

use super::http::Response;
use crate::charset::{Charset, UTF_8};

/// Makes the body UTF-8 without byte order mark, by the mark, else by the charset of its header, else by its first bytes.
///
/// An unknown charset leaves it as it is, so that the JSON parser says what is wrong.
pub(super) fn decode(response: &mut Response) {
    let body = &response.body;
    let named = response.header("content-type").and_then(charset_of);
    let (charset, mark) = match (Charset::of_mark(body), named) {
        (Some(marked), _) => marked,
        (None, Some(named)) => (named, 0),
        (None, None) => (Charset::of_json(body), 0),
    };
    if charset == UTF_8 && mark == 0 {
        return;
    }
    match charset.decode(body.get(mark..).unwrap_or_default()) {
        Some(decoded) => response.body = decoded.into_bytes(),
        None => drop(response.body.drain(..mark)),
    }
}

fn charset_of(content_type: &str) -> Option<Charset> {
    let named = content_type.split(';').skip(1).find_map(|param| {
        let (name, value) = param.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })?;
    Some(Charset::named(named).unwrap_or(UTF_8))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(content_type: &str, body: &[u8]) -> Vec<u8> {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        let mut response = Response::new(200, "http://h/", headers, body.to_vec());
        decode(&mut response);
        response.body
    }

    #[test]
    fn the_header_names_the_charset_unless_a_mark_does() {
        assert_eq!(decoded("application/json; charset=ISO-8859-1", b"\"\xe9\""), "\"é\"".as_bytes());
        assert_eq!(decoded("text/plain; charset=\"windows-1252\"", b"\"\x80\""), "\"€\"".as_bytes());
        assert_eq!(decoded("application/json; charset=latin1", b"\xef\xbb\xbf[1]"), b"[1]");
        assert_eq!(decoded("application/json", b"\xef\xbb\xbf[1]"), b"[1]");
        assert_eq!(decoded("application/json", "[\"é\"]".as_bytes()), "[\"é\"]".as_bytes());
        assert_eq!(decoded("application/json", b"\xff\xfe[\x001\x00]\x00"), b"[1]");
        assert_eq!(decoded("application/json", b"\x00[\x001\x00]"), b"[1]");
        assert_eq!(decoded("application/json", b"[\0\0\x001\0\0\0]\0\0\0"), b"[1]");
        assert_eq!(decoded("application/json", b"\"\xe9\""), b"\"\xe9\"");
        assert_eq!(decoded("application/json", b""), b"");
    }
}
