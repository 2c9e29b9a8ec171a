//! A tool's parameters as its input schema lists them: names, types, which are required. Any JSON is possible here.

use std::borrow::Cow;

use serde::Serialize;

use super::name::{shown_name, tool_name};
use super::quote::{EVIDENCE_ON_PAGE, Stretch, marked_where, of_either, place, with_marks};
use super::words::{ClassWord, SignalWord, class_word, signal_word};
use crate::model::flat::{Json, Kind};
use crate::model::text::{is_blank, page_line};
use crate::model::{Class, Effect, Evidence, ToolDefinition};

/// Most parameters on a page.
const MOST: usize = 200;
/// Longest description of one.
const DESCRIPTION: usize = 500;
/// Longest schema on a page, in Unicode scalar values; the JSON twin has all of it.
const SCHEMA: usize = 6_000;
/// Most values of an enumeration.
const MOST_VALUES: usize = 12;

/// All parameters of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Parameters<'a> {
    /// The server gave a schema that is an object.
    pub(super) known: bool,
    /// How many there are.
    pub(super) total: usize,
    /// How many of them are required.
    pub(super) required: usize,
    /// Required ones first, then by name; at most [`MOST`]. Pages show them line by line.
    #[serde(skip)]
    pub(super) list: Vec<Parameter<'a>>,
    /// How many are not in `list`.
    pub(super) left_out: usize,
    /// Others may be given too: the schema allows properties it does not name.
    pub(super) open: bool,
    /// How many of them a reason points at that raises the verdict.
    pub(super) risky: usize,
}

/// The input schema as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Schema {
    /// Indented JSON, its keys sorted, or the beginning of it. Foreign text.
    pub(super) text: String,
    /// Its whole length in characters.
    pub(super) characters: usize,
    /// It is longer than what is shown.
    pub(super) cut: bool,
}

/// A reason of the verdict that points at a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub(super) struct Flag {
    /// The reason's number on the page.
    pub(super) reason: usize,
    /// The signal it raises.
    pub(super) signal: Option<SignalWord>,
    /// The class it speaks for.
    pub(super) class: Option<ClassWord>,
    /// It raises the verdict.
    pub(super) risky: bool,
}

/// One parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Parameter<'a> {
    /// Foreign text.
    pub(super) name: Cow<'a, str>,
    /// `string`, `array of integer`, `string or null`; empty where the schema does not say. Foreign text.
    pub(super) kind: Cow<'a, str>,
    /// The schema lists it as required.
    pub(super) required: bool,
    /// What its author says, with the words that decided marked. Foreign text.
    pub(super) description: Vec<Stretch<'a>>,
    /// The reasons that point at it.
    pub(super) flags: Vec<Flag>,
    /// One of them raises the verdict.
    pub(super) risky: bool,
    /// The values it can take. Foreign text.
    pub(super) values: Vec<Cow<'a, str>>,
    /// How many values are not in `values`.
    pub(super) more_values: usize,
    /// What it is when left out, as JSON. Foreign text.
    pub(super) default: Option<Cow<'a, str>>,
}

/// The input schema, indented; None where there is none.
pub(super) fn schema(tool: &ToolDefinition) -> Option<Schema> {
    let mut text = tool.input_schema().filter(|schema| !matches!(schema.kind(), Kind::Null))?.indented();
    let characters = text.chars().count();
    let cut = characters > SCHEMA;
    if cut && let Some((end, _)) = text.char_indices().nth(SCHEMA) {
        text.truncate(end);
        text.push('…');
    }
    Some(Schema { text, characters, cut })
}

/// Reads a tool's parameters, and what the verdict found in them.
pub(super) fn parameters<'a>(tool: &'a ToolDefinition, evidence: &[Evidence]) -> Parameters<'a> {
    let schema = tool.input_schema().filter(|schema| matches!(schema.kind(), Kind::Object(_)));
    let properties = schema.and_then(|schema| schema.get("properties")).and_then(Json::as_object);
    let required = schema.and_then(|schema| schema.get("required")).and_then(Json::as_array);
    let required: Vec<&str> = required.into_iter().flatten().filter_map(Json::as_str).collect();
    let named = properties.into_iter().flatten();
    let mut list: Vec<(bool, &str, Json<'_>)> =
        named.map(|(name, value)| (!required.contains(&name), name, value)).collect();
    list.sort_unstable_by_key(|(optional, name, _)| (*optional, *name));
    let shown = evidence.iter().take(EVIDENCE_ON_PAGE).enumerate();
    let at_parameters: Vec<At<'_>> = shown
        .filter_map(|(i, found)| match place(&found.field) {
            ("parameter", name) => Some((i + 1, found, name)),
            _ => None,
        })
        .collect();
    let (total, required) = (list.len(), list.iter().filter(|(optional, ..)| !optional).count());
    let shown = list.into_iter().take(MOST);
    let list: Vec<Parameter<'_>> =
        shown.map(|(optional, n, v)| parameter(n, v, !optional, evidence, &at_parameters)).collect();
    Parameters {
        known: schema.is_some(),
        total,
        required,
        left_out: total - list.len(),
        open: schema
            .and_then(|schema| schema.get("additionalProperties"))
            .is_some_and(|value| value.as_bool() != Some(false)),
        risky: list.iter().filter(|p| p.risky).count(),
        list,
    }
}

