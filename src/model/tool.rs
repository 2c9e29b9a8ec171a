//! One tool as a server defined it, and the hash that names the definition.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use super::digest::sha256_hex;
use super::flat::{Flat, Json};

/// How keys begin that mean something to serde_json itself: it would take the value for JSON to be read, or for a number,
/// and so show other text than was written.
const READER_KEYS: &str = "$serde_json::private::";

/// SHA-256 of a definition's canonical bytes, 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DefinitionHash(String);

impl DefinitionHash {
    /// Wraps a stored hash.
    pub fn stored(hex: impl Into<String>) -> Self {
        Self(hex.into())
    }

    /// The 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DefinitionHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why one entry of a tool list is no tool. It costs that entry, not the server.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ToolProblem {
    /// Not JSON, or nested deeper than 128 levels.
    #[error("not readable as JSON: {0}")]
    NotJson(String),
    /// JSON, but not an object.
    #[error("not an object")]
    NotAnObject,
    /// No `name`, or one that is no text or empty.
    #[error("no name")]
    NoName,
}

/// A tool definition: the parsed object, its name and its hash. Fields may have any type: a server wrote them.
#[derive(Debug, Clone)]
pub struct ToolDefinition {
    /// Its two forms, each made when it is asked for: rules look at the tree, pages at what is laid out flat.
    object: OnceLock<Value>,
    flat: OnceLock<Flat>,
    name: String,
    hash: DefinitionHash,
    canonical: String,
}

impl PartialEq for ToolDefinition {
    fn eq(&self, other: &Self) -> bool {
        (&self.hash, &self.canonical) == (&other.hash, &other.canonical) && self.object() == other.object()
    }
}

impl ToolDefinition {
    /// Reads one entry of `tools/list`.
    ///
    /// # Errors
    /// [`ToolProblem`]; the text is stored anyway, as malformed.
    pub fn from_json(text: &str) -> Result<Self, ToolProblem> {
        let object: Value = serde_json::from_str(text).map_err(|e| ToolProblem::NotJson(e.to_string()))?;
        let fields = object.as_object().ok_or(ToolProblem::NotAnObject)?;
        let name = fields.get("name").and_then(Value::as_str).ok_or(ToolProblem::NoName)?.to_owned();
        if name.is_empty() {
            return Err(ToolProblem::NoName);
        }
        let canonical = canonical(text).map_err(|e| ToolProblem::NotJson(e.to_string()))?;
        let hash = DefinitionHash(sha256_hex(canonical.as_bytes()));
        Ok(Self { object: object.into(), flat: OnceLock::new(), name, hash, canonical })
    }

    /// Reads canonical text as it is stored, under the hash it is stored under: neither is computed again.
    ///
    /// # Errors
    /// [`ToolProblem`], where somebody altered what is stored.
    pub fn from_canonical(canonical: String, hash: DefinitionHash) -> Result<Self, ToolProblem> {
        let flat = Flat::read(&canonical).map_err(|e| ToolProblem::NotJson(e.to_string()))?;
        let mut fields = flat.top(&canonical).as_object().ok_or(ToolProblem::NotAnObject)?;
        let name = fields.find(|(name, _)| *name == "name").and_then(|(_, name)| name.as_str());
        let name = name.filter(|name| !name.is_empty()).ok_or(ToolProblem::NoName)?.to_owned();
        Ok(Self { object: OnceLock::new(), flat: flat.into(), name, hash, canonical })
    }

    /// The whole object as the server sent it; evidence points into it. As it was read: without `_meta` and `icons` where it was
    /// stored.
    pub fn object(&self) -> &Value {
        // What was laid out can be read once more.
        self.object.get_or_init(|| serde_json::from_str(&self.canonical).unwrap_or_default())
    }

    /// What was hashed, laid out for reading.
    pub fn json(&self) -> Json<'_> {
        self.flat.get_or_init(|| Flat::read(&self.canonical).unwrap_or_default()).top(&self.canonical)
    }

    /// `name`, never empty. Foreign text.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `title`, else `annotations.title`, if it is text. Foreign text.
    pub fn title(&self) -> Option<&str> {
        let in_annotations =
            || self.json().get("annotations").and_then(|annotations| annotations.get("title"));
        self.json().get("title").or_else(in_annotations).and_then(Json::as_str)
    }

    /// `description`, if it is text. Foreign text.
    pub fn description(&self) -> Option<&str> {
        self.json().get("description").and_then(Json::as_str)
    }

    /// `inputSchema`, whatever it is.
    pub fn input_schema(&self) -> Option<Json<'_>> {
        self.json().get("inputSchema")
    }

    /// One hint of `annotations`, only if it is stated as true or false
    /// (the specification's defaults say nothing about a tool).
    pub fn hint(&self, name: &str) -> Option<bool> {
        self.json().get("annotations")?.get(name)?.as_bool()
    }

    /// The name of this definition across servers, probes and time.
    pub fn hash(&self) -> &DefinitionHash {
        &self.hash
    }

    /// The bytes that were hashed.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

