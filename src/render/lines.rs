//! Lines of lists from stencils: a line in which only words change from item to item is printed once, with made-up words in their
//! places, and cut at them.
//!
//! The template of a line may only show these words, escaped, and must ask nothing of them. One that does something else with them, which
//! somebody's own may, is seen by a second set of words, and its lines are printed one by one. Builds with debug assertions (all tests)
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
/// Words that a filter would change, in which everything is that is escaped somewhere. Plain lines (`model::text`).
const PROBES: [&str; 7] = [
    "Aa <b> & \"c\" 'd' 0_x",
    "Bb <b> & \"c\" 'd' 1-x",
    "Cc <b> & \"c\" 'd' 2.x",
    "Dd <b> & \"c\" 'd' 3/x",
    "Ee <b> & \"c\" 'd' 4:x",
    "Ff <b> & \"c\" 'd' 5\\x",
    "Gg <b> & \"c\" 'd' 6+x",
];

/// A line, cut.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its own markup up to a word, and which word that is.
    pieces: Vec<(Box<str>, u8)>,
    /// What follows the last one.
    end: Box<str>,
}

impl Line {
    /// A line from what prints it with the words it is given; None if its template does more with a word than show it as `escape` would.
    ///
    /// # Errors
    /// What `print` ends with.
    pub(super) fn of(
        print: impl Fn(&[&str]) -> Result<String, RenderError>,
        escape: impl Fn(&str, &mut String),
    ) -> Result<Option<Self>, RenderError> {
        let line = Self::cut(&print(&WORDS)?);
        let mut out = String::new();
        line.put_as(&PROBES, escape, &mut out);
        Ok((out == print(&PROBES)?).then_some(line))
    }

    /// A line that was printed with [`WORDS`] in it.
    fn cut(printed: &str) -> Self {
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
pub(super) struct LineOnce(OnceLock<Option<Line>>);

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
                let made = Line::of(|words| Ok(print(words)?.into_string()), escape)?;
                self.0.get_or_init(|| made)
            }
        };
        let from = out.len();
        match line {
            Some(line) => line.put(words, out),
            None => out.push_str(print(words)?.as_str()),
        }
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
    fn a_template_that_does_more_with_a_word_than_show_it_gives_no_line() {
        let escaped = |text: &str| {
            let mut out = String::new();
            escape(text, &mut out);
            out
        };
        let line = |print: &dyn Fn(&[&str]) -> String| Line::of(|words| Ok(print(words)), escape).unwrap();
        assert!(line(&|words| format!("<b>{}</b>", escaped(words[0]))).is_some());
        assert!(line(&|words| escaped(&words[0].to_uppercase())).is_none());
        assert!(line(&|words| escaped(&words[0].to_lowercase())).is_none());
        assert!(line(&|words| words[0].to_owned()).is_none());
        assert!(line(&|words| escaped(words[0].get(..3).unwrap())).is_none());
        assert!(line(&|words| words[1].len().to_string()).is_none());
        assert!(PROBES.iter().all(|word| crate::model::text::is_plain_line(word)));
    }

    #[test]
    fn a_line_without_words_stays() {
        let mut out = String::new();
        Line::cut("<li>qzline</li>").put(&["a"], &mut out);
        assert_eq!(out, "<li>qzline</li>");
    }
}
