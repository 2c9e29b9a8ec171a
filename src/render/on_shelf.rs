//! A tool as the catalogue takes it in and as it lies on the shelf: in short, with what was worked out of it, in texts that
//! somebody else holds.

use super::declares::Declared;
use super::similar::Likeness;
use crate::attack::PatternSet;
use crate::model::{Class, Risk};

/// A tool in short with what follows from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct ToolOnShelf<'a> {
    /// Its exact name.
    pub(super) name: &'a str,
    /// The name of its page's file, where that is not the tool's own; else empty.
    pub(super) slug: &'a str,
    /// The first words of its description, on one line.
    pub(super) line: &'a str,
    /// What it is found by beside these (`search::more_words`).
    pub(super) more: &'a str,
    pub(super) class: Class,
    pub(super) risk: Risk,
    /// The verdict's signals, one bit each.
    pub(super) signals: u32,
    pub(super) declared: Declared,
    /// The attack patterns it is exposed to.
    pub(super) exposed: PatternSet,
    pub(super) likeness: Likeness,
    /// What a list shows of it, as one number.
    pub(super) shown: u64,
    /// The day on which people or rules last changed what is said of it; 0 for none.
    pub(super) moved: u32,
}

impl<'a> ToolOnShelf<'a> {
    /// Appends it.
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        for number in [self.likeness.close, self.likeness.loose, self.shown, self.exposed.0] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.signals, self.moved] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&[self.class as u8, self.risk as u8, self.declared.number()]);
        for text in [self.name, self.slug, self.line, self.more] {
            put_text(bytes, text);
        }
    }

    /// Takes the next one from the beginning of `bytes`; None where that is none.
    pub(super) fn take(bytes: &mut &'a [u8]) -> Option<Self> {
        let mut number = || Some(u64::from_le_bytes(*take_array::<8>(bytes)?));
        let (close, loose, shown, exposed) = (number()?, number()?, number()?, number()?);
        let (signals, moved) = (take_number(bytes)?, take_number(bytes)?);
        let [class, risk, declared] = *take_array::<3>(bytes)?;
        Some(Self {
            class: Class::ALL.get(usize::from(class)).copied()?,
            risk: Risk::ALL.get(usize::from(risk)).copied()?,
            declared: Declared::from_number(declared)?,
            signals,
            exposed: PatternSet(exposed),
            likeness: Likeness { close, loose },
            shown,
            moved,
            name: take_text(bytes)?,
            slug: take_text(bytes)?,
            line: take_text(bytes)?,
            more: take_text(bytes)?,
        })
    }
}

/// Appends a text with its length; one of more than 4 GiB is cut to nothing, and never comes.
pub(super) fn put_text(bytes: &mut Vec<u8>, text: &str) {
    let length = u32::try_from(text.len()).unwrap_or_default();
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes().get(..length as usize).unwrap_or_default());
}

/// Takes a text from the beginning of `bytes`.
pub(super) fn take_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = take_number(bytes)? as usize;
    let (text, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

/// Takes a number of four bytes from the beginning of `bytes`.
pub(super) fn take_number(bytes: &mut &[u8]) -> Option<u32> {
    Some(u32::from_le_bytes(*take_array::<4>(bytes)?))
}

/// Takes so many bytes from the beginning of `bytes`.
pub(super) fn take_array<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_comes_back_as_it_was_and_half_of_one_is_none() {
        let tool = ToolOnShelf {
            name: "Größe",
            slug: "groesse",
            line: "Says how large.",
            more: "title\nwords",
            class: Class::Destructive,
            risk: Risk::Medium,
            signals: 5,
            declared: Declared::Destroys,
            exposed: PatternSet(1 << 40),
            likeness: Likeness { close: 1, loose: u64::MAX },
            shown: 9,
            moved: 20_000,
        };
        let mut bytes = Vec::new();
        tool.put(&mut bytes);
        tool.put(&mut bytes);
        let mut rest = bytes.as_slice();
        assert_eq!(ToolOnShelf::take(&mut rest), Some(tool));
        assert_eq!(ToolOnShelf::take(&mut rest), Some(tool));
        assert_eq!(ToolOnShelf::take(&mut rest), None);
        assert!(rest.is_empty());
        for length in 0..bytes.len() / 2 {
            assert_eq!(ToolOnShelf::take(&mut &bytes[..length]), None, "{length}");
        }
    }
}
