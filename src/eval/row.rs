//! One line of a file of labelled tools: the definition as the classifier may see it, apart from what a reader said.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::label::{Label, SignalLabels};
use crate::model::{Class, Risk, Signal, ToolDefinition};

/// What is asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The row's `id`, or `line N`.
    pub id: String,
    /// Whose tool it is; never shown to the classifier. Foreign text.
    pub server: String,
    /// What the classifier sees.
    pub tool: ToolDefinition,
}

/// A row with `gold` (class, risk, signals) or `label` (class only).
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledTool {
    /// What is asked about.
    pub subject: Subject,
    /// What the reader said.
    pub label: Label,
    /// How it came into the sample: `natural` is as tools occur; `extra` if the row does not say.
    pub stratum: String,
}

/// The members of a row that matter here; all others are ignored.
#[derive(Deserialize)]
pub(super) struct Line<'a> {
    pub(super) id: Option<String>,
    pub(super) server: Option<String>,
    pub(super) stratum: Option<String>,
    pub(super) family: Option<String>,
    gold: Option<LineLabel>,
    label: Option<LineLabel>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    title: Option<&'a RawValue>,
    #[serde(borrow)]
    description: Option<&'a RawValue>,
    #[serde(borrow, rename = "inputSchema")]
    input_schema: Option<&'a RawValue>,
    #[serde(borrow, rename = "outputSchema")]
    output_schema: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) annotations: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct LineLabel {
    class: String,
    #[serde(default)]
    contested: bool,
    risk: Option<Vec<String>>,
    signals: Option<Vec<String>>,
    #[serde(default)]
    signals_optional: Vec<String>,
}

impl<'a> Line<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|e| format!("not readable as a row: {e}"))
    }

    /// The definition alone: no id, no server, no label, nothing that is `null`; without hints where they are hidden.
    pub(super) fn subject(&self, number: usize, hide_annotations: bool) -> Result<Subject, String> {
        let annotations = self.annotations.filter(|_| !hide_annotations);
        let members = [
            ("annotations", annotations),
            ("description", self.description),
            ("inputSchema", self.input_schema),
            ("name", self.name),
            ("outputSchema", self.output_schema),
            ("title", self.title),
        ];
        let stated = members.into_iter().filter_map(|(key, raw)| Some((key, raw?.get())));
        let object: Vec<String> =
            stated.filter(|(_, raw)| *raw != "null").map(|(key, raw)| format!("\"{key}\":{raw}")).collect();
        let tool = ToolDefinition::from_json(&format!("{{{}}}", object.join(",")));
        Ok(Subject {
            id: self.id.clone().unwrap_or_else(|| format!("line {number}")),
            server: self.server.clone().unwrap_or_default(),
            tool: tool.map_err(|problem| format!("no tool: {problem}"))?,
        })
    }
}

impl LabelledTool {
    /// Reads a line; `number` counts from 1 and names a row without an id.
    ///
    /// # Errors
    /// What is wrong with the line, without its number.
    pub fn from_line(text: &str, number: usize) -> Result<Self, String> {
        let line = Line::read(text)?;
        let label = match (&line.gold, &line.label) {
            (Some(label), _) | (None, Some(label)) => label.read()?,
            (None, None) => {
                return Err("neither gold nor label; --hints is for rows with readOnlyHint".into());
            }
        };
        Ok(Self {
            subject: line.subject(number, false)?,
            label,
            stratum: line.stratum.unwrap_or_else(|| "extra".to_owned()),
        })
    }
}

impl LineLabel {
    fn read(&self) -> Result<Label, String> {
        let risk = self.risk.as_ref().map(|words| words.iter().map(|w| word::<Risk>(w)).collect());
        let set = |words: &[String]| words.iter().map(|w| word::<Signal>(w)).collect::<Result<_, _>>();
        let signals = self.signals.as_ref().map(|must| -> Result<_, String> {
            Ok(SignalLabels { must: set(must)?, may: set(&self.signals_optional)? })
        });
        Ok(Label {
            class: word::<Class>(&self.class)?,
            contested: self.contested,
            risk: risk.transpose()?,
            signals: signals.transpose()?,
        })
    }
}

/// Labels are written in any case.
fn word<T: std::str::FromStr<Err = String>>(text: &str) -> Result<T, String> {
    text.to_lowercase().parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classifier_sees_the_definition_and_nothing_else_of_a_row() {
        let row = LabelledTool::from_line(
            r#"{"id":"a1","server":"acme","name":"purge","title":null,"description":"Purges.","inputSchema":{"x":1e2},
                "source":"x","gold":{"class":"Destructive","risk":["high","critical"],"signals":["bulk"],"contested":true}}"#,
            1,
        )
        .unwrap();
        assert_eq!(
            row.subject.tool.canonical(),
            r#"{"description":"Purges.","inputSchema":{"x":1e2},"name":"purge"}"#
        );
        assert_eq!((row.subject.id.as_str(), row.stratum.as_str()), ("a1", "extra"));
        assert_eq!(row.label.risk, Some(vec![Risk::High, Risk::Critical]));
        assert_eq!(row.label.signals.unwrap().must, [Signal::Bulk].into());
        assert!(row.label.contested);
    }

    #[test]
    fn a_label_without_risk_and_signals_says_nothing_of_them() {
        let row = LabelledTool::from_line(r#"{"name":"a","label":{"class":"read"}}"#, 7).unwrap();
        assert_eq!((row.label.risk, row.label.signals, row.subject.id), (None, None, "line 7".to_owned()));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        for (line, says) in [
            ("{", "not readable"),
            ("[]", "not readable"),
            (r#"{"label":{"class":"Read"}}"#, "no name"),
            (r#"{"name":"","label":{"class":"Read"}}"#, "no name"),
            (r#"{"name":"a"}"#, "neither gold nor label"),
            (r#"{"name":"a","label":{"class":"Reads"}}"#, "\"reads\" is no Class"),
            (r#"{"name":"a","gold":{"class":"Read","risk":["none"]}}"#, "\"none\" is no Risk"),
        ] {
            let error = LabelledTool::from_line(line, 1).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
