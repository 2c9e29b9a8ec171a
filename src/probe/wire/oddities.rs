//! What a conversation had that a right one has not: counted, and said in one word each.

/// Counts of one conversation.
#[derive(Debug, Default)]
pub(in crate::probe) struct Oddities {
    requests: u32,
    stray: u32,
    twice: u32,
}

impl Oddities {
    /// The server asked something of us; how often that makes.
    pub(in crate::probe) fn asked(&mut self) -> u32 {
        self.requests += 1;
        self.requests
    }

    /// An answer came that is not to the request `open`: to an earlier one a second time, or to none of ours.
    pub(in crate::probe) fn answered(&mut self, theirs: &str, open: u64) {
        let number = theirs.trim_matches('"').parse::<u64>();
        if number.is_ok_and(|id| (1..open).contains(&id)) {
            self.twice += 1;
        } else {
            self.stray += 1;
        }
    }

    /// True if something was answered that nobody asked.
    pub(in crate::probe) fn has_stray(&self) -> bool {
        self.stray > 0
    }

    /// The words for what was seen.
    pub(in crate::probe) fn marks(&self) -> impl Iterator<Item = &'static str> + use<> {
        [(self.requests, "asks-client"), (self.stray, "stray-answer"), (self.twice, "answered-twice")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(_, word)| word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_an_earlier_request_came_twice_and_any_other_is_stray() {
        let mut seen = Oddities::default();
        seen.answered("1", 3);
        seen.answered("\"2\"", 3);
        assert!(!seen.has_stray());
        for stray in ["0", "4", "null", "\"x\"", "1e0", "[]"] {
            seen.answered(stray, 3);
        }
        assert_eq!(seen.asked(), 1);
        assert_eq!(seen.marks().collect::<Vec<_>>(), ["asks-client", "stray-answer", "answered-twice"]);
    }
}
