//! Where GitHub's API is, and who asks: the address of `data/sources.toml` or `catalogue.toml`, a token of the environment.
//!
//! A token's value goes from the environment to the requests to this address and nowhere else.

use crate::config::GithubSource;
use crate::http::Token;
use crate::probe::registry::Github;
use crate::sources::settings::SourceSettings;

/// Variables that a token is looked for in, where `catalogue.toml` names none.
const VARIABLES: [&str; 2] = ["GITHUB_TOKEN", "GH_TOKEN"];
/// What keeps a walk without a token from reading all there is.
pub(super) const NO_TOKEN: &str = "incomplete: no token, so manifests are not read; set GITHUB_TOKEN, or name a variable in sources.github.token_env";

/// As configured; the environment is read here.
pub(super) fn configured(config: &GithubSource, words: &SourceSettings) -> Github {
    let address = config.address.clone().unwrap_or_else(|| words.github.address.clone());
    let found = |name: &str| Token::new(&std::env::var(name).ok()?, name);
    let token = match &config.token_env {
        Some(name) => found(name),
        None => VARIABLES.into_iter().find_map(found),
    };
    // What would be read on the way is not sent at all.
    let token = token.filter(|token| {
        let is_safe = token.for_address(&address).is_some();
        if !is_safe {
            tracing::warn!(variable = token.from(), "the token is not sent: the address is not https");
        }
        is_safe
    });
    Github { address, token }
}
