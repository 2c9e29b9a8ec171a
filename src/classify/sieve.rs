//! Which of the rules' patterns can match a text at all, found in one pass over it.
//!
//! Of nearly every pattern some short pieces are known of which each match holds one ("permission", "api key"). All of
//! them are looked for together, whatever their case, and only the patterns of those that are there are searched for: most are
//! not. A pattern of which no such piece is known always may match.

use std::collections::BTreeMap;
use std::ops::Range;

use regex::Regex;

use super::numbers::{Numbers, TOLD_APART};
use super::pattern::Numbered;

use self::pieces::{Clause, Piece, Spellings, plain};
use self::runs::Run;
use self::table::{Meant, Table};

mod frequencies;
mod pieces;
mod runs;
mod table;

/// Patterns that are told apart; any further pattern always may match.
const PATTERNS: usize = TOLD_APART;
/// Letters outside ASCII that a pattern without regard to case takes for `k` and `s`: behind one of them anything may match.
const LIKE_ASCII: [char; 2] = ['\u{212A}', '\u{17F}'];

/// The patterns that may match a text, by number.
pub(super) type Candidates = Numbers;

/// Groups of pieces that another group follows; a pattern with more always may match.
const GROUPS: usize = 2 * PATTERNS;

/// What was found in a text so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    /// The patterns that may match it.
    pub(super) candidates: Candidates,
    /// Numbers of groups of pieces that another group follows.
    groups: [u64; GROUPS / 64],
}

/// One thing that it means that a piece is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Means {
    /// Only behind a piece of this group; [`ANYWHERE`] wherever it stands.
    behind: u16,
    /// The pattern that may match, or, from [`PATTERNS`] on, the group of pieces that was met.
    met: u16,
}

const ANYWHERE: u16 = u16::MAX;

/// The pieces of all patterns, and what each is a sign of.
#[derive(Debug)]
pub(super) struct Sieve {
    pieces: Table,
    /// What the pieces mean that mean several things, one piece after the other.
    meanings: Vec<Means>,
    /// Patterns without a piece.
    always: Candidates,
    /// Patterns of which every match holds a long run.
    runs: Vec<(usize, Run)>,
    /// Pieces of one byte, and what it means that one is there, whatever stands in front.
    signs: Vec<(u8, u16)>,
    /// With a piece whose letters outside ASCII have a capital form, which is not looked for: in texts that have such letters
    /// they may match.
    capitals: Candidates,
    /// With one whose letters outside ASCII have more forms.
    beyond_ascii: Candidates,
}

/// What is known of a pattern's matches.
#[derive(Debug)]
pub(super) struct Known {
    /// Each match fulfils one; nothing is known where there is none.
    clauses: Vec<Clause>,
    /// Each match holds it.
    run: Option<Run>,
}

impl Known {
    /// Reads it off the pattern, which is matched without regard to case.
    pub(super) fn of(pattern: &Regex) -> Self {
        let parsed = regex_syntax::Parser::new().parse(pattern.as_str()).ok();
        let run = parsed.as_ref().and_then(Run::of);
        // A run says more than its pieces do, which begin many a line.
        let pieces = parsed.as_ref().filter(|_| run.is_none()).and_then(pieces::clauses);
        Self { clauses: pieces.unwrap_or_default(), run }
    }
}

/// When a pattern is among a text's candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Where its pieces are.
    WithPieces,
    /// Whatever the text is.
    Always,
    /// Not at all: it is not looked for in such texts.
    Never,
}

impl Sieve {
    /// Gathers the patterns, numbered in their order, as they are `wanted`. Groups have the same numbers whatever is wanted,
    /// so that one sieve goes on where another ended.
    pub(super) fn of(patterns: &[(&Numbered, Known)], wanted: impl Fn(&Numbered) -> Wanted) -> Self {
        let mut meanings: BTreeMap<Piece, Vec<Means>> = BTreeMap::new();
        let [mut always, mut capitals, mut beyond_ascii] = [Candidates::default(); 3];
        let (mut followed, mut runs, mut signs) = (0, Vec::new(), Vec::new());
        for (number, (pattern, Known { clauses, run })) in patterns.iter().enumerate().take(PATTERNS) {
            let (begin, more) = (followed, clauses.iter().map(|clause| clause.len() - 1).sum::<usize>());
            let told = !clauses.is_empty() && begin + more <= GROUPS;
            followed += if told { more } else { 0 };
            let wanted = wanted(pattern);
            if let Some(run) = run.as_ref().filter(|_| wanted == Wanted::WithPieces) {
                runs.push((number, run.clone()));
                continue;
            }
            match wanted {
                Wanted::WithPieces if told => {}
                Wanted::WithPieces | Wanted::Always => {
                    always.insert(number);
                    continue;
                }
                Wanted::Never => continue,
            }
            let mut group = begin;
            for clause in clauses {
                let (last, mut behind) = (clause.len() - 1, ANYWHERE);
                for (place, pieces) in clause.iter().enumerate() {
                    let met = if place == last { number } else { PATTERNS + group };
                    for piece in pieces {
                        match piece.beyond_ascii {
                            Spellings::One => {}
                            Spellings::Capitals => capitals.insert(number),
                            Spellings::Any => beyond_ascii.insert(number),
                        }
                        if let [sign] = piece.text.as_slice() {
                            signs.push((*sign, met as u16));
                            continue;
                        }
                        meanings.entry(piece.clone()).or_default().push(Means { behind, met: met as u16 });
                    }
                    behind = group as u16;
                    group += usize::from(place != last);
                }
            }
        }
        let (mut all, mut pieces) = (Vec::new(), Vec::new());
        for (piece, means) in &mut meanings {
            means.sort_unstable();
            means.dedup();
            let meant = match means.as_slice() {
                [one] => Meant::One(*one),
                several => Meant::Several(all.len() as u32, several.len() as u16),
            };
            pieces.push((piece, meant));
            if means.len() > 1 {
                all.append(means);
            }
        }
        Self { pieces: Table::of(pieces), meanings: all, always, runs, signs, capitals, beyond_ascii }
    }

