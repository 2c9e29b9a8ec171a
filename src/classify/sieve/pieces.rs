//! The pieces of text that a pattern cannot match without.
//!
//! A match of `\b(?:send|post)s?\b[^.]{0,40}\b(?:mail|message)` holds "send" or "post" where a word begins, and behind it
//! "mail" or "message" where a word begins. That is a [`Clause`] of two groups of pieces.

use std::ops::Range;

use regex_syntax::hir::literal::{ExtractKind, Extractor};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Look};

use super::frequencies::COMMON_WORDS;

/// Bytes of a piece that are compared.
pub(super) const COMPARED: usize = 16;
/// So many may be read off a pattern at most: with fewer there are fewer pieces that begin alike.
const LONGEST: [usize; 3] = [COMPARED, 12, 8];
/// Bytes that a piece has at least.
pub(super) const SHORTEST: usize = 2;
/// Bytes that say enough alone.
const SIGNS: &[u8] = b"<";
/// Pieces of one pattern at most.
const MOST: usize = 640;
/// A group is left out beside another if one byte in so many begins a piece of it.
const COMMON: f64 = 0.002;
/// Groups of one clause at most.
const GROUPS: usize = 3;
/// Words that a byte of a definition begins on average.
const WORDS_A_BYTE: f64 = 0.149;
/// How many of all words a word is at most that is not among the common ones.
const RARE: f64 = 5e-4;

/// A text of which every match of a group holds one, in lower case as far as it is ASCII.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Piece {
    pub(super) text: Vec<u8>,
    /// It stands nowhere in the middle of a word: where it begins, or in front of it, is no letter or digit of ASCII.
    pub(super) at_word: bool,
    /// Behind it no word goes on: it is followed by no letter or digit of ASCII.
    pub(super) ends_word: bool,
    /// Whether its letters outside ASCII may be written otherwise.
    pub(super) beyond_ascii: Spellings,
}

/// In how many ways the letters outside ASCII of a text can be written, if case does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spellings {
    /// As they are, or there are none.
    One,
    /// As they are, or with letters that are not [`plain`].
    Capitals,
    /// Who knows.
    Any,
}

/// What is known of the places around a part of a pattern.
#[derive(Debug, Clone, Copy)]
struct Sides {
    /// Bytes of the longest piece.
    longest: usize,
    /// In front of it stands no part of the same word.
    front: bool,
    /// Behind it no word goes on, if one was there.
    behind: bool,
}

/// Groups of pieces: a match holds one of each, one behind the other in this order.
pub(super) type Clause = Vec<Vec<Piece>>;

/// The clauses of a pattern that is matched without regard to case: each match fulfils one. `None` where there are none to
/// rely on.
pub(super) fn clauses(pattern: &Hir) -> Option<Vec<Clause>> {
    LONGEST.into_iter().find_map(|longest| clauses_of(pattern, longest))
}

fn clauses_of(pattern: &Hir, longest: usize) -> Option<Vec<Clause>> {
    let (single, mut many): (Vec<Clause>, Vec<Clause>) =
        alternatives(pattern, Sides { longest, front: false, behind: false })?
            .into_iter()
            .partition(|clause| clause.len() == 1);
    many.extend((!single.is_empty()).then(|| vec![single.concat().concat()]));
    let told = |clause: Clause| clause.into_iter().map(fewest).collect();
    let all: Vec<Clause> = many.into_iter().map(told).collect();
    (all.iter().flatten().map(Vec::len).sum::<usize>() <= MOST).then_some(all)
}

/// Without those that begin with another piece and are found with it.
fn fewest(mut pieces: Vec<Piece>) -> Vec<Piece> {
    pieces.sort();
    let mut kept: Vec<Piece> = Vec::new();
    for piece in pieces {
        let told = |k: &Piece| {
            piece.text.starts_with(&k.text)
                && (!k.at_word || piece.at_word)
                && (!k.ends_word || (piece.ends_word && piece.text.len() == k.text.len()))
        };
        if !kept.iter().any(told) {
            kept.push(piece);
        }
    }
    kept
}

