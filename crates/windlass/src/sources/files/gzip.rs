//! Gzip files as `gzip` itself reads them: members one behind the other, with zeros behind the last.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Unpacks all members.
pub(super) struct Gzip<R> {
    /// `None` at the end.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Gzip<R> {
    pub(super) fn new(packed: R) -> Self {
        Self { member: Some(GzDecoder::new(packed)) }
    }
}

/// Leaves zeros out, which tapes and some tools fill the last block with; gives whether anything follows.
fn skip_zeros(packed: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let ahead = packed.fill_buf()?;
        let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
        let has_more = zeros < ahead.len();
        if has_more || ahead.is_empty() {
            packed.consume(zeros);
            return Ok(has_more);
        }
        packed.consume(zeros);
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(member) = &mut self.member else { return Ok(0) };
            let count = member.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let mut packed = match self.member.take() {
                Some(member) => member.into_inner(),
                None => return Ok(0),
            };
            if skip_zeros(&mut packed)? {
                self.member = Some(GzDecoder::new(packed));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn packed(text: &str) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        Gzip::new(io::BufReader::with_capacity(7, bytes)).read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn members_and_zeros_behind_them_are_read() {
        assert_eq!(unpacked(&[packed("a"), packed(""), packed("b")].concat()).unwrap(), "ab");
        for zeros in [1, 6, 7, 8, 512] {
            assert_eq!(unpacked(&[packed("a"), vec![0; zeros]].concat()).unwrap(), "a", "{zeros}");
            assert_eq!(
                unpacked(&[packed("a"), vec![0; zeros], packed("b")].concat()).unwrap(),
                "ab",
                "{zeros}"
            );
        }
    }

    #[test]
    fn anything_else_behind_a_member_is_an_error() {
        unpacked(&[packed("a"), b"x".to_vec()].concat()).unwrap_err();
        unpacked(&[packed("a"), vec![0; 3], b"x".to_vec()].concat()).unwrap_err();
        let whole = packed("some text that is cut off");
        unpacked(&whole[..whole.len() - 3]).unwrap_err();
    }
}
