//! One entry of a client's file: what starts it is kept, what it is given is dropped while it is read.
//!
//! Nothing here refuses a value of the wrong kind: it is passed over. An error would carry the value in its message.

use std::fmt;
use std::path::PathBuf;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

use crate::model::NUMBER;

/// An entry as it stands. It has no `Debug`: its words are not looked through for secrets yet.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Entry {
    command: Words,
    args: Words,
    env: Names,
    /// What OpenCode calls it.
    environment: Names,
    url: Words,
    #[serde(rename = "httpUrl")]
    http_url: Words,
    #[serde(rename = "serverUrl")]
    server_url: Words,
    cwd: Words,
    disabled: Flag,
    enabled: Flag,
}

impl Entry {
    /// Program and arguments.
    pub(super) fn words(&self) -> Vec<String> {
        self.command.0.iter().chain(&self.args.0).cloned().collect()
    }

    /// The address of a remote server; `httpUrl` is streamable HTTP where a client has both (Gemini CLI).
    pub(super) fn address(&self) -> Option<&str> {
        [&self.http_url, &self.url, &self.server_url]
            .into_iter()
            .find_map(|w| w.0.first())
            .map(String::as_str)
    }

    /// The folder it is started in.
    pub(super) fn folder(&self) -> Option<&str> {
        self.cwd.0.first().map(String::as_str)
    }

    /// Names of its variables, sorted.
    pub(super) fn variables(&self) -> Vec<String> {
        let mut names: Vec<String> = self.env.0.iter().chain(&self.environment.0).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    pub(super) fn is_off(&self) -> bool {
        self.disabled.0 == Some(true) || self.enabled.0 == Some(false)
    }
}

/// A text, a number or a list of them; or the older table of Zed (`path`, `args`).
#[derive(Default)]
struct Words(Vec<String>);

/// The keys of a table.
#[derive(Default)]
struct Names(Vec<String>);

#[derive(Default)]
struct Flag(Option<bool>);

/// Passes over whatever a visitor does not want, without taking it up.
macro_rules! passing_over {
    ($($method:ident: $kind:ty),*) => {
        $(fn $method<E: de::Error>(self, _: $kind) -> Result<Self::Value, E> { Ok(Self::Value::default()) })*
        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("anything")
        }
    };
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Words;
            passing_over!(visit_bool: bool);

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
                Ok(Words(vec![text.to_owned()]))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Words, E> {
                Ok(Words(vec![number.to_string()]))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Words, E> {
                Ok(Words(vec![number.to_string()]))
            }

            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Words, E> {
                Ok(Words(vec![number.to_string()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = list.next_element::<Words>()? {
                    words.extend(word.0);
                }
                Ok(Words(words))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Words, A::Error> {
                let (mut program, mut args) = (Vec::new(), Vec::new());
                while let Some(key) = table.next_key::<String>()? {
                    match key.as_str() {
                        NUMBER => return Ok(Words(vec![table.next_value::<String>()?])),
                        "path" => program = table.next_value::<Words>()?.0,
                        "args" => args = table.next_value::<Words>()?.0,
                        _ => drop(table.next_value::<IgnoredAny>()?),
                    }
                }
                program.extend(args);
                Ok(Words(program))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Names;
            passing_over!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Names::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some((name, IgnoredAny)) = table.next_entry::<String, IgnoredAny>()? {
                    names.push(name);
                }
                names.retain(|name| name != NUMBER);
                Ok(Names(names))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Flag;
            passing_over!(visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

            fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Flag, E> {
                Ok(Flag(Some(flag)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Flag, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Flag::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Flag, A::Error> {
                while table.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Flag::default())
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// An entry if it is a table, else nothing.
struct Maybe(Option<Entry>);

impl<'de> Deserialize<'de> for Maybe {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Default)]
        struct Nothing(Option<Entry>);
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Nothing;
            passing_over!(
                visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str
            );

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Nothing, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Nothing::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Nothing, A::Error> {
                Entry::deserialize(MapAccessDeserializer::new(table)).map(|entry| Nothing(Some(entry)))
            }
        }
        deserializer.deserialize_any(Any).map(|found| Maybe(found.0))
    }
}

/// The entries of a table of servers, by name; None for one that is no table.
pub(super) type Entries = Vec<(String, Option<Entry>)>;

/// Goes down the keys to the table of servers and collects its entries; everything beside the way is passed over.
pub(super) struct Walk<'a> {
    /// What is left of the way; `{project}` is any key that names one of `folders`.
    pub(super) keys: &'a [String],
    /// The folders of the project.
    pub(super) folders: &'a [PathBuf],
    /// Where the entries go, with their names.
    pub(super) into: &'a mut Entries,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();
    passing_over!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<(), A::Error> {
        let Some((wanted, rest)) = self.keys.split_first() else {
            while let Some((name, Maybe(entry))) = table.next_entry()? {
                if name != NUMBER {
                    self.into.push((name, entry));
                }
            }
            return Ok(());
        };
        while let Some(key) = table.next_key::<String>()? {
            let is_folder = || self.folders.iter().any(|folder| folder.as_os_str() == key.as_str());
            if *wanted == key || (wanted == "{project}" && is_folder()) {
                table.next_value_seed(Walk { keys: rest, folders: self.folders, into: &mut *self.into })?;
            } else {
                table.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}
