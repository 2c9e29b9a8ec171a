//! The questions on a tool's page: read from the text that the template makes of them, shown on the page and given to search engines.

use serde::Serialize;

use crate::model::text::is_plain_line;

/// One question with its answer, plain text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Question {
    question: String,
    answer: String,
}

/// `faq.txt` begins a question with `Q:` and its answer with `A:`; other lines go on with what was begun.
/// Foreign text in it has no line feeds, so it cannot begin either.
pub(super) fn questions(text: &str) -> Vec<Question> {
    let mut list: Vec<Question> = Vec::new();
    let mut in_answer = false;
    for line in text.lines() {
        let (begins, rest) = match (line.strip_prefix("Q:"), line.strip_prefix("A:")) {
            (Some(question), _) => (Some(false), question),
            (_, Some(answer)) => (Some(true), answer),
            _ => (None, line),
        };
        in_answer = begins.unwrap_or(in_answer);
        if begins == Some(false) {
            list.push(Question { question: String::new(), answer: String::new() });
        }
        let Some(last) = list.last_mut() else { continue };
        let text = if in_answer { &mut last.answer } else { &mut last.question };
        text.reserve(rest.len() + 1);
        // Most lines have one blank between words already.
        let rest = rest.trim();
        if !text.is_empty() && !rest.is_empty() {
            text.push(' ');
        }
        if is_plain_line(rest) {
            text.push_str(rest);
            continue;
        }
        for (i, word) in rest.split_whitespace().enumerate() {
            if i > 0 {
                text.push(' ');
            }
            text.push_str(word);
        }
    }
    list
}

/// The same questions for search engines, as entries with commas between. Source: schema.org, FAQPage.
pub(super) fn entries(questions: &[Question]) -> String {
    let length = |q: &Question| q.question.len() + q.answer.len() + 128;
    let mut out = Vec::with_capacity(questions.iter().map(length).sum());
    for (i, Question { question, answer }) in questions.iter().enumerate() {
        let entry = Entry {
            kind: "Question",
            accepted_answer: Answer { kind: "Answer", text: answer },
            name: question,
        };
        if i > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, &entry).expect("texts are always JSON, and memory can be written to");
    }
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// A page of questions for search engines, from their entries.
pub(super) fn json_ld(entries: &str) -> String {
    let mut page = String::with_capacity(entries.len() + 128);
    put_json_ld([&(|out: &mut String| out.push_str(entries)) as &dyn Fn(&mut String)], &mut page);
    page
}

/// The same: each part writes its entries, with commas between, or nothing.
pub(super) fn put_json_ld<'p>(parts: impl IntoIterator<Item = &'p dyn Fn(&mut String)>, out: &mut String) {
    out.push_str("{\"@context\":\"https://schema.org\",\"@type\":\"FAQPage\",\"mainEntity\":[");
    let begin = out.len();
    for put in parts {
        let before = out.len();
        if before > begin {
            out.push(',');
        }
        let from = out.len();
        put(out);
        if out.len() == from {
            out.truncate(before);
        }
    }
    out.push_str("]}");
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    accepted_answer: Answer<'a>,
    name: &'a str,
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    text: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_and_answers_come_in_turn() {
        let list = questions("\nQ: Q1?\nA: A  1\n and more\n\nQ: Q2?\nA: A2\n");
        let shown: Vec<_> = list.iter().map(|q| (q.question.as_str(), q.answer.as_str())).collect();
        assert_eq!(shown, [("Q1?", "A 1 and more"), ("Q2?", "A2")]);
    }
}