/// A piece of evidence that points at a parameter: its number on the page, and the parameter's name.
type At<'e> = (usize, &'e Evidence, Cow<'e, str>);

/// The reasons that point at a parameter, each signal and class once.
fn flags(name: &str, at_parameters: &[At<'_>]) -> Vec<Flag> {
    let mut flags: Vec<Flag> = Vec::new();
    for (number, found, _) in at_parameters.iter().filter(|(.., within)| within == name) {
        let Effect { class, signal, weight, .. } = found.effect;
        if class.is_none() && signal.is_none() {
            continue;
        }
        let raises = weight >= 0.0 && signal.is_none_or(|s| signal_word(s).moves == "up");
        let flag = Flag {
            reason: *number,
            signal: signal.map(signal_word),
            class: class.map(class_word),
            risky: raises && (signal.is_some() || class.is_some_and(|class| class != Class::Read)),
        };
        if flags.iter().all(|known| (known.signal, known.class) != (flag.signal, flag.class)) {
            flags.push(flag);
        }
    }
    flags
}

fn parameter<'a>(
    name: &'a str,
    schema: Json<'a>,
    required: bool,
    evidence: &[Evidence],
    at_parameters: &[At<'_>],
) -> Parameter<'a> {
    let (mut description, mut values, mut default) = ("", None, None);
    for (word, value) in schema.as_object().into_iter().flatten() {
        match (word, value.kind()) {
            ("description", Kind::Text(text)) => description = text,
            ("enum", Kind::List(list)) => values = Some(list),
            ("default", Kind::Null) => {}
            ("default", _) => default = Some(value),
            _ => {}
        }
    }
    let mut values = values.into_iter().flatten();
    let description = if is_blank(description) { "" } else { description };
    let description = if at_parameters.iter().any(|(.., within)| within == name) {
        let escaped = escaped(name);
        let is_own = |field: &str| {
            let within = field.strip_prefix("/inputSchema/properties/");
            within.and_then(|rest| rest.strip_suffix("/description")) == Some(&*escaped)
        };
        marked_where(description, is_own, evidence, DESCRIPTION).0
    } else {
        with_marks(description, Vec::new(), DESCRIPTION).0
    };
    let flags = flags(name, at_parameters);
    Parameter {
        name: shown_name(name, 200),
        kind: of_either(kind(schema, 0), |kind| page_line(kind, 120)),
        required,
        description,
        risky: flags.iter().any(|flag| flag.risky),
        flags,
        values: values.by_ref().take(MOST_VALUES).map(shown).collect(),
        more_values: values.count(),
        default: default.map(shown),
    }
}

/// A name as a JSON pointer has it (RFC 6901).
fn escaped(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) { name.replace('~', "~0").replace('/', "~1").into() } else { name.into() }
}

