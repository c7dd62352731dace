//! A list of records, cut into its elements while its text comes in pieces.

use super::scan::{ValueScan, is_blank};

/// Elements of a list, each as one line: see [`ListSplitter`].
#[derive(Clone, Debug, Default)]
pub struct Elements {
    /// The lines. Line breaks of the document within an element are CRs here.
    pub text: Vec<u8>,
    /// Line and byte in the document at which each element begins, from 1.
    starts: Vec<(u64, u64)>,
    /// Where in `text` line breaks of the document were.
    breaks: Vec<u32>,
}

/// Text that is no list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListError {
    /// Line of the document, from 1.
    pub line: u64,
    /// Byte of the line, from 1.
    pub byte: u64,
    /// What is wrong there.
    pub message: String,
}

impl Elements {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Line and byte in the document at which the element with this number begins.
    pub fn start(&self, number: usize) -> Option<(u64, u64)> {
        self.starts.get(number).copied()
    }

    /// Line and byte in the document of a byte of `text` that belongs to the element with this number.
    pub fn place(&self, number: usize, at: usize) -> Option<(u64, u64)> {
        let (line, byte) = *self.starts.get(number)?;
        let before = self.text.get(..at)?;
        let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        let within = |offset: &&u32| (start..at).contains(&(**offset as usize));
        Some(match self.breaks.iter().rfind(within) {
            None => (line, byte + (at - start) as u64),
            Some(last) => {
                let lines = self.breaks.iter().filter(within).count() as u64;
                (line + lines, (at - *last as usize) as u64)
            }
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// Before the `[` that opens the list.
    Start,
    /// Behind the `[`.
    First,
    /// Behind a comma.
    Element,
    /// Within an element.
    Within,
    /// Behind an element.
    Behind,
    /// Behind the `]`.
    End,
}

/// Cuts a list into its elements, however its text is cut into pieces. What the elements are is for the parser to say.
#[derive(Clone, Debug)]
pub struct ListSplitter {
    state: State,
    value: ValueScan,
    /// Place of the next byte.
    line: u64,
    byte: u64,
    elements: Elements,
    /// Where in the text the element at hand begins.
    open: usize,
}

impl Default for ListSplitter {
    fn default() -> Self {
        Self {
            state: State::Start,
            value: ValueScan::default(),
            line: 1,
            byte: 1,
            elements: Elements::default(),
            open: 0,
        }
    }
}

impl ListSplitter {
    /// Takes the next piece of the text. Errors: it is no list of values; the elements before that are still there.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ListError> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.state == State::Within {
                let (length, is_done) = self.value.scan(bytes.get(at..).unwrap_or_default());
                self.take_piece(bytes.get(at..at + length).unwrap_or_default());
                at += length;
                if is_done {
                    self.close();
                }
                continue;
            }
            let wrong = match (self.state, byte) {
                (_, byte) if is_blank(byte) => None,
                (State::Start, b'[') => {
                    self.state = State::First;
                    None
                }
                (State::Start, _) => Some("a list of records starts with `[`"),
                (State::First, b']') | (State::Behind, b']') => {
                    self.state = State::End;
                    None
                }
                (State::First | State::Element, b',' | b']') => Some("a value is missing"),
                (State::First | State::Element, b'}' | b':') => Some("a value begins with another character"),
                (State::Behind, b',') => {
                    self.state = State::Element;
                    None
                }
                (State::Behind, _) => Some("expected `,` or `]` in a list of records"),
                (State::End, _) => Some("the list of records ends here, but more follows"),
                (State::First | State::Element | State::Within, _) => {
                    self.value = ValueScan::default();
                    self.open = self.elements.text.len();
                    self.elements.starts.push((self.line, self.byte));
                    self.state = State::Within;
                    continue;
                }
            };
            if let Some(message) = wrong {
                return Err(self.error(message));
            }
            self.pass(&[byte]);
            at += 1;
        }
        Ok(())
    }

    /// Says that the text is at its end. Errors: the list is not. A blank text is an empty list.
    pub fn finish(&self) -> Result<(), ListError> {
        match self.state {
            State::Start | State::End => Ok(()),
            State::Within => {
                let (line, byte) = self.elements.starts.last().copied().unwrap_or((self.line, self.byte));
                let message = "the file ends inside the record that begins here".to_owned();
                Err(ListError { line, byte, message })
            }
            _ => Err(self.error("the file ends inside its list of records")),
        }
    }

    /// Bytes of the elements that are whole.
    pub fn whole_bytes(&self) -> usize {
        if self.state == State::Within { self.open } else { self.elements.text.len() }
    }

