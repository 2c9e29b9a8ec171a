//! Lines of lists from stencils: a line in which only words change from item to item is printed once, with made-up words in their
//! places, and cut at them.
//!
//! The template of a line may only show these words, escaped, and must ask nothing of them. One that does something else with them, which
//! somebody's own may, is seen by a second set of words, and its lines are printed one by one. Builds with debug assertions (all tests)
//! print each line as well and compare. Why: a tool's page has some twenty such lines, which were half of its steps
//! (docs/PERFORMANCE.md, "Site").

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, LazyLock, OnceLock, RwLock};

use foldhash::fast::RandomState;

use super::RenderError;
use super::html::{Markup, escape};

/// Most words of a line.
pub(super) const MOST_WORDS: usize = 16;
/// Most kinds of one sort of line that are kept; lines of any other are printed.
const MOST_KINDS: usize = 4_096;
/// Made-up words for the places of a line; what begins them is in no template.
const WORDS: [&str; MOST_WORDS] = [
    "qzline0", "qzline1", "qzline2", "qzline3", "qzline4", "qzline5", "qzline6", "qzline7", "qzline8",
    "qzline9", "qzlinea", "qzlineb", "qzlinec", "qzlined", "qzlinee", "qzlinef",
];
/// What they begin with; a hexadecimal digit follows.
const BEGIN: &str = "qzline";
/// Words that a filter would change, in which everything is that is escaped somewhere. Plain lines (`model::text`).
static PROBES: LazyLock<[String; MOST_WORDS]> = LazyLock::new(|| {
    let signs = ['_', '-', '.', '/', ':', '\\', '+', '='].iter().cycle();
    let mut signs = signs.enumerate().map(|(i, sign)| format!("Aa <b> & \"c\" 'd' {i:x}{sign}x"));
    std::array::from_fn(|_| signs.next().expect("they go round"))
});

/// A line, cut.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its own markup.
    own: Box<str>,
    /// Where in it a word comes, and which word that is.
    words: Vec<(usize, u8)>,
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
        let probes = PROBES.each_ref().map(String::as_str);
        line.put_as(&probes, escape, &mut out);
        Ok((out == print(&probes)?).then_some(line))
    }

    /// A line that was printed with [`WORDS`] in it.
    fn cut(printed: &str) -> Self {
        let (mut own, mut words) = (String::with_capacity(printed.len()), Vec::new());
        let mut rest = printed;
        while let Some((before, word)) = rest.split_once(BEGIN) {
            let Some(digit) = word.chars().next().and_then(|c| c.to_digit(16)) else { break };
            own.push_str(before);
            words.push((own.len(), digit as u8));
            rest = word.get(1..).unwrap_or_default();
        }
        own.push_str(rest);
        Self { own: own.into(), words }
    }

    /// Writes the line with these words, which are escaped.
    pub(super) fn put(&self, words: &[&str], out: &mut String) {
        self.put_as(words, escape, out);
    }

    /// The same with words escaped in another way.
    pub(super) fn put_as(&self, words: &[&str], escape: impl Fn(&str, &mut String), out: &mut String) {
        let mut from = 0;
        for (at, word) in &self.words {
            out.push_str(self.own.get(from..*at).unwrap_or_default());
            escape(words.get(usize::from(*word)).copied().unwrap_or_default(), out);
            from = *at;
        }
        out.push_str(self.own.get(from..).unwrap_or_default());
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
        put_or_print(line.as_ref(), words, out, print)
    }
}

/// Lines of a sort of which there are many kinds: each is made when it is first wanted.
#[derive(Debug)]
pub(super) struct Lines<K>(RwLock<HashMap<K, Option<Arc<Line>>, RandomState>>);

impl<K> Default for Lines<K> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Eq + Hash> Lines<K> {
    /// Writes one line of a kind. `print` prints it with the words that it is given.
    ///
    /// # Errors
    /// What `print` ends with.
    pub(super) fn put(
        &self,
        kind: K,
        words: &[&str],
        out: &mut String,
        print: impl Fn(&[&str]) -> Result<Markup, RenderError>,
    ) -> Result<(), RenderError> {
        const HELD: &str = "no thread panics while it holds the lines";
        let Self(all) = self;
        let known = all.read().expect(HELD).get(&kind).cloned();
        let line = match known {
            Some(line) => line,
            // A word too many would be left out; the longest lines are few.
            None if words.len() > MOST_WORDS || all.read().expect(HELD).len() >= MOST_KINDS => None,
            None => {
                let made = Line::of(|words| Ok(print(words)?.into_string()), escape)?.map(Arc::new);
                all.write().expect(HELD).entry(kind).or_insert(made).clone()
            }
        };
        put_or_print(line.as_deref(), words, out, print)
    }
}

fn put_or_print(
    line: Option<&Line>,
    words: &[&str],
    out: &mut String,
    print: impl Fn(&[&str]) -> Result<Markup, RenderError>,
) -> Result<(), RenderError> {
    let from = out.len();
    match line {
        Some(line) => line.put(words, out),
        None => out.push_str(print(words)?.as_str()),
    }
    debug_assert_eq!(out.get(from..), Some(print(words)?.as_str()));
    Ok(())
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
