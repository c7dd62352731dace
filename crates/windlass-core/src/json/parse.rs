//! From bytes to a tape: one SIMD pass over a whole chunk of lines, checked against the lines.

use simd_json::{INPUT_PADDING, fill_tape_padded};

use super::lines::{Line, LineIndex};
use super::sanitize::{Floats, Strings, SyntaxError, rewrite};
use super::tape::{Node, NodePosition, StaticNode, Tape};
use super::{MAX_DEPTH, Select};
use crate::error::{Error, Result};

/// The memory of a parser, reused from chunk to chunk.
pub struct ParseBuffers {
    /// Copy of the chunk as one JSON array; strings are unescaped in place.
    scratch: Vec<u8>,
    /// The same after [`sanitize`], for chunks that need it.
    clean: Vec<u8>,
    simd: simd_json::Buffers,
    memory: Option<simd_json::Tape<'static>>,
    lines: LineIndex,
    /// The floats of `clean`, where their texts are asked for.
    floats: Option<Floats>,
}

/// One record of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedRow {
    /// Its position in the tape.
    pub node: NodePosition,
    /// Its number: the line of a chunk of lines, the index in a list of records.
    pub ordinal: u32,
}

/// A record that is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// Line of the chunk, from 0.
    pub ordinal: u32,
    /// First byte of the line in the chunk, and the byte behind its last.
    pub span: (u32, u32),
    /// What is wrong, and at which byte of the line.
    pub error: SyntaxError,
}

/// A chunk as a tape. Borrows from the [`ParseBuffers`].
#[derive(Debug)]
pub struct Parsed<'a> {
    /// The values.
    pub tape: Tape<'a>,
    /// The records, in the order of the input.
    pub rows: Vec<ParsedRow>,
    /// What could not be read, in the order of the input.
    pub bad: Vec<BadRecord>,
}

/// Memory of a tape that is no longer used.
pub struct TapeMemory(simd_json::Tape<'static>);

impl TapeMemory {
    /// An empty tape with this memory.
    pub(crate) fn into_tape<'a>(self) -> Tape<'a> {
        Tape::plain(self.0.reset().0)
    }
}

impl Parsed<'_> {
    /// Gives the memory of the tape back for [`ParseBuffers::restore`].
    pub fn into_memory(self) -> TapeMemory {
        TapeMemory(simd_json::Tape(self.tape.nodes).reset())
    }
}

impl Default for ParseBuffers {
    fn default() -> Self {
        Self::new()
    }
}

impl ParseBuffers {
    /// Buffers that grow with the first chunk.
    pub fn new() -> Self {
        Self {
            scratch: Vec::new(),
            clean: Vec::new(),
            simd: simd_json::Buffers::with_max_depth(0, MAX_DEPTH + 2),
            memory: None,
            lines: LineIndex::default(),
            floats: None,
        }
    }

    /// Whether the tape is to hold the texts of floats that a float does not hold exactly. It takes longer, since the
    /// fast parser makes no such texts.
    pub fn keep_literals(&mut self, keep: bool) {
        self.floats = keep.then(Floats::default);
    }

    /// Takes back the memory of a tape, so that the next chunk does not allocate.
    pub fn restore(&mut self, memory: TapeMemory) {
        self.memory = Some(memory.0);
    }

