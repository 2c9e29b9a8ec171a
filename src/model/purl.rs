//! Package URLs: read leniently, written canonically, with the rules of the types that servers have.
//!
//! Source: ECMA-427 (package-url/purl-spec, "Package-URL specification", "How to parse", "How to build") and its type
//! definitions of npm, pypi, github, bitbucket, oci, docker, cargo, nuget, golang and generic. An npm name keeps its case, as the
//! definition says since 2025: old packages differ in nothing else (`JSONStream`, `jsonstream`).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::server::{Registry, ServerKey};

/// Longer than any that names a package.
const MAX_BYTES: usize = 4096;

/// A package URL, taken apart and normalised by the rules of its type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purl {
    kind: String,
    namespace: Vec<String>,
    name: String,
    version: Option<String>,
    qualifiers: BTreeMap<String, String>,
    subpath: Vec<String>,
}

/// Why a text is no package URL.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("\"{text}\" is no package URL: {why}")]
pub struct PurlError {
    text: String,
    why: &'static str,
}

impl Purl {
    /// Of parts as they are, not encoded; empty ones count as left out.
    ///
    /// # Errors
    /// What the specification or the definition of the type refuses.
    pub fn new(
        kind: &str,
        namespace: &str,
        name: &str,
        version: &str,
        qualifiers: &[(&str, &str)],
        subpath: &str,
    ) -> Result<Self, PurlError> {
        let whole = || format!("pkg:{kind}/{namespace}/{name}");
        let refused = |why| PurlError { text: whole(), why };
        let segments = |path: &str| {
            path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        let mut pairs = BTreeMap::new();
        for (key, value) in qualifiers {
            add_qualifier(&mut pairs, key, (*value).to_owned()).map_err(refused)?;
        }
        let subpath = segments(subpath).into_iter().filter(|s| s != "." && s != "..").collect();
        let purl = Self {
            kind: kind.to_owned(),
            namespace: segments(namespace),
            name: name.trim_matches('/').to_owned(),
            version: (!version.is_empty()).then(|| version.to_owned()),
            qualifiers: pairs,
            subpath,
        };
        purl.checked().map_err(refused)
    }

    /// The type, in lower case: `npm`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// What stands before the name, joined with `/`; empty if nothing does.
    pub fn namespace(&self) -> String {
        self.namespace.join("/")
    }

    /// The name, without its namespace.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The value of a qualifier.
    pub fn qualifier(&self, key: &str) -> Option<&str> {
        self.qualifiers.get(key).map(String::as_str)
    }

    /// Every qualifier, by key.
    pub fn qualifiers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.qualifiers.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The path within the package, joined with `/`; empty if none is named.
    pub fn subpath(&self) -> String {
        self.subpath.join("/")
    }

    /// The server that a package or repository of this name is; None for types that no server key has, and for a package
    /// that comes from a registry of its own (`repository_url`).
    pub fn server(&self) -> Option<ServerKey> {
        if self.qualifiers.contains_key("repository_url") {
            return None;
        }
        match self.kind.as_str() {
            "npm" if self.namespace.is_empty() => ServerKey::npm(&self.name).ok(),
            "npm" => ServerKey::npm(&format!("{}/{}", self.namespace(), self.name)).ok(),
            "pypi" => ServerKey::pypi(&self.name).ok(),
            "github" => {
                let path: Vec<&str> =
                    [self.namespace.as_slice(), std::slice::from_ref(&self.name), &self.subpath]
                        .into_iter()
                        .flatten()
                        .map(String::as_str)
                        .collect();
                ServerKey::github(&path.join("/")).ok()
            }
            _ => None,
        }
    }

    /// The package URL of a server's release; None for remote and local servers.
    pub fn of(server: &ServerKey, version: &str) -> Option<Self> {
        let made = match server.registry() {
            Registry::Npm => {
                let (scope, name) = server.name().rsplit_once('/').unwrap_or(("", server.name()));
                Self::new("npm", scope, name, version, &[], "")
            }
            Registry::Pypi => Self::new("pypi", "", server.name(), version, &[], ""),
            Registry::Github => {
                let mut parts = server.name().splitn(3, '/');
                let mut next = || parts.next().unwrap_or_default();
                let (owner, name, folder) = (next(), next(), next());
                Self::new("github", owner, name, version, &[], folder)
            }
            Registry::Remote | Registry::Local => return None,
        };
        made.ok()
    }

    /// The rules of all types, then those of its own.
    fn checked(mut self) -> Result<Self, &'static str> {
        let kind = &self.kind;
        let legal = kind.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
        if !legal || !kind.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err("a type is letters, digits, . and -, and begins with a letter");
        }
        if self.name.is_empty() {
            return Err("a name is required");
        }
        self.kind = self.kind.to_ascii_lowercase();
        match self.kind.as_str() {
            "npm" => self.checked_npm(),
            "pypi" => self.checked_pypi(),
            "github" | "bitbucket" => self.checked_repository(),
            "cargo" | "nuget" => self.checked_flat(),
            "golang" => Ok(self.checked_golang()),
            "oci" => self.checked_oci(),
            _ => Ok(self),
        }
    }

    fn checked_npm(mut self) -> Result<Self, &'static str> {
        // `%40scope%2Fname`, as registries write it, is the same package.
        if self.namespace.is_empty()
            && let Some((scope, name)) = self.name.split_once('/')
        {
            (self.namespace, self.name) = (vec![scope.to_owned()], name.to_owned());
        }
        let full = match self.namespace.as_slice() {
            [] => self.name.clone(),
            [scope] if scope.starts_with('@') => format!("{scope}/{}", self.name),
            _ => return Err("the namespace of npm is one scope, which begins with @ (%40)"),
        };
        ServerKey::npm(&full).map_err(|_| "npm would not accept this name")?;
        Ok(self)
    }

    fn checked_pypi(mut self) -> Result<Self, &'static str> {
        if !self.namespace.is_empty() {
            return Err("pypi has no namespace");
        }
        let server = ServerKey::pypi(&self.name).map_err(|_| "PyPI would not accept this name")?;
        self.name = server.name().to_owned();
        self.version = self.version.map(|version| version.to_lowercase());
        Ok(self)
    }

    fn checked_repository(mut self) -> Result<Self, &'static str> {
        let [owner] = self.namespace.as_mut_slice() else {
            return Err("the namespace of github and bitbucket is one owner");
        };
        *owner = owner.to_lowercase();
        self.name = self.name.to_lowercase();
        Ok(self)
    }

    fn checked_flat(self) -> Result<Self, &'static str> {
        if self.namespace.is_empty() { Ok(self) } else { Err("cargo and nuget have no namespace") }
    }

    fn checked_golang(mut self) -> Self {
        for segment in &mut self.namespace {
            *segment = segment.to_lowercase();
        }
        self.name = self.name.to_lowercase();
        self
    }

    fn checked_oci(mut self) -> Result<Self, &'static str> {
        if !self.namespace.is_empty() {
            return Err("oci has no namespace; the qualifier repository_url says where an image lies");
        }
        self.name = self.name.to_lowercase();
        self.version = self.version.map(|version| version.to_lowercase());
        Ok(self)
    }
}

