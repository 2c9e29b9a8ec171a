//! Labels of container images: which entry of the official registry an image says it is, and where it says its source is.
//!
//! An image is not fetched and not started. Of it are read the manifest and the small document of its configuration, both checked
//! against the digest that names them. Registries are foreign hosts: they are asked like remote servers, at public addresses over
//! `https`, unless their address was configured or is the list's own.
//! Source: OCI distribution specification v1.1 (manifests, blobs), image specification v1.1 (index, manifest, configuration),
//! Docker image manifest v2 schema 2; modelcontextprotocol/registry, "Package types", on the label's name.

mod challenge;
mod reference;

use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;
use url::Url;

use self::challenge::{Challenge, authorization};
use self::reference::{Reference, is_digest};
use super::cut;
use crate::http::{Client, HttpError, Listed, Reach, header, host_of, shown};
use crate::model::identity::{Node, PackageFacts, RepositoryClaim};

pub(super) use reference::{image_node, image_version};

/// The label that names an entry of the official registry.
const NAME_LABEL: &str = "io.modelcontextprotocol.server.name";
/// The label of an image's source (image specification, "Pre-Defined Annotation Keys").
const SOURCE_LABEL: &str = "org.opencontainers.image.source";
/// Every kind of manifest that leads to a configuration.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";
/// The most a registry has to take (distribution specification, "Pushing Manifests").
const MANIFEST_BYTES: u64 = 4 * 1024 * 1024;
/// A configuration holds the history of every layer.
const CONFIG_BYTES: u64 = 4 * 1024 * 1024;
const TOKEN_BYTES: u64 = 64 * 1024;
const MAX_REDIRECTS: usize = 3;
const NAME_CHARS: usize = 300;

/// What is known of where images are.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The list that names the images: one that lies with it is read the way it is.
    pub list: &'a Url,
    /// Addresses by host, as `data/sources.toml` has them.
    pub known: &'a BTreeMap<String, Url>,
    /// The same from `catalogue.toml`: whoever runs this may name his own machine.
    pub configured: &'a BTreeMap<String, Url>,
}

/// What one image says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFacts {
    /// Its node, without tag and digest.
    pub node: Node,
    /// The tag or digest that was read.
    pub version: String,
    /// Names of the official registry that it gives itself.
    pub mcp_names: std::collections::BTreeSet<String>,
    /// Where it says its source is.
    pub facts: PackageFacts,
}

/// Why nothing is known of an image.
#[derive(Debug, Error)]
pub enum ImageError {
    /// The exchange failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// It says nothing that could be believed, and will not until its record changes.
    #[error("{image}: {why}")]
    Refused {
        /// Its address or name.
        image: String,
        /// What is wrong.
        why: String,
    },
}

impl ImageError {
    /// True if the same image may well be read another time.
    pub fn may_pass(&self) -> bool {
        match self {
            ImageError::Refused { .. } => false,
            ImageError::Http(error) => !matches!(
                error,
                HttpError::BadReply { .. } | HttpError::TooLarge { .. } | HttpError::Refused { .. }
            ),
        }
    }
}

/// An image that a record names.
#[derive(Debug, Clone)]
pub struct Image {
    reference: Reference,
    node: Node,
}

impl Image {
    /// The host that is asked for it.
    pub fn host(&self) -> &str {
        &self.reference.host
    }
}

/// The image with this key (`oci:NAME`), as a record names it. None if its name is none.
pub fn image_of_record(record: &str, key: &str) -> Option<Image> {
    let (_, name) = key.split_once(':')?;
    let item: Value = serde_json::from_str(record).ok()?;
    let server = item.get("server").filter(|server| server.is_object()).unwrap_or(&item);
    let text = |package: &Value, names: [&str; 2]| -> Option<String> {
        names.iter().find_map(|name| package.get(*name)?.as_str().map(str::to_owned))
    };
    let mut packages = server.get("packages").and_then(Value::as_array).into_iter().flatten();
    let named = packages.find(|package| {
        text(package, ["identifier", "name"]).is_some_and(|identifier| cut(&identifier, NAME_CHARS) == name)
    });
    let base = named.and_then(|package| text(package, ["registryBaseUrl", "registry_base_url"]));
    let version = named.and_then(|package| text(package, ["version", "version"])).unwrap_or_default();
    let reference = Reference::read(name, base.as_deref(), &version)?;
    Some(Image { node: image_node(name, base.as_deref())?, reference })
}

