//! Sets of small numbers: of the patterns of a rule set, of its rules.

/// Numbers that are told apart; every higher one is in every set.
pub(super) const TOLD_APART: usize = 320;
const WORDS: usize = TOLD_APART / 64;

/// A set of numbers. Those from [`TOLD_APART`] on are always in it: what is not told apart may be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Numbers([u64; WORDS]);

impl Numbers {
    /// Every number.
    pub(super) const ALL: Self = Self([u64::MAX; WORDS]);

    /// Whether this one is in it.
    pub(super) fn has(&self, number: usize) -> bool {
        self.0.get(number / 64).is_none_or(|word| word >> (number % 64) & 1 == 1)
    }

    /// Adds those of another set.
    pub(super) fn add(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
    }

    /// Whether one of these is in it.
    pub(super) fn any_of(&self, others: &Self) -> bool {
        self.0.iter().zip(others.0).any(|(word, other)| word & other != 0)
    }

    /// What both hold of the numbers that are told apart.
    pub(super) fn both(&self, other: &Self) -> Self {
        let mut words = self.0;
        for (word, other) in words.iter_mut().zip(other.0) {
            *word &= other;
        }
        Self(words)
    }

    /// Adds a number.
    pub(super) fn insert(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    /// Those that are told apart, ascending.
    pub(super) fn each(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(index, mut word)| {
            std::iter::from_fn(move || {
                let lowest = word.trailing_zeros() as usize;
                word &= word.checked_sub(1)?;
                Some(64 * index + lowest)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_added_and_all_that_is_not_told_apart() {
        let mut set = Numbers::default();
        for number in [0, 63, 64, 130, TOLD_APART - 1, TOLD_APART, 9_999] {
            set.insert(number);
        }
        assert_eq!(set.each().collect::<Vec<_>>(), [0, 63, 64, 130, TOLD_APART - 1]);
        assert!(set.has(64) && !set.has(65) && set.has(TOLD_APART) && set.has(TOLD_APART + 1));
        let mut other = Numbers::default();
        other.insert(130);
        other.insert(131);
        assert_eq!(set.both(&other).each().collect::<Vec<_>>(), [130]);
        assert!(set.any_of(&other) && !Numbers::default().any_of(&other));
        other.add(&set);
        assert_eq!(other.each().count(), 6);
        assert_eq!(Numbers::ALL.each().count(), TOLD_APART);
    }
}
