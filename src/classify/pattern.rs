//! The patterns of all rules: compiled once, numbered, and searched for only where the sieve lets them through.

use regex::{Regex, RegexBuilder};

use super::sieve::{Candidates, Known, Sieve, Wanted};

/// One pattern of a rule.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    /// Its number in the sieves.
    number: usize,
}

/// What kind of text a pattern is looked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Names of tools and of parameters, and their words.
    Names,
    /// Descriptions, titles and values.
    Prose,
    /// Both.
    All,
}

/// A pattern under its number, with its scope in all rules together.
#[derive(Debug)]
pub(super) struct Numbered {
    pub(super) regex: Regex,
    scope: Scope,
    /// Looked for in every text of a definition.
    everywhere: bool,
    /// Looked for only where all else held, which is so rare that looking for its pieces in every description costs more.
    late: bool,
}

/// All patterns of a rule set, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Patterns(Vec<Numbered>);

/// What sifts the patterns of a rule set for each kind of text.
#[derive(Debug)]
pub(super) struct Sieves {
    pub(super) names: Sieve,
    pub(super) prose: Sieve,
    /// Of the patterns alone that are looked for in every text.
    pub(super) everywhere: Sieve,
}

impl Patterns {
    /// Compiles one more; the same pattern twice has one number.
    pub(super) fn add(&mut self, written: &str, scope: Scope) -> Result<Pattern, String> {
        let pattern = self.add_late(written, scope)?;
        if let Some(known) = self.0.get_mut(pattern.number) {
            known.late = false;
        }
        Ok(pattern)
    }

    /// Compiles one more that is looked for only where all else held.
    pub(super) fn add_late(&mut self, written: &str, scope: Scope) -> Result<Pattern, String> {
        let regex = compile(written)?;
        match self.0.iter().position(|known| known.regex.as_str() == regex.as_str()) {
            Some(number) => {
                if let Some(known) = self.0.get_mut(number).filter(|known| known.scope != scope) {
                    known.scope = Scope::All;
                }
                Ok(Pattern { regex, number })
            }
            None => {
                self.0.push(Numbered { regex: regex.clone(), scope, everywhere: false, late: true });
                Ok(Pattern { regex, number: self.0.len() - 1 })
            }
        }
    }

    /// Compiles one more that is looked for in every text of a definition.
    pub(super) fn add_everywhere(&mut self, written: &str) -> Result<Pattern, String> {
        let pattern = self.add(written, Scope::All)?;
        if let Some(known) = self.0.get_mut(pattern.number) {
            known.everywhere = true;
        }
        Ok(pattern)
    }

    /// What sifts them.
    pub(super) fn sieves(&self) -> Sieves {
        let patterns: Vec<_> = self.0.iter().map(|pattern| (pattern, Known::of(&pattern.regex))).collect();
        let wanted = |wanted: bool, sifted| match (wanted, sifted) {
            (false, _) => Wanted::Never,
            (true, true) => Wanted::WithPieces,
            (true, false) => Wanted::Always,
        };
        Sieves {
            names: Sieve::of(&patterns, |pattern| wanted(pattern.scope != Scope::Prose, true)),
            prose: Sieve::of(&patterns, |pattern| wanted(pattern.scope != Scope::Names, !pattern.late)),
            everywhere: Sieve::of(&patterns, |pattern| wanted(pattern.everywhere, true)),
        }
    }

    /// In the order of their numbers.
    #[cfg(test)]
    pub(super) fn all(&self) -> &[Numbered] {
        &self.0
    }
}

#[cfg(test)]
impl Numbered {
    /// Whether the sieve for prose sifts it.
    pub(super) fn in_prose(&self) -> bool {
        self.scope != Scope::Names
    }
}

impl Pattern {
    /// Its number in the sieves.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Adds it to a set.
    pub(super) fn join(&self, set: &mut Candidates) {
        set.insert(self.number);
    }

    /// Whether it may be found in the text of which these are the candidates.
    pub(super) fn may(&self, candidates: &Candidates) -> bool {
        candidates.has(self.number)
    }

    /// Its first place in a text, in bytes.
    pub(super) fn find(&self, text: &str, candidates: &Candidates) -> Option<(usize, usize)> {
        if !self.may(candidates) {
            return None;
        }
        self.regex.find(text).map(|found| (found.start(), found.end()))
    }

    /// All its places in a text, one after the other.
    pub(super) fn places(&self, text: &str) -> impl Iterator<Item = (usize, usize)> {
        self.regex.find_iter(text).map(|found| (found.start(), found.end()))
    }

    /// Whether it is anywhere in a text.
    pub(super) fn is_in(&self, text: &str, candidates: &Candidates) -> bool {
        self.may(candidates) && self.regex.is_match(text)
    }
}

/// Case does not matter. `\b` and `\w` are the ASCII ones: the Unicode ones make patterns large and matching slow.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&pattern.replace(r"\b", r"(?-u:\b)").replace(r"\w", "[0-9A-Za-z_]"))
        .case_insensitive(true)
        .size_limit(2 << 20)
        .build()
        .map_err(|e| format!("has a pattern that does not compile: {}", e.to_string().replace('\n', " ")))
}