/// Reads an image's labels. None if its registry does not know it, or shows it to nobody.
///
/// # Errors
/// [`ImageError`].
pub async fn labels(
    client: &Client,
    places: Places<'_>,
    image: &Image,
) -> Result<Option<ImageFacts>, ImageError> {
    let Reference { host, path, which } = &image.reference;
    let (base, reach) = place(places, host)?;
    let mut asking = Asking { client, base, reach, path, authorization: None };
    let Some(mut manifest) = asking.manifest(which).await? else { return Ok(None) };
    if let Some(digest) = of_this_platform(&manifest) {
        let Some(one) = asking.manifest(&digest).await? else { return Ok(None) };
        manifest = one;
    }
    let config = manifest.pointer("/config/digest").and_then(Value::as_str).unwrap_or_default();
    if !is_digest(config) {
        return Err(asking.refused("its manifest names no configuration"));
    }
    let Some(config) = asking.document(&["blobs", config], "*/*", CONFIG_BYTES, config).await? else {
        return Ok(None);
    };
    let label = |name: &str| {
        let labels = config.pointer("/config/Labels").and_then(Value::as_object)?;
        labels.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    };
    let repository = label(SOURCE_LABEL).and_then(|address| RepositoryClaim::read(address, None));
    Ok(Some(ImageFacts {
        node: image.node.clone(),
        version: which.clone(),
        mcp_names: label(NAME_LABEL).map(|name| cut(name, NAME_CHARS)).into_iter().collect(),
        facts: PackageFacts { repository, ..PackageFacts::default() },
    }))
}

/// Where a host's registry is asked, and how far that may go.
fn place(places: Places<'_>, host: &str) -> Result<(Url, Reach), ImageError> {
    if let Some(base) = places.configured.get(host) {
        return Ok((base.clone(), Reach::Typed));
    }
    if host_of(places.list) == host {
        let mut base = places.list.clone();
        base.set_path("/");
        base.set_query(None);
        return Ok((base, Reach::Typed));
    }
    if let Some(base) = places.known.get(host) {
        return Ok((base.clone(), Reach::Public));
    }
    let base = Url::parse(&format!("https://{host}/"));
    let base =
        base.map_err(|_| ImageError::Refused { image: host.to_owned(), why: "is no host".to_owned() })?;
    Ok((base, Reach::Public))
}

/// Of an index the manifest for the machines that servers are scanned on, else the first that is for any.
fn of_this_platform(index: &Value) -> Option<String> {
    let all = index.get("manifests")?.as_array()?;
    let is = |one: &Value, system: &str, machine: &str| {
        let of = |key: &str| one.get("platform").and_then(|p| p.get(key)).and_then(Value::as_str);
        of("os") == Some(system) && of("architecture") == Some(machine)
    };
    let digest =
        |one: &Value| one.get("digest").and_then(Value::as_str).filter(|d| is_digest(d)).map(str::to_owned);
    let ours = all.iter().filter(|one| is(one, "linux", "amd64")).find_map(digest);
    // Attestations stand in an index as manifests for an unknown machine.
    let any = || all.iter().filter(|one| !is(one, "unknown", "unknown")).find_map(digest);
    ours.or_else(any)
}

/// One image's questions to its registry.
struct Asking<'a> {
    client: &'a Client,
    base: Url,
    reach: Reach,
    path: &'a str,
    authorization: Option<String>,
}

