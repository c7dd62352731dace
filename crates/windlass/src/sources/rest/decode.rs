//! Bodies as UTF-8.

use super::http::Response;

/// What a byte between 0x80 and 0x9f means in windows-1252, which is what `latin-1` of the web often is.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The character sets that JSON comes in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Charset {
    Utf8,
    Latin1,
    Windows1252,
    Utf16 { is_big: bool },
    Utf32 { is_big: bool },
}

/// Makes the body UTF-8 without byte order mark, by the charset of its header, else by its first bytes.
///
/// An unknown charset leaves it as it is, so that the JSON parser says what is wrong.
pub(super) fn decode(response: &mut Response) {
    let body = &response.body;
    let named = response.header("content-type").and_then(charset_of);
    let (charset, mark) = match (named, sniff(body)) {
        (_, (charset, mark)) if mark > 0 => (charset, mark),
        (Some(named), _) => (named, 0),
        (None, (charset, _)) => (charset, 0),
    };
    let text = body.get(mark..).unwrap_or_default();
    let decoded: Option<String> = match charset {
        Charset::Utf8 if mark == 0 => return,
        Charset::Utf8 => {
            Some(String::from_utf8_lossy(text).into_owned()).filter(|decoded| decoded.as_bytes() == text)
        }
        Charset::Latin1 => Some(text.iter().copied().map(char::from).collect()),
        Charset::Windows1252 => Some(text.iter().copied().map(of_windows_1252).collect()),
        Charset::Utf16 { is_big } => {
            let units = text.chunks_exact(2).map(|pair| match pair {
                [a, b] if is_big => u16::from_be_bytes([*a, *b]),
                [a, b] => u16::from_le_bytes([*a, *b]),
                _ => 0,
            });
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        Charset::Utf32 { is_big } => text
            .chunks_exact(4)
            .map(|four| {
                let four = <[u8; 4]>::try_from(four).ok()?;
                char::from_u32(if is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
            })
            .collect(),
    };
    match decoded {
        Some(decoded) => response.body = decoded.into_bytes(),
        None if mark > 0 => drop(response.body.drain(..mark)),
        None => {}
    }
}

fn of_windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252.get(usize::from(byte - 0x80)).copied().unwrap_or('\u{fffd}'),
        byte => char::from(byte),
    }
}

fn charset_of(content_type: &str) -> Option<Charset> {
    let named = content_type.split(';').skip(1).find_map(|param| {
        let (name, value) = param.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })?;
    Some(match named.to_ascii_lowercase().as_str() {
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "iso_8859-1" => Charset::Latin1,
        "windows-1252" | "cp1252" => Charset::Windows1252,
        "utf-16be" => Charset::Utf16 { is_big: true },
        "utf-16" | "utf-16le" => Charset::Utf16 { is_big: false },
        "utf-32be" => Charset::Utf32 { is_big: true },
        "utf-32" | "utf-32le" => Charset::Utf32 { is_big: false },
        _ => Charset::Utf8,
    })
}

/// The charset that the first bytes speak of, and the length of the byte order mark.
fn sniff(body: &[u8]) -> (Charset, usize) {
    match body {
        [0xef, 0xbb, 0xbf, ..] => (Charset::Utf8, 3),
        [0xff, 0xfe, 0, 0, ..] => (Charset::Utf32 { is_big: false }, 4),
        [0, 0, 0xfe, 0xff, ..] => (Charset::Utf32 { is_big: true }, 4),
        [0xff, 0xfe, ..] => (Charset::Utf16 { is_big: false }, 2),
        [0xfe, 0xff, ..] => (Charset::Utf16 { is_big: true }, 2),
        // JSON begins with an ASCII character, so the zeros tell.
        [0, 0, 0, 1..=u8::MAX, ..] => (Charset::Utf32 { is_big: true }, 0),
        [1..=u8::MAX, 0, 0, 0, ..] => (Charset::Utf32 { is_big: false }, 0),
        [0, 1..=u8::MAX, ..] => (Charset::Utf16 { is_big: true }, 0),
        [1..=u8::MAX, 0, ..] => (Charset::Utf16 { is_big: false }, 0),
        _ => (Charset::Utf8, 0),
    }
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