    /// Parses a chunk of lines, each holding one JSON value. Blank lines are skipped.
    ///
    /// Two lines are never taken for one record, even if they would join into valid JSON. A chunk is shorter than
    /// 2 GiB. Errors: none for bad records, which are listed in [`Parsed::bad`].
    pub fn parse_lines(&mut self, bytes: &[u8]) -> Result<Parsed<'_>> {
        self.parse_lines_of(bytes, Strings::Plain)
    }

    /// The same for lines of typed JSON, which the engine wrote.
    pub fn parse_typed_lines(&mut self, bytes: &[u8]) -> Result<Parsed<'_>> {
        self.parse_lines_of(bytes, Strings::Typed)
    }

    fn parse_lines_of(&mut self, bytes: &[u8], strings: Strings) -> Result<Parsed<'_>> {
        self.lines.fill(bytes);
        self.scratch.clear();
        self.scratch.reserve(bytes.len() + 2 + INPUT_PADDING);
        self.scratch.push(b'[');
        self.scratch.extend_from_slice(bytes);
        self.scratch.push(b']');
        let Some((_, all_but_last)) = self.lines.lines.split_last() else {
            return Ok(Parsed { tape: Tape::empty(), rows: Vec::new(), bad: Vec::new() });
        };
        for line in all_but_last {
            self.scratch[1 + line.end as usize] = b',';
        }
        let mut rows = Vec::with_capacity(self.lines.lines.len());
        let base = self.scratch.as_ptr() as usize + 1;
        let mut memory = self.memory.take();
        if self.floats.is_none()
            && let Ok(mut tape) = fill(&mut self.scratch, &mut self.simd, memory.take())
        {
            if rows_of_lines(&tape, &self.lines.lines, bytes, base, &mut rows) {
                tape.is_typed = strings == Strings::Typed;
                return Ok(Parsed { tape, rows, bad: Vec::new() });
            }
            memory = Some(simd_json::Tape(tape.nodes).reset());
        }
        rows.clear();
        let (clean, floats) = (&mut self.clean, &mut self.floats);
        let bad = sanitize_lines(&self.lines.lines, bytes, strings, clean, floats.as_mut(), &mut rows);
        let mut tape = fill(clean, &mut self.simd, memory)?;
        complete(&mut tape, floats.as_mut());
        let mut at = 1;
        for row in &mut rows {
            row.node = at;
            at = tape.next(at);
        }
        if at as usize != tape.len() {
            return Err(Error::internal("the strict and the fast JSON parser disagree"));
        }
        Ok(Parsed { tape, rows, bad })
    }

    /// Parses one JSON value of any kind; it is the only row. Errors: it is not JSON; the byte is in the error.
    pub fn parse_value(&mut self, bytes: &[u8]) -> Result<Parsed<'_>, SyntaxError> {
        self.parse_value_of(bytes, Strings::Plain)
    }

    /// The same for a value of typed JSON, which the engine wrote.
    pub fn parse_typed_value(&mut self, bytes: &[u8]) -> Result<Parsed<'_>, SyntaxError> {
        self.parse_value_of(bytes, Strings::Typed)
    }

    fn parse_value_of(&mut self, bytes: &[u8], strings: Strings) -> Result<Parsed<'_>, SyntaxError> {
        self.scratch.clear();
        self.scratch.extend_from_slice(bytes);
        let rows = vec![ParsedRow { node: 0, ordinal: 0 }];
        if self.floats.is_none()
            && let Ok(mut tape) = fill(&mut self.scratch, &mut self.simd, self.memory.take())
        {
            tape.is_typed = strings == Strings::Typed;
            return Ok(Parsed { tape, rows, bad: Vec::new() });
        }
        self.clean.clear();
        let mut floats = self.floats.as_mut();
        if let Some(floats) = &mut floats {
            floats.clear();
        }
        rewrite(bytes, strings, &mut self.clean, floats.as_deref_mut(), None)?;
        match fill(&mut self.clean, &mut self.simd, None) {
            Ok(mut tape) => {
                complete(&mut tape, floats);
                Ok(Parsed { tape, rows, bad: Vec::new() })
            }
            Err(error) => Err(SyntaxError { at: 0, message: error.message().to_owned() }),
        }
    }

    /// Parses one document and finds its records.
    pub fn parse_document(&mut self, bytes: &[u8], select: &Select) -> Result<Parsed<'_>, SyntaxError> {
        let mut parsed = self.parse_value(bytes)?;
        let mut records = Vec::new();
        select.records(&parsed.tape, 0, &mut records);
        parsed.rows = (0..).zip(records).map(|(ordinal, node)| ParsedRow { node, ordinal }).collect();
        Ok(parsed)
    }
}

/// Makes the tape of a rewritten text say what was rewritten.
fn complete(tape: &mut Tape<'_>, floats: Option<&mut Floats>) {
    tape.is_typed = true;
    let Some(floats) = floats else { return };
    let mut inexact = floats.take_inexact().into_iter().peekable();
    let mut number = 0;
    for (position, node) in (0..).zip(&tape.nodes) {
        let Some((next, _)) = inexact.peek() else { break };
        if matches!(node, Node::Static(StaticNode::F64(_))) {
            if number == *next
                && let Some((_, literal)) = inexact.next()
            {
                tape.literals.push((position, literal));
            }
            number += 1;
        }
    }
}