fn add_qualifier(to: &mut BTreeMap<String, String>, key: &str, value: String) -> Result<(), &'static str> {
    let key = key.to_ascii_lowercase();
    let legal = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    if !legal || !key.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err("a qualifier's key is letters, digits, . - and _, and begins with a letter");
    }
    if value.is_empty() {
        return Ok(());
    }
    match to.insert(key, value) {
        None => Ok(()),
        Some(_) => Err("a qualifier comes twice"),
    }
}

impl FromStr for Purl {
    type Err = PurlError;

    /// From right to left, as the specification says: an `@`, `?` or `#` further left belongs to what stands there.
    fn from_str(text: &str) -> Result<Self, PurlError> {
        let refused = |why| PurlError { text: text.chars().take(200).collect(), why };
        if text.len() > MAX_BYTES {
            return Err(refused("it is longer than 4096 bytes"));
        }
        let (rest, subpath) = text.rsplit_once('#').unwrap_or((text, ""));
        let (rest, qualifiers) = rest.rsplit_once('?').unwrap_or((rest, ""));
        let (scheme, rest) = rest.split_once(':').ok_or_else(|| refused("it does not begin with pkg:"))?;
        if !scheme.eq_ignore_ascii_case("pkg") {
            return Err(refused("it does not begin with pkg:"));
        }
        let (kind, rest) = rest
            .trim_start_matches('/')
            .split_once('/')
            .ok_or_else(|| refused("a type and a name are required"))?;
        let rest = rest.trim_start_matches('/');
        // The @ of an npm scope may stand there as it is; then the version's comes behind the slash.
        let scope =
            if kind.eq_ignore_ascii_case("npm") && rest.starts_with('@') { rest.find('/') } else { None };
        let (path, version) = match rest.rfind('@').filter(|at| scope.is_none_or(|slash| *at > slash)) {
            Some(at) if at > 0 => {
                let (path, version) = rest.split_at(at);
                (path, Some(version.trim_start_matches('@')))
            }
            Some(_) => return Err(refused("a name is required")),
            None => (rest, None),
        };
        if version == Some("") {
            return Err(refused("a version is missing behind @"));
        }
        let path = path.trim_matches('/');
        let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
        let decoded = |part: &str| decoded(part).map_err(refused);
        let segments = |path: &str| {
            let parts =
                path.split('/').map(decoded).filter(|part| part.as_ref().map_or(true, |p| !p.is_empty()));
            let parts = parts.collect::<Result<Vec<String>, PurlError>>()?;
            if parts.iter().any(|part| part.contains('/')) {
                return Err(refused("a segment holds a slash"));
            }
            Ok(parts)
        };
        let mut pairs = BTreeMap::new();
        for pair in qualifiers.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            add_qualifier(&mut pairs, key, decoded(value)?).map_err(refused)?;
        }
        let purl = Self {
            kind: kind.to_owned(),
            namespace: segments(namespace)?,
            name: decoded(name)?,
            version: version.map(decoded).transpose()?,
            qualifiers: pairs,
            subpath: segments(subpath)?.into_iter().filter(|s| s != "." && s != "..").collect(),
        };
        purl.checked().map_err(refused)
    }
}

impl fmt::Display for Purl {
    /// The canonical form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pkg:{}/", self.kind)?;
        for segment in &self.namespace {
            write!(f, "{}/", encoded(segment))?;
        }
        f.write_str(&encoded(&self.name))?;
        if let Some(version) = &self.version {
            write!(f, "@{}", encoded(version))?;
        }
        for (count, (key, value)) in self.qualifiers.iter().enumerate() {
            let sign = if count == 0 { '?' } else { '&' };
            write!(f, "{sign}{key}={}", encoded(value))?;
        }
        for (count, segment) in self.subpath.iter().enumerate() {
            let sign = if count == 0 { '#' } else { '/' };
            write!(f, "{sign}{}", encoded(segment))?;
        }
        Ok(())
    }
}

/// Everything but letters, digits, `.-_~` and the colon as `%XX` of its UTF-8.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~' | b':') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err("a % without two digits") };
        bytes.push(u8::try_from(high * 16 + low).unwrap_or(u8::MAX));
    }
    String::from_utf8(bytes).map_err(|_| "its percent-encoded bytes are no UTF-8")
}
