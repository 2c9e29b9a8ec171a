//! Why a verdict is what it is, beyond its evidence: what the author's hints said, and the smallest change of the
//! definition that would give another class.
//!
//! Nothing is inferred from points: a piece is taken out of the definition, what is left is judged again, and what comes
//! out is reported. So a change that is named does what is said of it, whatever the rules are.

mod pieces;

use std::cmp::Reverse;

use serde::Serialize;
use serde_json::Value;

use super::RuleSet;
use crate::model::{Class, Risk, ToolDefinition, Verdict};

/// Pieces of the evidence that are tried two at a time, strongest first: 45 pairs.
const PAIRED: usize = 10;

/// What kind of piece is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    /// Words of a text: blanked.
    Words,
    /// A sentence of the description: blanked.
    Sentence,
    /// One value of a list of values.
    ListedValue,
    /// A stated hint of the annotations.
    Hint,
    /// A parameter with everything below it.
    Parameter,
}

/// One piece of a definition that is taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// What it is.
    pub piece: Piece,
    /// JSON pointer to the text, the value, the hint or the parameter.
    pub field: String,
    /// Characters of that text, for words and sentences.
    pub span: Option<[usize; 2]>,
    /// What goes: the words, the value, the hint's or the parameter's name. Foreign text.
    pub text: String,
    /// How many characters of the definition go; white space is not counted.
    pub characters: usize,
}

/// A change that gives another class, and what comes out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// One piece, or two.
    pub removed: Vec<Removal>,
    /// The class without them.
    pub class: Class,
    /// The risk without them.
    pub risk: Risk,
    /// The confidence without them.
    pub confidence: f64,
    /// Without them a person should look.
    pub needs_review: bool,
}

/// The outcome of the search, with how much of it there was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SmallestChange {
    /// The one that takes the fewest characters; None where none that was tried gives another class.
    pub change: Option<Change>,
    /// Single pieces tried.
    pub singles: usize,
    /// Pairs tried, after no single piece sufficed.
    pub pairs: usize,
}

/// How a stated hint stands to the verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HintStanding {
    /// Both say the same.
    Agrees,
    /// The text says the opposite.
    Contradicts,
    /// The hint claims more danger than was found; it is not a contradiction.
    ClaimsMore,
    /// It says nothing about the class.
    NoBearing,
}

/// A hint that the author stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatedHint {
    /// Its name in `annotations`.
    pub hint: &'static str,
    /// What it says.
    pub value: bool,
    /// How it stands to the verdict.
    pub standing: HintStanding,
}

/// Every hint that is stated as true or false, against a class.
pub fn stated_hints(tool: &ToolDefinition, class: Class) -> Vec<StatedHint> {
    use HintStanding::*;
    let read_only = tool.hint("readOnlyHint") == Some(true);
    let standing = |hint, value| match (hint, value) {
        ("readOnlyHint", true) if class > Class::Read => Contradicts,
        ("readOnlyHint", false) if class == Class::Read => ClaimsMore,
        ("readOnlyHint", _) => Agrees,
        // The specification gives this hint a meaning only where the tool is not read-only.
        ("destructiveHint", _) if read_only && class == Class::Read => NoBearing,
        ("destructiveHint", true) if class == Class::Destructive => Agrees,
        ("destructiveHint", true) if class == Class::Read => Contradicts,
        ("destructiveHint", true) => ClaimsMore,
        ("destructiveHint", false) if class == Class::Destructive => Contradicts,
        ("destructiveHint", false) => Agrees,
        _ => NoBearing,
    };
    ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"]
        .into_iter()
        .filter_map(|hint| tool.hint(hint).map(|value| (hint, value)))
        .map(|(hint, value)| StatedHint { hint, value, standing: standing(hint, value) })
        .collect()
}