/// The type in words, looking at most three levels down.
fn kind(schema: Json<'_>, depth: u8) -> Cow<'_, str> {
    if depth > 3 {
        return "".into();
    }
    match schema.get("type").map(Json::kind) {
        Some(Kind::Text("array")) => {
            let items = schema.get("items").map(|items| kind(items, depth + 1)).unwrap_or_default();
            if items.is_empty() { "array".into() } else { ["array of ", &items].concat().into() }
        }
        Some(Kind::Text(word)) => word.into(),
        Some(Kind::List(words)) => {
            words.filter_map(Json::as_str).take(6).collect::<Vec<_>>().join(" or ").into()
        }
        _ => {
            let branches = ["anyOf", "oneOf", "allOf"].iter().find_map(|key| schema.get(key)?.as_array());
            let mut kinds: Vec<Cow<'_, str>> = Vec::new();
            for branch in branches.into_iter().flatten().take(6) {
                let kind = kind(branch, depth + 1);
                if !kind.is_empty() && !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            kinds.join(" or ").into()
        }
    }
}

fn shown(value: Json<'_>) -> Cow<'_, str> {
    match value.kind() {
        Kind::Text("") => "\"\"".into(),
        Kind::Text(text) | Kind::Number(text) => shown_name(text, 80),
        Kind::Bool(true) => "true".into(),
        Kind::Bool(false) => "false".into(),
        _ => tool_name(&value.to_string(), 80).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(schema: &str) -> ToolDefinition {
        ToolDefinition::from_json(&format!(r#"{{"name":"t","inputSchema":{schema}}}"#)).unwrap()
    }

    #[test]
    fn required_ones_come_first_with_their_types() {
        let tool = tool(
            r#"{"type":"object","required":["z","gone"],"properties":{
                "a":{"type":"array","items":{"type":"string"}},
                "b":{"anyOf":[{"type":"string"},{"type":"null"}],"default":false},
                "z":{"type":["string","null"],"enum":["x",""]}}}"#,
        );
        let all = parameters(&tool, &[]);
        let shown: Vec<_> = all.list.iter().map(|p| (p.name.as_ref(), p.kind.as_ref(), p.required)).collect();
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
            assert_eq!(parameters(&tool(schema), &[]).total, 0, "{schema}");
        }
        assert_eq!(parameters(&tool(r#"{"properties":{"a":true}}"#), &[]).total, 1);
    }

    #[test]
    fn a_reason_that_raises_the_verdict_flags_its_parameter_and_marks_its_words() {
        let text = r#"{"name":"t","inputSchema":{"properties":{"a/b":{"description":"Runs it as a shell"},"c":{}}}}"#;
        let found = |field: &str, span, class, weight| Evidence {
            rule: "r".to_owned(),
            field: field.to_owned(),
            span,
            text: String::new(),
            effect: Effect { class: Some(class), weight, ..Effect::default() },
        };
        let evidence = [
            found("/name", Some([0, 1]), Class::Execute, 1.0),
            found("/inputSchema/properties/a~1b/description", Some([0, 4]), Class::Execute, 1.0),
            found("/inputSchema/properties/a~1b", None, Class::Execute, 1.0),
            found("/inputSchema/properties/c", None, Class::Read, 1.0),
        ];
        let tool = ToolDefinition::from_json(text).unwrap();
        let all = parameters(&tool, &evidence);
        let [first, second] = all.list.as_slice() else { panic!("{all:?}") };
        assert_eq!((first.risky, first.flags.len(), second.risky, all.risky), (true, 1, false, 1));
        let marks: Vec<_> = first.description.iter().map(|s| (s.text.as_ref(), s.evidence)).collect();
        assert_eq!(marks, [("Runs", 2), (" it as a shell", 0)]);
    }

    #[test]
    fn words_are_marked_only_in_the_parameter_that_is_pointed_at() {
        let marks = |name: &str, field: &str| {
            let schema = serde_json::json!({"properties": {name: {"description": "Runs it"}}});
            let evidence = [Evidence {
                rule: "r".to_owned(),
                field: field.to_owned(),
                span: Some([0, 4]),
                text: String::new(),
                effect: Effect { class: Some(Class::Execute), weight: 1.0, ..Effect::default() },
            }];
            parameters(&tool(&schema.to_string()), &evidence).list[0].description.len() == 2
        };
        let pointer = |name: &str| format!("/inputSchema/properties/{name}/description");
        for (name, within) in [("a", "a"), ("~\"<é", "~0\"<é"), ("a/b~1", "a~1b~01"), ("", "")] {
            assert!(marks(name, &pointer(within)), "{name}");
        }
        for (name, within) in [("a/b", "a/b"), ("a", "a/x"), ("a", "a/properties/b"), ("description", "a")] {
            assert!(!marks(name, &pointer(within)), "{name}");
        }
        assert!(!marks("a", "/inputSchema/properties/a/description/x"));
    }

    #[test]
    fn a_long_schema_is_cut_and_says_so() {
        let of = |length: usize| {
            let text = format!(r#"{{"name":"t","inputSchema":{{"x":"{}"}}}}"#, "é".repeat(length));
            schema(&ToolDefinition::from_json(&text).unwrap()).unwrap()
        };
        assert_eq!((of(10).cut, of(10).text.as_str()), (false, "{\n \"x\": \"éééééééééé\"\n}"));
        let long = of(50_000);
        assert!(long.cut && long.text.chars().count() == SCHEMA + 1 && long.characters > 50_000);
    }
}
