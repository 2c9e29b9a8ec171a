//! `--shard I/N`: a list split among machines that know nothing of each other, by a hash of each server's key.
//!
//! The part of a server follows from its key and N alone, not from the list: a list that grows moves nobody. All releases of a server
//! fall into one part. I counts from 0 (Kubernetes) or from 1: N/N is 0/N.

use std::str::FromStr;

use crate::model::digest::sha256_hex;
use crate::model::{ServerKey, Target};

/// Most parts of a list.
const MOST: u32 = 100_000;
/// Digits of the hash that are taken: 60 bits.
const DIGITS: usize = 15;

/// One part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// True for a server of this part.
    fn holds(self, server: &ServerKey) -> bool {
        let digits: String = sha256_hex(server.to_string().as_bytes()).chars().take(DIGITS).collect();
        let number = u64::from_str_radix(&digits, 16).expect("a digest is made of hexadecimal digits");
        number % u64::from(self.of) == u64::from(self.index)
    }

    /// The targets of this part, in their order.
    pub(super) fn of(self, targets: Vec<Target>) -> Vec<Target> {
        targets.into_iter().filter(|target| self.holds(&target.server())).collect()
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (index, of) = text.split_once('/')?;
            let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            let number = |part: &str| plain(part).then(|| part.parse::<u32>().ok()).flatten();
            let (index, of) = (number(index)?, number(of)?);
            ((1..=MOST).contains(&of) && index <= of).then(|| Self { index: index % of, of })
        };
        read().ok_or_else(|| format!("write I/N, I from 0 or from 1, N from 1 to {MOST}: 3/16"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_list_are_the_list_each_target_once_whichever_way_they_are_counted() {
        let list: Vec<Target> = (0..400).map(|n| format!("npm:made-up-{n}").parse().unwrap()).collect();
        for of in [1_u32, 2, 7, 16] {
            for from in [0, 1] {
                let parts = (from..from + of).map(|i| format!("{i}/{of}").parse::<Shard>().unwrap());
                let parts: Vec<Vec<Target>> = parts.map(|shard| shard.of(list.clone())).collect();
                let mut all: Vec<String> = parts.iter().flatten().map(ToString::to_string).collect();
                all.sort();
                let mut wanted: Vec<String> = list.iter().map(ToString::to_string).collect();
                wanted.sort();
                assert_eq!(all, wanted, "{from}, {of}");
                let fair = 400 / of as usize;
                assert!(parts.iter().all(|part| part.len() > fair / 3 && part.len() < fair * 3), "{of}");
            }
        }
    }

    #[test]
    fn a_server_stays_in_its_part_whatever_else_is_listed_and_whichever_release_is_asked() {
        let shard = |text: &str| text.parse::<Shard>().unwrap();
        let targets: Vec<Target> =
            ["npm:pear@1.0.0", "npm:pear@2.0.0", "npm:pear"].map(|t| t.parse().unwrap()).into();
        let held: Vec<usize> = (0..4).map(|i| shard(&format!("{i}/4")).of(targets.clone()).len()).collect();
        assert_eq!(held.iter().sum::<usize>(), 3);
        assert!(held.contains(&3), "{held:?}");
        // Written down: another hash would send a run that is taken up again to other machines.
        assert_eq!(held, PEAR);
    }

    const PEAR: [usize; 4] = [0, 3, 0, 0];

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "1", "3/2", "0/0", "-1/2", "+1/2", "1/2/3", "a/b", "1/", "/2", "1/1000000"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
