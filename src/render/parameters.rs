//! A tool's parameters as its input schema lists them: names, types, which are required. Any JSON is possible here.

use serde::Serialize;
use serde_json::Value;

use super::name::tool_name;
use crate::model::{ToolDefinition, Untrusted};

/// Most parameters on a page.
const MOST: usize = 200;
/// Longest description of one.
const DESCRIPTION: usize = 500;
/// Most values of an enumeration.
const MOST_VALUES: usize = 12;

/// All parameters of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Parameters {
    /// The server gave a schema that is an object.
    pub(super) known: bool,
    /// How many there are.
    pub(super) total: usize,
    /// How many of them are required.
    pub(super) required: usize,
    /// Required ones first, then by name; at most [`MOST`].
    pub(super) list: Vec<Parameter>,
    /// How many are not in `list`.
    pub(super) left_out: usize,
    /// Others may be given too: the schema allows properties it does not name.
    pub(super) open: bool,
}

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Parameter {
    /// Foreign text.
    pub(super) name: String,
    /// `string`, `array of integer`, `string or null`; empty where the schema does not say. Foreign text.
    pub(super) kind: String,
    /// The schema lists it as required.
    pub(super) required: bool,
    /// What its author says. Foreign text.
    pub(super) description: String,
    /// The values it can take. Foreign text.
    pub(super) values: Vec<String>,
    /// How many values are not in `values`.
    pub(super) more_values: usize,
    /// What it is when left out, as JSON. Foreign text.
    pub(super) default: Option<String>,
}

/// Reads a tool's parameters.
pub(super) fn parameters(tool: &ToolDefinition) -> Parameters {
    let schema = tool.input_schema().filter(|s| s.is_object());
    let properties = schema.and_then(|s| s.get("properties")).and_then(Value::as_object);
    let required: Vec<&str> = schema
        .and_then(|s| s.get("required"))
        .and_then(Value::as_array)
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mut list: Vec<(&String, &Value)> = properties.map(|p| p.iter().collect()).unwrap_or_default();
    let is_required = |name: &String| required.contains(&name.as_str());
    list.sort_by_key(|(name, _)| (!is_required(name), (*name).clone()));
    Parameters {
        known: schema.is_some(),
        total: list.len(),
        required: list.iter().filter(|(name, _)| is_required(name)).count(),
        left_out: list.len().saturating_sub(MOST),
        open: schema.and_then(|s| s.get("additionalProperties")).is_some_and(|v| v != &Value::Bool(false)),
        list: list.into_iter().take(MOST).map(|(n, v)| parameter(n, v, is_required(n))).collect(),
    }
}

fn parameter(name: &str, schema: &Value, required: bool) -> Parameter {
    let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let values = schema.get("enum").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Parameter {
        name: tool_name(name, 200),
        kind: Untrusted::new(kind(schema, 0)).for_page_line(120),
        required,
        description: Untrusted::new(description).for_page_line(DESCRIPTION),
        values: values.iter().take(MOST_VALUES).map(shown).collect(),
        more_values: values.len().saturating_sub(MOST_VALUES),
        default: schema.get("default").filter(|v| !v.is_null()).map(shown),
    }
}

/// The type in words, looking at most three levels down.
fn kind(schema: &Value, depth: u8) -> String {
    if depth > 3 {
        return String::new();
    }
    match schema.get("type") {
        Some(Value::String(word)) if word == "array" => {
            let items = schema.get("items").map(|i| kind(i, depth + 1)).unwrap_or_default();
            if items.is_empty() { "array".to_owned() } else { format!("array of {items}") }
        }
        Some(Value::String(word)) => word.clone(),
        Some(Value::Array(words)) => {
            words.iter().filter_map(Value::as_str).take(6).collect::<Vec<_>>().join(" or ")
        }
        _ => {
            let branches = ["anyOf", "oneOf", "allOf"].iter().find_map(|k| schema.get(k)?.as_array());
            let mut kinds: Vec<String> = Vec::new();
            for branch in branches.map(Vec::as_slice).unwrap_or_default().iter().take(6) {
                let kind = kind(branch, depth + 1);
                if !kind.is_empty() && !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            kinds.join(" or ")
        }
    }
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.is_empty() { "\"\"".to_owned() } else { tool_name(&text, 80) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(schema: &str) -> Parameters {
        let text = format!(r#"{{"name":"t","inputSchema":{schema}}}"#);
        parameters(&ToolDefinition::from_json(&text).unwrap())
    }

    #[test]
    fn required_ones_come_first_with_their_types() {
        let all = read(
            r#"{"type":"object","required":["z","gone"],"properties":{
                "a":{"type":"array","items":{"type":"string"}},
                "b":{"anyOf":[{"type":"string"},{"type":"null"}],"default":false},
                "z":{"type":["string","null"],"enum":["x",""]}}}"#,
        );
        let shown: Vec<_> = all.list.iter().map(|p| (p.name.as_str(), p.kind.as_str(), p.required)).collect();
        assert_eq!(
            shown,
            [("z", "string or null", true), ("a", "array of string", false), ("b", "string or null", false)]
        );
        assert_eq!((all.total, all.required), (3, 1));
        assert_eq!(all.list.last().and_then(|p| p.default.as_deref()), Some("false"));
    }

    #[test]
    fn any_json_is_survived() {
        for schema in ["null", "5", "[]", "{}", r#"{"properties":[1],"required":{}}"#] {
            assert_eq!(read(schema).total, 0, "{schema}");
        }
        assert_eq!(read(r#"{"properties":{"a":true}}"#).total, 1);
    }
}
