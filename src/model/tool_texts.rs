//! A definition in short: what it is called and says, what its hints state and what its parameters are called, read without building
//! the rest of it. What a whole catalogue is passed through by; pages of one tool read the whole [`ToolDefinition`].

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::NUMBER;
use super::flat::Json;
use super::tool::{ToolDefinition, ToolProblem};

/// The texts of one definition. Fields may have any type, a server wrote them: one that is none of what is looked for is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolTexts<'a> {
    /// `name`, never empty. Foreign text.
    pub name: Cow<'a, str>,
    /// `title`, else `annotations.title`, if it is text. Foreign text.
    pub title: Option<Cow<'a, str>>,
    /// `description`, if it is text. Foreign text.
    pub description: Option<Cow<'a, str>>,
    /// Names of the parameters at the top of its schema, in their order. Foreign text.
    pub parameters: Vec<Cow<'a, str>>,
    /// `annotations.readOnlyHint`, if it is stated as true or false.
    pub reads_only: Option<bool>,
    /// `annotations.destructiveHint`, if it is stated as true or false.
    pub destroys: Option<bool>,
}

impl<'a> ToolTexts<'a> {
    /// Reads canonical text as it is stored.
    ///
    /// # Errors
    /// [`ToolProblem`], where somebody altered what is stored.
    pub fn from_canonical(canonical: &'a str) -> Result<Self, ToolProblem> {
        let top: Maybe<Top<'a>> =
            serde_json::from_str(canonical).map_err(|e| ToolProblem::NotJson(e.to_string()))?;
        let top = top.0.ok_or(ToolProblem::NotAnObject)?;
        let name = top.name.filter(|name| !name.is_empty()).ok_or(ToolProblem::NoName)?;
        // A title that is no text is none, and none of the annotations takes its place.
        let title = if top.has_title { top.title } else { top.annotations.title };
        let Annotations { reads_only, destroys, .. } = top.annotations;
        let (description, parameters) = (top.description, top.parameters);
        Ok(Self { name, title, description, parameters, reads_only, destroys })
    }

    /// The texts of a definition that was read as a whole.
    pub fn of(definition: &'a ToolDefinition) -> Self {
        let properties = definition.input_schema().and_then(|schema| schema.get("properties"));
        let properties = properties.and_then(Json::as_object);
        Self {
            name: definition.name().into(),
            title: definition.title().map(Cow::Borrowed),
            description: definition.description().map(Cow::Borrowed),
            parameters: properties.into_iter().flatten().map(|(name, _)| name.into()).collect(),
            reads_only: definition.hint("readOnlyHint"),
            destroys: definition.hint("destructiveHint"),
        }
    }
}

#[derive(Default)]
struct Top<'a> {
    name: Option<Cow<'a, str>>,
    title: Option<Cow<'a, str>>,
    has_title: bool,
    description: Option<Cow<'a, str>>,
    annotations: Annotations<'a>,
    parameters: Vec<Cow<'a, str>>,
}

#[derive(Default)]
struct Annotations<'a> {
    title: Option<Cow<'a, str>>,
    reads_only: Option<bool>,
    destroys: Option<bool>,
}

/// An object of which some fields are wanted.
trait Fields<'de>: Default {
    /// Reads the value of that field.
    fn field<A: MapAccess<'de>>(&mut self, key: Cow<'de, str>, map: &mut A) -> Result<(), A::Error>;
}

impl<'de> Fields<'de> for Top<'de> {
    fn field<A: MapAccess<'de>>(&mut self, key: Cow<'de, str>, map: &mut A) -> Result<(), A::Error> {
        match key.as_ref() {
            "name" => self.name = map.next_value::<Text<'de>>()?.0,
            "title" => {
                self.has_title = true;
                self.title = map.next_value::<Text<'de>>()?.0;
            }
            "description" => self.description = map.next_value::<Text<'de>>()?.0,
            "annotations" => {
                self.annotations = map.next_value::<Maybe<Annotations<'de>>>()?.0.unwrap_or_default()
            }
            "inputSchema" => {
                let schema = map.next_value::<Maybe<Schema<'de>>>()?.0;
                self.parameters = schema.unwrap_or_default().0;
            }
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

impl<'de> Fields<'de> for Annotations<'de> {
    fn field<A: MapAccess<'de>>(&mut self, key: Cow<'de, str>, map: &mut A) -> Result<(), A::Error> {
        match key.as_ref() {
            "title" => self.title = map.next_value::<Text<'de>>()?.0,
            "readOnlyHint" => self.reads_only = map.next_value::<Flag>()?.0,
            "destructiveHint" => self.destroys = map.next_value::<Flag>()?.0,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

#[derive(Default)]
struct Schema<'a>(Vec<Cow<'a, str>>);

impl<'de> Fields<'de> for Schema<'de> {
    fn field<A: MapAccess<'de>>(&mut self, key: Cow<'de, str>, map: &mut A) -> Result<(), A::Error> {
        if key == "properties" {
            self.0 = map.next_value::<Maybe<Names<'de>>>()?.0.unwrap_or_default().0;
        } else {
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

#[derive(Default)]
struct Names<'a>(Vec<Cow<'a, str>>);

/// The object, or None for a value of another type.
struct Maybe<T>(Option<T>);

/// The text, or None for a value of another type.
struct Text<'a>(Option<Cow<'a, str>>);

/// True or false, or None for a value of another type.
struct Flag(Option<bool>);

/// Everything that is none of what is looked for is passed over.
macro_rules! passed_over {
    ($none:expr; $($what:ident)*) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any value")
        }
        $(passed_over!(@ $none; $what);)*
    };
    (@ $none:expr; bool) => { fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> { Ok($none) } };
    (@ $none:expr; text) => { fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> { Ok($none) } };
    (@ $none:expr; numbers) => {
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> { Ok($none) }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> { Ok($none) }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> { Ok($none) }
        fn visit_unit<E>(self) -> Result<Self::Value, E> { Ok($none) }
    };
    (@ $none:expr; list) => {
        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            Ok($none)
        }
    };
    // A number comes as an object, too: its digits are kept as text.
    (@ $none:expr; object) => {
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok($none)
        }
    };
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Text<'de>;
            passed_over!(Text(None); bool numbers list object);
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }
        }
        from.deserialize_any(Read)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Flag;
            passed_over!(Flag(None); text numbers list object);
            fn visit_bool<E>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag(Some(flag)))
            }
        }
        from.deserialize_any(Read)
    }
}

