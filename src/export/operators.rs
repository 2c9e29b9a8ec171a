//! The eleven operators of a condition, the same in both of the anchor's languages, and the values they take.
//!
//! Source: research/policylayer.md section 2.1 (operators and value types) and 2.2 ("the same eleven operators").

use super::node::Kind;

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
