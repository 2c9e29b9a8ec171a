//! `rules/policy.toml`: which rule each class gets. Read once, checked, never guessed.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Deserialize;
use thiserror::Error;

use super::Window;
use crate::model::Class;
use crate::model::text::line_and_column;

/// The file's name below `rules/`.
const FILE: &str = "policy.toml";

/// Why the numbers cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PolicyError {
    /// The folder given as rules has no such file.
    #[error("rules/{FILE} is missing; copy it from the program's repository or leave out --rules")]
    Missing,
    /// The file is no text.
    #[error("rules/{FILE} is not UTF-8; save it as UTF-8")]
    NotText,
    /// Wrong TOML, an unknown key, or a value out of range.
    #[error("rules/{FILE}:{line}:{column}: {message}; correct it, rules/README.md lists the keys")]
    Wrong {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

/// What one class gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// Every call goes through.
    Allow,
    /// Up to `max` calls in each window.
    Limit {
        /// At least 1.
        max: u32,
        /// The window.
        window: Window,
    },
    /// Taken away.
    Hide,
    /// A person decides.
    Ask,
}

/// The numbers of the recommended policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    settings: BTreeMap<Class, Setting>,
    ask_below: f64,
}

impl Numbers {
    /// Reads `policy.toml` of the folder `rules/`.
    ///
    /// # Errors
    /// [`PolicyError`] with line and column: wrong TOML, unknown or missing keys, a limit of 0, a bound outside 0 to 1.
    pub fn load(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, PolicyError> {
        let bytes = files.get(FILE).ok_or(PolicyError::Missing)?;
        let text = std::str::from_utf8(bytes).map_err(|_| PolicyError::NotText)?;
        let wrong = |at: usize, message: String| {
            let (line, column) = line_and_column(text, at);
            PolicyError::Wrong { line, column, message }
        };
        let file: File = toml::from_str(text)
            .map_err(|e| wrong(e.span().map_or(0, |s| s.start), e.message().to_owned()))?;
        let bound = file.review.ask_below.get_ref();
        if !(0.0..=1.0).contains(bound) {
            return Err(wrong(
                file.review.ask_below.span().start,
                format!("ask_below is {bound}, not 0 to 1"),
            ));
        }
        let given = file.recommended;
        let settings = [
            (Class::Read, given.read),
            (Class::Write, given.write),
            (Class::Execute, given.execute),
            (Class::Destructive, given.destructive),
        ];
        Ok(Self {
            settings: settings.into_iter().map(|(class, setting)| (class, setting.into())).collect(),
            ask_below: *bound,
        })
    }

    /// What this class gets.
    pub fn setting(&self, class: Class) -> Setting {
        self.settings.get(&class).copied().expect("every class was read at load")
    }

    /// A verdict that needs review with less confidence than this asks a person.
    pub fn ask_below(&self) -> f64 {
        self.ask_below
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        let files = crate::assets::Folder::Rules.files(None).unwrap();
        Self::load(&files).unwrap()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    recommended: Recommended,
    review: Review,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recommended {
    read: Written,
    write: Written,
    execute: Written,
    destructive: Written,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Review {
    ask_below: toml::Spanned<f64>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected \"allow\", \"hide\", \"ask\" or { max = 30, window = \"minute\" } with max from 1"
)]
enum Written {
    Word(Word),
    Limit(Limit),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Allow,
    Hide,
    Ask,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    max: NonZeroU32,
    window: Window,
}

impl From<Written> for Setting {
    fn from(written: Written) -> Self {
        match written {
            Written::Word(Word::Allow) => Setting::Allow,
            Written::Word(Word::Hide) => Setting::Hide,
            Written::Word(Word::Ask) => Setting::Ask,
            Written::Limit(Limit { max, window }) => Setting::Limit { max: max.get(), window },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Numbers, PolicyError> {
        Numbers::load(&BTreeMap::from([(FILE.to_owned(), text.as_bytes().to_vec())]))
    }

    const GOOD: &str = "[recommended]\nread = \"allow\"\nwrite = { max = 30, window = \"minute\" }\n\
        execute = { max = 10, window = \"hour\" }\ndestructive = \"hide\"\n\n[review]\nask_below = 0.5\n";

    #[test]
    fn the_numbers_are_those_of_the_file() {
        let numbers = load(GOOD).unwrap();
        assert_eq!(numbers.setting(Class::Execute), Setting::Limit { max: 10, window: Window::Hour });
        assert_eq!(numbers.setting(Class::Destructive), Setting::Hide);
    }

    #[test]
    fn every_mistake_names_its_place() {
        for (from, to, line) in [
            ("max = 30", "max = 0", 3),
            ("max = 30", "mx = 30", 3),
            ("\"minute\"", "\"second\"", 3),
            ("\"hide\"", "\"Hide\"", 5),
            ("read = \"allow\"", "reed = \"allow\"", 2),
            ("ask_below = 0.5", "ask_below = 5.0", 8),
            ("ask_below = 0.5", "ask_below = ", 8),
        ] {
            match load(&GOOD.replacen(from, to, 1)) {
                Err(PolicyError::Wrong { line: at, .. }) => assert_eq!(at, line, "{to}"),
                other => panic!("{to}: {other:?}"),
            }
        }
        assert_eq!(Numbers::load(&BTreeMap::new()).unwrap_err(), PolicyError::Missing);
    }
}
