//! Lines of lists from stencils: a line in which only words change from item to item is printed once, with made-up words in their
//! places, and cut at them.
//!
//! The template of a line may only show these words, escaped, and must ask nothing of them. Builds with debug assertions (all tests)
//! print each line as well and compare. Why: a tool's page has some twenty such lines, which were half of its steps
//! (docs/PERFORMANCE.md, "Site").

use std::sync::OnceLock;

use super::RenderError;
use super::html::{Markup, escape};

/// Made-up words for the places of a line; what begins them is in no template.
pub(super) const WORDS: [&str; 7] =
    ["qzline0", "qzline1", "qzline2", "qzline3", "qzline4", "qzline5", "qzline6"];
/// What they begin with; a digit follows.
const BEGIN: &str = "qzline";

/// A line, cut.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its own markup up to a word, and which word that is.
    pieces: Vec<(Box<str>, u8)>,
    /// What follows the last one.
    end: Box<str>,
}

impl Line {
    /// A line that was printed with [`WORDS`] in it.
    pub(super) fn cut(printed: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = printed;
        while let Some((own, word)) = rest.split_once(BEGIN) {
            let digit = word.as_bytes().first().and_then(|byte| byte.checked_sub(b'0'));
            let Some(digit) = digit.filter(|digit| usize::from(*digit) < WORDS.len()) else { break };
            pieces.push((own.into(), digit));
            rest = word.get(1..).unwrap_or_default();
        }
        Self { pieces, end: rest.into() }
    }

    /// Writes the line with these words, which are escaped.
    pub(super) fn put(&self, words: &[&str], out: &mut String) {
        self.put_as(words, escape, out);
    }

    /// The same with words escaped in another way.
    pub(super) fn put_as(&self, words: &[&str], escape: impl Fn(&str, &mut String), out: &mut String) {
        for (own, word) in &self.pieces {
            out.push_str(own);
            escape(words.get(usize::from(*word)).copied().unwrap_or_default(), out);
        }
        out.push_str(&self.end);
    }
}

/// One kind of line: made when it is first wanted.
#[derive(Debug, Default)]
pub(super) struct LineOnce(OnceLock<Line>);

impl LineOnce {
    /// Writes one line. `print` prints it with the words that it is given, and without any with its own.
    ///
    /// # Errors
    /// What `print` ends with.
    pub(super) fn put(
        &self,
        words: &[&str],
        out: &mut String,
        print: impl Fn(&[&str]) -> Result<Markup, RenderError>,
    ) -> Result<(), RenderError> {
        let line = match self.0.get() {
            Some(line) => line,
            None => {
                let made = Line::cut(print(&WORDS)?.as_str());
                self.0.get_or_init(|| made)
            }
        };
        let from = out.len();
        line.put(words, out);
        debug_assert_eq!(out.get(from..), Some(print(words)?.as_str()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_put_where_they_stood_and_escaped() {
        let printed = format!("<li><a href=\"{0}\">{1}</a> {1} <b>", WORDS[0], WORDS[1]);
        let line = Line::cut(&printed);
        let mut out = "before ".to_owned();
        line.put(&["a/b.html", "x < y & qzline0"], &mut out);
        assert_eq!(
            out,
            "before <li><a href=\"a/b.html\">x &lt; y &amp; qzline0</a> x &lt; y &amp; qzline0 <b>"
        );
    }

    #[test]
    fn a_line_without_words_stays() {
        let mut out = String::new();
        Line::cut("<li>qzline</li>").put(&["a"], &mut out);
        assert_eq!(out, "<li>qzline</li>");
    }
}
