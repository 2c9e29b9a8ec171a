//! Long runs of the same few characters, of which no short piece says enough: 160 spaces and line feeds.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::LIKE_ASCII;

/// Shorter runs are looked for by their pieces.
const SHORTEST: u32 = 24;

/// Every match holds so many bytes of this kind in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Run {
    least: usize,
    /// Bytes that such characters are made of.
    kind: Box<[bool; 256]>,
}

impl Run {
    /// The run in every match of a pattern, if it has one.
    pub(super) fn of(pattern: &Hir) -> Option<Self> {
        match pattern.kind() {
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Concat(parts) => parts.iter().find_map(Self::of),
            HirKind::Repetition(repetition) if repetition.min >= SHORTEST => {
                let HirKind::Class(class) = repetition.sub.kind() else { return None };
                // A character has at least one byte.
                Some(Self { least: repetition.min as usize, kind: bytes(class)? })
            }
            _ => None,
        }
    }

    /// Whether a text holds so long a run. Looks at one byte in as many as the run has at least.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        let of_kind = |byte: &&u8| self.kind[usize::from(**byte)];
        let mut at = self.least - 1;
        while let Some(byte) = text.get(at) {
            if of_kind(&byte) {
                let (before, from_here) = text.split_at(at);
                let before = before.iter().rev().take(self.least).take_while(of_kind).count();
                if before + from_here.iter().take(self.least).take_while(of_kind).count() >= self.least {
                    return true;
                }
            }
            at += self.least;
        }
        false
    }
}

/// The bytes that characters of a class are made of, all those outside ASCII as one, and those of either case. `None` where it
/// holds a letter outside ASCII that is taken for one of ASCII.
fn bytes(class: &Class) -> Option<Box<[bool; 256]>> {
    let mut kind = Box::new([false; 256]);
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|r| (r.start().into(), r.end().into())).collect(),
        Class::Bytes(class) => class.ranges().iter().map(|r| (r.start().into(), r.end().into())).collect(),
    };
    let holds = |c: char| ranges.iter().any(|(start, end)| (*start..=*end).contains(&u32::from(c)));
    if LIKE_ASCII.into_iter().any(holds) {
        return None;
    }
    for (start, end) in ranges {
        for (byte, held) in (0_u8..=u8::MAX).zip(kind.iter_mut()) {
            let in_range = |byte: u8| (start..=end).contains(&u32::from(byte));
            let ascii = in_range(byte.to_ascii_lowercase()) || in_range(byte.to_ascii_uppercase());
            *held |= if byte.is_ascii() { ascii } else { end >= 0x80 };
        }
    }
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_wherever_it_begins_and_nothing_shorter() {
        let run = |pattern: &str| Run::of(&regex_syntax::parse(pattern).unwrap());
        let spaces = run(r"x?[ \t\x{A0}]{30}[^ ]").unwrap();
        for front in 0..70 {
            let text = |length| format!("{}{}y", "z".repeat(front), " ".repeat(length));
            assert!(spaces.is_in(text(30).as_bytes()), "{front}");
            assert!(!spaces.is_in(text(29).as_bytes()), "{front}");
        }
        assert!(spaces.is_in("\u{A0}\t".repeat(15).as_bytes()));
        assert!(run("[a-f]{24}").unwrap().is_in("ABCDEF".repeat(4).as_bytes()), "of either case");
        for none in ["[a-f]{23}", "(?:ab){30}", "x|[a-f]{24}", "[a-f]{0,40}", "[^a]{30}"] {
            assert_eq!(run(none), None, "{none}");
        }
    }
}
