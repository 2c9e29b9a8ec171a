//! Foreign text with the words that decided marked in it, and single pieces of evidence with what stands around them.

use std::borrow::Cow;

use serde::Serialize;

use super::name::shown_name;
use super::words::{ClassWord, RiskWord, SignalWord, class_word, risk_word, signal_word};
use crate::classify::RuleBook;
use crate::model::flat::{Json, Kind};
use crate::model::text::{every, is_unprintable};
use crate::model::{Class, Evidence, Signal, ToolDefinition};

/// Longest description on a tool page, in Unicode scalar values.
pub(super) const DESCRIPTION_ON_PAGE: usize = 8_000;
/// Most pieces of evidence on a page.
pub(super) const EVIDENCE_ON_PAGE: usize = NUMBERS.len();
/// Their numbers.
const NUMBERS: [&str; 20] = [
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19",
    "20",
];
/// How much is shown before and after the words that decided.
const AROUND: usize = 60;
/// Longest marked span.
const SPAN_ON_PAGE: usize = 300;

/// A stretch of foreign text, marked or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Stretch<'a> {
    /// The text, cleaned. Foreign.
    pub(super) text: Cow<'a, str>,
    /// Number of the evidence it is, from 1; 0 if it is not marked.
    pub(super) evidence: usize,
    /// The stylesheet's class of the mark.
    pub(super) css: &'static str,
}

/// One reason for a template.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Reason<'a> {
    /// Its number on the page, from 1.
    pub(super) number: &'a str,
    /// The rule's id.
    pub(super) rule: &'a str,
    /// What the rule says, without a full stop at its end; empty where the rule set does not know it, or an earlier reason says it.
    pub(super) what: &'a str,
    /// Why it says so, without a full stop at its end; empty where an earlier reason of the same rule says it.
    pub(super) why: &'a str,
    /// `name`, `title`, `description`, `parameter`, `hint` or `definition`: where the words stand.
    pub(super) place: &'static str,
    /// The parameter's or hint's name. Foreign text.
    pub(super) within: Cow<'a, str>,
    /// The words with their surroundings; empty for a whole field or something that is missing.
    pub(super) quote: Vec<Stretch<'a>>,
    /// The class it speaks for.
    pub(super) class: Option<ClassWord>,
    /// The risk it asks for at least.
    pub(super) risk: Option<RiskWord>,
    /// The signal it raises.
    pub(super) signal: Option<SignalWord>,
    /// It speaks against.
    pub(super) against: bool,
    /// Where the rule book keeps what the rule says; 0 where it does not know it.
    #[serde(skip)]
    pub(super) rule_text: usize,
}

/// Every reason of a verdict, as many as a page holds; the second value is how many were left out.
pub(super) fn reasons<'a>(
    definition: &'a ToolDefinition,
    evidence: &'a [Evidence],
    rules: &'a RuleBook,
) -> (Vec<Reason<'a>>, usize) {
    let shown = NUMBERS.iter().zip(evidence);
    let mut list: Vec<Reason<'_>> = shown.map(|(number, e)| reason(number, definition, e, rules)).collect();
    // What a rule says, and why, is told where it speaks first.
    for i in 1..list.len() {
        if let Some((reason, before)) = list.get_mut(..=i).and_then(|list| list.split_last_mut())
            && before.iter().any(|earlier| earlier.rule == reason.rule)
        {
            (reason.what, reason.why) = ("", "");
        }
    }
    (list, evidence.len().saturating_sub(EVIDENCE_ON_PAGE))
}

