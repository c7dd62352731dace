//! Finds where a JSON value ends while its text comes in pieces.

/// How far a scan over one value has come. It finds the end of the value and checks nothing else.
#[derive(Clone, Debug, Default)]
pub struct ValueScan {
    depth: usize,
    is_string: bool,
    is_escaped: bool,
    is_started: bool,
}

impl ValueScan {
    /// Scans on; gives how many bytes belong to the value and whether it ends there.
    pub fn scan(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.is_string {
                if self.is_escaped {
                    self.is_escaped = false;
                    at += 1;
                    continue;
                }
                let rest = bytes.get(at..).unwrap_or_default();
                let Some(next) = memchr::memchr2(b'"', b'\\', rest) else { return (bytes.len(), false) };
                at += next;
                if bytes.get(at) == Some(&b'\\') {
                    self.is_escaped = true;
                } else {
                    self.is_string = false;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                at += 1;
                continue;
            }
            match byte {
                b'"' if self.depth == 0 && self.is_started => return (at, true),
                b'"' => self.is_string = true,
                b'{' | b'[' if self.depth == 0 && self.is_started => return (at, true),
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                b',' | b']' | b'}' | b':' if self.depth == 0 => return (at, true),
                byte if self.depth == 0 && is_blank(byte) => return (at, true),
                _ => {}
            }
            self.is_started = true;
            at += 1;
        }
        (bytes.len(), false)
    }

    /// Whether anything of the value was met.
    pub fn is_started(&self) -> bool {
        self.is_started
    }

    /// Whether the value is whole if the text ends here, which numbers and words are.
    pub fn is_whole(&self) -> bool {
        self.is_started && self.depth == 0 && !self.is_string
    }
}

/// What may stand between the tokens of JSON.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Appends a value as one line. Its line breaks become CRs: between tokens these mean the same, and inside a string
/// neither is allowed, so that the parser finds the broken record.
pub fn push_line(text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(text);
    for at in memchr::memchr_iter(b'\n', text) {
        out[start + at] = b'\r';
    }
    out.push(b'\n');
}
