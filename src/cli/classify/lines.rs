//! Lines of a stream from outside, each read up to a bound: a longer one costs itself, never the memory.

use std::io::{BufRead, Read};

/// One line: its number, from 1, and its bytes without the line feed; None where it is longer than the bound.
pub(super) type Line = (u64, Option<Vec<u8>>);

/// The lines of a stream, in order. Blank ones are counted and passed over.
pub(super) struct Lines<R> {
    from: R,
    most: usize,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Lines of at most `most` bytes.
    pub(super) fn new(from: R, most: usize) -> Self {
        Self { from, most, number: 0 }
    }

    fn read(&mut self) -> std::io::Result<Option<Line>> {
        loop {
            let mut bytes = Vec::new();
            let bound = (self.most as u64).saturating_add(1);
            if self.from.by_ref().take(bound).read_until(b'\n', &mut bytes)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if bytes.last() == Some(&b'\n') {
                bytes.pop();
            } else if bytes.len() > self.most {
                self.from.skip_until(b'\n')?;
                return Ok(Some((self.number, None)));
            }
            // Editors on some systems put a byte order mark in front of a file.
            if self.number == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
                bytes.drain(..3);
            }
            if !bytes.trim_ascii().is_empty() {
                return Ok(Some((self.number, Some(bytes))));
            }
        }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = std::io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8], most: usize) -> Vec<(u64, Option<String>)> {
        Lines::new(text, most)
            .map(|line| line.map(|(n, bytes)| (n, bytes.map(|b| String::from_utf8(b).unwrap()))).unwrap())
            .collect()
    }

    #[test]
    fn lines_keep_their_numbers_and_a_long_one_is_only_counted() {
        let line = |number, text: &str| (number, Some(text.to_owned()));
        assert_eq!(
            read(b"one\n\n   \r\nfour\nmuch too long\nfive5\nlast", 5),
            [line(1, "one"), line(4, "four"), (5, None), line(6, "five5"), line(7, "last")]
        );
        assert_eq!(read(b"much too long", 5), [(1, None)]);
        assert_eq!(read(b"", 5), []);
        assert_eq!(read("\u{feff}a\n\u{feff}".as_bytes(), 9), [line(1, "a"), line(2, "\u{feff}")]);
    }
}
