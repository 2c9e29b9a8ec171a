//! Where GitHub's API is, and who asks: the address of `data/sources.toml` or `catalogue.toml`, a token of the environment.
//!
//! A token's value goes from the environment to the requests to this address and nowhere else.

use url::Url;

use crate::config::GithubSource;
use crate::http::Token;
use crate::sources::settings::SourceSettings;

/// Variables that a token is looked for in, where `catalogue.toml` names none.
const VARIABLES: [&str; 2] = ["GITHUB_TOKEN", "GH_TOKEN"];

/// GitHub's API and what it is asked with.
#[derive(Debug, Clone)]
pub(super) struct Github {
    pub(super) address: Url,
    pub(super) token: Option<Token>,
}

impl Github {
    /// As configured; the environment is read here.
    pub(super) fn configured(config: &GithubSource, words: &SourceSettings) -> Self {
        let address = config.address.clone().unwrap_or_else(|| words.github.address.clone());
        let found = |name: &str| Token::new(&std::env::var(name).ok()?, name);
        let token = match &config.token_env {
            Some(name) => found(name),
            None => VARIABLES.into_iter().find_map(found),
        };
        // What would be read on the way is not sent at all.
        let token = token.filter(|token| token.for_address(&address).is_some());
        Self { address, token }
    }

    /// What keeps a walk from reading all there is.
    pub(super) fn note(&self) -> Option<&'static str> {
        self.token.is_none().then_some(
            "incomplete: no token, so manifests are not read; set GITHUB_TOKEN, or name a variable in sources.github.token_env",
        )
    }
}
