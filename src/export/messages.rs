//! What a refused or capped call is told. Our own words only: they go to a model.

/// A tool that is denied.
pub(super) const DENIED: &str = "Denied by policy.";
/// A tool that a person should decide about.
pub(super) const ASK: &str = "Denied by policy: a person should decide about calls of this tool, and change the policy if they may go through.";
/// A limit that the format cannot count.
pub(super) const NO_LIMIT: &str = "Denied by policy: this tool should be rate-limited, which the proxy cannot do \
    for a name with a dot. A person should decide and change the policy.";
/// A limit reached.
pub(super) const LIMIT: &str = "Rate limit reached. Wait before calling this tool again.";
/// Arguments outside of the rules.
pub(super) const ARGUMENTS: &str =
    "Denied by policy: the arguments are outside of what the policy lets through.";
