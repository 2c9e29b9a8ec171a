//! Canonical JSON as a tree: what `serde_json` would give, but each object is built at once of its fields, which stand sorted in such a
//! text already, where `serde_json` looks for the place of each. Called by `tool`.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// The key of the object that `serde_json` hands a number over as, with `arbitrary_precision`. No definition has it (`tool`).
pub(crate) const NUMBER: &str = "$serde_json::private::Number";

/// Reads such a text; any other JSON is read, too, and not faster.
///
/// # Errors
/// Not JSON, or nested deeper than 128 levels.
pub(super) fn tree(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str::<Tree>(text).map(|tree| tree.0)
}

struct Tree(Value);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Read).map(Tree)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Tree(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields: Vec<(String, Value)> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == NUMBER {
                let digits: String = map.next_value()?;
                let number: Number = digits.parse().map_err(serde::de::Error::custom)?;
                return Ok(Value::Number(number));
            }
            fields.push((key, map.next_value::<Tree>()?.0));
        }
        Ok(Value::Object(fields.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_tree_that_serde_json_gives() {
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        for text in [
            r#"{"a":[1,-0,1.50,1e2,1E400,-12345678901234567890123],"b":{"c":null,"d":true},"é":"\"\n\u00e9"}"#,
            r#"{"b":1,"a":{},"b":2}"#,
            "[]",
            "{}",
            "\"x\"",
            " 7 ",
            "null",
            deep.as_str(),
        ] {
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(tree(text).unwrap(), value, "{text}");
            assert_eq!(tree(text).unwrap().to_string(), value.to_string());
        }
        for text in ["", "{", "{\"a\":01}", "[1,]", "1 2", "nul", &"[".repeat(200)] {
            assert!(tree(text).is_err() && serde_json::from_str::<Value>(text).is_err(), "{text}");
        }
    }
}