/// UTF-8 JSON, keys sorted by code point, numbers as written, no white space, without the object's own `_meta` and `icons`.
///
/// Works on the text and not on [`Value`]: serde_json respells an exponent (`1e2` as `1e+2`) even where it keeps digits.
fn canonical(text: &str) -> serde_json::Result<String> {
    let raw: &RawValue = serde_json::from_str(text)?;
    let mut out = String::with_capacity(text.len());
    write_canonical(raw, true, &mut out)?;
    Ok(out)
}

/// Recursion is bounded by serde_json's own limit of 128 levels, met when the whole text is read first.
fn write_canonical(raw: &RawValue, top: bool, out: &mut String) -> serde_json::Result<()> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            // Rust compares strings by UTF-8 bytes, which is the order of code points.
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            if fields.keys().any(|key| key.starts_with(READER_KEYS)) {
                return Err(serde::de::Error::custom("a key that steers the reader of this text"));
            }
            let kept = fields.iter().filter(|(key, _)| !(top && matches!(key.as_str(), "_meta" | "icons")));
            out.push('{');
            for (i, (key, value)) in kept.enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::to_string(key)?);
                out.push(':');
                write_canonical(value, false, out)?;
            }
            out.push('}');
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            out.push('[');
            for (i, item) in items.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_canonical(item, false, out)?;
            }
            out.push(']');
        }
        Some(b'"') => out.push_str(&serde_json::to_string(&serde_json::from_str::<String>(text)?)?),
        _ => out.push_str(text),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_space_meta_and_icons_do_not_change_the_hash_and_numbers_stay_as_written() {
        let a = ToolDefinition::from_json(
            r#"{"name":"a","inputSchema":{"b":1.0,"a":1e2},"_meta":{"x":1},"icons":[]}"#,
        )
        .unwrap();
        let b = ToolDefinition::from_json(r#"{ "inputSchema" : {"a": 1e2, "b": 1.0}, "name":"a" }"#).unwrap();
        assert_eq!(a.hash(), b.hash());
        assert_eq!(a.canonical(), r#"{"inputSchema":{"a":1e2,"b":1.0},"name":"a"}"#);
        let c = ToolDefinition::from_json(r#"{"name":"a","inputSchema":{"a":100,"b":1.0}}"#).unwrap();
        assert_ne!(a.hash(), c.hash());
    }

    #[test]
    fn numbers_beyond_any_machine_type_survive() {
        let text =
            r#"{"inputSchema":{"maximum":123456789012345678901234567890,"minimum":-0,"x":1E400},"name":"é"}"#;
        assert_eq!(ToolDefinition::from_json(text).unwrap().canonical(), text);
    }

    #[test]
    fn an_inner_meta_is_part_of_the_definition() {
        let with = ToolDefinition::from_json(r#"{"name":"a","inputSchema":{"_meta":1}}"#).unwrap();
        assert!(with.canonical().contains("_meta"));
    }

    #[test]
    fn a_key_that_steers_the_reader_makes_no_tool() {
        for key in [
            "$serde_json::private::RawValue",
            "$serde_json::private::Number",
            "\\u0024serde_json::private::RawValue",
        ] {
            let text = format!("{{\"name\":\"a\",\"inputSchema\":{{\"x\":[{{\"{key}\":\"1\"}}]}}}}");
            assert!(matches!(ToolDefinition::from_json(&text), Err(ToolProblem::NotJson(_))), "{text}");
        }
    }

    #[test]
    fn what_is_no_tool_says_why() {
        assert_eq!(ToolDefinition::from_json("[]").unwrap_err(), ToolProblem::NotAnObject);
        assert_eq!(ToolDefinition::from_json(r#"{"name":""}"#).unwrap_err(), ToolProblem::NoName);
        assert_eq!(ToolDefinition::from_json(r#"{"name":5}"#).unwrap_err(), ToolProblem::NoName);
        assert!(matches!(ToolDefinition::from_json("{"), Err(ToolProblem::NotJson(_))));
    }
}
