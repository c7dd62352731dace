//! Reading a body: decoding it, and keeping it in memory or, if it is too large for that, in a file.

use std::fs::File;
use std::io::{self, Write};

use super::failure::Failure;
use super::response::Spooled;

/// Takes a body as it comes over the wire.
pub(super) struct BodyReader {
    decoder: Option<Decoder>,
    encoding: String,
    is_empty: bool,
}

impl BodyReader {
    /// A reader of a body in the encodings of its header, of this length if it is known. `in_memory` is how much is kept
    /// there.
    ///
    /// Errors: an encoding that is not known.
    pub(super) fn new(encoding: Option<&str>, length: Option<u64>, in_memory: u64) -> Result<Self, Failure> {
        let encoding = encoding.unwrap_or_default().trim().to_ascii_lowercase();
        // A server may announce what it never sends.
        let expected =
            length.filter(|length| *length <= in_memory).map_or(0, |length| length.min(1 << 20) as usize);
        let mut decoder =
            Decoder::Plain(Sink { memory: Vec::with_capacity(expected), file: None, bytes: 0, in_memory });
        // What was applied last is taken off first.
        for name in encoding.split(',').map(str::trim) {
            decoder = match name {
                "" | "identity" => decoder,
                "gzip" | "x-gzip" => {
                    Decoder::Gzip(Box::new(flate2::write::MultiGzDecoder::new(Box::new(decoder))))
                }
                "deflate" => Decoder::Deflate(Deflate {
                    start: Vec::new(),
                    state: DeflateState::Unknown(Box::new(decoder)),
                }),
                "zstd" => match zstd::stream::write::Decoder::new(Box::new(decoder)) {
                    Ok(decoder) => Decoder::Zstd(Box::new(decoder)),
                    Err(cause) => {
                        return Err(Failure::Encoding { encoding: encoding.clone(), cause: Some(cause) });
                    }
                },
                _ => return Err(Failure::Encoding { encoding, cause: None }),
            };
        }
        Ok(Self { decoder: Some(decoder), encoding, is_empty: true })
    }

    /// Takes the next bytes. Errors: they are not encoded so, or the file cannot be written.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.is_empty &= bytes.is_empty();
        let Some(decoder) = &mut self.decoder else { return Ok(()) };
        // A file grows by what one read of the network brings, which goes to the cache of the system: waiting for that
        // elsewhere would take longer.
        decoder.write_all(bytes).map_err(|cause| wrong(&self.encoding, cause))
    }

    /// The whole body, or the file it went to. Errors: it ends too early.
    pub(super) fn finish(mut self) -> Result<(Vec<u8>, Option<Spooled>), Failure> {
        // An answer without body may have the header all the same.
        let sink = match self.decoder.take() {
            Some(decoder) if !self.is_empty => {
                decoder.finish().map_err(|cause| wrong(&self.encoding, cause))?
            }
            _ => return Ok((Vec::new(), None)),
        };
        match sink.file {
            None => Ok((sink.memory, None)),
            Some(file) => Ok((Vec::new(), Some(Spooled::new(file, sink.bytes)))),
        }
    }
}

fn wrong(encoding: &str, cause: io::Error) -> Failure {
    let spool_failed = matches!(cause.get_ref(), Some(inner) if inner.is::<SpoolFailed>());
    if spool_failed || encoding.is_empty() {
        Failure::Spool(cause)
    } else {
        Failure::Encoding { encoding: encoding.to_owned(), cause: Some(cause) }
    }
}

/// Marks errors of the temporary file, which pass through the decoders.
#[derive(Debug, thiserror::Error)]
#[error("writing a temporary file: {0}")]
struct SpoolFailed(io::Error);

/// Where the decoded bytes go.
struct Sink {
    memory: Vec<u8>,
    file: Option<File>,
    bytes: u64,
    in_memory: u64,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        if self.file.is_none() && self.bytes > self.in_memory {
            let spool = |memory: &[u8]| {
                let mut file = tempfile::tempfile()?;
                file.write_all(memory)?;
                Ok(file)
            };
            self.file = Some(spool(&self.memory).map_err(|cause| io::Error::other(SpoolFailed(cause)))?);
            self.memory = Vec::new();
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes).map_err(|cause| io::Error::other(SpoolFailed(cause)))?,
            None => self.memory.extend_from_slice(bytes),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One layer of encoding over the next.
enum Decoder {
    Plain(Sink),
    Gzip(Box<flate2::write::MultiGzDecoder<Box<Decoder>>>),
    Deflate(Deflate),
    Zstd(Box<zstd::stream::write::Decoder<'static, Box<Decoder>>>),
}

impl Decoder {
    fn finish(self) -> io::Result<Sink> {
        match self {
            Self::Plain(sink) => Ok(sink),
            Self::Gzip(decoder) => decoder.finish()?.finish(),
            Self::Deflate(deflate) => deflate.finish()?.finish(),
            Self::Zstd(mut decoder) => {
                decoder.flush()?;
                decoder.into_inner().finish()
            }
        }
    }
}

impl Write for Decoder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(sink) => sink.write(bytes),
            Self::Gzip(decoder) => decoder.write(bytes),
            Self::Deflate(deflate) => deflate.write(bytes),
            Self::Zstd(decoder) => decoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(sink) => sink.flush(),
            Self::Gzip(decoder) => decoder.flush(),
            Self::Deflate(_) => Ok(()),
            Self::Zstd(decoder) => decoder.flush(),
        }
    }
}

