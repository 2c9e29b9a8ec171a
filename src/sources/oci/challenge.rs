//! What a registry of images asks for before it answers: the challenge of a 401, and the token that answers it.
//!
//! Only tokens that anybody gets are asked for; an image that takes a login is not read.
//! Source: distribution specification, "Token Authentication Specification"; RFC 9110 section 11.6.1.

use serde::Deserialize;
use url::Url;

use crate::http::{HeaderMap, header};

const TOKEN_CHARS: usize = 16 * 1024;

/// Where a token is given out, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) realm: Url,
    service: Option<String>,
    scope: Option<String>,
}

impl Challenge {
    /// Reads `WWW-Authenticate`. None where it asks for something else than a bearer's token.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let all = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        all.filter_map(bearer).next()
    }

    /// The question for a token that lets anybody pull this image.
    pub(super) fn question(&self, path: &str) -> Url {
        let mut url = self.realm.clone();
        let scope = self.scope.clone().unwrap_or_else(|| format!("repository:{path}:pull"));
        let mut pairs = url.query_pairs_mut();
        if let Some(service) = &self.service {
            pairs.append_pair("service", service);
        }
        pairs.append_pair("scope", &scope);
        drop(pairs);
        url
    }
}

fn bearer(text: &str) -> Option<Challenge> {
    let (scheme, rest) = text.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (mut realm, mut service, mut scope) = (None, None, None);
    for (name, value) in fields(rest) {
        match name.as_str() {
            "realm" => realm = Url::parse(&value).ok(),
            "service" => service = Some(value),
            "scope" => scope = Some(value),
            _ => {}
        }
    }
    Some(Challenge { realm: realm?, service, scope })
}

/// `name="value"` pairs, which commas part that are in no quotes.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([',', ' ']).to_ascii_lowercase();
        let (value, after) = match after.trim_start().strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.push((name, value.trim().to_owned()));
        rest = after;
    }
    found
}

#[derive(Deserialize)]
struct Given {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
}

/// The value of `Authorization` that an answer gives; None if there is no token in it that could be sent.
pub(super) fn authorization(bytes: &[u8]) -> Option<String> {
    let given: Given = serde_json::from_slice(bytes).ok()?;
    let token = given.token.or(given.access_token)?;
    let sendable =
        !token.is_empty() && token.len() <= TOKEN_CHARS && token.bytes().all(|b| b.is_ascii_graphic());
    sendable.then(|| format!("Bearer {token}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_becomes_a_question() {
        let text = r#"Bearer realm="https://auth.example/token?x=1",service="r.example",scope="repository:a/b:pull,push",error="x=y""#;
        let challenge = bearer(text).unwrap();
        assert_eq!(
            challenge.question("a/b").as_str(),
            "https://auth.example/token?x=1&service=r.example&scope=repository%3Aa%2Fb%3Apull%2Cpush"
        );
        let bare = bearer("bearer realm=https://auth.example/token, service=r").unwrap();
        assert_eq!(
            bare.question("a/b").as_str(),
            "https://auth.example/token?service=r&scope=repository%3Aa%2Fb%3Apull"
        );
        for other in ["Basic realm=\"x\"", "Bearer service=\"x\"", "Bearer", "", "Bearer realm=\"::\""] {
            assert_eq!(bearer(other), None, "{other}");
        }
    }

    #[test]
    fn only_what_can_be_sent_is_a_token() {
        assert_eq!(authorization(br#"{"token":"abc","expires_in":300}"#).as_deref(), Some("Bearer abc"));
        assert_eq!(authorization(br#"{"access_token":"abc"}"#).as_deref(), Some("Bearer abc"));
        for none in
            [&b"{}"[..], br#"{"token":""}"#, br#"{"token":"a\r\nX: y"}"#, b"<html>", br#"{"token":7}"#]
        {
            assert_eq!(authorization(none), None);
        }
    }
}
