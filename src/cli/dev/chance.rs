//! Chance that is the same on every machine: a small generator, and lengths drawn from measured distributions.

/// SplitMix64. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

/// Points of a distribution: share of all values that are at most this large. Sorted by both.
pub(super) type Quantiles = [(f64, f64)];

impl Chance {
    /// A stream of its own for each pair.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut chance = Self(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        chance.next();
        chance.next();
        chance
    }

    /// The next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to and without `end`; 0 if that is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// From 0 up to and without 1.
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True so often.
    pub(super) fn happens(&mut self, share: f64) -> bool {
        self.share() < share
    }

    /// One of them, all equally often.
    pub(super) fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all.get(self.below(all.len())).copied().expect("lists of words are not empty")
    }

    /// The place of one of `count`, the first ones far more often: as words and names are spread.
    pub(super) fn skewed(&mut self, count: usize) -> usize {
        let share = self.share();
        ((share * share * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// A value of a distribution, between its points along a logarithmic scale.
    pub(super) fn drawn(&mut self, points: &Quantiles) -> usize {
        let share = self.share();
        let after = points.partition_point(|(at, _)| *at <= share);
        let (Some(low), Some(high)) = (points.get(after.saturating_sub(1)), points.get(after)) else {
            return points.last().map_or(0, |(_, value)| *value as usize);
        };
        let part = (share - low.0) / (high.0 - low.0);
        let (from, to) = (low.1.max(1.0).ln(), high.1.max(1.0).ln());
        (from + (to - from) * part).exp() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_repeats_itself_and_no_other() {
        let take = |seed, stream| {
            let mut chance = Chance::new(seed, stream);
            (0..8).map(|_| chance.next()).collect::<Vec<_>>()
        };
        assert_eq!(take(1, 2), take(1, 2));
        assert_ne!(take(1, 2), take(1, 3));
        assert_ne!(take(1, 2), take(2, 2));
    }

    #[test]
    fn what_is_drawn_lies_where_the_distribution_says() {
        let points = [(0.0, 1.0), (0.5, 5.0), (0.9, 25.0), (1.0, 1_000.0)];
        let mut chance = Chance::new(7, 7);
        let mut all: Vec<usize> = (0..10_000).map(|_| chance.drawn(&points)).collect();
        all.sort_unstable();
        assert!((4..=6).contains(&all[5_000]), "{}", all[5_000]);
        assert!((22..=28).contains(&all[9_000]), "{}", all[9_000]);
        assert!(all.iter().all(|n| (1..=1_000).contains(n)));
    }
}
