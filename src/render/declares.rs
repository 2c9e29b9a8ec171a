//! What an author's hints say of a tool, in one word, to be set beside the verdict.

use serde::Serialize;

/// The strongest statement of a tool's hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Declared {
    /// No hint that says anything of its effect.
    #[default]
    Nothing,
    /// `readOnlyHint: true`.
    Reads,
    /// `destructiveHint: false`, and it does not say that it only reads.
    Spares,
    /// `destructiveHint: true`, and it does not say that it only reads.
    Destroys,
}

impl Declared {
    /// Every word, in the order of tables.
    pub(super) const ALL: [Declared; 4] =
        [Declared::Reads, Declared::Spares, Declared::Destroys, Declared::Nothing];

    /// By the specification `destructiveHint` means something only where `readOnlyHint` is not true.
    pub(super) fn of(reads_only: Option<bool>, destroys: Option<bool>) -> Self {
        match (reads_only, destroys) {
            (Some(true), _) => Declared::Reads,
            (_, Some(false)) => Declared::Spares,
            (_, Some(true)) => Declared::Destroys,
            (_, None) => Declared::Nothing,
        }
    }

    /// As it is kept for the next build.
    pub(super) fn number(self) -> u8 {
        Self::ALL.iter().position(|one| *one == self).and_then(|i| u8::try_from(i).ok()).unwrap_or_default()
    }

    /// What [`Declared::number`] was made from.
    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_on_destruction_means_nothing_where_a_tool_only_reads() {
        assert_eq!(Declared::of(Some(true), Some(true)), Declared::Reads);
        assert_eq!(Declared::of(Some(false), Some(true)), Declared::Destroys);
        assert_eq!(Declared::of(None, Some(false)), Declared::Spares);
        assert_eq!(Declared::of(Some(false), None), Declared::Nothing);
        for one in Declared::ALL {
            assert_eq!(Declared::from_number(one.number()), Some(one));
        }
        assert_eq!(Declared::from_number(9), None);
    }
}
