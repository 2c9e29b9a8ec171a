//! A document compared with the tools that servers really have: names that never match, and what they should be.

use std::collections::BTreeMap;

use super::{Exporter, Finding, Level};
use crate::policy::Keyed;

impl Exporter {
    /// The names of a document that no tool of these servers answers to. Names of servers that are not among them are
    /// left alone, but for those that are a tool's name here in all but its separators and case.
    pub fn unknown_names(&self, text: &str, known: &[Keyed]) -> Vec<Finding> {
        let Some(reading) = (self.read)(text) else { return Vec::new() };
        let one = match known {
            [keyed] if !self.can.several => Some(keyed.key.as_str()),
            _ => None,
        };
        let mut written: BTreeMap<String, &str> = BTreeMap::new();
        let mut raw: BTreeMap<&str, String> = BTreeMap::new();
        for keyed in known {
            for tool in &keyed.policy.tools {
                let name = self.form.in_rule(&keyed.key, tool.tool.raw()).into_owned();
                written.insert(name.clone(), &keyed.key);
                raw.insert(tool.tool.raw(), name);
            }
        }
        let alike_written: BTreeMap<String, &String> =
            written.keys().map(|name| (bare(name), name)).collect();
        let beginnings: Vec<String> =
            known.iter().map(|k| self.form.in_rule(&k.key, "").into_owned()).collect();
        let mut findings = Vec::new();
        for named in &reading.names {
            let of_known = match &named.key {
                Some(key) => known.iter().any(|k| k.key == *key),
                // Where the name holds the server, only those of these servers are looked at.
                None => {
                    one.is_some()
                        || beginnings.iter().any(|b| named.name.starts_with(b.trim_end_matches(')')))
                }
            };
            let found = match &named.key {
                Some(key) => known
                    .iter()
                    .filter(|k| k.key == *key)
                    .flat_map(|k| &k.policy.tools)
                    .any(|t| self.form.in_rule(key, t.tool.raw()) == named.name),
                None => written.contains_key(&named.name),
            };
            if found {
                continue;
            }
            let right = raw.get(named.name.as_str()).filter(|_| of_known).or_else(|| {
                let alike = Some(bare(&named.name)).filter(|bare| named.key.is_none() && !bare.is_empty())?;
                alike_written.get(&alike).copied()
            });
            let message = match right {
                Some(right) => format!("never matches: the name in this form is {right:?}"),
                None if of_known => "never matches: the server has no such tool".to_owned(),
                None => continue,
            };
            findings.push(Finding {
                level: Level::Error,
                path: named.path.clone(),
                line: (named.line > 0).then_some(named.line),
                column: (named.column > 0).then_some(named.column),
                message,
            });
        }
        findings
    }
}

/// A name without what forms differ in: letters and digits alone, in lower case.
fn bare(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