/// A clause for each branch.
fn alternatives(hir: &Hir, sides: Sides) -> Option<Vec<Clause>> {
    match hir.kind() {
        HirKind::Capture(capture) => alternatives(&capture.sub, sides),
        HirKind::Alternation(branches) => {
            let all = branches.iter().map(|branch| alternatives(branch, sides)).collect::<Option<Vec<_>>>();
            all.map(|all| all.concat())
        }
        HirKind::Concat(parts) => {
            let mut solid =
                parts.iter().enumerate().filter(|(_, part)| !matches!(part.kind(), HirKind::Look(_)));
            match (solid.next(), solid.next()) {
                (Some((i, part)), None) => alternatives(part, sides.of(parts, i..i + 1)),
                _ => in_a_row(parts, sides).map(|clause| vec![clause]),
            }
        }
        _ => best(hir, sides).map(|pieces| vec![vec![pieces]]),
    }
}

impl Sides {
    /// The sides of some of the parts whose sides these are.
    fn of(self, parts: &[Hir], range: Range<usize>) -> Self {
        let behind = parts.iter().skip(range.end);
        Self {
            longest: self.longest,
            front: begins_word(parts, range.start, self.front),
            behind: behind.rev().fold(self.behind, |behind, part| word_begins(part, behind)),
        }
    }
}

/// Whether a word can only begin, and not go on, in front of part `i`, if it does so in front of the first: behind a space, behind
/// the begin of the text, at a `\b`.
fn begins_word(parts: &[Hir], i: usize, at_word: bool) -> bool {
    parts.iter().take(i).fold(at_word, |at_word, part| word_ends(part, at_word))
}

/// Whether behind this part no word can go on; `before`, whether none could in front of it.
fn word_ends(part: &Hir, before: bool) -> bool {
    match part.kind() {
        HirKind::Empty => before,
        HirKind::Look(look) => before || matches!(look, Look::Start | Look::StartLF | Look::WordAscii),
        HirKind::Literal(literal) => literal.0.last().is_some_and(|byte| !in_word(*byte)),
        HirKind::Class(class) => apart(class),
        HirKind::Repetition(repetition) => {
            (repetition.min > 0 || before) && word_ends(&repetition.sub, false)
        }
        HirKind::Capture(capture) => word_ends(&capture.sub, before),
        HirKind::Alternation(branches) => branches.iter().all(|branch| word_ends(branch, before)),
        HirKind::Concat(parts) => begins_word(parts, parts.len(), before),
    }
}

/// Whether a word that goes up to this part ends there; `behind`, whether it would in front of what follows.
fn word_begins(part: &Hir, behind: bool) -> bool {
    match part.kind() {
        HirKind::Empty => behind,
        HirKind::Look(look) => behind || matches!(look, Look::End | Look::EndLF | Look::WordAscii),
        HirKind::Literal(literal) => literal.0.first().is_some_and(|byte| !in_word(*byte)),
        HirKind::Class(class) => apart(class),
        HirKind::Repetition(repetition) => {
            (repetition.min > 0 || behind) && word_begins(&repetition.sub, false)
        }
        HirKind::Capture(capture) => word_begins(&capture.sub, behind),
        HirKind::Alternation(branches) => branches.iter().all(|branch| word_begins(branch, behind)),
        HirKind::Concat(parts) => parts.iter().rev().fold(behind, |behind, part| word_begins(part, behind)),
    }
}

/// Whether no character of a class is a letter or digit of ASCII.
fn apart(class: &Class) -> bool {
    match class {
        Class::Unicode(class) => {
            let ascii = |c: char| u8::try_from(c).unwrap_or(u8::MAX);
            class.ranges().iter().all(|r| !(ascii(r.start())..=ascii(r.end())).any(in_word))
        }
        Class::Bytes(class) => class.ranges().iter().all(|r| !(r.start()..=r.end()).any(in_word)),
    }
}

