//! What a server that asks for a login says about it: its challenge, and where to get one. It is kept as text and shown; no
//! login is ever tried, and nobody is asked but the server itself.
//!
//! Source: MCP specification 2025-11-25 basic/authorization (protected resource metadata, and where to look for it); RFC 9728
//! sections 3 and 5; RFC 8414 for servers of revision 2025-03-26, which are their own authorization servers.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use crate::http::{Answer, Client, HeaderMap, HeaderValue, Method, Reach, Request, header};
use crate::model::Untrusted;

/// Metadata are some hundred bytes.
const METADATA_BYTES: u64 = 64 * 1024;
/// All of it together.
const WITHIN: Duration = Duration::from_secs(10);
const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const AUTHORIZATION: &str = "/.well-known/oauth-authorization-server";

/// What was learnt of a login, for people. Foreign text, cut and cleaned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Login {
    /// On one line.
    pub(super) detail: String,
    /// Line by line.
    pub(super) said: String,
}

/// True if the answer asks for a login: 401, or 403 (407 is a proxy's, and we use none).
pub(super) fn is_wanted(answer: &Answer) -> bool {
    matches!(answer.status.as_u16(), 401 | 403)
}

/// Reads the challenge of an answer, and the metadata that it or the well-known places lead to.
pub(super) async fn learn(
    client: &Client,
    address: &Url,
    reach: Reach,
    answer: &Answer,
    ends_at: Instant,
) -> Login {
    let status = answer.status.as_u16();
    let challenges = answer.headers.get_all(header::WWW_AUTHENTICATE).iter();
    let challenges: Vec<String> =
        challenges.take(5).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    let challenge = challenges.join(", ");
    let mut lines = vec![format!("HTTP status {status}")];
    if !challenge.is_empty() {
        lines.push(format!("WWW-Authenticate: {}", shown(&challenge, 1_000)));
    }
    // A 403 without a challenge is a door that is shut: there is nothing to be told.
    let asks = status == 401 || !challenge.is_empty();
    let mut found = None;
    if asks {
        let ends_at = ends_at.min(Instant::now() + WITHIN);
        let named = parameter(&challenge, "resource_metadata");
        if let Some(named) = &named {
            lines.push(format!("resource metadata: {}", shown(named, 500)));
        }
        for place in places(address, named.as_deref()) {
            if let Some(metadata) = read(client, &place, reach, ends_at).await {
                lines.extend(metadata.lines(&place));
                found = Some(metadata);
                break;
            }
        }
    }
    let servers = found.map(|metadata| metadata.servers).unwrap_or_default();
    let short = if challenge.is_empty() { String::new() } else { format!(", {}", shown(&challenge, 200)) };
    let from = if servers.is_empty() {
        String::new()
    } else {
        format!("; authorization server {}", servers.join(", "))
    };
    Login { detail: format!("status {status}{short}{from}"), said: lines.join("\n") }
}

/// What metadata say.
struct Metadata {
    servers: Vec<String>,
    scopes: Vec<String>,
    name: Option<String>,
}

impl Metadata {
    fn lines(&self, place: &Url) -> Vec<String> {
        let mut lines = vec![format!("read at: {}", shown(place.as_str(), 500))];
        lines.extend(self.name.as_ref().map(|name| format!("resource name: {name}")));
        lines.extend(self.servers.iter().map(|server| format!("authorization server: {server}")));
        if !self.scopes.is_empty() {
            lines.push(format!("scopes: {}", self.scopes.join(" ")));
        }
        lines
    }
}

/// Where metadata may be: only with the server itself. What lies elsewhere is told, not asked.
fn places(address: &Url, named: Option<&str>) -> Vec<Url> {
    let own = |url: &Url| url.origin() == address.origin();
    if let Some(named) = named {
        return address.join(named).ok().filter(own).into_iter().collect();
    }
    let path = address.path().trim_end_matches('/');
    let below = (!path.is_empty()).then(|| format!("{RESOURCE}{path}"));
    let paths = below.into_iter().chain([RESOURCE.to_owned(), AUTHORIZATION.to_owned()]);
    paths.filter_map(|path| address.join(&path).ok()).filter(own).collect()
}