    /// Bytes that were met of an element whose end was not.
    pub fn open_bytes(&self) -> usize {
        self.elements.text.len() - self.whole_bytes()
    }

    /// The elements that are whole; they are not given again.
    pub fn take(&mut self) -> Elements {
        let mut rest = Elements::default();
        if self.state == State::Within {
            rest.text = self.elements.text.split_off(self.open);
            rest.starts.extend(self.elements.starts.pop());
            let of_rest = self.elements.breaks.partition_point(|at| (*at as usize) < self.open);
            let moved = self.elements.breaks.split_off(of_rest);
            rest.breaks = moved.into_iter().map(|at| at - self.open as u32).collect();
            self.open = 0;
        }
        std::mem::replace(&mut self.elements, rest)
    }

    fn close(&mut self) {
        self.elements.text.push(b'\n');
        self.state = State::Behind;
    }

    fn take_piece(&mut self, piece: &[u8]) {
        let start = self.elements.text.len();
        self.elements.text.extend_from_slice(piece);
        for at in memchr::memchr_iter(b'\n', piece) {
            self.elements.text[start + at] = b'\r';
            self.elements.breaks.push((start + at) as u32);
        }
        self.pass(piece);
    }

    /// Moves the place on.
    fn pass(&mut self, bytes: &[u8]) {
        match memchr::memrchr(b'\n', bytes) {
            None => self.byte += bytes.len() as u64,
            Some(last) => {
                self.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
                self.byte = (bytes.len() - last) as u64;
            }
        }
    }

    fn error(&self, message: &str) -> ListError {
        ListError { line: self.line, byte: self.byte, message: message.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, cut: usize) -> Result<String, (u64, u64, String)> {
        let mut splitter = ListSplitter::default();
        let mut out = Vec::new();
        let placed = |error: ListError| (error.line, error.byte, error.message);
        for piece in text.as_bytes().chunks(cut) {
            splitter.feed(piece).map_err(placed)?;
            out.extend(splitter.take().text);
        }
        splitter.finish().map_err(placed)?;
        out.extend(splitter.take().text);
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn elements_are_lines_however_the_text_is_cut() {
        let text = "[1, {\"a\":[\"]\\\"\",\n2]} ,\n\"x,y\",[],\n null ]\n ";
        for cut in 1..text.len() {
            assert_eq!(split(text, cut).unwrap(), "1\n{\"a\":[\"]\\\"\",\r2]}\n\"x,y\"\n[]\nnull\n", "{cut}");
        }
        assert_eq!(split(" [ ] ", 1).unwrap(), "");
        assert_eq!(split(" \n ", 1).unwrap(), "");
    }

    #[test]
    fn what_is_no_list_is_named_with_its_place() {
        for (text, line, byte, message) in [
            ("[1,,2]", 1, 4, "a value is missing"),
            ("[1,\n]", 2, 1, "a value is missing"),
            ("[,1]", 1, 2, "a value is missing"),
            ("[1 2]", 1, 4, "expected `,` or `]`"),
            ("[1}", 1, 3, "expected `,` or `]`"),
            ("[\n{}}]", 2, 3, "expected `,` or `]`"),
            ("[:]", 1, 2, "another character"),
            ("[]\n[1]", 2, 1, "more follows"),
            ("[1]]", 1, 4, "more follows"),
            ("[1", 1, 2, "inside the record that begins here"),
            ("[\n {\"a\":\"x", 2, 2, "inside the record that begins here"),
            ("[1,", 1, 4, "inside its list"),
            ("[", 1, 2, "inside its list"),
            ("{}", 1, 1, "starts with `[`"),
        ] {
            for cut in 1..=text.len() {
                let found = split(text, cut).unwrap_err();
                assert_eq!((found.0, found.1), (line, byte), "{text:?}: {}", found.2);
                assert!(found.2.contains(message), "{text:?}: {}", found.2);
            }
        }
    }

    #[test]
    fn a_byte_of_an_element_has_its_place_in_the_document() {
        let text = "[\n {\"a\":\n  1},\n\n  {\"b\":\n\n x}]";
        for cut in 1..=text.len() {
            let mut splitter = ListSplitter::default();
            let mut last = Elements::default();
            for piece in text.as_bytes().chunks(cut) {
                splitter.feed(piece).unwrap();
                let taken = splitter.take();
                last = if taken.is_empty() { last } else { taken };
            }
            let at = last.text.iter().position(|byte| *byte == b'x').unwrap();
            assert_eq!(last.place(last.len() - 1, at), Some((7, 2)), "{cut}");
            let start = last.text.iter().rposition(|byte| *byte == b'{').unwrap();
            assert_eq!(last.place(last.len() - 1, start), Some((5, 3)), "{cut}");
        }
    }
}