/// `deflate` is meant to be zlib's format, but some servers send the bare stream: the first two bytes tell.
struct Deflate {
    start: Vec<u8>,
    state: DeflateState,
}

enum DeflateState {
    Unknown(Box<Decoder>),
    Zlib(flate2::write::ZlibDecoder<Box<Decoder>>),
    Bare(flate2::write::DeflateDecoder<Box<Decoder>>),
    Done,
}

impl Deflate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if matches!(self.state, DeflateState::Unknown(_)) {
            self.start.extend_from_slice(bytes);
            if self.start.len() >= 2 {
                self.begin()?;
            }
            return Ok(bytes.len());
        }
        self.write_on(bytes)?;
        Ok(bytes.len())
    }

    fn begin(&mut self) -> io::Result<()> {
        let start = std::mem::take(&mut self.start);
        if let DeflateState::Unknown(next) = std::mem::replace(&mut self.state, DeflateState::Done) {
            let is_zlib = matches!(start[..], [first, second, ..]
                if first & 0x0f == 8 && (u16::from(first) * 256 + u16::from(second)) % 31 == 0);
            self.state = if is_zlib {
                DeflateState::Zlib(flate2::write::ZlibDecoder::new(next))
            } else {
                DeflateState::Bare(flate2::write::DeflateDecoder::new(next))
            };
        }
        self.write_on(&start)
    }

    fn write_on(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.state {
            DeflateState::Zlib(decoder) => decoder.write_all(bytes),
            DeflateState::Bare(decoder) => decoder.write_all(bytes),
            DeflateState::Unknown(_) | DeflateState::Done => Ok(()),
        }
    }

    fn finish(mut self) -> io::Result<Box<Decoder>> {
        if matches!(self.state, DeflateState::Unknown(_)) {
            self.begin()?;
        }
        match self.state {
            DeflateState::Zlib(decoder) => decoder.finish(),
            DeflateState::Bare(decoder) => decoder.finish(),
            DeflateState::Unknown(next) => Ok(next),
            DeflateState::Done => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    const TEXT: &[u8] = b"[{\"id\":1},{\"id\":2},{\"id\":3}]";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn bare(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn read(encoding: &str, bytes: &[u8], piece: usize, in_memory: u64) -> Result<Vec<u8>, Failure> {
        let mut reader = BodyReader::new(Some(encoding), Some(bytes.len() as u64), in_memory)?;
        for piece in bytes.chunks(piece) {
            reader.take(piece)?;
        }
        let (mut body, spooled) = reader.finish()?;
        if let Some(spooled) = spooled {
            assert!(body.is_empty());
            spooled.open().unwrap().read_to_end(&mut body).unwrap();
            assert_eq!(body.len() as u64, spooled.bytes());
        }
        Ok(body)
    }

    #[test]
    fn bodies_are_decoded_piece_by_piece() {
        let zstd = zstd::encode_all(TEXT, 1).unwrap();
        let twice = gzip(&zlib(TEXT));
        let cases = [
            ("", TEXT.to_vec()),
            ("identity", TEXT.to_vec()),
            ("GZIP", gzip(TEXT)),
            ("deflate", zlib(TEXT)),
            ("deflate", bare(TEXT)),
            ("zstd", zstd),
            ("deflate, gzip", twice),
        ];
        for (encoding, bytes) in cases {
            for piece in [1, 3, 1000] {
                for in_memory in [5, 1000] {
                    assert_eq!(read(encoding, &bytes, piece, in_memory).unwrap(), TEXT, "{encoding} {piece}");
                }
            }
            assert_eq!(read(encoding, b"", 1, 10).unwrap(), b"", "{encoding}");
        }
    }

    #[test]
    fn what_is_not_encoded_as_it_says_is_an_error() {
        for encoding in ["gzip", "deflate", "zstd", "br"] {
            let failure = read(encoding, b"\x00\x01<html>", 4, 1000).unwrap_err();
            assert!(failure.to_string().contains(encoding), "{failure}");
        }
        let cut = &gzip(TEXT)[..20];
        assert!(matches!(read("gzip", cut, 7, 1000), Err(Failure::Encoding { .. })));
    }
}