async fn read(client: &Client, place: &Url, reach: Reach, ends_at: Instant) -> Option<Metadata> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let request = Request {
        method: Method::GET,
        url: place,
        reach,
        headers,
        body: None,
        cap_bytes: METADATA_BYTES,
        ends_at,
    };
    let mut answer = client.send(request).await.ok().filter(|answer| answer.status.is_success())?;
    let value: Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
    let texts = |key: &str, most: usize| -> Vec<String> {
        let all = value.get(key).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(Value::as_str).take(most).map(|text| shown(text, 300)).collect()
    };
    let mut servers = texts("authorization_servers", 10);
    if servers.is_empty() {
        servers.extend(value.get("issuer").and_then(Value::as_str).map(|text| shown(text, 300)));
    }
    let name = value.get("resource_name").and_then(Value::as_str).map(|text| shown(text, 200));
    let metadata = Metadata { servers, scopes: texts("scopes_supported", 50), name };
    // A page that is no metadata often answers every path.
    (!metadata.servers.is_empty() || value.get("resource").is_some()).then_some(metadata)
}

/// The value of a challenge's parameter, in quotes or without.
fn parameter(challenge: &str, name: &str) -> Option<String> {
    let lowered = challenge.to_ascii_lowercase();
    let at = lowered.match_indices(name).map(|(at, _)| at).find(|at| {
        let before = lowered.get(..*at).and_then(|text| text.chars().next_back());
        before.is_none_or(|c| c.is_whitespace() || c == ',')
    })?;
    let rest = challenge.get(at + name.len()..)?.trim_start().strip_prefix('=')?.trim_start();
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(rest.len());
        return rest.get(..end).filter(|text| !text.is_empty()).map(str::to_owned);
    };
    let mut value = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return Some(value),
            '\\' => value.extend(letters.next()),
            other => value.push(other),
        }
    }
    None
}

fn shown(text: &str, most: usize) -> String {
    Untrusted::from(text).for_terminal(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_in_quotes_and_without_and_only_as_a_whole_word() {
        let of = |challenge: &str| parameter(challenge, "resource_metadata");
        for challenge in [
            r#"Bearer realm="x", resource_metadata="https://bell.example/m""#,
            "Bearer Resource_Metadata = https://bell.example/m, scope=a",
            r#"Basic, Bearer resource_metadata="https://bell.example/m""#,
        ] {
            assert_eq!(of(challenge).as_deref(), Some("https://bell.example/m"), "{challenge}");
        }
        assert_eq!(of(r#"Bearer resource_metadata="a\"b""#).as_deref(), Some("a\"b"));
        for none in [
            "Bearer",
            "Bearer my_resource_metadata=x",
            r#"Bearer resource_metadata="open"#,
            "ſresource_metadata",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn only_the_server_itself_is_asked() {
        let address: Url = "https://bell.example/mcp/".parse().unwrap();
        let of = |named: Option<&str>| places(&address, named).iter().map(Url::to_string).collect::<Vec<_>>();
        assert_eq!(
            of(None),
            [
                "https://bell.example/.well-known/oauth-protected-resource/mcp",
                "https://bell.example/.well-known/oauth-protected-resource",
                "https://bell.example/.well-known/oauth-authorization-server"
            ]
        );
        assert_eq!(of(Some("/meta")), ["https://bell.example/meta"]);
        for elsewhere in [
            "https://other.example/m",
            "http://bell.example/m",
            "https://bell.example:444/m",
            "//169.254.169.254/m",
        ] {
            assert_eq!(of(Some(elsewhere)), [""; 0], "{elsewhere}");
        }
    }
}
