//! The questions on a tool's page: read from the text that the template makes of them, shown on the page and given to search engines.

use serde::Serialize;

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
        for word in rest.split_whitespace() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
    }
    list
}

/// The same questions for search engines. Source: schema.org, FAQPage.
pub(super) fn json_ld(questions: &[Question]) -> String {
    let main_entity = questions.iter().map(|Question { question, answer }| Entry {
        kind: "Question",
        accepted_answer: Answer { kind: "Answer", text: answer },
        name: question,
    });
    let page = Faq { context: "https://schema.org", kind: "FAQPage", main_entity: main_entity.collect() };
    serde_json::to_string(&page).expect("texts are always JSON")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Faq<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@type")]
    kind: &'static str,
    main_entity: Vec<Entry<'a>>,
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