impl Asking<'_> {
    fn refused(&self, why: &str) -> ImageError {
        let image = format!("{}{}", shown(&self.base), self.path);
        ImageError::Refused { image, why: why.to_owned() }
    }

    async fn manifest(&mut self, which: &str) -> Result<Option<Value>, ImageError> {
        self.document(&["manifests", which], MANIFESTS, MANIFEST_BYTES, which).await
    }

    /// A document of the image; one that is named by its digest is checked against it.
    async fn document(
        &mut self,
        place: &[&str],
        accept: &str,
        cap_bytes: u64,
        which: &str,
    ) -> Result<Option<Value>, ImageError> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v2").extend(self.path.split('/')).extend(place);
        }
        let mut answer = self.get(&url, accept, cap_bytes).await?;
        if answer.status.as_u16() == 401 && self.authorization.is_none() {
            let Some(challenge) = Challenge::read(&answer.headers) else {
                return Err(self.refused("it asks for a login"));
            };
            if !self.sign_in(&challenge).await? {
                return Ok(None);
            }
            answer = self.get(&url, accept, cap_bytes).await?;
        }
        if matches!(answer.status.as_u16(), 401..=404 | 410 | 451) {
            return Ok(None);
        }
        if !answer.status.is_success() {
            return Err(self.refused(&format!("its registry answered {}", answer.status)));
        }
        let hash = hex::encode(Sha256::digest(&answer.bytes));
        if which.strip_prefix("sha256:").is_some_and(|stated| stated != hash) {
            return Err(self.refused(&format!("what came for {which} has the hash {hash}")));
        }
        let read = serde_json::from_slice(&answer.bytes);
        read.map(Some).map_err(|_| self.refused("its registry answered no JSON"))
    }

    /// Gets the token that anybody gets. False if there is none.
    async fn sign_in(&mut self, challenge: &Challenge) -> Result<bool, ImageError> {
        let question = challenge.question(self.path);
        let reach = self.reach_of(&question);
        let accept = [(header::ACCEPT, "application/json")];
        let answer = self.client.get_listed(&question, reach, &accept, TOKEN_BYTES).await?;
        self.authorization = authorization(&answer.bytes).filter(|_| answer.status.is_success());
        Ok(self.authorization.is_some())
    }

    /// An address that the registry names is as foreign as any, unless it is the registry's own.
    fn reach_of(&self, url: &Url) -> Reach {
        if url.origin() == self.base.origin() { self.reach } else { Reach::Public }
    }

    /// One question, followed where the answer lies; the token goes no further than its own registry.
    async fn get(&self, url: &Url, accept: &str, cap_bytes: u64) -> Result<Listed, ImageError> {
        let mut url = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut fields = vec![(header::ACCEPT, accept)];
            if url.origin() == self.base.origin() {
                fields.extend(self.authorization.as_deref().map(|value| (header::AUTHORIZATION, value)));
            }
            let answer = self.client.get_listed(&url, self.reach_of(&url), &fields, cap_bytes).await?;
            if !answer.status.is_redirection() {
                return Ok(answer);
            }
            let next = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
            let next = next.and_then(|next| url.join(next).ok());
            url = next.ok_or_else(|| self.refused("a redirect to nowhere"))?;
        }
        Err(self.refused(&format!("more than {MAX_REDIRECTS} redirects")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_foreign_host_is_asked_at_public_addresses_only() {
        let list = Url::parse("http://127.0.0.1:7001/registry/").unwrap();
        let hub = BTreeMap::from([("docker.io".to_owned(), Url::parse("https://hub.example/").unwrap())]);
        let own = BTreeMap::from([("own.example".to_owned(), Url::parse("http://127.0.0.1:5000/").unwrap())]);
        let places = Places { list: &list, known: &hub, configured: &own };
        let of = |host: &str| place(places, host).map(|(base, reach)| (base.to_string(), reach)).unwrap();
        assert_eq!(of("ghcr.io"), ("https://ghcr.io/".to_owned(), Reach::Public));
        assert_eq!(of("docker.io"), ("https://hub.example/".to_owned(), Reach::Public));
        assert_eq!(of("own.example"), ("http://127.0.0.1:5000/".to_owned(), Reach::Typed));
        assert_eq!(of("127.0.0.1:7001"), ("http://127.0.0.1:7001/".to_owned(), Reach::Typed));
        assert_eq!(of("127.0.0.1:7002"), ("https://127.0.0.1:7002/".to_owned(), Reach::Public));
        assert_eq!(of("169.254.169.254").1, Reach::Public);
    }

    #[test]
    fn of_an_index_the_manifest_of_this_kind_of_machine_is_read() {
        let one = |digit: &str, os: &str, machine: &str| json!({"digest": format!("sha256:{}", digit.repeat(64)), "platform": {"os": os, "architecture": machine}});
        let chosen =
            |all: Value| of_this_platform(&json!({"manifests": all})).map(|digest| digest.chars().last());
        let of = |all: &[Value]| chosen(json!(all)).flatten();
        assert_eq!(of(&[one("1", "linux", "arm64"), one("2", "linux", "amd64")]), Some('2'));
        assert_eq!(of(&[one("1", "unknown", "unknown"), one("3", "linux", "arm64")]), Some('3'));
        assert_eq!(of(&[json!({"digest": "md5:x"})]), None);
        assert_eq!(of_this_platform(&json!({"config": {}})), None);
    }
}
