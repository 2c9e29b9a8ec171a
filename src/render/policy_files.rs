//! The policy files of a server: every format in the recommended tier, the formats that pages show in the others, too.
//!
//! Not every format in every tier: that would be 51 files a server, more than it has pages (docs/PERFORMANCE.md, "Policy files").
//! What is left out is one command away, and the page prints it.

use std::cell::LazyCell;

use serde::Serialize;

use super::RenderError;
use super::control::{Policies, TierWord, linked, policy_file, shown, tier_word};
use crate::export::{EffectiveRule, Exporter};
use crate::policy::{Keyed, Rule, Tier};

/// One format on a server's page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ServerFormat {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// It blocks nothing: the client takes it as advice.
    pub(super) advisory: bool,
    /// The format of a tool's page: shown here with its document.
    pub(super) shown: bool,
    /// The recommended document, or its beginning. Empty where it is only linked.
    pub(super) text: String,
    /// Its lines that are not shown.
    pub(super) lines_left_out: usize,
    /// The files, the recommended tier first.
    pub(super) files: Vec<PolicyFile>,
    /// How many tools the recommended document treats in which way.
    pub(super) counts: Vec<Count>,
    /// It is the one that is shown until another is chosen.
    pub(super) first: bool,
    /// What the recommended document does with tools it does not name: `deny` or `ask`.
    pub(super) default: &'static str,
}

/// One file.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PolicyFile {
    pub(super) tier: TierWord,
    /// Its path below the server's folder.
    pub(super) file: String,
    /// Its name, as steps call it.
    pub(super) name: String,
    pub(super) recommended: bool,
}

/// How many tools a document treats in one way; none of no tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Count {
    /// `allowed`, `limited`, `asked about`, `refused` or `hidden`.
    pub(super) word: &'static str,
    pub(super) count: usize,
}

/// Makes every file of a server, if there are to be files, and hands it over as path below the server's folder and content; returns
/// what its page says of them.
///
/// # Errors
/// A document that its own format would refuse, a defect of the program; what `put` ends with.
pub(super) fn server_formats(
    policies: &Policies,
    most_lines: usize,
    with_files: bool,
    read_back: bool,
    put: impl Fn(&str, &str) -> Result<(), RenderError>,
) -> Result<Vec<ServerFormat>, RenderError> {
    let mut list = Vec::new();
    let fingerprints =
        Tier::ALL.iter().map(|tier| (*tier, LazyCell::new(|| policies.of(*tier).fingerprint())));
    let fingerprints: Vec<_> = fingerprints.collect();
    for (exporter, is_shown) in
        shown().iter().map(|e| (*e, true)).chain(linked().into_iter().map(|e| (e, false)))
    {
        let mut files = Vec::new();
        let mut view = None;
        for tier in [Tier::Recommended, Tier::Strict, Tier::Permissive] {
            let unshown = !is_shown && (tier != Tier::Recommended || !with_files);
            if unshown || (tier != Tier::Recommended && !with_files) {
                continue;
            }
            let keyed = policies.keyed(tier);
            let made = if read_back {
                let text = exporter.document_in(&keyed.policy, tier);
                text.map(|text| (text, exporter.effects(keyed, tier)))
            } else {
                let fingerprint = fingerprints.iter().find(|(other, _)| *other == tier);
                exporter.draft_in((keyed, tier), fingerprint.and_then(|(_, made)| made.as_deref()))
            };
            let (text, effects) = made.map_err(|source| RenderError::Export {
                server: keyed.policy.server.to_string(),
                format: exporter.id,
                source: Box::new(source),
            })?;
            let file = policy_file(exporter, tier);
            if with_files {
                put(&file, &text)?;
            }
            files.push(PolicyFile {
                tier: tier_word(tier),
                name: file.rsplit('/').next().unwrap_or_default().to_owned(),
                file,
                recommended: tier == Tier::Recommended,
            });
            view.get_or_insert_with(|| {
                server_format(exporter, is_shown, keyed, (&text, &effects), most_lines)
            });
        }
        if let Some(view) = view {
            list.push(ServerFormat { files, first: list.is_empty(), ..view });
        }
    }
    Ok(list)
}

fn server_format(
    exporter: &Exporter,
    shown: bool,
    keyed: &Keyed,
    (text, effects): (&str, &[EffectiveRule]),
    most_lines: usize,
) -> ServerFormat {
    let ended = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    let lines = ended + usize::from(!text.is_empty() && !text.ends_with('\n'));
    // A cut that saves less than a quarter only makes a document useless.
    let is_cut = lines > most_lines + most_lines / 4;
    let part = || text.lines().take(most_lines).collect::<Vec<_>>().join("\n");
    ServerFormat {
        id: exporter.id,
        title: exporter.title,
        advisory: exporter.advisory,
        shown,
        text: match (shown, is_cut) {
            (false, _) => String::new(),
            (true, true) => part(),
            (true, false) => text.trim_end().to_owned(),
        },
        lines_left_out: if is_cut && shown { lines - most_lines } else { 0 },
        files: Vec::new(),
        counts: counts(effects),
        first: false,
        default: exporter.default_in(keyed, Tier::Recommended).word(),
    }
}

fn counts(effects: &[EffectiveRule]) -> Vec<Count> {
    let place = |rule| match rule {
        Rule::Allow => 0,
        Rule::Limit { .. } => 1,
        Rule::Ask => 2,
        Rule::Deny => 3,
        Rule::Hide => 4,
    };
    let words = ["allowed", "limited", "asked about", "refused", "hidden"];
    let count = |(at, word): (usize, &'static str)| Count {
        word,
        count: effects.iter().filter(|effect| place(effect.rule) == at).count(),
    };
    words.into_iter().enumerate().map(count).filter(|c| c.count > 0).collect()
}
