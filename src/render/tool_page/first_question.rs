//! The first question of a tool's page, what the tool does: but for the tool's name and description there are some thirty of them.

use std::sync::OnceLock;

use serde::Serialize;

use super::parts::Asked;
use super::{ToolPages, ToolView};
use crate::model::Class;
use crate::model::text::is_plain_line;
use crate::render::RenderError;
use crate::render::html::{Sheet, escape_in_text};
use crate::render::lines::Line;
use crate::render::questions::{entries, questions};
use crate::render::sections::questions_html;
use crate::render::words::{ClassWord, class_word};

const TEMPLATE: &str = "faq.txt";

/// The question of each kind: by class, how sure the class is and whether it sends, and what is said of the description.
pub(in crate::render) type FirstQuestions = [[[OnceLock<Option<QuestionLines>>; 4]; 6]; Class::ALL.len()];

/// The question as markup and as an entry of JSON, cut at the tool's name and description.
#[derive(Debug)]
pub(in crate::render) struct QuestionLines {
    html: Line,
    json: Line,
}

impl QuestionLines {
    /// As questions are shown.
    pub(super) fn put_html(&self, words: &[&str], out: &mut String) {
        self.html.put_as(words, escape_in_text, out);
    }

    /// The words must be of plain ASCII.
    pub(super) fn put_json(&self, words: &[&str], out: &mut String) {
        self.json.put_as(words, escape_in_json, out);
    }
}

/// What the template asks for.
#[derive(Serialize)]
struct FirstView<'a> {
    name: &'a str,
    talks: &'a str,
    says: &'a str,
    says_stopped: bool,
    class: ClassWord,
    sureness: &'static str,
    needs_review: bool,
    sends: bool,
}

impl ToolPages<'_> {
    /// None if the words need more care than a stencil takes.
    ///
    /// # Errors
    /// A template that does not fit.
    pub(super) fn first_question<'a>(
        &'a self,
        view: &'a ToolView<'_>,
        class: Class,
    ) -> Result<Option<Asked<'a>>, RenderError> {
        let words = [&*view.name, &*view.says];
        // Questions keep such words as they are.
        if !words.iter().all(|word| is_plain_line(word)) || words[0].is_empty() {
            return Ok(None);
        }
        let said = match (view.talks.is_empty(), view.says.is_empty(), view.says_stopped) {
            (false, ..) => 0,
            (true, true, _) => 1,
            (true, false, false) => 2,
            (true, false, true) => 3,
        };
        let doubt = match (view.sureness == "unknown", view.needs_review) {
            (true, _) => 2,
            (false, true) => 1,
            (false, false) => 0,
        };
        let press = self.work.common.press;
        let kept = &press.sections.first_questions[class as usize][doubt + 3 * usize::from(view.sends)][said];
        if kept.get().is_none() {
            let asked = |words: &[&str]| {
                let &[name, says, ..] = words else { unreachable!("there are more words") };
                let view = FirstView {
                    name,
                    talks: if said == 0 { "elsewhere" } else { "" },
                    says: if said == 1 { "" } else { says },
                    says_stopped: said == 3,
                    class: class_word(class),
                    sureness: view.sureness,
                    needs_review: view.needs_review,
                    sends: view.sends,
                };
                Ok::<_, RenderError>(questions(&press.part(TEMPLATE, &Sheet::of(TEMPLATE, &view)?)?))
            };
            let html =
                Line::of(|words| Ok(questions_html(press, &asked(words)?)?.into_string()), escape_in_text)?;
            let json = Line::of(|words| Ok(entries(&asked(words)?)), escape_in_json)?;
            // Another thread may be faster; it makes the same.
            let _ = kept.set(html.zip(json).map(|(html, json)| QuestionLines { html, json }));
        }
        Ok(kept.get().and_then(Option::as_ref).map(|lines| Asked::First(lines, words)))
    }
}

/// What of plain ASCII cannot stand inside a text of JSON.
fn escape_in_json(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((at, escaped)) = rest.find(['"', '\\']).and_then(|at| Some((at, rest.get(at..=at)?))) {
        out.extend([rest.get(..at).unwrap_or_default(), "\\", escaped]);
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_reads_plain_words_back() {
        for text in ["", "plain", "\"", "\\\"x\\", "a \"b\" c"] {
            let mut out = String::from("\"");
            escape_in_json(text, &mut out);
            out.push('"');
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }
}
