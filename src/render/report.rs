//! What a build did: pages by kind, how many were made anew, how long that took, and the slowest.

use std::sync::Mutex;
use std::time::Duration;

use serde::Serialize;

use super::check::Problem;

/// What was built.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BuildReport {
    /// Pages for people.
    pub pages: usize,
    /// Servers that have a page.
    pub servers: usize,
    /// Tools that have a page.
    pub tools: usize,
    /// Files of the site, its lists of what was built not counted.
    pub files: usize,
    /// Pages and twins that were made anew; the others' inputs were unchanged.
    pub rendered: usize,
    /// Files that are new or changed; the others were left as they are.
    pub files_written: usize,
    /// Files of earlier builds that are gone.
    pub files_removed: usize,
    /// Size of the whole site.
    pub bytes: u64,
    /// Size of an average tool page among those made anew; 0 if there was none.
    pub mean_tool_page: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Kinds of files, the one that took longest first.
    pub kinds: Vec<KindReport>,
    /// Templates of which a page was left to Tera, which is slower, each with why; there should be none.
    pub left_to_tera: Vec<String>,
    /// What `--check` found; None where it was not asked for.
    pub problems: Option<Vec<Problem>>,
}

/// One kind of page.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct KindReport {
    /// The kind, `json` for twins or `file` for what is no page.
    pub kind: String,
    /// Made anew.
    pub rendered: usize,
    /// Of these, new or with other content than before.
    pub written: usize,
    /// Looked at one by one and left, because their inputs were unchanged.
    pub kept: usize,
    /// Bytes made anew.
    pub bytes: u64,
    /// Time of all threads, in seconds.
    pub seconds: f64,
    /// The page that took longest.
    pub slowest: String,
    /// How long that took, in milliseconds.
    pub slowest_ms: f64,
}

/// Counts while pages are made. Any thread may.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Few, so they are looked through.
    kinds: Mutex<Vec<(&'static str, KindReport)>>,
}

impl Tally {
    /// A page was made anew.
    pub(super) fn made(&self, kind: &'static str, path: &str, bytes: usize, written: bool, took: Duration) {
        self.with(kind, |one| {
            one.rendered += 1;
            one.written += usize::from(written);
            one.bytes += bytes as u64;
            one.seconds += took.as_secs_f64();
            let millis = took.as_secs_f64() * 1_000.0;
            if millis > one.slowest_ms {
                one.slowest_ms = millis;
                path.clone_into(&mut one.slowest);
            }
        });
    }

    /// A page was left.
    pub(super) fn kept(&self, kind: &'static str) {
        self.with(kind, |one| one.kept += 1);
    }

    fn with(&self, kind: &'static str, count: impl FnOnce(&mut KindReport)) {
        let mut kinds = self.kinds.lock().expect("no thread panics while it counts");
        let at = kinds.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
            kinds.push((kind, KindReport::default()));
            kinds.len() - 1
        });
        if let Some((_, one)) = kinds.get_mut(at) {
            count(one);
        }
    }

    /// The kinds, the one that took longest first.
    pub(super) fn kinds(self) -> Vec<KindReport> {
        let kinds = self.kinds.into_inner().expect("no thread panics while it counts");
        let named = |(kind, report): (&str, KindReport)| KindReport { kind: kind.to_owned(), ..report };
        let mut all: Vec<KindReport> = kinds.into_iter().map(named).collect();
        all.sort_by(|a, b| b.seconds.total_cmp(&a.seconds).then_with(|| a.kind.cmp(&b.kind)));
        all
    }
}
