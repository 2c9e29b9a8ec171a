//! What a registry's provenance of a release names as its source, and which release one may be asked for.

use serde::{Deserialize, Serialize};

use super::RepositoryClaim;

/// What a provenance of one release says, as the registry serves it. Its signature is not checked here: npm and PyPI say that they
/// check it when they take the release, and that is all that stands behind it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Provenance {
    /// The release.
    pub version: String,
    /// Who made it, in the registry's word: `GitHub`, `GitLab`, ….
    pub publisher: String,
    /// The source it was made from.
    pub repository: RepositoryClaim,
    /// The workflow that made it, as a file's name or path.
    #[serde(default)]
    pub workflow: Option<String>,
    /// The commit.
    #[serde(default)]
    pub commit: Option<String>,
}

/// What asking for a provenance brought. What cannot count is kept with its reason, so that it is not asked for again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvenanceSaid {
    /// The registry holds none.
    None,
    /// It holds one.
    Of(Provenance),
    /// It holds one that proves nothing, for this reason.
    Unusable(String),
}

/// The newest release of a package, as far as a provenance of it may be asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct NewestRelease {
    /// Its version.
    pub version: String,
    /// Its file's name, where the registry goes by files.
    #[serde(default)]
    pub file: Option<String>,
    /// Its file's hash as the registry states it, `sha256:…` or `sha512:…` in hexadecimal digits.
    #[serde(default)]
    pub digest: Option<String>,
}
