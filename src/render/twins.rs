//! Which twins a build makes: the words of `--twins`.

use std::str::FromStr;

use serde::Serialize;

/// Which twins are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Twins {
    /// `x.json` beside `x.html`.
    pub json: bool,
    /// `x.md` beside the pages of servers, tools and guides.
    pub md: bool,
    /// `x.svg`, a badge, beside the pages of servers and tools.
    pub svg: bool,
    /// The policy files of each server.
    pub policies: bool,
}

impl Default for Twins {
    fn default() -> Self {
        Self { json: true, md: true, svg: true, policies: true }
    }
}

impl Twins {
    /// Nothing but the pages.
    pub const NONE: Self = Self { json: false, md: false, svg: false, policies: false };

    /// True if files with that ending lie beside pages.
    pub(super) fn has(self, ending: &str) -> bool {
        match ending {
            "json" => self.json,
            "md" => self.md,
            "svg" => self.svg,
            _ => false,
        }
    }
}

impl FromStr for Twins {
    type Err = String;

    /// Words with commas between them, or `none`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut twins = Twins::NONE;
        for word in text.split(',').map(str::trim).filter(|word| *word != "none") {
            match word {
                "all" => twins = Twins::default(),
                "json" => twins.json = true,
                "md" => twins.md = true,
                "svg" => twins.svg = true,
                "policies" => twins.policies = true,
                _ => {
                    let known = "json, md, svg, policies, all and none";
                    return Err(format!("there is no twin \"{word}\"; there are {known}"));
                }
            }
        }
        Ok(twins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_are_named_or_none() {
        assert_eq!("none".parse(), Ok(Twins::NONE));
        assert_eq!("json".parse(), Ok(Twins { json: true, ..Twins::NONE }));
        assert_eq!("json,md,svg,policies".parse(), "all".parse::<Twins>());
        assert!("yaml".parse::<Twins>().unwrap_err().contains("yaml"));
    }
}
