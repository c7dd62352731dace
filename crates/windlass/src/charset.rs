//! Texts that are not UTF-8: the names of encodings, what the first bytes say, and decoding piece by piece.

use std::io::{self, Read};

use encoding_rs::{DecoderResult, Encoding};
use windlass_core::{Code, Error, Result, did_you_mean, nearest_first};

/// How the characters of a text are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Charset {
    /// ISO-8859-1 as it is defined: each byte is the character with its number.
    Latin1,
    /// Four bytes for each character.
    Utf32 {
        /// Whether the highest byte comes first.
        is_big: bool,
    },
    /// One of those that browsers know.
    Known(&'static Encoding),
}

/// UTF-8.
pub(crate) const UTF_8: Charset = Charset::Known(encoding_rs::UTF_8);
const UTF_16LE: Charset = Charset::Known(encoding_rs::UTF_16LE);
const UTF_16BE: Charset = Charset::Known(encoding_rs::UTF_16BE);
const UTF_32LE: Charset = Charset::Utf32 { is_big: false };
const UTF_32BE: Charset = Charset::Utf32 { is_big: true };

/// Encodings that errors name.
const USUAL: [&str; 11] = [
    "utf-8",
    "utf-16le",
    "utf-16be",
    "utf-32le",
    "latin-1",
    "windows-1252",
    "windows-1251",
    "shift_jis",
    "gb18030",
    "euc-kr",
    "big5",
];

impl Charset {
    /// The encoding of a name such as `utf-16le`, `windows-1252` or `shift_jis`; `None` if there is none.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_ascii_lowercase().replace('_', "-");
        Some(match name.as_str() {
            "latin-1" | "latin1" | "latin" | "iso-8859-1" | "iso8859-1" | "l1" => Self::Latin1,
            "cp1252" => Self::Known(encoding_rs::WINDOWS_1252),
            "utf8" | "utf-8-sig" => UTF_8,
            "utf16" | "utf-16" | "utf-16-le" => UTF_16LE,
            "utf-16-be" => UTF_16BE,
            "utf32" | "utf-32" | "utf-32le" | "utf-32-le" => UTF_32LE,
            "utf-32be" | "utf-32-be" => UTF_32BE,
            name => {
                let dashes = || Encoding::for_label(name.as_bytes());
                let found = dashes().or_else(|| Encoding::for_label(name.replace('-', "_").as_bytes()))?;
                // What decodes to one replacement character is none.
                (found != encoding_rs::REPLACEMENT).then_some(Self::Known(found))?
            }
        })
    }

    /// The same as an option that people set. Errors: there is no such encoding.
    pub(crate) fn option(name: &str) -> Result<Self> {
        Self::named(name).ok_or_else(|| {
            let near = did_you_mean(name, USUAL);
            Error::of(Code::UnknownChoice, format!("there is no encoding `{name}`"))
                .with_detail("what", "encoding")
                .with_detail("name", name)
                .with_hint(format!("{near}such are {}", nearest_first(name, USUAL).join(", ")))
        })
    }

    /// What a byte order mark at the beginning of a text says, and its length.
    pub(crate) fn of_mark(text: &[u8]) -> Option<(Self, usize)> {
        Some(match text {
            [0xef, 0xbb, 0xbf, ..] => (UTF_8, 3),
            [0xff, 0xfe, 0, 0, ..] => (UTF_32LE, 4),
            [0, 0, 0xfe, 0xff, ..] => (UTF_32BE, 4),
            [0xff, 0xfe, ..] => (UTF_16LE, 2),
            [0xfe, 0xff, ..] => (UTF_16BE, 2),
            _ => return None,
        })
    }

    /// The encoding of a JSON text without mark: it begins with an ASCII character, so that zeros tell.
    #[cfg(any(test, feature = "http"))]
    pub(crate) fn of_json(text: &[u8]) -> Self {
        match text {
            [0, 0, 0, 1..=u8::MAX, ..] => UTF_32BE,
            [1..=u8::MAX, 0, 0, 0, ..] => UTF_32LE,
            [0, 1..=u8::MAX, ..] => UTF_16BE,
            [1..=u8::MAX, 0, ..] => UTF_16LE,
            _ => UTF_8,
        }
    }

    /// An encoding of two or four bytes for each character, where the zeros at the beginning of a text speak of it.
    pub(crate) fn of_zeros(text: &[u8]) -> Option<Self> {
        if text.iter().filter(|byte| **byte == 0).count() < 2 {
            return None;
        }
        let count = |step: usize, at: usize| {
            let zeros = text.chunks_exact(step).filter(|unit| unit.get(at) == Some(&0)).count();
            zeros * 100 / (text.len() / step).max(1)
        };
        let quarters = [count(4, 0), count(4, 1), count(4, 2), count(4, 3)];
        let halves = [count(2, 0), count(2, 1)];
        match (quarters, halves) {
            ([low, _, 80..=100, 100], _) if low < 10 => Some(UTF_32LE),
            ([100, 80..=100, _, low], _) if low < 10 => Some(UTF_32BE),
            (_, [0..=2, 40..=100]) => Some(UTF_16LE),
            (_, [40..=100, 0..=2]) => Some(UTF_16BE),
            _ => None,
        }
    }

    /// The name that an option takes.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Latin1 => "latin-1".to_owned(),
            Self::Utf32 { is_big: false } => "utf-32le".to_owned(),
            Self::Utf32 { is_big: true } => "utf-32be".to_owned(),
            Self::Known(encoding) => encoding.name().to_ascii_lowercase(),
        }
    }

    /// A whole text; `None` if it is not written so.
    #[cfg(any(test, feature = "http"))]
    pub(crate) fn decode(self, text: &[u8]) -> Option<String> {
        match self {
            Self::Latin1 => Some(text.iter().copied().map(char::from).collect()),
            Self::Utf32 { is_big } => {
                let (units, rest) = text.as_chunks::<4>();
                rest.is_empty().then(|| units.iter().map(|unit| utf32(*unit, is_big)).collect())?
            }
            Self::Known(encoding) => encoding
                .decode_without_bom_handling_and_without_replacement(text)
                .map(std::borrow::Cow::into_owned),
        }
    }
}