    /// The patterns that may match this text.
    pub(super) fn candidates(&self, text: &str) -> Candidates {
        let mut found = Found::default();
        self.look(text, Letters::of(text), 0..text.len(), &mut found);
        found.candidates
    }

    /// Adds the patterns that may match in this part of a text, or in what was looked at before and this part together;
    /// `letters`: those of the text.
    pub(super) fn look(&self, text: &str, letters: Letters, part: Range<usize>, found: &mut Found) {
        found.candidates.add(&self.always);
        if part.is_empty() {
            return;
        }
        if letters == Letters::LikeAscii {
            found.candidates = Candidates::ALL;
            return;
        }
        if letters > Letters::Ascii {
            found.candidates.add(&self.beyond_ascii);
        }
        if letters > Letters::Plain {
            found.candidates.add(&self.capitals);
        }
        for (number, run) in &self.runs {
            if text.as_bytes().get(..part.end).is_some_and(|read| run.is_in(read)) {
                found.candidates.insert(*number);
            }
        }
        for (sign, met) in &self.signs {
            if text.as_bytes().get(..part.end).is_some_and(|read| read.contains(sign)) {
                found.add(usize::from(*met));
            }
        }
        self.pieces.each(text.as_bytes(), part, |meant| self.add(meant, found));
    }

    /// Adds what a piece means.
    #[inline(always)]
    fn add(&self, meant: Meant, found: &mut Found) {
        match meant {
            Meant::One(means) => found.learn(means),
            Meant::Several(first, count) => {
                let these = first as usize..first as usize + usize::from(count);
                self.meanings.get(these).unwrap_or_default().iter().for_each(|means| found.learn(*means));
            }
        }
    }
}

/// What letters a text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Letters {
    /// Of ASCII alone.
    Ascii,
    /// Others that are [`plain`].
    Plain,
    /// Some that are not.
    Capitals,
    /// Some that a pattern takes for such of ASCII.
    LikeAscii,
}

impl Letters {
    /// Reads them off a text.
    pub(super) fn of(text: &str) -> Self {
        let mut letters = Self::Ascii;
        if text.is_ascii() {
            return letters;
        }
        for c in beyond_ascii(text) {
            if LIKE_ASCII.contains(&c) {
                return Self::LikeAscii;
            }
            if letters < Self::Capitals {
                letters = if caseless(c) || plain(c) { Self::Plain } else { Self::Capitals };
            }
        }
        letters
    }
}

/// The letters of a text that are not of ASCII.
fn beyond_ascii(text: &str) -> impl Iterator<Item = char> {
    let begins = |(at, byte): (usize, u8)| if byte >= 0xC0 { text.get(at..)?.chars().next() } else { None };
    text.bytes().enumerate().filter_map(begins)
}

/// Whether this is among the marks, arrows and signs of Chinese and Japanese that surely have no case: most there are.
fn caseless(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{206F}' | '\u{2190}'..='\u{23FF}' | '\u{2500}'..='\u{2BFF}' | '\u{3000}'..='\u{9FFF}')
}

impl Found {
    fn has_met(&self, group: usize) -> bool {
        self.groups.get(group / 64).is_some_and(|word| word >> (group % 64) & 1 == 1)
    }

    /// Adds what is met, if it stands behind what it must.
    fn learn(&mut self, Means { behind, met }: Means) {
        if behind == ANYWHERE || self.has_met(usize::from(behind)) {
            self.add(usize::from(met));
        }
    }

    /// Adds a pattern, or a group behind all patterns.
    fn add(&mut self, met: usize) {
        match met.checked_sub(PATTERNS) {
            None => self.candidates.insert(met),
            Some(group) => {
                if let Some(word) = self.groups.get_mut(group / 64) {
                    *word |= 1 << (group % 64);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
