//! An explanation for people: every foreign word made harmless, the words that decided marked.

use super::{Explanation, Reason};
use crate::classify::{HintStanding, Piece, Removal, SmallestChange};
use crate::model::{Signal, Untrusted};
use crate::progress;

/// Characters of a text that are shown in front of the marked words, behind them, and of them.
const CONTEXT: usize = 60;
const MARKED: usize = 200;
/// Bold and yellow, and back.
const BRIGHT: (&str, &str) = (progress::BRIGHT, progress::PLAIN);
const QUOTES: (&str, &str) = ("«", "»");

/// The whole explanation; with `colours` words are marked by colour, else by «».
pub(super) fn explained(explanation: &Explanation, colours: bool) -> String {
    let marks = if colours { BRIGHT } else { QUOTES };
    let mut text = head(explanation);
    text.push_str("\nwhy\n");
    for reason in &explanation.evidence {
        text.push_str(&reason_text(explanation, reason, marks));
    }
    text.push_str("\nthe author's hints\n");
    if explanation.hints.is_empty() {
        text.push_str("  none is stated\n");
    }
    for hint in &explanation.hints {
        let standing = match hint.standing {
            HintStanding::Agrees => "agrees",
            HintStanding::Contradicts => "contradicts what the text says",
            HintStanding::ClaimsMore => "claims more than the text says",
            HintStanding::NoBearing => "says nothing about the class",
        };
        text.push_str(&format!("  {} is {}: {standing}\n", hint.hint, hint.value));
    }
    if let Some(correction) = &explanation.correction {
        text.push_str(&format!(
            "\ncorrected\n  to {}, risk {}{}\n  by {} on {}: {}\n",
            correction.class,
            correction.risk,
            signals(&correction.signals),
            show(&correction.who, 80),
            show(&correction.made_at, 10).trim_end_matches('…'),
            show(&correction.why, 400)
        ));
    }
    text.push_str(&format!(
        "\nthe smallest change that would alter the class\n{}\n",
        change(explanation, marks)
    ));
    text
}

fn head(explanation: &Explanation) -> String {
    let mut text = String::new();
    if let (Some(server), Some(release)) = (&explanation.server, &explanation.release) {
        text.push_str(&format!("{} {}  ", show(server, 120), show(release, 40)));
    }
    text.push_str(&format!(
        "{}\n  {}, risk {}, confidence {:.2}{}{}\n",
        show(&explanation.name, 120),
        explanation.class,
        explanation.risk,
        explanation.confidence,
        if explanation.needs_review { ", needs review" } else { "" },
        signals(&explanation.signals)
    ));
    if let Some(shown) = &explanation.shown_rules {
        let short = |hash: &str| hash.chars().take(12).collect::<String>();
        text.push_str(&format!(
            "  judged now by rule set {}; the database shows verdicts of {} until catalogue classify has run\n",
            short(&explanation.rule_set),
            short(shown)
        ));
    }
    text
}

fn signals(signals: &[Signal]) -> String {
    let words: Vec<&str> = signals.iter().map(|signal| signal.as_str()).collect();
    if words.is_empty() { String::new() } else { format!("\n  signals: {}", words.join(", ")) }
}

fn reason_text(explanation: &Explanation, reason: &Reason, marks: (&str, &str)) -> String {
    let (evidence, mut effects) = (&reason.evidence, Vec::new());
    if let Some(class) = evidence.effect.class {
        effects.push(format!("{:+.2} {class}", evidence.effect.weight));
    }
    if let Some(signal) = evidence.effect.signal {
        let floor = evidence.effect.risk.map(|risk| format!(", at least {risk}")).unwrap_or_default();
        effects.push(format!("raises {signal}{floor}"));
    }
    if effects.is_empty() {
        effects.push("noted".to_owned());
    }
    let place = place(explanation, &evidence.field, evidence.span, marks);
    format!(
        "  {}  {}\n    {place}\n    {}\n    {}\n",
        effects.join("; "),
        evidence.rule,
        reason.what,
        reason.why
    )
}

