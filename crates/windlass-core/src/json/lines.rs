//! Lines of a chunk: where each non-blank one starts and ends.

/// A line that is not blank, without its line break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// First byte in the chunk.
    pub start: u32,
    /// Byte behind the last.
    pub end: u32,
    /// 0-based number in the chunk, blank lines counted.
    pub number: u32,
}

/// The non-blank lines of a chunk.
#[derive(Clone, Debug, Default)]
pub struct LineIndex {
    /// The lines in order.
    pub lines: Vec<Line>,
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

impl LineIndex {
    /// Finds the lines of `bytes`, which is shorter than 4 GiB.
    pub fn fill(&mut self, bytes: &[u8]) {
        self.lines.clear();
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', bytes).chain(std::iter::once(bytes.len()));
        for (number, end) in ends.enumerate() {
            let line = &bytes[start..end];
            // Nearly every line starts with its record, so the scan for a blank line ends at the first byte.
            if line.iter().any(|&byte| !is_blank(byte)) {
                self.lines.push(Line { start: start as u32, end: end as u32, number: number as u32 });
            }
            start = end + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_count_but_are_left_out() {
        let mut index = LineIndex::default();
        index.fill(b"a\r\n\n  \nbc\n");
        let lines: Vec<_> = index.lines.iter().map(|line| (line.start, line.end, line.number)).collect();
        assert_eq!(lines, [(0, 2, 0), (7, 9, 3)]);
        index.fill(b"");
        assert!(index.lines.is_empty());
    }
}
