//! The questions on a tool's page: read from the text that the template makes of them, shown on the page and given to search engines.

use serde::Serialize;
use serde_json::json;

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
    let entries: Vec<serde_json::Value> = questions
        .iter()
        .map(|q| {
            json!({
                "@type": "Question",
                "name": q.question,
                "acceptedAnswer": { "@type": "Answer", "text": q.answer },
            })
        })
        .collect();
    json!({ "@context": "https://schema.org", "@type": "FAQPage", "mainEntity": entries }).to_string()
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