fn reason<'a>(
    number: &'a str,
    definition: &'a ToolDefinition,
    evidence: &'a Evidence,
    rules: &'a RuleBook,
) -> Reason<'a> {
    let (place, within) = place(&evidence.field);
    let field = pointed(definition.json(), &evidence.field);
    let css = mark_css(evidence);
    let quote = match (evidence.span, field.and_then(|v| v.as_str())) {
        // Name and description stand above the reasons, with these words marked.
        (Some(span), Some(text)) if matches!(place, "name" | "description") => around(text, span, 0, css),
        (Some(span), Some(text)) => around(text, span, AROUND, css),
        // A span may point at a key (a parameter's own name): then its text is all there is to show.
        (Some(_), None) if !evidence.text.is_empty() => around(&evidence.text, [0, usize::MAX], AROUND, css),
        _ => Vec::new(),
    };
    let text = rules.meaning(&evidence.rule);
    Reason {
        number,
        rule: &evidence.rule,
        what: text.map(|t| without_stop(&t.what)).unwrap_or_default(),
        why: text.map(|t| without_stop(&t.why)).unwrap_or_default(),
        place,
        within: of_either(within, |within| shown_name(within, 120)),
        quote,
        class: evidence.effect.class.map(class_word),
        risk: evidence.effect.risk.map(risk_word),
        signal: evidence.effect.signal.map(signal_word),
        against: evidence.effect.weight < 0.0,
        rule_text: text.map_or(0, |text| std::ptr::from_ref(text).addr()),
    }
}

/// What is made of a text, without a copy of one that is borrowed and stays as it is.
pub(super) fn of_either<'a>(text: Cow<'a, str>, make: impl Fn(&str) -> Cow<'_, str>) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => make(text),
        Cow::Owned(text) => make(&text).into_owned().into(),
    }
}

/// What a JSON pointer (RFC 6901) points at. Most are names of fields with nothing to undo in them, which need no copies.
fn pointed<'v>(object: Json<'v>, pointer: &str) -> Option<Json<'v>> {
    let names = pointer.strip_prefix('/')?;
    names.split('/').try_fold(object, |value, name| match value.kind() {
        Kind::Object(_) => value.get(&named(name)),
        Kind::List(mut items) => items.nth(name.parse().ok()?),
        _ => None,
    })
}

/// Where a JSON pointer points, in words of the page, and the name inside it.
pub(super) fn place(field: &str) -> (&'static str, Cow<'_, str>) {
    let mut parts = field.split('/').skip(1);
    match (parts.next(), parts.next(), parts.next()) {
        (Some("name"), None, _) => ("name", "".into()),
        (Some("title"), None, _) | (Some("annotations"), Some("title"), None) => ("title", "".into()),
        (Some("description"), None, _) => ("description", "".into()),
        (Some("annotations"), Some(hint), _) => ("hint", named(hint)),
        (Some("inputSchema"), Some("properties"), Some(name)) => ("parameter", named(name)),
        _ => ("definition", "".into()),
    }
}

/// A name in a JSON pointer (RFC 6901).
fn named(name: &str) -> Cow<'_, str> {
    if name.contains('~') { name.replace("~1", "/").replace("~0", "~").into() } else { name.into() }
}

fn mark_css(evidence: &Evidence) -> &'static str {
    if evidence.effect.weight < 0.0 || evidence.effect.signal == Some(Signal::Reversible) {
        return "r less";
    }
    evidence.effect.class.map_or("", |class| class_word(class).css)
}

/// Where words of a field stand: from, to, the number of the evidence, the stylesheet's class of its mark.
type Span = (usize, usize, usize, &'static str);

/// A whole text with every span of that field marked, at most `most` characters long; true if it was cut.
pub(super) fn marked<'t>(
    text: &'t str,
    field: &str,
    evidence: &[Evidence],
    most: usize,
) -> (Vec<Stretch<'t>>, bool) {
    marked_where(text, |found| found == field, evidence, most)
}

/// The same for a field that is told by more than one text.
pub(super) fn marked_where<'t>(
    text: &'t str,
    is_field: impl Fn(&str) -> bool,
    evidence: &[Evidence],
    most: usize,
) -> (Vec<Stretch<'t>>, bool) {
    let found = evidence.iter().take(EVIDENCE_ON_PAGE).enumerate().filter(|(_, e)| is_field(&e.field));
    let spans = found.filter_map(|(i, e)| e.span.map(|[start, end]| (start, end, i + 1, mark_css(e))));
    with_marks(text, spans.collect(), most)
}

