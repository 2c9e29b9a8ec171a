//! The patterns of all rules: compiled once, numbered, and searched for only where the sieve lets them through.

use regex::{Regex, RegexBuilder};

use super::exact::Texts;
use super::sieve::{Candidates, Known, Sieve, Wanted};
use super::texts::Zone;

/// One pattern of a rule.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    /// All that it matches, where that is a list.
    texts: Option<Texts>,
    /// Its number in the sieves.
    number: usize,
}

/// In which texts of a definition a pattern is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Scope {
    names: bool,
    sentence: bool,
    other: bool,
}

impl Scope {
    const NOWHERE: Self = Self { names: false, sentence: false, other: false };
    /// Names of tools and of parameters, and their words.
    pub(super) const NAMES: Self = Self { names: true, ..Self::NOWHERE };
    /// Titles.
    pub(super) const TITLE: Self = Self { sentence: true, ..Self::NOWHERE };
    /// Descriptions of parameters.
    pub(super) const PARAMS: Self = Self { other: true, ..Self::NOWHERE };
    /// Every text there is.
    pub(super) const EVERYWHERE: Self = Self { names: true, sentence: true, other: true };

    /// Descriptions, up to there.
    pub(super) fn description(zone: Zone) -> Self {
        Self { sentence: true, other: zone != Zone::First, ..Self::NOWHERE }
    }

    /// These texts and those.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            names: self.names || other.names,
            sentence: self.sentence || other.sentence,
            other: self.other || other.other,
        }
    }
}

/// A pattern under its number, with its scope in all rules together.
#[derive(Debug)]
pub(super) struct Numbered {
    pub(super) regex: Regex,
    scope: Scope,
    /// Looked for only where all else held, which is so rare that looking for its pieces in every description costs more.
    late: bool,
}

/// All patterns of a rule set, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Patterns(Vec<Numbered>);

/// What sifts the patterns of a rule set, for each kind of text those alone that are looked for in it.
#[derive(Debug)]
pub(super) struct Sieves {
    pub(super) names: Sieve,
    /// Titles and first sentences, where nearly all rules look.
    pub(super) sentence: Sieve,
    /// The rest of descriptions, descriptions of parameters, any other text.
    pub(super) other: Sieve,
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
        let (meant, texts) = (spelled_out(written), Texts::of(written));
        match self.0.iter_mut().enumerate().find(|(_, known)| known.regex.as_str() == meant) {
            Some((number, known)) => {
                known.scope = known.scope.and(scope);
                // Both search with the same automata.
                Ok(Pattern { regex: known.regex.clone(), texts, number })
            }
            None => {
                let regex = compile(written)?;
                self.0.push(Numbered { regex: regex.clone(), scope, late: true });
                Ok(Pattern { regex, texts, number: self.0.len() - 1 })
            }
        }
    }

    /// What sifts them.
    pub(super) fn sieves(&self) -> Sieves {
        let patterns: Vec<_> = self.0.iter().map(|pattern| (pattern, Known::of(&pattern.regex))).collect();
        let sieve = |wanted: fn(Scope) -> bool, late: Wanted| {
            Sieve::of(&patterns, |pattern| match wanted(pattern.scope) {
                false => Wanted::Never,
                true if pattern.late => late,
                true => Wanted::WithPieces,
            })
        };
        Sieves {
            names: sieve(|scope| scope.names, Wanted::WithPieces),
            sentence: sieve(|scope| scope.sentence, Wanted::WithPieces),
            other: sieve(|scope| scope.other, Wanted::Always),
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
    /// Whether it is looked for in each of these: names, first sentences, other texts.
    pub(super) fn looked_for(&self) -> [bool; 3] {
        [self.scope.names, self.scope.sentence, self.scope.other]
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
        let listed = || self.texts.as_ref().and_then(|texts| texts.has(text));
        self.may(candidates) && listed().unwrap_or_else(|| self.regex.is_match(text))
    }
}

/// A pattern as it is compiled.
fn spelled_out(pattern: &str) -> String {
    pattern.replace(r"\b", r"(?-u:\b)").replace(r"\w", "[0-9A-Za-z_]")
}

/// Case does not matter. `\b` and `\w` are the ASCII ones: the Unicode ones make patterns large and matching slow.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&spelled_out(pattern))
        .case_insensitive(true)
        .size_limit(2 << 20)
        .build()
        .map_err(|e| format!("has a pattern that does not compile: {}", e.to_string().replace('\n', " ")))
}
