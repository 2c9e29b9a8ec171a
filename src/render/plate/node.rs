//! Values on a sheet, and stretches of its rows.

use super::sheet::Odd;

/// One value, in two words of eight bytes: these stay in registers, where an enum with values of several sizes goes through memory, and
/// is read back there in other pieces than it was written in, for which a processor waits (docs/PERFORMANCE.md).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) word: u64,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u64)]
pub(super) enum Kind {
    None,
    Bool,
    Unsigned,
    Signed,
    Float,
    Text,
    /// What a template has printed.
    Markup,
    List,
    Map,
}

impl Node {
    pub(super) const NONE: Self = Self { kind: Kind::None, word: 0 };

    pub(super) fn bool(value: bool) -> Self {
        Self { kind: Kind::Bool, word: u64::from(value) }
    }

    pub(super) fn unsigned(word: u64) -> Self {
        Self { kind: Kind::Unsigned, word }
    }

    pub(super) fn signed(value: i64) -> Self {
        Self { kind: Kind::Signed, word: value.cast_unsigned() }
    }

    pub(super) fn float(value: f64) -> Self {
        Self { kind: Kind::Float, word: value.to_bits() }
    }

    pub(super) fn text(stretch: Stretch) -> Self {
        Self { kind: Kind::Text, word: stretch.0 }
    }

    pub(super) fn markup(stretch: Stretch) -> Self {
        Self { kind: Kind::Markup, word: stretch.0 }
    }

    pub(super) fn as_bool(self) -> bool {
        self.word != 0
    }

    pub(super) fn as_unsigned(self) -> u64 {
        self.word
    }

    pub(super) fn as_signed(self) -> i64 {
        self.word.cast_signed()
    }

    pub(super) fn as_float(self) -> f64 {
        f64::from_bits(self.word)
    }

    /// Of a text, a list or a map.
    /// As a condition.
    #[inline]
    pub(super) fn holds(self) -> bool {
        match self.kind {
            Kind::None => false,
            Kind::Bool | Kind::Unsigned | Kind::Signed => self.word != 0,
            Kind::Float => self.as_float() != 0.0,
            // How long it is stands in the upper half.
            Kind::Text | Kind::Markup | Kind::List | Kind::Map => self.word >> u32::BITS != 0,
        }
    }

    pub(super) fn stretch(self) -> Stretch {
        Stretch(self.word)
    }
}

/// A stretch of one of the rows: where it begins, and in the upper half how long it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch(pub(super) u64);

impl Stretch {
    /// From a place to where the row ends now.
    pub(super) fn from(at: usize, end: usize) -> Result<Self, Odd> {
        let word =
            |number: usize| u32::try_from(number).map_err(|_| Odd("a view of more than four gigabytes"));
        Ok(Self(u64::from(word(at)?) | u64::from(word(end - at)?) << u32::BITS))
    }

    #[inline]
    fn range(self) -> std::ops::Range<usize> {
        let at = (self.0 & u64::from(u32::MAX)) as usize;
        at..at + (self.0 >> u32::BITS) as usize
    }

    #[inline]
    pub(super) fn of<T>(self, row: &[T]) -> &[T] {
        row.get(self.range()).unwrap_or_default()
    }

    #[inline]
    pub(super) fn text(self, text: &str) -> &str {
        text.get(self.range()).unwrap_or_default()
    }
}