/// Rewrites each line by itself into one JSON array; bad ones are left out and listed.
fn sanitize_lines(
    lines: &[Line],
    bytes: &[u8],
    strings: Strings,
    clean: &mut Vec<u8>,
    mut floats: Option<&mut Floats>,
    rows: &mut Vec<ParsedRow>,
) -> Vec<BadRecord> {
    let mut bad = Vec::new();
    clean.clear();
    clean.push(b'[');
    if let Some(floats) = &mut floats {
        floats.clear();
    }
    for line in lines {
        let before = (clean.len(), floats.as_ref().map(|floats| floats.mark()));
        let text = &bytes[line.start as usize..line.end as usize];
        match rewrite(text, strings, clean, floats.as_deref_mut(), None) {
            Ok(()) => {
                rows.push(ParsedRow { node: 0, ordinal: line.number });
                clean.push(b',');
            }
            Err(error) => {
                clean.truncate(before.0);
                if let (Some(floats), Some(mark)) = (&mut floats, before.1) {
                    floats.take_back(mark);
                }
                bad.push(BadRecord { ordinal: line.number, span: (line.start, line.end), error });
            }
        }
    }
    match clean.last_mut() {
        Some(last) if *last == b',' => *last = b']',
        _ => clean.push(b']'),
    }
    bad
}

/// Runs the SIMD parser over the scratch buffer.
fn fill<'a>(
    scratch: &'a mut Vec<u8>,
    simd: &mut simd_json::Buffers,
    memory: Option<simd_json::Tape<'static>>,
) -> Result<Tape<'a>> {
    let len = scratch.len();
    scratch.resize(len + INPUT_PADDING, b' ');
    let mut tape: simd_json::Tape<'a> = memory.unwrap_or_else(simd_json::Tape::null).reset();
    fill_tape_padded(scratch, len, simd, &mut tape)
        .map_err(|cause| Error::internal("the JSON parser refused a checked text").with_source(cause))?;
    Ok(Tape::plain(tape.0))
}