fn utf32(unit: [u8; 4], is_big: bool) -> Option<char> {
    char::from_u32(if is_big { u32::from_be_bytes(unit) } else { u32::from_le_bytes(unit) })
}

/// What people can do about a text that is not UTF-8.
pub(crate) fn hint_for(text: &[u8]) -> String {
    if let Some(charset) = Charset::of_zeros(text) {
        return format!("it looks like {0}: set `encoding: {0}`", charset.name());
    }
    let high = text.iter().filter(|byte| **byte >= 0x80).count();
    let letters = text.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if high > letters {
        return "if the file is written in another encoding, set `encoding`, such as windows-1251, shift_jis, gb18030 or \
                euc-kr; else fix the record"
            .to_owned();
    }
    "if the file is written in another encoding, set `encoding`, most likely `encoding: windows-1252`; else fix the \
     record"
        .to_owned()
}

/// Bytes that are decoded at once.
const PIECE_BYTES: usize = 64 << 10;

/// Gives a text as UTF-8. Reading fails where the text is not written as it is said to be.
pub(crate) struct Decoded<R> {
    input: R,
    charset: Charset,
    decoder: Option<encoding_rs::Decoder>,
    /// Bytes that are not decoded yet.
    raw: Vec<u8>,
    /// Text that is not handed out yet.
    text: Vec<u8>,
    at: usize,
    /// Bytes that were decoded.
    decoded: u64,
    is_done: bool,
}

impl<R: Read> Decoded<R> {
    pub(crate) fn new(input: R, charset: Charset) -> Self {
        let decoder = match charset {
            Charset::Known(encoding) => Some(encoding.new_decoder_without_bom_handling()),
            _ => None,
        };
        Self { input, charset, decoder, raw: Vec::new(), text: Vec::new(), at: 0, decoded: 0, is_done: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.text.clear();
        self.at = 0;
        let before = self.raw.len();
        self.input.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut self.raw)?;
        self.is_done = self.raw.len() == before;
        let taken = match (self.charset, &mut self.decoder) {
            (Charset::Utf32 { is_big }, _) => self.utf32(is_big)?,
            (_, Some(decoder)) => {
                let room = decoder.max_utf8_buffer_length_without_replacement(self.raw.len());
                self.text.resize(room.unwrap_or(self.raw.len() * 4 + 16), 0);
                let (result, read, written) =
                    decoder.decode_to_utf8_without_replacement(&self.raw, &mut self.text, self.is_done);
                self.text.truncate(written);
                if let DecoderResult::Malformed(..) = result {
                    return Err(wrong(self.charset, self.decoded + read as u64));
                }
                read
            }
            (_, None) => {
                self.text.extend(self.raw.iter().copied().map(char::from).collect::<String>().bytes());
                self.raw.len()
            }
        };
        self.raw.drain(..taken);
        self.decoded += taken as u64;
        Ok(())
    }

