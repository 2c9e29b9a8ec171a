//! What the questions about a tool are answered from: the formats in groups by what their documents do with it. No sentences.

use serde::Serialize;

use super::control::{InTiers, RuleWord, rule_word};
use crate::export::EffectiveRule;
use crate::policy::Rule;

/// Names in a sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Names {
    /// `Codex`, `Codex and ToolHive`, `Codex, Intercept and ToolHive`; empty for none.
    pub(super) text: String,
    pub(super) count: usize,
}

/// Formats whose recommended documents do the same.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Group {
    #[serde(flatten)]
    pub(super) rule: RuleWord,
    pub(super) names: Names,
}

/// A format whose strict document still lets the tool be called, sometimes at least.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ByHand {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
}

/// The formats, grouped for the questions.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Answers {
    /// What the recommended documents do, the most open first.
    pub(super) groups: Vec<Group>,
    /// Formats whose recommended document counts the calls of this tool.
    pub(super) limiting: Names,
    /// Formats that can count the calls of this tool.
    pub(super) counting: Names,
    /// Formats that cannot.
    pub(super) not_counting: Names,
    /// What the permissive documents limit it to, where the recommended ones do not.
    pub(super) permissive: Option<Group>,
    /// Formats whose recommended document refuses every call.
    pub(super) blocked: Names,
    /// Formats whose strict document does, and not the recommended one.
    pub(super) blocked_strict: Names,
    /// Formats where a rule has to be changed by hand.
    pub(super) by_hand: Vec<ByHand>,
}

/// Groups the formats.
pub(super) fn answers(formats: &[InTiers]) -> Answers {
    let names = |wanted: &dyn Fn(&InTiers) -> bool| {
        joined(formats.iter().filter(|f| wanted(f)).map(|f| f.exporter.title))
    };
    let [strict, recommended, permissive] = [0, 1, 2].map(|at| {
        move |format: &InTiers| -> Option<Rule> {
            format.effects.get(at).map(|effect: &EffectiveRule| effect.rule)
        }
    });
    let blocks = |rule: Option<Rule>| matches!(rule, Some(Rule::Deny | Rule::Hide));
    let mut rules: Vec<Rule> = formats.iter().filter_map(recommended).collect();
    rules.sort_by_key(|rule| rule.strictness());
    rules.dedup();
    // To a caller it is the same whether a refused tool is still listed.
    let refused = |rule: Rule| if rule == Rule::Hide { Rule::Deny } else { rule };
    let mut groups: Vec<Group> = Vec::new();
    for rule in rules.into_iter().map(refused) {
        let of = names(&|f| recommended(f).map(refused) == Some(rule));
        if groups.iter().all(|g| g.rule != rule_word(rule)) {
            groups.push(Group { rule: rule_word(rule), names: of });
        }
    }
    let limit = |rule: Option<Rule>| rule.filter(|rule| matches!(rule, Rule::Limit { .. }));
    let later = |f: &InTiers| limit(recommended(f)).map_or_else(|| limit(permissive(f)), |_| None);
    let permissive = formats.iter().find_map(later);
    let by_hand = formats.iter().filter(|f| !blocks(recommended(f)) && !blocks(strict(f)));
    Answers {
        groups,
        limiting: names(&|f| limit(recommended(f)).is_some()),
        counting: names(&|f| f.can_limit),
        not_counting: names(&|f| !f.can_limit),
        permissive: permissive
            .map(|rule| Group { rule: rule_word(rule), names: names(&|f| later(f) == Some(rule)) }),
        blocked: names(&|f| blocks(recommended(f))),
        blocked_strict: names(&|f| blocks(strict(f)) && !blocks(recommended(f))),
        by_hand: by_hand.map(|f| ByHand { id: f.exporter.id, title: f.exporter.title }).collect(),
    }
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> Names {
    let names: Vec<&str> = names.collect();
    let text = match names.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    };
    Names { text, count: names.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_joined_as_people_do() {
        for (names, text) in
            [(&[][..], ""), (&["a"], "a"), (&["a", "b"], "a and b"), (&["a", "b", "c"], "a, b and c")]
        {
            let joined = joined(names.iter().copied());
            assert_eq!((joined.text.as_str(), joined.count), (text, names.len()));
        }
    }
}
