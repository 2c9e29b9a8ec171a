//! One record of the registry, read for who its server is: the packages and addresses it lists, and its source.

use serde_json::Value;

use super::super::cut;
use super::super::oci::{image_node, image_version};
use super::record::{NAME_CHARS, VERSION_CHARS, package_key, parts, remote_key, word};
use crate::model::identity::{EntryFacts, Node, RepositoryClaim};

/// Reads a stored record, in any generation of its shape. None if it has no name.
pub(in crate::sources) fn read(text: &str) -> Option<EntryFacts> {
    let item: Value = serde_json::from_str(text).ok()?;
    let server = item.get("server").filter(|server| server.is_object()).unwrap_or(&item);
    let name = word(server, &["name"]).filter(|name| !name.trim().is_empty())?;
    let packages = parts(server, "packages").filter_map(|package| {
        let kind = word(package, &["registryType", "registry_type", "registry_name"])?.to_ascii_lowercase();
        let identifier = word(package, &["identifier", "name"])?;
        let version = cut(word(package, &["version"]).unwrap_or_default(), VERSION_CHARS);
        let version = if is_image(&kind) { image_version(identifier, &version) } else { version };
        Some((package_node(&kind, identifier, package)?, version))
    });
    let remotes = parts(server, "remotes").filter_map(|remote| word(remote, &["url"])).map(remote_key);
    let remotes = remotes.filter(|(_, obstacle)| obstacle.is_none()).map(|(key, _)| key);
    Some(EntryFacts {
        name: cut(name, NAME_CHARS),
        repository: server.get("repository").and_then(repository),
        packages: packages.collect(),
        remotes: remotes.collect(),
    })
}

fn is_image(kind: &str) -> bool {
    matches!(kind, "oci" | "docker")
}

fn package_node(kind: &str, identifier: &str, package: &Value) -> Option<Node> {
    match kind {
        "npm" | "pypi" => {
            let (key, obstacle) = package_key(kind, identifier);
            obstacle.is_none().then_some(key)
        }
        kind if is_image(kind) => {
            image_node(identifier, word(package, &["registryBaseUrl", "registry_base_url"]))
        }
        // A bundle is a file of one version: its address is no name.
        "mcpb" => None,
        kind => Some(format!("{}:{}", cut(kind, 20), cut(identifier, NAME_CHARS).to_ascii_lowercase())),
    }
}

fn repository(said: &Value) -> Option<RepositoryClaim> {
    let id = match said.get("id") {
        Some(Value::String(text)) => text.parse().ok(),
        Some(Value::Number(number)) => number.as_u64(),
        _ => None,
    };
    let claim = RepositoryClaim::read(word(said, &["url"])?, word(said, &["subfolder"]))?;
    Some(claim.with_id(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_lists_packages_addresses_and_its_source() {
        let text = r#"{"server":{"name":"io.github.ann/notes","version":"1","repository":{"url":"https://github.com/Ann/Mono",
            "source":"github","id":"812","subfolder":"pkgs/notes"},"packages":[{"registryType":"npm","identifier":"@ann/notes","version":"1.0.2"},
            {"registry_type":"pypi","identifier":"Notes_MCP"},{"registryType":"oci","identifier":"ann/notes:1.2"},
            {"registryType":"oci","identifier":"ghcr.io/Ann/notes@sha256:ab"},{"registryType":"mcpb","identifier":"https://h.example/x"}],
            "remotes":[{"type":"sse","url":"https://h.example/mcp?x=1"},{"url":"https://{tenant}.example/"}]}}"#;
        let entry = read(text).unwrap();
        let packages: Vec<&str> = entry.packages.keys().map(String::as_str).collect();
        assert_eq!(
            packages,
            ["npm:@ann/notes", "oci:docker.io/ann/notes", "oci:ghcr.io/ann/notes", "pypi:notes-mcp"]
        );
        assert_eq!(entry.packages["npm:@ann/notes"], "1.0.2");
        assert_eq!(entry.packages["oci:docker.io/ann/notes"], "1.2");
        assert_eq!(entry.packages["oci:ghcr.io/ann/notes"], "sha256:ab");
        assert_eq!(entry.remotes.iter().collect::<Vec<_>>(), ["remote:https://h.example/mcp"]);
        let claim = entry.repository.unwrap();
        assert_eq!((claim.node().as_str(), claim.id), ("github:ann/mono/pkgs/notes", Some(812)));
        let old = r#"{"name":"a/b","repository":{"url":""},"packages":[{"registry_name":"npm","name":"b"}]}"#;
        assert_eq!(read(old).unwrap().packages.keys().collect::<Vec<_>>(), ["npm:b"]);
    }
}