/// A letter or digit of ASCII.
pub(super) fn in_word(byte: u8) -> bool {
    const TABLE: [bool; 256] = {
        let (mut table, mut byte) = ([false; 256], 0);
        while byte < 256 {
            table[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        table
    };
    TABLE[byte as usize]
}

/// The rarest groups of what stands in a row, in their order.
fn in_a_row(parts: &[Hir], sides: Sides) -> Option<Clause> {
    let mut groups: Vec<(usize, Vec<Piece>)> = Vec::new();
    let mut from = 0;
    // What may be nearly anything separates stretches that share no byte of a match.
    for to in 0..=parts.len() {
        if parts.get(to).is_none_or(|part| anything(part, sides.longest)) {
            groups.extend(stretch(parts, from..to, sides).map(|group| (from, group)));
            groups.extend(
                parts.get(to).and_then(|part| best(part, sides.of(parts, to..to + 1))).map(|g| (to, g)),
            );
            from = to + 1;
        }
    }
    groups.sort_by(|a, b| expected(&a.1).total_cmp(&expected(&b.1)));
    groups.truncate(GROUPS);
    while groups.len() > 1 && groups.last().is_some_and(|(_, group)| expected(group) > COMMON) {
        groups.pop();
    }
    groups.sort_by_key(|(at, _)| *at);
    (!groups.is_empty()).then(|| groups.into_iter().map(|(_, group)| group).collect())
}

/// A part that no list of texts describes.
fn anything(part: &Hir, longest: usize) -> bool {
    !matches!(part.kind(), HirKind::Look(_)) && !extractor(longest).extract(part).is_finite()
}

/// The rarest pieces of which every match of these parts holds one.
fn stretch(parts: &[Hir], range: Range<usize>, sides: Sides) -> Option<Vec<Piece>> {
    let tails = range.clone().flat_map(|i| {
        let tail = Hir::concat(parts.get(i..range.end).unwrap_or_default().to_vec());
        let alone = parts.get(i).and_then(|part| best(part, sides.of(parts, i..i + 1)));
        [starts(&tail, sides.of(parts, i..range.end)), alone]
    });
    tails.flatten().min_by(|a, b| expected(a).total_cmp(&expected(b)))
}

/// The rarest pieces of which every match holds one.
fn best(hir: &Hir, sides: Sides) -> Option<Vec<Piece>> {
    let inner = match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => None,
        HirKind::Capture(capture) => best(&capture.sub, sides),
        HirKind::Repetition(repetition) if repetition.min == 0 => return None,
        HirKind::Repetition(repetition) => best(&repetition.sub, Sides { behind: false, ..sides }),
        HirKind::Alternation(branches) => {
            let all = branches.iter().map(|branch| best(branch, sides)).collect::<Option<Vec<_>>>();
            all.map(|all| all.concat())
        }
        HirKind::Concat(parts) => {
            let groups = in_a_row(parts, sides);
            groups.and_then(|groups| groups.into_iter().min_by(|a, b| expected(a).total_cmp(&expected(b))))
        }
    };
    let whole = starts(hir, sides);
    whole.into_iter().chain(inner).min_by(|a, b| expected(a).total_cmp(&expected(b)))
}

fn extractor(longest: usize) -> Extractor {
    let mut extractor = Extractor::new();
    extractor.kind(ExtractKind::Prefix).limit_literal_len(longest).limit_total(MOST);
    extractor
}

/// The texts that a match of this can begin with.
fn starts(hir: &Hir, sides: Sides) -> Option<Vec<Piece>> {
    let found = extractor(sides.longest).extract(hir);
    let behind = sides.behind || ends_at_boundary(hir);
    let pieces = found
        .literals()?
        .iter()
        .map(|l| Piece::of(l.as_bytes(), Sides { behind: behind && l.is_exact(), ..sides }));
    pieces.collect::<Option<Vec<_>>>().filter(|pieces| !pieces.is_empty())
}

/// Whether every match ends where a word ends, if it ends with one.
fn ends_at_boundary(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Look(look) => matches!(look, Look::End | Look::EndLF | Look::WordAscii),
        HirKind::Capture(capture) => ends_at_boundary(&capture.sub),
        HirKind::Alternation(branches) => branches.iter().all(ends_at_boundary),
        HirKind::Concat(parts) => parts.last().is_some_and(ends_at_boundary),
        _ => false,
    }
}

impl Piece {
    /// Its bytes, the first one lowest.
    pub(super) fn number(&self) -> u128 {
        self.text.iter().rev().fold(0, |number, byte| number << 8 | u128::from(*byte))
    }

