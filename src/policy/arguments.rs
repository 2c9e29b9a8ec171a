//! What a tool's own schema lets a policy say about the arguments of a call, where that is safe to state.
//!
//! Safe means: the keyword stands at the top level of the schema, on a property of a plain type, and says the same
//! whatever else the schema holds. A schema comes from the server: it is bounded here and nothing of it is believed
//! but that calls outside of it are not meant.

use serde::Serialize;
use serde_json::Value;

use crate::model::flat::{Json, Kind};

/// At most so many rules a tool; a schema with more is a list of its own.
const MAX_RULES: usize = 32;
/// Longest name of an argument, in characters.
const MAX_NAME: usize = 100;
/// Most values of an enum.
const MAX_VALUES: usize = 50;
/// Longest text of an enum, in characters.
const MAX_TEXT: usize = 100;
/// Numbers that every target's reader holds exactly.
const MAX_NUMBER: f64 = 9_007_199_254_740_991.0;

/// What one argument must be like for a call to go on to the tool's own rule; otherwise it is refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArgumentRule {
    /// The argument's name at the top level. Foreign text.
    pub argument: String,
    /// What is asked of it.
    #[serde(flatten)]
    pub check: Check,
}

/// What is asked of an argument.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "must")]
pub enum Check {
    /// It is there and not null.
    BePresent,
    /// Where it is there, it is one of these.
    BeOneOf {
        /// The values of the schema.
        values: Vec<Scalar>,
    },
    /// Where it is there, it is a number up to this.
    BeAtMost {
        /// The greatest.
        #[serde(serialize_with = "whole")]
        max: f64,
    },
    /// It is exactly this; `absent` says whether it may also be left out.
    Be {
        /// The value.
        value: bool,
        /// Leaving it out means the same.
        absent: bool,
    },
}

/// Writes 100 and not 100.0.
fn whole<S: serde::Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.fract() == 0.0 && number.abs() <= MAX_NUMBER {
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}

/// A value of an enum.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Scalar {
    /// true or false.
    Bool(bool),
    /// A number within ±2^53.
    Number(#[serde(serialize_with = "whole")] f64),
    /// A text. Foreign.
    Text(String),
}

impl Scalar {
    fn of(value: Json<'_>) -> Option<Self> {
        match value.kind() {
            Kind::Bool(value) => Some(Scalar::Bool(value)),
            Kind::Number(_) => within_bounds(value.as_f64()).map(Scalar::Number),
            Kind::Text(text) if text.chars().count() <= MAX_TEXT => Some(Scalar::Text(text.to_owned())),
            _ => None,
        }
    }

