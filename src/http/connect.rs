//! The connections of the client: built for how far they may go, and how they follow redirects.

use std::sync::Arc;

use url::Url;

use super::pace::Politeness;
use super::reach::{GuardedResolver, Lookup, Route};
use super::{Deadlines, HeaderMap, StatusCode, USER_AGENT, error, header};

pub(super) const MAX_REDIRECTS: usize = 3;

/// The connections of one way. A redirect to another host or port takes no `Authorization` along.
pub(super) fn build(
    chosen: Route,
    deadlines: Deadlines,
    lookup: Arc<dyn Lookup>,
    politeness: &Politeness,
) -> Result<reqwest::Client, reqwest::Error> {
    let agent = match &politeness.contact {
        Some(contact) => format!(concat!("catalogue/", env!("CARGO_PKG_VERSION"), " (+{})"), contact),
        None => USER_AGENT.to_owned(),
    };
    #[expect(clippy::disallowed_methods, reason = "this is the one place that builds clients")]
    let builder =
        reqwest::Client::builder().user_agent(agent).connect_timeout(deadlines.connect).referer(false);
    match chosen {
        Route::Anywhere => builder.redirect(reqwest::redirect::Policy::custom(|attempt| {
            let from = attempt.previous().last();
            if attempt.previous().len() > MAX_REDIRECTS {
                attempt.error(format!("{}more than {MAX_REDIRECTS} redirects", error::REFUSED))
            } else if from.is_some_and(|from| !may_follow(from.scheme(), attempt.url().scheme())) {
                attempt.error(format!("{}a redirect to another scheme", error::REFUSED))
            } else {
                attempt.follow()
            }
        })),
        Route::Public | Route::Loopback => builder
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(GuardedResolver { route: chosen, lookup }),
    }
    .build()
}

/// A redirect stays with its scheme, or leads from a plain line to an encrypted one: never the other way.
fn may_follow(from: &str, to: &str) -> bool {
    from == to || (from == "http" && to == "https")
}

/// Where a redirect leads, if it stays with the same scheme, host and port.
pub(super) fn same_origin_redirect(url: &Url, status: StatusCode, headers: &HeaderMap) -> Option<Url> {
    if !matches!(status.as_u16(), 301 | 302 | 307 | 308) {
        return None;
    }
    let next = url.join(headers.get(header::LOCATION)?.to_str().ok()?).ok()?;
    (next.origin() == url.origin()).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_never_leaves_an_encrypted_line() {
        assert!(may_follow("http", "http") && may_follow("https", "https") && may_follow("http", "https"));
        assert!(!may_follow("https", "http") && !may_follow("http", "ftp"));
    }
}
