//! The rules as people read them: the table for `rules/README.md`, and one entry a rule with everything it says.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::ruleset::Rule;
use super::{RuleError, RuleSet};
use crate::model::{Class, Signal};

/// The line after which the generated table stands.
pub const LISTING_BEGIN: &str = "<!-- generated: UPDATE=1 cargo test --test suite rules -->";
/// The line before which it ends.
pub const LISTING_END: &str = "<!-- end of the generated part -->";

/// Keys of a rule that an entry has members of its own for; all others are what the rule looks at.
const NAMED: [&str; 11] =
    ["id", "kind", "what", "why", "source", "class", "points", "signal", "classes", "yes", "no"];

/// One rule, with everything its file says of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleEntry {
    /// Its permanent id.
    pub id: String,
    /// The file it is in, without folder and ending.
    pub topic: String,
    /// verb, pair, noun, phrase, param, hint, nothing, cut or mismatch.
    pub kind: String,
    /// The class it speaks for.
    pub class: Option<Class>,
    /// Points for that class; negative where it speaks against.
    pub points: f64,
    /// The signal it raises.
    pub signal: Option<Signal>,
    /// The classes of which the signal holds; empty for all.
    pub classes: Vec<Class>,
    /// What it looks for.
    pub what: String,
    /// Why that says something.
    pub why: String,
    /// Where the reason stands, if that was written down.
    pub source: Option<String>,
    /// What it looks at, by the file's own keys: `words`, `verbs`, `objects`, `pattern`, `unless`, `fields`, ….
    pub looks_at: BTreeMap<String, toml::Value>,
    /// Examples that it must speak about.
    pub yes: Vec<String>,
    /// Examples that it must not speak about.
    pub no: Vec<String>,
}

impl RuleEntry {
    /// Class with points, and signal, as the table of rules has them; empty for a rule that only notes something.
    pub fn effect(&self) -> String {
        effect(self.class, self.points, self.signal)
    }
}

fn effect(class: Option<Class>, points: f64, signal: Option<Signal>) -> String {
    let class = class.map(|class| format!("{class} {points:+}"));
    let signal = signal.map(|signal| format!("`{signal}`"));
    class.into_iter().chain(signal).collect::<Vec<_>>().join(", ")
}

/// A rule's table as it stands in its file.
type Written = toml::Table;

impl RuleSet {
    /// Every rule with everything that the files it was loaded from say of it, in the order of the files.
    ///
    /// # Errors
    /// [`RuleError`] where these are not the files that this rule set was loaded from.
    pub fn entries(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<RuleEntry>, RuleError> {
        let mut written: BTreeMap<String, Written> = BTreeMap::new();
        let topics =
            files.iter().filter(|(file, _)| file.starts_with("classify/") && file.ends_with(".toml"));
        for (file, bytes) in topics {
            let text = std::str::from_utf8(bytes).map_err(|_| RuleError::NotText { file: file.clone() })?;
            let table: toml::Table = toml::from_str(text).map_err(|e| RuleError::Shape {
                file: file.clone(),
                line: 1,
                column: 1,
                message: e.message().to_owned(),
            })?;
            let rules = table.get("rule").and_then(toml::Value::as_array).cloned().unwrap_or_default();
            for rule in rules {
                if let toml::Value::Table(rule) = rule
                    && let Some(id) = rule.get("id").and_then(toml::Value::as_str)
                {
                    written.insert(id.to_owned(), rule);
                }
            }
        }
        self.rules
            .iter()
            .map(|rule| {
                let missing = || RuleError::Missing { file: format!("classify/{}.toml", rule.topic) };
                Ok(entry(rule, written.remove(&rule.text.id).ok_or_else(missing)?))
            })
            .collect()
    }

    /// Markdown: one table for each file of rules, in order.
    pub fn listing(&self) -> String {
        let mut out = String::new();
        let mut topic = "";
        for rule in &self.rules {
            if rule.topic != topic {
                topic = &rule.topic;
                let _ = write!(
                    out,
                    "\n### {topic}\n\n| rule | what it looks for | effect | why |\n| --- | --- | --- | --- |\n"
                );
            }
            let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} |",
                rule.text.id,
                cell(&rule.text.what),
                effect(rule.class, rule.points, rule.signal),
                cell(&rule.text.why)
            );
        }
        out
    }
}

fn entry(rule: &Rule, mut written: Written) -> RuleEntry {
    let text = |key: &str| written.get(key).and_then(toml::Value::as_str).map(ToOwned::to_owned);
    let (kind, source) = (text("kind").unwrap_or_default(), text("source"));
    written.retain(|key, _| !NAMED.contains(&key));
    RuleEntry {
        id: rule.text.id.clone(),
        topic: rule.topic.clone(),
        kind,
        class: rule.class,
        points: rule.points,
        signal: rule.signal,
        classes: rule.classes.iter().copied().collect(),
        what: rule.text.what.clone(),
        why: rule.text.why.clone(),
        source,
        looks_at: written.into_iter().collect(),
        yes: rule.yes.iter().map(super::examples::Example::written).collect(),
        no: rule.no.iter().map(super::examples::Example::written).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Folder;

    #[test]
    fn an_entry_says_what_its_file_says() {
        let files = Folder::Rules.files(None).unwrap();
        let rules = RuleSet::load(&files).unwrap();
        let entries = rules.entries(&files).unwrap();
        assert_eq!(entries.len(), rules.extent().0);
        let examples: usize = entries.iter().map(|e| e.yes.len() + e.no.len()).sum();
        assert_eq!(examples, rules.extent().1);
        for entry in &entries {
            assert!(!entry.kind.is_empty() && !entry.what.is_empty() && !entry.why.is_empty(), "{entry:?}");
            let needed = match entry.kind.as_str() {
                "verb" | "noun" => &["words"][..],
                "pair" => &["verbs", "objects"],
                "phrase" | "param" => &["pattern"],
                "hint" => &["hint", "value"],
                _ => &[],
            };
            assert!(needed.iter().all(|key| entry.looks_at.contains_key(*key)), "{entry:?}");
        }
        assert!(rules.entries(&BTreeMap::new()).is_err(), "other files");
    }
}