/// The same with the spans of its field.
pub(super) fn with_marks(text: &str, mut spans: Vec<Span>, most: usize) -> (Vec<Stretch<'_>>, bool) {
    spans.sort_by_key(|(start, _, number, _)| (*start, *number));
    let mut end_of_last = 0;
    spans.retain(|(start, end, _, _)| {
        let keep = *start >= end_of_last && end > start;
        if keep {
            end_of_last = *end;
        }
        keep
    });
    let mut stretches = Stretches::default();
    // Most texts: every byte is a character that is shown as it is.
    let plain = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    if text.len() <= most && every(text.as_bytes(), plain) {
        let mut done = 0;
        for (start, end, number, css) in spans {
            let (start, end) = (start.min(text.len()), end.min(text.len()));
            stretches.push_all(text.get(done..start).unwrap_or_default().into(), 0, "");
            stretches.push_all(text.get(start..end).unwrap_or_default().into(), number, css);
            done = end;
        }
        stretches.push_all(text.get(done..).unwrap_or_default().into(), 0, "");
        return (stretches.0, false);
    }
    let mut spans = spans.into_iter().peekable();
    for (i, c) in text.chars().enumerate() {
        if i == most {
            stretches.push('…', 0, "");
            return (stretches.0, true);
        }
        while spans.next_if(|(_, end, _, _)| *end <= i).is_some() {}
        let (number, css) = match spans.peek() {
            Some((start, _, number, css)) if *start <= i => (*number, *css),
            _ => (0, ""),
        };
        stretches.push(c, number, css);
    }
    (stretches.0, false)
}

/// The words of a span with so much before and after, on one line.
fn around<'t>(text: &'t str, [start, end]: [usize; 2], more: usize, css: &'static str) -> Vec<Stretch<'t>> {
    let end = end.min(start.saturating_add(SPAN_ON_PAGE));
    let from = start.saturating_sub(more);
    let mut stretches = Stretches::default();
    let rest = end.saturating_add(more);
    // Most texts: every byte is a character that is shown as it is. What comes behind the last one shown does not matter.
    let looked_at = text.as_bytes().get(..rest).unwrap_or(text.as_bytes());
    if start < end && every(looked_at, |byte| matches!(byte, b' '..=b'~')) {
        let part =
            |from: usize, to: usize| Cow::Borrowed(text.get(from..to.min(text.len())).unwrap_or_default());
        let (cut_before, cut_after) = (from > 0 && more > 0, text.len() > rest && more > 0);
        let (before, after) = (part(from, start), part(end, rest));
        stretches.push_all(if cut_before { ["…", &before].concat().into() } else { before }, 0, "");
        stretches.push_all(part(start, end), 1, css);
        stretches.push_all(if cut_after { [&after, "…"].concat().into() } else { after }, 0, "");
        return stretches.0;
    }
    if from > 0 && more > 0 {
        stretches.push('…', 0, "");
    }
    for (i, c) in text.chars().enumerate().skip(from) {
        if i >= rest {
            if more > 0 {
                stretches.push('…', 0, "");
            }
            break;
        }
        let inside = i >= start && i < end;
        let c = if c.is_whitespace() { ' ' } else { c };
        stretches.push(c, usize::from(inside), if inside { css } else { "" });
    }
    stretches.0
}

#[derive(Default)]
struct Stretches<'t>(Vec<Stretch<'t>>);

impl<'t> Stretches<'t> {
    fn push(&mut self, c: char, evidence: usize, css: &'static str) {
        if is_unprintable(c) && !matches!(c, '\n' | '\t') {
            return;
        }
        match self.0.last_mut() {
            Some(last) if last.evidence == evidence => last.text.to_mut().push(c),
            _ => self.0.push(Stretch { text: c.to_string().into(), evidence, css }),
        }
    }

    /// A stretch in which every character is shown.
    fn push_all(&mut self, text: Cow<'t, str>, evidence: usize, css: &'static str) {
        if !text.is_empty() {
            self.0.push(Stretch { text, evidence, css });
        }
    }
}