    fn is(&self, value: &Value) -> bool {
        match (self, value) {
            (Scalar::Bool(a), Value::Bool(b)) => a == b,
            (Scalar::Number(a), Value::Number(_)) => number(value) == Some(*a),
            // The two languages that look into arguments take the text "1" for 1: no harm, and told alike here.
            (Scalar::Number(a), Value::String(b)) => b.parse() == Ok(*a),
            (Scalar::Text(a), Value::String(b)) => a == b,
            _ => false,
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    within_bounds(value.as_f64())
}

fn within_bounds(number: Option<f64>) -> Option<f64> {
    number.filter(|n| n.abs() <= MAX_NUMBER)
}

impl ArgumentRule {
    /// Whether a call with these arguments keeps the rule.
    pub fn holds(&self, arguments: Option<&Value>) -> bool {
        let found = arguments.and_then(|a| a.get(&self.argument)).filter(|v| !v.is_null());
        match (&self.check, found) {
            (Check::BePresent, found) => found.is_some(),
            (Check::Be { absent, .. }, None) => *absent,
            (Check::BeOneOf { .. } | Check::BeAtMost { .. }, None) => true,
            (Check::Be { value, .. }, Some(found)) => found == &Value::Bool(*value),
            (Check::BeOneOf { values }, Some(found)) => values.iter().any(|v| v.is(found)),
            (Check::BeAtMost { max }, Some(found)) => number(found).is_some_and(|n| n <= *max),
        }
    }

    /// The rule in words, for people and for refused calls. Holds foreign text.
    pub fn words(&self) -> String {
        let name = &self.argument;
        match &self.check {
            Check::BePresent => format!("{name} must be given"),
            Check::BeOneOf { values } => format!("{name} must be one of {} values", values.len()),
            Check::BeAtMost { max } => format!("{name} must be at most {max}"),
            Check::Be { value, absent: true } => format!("{name} must be {value} or left out"),
            Check::Be { value, absent: false } => format!("{name} must be {value}"),
        }
    }
}

/// The rules that a schema lets a policy state, sorted by argument.
pub fn argument_rules(schema: Json<'_>) -> Vec<ArgumentRule> {
    let Some(properties) = schema.get("properties").and_then(Json::as_object) else { return Vec::new() };
    let mut rules = Vec::new();
    let mut add = |argument: &str, check| {
        rules.push(ArgumentRule { argument: argument.to_owned(), check });
    };
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let mut named: Vec<(&str, Json<'_>)> =
        properties.filter(|(name, _)| name.chars().count() <= MAX_NAME).collect();
    named.sort_unstable_by_key(|(name, _)| *name);
    for (name, property) in named {
        // What narrows comes before what only repeats the schema: the list is cut at its end.
        if let Some(check) = narrowing(name, property) {
            add(name, check);
        } else if let Some(check) = bounded(property) {
            add(name, check);
        }
        if required.contains(&name) {
            add(name, Check::BePresent);
        }
    }
    rules.sort_by_key(|rule| !matches!(rule.check, Check::Be { .. }));
    rules.truncate(MAX_RULES);
    rules.sort_by(|a, b| a.argument.cmp(&b.argument));
    rules
}

fn is_type(property: Json<'_>, types: &[&str]) -> bool {
    property.get("type").and_then(Json::as_str).is_some_and(|t| types.contains(&t))
}

/// `dryRun`, `dry-run` and `dry_run` are one word.
fn plain_word(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

fn narrowing(name: &str, property: Json<'_>) -> Option<Check> {
    if !is_type(property, &["boolean"]) {
        return None;
    }
    let default = property.get("default").and_then(Json::as_bool);
    match plain_word(name).as_str() {
        "dryrun" => Some(Check::Be { value: true, absent: default == Some(true) }),
        "force" | "recursive" => Some(Check::Be { value: false, absent: default != Some(true) }),
        _ => None,
    }
}

fn bounded(property: Json<'_>) -> Option<Check> {
    if let Some(list) = property.get("enum").and_then(Json::as_array) {
        let values: Option<Vec<Scalar>> = list.map(Scalar::of).collect();
        return values
            .filter(|v| !v.is_empty() && v.len() <= MAX_VALUES)
            .map(|values| Check::BeOneOf { values });
    }
    if is_type(property, &["number", "integer"]) {
        let max = property.get("maximum").and_then(Json::as_f64);
        return within_bounds(max).map(|max| Check::BeAtMost { max });
    }
    None
}

/// An argument that a person may want to bind to places of his own: only he knows which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The argument's name. Foreign text.
    pub argument: String,
    /// What it holds.
    pub kind: PlaceKind,
}

/// What an argument that names a place holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlaceKind {
    /// A path: fill in the folders it may begin with.
    PathPrefix,
    /// An address: fill in the hosts it may name.
    UrlHost,
}

impl PlaceKind {
    /// The word of the neutral form.
    pub fn as_str(self) -> &'static str {
        match self {
            PlaceKind::PathPrefix => "path-prefix",
            PlaceKind::UrlHost => "url-host",
        }
    }
}

/// The arguments of a schema that name paths or addresses, sorted.
pub fn places(schema: Json<'_>) -> Vec<Place> {
    let Some(properties) = schema.get("properties").and_then(Json::as_object) else { return Vec::new() };
    let mut places: Vec<Place> = properties
        .filter(|(name, property)| name.chars().count() <= MAX_NAME && is_type(*property, &["string"]))
        .filter_map(|(name, property)| {
            let word = plain_word(name);
            let uri =
                property.get("format").and_then(Json::as_str).is_some_and(|f| matches!(f, "uri" | "url"));
            let kind = if uri || word.ends_with("url") || word.ends_with("uri") || word == "host" {
                PlaceKind::UrlHost
            } else if word.ends_with("path")
                || matches!(word.as_str(), "file" | "filename" | "directory" | "dir" | "folder" | "cwd")
            {
                PlaceKind::PathPrefix
            } else {
                return None;
            };
            Some(Place { argument: name.to_owned(), kind })
        })
        .take(MAX_RULES)
        .collect();
    places.sort_by(|a, b| a.argument.cmp(&b.argument));
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    use crate::model::ToolDefinition;

    /// A tool with that schema.
    fn tool(schema: &Value) -> ToolDefinition {
        ToolDefinition::from_json(&json!({"name": "t", "inputSchema": schema}).to_string()).unwrap()
    }

    #[test]
    fn a_schema_states_presence_values_maxima_and_the_careful_way() {
        let schema = json!({"required": ["id", "mode"], "properties": {
            "id": {"type": "string"}, "mode": {"enum": ["a", "b"]}, "n": {"type": "integer", "maximum": 100},
            "dryRun": {"type": "boolean"}, "force": {"type": "boolean"},
            "recursive": {"type": "boolean", "default": true}, "odd": {"enum": [{}]}, "path": {"type": "string"},
            "target_url": {"type": "string"}}});
        let tool = tool(&schema);
        let schema = tool.input_schema().unwrap();
        let rules = argument_rules(schema);
        let keeps = |arguments: Value| rules.iter().all(|r| r.holds(Some(&arguments)));
        let good = json!({"id": 1, "mode": "a", "dryRun": true, "recursive": false});
        assert!(keeps(good.clone()));
        for (key, value) in [
            ("id", Value::Null),
            ("mode", json!("c")),
            ("n", json!(101)),
            ("n", json!("5")),
            ("dryRun", json!(false)),
            ("dryRun", Value::Null),
            ("force", json!(true)),
            ("force", json!("true")),
            ("recursive", json!(true)),
            ("recursive", Value::Null),
        ] {
            let mut bad = good.clone();
            bad[key] = value;
            assert!(!keeps(bad.clone()), "{bad}");
        }
        assert!(!rules.iter().all(|r| r.holds(None)));
        let kinds: Vec<_> = places(schema).into_iter().map(|p| (p.argument, p.kind)).collect();
        assert_eq!(
            kinds,
            [("path".to_owned(), PlaceKind::PathPrefix), ("target_url".to_owned(), PlaceKind::UrlHost)]
        );
    }

    #[test]
    fn a_hostile_schema_states_nothing_it_could_mislead_with() {
        for schema in [json!(null), json!([]), json!({"properties": []}), json!({"properties": {"a": 1}})] {
            assert_eq!(argument_rules(tool(&schema).input_schema().unwrap()), []);
        }
        let many: serde_json::Map<String, Value> =
            (0..500).map(|i| (format!("a{i}"), json!({"enum": [1]}))).collect();
        let many = tool(&json!({"properties": many}));
        assert_eq!(argument_rules(many.input_schema().unwrap()).len(), MAX_RULES);
    }
}