impl RuleSet {
    /// The smallest change of a definition that gives another class than `verdict`, which is this rule set's on it.
    ///
    /// Tried one at a time: everything the evidence points at, every word of the name, of the title and of the
    /// description's first sentence, every sentence, parameter, listed value and hint, as far as the bounds in `pieces`
    /// go. If none suffices, the strongest pieces of the evidence two at a time. Deterministic.
    pub fn smallest_change(&self, tool: &ToolDefinition, verdict: &Verdict) -> SmallestChange {
        let spoken = pieces::of_evidence(tool, &verdict.evidence);
        let mut singles = spoken.clone();
        pieces::of_definition(tool, &mut singles);
        let order = |r: &Removal| (r.characters, r.piece, r.field.clone(), r.span);
        singles.sort_by_key(order);
        singles.dedup_by_key(|r| (r.piece, r.field.clone(), r.span));
        for (index, removal) in singles.iter().enumerate() {
            let removed = std::slice::from_ref(removal);
            if let Some(change) = self.change_by(tool, verdict.class, removed) {
                return SmallestChange { change: Some(change), singles: index + 1, pairs: 0 };
            }
        }
        let strong: Vec<&Removal> = spoken.iter().take(PAIRED).collect();
        let mut pairs: Vec<[Removal; 2]> = Vec::new();
        for (i, one) in strong.iter().enumerate() {
            pairs.extend(strong.iter().skip(i + 1).map(|two| [(*one).clone(), (*two).clone()]));
        }
        // Stable: of equally small pairs the stronger one.
        pairs.sort_by_key(|pair| pair.iter().map(|r| r.characters).sum::<usize>());
        for (index, pair) in pairs.iter().enumerate() {
            if let Some(change) = self.change_by(tool, verdict.class, pair) {
                return SmallestChange { change: Some(change), singles: singles.len(), pairs: index + 1 };
            }
        }
        SmallestChange { change: None, singles: singles.len(), pairs: pairs.len() }
    }

    fn change_by(&self, tool: &ToolDefinition, class: Class, removed: &[Removal]) -> Option<Change> {
        let verdict = self.judge(&without(tool, removed)?);
        (verdict.class != class).then(|| Change {
            removed: removed.to_vec(),
            class: verdict.class,
            risk: verdict.risk,
            confidence: verdict.confidence,
            needs_review: verdict.needs_review,
        })
    }
}

/// The definition without some of its pieces; None where they are not (or no longer) in it.
pub fn without(tool: &ToolDefinition, removed: &[Removal]) -> Option<ToolDefinition> {
    let mut object = tool.object().clone();
    let mut order: Vec<&Removal> = removed.iter().collect();
    // Texts first and whatever holds them last; of one list the later value first, so that places stay what they are.
    order.sort_by_key(|r| (r.piece, Reverse(last_number(&r.field)), r.field.clone()));
    for removal in order {
        match (removal.piece, removal.span) {
            (Piece::Words | Piece::Sentence, Some(span)) => {
                let Value::String(text) = object.pointer_mut(&removal.field)? else { return None };
                *text = blanked(text, span);
            }
            (Piece::Words | Piece::Sentence, None) => return None,
            (Piece::ListedValue, _) => {
                let item = removal.field.strip_suffix("/const").unwrap_or(&removal.field);
                let (list, index) = item.rsplit_once('/')?;
                let list = object.pointer_mut(list)?.as_array_mut()?;
                let index = index.parse().ok().filter(|index| *index < list.len())?;
                list.remove(index);
            }
            (Piece::Hint | Piece::Parameter, _) => {
                let (parent, key) = removal.field.rsplit_once('/')?;
                let key = key.replace("~1", "/").replace("~0", "~");
                object.pointer_mut(parent)?.as_object_mut()?.remove(&key)?;
            }
        }
    }
    ToolDefinition::from_json(&object.to_string()).ok()
}

fn last_number(pointer: &str) -> usize {
    pointer.rsplit('/').find_map(|part| part.parse().ok()).unwrap_or(0)
}

/// A space for each character of the span: everything else stays where it is.
fn blanked(text: &str, [start, end]: [usize; 2]) -> String {
    text.chars().enumerate().map(|(i, c)| if (start..end).contains(&i) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