/// Where it is, with the words marked in what stands around them.
fn place(
    explanation: &Explanation,
    field: &str,
    span: Option<[usize; 2]>,
    (on, off): (&str, &str),
) -> String {
    let shown = show(field, 200);
    let Some(value) = explanation.tool.object().pointer(field) else {
        return format!("{shown} is not there");
    };
    let (Some([start, end]), Some(text)) = (span, value.as_str()) else {
        // A parameter, a hint or a field as a whole: its own name is what matters.
        let (parent, name) = field.rsplit_once('/').unwrap_or(("", field));
        return format!("{}/{on}{}{off}", show(parent, 200), show(name, 100));
    };
    let letters: Vec<char> = text.chars().collect();
    let piece = |from: usize, to: usize| -> String {
        letters.get(from..to.clamp(from, letters.len())).unwrap_or_default().iter().collect()
    };
    let from = start.saturating_sub(CONTEXT);
    let to = (end + CONTEXT).min(letters.len());
    format!(
        "{shown}: {}{}{on}{}{off}{}{}",
        if from > 0 { "…" } else { "" },
        flat(&piece(from, start)),
        show(&piece(start, end), MARKED),
        flat(&piece(end, to)),
        if to < letters.len() { "…" } else { "" }
    )
}

/// Context on one line: white space of any kind is a space, the rest is made harmless.
fn flat(text: &str) -> String {
    let spaced: String =
        text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c }).collect();
    show(&spaced, CONTEXT)
}

fn show(text: &str, most: usize) -> String {
    Untrusted::new(text).for_terminal(most)
}

fn change(explanation: &Explanation, marks: (&str, &str)) -> String {
    let SmallestChange { change, singles, pairs } = &explanation.smallest_change;
    let Some(change) = change else {
        return format!(
            "  none was found among {singles} words, sentences, parameters, listed values and hints, {pairs} pairs of\n  \
             the strongest, and everything that speaks for the class together"
        );
    };
    let removed: Vec<String> = change.removed.iter().map(|r| removal(explanation, r, marks)).collect();
    let many = if removed.len() > 2 {
        "\n  (no single piece and no pair suffices, and none of these can be left in)"
    } else {
        ""
    };
    let review = if change.needs_review { ", and would need review" } else { "" };
    format!(
        "  without {}\n  it would be {}, risk {}, confidence {:.2}{review}{many}",
        removed.join("\n  and "),
        change.class,
        change.risk,
        change.confidence
    )
}

fn removal(explanation: &Explanation, removal: &Removal, marks: (&str, &str)) -> String {
    let what = match removal.piece {
        Piece::Words => "the marked words in",
        Piece::Sentence => "the marked sentence in",
        Piece::ListedValue => "the listed value",
        Piece::Hint => "the hint",
        Piece::Parameter => "the parameter",
    };
    let place = match removal.piece {
        Piece::ListedValue => {
            let (on, off) = marks;
            format!("{on}{}{off} of {}", show(&removal.text, 100), show(&removal.field, 200))
        }
        _ => place(explanation, &removal.field, removal.span, marks),
    };
    format!("{what} {place}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Folder;
    use crate::classify::RuleSet;
    use crate::model::ToolDefinition;

    #[test]
    fn a_terminal_gets_colour_and_everything_else_quotes() {
        let rules = RuleSet::load(&Folder::Rules.files(None).unwrap()).unwrap();
        let description = format!("{} this cannot be undone {}", "far ".repeat(40), "behind ".repeat(40));
        let tool = serde_json::json!({"name": "x", "description": description}).to_string();
        let subject = super::super::Subject {
            seen: None,
            tool: ToolDefinition::from_json(&tool).unwrap(),
            correction: None,
        };
        let explanation = super::super::explanation(&rules, subject, None);
        let (plain, bright) = (explained(&explanation, false), explained(&explanation, true));
        let line = plain.lines().find(|line| line.contains("«cannot be undone»")).unwrap();
        assert!(line.contains(": …") && line.ends_with('…') && line.chars().count() < 200, "{line}");
        assert_eq!(plain.replace('«', BRIGHT.0).replace('»', BRIGHT.1), bright);
    }
}
