//! One record of the registry, in any of the four generations of its shape, as a listing with its candidates.
//!
//! Source: modelcontextprotocol/registry, docs/reference/server-json/CHANGELOG.md and the API's changelog: flat objects with
//! snake_case (to 2025-07), `version` moved up and metadata beside it (2025-07), camelCase (2025-09-16), wrapped (2025-09-29 on).

use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::super::cut;
use super::super::settings::TriageSettings;
use super::super::triage::signs_of_name;
use crate::model::ServerKey;
use crate::model::digest::sha256_hex;
use crate::model::sign::Sign;
use crate::model::source::{Candidate, Listing, ListingStatus, Obstacle};
use crate::model::target::has_variables;

/// Names have at most 200 characters by the registry's own rule.
pub(super) const NAME_CHARS: usize = 300;
/// A version has at most 255.
pub(super) const VERSION_CHARS: usize = 300;
/// Packages and remotes read of one record.
const PARTS: usize = 100;

/// Where publishers put what the schema does not know.
pub(super) const PUBLISHER_META: &str = "io.modelcontextprotocol.registry/publisher-provided";

/// The metadata's key, and the one it had for some weeks of 2025.
const META: [&str; 2] = ["io.modelcontextprotocol.registry/official", "x-io.modelcontextprotocol.registry"];

/// Reads a record. None if it has no name: then it is none.
pub(super) fn read(text: &str, triage: &TriageSettings) -> Option<Listing> {
    let item: Value = serde_json::from_str(text).ok()?;
    let server = item.get("server").filter(|server| server.is_object()).unwrap_or(&item);
    let name = server.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty())?;
    let detail = server.get("version_detail");
    let version =
        word(server, &["version"]).or_else(|| detail.and_then(|d| word(d, &["version"]))).unwrap_or_default();
    let meta = meta_of(&item).or_else(|| meta_of(server));
    let of_meta = |keys: &[&str]| meta.and_then(|m| first(m, keys));
    let latest = of_meta(&["isLatest", "is_latest"])
        .or_else(|| detail.and_then(|d| d.get("is_latest")))
        .and_then(Value::as_bool);
    let status = match of_meta(&["status"]).or_else(|| server.get("status")).and_then(Value::as_str) {
        Some("deleted") => ListingStatus::Deleted,
        Some("deprecated") => ListingStatus::Deprecated,
        _ => ListingStatus::Active,
    };
    let updated = of_meta(&["updatedAt", "updated_at", "publishedAt", "published_at"])
        .or_else(|| detail.and_then(|d| d.get("release_date")))
        .and_then(Value::as_str)
        .unwrap_or_default();
    // An older version names packages that its newest one may have left.
    let speaks = latest != Some(false) && status != ListingStatus::Deleted;
    let hash: String = sha256_hex(text.as_bytes()).chars().take(12).collect();
    Some(Listing {
        name: cut(name, NAME_CHARS),
        version: cut(version, VERSION_CHARS),
        status,
        stamp: Some(format!("{}#{hash}", cut(updated, 40))),
        record: speaks.then(|| text.to_owned()),
        found: if speaks { candidates(server, status, triage) } else { Vec::new() },
    })
}

/// The time in a stamp.
pub(super) fn time_of_stamp(stamp: &str) -> Option<Timestamp> {
    stamp.split('#').next()?.parse().ok()
}

fn meta_of(value: &Value) -> Option<&Value> {
    let inside = META.iter().find_map(|key| value.get("_meta").and_then(|meta| meta.get(key)));
    inside.or_else(|| META.iter().find_map(|key| value.get(key)))
}

/// The first of these keys that is there and not null.
pub(super) fn first<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().find_map(|key| value.get(key).filter(|found| !found.is_null()))
}

pub(super) fn word<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a str> {
    first(value, keys).and_then(Value::as_str)
}

pub(super) fn parts<'a>(server: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    server.get(key).and_then(Value::as_array).into_iter().flatten().take(PARTS)
}

fn candidates(server: &Value, status: ListingStatus, triage: &TriageSettings) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for (key, obstacle) in named_by(server) {
        let mut signs = vec![Sign::Registered];
        if status == ListingStatus::Deprecated {
            signs.push(Sign::Deprecated);
        }
        if obstacle.is_none() && !key.starts_with("remote:") {
            signs.extend(signs_of_name(key.split_once(':').map_or("", |(_, name)| name), triage));
        }
        found.push(Candidate { key, obstacle, signs });
    }
    found
}

/// The packages and remotes that a server's document names, in its order, each once.
pub(in crate::sources) fn named_by(server: &Value) -> Vec<(String, Option<Obstacle>)> {
    let packages = parts(server, "packages").filter_map(|package| {
        let kind = word(package, &["registryType", "registry_type", "registry_name"])?;
        let identifier = word(package, &["identifier", "name"])?;
        Some(package_key(kind, identifier))
    });
    let remotes = parts(server, "remotes").filter_map(|r| word(r, &["url"])).map(remote_key);
    let mut named: Vec<(String, Option<Obstacle>)> = Vec::new();
    for (key, obstacle) in packages.chain(remotes) {
        if !named.iter().any(|(known, _)| *known == key) {
            named.push((key, obstacle));
        }
    }
    named
}

