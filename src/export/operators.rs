//! The eleven operators of a condition, the same in both of the anchor's languages, and the values they take.
//!
//! What a call makes of a condition is told here too: a reference for reading documents back.
//!
//! Source: research/policylayer.md section 2.1 (operators and value types) and 2.2 ("the same eleven operators").

use serde_json::Value;

use super::node::{Kind, Node};
use crate::policy::{ArgumentRule, Check, Scalar};

/// Every operator.
pub(super) const OPERATORS: [&str; 11] =
    ["eq", "neq", "in", "not_in", "lt", "lte", "gt", "gte", "regex", "contains", "exists"];

/// What is wrong with a condition's value, if it is of a kind that its operator does not take.
pub(super) fn wrong_value(op: &str, value: &Kind) -> Option<String> {
    match (op, value) {
        ("in" | "not_in", Kind::List(_)) => None,
        ("in" | "not_in", _) => Some("must be a list".to_owned()),
        ("lt" | "lte" | "gt" | "gte", Kind::Number(_)) => None,
        ("lt" | "lte" | "gt" | "gte", _) => Some("must be a number".to_owned()),
        ("exists", Kind::Bool(_)) => None,
        ("exists", _) => Some("must be true or false".to_owned()),
        ("regex", Kind::Text(pattern)) => {
            regex::Regex::new(pattern).err().map(|_| "is no regular expression (RE2 syntax)".to_owned())
        }
        ("regex", _) => Some("must be a text".to_owned()),
        _ => None,
    }
}

/// Whether an argument rule can be said with a condition that nothing slips through: values are compared as they print
/// there, so that the text "false" equals false, and a path descends at each dot.
pub(super) fn expressible(rule: &ArgumentRule) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let word = |value: &Scalar| match value {
        Scalar::Text(text) => {
            text.parse::<f64>().is_err() && !matches!(text.as_str(), "true" | "false" | "null" | "" | "<nil>")
        }
        Scalar::Number(_) => true,
        Scalar::Bool(_) => false,
    };
    !rule.argument.is_empty()
        && rule.argument.chars().all(plain)
        && match &rule.check {
            Check::BePresent | Check::BeAtMost { .. } => true,
            Check::BeOneOf { values } => values.iter().all(word),
            Check::Be { .. } => false,
        }
}

/// Whether a condition holds for these arguments; None for an operator that is not written here.
pub(super) fn holds(condition: &Node, arguments: Option<&Value>) -> Option<bool> {
    let path = condition.get("path")?.as_text()?.strip_prefix("args.")?;
    let mut found = arguments;
    for part in path.split('.') {
        found = found.and_then(|value| value.get(part));
    }
    let found = found.filter(|value| !value.is_null());
    let value = &condition.get("value")?.kind;
    let printed = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let equals = |item: &Kind, found: &Value| match item {
        Kind::Text(text) => printed(found) == *text,
        Kind::Bool(value) => printed(found) == value.to_string(),
        Kind::Number(value) => printed(found).parse() == Ok(*value),
        Kind::Null | Kind::List(_) | Kind::Map(_) => false,
    };
    let number = |compare: fn(f64, f64) -> bool| match (found.and_then(Value::as_f64), value) {
        (Some(found), Kind::Number(value)) => compare(found, *value),
        _ => false,
    };
    let listed = |found: &Value| match value {
        Kind::List(items) => items.iter().any(|item| equals(&item.kind, found)),
        _ => false,
    };
    Some(match condition.get("op")?.as_text()? {
        "exists" => Kind::Bool(found.is_some()) == *value,
        "eq" => found.is_some_and(|f| equals(value, f)),
        "neq" => found.is_some_and(|f| !equals(value, f)),
        "in" => found.is_some_and(listed),
        "not_in" => found.is_some_and(|f| !listed(f)),
        "lt" => number(|a, b| a < b),
        "lte" => number(|a, b| a <= b),
        "gt" => number(|a, b| a > b),
        "gte" => number(|a, b| a >= b),
        _ => return None,
    })
}