impl<'de, T: Fields<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read<T>(T);
        impl<'de, T: Fields<'de>> Visitor<'de> for Read<T> {
            type Value = Maybe<T>;
            passed_over!(Maybe(None); bool text numbers list);
            fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Maybe<T>, A::Error> {
                while let Some(Key(key)) = map.next_key()? {
                    if key == NUMBER {
                        map.next_value::<IgnoredAny>()?;
                        return Ok(Maybe(None));
                    }
                    self.0.field(key, &mut map)?;
                }
                Ok(Maybe(Some(self.0)))
            }
        }
        from.deserialize_any(Read(T::default()))
    }
}

impl<'de> Fields<'de> for Names<'de> {
    fn field<A: MapAccess<'de>>(&mut self, key: Cow<'de, str>, map: &mut A) -> Result<(), A::Error> {
        map.next_value::<IgnoredAny>()?;
        self.0.push(key);
        Ok(())
    }
}

/// A key as it stands in the text where it can.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    fn same(object: &Value) {
        let Ok(definition) = ToolDefinition::from_json(&object.to_string()) else {
            assert!(ToolTexts::from_canonical(&object.to_string()).is_err(), "{object}");
            return;
        };
        let texts = ToolTexts::from_canonical(definition.canonical()).unwrap();
        assert_eq!(texts, ToolTexts::of(&definition), "{object}");
    }

    #[test]
    fn what_is_said_and_asked_for_is_read_without_the_rest() {
        let text = r#"{"annotations":{"readOnlyHint":true,"title":"T"},"description":"Says \"x\".","inputSchema":{"properties":{"a\n":{"type":"string"},"b":1}},"name":"n"}"#;
        let texts = ToolTexts::from_canonical(text).unwrap();
        assert_eq!((texts.name.as_ref(), texts.title.as_deref()), ("n", Some("T")));
        assert_eq!(texts.description.as_deref(), Some("Says \"x\"."));
        assert_eq!((texts.parameters.len(), texts.parameters[0].as_ref()), (2, "a\n"));
        assert_eq!((texts.reads_only, texts.destroys), (Some(true), None));
        assert_eq!(ToolTexts::from_canonical("[]").unwrap_err(), ToolProblem::NotAnObject);
        assert_eq!(ToolTexts::from_canonical("{\"name\":\"\"}").unwrap_err(), ToolProblem::NoName);
        assert!(matches!(ToolTexts::from_canonical("{\"name\":\"x\""), Err(ToolProblem::NotJson(_))));
    }

    /// Values of every type, for each field that is looked at.
    fn values() -> Vec<Value> {
        vec![
            json!(null),
            json!(true),
            json!(false),
            json!(1),
            json!(-1.5e300),
            json!(""),
            json!("text \u{e9} \" \n"),
            json!([1, "x", {}]),
            json!({}),
            json!({"title": "inner", "readOnlyHint": false, "destructiveHint": "no", "properties": {"p q": {}, "é": []}}),
            json!({"properties": 1}),
            json!({"title": 1, "readOnlyHint": 1, "destructiveHint": true, "properties": ["x"]}),
        ]
    }

    proptest! {
        #[test]
        fn in_short_it_is_what_it_is_as_a_whole(
            fields in proptest::collection::btree_map(
                proptest::sample::select(vec!["name", "title", "description", "annotations", "inputSchema", "other"]),
                proptest::sample::select(values()), 0..6),
            named in any::<bool>(),
        ) {
            let mut object: Map<String, Value> =
                fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            if named {
                object.insert("name".to_owned(), json!("a tool"));
            }
            same(&Value::Object(object));
        }
    }
}
