//! Slices of a search by the time of creation: narrower until the results fit under the cap, wider again where there are few.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::super::settings::GithubSettings;

/// Nothing was created before GitHub was.
const BEGINNING: Timestamp = Timestamp::constant(1_199_145_600, 0);
/// A slice grows at most so many times wider than the one before it.
const WIDEST: i64 = 8;
/// A search that runs out of its time is cut into narrower slices down to this one.
const PATIENT_WIDTH: SignedDuration = SignedDuration::from_hours(24);
/// Beside the user's own words, for qualifiers of ours: GitHub takes 256 characters a query.
const QUERY_CHARS: usize = 256;

/// Which page of which slice of which query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    /// The query's place in the list.
    pub(super) query: usize,
    /// Only what was pushed to since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pushed: Option<Timestamp>,
    /// The slice's first second.
    from: Timestamp,
    /// Its last; None: as far as the walk goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<Timestamp>,
    /// As far as the walk goes: what is created while it lasts is the next one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    /// From 1.
    pub(super) page: u32,
    /// Repositories on the slice's pages before this one.
    #[serde(default)]
    pub(super) had: u64,
    /// True once something was left out.
    #[serde(default)]
    pub(super) short: bool,
}

/// What a page of the search said.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Answered {
    /// Repositories that the query has.
    pub(super) total: u64,
    /// Those on this page.
    pub(super) given: u32,
    /// The search ran out of its time.
    pub(super) incomplete: bool,
    /// The page was refused.
    pub(super) refused: bool,
}

/// What follows a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Further {
    /// Another one.
    Page(Position),
    /// Nothing; this is where it ended.
    End(Position),
}

fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