pub(super) fn package_key(kind: &str, identifier: &str) -> (String, Option<Obstacle>) {
    let kind = kind.to_ascii_lowercase();
    let key = match kind.as_str() {
        "npm" => ServerKey::npm(identifier),
        "pypi" => ServerKey::pypi(identifier),
        _ => return (format!("{}:{}", cut(&kind, 20), cut(identifier, NAME_CHARS)), Some(Obstacle::Kind)),
    };
    match key {
        Ok(key) => (key.to_string(), None),
        Err(_) => (format!("{kind}:{}", cut(identifier, NAME_CHARS)), Some(Obstacle::Malformed)),
    }
}

/// Only plain `https` addresses are ever asked; what stands for a variable is never guessed.
pub(in crate::sources) fn remote_key(address: &str) -> (String, Option<Obstacle>) {
    let refused = |why| (format!("remote:{}", cut(address, NAME_CHARS)), Some(why));
    if has_variables(address) {
        return refused(Obstacle::Variables);
    }
    let url = Url::parse(address).ok().filter(|url| url.scheme() == "https");
    match url.and_then(|url| ServerKey::remote(&url).ok()) {
        Some(key) => (key.to_string(), None),
        None => refused(Obstacle::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::embedded;
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        let listing = read(text, &embedded().triage).unwrap();
        listing.found.iter().map(|c| format!("{}{}", c.key, c.obstacle.map_or("", |_| " !"))).collect()
    }

    #[test]
    fn all_four_generations_name_the_same_server() {
        let generations = [
            r#"{"id":"0b1c","name":"x.example/pear","description":"d","repository":{"url":"u","source":"github","id":"1"},
               "version_detail":{"version":"1.0.0","release_date":"2025-05-01T00:00:00Z","is_latest":true},
               "packages":[{"registry_name":"npm","name":"@x/pear-mcp","version":"1.0.0","environment_variables":[{"name":"X-KEY"}]}]}"#,
            r#"{"name":"x.example/pear","description":"d","status":"active","version":"1.0.0",
               "packages":[{"registry_type":"npm","registry_base_url":"b","identifier":"@x/pear-mcp","version":"1.0.0"}],
               "_meta":{"io.modelcontextprotocol.registry/official":{"id":"0b1c","published_at":"2025-05-01T00:00:00Z","is_latest":true}}}"#,
            r#"{"name":"x.example/pear","description":"d","version":"1.0.0",
               "packages":[{"registryType":"npm","identifier":"@x/pear-mcp","version":"1.0.0"}],
               "_meta":{"io.modelcontextprotocol.registry/official":{"serverId":"0b1c","publishedAt":"2025-05-01T00:00:00Z","isLatest":true}}}"#,
            r#"{"server":{"name":"x.example/pear","description":"d","version":"1.0.0",
               "packages":[{"registryType":"npm","identifier":"@x/pear-mcp","transport":{"type":"stdio"}}]},
               "_meta":{"io.modelcontextprotocol.registry/official":{"status":"active","updatedAt":"2025-05-01T00:00:00Z","isLatest":true}}}"#,
        ];
        for text in generations {
            let listing = read(text, &embedded().triage).unwrap();
            assert_eq!(
                (listing.name.as_str(), listing.version.as_str()),
                ("x.example/pear", "1.0.0"),
                "{text}"
            );
            assert_eq!(listing.status, ListingStatus::Active);
            let stamp = listing.stamp.as_deref().unwrap();
            assert_eq!(time_of_stamp(stamp).unwrap().to_string(), "2025-05-01T00:00:00Z", "{text}");
            assert_eq!(keys(text), ["npm:@x/pear-mcp"], "{text}");
        }
    }

    #[test]
    fn only_what_can_be_scanned_is_without_an_obstacle() {
        let text = r#"{"server":{"name":"x.example/pear","version":"{{VERSION}}","repository":{},"packages":[
            {"registryType":"pypi","identifier":"Pear_MCP","version":"{{VERSION}}"},
            {"registryType":"oci","identifier":"docker.example/pear:1"},
            {"registryType":"npm","identifier":"../x"},
            {"registryType":"npm"}],
            "remotes":[{"type":"sse","url":"https://pear.example/sse?key=1"},{"type":"sse","url":"https://pear.example/sse"},
            {"type":"streamable-http","url":"https://{tenant}.pear.example/mcp"},
            {"type":"streamable-http","url":"http://127.0.0.1:1/mcp"}]}}"#;
        assert_eq!(
            keys(text),
            [
                "pypi:pear-mcp",
                "oci:docker.example/pear:1 !",
                "npm:../x !",
                "remote:https://pear.example/sse",
                "remote:https://{tenant}.pear.example/mcp !",
                "remote:http://127.0.0.1:1/mcp !"
            ]
        );
    }

    #[test]
    fn an_older_or_a_deleted_version_names_nothing_to_scan() {
        let with = |meta: &str| {
            format!(
                r#"{{"server":{{"name":"x.example/pear","version":"1","packages":[{{"registryType":"npm","identifier":"pear"}}]}},
                "_meta":{{"io.modelcontextprotocol.registry/official":{meta}}}}}"#
            )
        };
        assert!(keys(&with(r#"{"isLatest":false}"#)).is_empty());
        assert!(keys(&with(r#"{"isLatest":true,"status":"deleted"}"#)).is_empty());
        assert_eq!(keys(&with(r#"{"isLatest":true,"status":"deprecated"}"#)).len(), 1);
        assert_eq!(keys(&with("{}")).len(), 1);
    }

    #[test]
    fn what_has_no_name_is_no_record() {
        for text in [r#"{"server":{"version":"1"}}"#, r#"{"name":" "}"#, "7", r#"{"server":7,"_meta":{}}"#] {
            assert!(read(text, &embedded().triage).is_none(), "{text}");
        }
    }
}
