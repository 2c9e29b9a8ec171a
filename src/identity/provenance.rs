//! What a registry's provenance proves of a package's source, and what it does not.
//!
//! The statement is the registry's word: npm and PyPI say that they check its signature when they take a release, and nothing here
//! checks it again. It counts where it names the repository that the package itself names, or where the package names none.

use super::repositories::{Found, Repositories};
use crate::model::identity::{PackageFacts, Provenance, ProvenanceSaid, RepositoryClaim};

/// What is known of where a package was made.
pub(super) enum Proof<'a> {
    /// Its registry's provenance names its source.
    Of(&'a Provenance),
    /// There is a provenance that does not count, for this reason.
    Not(String),
    /// There is none, or nobody asked.
    Unknown,
}

impl<'a> Proof<'a> {
    pub(super) fn read(said: &'a PackageFacts, repositories: &Repositories<'_>) -> Self {
        let made = match &said.provenance {
            Some(ProvenanceSaid::Of(made)) => made,
            Some(ProvenanceSaid::Unusable(why)) => {
                return Proof::Not(format!("its registry's provenance proves nothing: {why}"));
            }
            Some(ProvenanceSaid::None) | None => return Proof::Unknown,
        };
        match &said.repository {
            None => Proof::Of(made),
            Some(claim) if is_one(claim, &made.repository, repositories) => Proof::Of(made),
            Some(_) => {
                let other = RepositoryClaim { folder: String::new(), ..made.repository.clone() };
                Proof::Not(format!("its registry's provenance names {} instead", other.node()))
            }
        }
    }
}

/// True of two names of one repository: the same, or one that it had before it was renamed.
fn is_one(a: &RepositoryClaim, b: &RepositoryClaim, repositories: &Repositories<'_>) -> bool {
    if a.forge != b.forge {
        return false;
    }
    let now = |claim: &RepositoryClaim| match repositories.find(claim) {
        Found::At(path) => Some(path),
        Found::Resurrected => None,
    };
    a.path == b.path || now(a).is_some_and(|path| Some(path) == now(b))
}

/// What a provenance says, in words that leave out nothing of what was not checked.
pub(super) fn attestation(made: &Provenance, place: &str) -> String {
    let Provenance { version, publisher, workflow, commit, .. } = made;
    let mut words = format!("its registry holds a provenance of {version} from {place}");
    let short = |text: &str, chars: usize| text.chars().take(chars).collect::<String>();
    let by: Vec<String> = [
        Some(short(publisher, 40)),
        workflow.as_ref().map(|path| format!("workflow {}", short(path, 120))),
        commit.as_ref().map(|commit| format!("commit {}", short(commit, 12))),
    ]
    .into_iter()
    .flatten()
    .collect();
    words.push_str(&format!(" ({}; signature left to the registry)", by.join(", ")));
    words
}