/// Whether row k is what stands in line k, for every k. Fills in the rows.
///
/// A row is an object whose first key stands where the first key of its line stands. Since rows follow each other
/// with one comma between, and only the line breaks were made commas, each row then lies within its own line.
fn rows_of_lines(
    tape: &Tape<'_>,
    lines: &[Line],
    bytes: &[u8],
    base: usize,
    rows: &mut Vec<ParsedRow>,
) -> bool {
    match tape.nodes.first() {
        Some(Node::Array { len, .. }) if *len == lines.len() => {}
        _ => return false,
    }
    let mut at = 1;
    for line in lines {
        let text = &bytes[line.start as usize..line.end as usize];
        let brace = text.iter().position(|&byte| byte == b'{').filter(|&brace| is_blank(&text[..brace]));
        let Some(brace) = brace else { return false };
        let after = &text[brace + 1..];
        let key = after.iter().position(|byte| !is_blank(&[*byte]));
        let fits = match tape.nodes[at as usize] {
            Node::Object { len: 0, .. } => {
                key.is_some_and(|key| after[key] == b'}' && is_blank(&after[key + 1..]))
            }
            Node::Object { .. } => match (tape.nodes.get(at as usize + 1), key) {
                (Some(Node::String(first)), Some(key)) => {
                    let expected = base + line.start as usize + brace + 1 + key + 1;
                    after[key] == b'"' && first.as_ptr() as usize == expected
                }
                _ => false,
            },
            _ => false,
        };
        if !fits {
            return false;
        }
        rows.push(ParsedRow { node: at, ordinal: line.number });
        at = tape.next(at);
    }
    true
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::write_compact;

    fn check(text: &str) -> (Vec<String>, Vec<(u32, usize)>) {
        let mut buffers = ParseBuffers::new();
        let parsed = buffers.parse_lines(text.as_bytes()).unwrap();
        let rows = parsed.rows.iter().map(|row| {
            let mut out = format!("{} ", row.ordinal);
            write_compact(&mut out, &parsed.tape, row.node);
            out
        });
        (rows.collect(), parsed.bad.iter().map(|bad| (bad.ordinal, bad.error.at)).collect())
    }

    #[test]
    fn lines_become_rows() {
        let (rows, bad) = check("{\"a\":1}\r\n\n  {\"b\": \"x\\ny\"}\n{}\n");
        assert_eq!(rows, ["0 {\"a\":1}", "2 {\"b\":\"x\\ny\"}", "3 {}"]);
        assert_eq!(bad, []);
    }

    #[test]
    fn rows_that_are_no_objects_are_rows_too() {
        let (rows, bad) = check("1\n[1,2]\n\"x\"\nnull\n");
        assert_eq!(rows, ["0 1", "1 [1,2]", "2 \"x\"", "3 null"]);
        assert_eq!(bad, []);
    }

    #[test]
    fn two_broken_lines_never_join_into_one_record() {
        for text in [
            "{\"a\":1\n\"b\":2}\n",
            "{\"a\":1\n\"b\":2},{\"c\":3}\n",
            "{\"a\":[{}\n{\"b\":1}]},{\"c\":2}\n",
            "{\"a\":[{}\n{}]}\n",
            "{\"a\":\"x\ny\"}\n",
            "1,2\n3\n",
        ] {
            let (rows, bad) = check(text);
            assert!(!bad.is_empty(), "{text:?} gave {rows:?}");
            assert!(rows.len() + bad.len() == 2);
        }
        let (rows, bad) = check("{\"a\":1},{\"b\":2}\n{\"c\":3}\n");
        assert_eq!((rows, bad), (vec!["1 {\"c\":3}".to_owned()], vec![(0, 7)]));
    }

    #[test]
    fn one_bad_line_leaves_the_others() {
        let (rows, bad) = check("{\"a\":1}\n{\"a\":\n{\"a\":12345678901234567890123}\n");
        assert_eq!(rows, ["0 {\"a\":1}", "2 {\"a\":12345678901234567890123}"]);
        assert_eq!(bad, [(1, 5)]);
    }

    #[test]
    fn floats_keep_their_texts_where_these_are_asked_for() {
        let text = "{\"a\":123456789012.123456789,\"b\":[0.5,1e400,12345678901234567890.5]}\n{\"a\":\n\n{\"a\":0.1}\n\
                    {\"a\":1.00000000000000000001e2}\n";
        let literals = |bytes: &[u8]| {
            let mut buffers = ParseBuffers::new();
            buffers.keep_literals(true);
            let parsed = buffers.parse_lines(bytes).unwrap();
            let texts = |(position, text): &(u32, Box<str>)| {
                assert!(matches!(parsed.tape.nodes[*position as usize], Node::Static(StaticNode::F64(_))));
                text.to_string()
            };
            parsed.tape.literals.iter().map(texts).collect::<Vec<_>>()
        };
        let kept = ["123456789012.123456789", "12345678901234567890.5", "1.00000000000000000001e2"];
        assert_eq!(literals(text.as_bytes()), kept);
        assert_eq!(literals(b"{\"a\":[1.5,0.1,1e3,-0.0,123456789012345.6]}\n"), [""; 0]);
    }

    #[test]
    fn texts_that_begin_like_tags_are_texts_whatever_else_is_in_the_chunk() {
        for rest in ["", ",\"n\":NaN", ",\"n\":18446744073709551616"] {
            for text in ["\u{f026}1.5", "\\uf027x", "\u{f02f}\u{f026}1", "\\uF02f1", "\u{f02e}"] {
                let line = format!("{{\"a\":\"{text}\"{rest}}}\n");
                let mut buffers = ParseBuffers::new();
                let parsed = buffers.parse_lines(line.as_bytes()).unwrap();
                let expected: String = serde_json::from_str(&format!("\"{text}\"")).unwrap();
                let node = parsed.tape.member(parsed.rows[0].node, "a").unwrap();
                assert_eq!(parsed.tape.scalar(node), crate::value::Scalar::Text(expected.into()), "{line}");
            }
        }
    }

    #[test]
    fn deep_records_parse_without_recursion() {
        let deep = format!("{{\"a\":{}1{}}}\n", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(check(&deep).0.len(), 1);
    }
}
