//! The texts of a definition, as far as they are read, and places in them.

use std::borrow::Cow;

use serde::Deserialize;

use super::pattern::Sieves;
use super::sieve::{Candidates, Found, Letters};

/// Bytes that are read of a description, and of a name or a title.
pub(super) const DESCRIPTION_BYTES: usize = 64 * 1024;
pub(super) const NAME_BYTES: usize = 512;
const HEAD_BYTES: usize = 1_500;
const SENTENCE_BYTES: usize = 400;

/// One text of the definition: where it is, what it holds, how much of it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) pointer: &'static str,
    pub(super) read: &'a str,
    pub(super) cut: bool,
}

impl<'a> Text<'a> {
    pub(super) fn of(pointer: &'static str, whole: &'a str, bytes: usize) -> Self {
        let read = start_of(whole, bytes);
        Self { pointer, read, cut: read.len() < whole.len() }
    }

    /// This place in it, in bytes.
    pub(super) fn place(&self, start: usize, end: usize) -> Place<'a> {
        Place { pointer: self.pointer.into(), text: self.read, span: Some((start, end)) }
    }
}

/// Where a rule found something; without a span it is the whole field.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    pub(super) pointer: Cow<'static, str>,
    pub(super) text: &'a str,
    pub(super) span: Option<(usize, usize)>,
}

impl Place<'_> {
    pub(super) fn whole(pointer: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: pointer.into(), text: "", span: None }
    }
}

/// How far into a description a phrase is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Zone {
    /// The first sentence.
    First,
    /// The first 1,500 bytes.
    #[default]
    Head,
    /// All that is read.
    All,
}

/// A title, with the patterns that may match it.
#[derive(Debug)]
pub(super) struct Title<'a> {
    pub(super) text: Text<'a>,
    pub(super) candidates: Candidates,
}

/// A description, its zones, and the patterns that may match in each.
#[derive(Debug)]
pub(super) struct Description<'a> {
    pub(super) text: Text<'a>,
    /// The first sentence.
    pub(super) sentence: &'a str,
    /// The first part, where a description says what it is about.
    pub(super) head: &'a str,
    in_sentence: Candidates,
    in_head: Candidates,
    in_all: Candidates,
}

impl<'a> Description<'a> {
    /// `None` where there is nothing to read.
    pub(super) fn of(whole: &'a str, sieves: &Sieves) -> Option<Self> {
        let text = Text::of("/description", whole, DESCRIPTION_BYTES);
        let sentence = start_of(text.read, first_sentence(text.read)?);
        let head = start_of(text.read, HEAD_BYTES);
        // White space in front may make the sentence end behind the head: then the head has the sentence's candidates,
        // which are more.
        let (mut found, letters) = (Found::default(), Letters::of(text.read));
        sieves.sentence.look(text.read, letters, 0..sentence.len(), &mut found);
        let in_sentence = found.candidates;
        let end = head.len().max(sentence.len());
        sieves.other.look(text.read, letters, sentence.len()..end, &mut found);
        let in_head = found.candidates;
        sieves.other.look(text.read, letters, end..text.read.len(), &mut found);
        let in_all = found.candidates;
        Some(Self { text, sentence, head, in_sentence, in_head, in_all })
    }

    /// A zone's text, and the patterns that may match in it.
    pub(super) fn zone(&self, zone: Zone) -> (&'a str, &Candidates) {
        match zone {
            Zone::First => (self.sentence, &self.in_sentence),
            Zone::Head => (self.head, &self.in_head),
            Zone::All => (self.text.read, &self.in_all),
        }
    }
}

/// The longest start of at most `bytes` bytes that ends between two characters.
pub(super) fn start_of(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Bytes up to the end of the first sentence, white space in front included; `None` of white space alone.
fn first_sentence(text: &str) -> Option<usize> {
    let body = text.trim_start();
    let lead = text.len() - body.len();
    let from = (SENTENCE_BYTES + 1..body.len()).find(|at| body.is_char_boundary(*at)).unwrap_or(body.len());
    // Bytes of other characters than these may be alike: what stands there is looked at below.
    let may_end = |b: u8| matches!(b, b'.' | b'!' | b'?' | b'\n') || b >= 0xE3;
    let mut bytes = body.bytes().enumerate().take(from).filter(|(_, b)| may_end(*b));
    let end = bytes.find_map(|(at, _)| {
        let mut chars = body.get(at..)?.chars();
        let (c, next) = (chars.next()?, chars.next());
        let ends = match c {
            '.' | '!' | '?' => {
                // "e.g. " and "i.e. " end no sentence.
                next.is_none_or(char::is_whitespace) && !(c == '.' && abbreviated(body, at))
            }
            '。' | '！' | '？' => true,
            '\n' => next == Some('\n') || next == Some('\r'),
            _ => false,
        };
        ends.then_some(lead + at + c.len_utf8())
    });
    let cut = || body.get(from..).and_then(|rest| Some(lead + from + rest.chars().next()?.len_utf8()));
    end.or_else(cut).or_else(|| (!body.is_empty()).then_some(text.len()))
}

fn abbreviated(body: &str, at: usize) -> bool {
    body.get(..at).is_some_and(|b| b.ends_with("e.g") || b.ends_with("i.e"))
}
