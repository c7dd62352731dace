//! Records on their way through a program of a user's, which knows no typed strings.

use hashbrown::HashMap;

use super::sanitize::{Strings, rewrite};
use super::tape::{Node, NodePosition, StaticNode, Tape};
use super::text::write_plain;
use crate::value::{Tag, json_double, strip_tag};

/// The typed values of a record by what a program sees in their place: texts, and numbers for decimals.
///
/// What comes out of the program as it went in has its type again, unless another value of the record looks the same.
#[derive(Debug, Default)]
pub struct TypedValues {
    /// The typed string; `None` where it cannot be told from another value.
    by_look: HashMap<String, Option<String>>,
}

impl TypedValues {
    /// Appends a record as JSON for a program, and notes its typed values in place of those before.
    pub fn write(&mut self, out: &mut String, tape: &Tape<'_>, record: NodePosition) {
        self.by_look.clear();
        if tape.is_typed {
            self.note(tape, record);
        }
        write_plain(out, tape, record);
    }

    fn note(&mut self, tape: &Tape<'_>, record: NodePosition) {
        let mut number = String::new();
        for node in &tape.nodes[record as usize..tape.next(record) as usize] {
            match *node {
                Node::String(text) => match strip_tag(text) {
                    Some((Tag::Number, _)) => {}
                    Some((Tag::Text, body)) => self.add(body, None),
                    Some((tag, body)) => self.add(look(tag, body), Some(text)),
                    None => self.add(text, None),
                },
                Node::Static(StaticNode::I64(value)) => self.add(&value.to_string(), None),
                Node::Static(StaticNode::U64(value)) => self.add(&value.to_string(), None),
                Node::Static(StaticNode::F64(value)) => {
                    number.clear();
                    json_double(&mut number, value);
                    self.add(&number, None);
                }
                _ => {}
            }
        }
    }

    fn add(&mut self, look: &str, typed: Option<&str>) {
        match self.by_look.get_mut(look) {
            Some(known) if known.as_deref() != typed => *known = None,
            Some(_) => {}
            None => drop(self.by_look.insert(look.to_owned(), typed.map(str::to_owned))),
        }
    }

    /// The typed string that looks like this.
    pub(super) fn typed(&self, look: &str) -> Option<&str> {
        self.by_look.get(look)?.as_deref()
    }

    /// Appends lines that a program wrote as lines of typed JSON. What is not JSON is left as it is.
    pub fn read(&self, lines: &[u8], out: &mut Vec<u8>) {
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let before = out.len();
            if rewrite(line, Strings::Plain, out, None, Some(self)).is_err() {
                out.truncate(before);
                out.extend_from_slice(line);
            }
            out.push(b'\n');
        }
    }
}

/// What a program sees of a typed string.
pub(super) fn look(tag: Tag, body: &str) -> &str {
    match tag {
        Tag::ColumnDecimal => body.split_once(';').map_or(body, |(_, number)| number),
        _ => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{ParseBuffers, write_compact};
    use crate::value::DataType;

    fn seen_and_read(
        line: &str,
        change: impl Fn(String) -> String,
    ) -> (String, String, Vec<Option<DataType>>) {
        let mut buffers = ParseBuffers::new();
        let parsed = buffers.parse_typed_value(line.as_bytes()).unwrap();
        let (mut values, mut seen, mut out) = (TypedValues::default(), String::new(), Vec::new());
        values.write(&mut seen, &parsed.tape, 0);
        values.read(change(seen.clone()).as_bytes(), &mut out);
        let mut buffers = ParseBuffers::new();
        let parsed = buffers.parse_typed_lines(&out).unwrap();
        let mut read = String::new();
        write_compact(&mut read, &parsed.tape, parsed.rows[0].node);
        let types = parsed.tape.members(parsed.rows[0].node).map(|(_, value)| parsed.tape.data_type(value));
        (seen, read, types.collect())
    }

    #[test]
    fn a_program_sees_texts_and_numbers_and_what_it_leaves_keeps_its_type() {
        let line = "{\"d\":\"\u{f028}2024-01-01\",\"n\":\"\u{f030}10,2;1.50\",\"t\":\"\u{f02f}\u{f026}1\",\"b\":\"\u{f02b}YQ==\"}";
        let (seen, read, types) = seen_and_read(line, |seen| seen);
        assert_eq!(seen, "{\"d\":\"2024-01-01\",\"n\":1.50,\"t\":\"\u{f026}1\",\"b\":\"YQ==\"}");
        assert_eq!(read, "{\"d\":\"2024-01-01\",\"n\":\"1.50\",\"t\":\"\u{f026}1\",\"b\":\"YQ==\"}");
        let kept = [DataType::Date, DataType::Decimal, DataType::Text, DataType::Binary];
        assert_eq!(types, kept.map(Some));
        let (_, _, types) =
            seen_and_read(line, |seen| seen.replace("1.50", "3").replace("2024-01-01", "later"));
        assert_eq!(types, [DataType::Text, DataType::Bigint, DataType::Text, DataType::Binary].map(Some));
    }

    #[test]
    fn what_looks_like_another_value_has_no_type_of_its_own() {
        let line = "{\"d\":\"\u{f028}2024-01-01\",\"t\":\"2024-01-01\",\"n\":\"\u{f026}5\",\"i\":5}";
        let (_, read, types) = seen_and_read(line, |seen| seen);
        assert_eq!(read, "{\"d\":\"2024-01-01\",\"t\":\"2024-01-01\",\"n\":5,\"i\":5}");
        assert_eq!(types, [DataType::Text, DataType::Text, DataType::Bigint, DataType::Bigint].map(Some));
    }
}