    fn of(text: &[u8], Sides { front, behind, .. }: Sides) -> Option<Self> {
        // What was cut in the middle of a letter goes up to the letter before.
        let whole = match std::str::from_utf8(text) {
            Ok(whole) => whole,
            Err(cut) => std::str::from_utf8(text.get(..cut.valid_up_to())?).ok()?,
        };
        if whole.contains(super::LIKE_ASCII) {
            return None;
        }
        let beyond_ascii =
            whole.chars().filter(|c| !c.is_ascii()).map(spellings).max().unwrap_or(Spellings::One);
        let text = whole.as_bytes();
        // What goes on with a word is looked for everywhere; what stands behind that word is found with less.
        let ends = text.iter().position(|byte| !in_word(*byte)).filter(|_| !front);
        let text = ends.and_then(|end| text.get(end..)).filter(|rest| rest.len() > SHORTEST).unwrap_or(text);
        let first = *text.first().filter(|first| text.len() >= SHORTEST || SIGNS.contains(first))?;
        // The byte behind it must be at hand as well.
        let ends_word = behind
            && (SHORTEST..COMPARED).contains(&text.len())
            && text.last().is_some_and(|byte| in_word(*byte));
        let text = text.get(..COMPARED).unwrap_or(text).to_ascii_lowercase();
        Some(Self { text, at_word: front || !in_word(first), ends_word, beyond_ascii })
    }
}

/// Of a letter outside ASCII.
fn spellings(c: char) -> Spellings {
    let mut alike = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
    match alike.try_case_fold_simple() {
        Ok(()) if alike.iter().all(|range| range.start() == c && range.end() == c) => Spellings::One,
        Ok(()) if plain(c) => Spellings::Capitals,
        _ => Spellings::Any,
    }
}

/// Whether this is the small letter of its capital, or has neither. Of letters that differ in case alone only one is plain.
pub(super) fn plain(c: char) -> bool {
    c.to_lowercase().eq([c]) && c.to_uppercase().flat_map(char::to_lowercase).eq([c])
}

/// About how many bytes of a text begin one of these pieces.
fn expected(pieces: &[Piece]) -> f64 {
    // What is found in the middle of words as well is found where they begin.
    let inside = |piece: &Piece| if piece.at_word { 0.0 } else { letters(&piece.text) };
    pieces.iter().map(|piece| words(piece) + inside(piece)).sum()
}

/// What begins with a word: how common its words are, one behind the other.
fn words(piece: &Piece) -> f64 {
    let joints: f64 = piece.text.iter().filter(|byte| !in_word(**byte)).map(joint).product();
    let mut words = piece.text.split(|byte| !in_word(*byte)).peekable();
    let mut all = WORDS_A_BYTE * joints;
    while let Some(word) = words.next() {
        if !word.is_empty() {
            all *= share(word, words.peek().is_some() || piece.ends_word);
        }
    }
    all
}

/// How many of all words are this one, or begin with it.
fn share(word: &[u8], whole: bool) -> f64 {
    let from = COMMON_WORDS.partition_point(|(known, _)| known.as_bytes() < word);
    let known = COMMON_WORDS.iter().skip(from).take_while(|(known, _)| known.as_bytes().starts_with(word));
    let known: u32 = known
        .take(if whole { 1 } else { usize::MAX })
        .filter(|(known, _)| !whole || known.as_bytes() == word)
        .map(|(_, count)| count)
        .sum();
    // Of all other words each is rare.
    f64::from(known) / 1e5 / WORDS_A_BYTE + letters(word).min(RARE)
}

/// How many of the places between two words are this.
fn joint(byte: &u8) -> f64 {
    match byte {
        b' ' => 0.8,
        b'-' | b'_' | b'.' | b',' => 0.05,
        b'<' => 0.002,
        _ => 0.01,
    }
}

/// What begins anywhere: how common its letters are.
fn letters(text: &[u8]) -> f64 {
    let letter = |b: &u8| match b {
        b' ' => 0.16,
        b'e' => 0.10,
        b't' | b'a' | b'i' | b's' | b'o' | b'n' | b'r' => 0.065,
        b'c' | b'd' | b'l' | b'm' | b'p' | b'u' => 0.035,
        b'b' | b'f' | b'g' | b'h' | b'v' | b'w' | b'y' => 0.015,
        b'-' | b'_' | b'.' | b',' => 0.01,
        _ => 0.004,
    };
    text.iter().map(letter).product()
}