/// Our own rule texts end a sentence in some places and not in others: the template decides.
fn without_stop(text: &str) -> &str {
    text.trim().trim_end_matches('.')
}

/// The strongest reason that speaks for the class a verdict has.
pub(super) fn deciding(reasons: &[Reason<'_>], class: Class) -> Option<usize> {
    let word = class_word(class);
    reasons.iter().position(|r| r.class == Some(word) && !r.against).map(|at| at + 1)
}

/// True if a text ends in a mark that ends a sentence.
pub(super) fn ends_sentence(text: &str) -> bool {
    let text = text.trim_end_matches(['"', '\'', ')', '”', '’', '*', '`', ' ']);
    text.ends_with(['.', '!', '?', '…', '。', '！', '？', ':', ';'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Effect;

    fn evidence(start: usize, end: usize) -> Evidence {
        let effect = Effect { class: Some(Class::Destructive), weight: 1.0, ..Effect::default() };
        let (rule, field) = ("r".to_owned(), "/description".to_owned());
        Evidence { rule, field, span: Some([start, end]), text: String::new(), effect }
    }

    #[test]
    fn a_sentence_that_ended_gets_no_second_full_stop() {
        for text in ["Done.", "Done!", "Done?)", "“Done.”", "Done…"] {
            assert!(ends_sentence(text), "{text}");
        }
        assert!(!ends_sentence("Done") && !ends_sentence("Done)") && !ends_sentence(""));
    }

    #[test]
    fn spans_count_characters_of_the_original_and_invisible_ones_are_not_shown() {
        let (stretches, cut) = marked("é\u{200b}deletes x", "/description", &[evidence(2, 9)], 99);
        let texts: Vec<_> = stretches.iter().map(|s| (s.text.as_ref(), s.evidence)).collect();
        assert_eq!(texts, [("é", 0), ("deletes", 1), (" x", 0)]);
        assert!(!cut);
    }

    #[test]
    fn overlapping_and_impossible_spans_do_no_harm() {
        let list = [evidence(0, 4), evidence(2, 6), evidence(9, 3), evidence(90, 99)];
        let (stretches, _) = marked("abcdefgh", "/description", &list, 99);
        let whole: String = stretches.iter().map(|s| s.text.as_ref()).collect();
        assert_eq!(whole, "abcdefgh");
        assert_eq!(stretches.len(), 2);
    }

    #[test]
    fn a_long_text_is_cut_around_the_words() {
        let text = format!("{} deletes {}", "a".repeat(500), "b".repeat(500));
        let quote = around(&text, [501, 508], AROUND, "d");
        assert_eq!(quote.get(1).map(|s| s.text.as_ref()), Some("deletes"));
        assert!(quote.iter().map(|s| s.text.chars().count()).sum::<usize>() < 140);
    }

    #[test]
    fn what_comes_behind_a_quote_changes_nothing_in_it() {
        let of = |end: &str, more: usize| -> String {
            let text = format!("x deletes {}{end}", "y".repeat(AROUND - 1));
            around(&text, [2, 9], more, "d").iter().map(|s| s.text.as_ref()).collect()
        };
        let ys = "y".repeat(AROUND - 1);
        for behind in ["z", "\u{202e}<é\"", "\u{1b}[2J", "\n天"] {
            assert_eq!(of(behind, AROUND), format!("x deletes {ys}…"), "{behind:?}");
            assert_eq!(of(behind, 0), "deletes", "{behind:?}");
        }
        assert_eq!(of("", AROUND), format!("x deletes {ys}"));
        // The last one that is shown is cleaned still.
        let last = format!("x deletes {}\u{1b}é", "y".repeat(AROUND - 2));
        let shown: String = around(&last, [2, 9], AROUND, "d").iter().map(|s| s.text.as_ref()).collect();
        assert_eq!(shown, format!("x deletes {}…", "y".repeat(AROUND - 2)));
    }
}