    /// Gives how many bytes were decoded.
    fn utf32(&mut self, is_big: bool) -> io::Result<usize> {
        let (units, rest) = self.raw.as_chunks::<4>();
        for (index, unit) in (0..).zip(units) {
            let Some(c) = utf32(*unit, is_big) else {
                return Err(wrong(self.charset, self.decoded + index * 4));
            };
            self.text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
        if self.is_done && !rest.is_empty() {
            return Err(wrong(self.charset, self.decoded + units.len() as u64 * 4));
        }
        Ok(units.len() * 4)
    }
}

fn wrong(charset: Charset, at: u64) -> io::Error {
    let name = charset.name();
    io::Error::new(io::ErrorKind::InvalidData, format!("near byte {at} the text is not {name}"))
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() && !self.is_done {
            self.fill()?;
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..length), rest.get(..length)) {
            to.copy_from_slice(from);
        }
        self.at += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(charset: Charset, bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        Decoded::new(bytes, charset).read_to_string(&mut text).map(|_| text)
    }

    /// Gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(1).min(buffer.len());
            buffer[..length].copy_from_slice(&self.0[..length]);
            self.0 = &self.0[length..];
            Ok(length)
        }
    }

    #[test]
    fn every_encoding_gives_its_characters() {
        let text = "id,näme\n1,€ 香 🧡\n";
        let utf16 = |to: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(to).collect::<Vec<u8>>();
        let utf32 = |to: fn(u32) -> [u8; 4]| text.chars().flat_map(|c| to(c as u32)).collect::<Vec<u8>>();
        for (name, bytes) in [
            ("utf-16le", utf16(u16::to_le_bytes)),
            ("utf-16be", utf16(u16::to_be_bytes)),
            ("UTF_32LE", utf32(u32::to_le_bytes)),
            ("utf-32be", utf32(u32::to_be_bytes)),
            ("utf-8", text.as_bytes().to_vec()),
        ] {
            let charset = Charset::named(name).unwrap();
            assert_eq!(decoded(charset, &bytes).unwrap(), text, "{name}");
            assert_eq!(charset.decode(&bytes).unwrap(), text, "{name}");
            let mut slow = String::new();
            Decoded::new(Slow(&bytes), charset).read_to_string(&mut slow).unwrap();
            assert_eq!(slow, text, "{name}");
            if name != "utf-8" {
                assert_eq!(Charset::of_zeros(&bytes), Some(charset), "{name}");
                assert_eq!(Charset::of_json(&bytes), charset, "{name}");
                assert!(decoded(charset, &bytes[..bytes.len() - 1]).is_err(), "{name} is cut off");
            }
        }
        assert_eq!(decoded(Charset::Latin1, b"caf\xe9\x80").unwrap(), "caf\u{e9}\u{80}");
        assert_eq!(decoded(Charset::named("cp1252").unwrap(), b"\x80").unwrap(), "€");
        assert_eq!(decoded(Charset::named("shift_jis").unwrap(), b"\x8d\x81").unwrap(), "香");
        assert!(decoded(Charset::named("gb18030").unwrap(), b"a\xff").is_err());
        assert_eq!(Charset::named("klingon"), None);
    }

    #[test]
    fn ordinary_texts_speak_of_no_other_encoding() {
        for text in ["", "a", "id,name\n1,a\n", "a\0b,c\n", "名前\n香\n"] {
            assert_eq!(Charset::of_zeros(text.as_bytes()), None, "{text:?}");
        }
    }
}