impl Position {
    /// The first page of a walk.
    pub(super) fn first(pushed: Option<Timestamp>) -> Self {
        let pushed = pushed.map(whole_second);
        Self { query: 0, pushed, from: BEGINNING, to: None, until: None, page: 1, had: 0, short: false }
    }

    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("numbers and times are always JSON")
    }

    pub(super) fn is_first(&self) -> bool {
        self.query == 0 && self.to.is_none() && self.page == 1
    }

    /// The same, with the end that its walk has had from its beginning.
    pub(super) fn until(mut self, began: Timestamp) -> Self {
        self.until.get_or_insert(whole_second(began));
        self
    }

    fn end(&self) -> Timestamp {
        self.until.unwrap_or(self.from).max(self.from)
    }

    fn last(&self) -> Timestamp {
        self.to.map_or(self.end(), |to| to.min(self.end())).max(self.from)
    }

    fn width(&self) -> SignedDuration {
        self.last().duration_since(self.from)
    }

    /// The query as GitHub takes it. Forks are listed, too: they come last and are not left out.
    pub(super) fn query(&self, words: &str) -> String {
        let pushed = self.pushed.map(|time| format!(" pushed:>={time}")).unwrap_or_default();
        let ours = format!(" fork:true{pushed} created:{}..{}", self.from, self.last());
        let room = QUERY_CHARS.saturating_sub(ours.len());
        format!("{}{ours}", super::super::cut(words, room))
    }

    /// For people: what is asked for, and of which time.
    pub(super) fn shown(&self, words: &str) -> String {
        format!("\"{words}\" created {} to {}", self.from, self.last())
    }

    fn is_too_large(&self, answered: Answered, settings: &GithubSettings) -> bool {
        self.page == 1 && answered.total > u64::from(settings.result_cap)
    }

    fn is_too_slow(&self, answered: Answered) -> bool {
        self.page == 1 && answered.incomplete && self.width() > PATIENT_WIDTH
    }

    /// What its user should know about this page.
    pub(super) fn note(&self, words: &str, answered: Answered, settings: &GithubSettings) -> Option<String> {
        let (total, cap) = (answered.total, settings.result_cap);
        if self.is_too_large(answered, settings) && self.width().is_zero() {
            return Some(format!("{} has {total} repositories, and GitHub gives {cap}", self.shown(words)));
        }
        if answered.incomplete && !self.is_too_slow(answered) {
            return Some(format!("GitHub did not finish searching {}", self.shown(words)));
        }
        let had = self.had + u64::from(answered.given);
        let ends = answered.given == 0 && had < total.min(u64::from(cap));
        ends.then(|| format!("GitHub counted {total} of {} and gave {had}", self.shown(words)))
    }

    /// Where the walk goes on.
    pub(super) fn further(&self, answered: Answered, settings: &GithubSettings) -> Further {
        let cap = u64::from(settings.result_cap);
        let too_large = self.is_too_large(answered, settings);
        if (too_large || self.is_too_slow(answered)) && !self.width().is_zero() {
            let half = SignedDuration::from_secs(self.width().as_secs() / 2);
            let to = self.from.checked_add(half).unwrap_or(self.from);
            return Further::Page(Self { to: Some(to), page: 1, had: 0, ..self.clone() });
        }
        let had = self.had + u64::from(answered.given);
        let short = self.short || too_large || answered.refused || answered.incomplete;
        let page_size = u64::from(settings.page_size.max(1));
        let is_more = answered.given > 0 && had < answered.total;
        if is_more && u64::from(self.page) * page_size < cap {
            return Further::Page(Self { page: self.page + 1, had, short, ..self.clone() });
        }
        let after = Self { page: 1, had: 0, short, ..self.clone() };
        let last = self.last();
        if last < self.end() {
            // As wide as would be filled to a half, if what follows were as crowded.
            let times = (cap / 2)
                .checked_div(answered.total)
                .map_or(WIDEST, |times| i64::try_from(times).unwrap_or(WIDEST).clamp(1, WIDEST));
            let seconds = self.width().as_secs().max(1).saturating_mul(times);
            let from = last.checked_add(SignedDuration::from_secs(1)).unwrap_or(last);
            let to = from.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(from);
            return Further::Page(Self { from, to: Some(to.min(self.end()).max(from)), ..after });
        }
        if self.query + 1 < settings.queries.len() {
            return Further::Page(Self { query: self.query + 1, from: BEGINNING, to: None, ..after });
        }
        Further::End(after)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::embedded;
    use super::*;

    fn answered(total: u64, given: u32) -> Answered {
        Answered { total, given, ..Answered::default() }
    }

    /// Walks over repositories created at these seconds; returns how often each was given, and the requests it took.
    fn walk(created: &[i64], settings: &GithubSettings) -> (Vec<u32>, usize, bool) {
        let until = Timestamp::from_second(1_780_000_000).unwrap();
        let (mut position, mut requests) = (Position::first(None).until(until), 0);
        let mut given = vec![0; created.len()];
        loop {
            requests += 1;
            assert!(requests < 10_000, "{position:?}");
            let range = position.from.as_second()..=position.last().as_second();
            let hits: Vec<usize> = (0..created.len()).filter(|i| range.contains(&created[*i])).collect();
            let size = settings.page_size as usize;
            let page: Vec<&usize> = hits
                .iter()
                .take(settings.result_cap as usize)
                .skip((position.page as usize - 1) * size)
                .take(size)
                .collect();
            page.iter().for_each(|i| given[**i] += 1);
            let said = answered(hits.len() as u64, u32::try_from(page.len()).unwrap());
            match position.further(said, settings) {
                Further::Page(next) => position = next,
                Further::End(last) => return (given, requests, last.short),
            }
        }
    }

    #[test]
    fn slices_find_everything_under_the_cap_in_few_requests() {
        let mut settings = embedded().github;
        settings.queries.truncate(1);
        // 16,000 in the last two years, ever denser, and a dozen before.
        let mut created: Vec<i64> = (0..12).map(|i| 1_250_000_000 + i * 31_000_000).collect();
        created.extend((0..16_000_i64).map(|i| 1_780_000_000 - (i * i * 60_000_000) / (16_000 * 16_000)));
        let (given, requests, short) = walk(&created, &settings);
        assert!(given.iter().all(|times| *times >= 1) && !short);
        assert!(requests < 320, "{requests}");
    }

    #[test]
    fn a_second_that_is_too_full_is_read_up_to_the_cap_and_said() {
        let mut settings = embedded().github;
        settings.queries.truncate(1);
        let created = vec![1_700_000_000; 1_500];
        let (given, _, short) = walk(&created, &settings);
        assert_eq!((given.iter().filter(|times| **times > 0).count(), short), (1000, true));
        let one = Position { to: Some(BEGINNING), ..Position::first(None).until(BEGINNING) };
        assert!(one.note("x", answered(1_500, 100), &settings).unwrap().contains("1500"));
    }

    #[test]
    fn a_query_is_in_the_words_of_github_and_never_too_long() {
        let since = "2026-01-02T03:04:05.678Z".parse().ok();
        let position = Position::first(since).until("2026-05-01T00:00:00Z".parse().unwrap());
        assert_eq!(
            position.query("topic:pear"),
            "topic:pear fork:true pushed:>=2026-01-02T03:04:05Z created:2008-01-01T00:00:00Z..2026-05-01T00:00:00Z"
        );
        assert!(position.query(&"é".repeat(400)).chars().count() <= 256);
        let text = position.text();
        assert_eq!(serde_json::from_str::<Position>(&text).unwrap(), position);
    }
}
