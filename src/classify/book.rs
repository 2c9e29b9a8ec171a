//! What pages say of rules: their hash and their words. The rules themselves are made ready only where something is to be judged.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use foldhash::fast::RandomState;
use serde::Deserialize;

use super::ruleset::SETTINGS;
use super::{RuleError, RuleSet, RuleText, rule_files};
use crate::model::text::line_and_column;
use crate::model::{ToolDefinition, Verdict};

/// A rule set to look things up in. Making rules ready takes longer than building a small site, and a catalogue that was
/// classified needs no judging.
pub struct RuleBook {
    hash: String,
    texts: HashMap<String, RuleText, RandomState>,
    /// What the rules are made of, while they are not.
    files: BTreeMap<String, Vec<u8>>,
    rules: OnceLock<RuleSet>,
}

#[derive(Deserialize)]
struct File {
    rule: Vec<RuleText>,
}

impl RuleBook {
    /// The words of rules that are known to load, as those that come with the program are.
    ///
    /// # Errors
    /// [`RuleError`]: a file that is no text or has another shape.
    pub fn of_known(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, RuleError> {
        let mut texts = HashMap::default();
        for (file, _, bytes) in rule_files::rule_files(files).filter(|(file, ..)| *file != SETTINGS) {
            let text = std::str::from_utf8(bytes).map_err(|_| RuleError::NotText { file: file.clone() })?;
            let read: File = toml::from_str(text).map_err(|e| {
                let (line, column) = line_and_column(text, e.span().map_or(0, |span| span.start));
                RuleError::Shape { file: file.clone(), line, column, message: e.message().to_owned() }
            })?;
            texts.extend(read.rule.into_iter().map(|text| (text.id.clone(), text)));
        }
        Ok(Self { hash: RuleSet::hash_of(files), texts, files: files.clone(), rules: OnceLock::new() })
    }

    /// 64 hex digits, those of the rules themselves: [`RuleSet::hash`].
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What a rule says and why; `None` for an id of another rule set.
    pub fn meaning(&self, rule_id: &str) -> Option<&RuleText> {
        self.texts.get(rule_id)
    }

    /// As [`RuleSet::judge`]; the first one waits for the rules.
    ///
    /// # Panics
    /// If the rules do not load, see [`RuleBook::of_known`].
    pub fn judge(&self, tool: &ToolDefinition) -> Verdict {
        let rules = || RuleSet::load(&self.files).expect("these rules are known to load");
        self.rules.get_or_init(rules).judge(tool)
    }
}

impl From<RuleSet> for RuleBook {
    fn from(rules: RuleSet) -> Self {
        let texts = rules.rules.iter().map(|rule| (rule.text.id.clone(), rule.text.clone())).collect();
        Self { hash: rules.hash.clone(), texts, files: BTreeMap::new(), rules: OnceLock::from(rules) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Folder;

    #[test]
    fn a_book_says_what_the_rules_say() {
        let files = Folder::Rules.files(None).unwrap();
        let (known, loaded) = (RuleBook::of_known(&files).unwrap(), RuleSet::load(&files).unwrap());
        let tool =
            ToolDefinition::from_json(r#"{"name":"delete_file","description":"Deletes a file."}"#).unwrap();
        assert_eq!(known.judge(&tool), loaded.judge(&tool));
        let loaded = RuleBook::from(loaded);
        assert_eq!((known.hash(), &known.texts), (loaded.hash(), &loaded.texts));
        assert!(known.texts.len() > 100 && known.meaning("no-such-rule").is_none());
    }

    #[test]
    fn a_file_of_another_shape_is_named_with_its_place() {
        let files = BTreeMap::from([("classify/x.toml".to_owned(), b"[[rule]]\nid = 1\n".to_vec())]);
        let said = RuleBook::of_known(&files).err().unwrap().to_string();
        assert!(said.starts_with("rules/classify/x.toml:2:6: "), "{said}");
    }
}
