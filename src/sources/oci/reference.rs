//! The name of a container image, as records write it: host, path, and a tag or a digest.

use url::Url;

use super::super::cut;
use crate::model::identity::Node;

const NAME_CHARS: usize = 300;
/// The host of an image that names none.
pub(super) const HUB: &str = "docker.io";
const NEWEST: &str = "latest";

/// An image that can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// Its registry's host, with a port if it is named.
    pub(super) host: String,
    /// Its path there.
    pub(super) path: String,
    /// Its tag or digest.
    pub(super) which: String,
}

/// An image without tag and digest as a node: `oci:docker.io/ann/notes`. What names no host is Docker's, or lies at `base`.
pub(in crate::sources) fn image_node(identifier: &str, base: Option<&str>) -> Option<Node> {
    let (whole, _) = parts(identifier, base)?;
    Some(format!("oci:{}", cut(&whole, NAME_CHARS)))
}

/// The tag or digest that is meant: the one in the name, else the version beside it, else the newest.
pub(in crate::sources) fn image_version(identifier: &str, version: &str) -> String {
    let named = parts(identifier, None).and_then(|(_, which)| which);
    named.unwrap_or_else(|| if version.is_empty() { NEWEST.to_owned() } else { cut(version, NAME_CHARS) })
}

/// Host and path, and the tag or digest.
fn parts(identifier: &str, base: Option<&str>) -> Option<(String, Option<String>)> {
    let (name, digest) = match identifier.split_once('@') {
        Some((name, digest)) => (name, Some(digest)),
        None => (identifier, None),
    };
    let (name, tag) = match name.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (name, None),
    };
    let name = name.trim_matches('/').to_ascii_lowercase();
    let has_host =
        name.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost");
    let stated = base.and_then(|base| Url::parse(base).ok());
    let host = stated.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| HUB.to_owned());
    let whole = if has_host { name } else { format!("{host}/{name}") };
    let which = digest.or(tag).filter(|which| !which.is_empty()).map(str::to_owned);
    (!whole.ends_with('/')).then_some((whole, which))
}

impl Reference {
    /// Reads an image's name. None for one that no registry would take, so that nothing foreign gets into an address.
    pub(super) fn read(identifier: &str, base: Option<&str>, version: &str) -> Option<Self> {
        let (whole, _) = parts(identifier, base)?;
        let (host, path) = whole.split_once('/')?;
        let path = match (host, path.contains('/')) {
            (HUB, false) => format!("library/{path}"),
            _ => path.to_owned(),
        };
        let which = image_version(identifier, version);
        let is_part = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c))
        };
        let is_tag = which.chars().count() <= 128
            && which.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && which.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        let is_fine = path.chars().count() <= 255 && path.split('/').all(is_part);
        (is_fine && (is_tag || is_digest(&which))).then(|| Self { host: host.to_owned(), path, which })
    }
}

/// True for `sha256:` and 64 hexadecimal digits: no other hash is checked here, and so none is believed.
pub(super) fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hash| hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_read_in_every_spelling() {
        let of = |name: &str, version: &str| {
            Reference::read(name, None, version).map(|r| format!("{} {} {}", r.host, r.path, r.which))
        };
        let digest = format!("sha256:{}", "ab".repeat(32));
        assert_eq!(of("ann/notes:1.2", "").as_deref(), Some("docker.io ann/notes 1.2"));
        assert_eq!(of("notes", "").as_deref(), Some("docker.io library/notes latest"));
        assert_eq!(of("ghcr.io/Ann/Notes", "1.0").as_deref(), Some("ghcr.io ann/notes 1.0"));
        assert_eq!(of("r.example:5000/a/b:1", "").as_deref(), Some("r.example:5000 a/b 1"));
        assert_eq!(of(&format!("a/b:1@{digest}"), ""), Some(format!("docker.io a/b {digest}")));
        for bad in ["", "/", "a/../b", "a/b:x/../y", "a/b?x=1", "a b/c", "a/b@sha256:xyz", "a//b", "a/b:é"] {
            assert_eq!(of(bad, ""), None, "{bad}");
        }
        let at = |base| image_node("ann/notes:1", base);
        assert_eq!(at(None).as_deref(), Some("oci:docker.io/ann/notes"));
        assert_eq!(at(Some("https://ghcr.io")).as_deref(), Some("oci:ghcr.io/ann/notes"));
    }
}
