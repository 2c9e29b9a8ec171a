//! What a person or a file asks to scan, parsed once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use super::purl::{Purl, PurlError};
use super::server::{Registry, ServerKey, ServerKeyError};

/// One thing to scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Target {
    /// A published package; without a version the newest one is looked up on each run.
    Package {
        /// An `npm:`, `pypi:` or `github:` key.
        server: ServerKey,
        /// Exact version; of a repository a commit, a tag or a branch.
        version: Option<String>,
    },
    /// A server that answers over HTTP.
    Remote {
        /// `http` or `https`, query kept for asking, never stored in the key.
        address: Url,
    },
    /// A command of the user's own (`--stdio`, or `command` in a file).
    Local {
        /// A `local:` key.
        server: ServerKey,
        /// Program and arguments, never through a shell.
        command: Vec<String>,
        /// Names and values set for it; the values are never stored.
        env: BTreeMap<String, String>,
        /// Asked from the command line by the author: always asked again, never taken from the store.
        fresh: bool,
        /// The folder it is started in; None: the current one.
        #[serde(default)]
        folder: Option<PathBuf>,
    },
}

/// Why a text is no target.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TargetError {
    /// None of the known forms.
    #[error(
        "\"{0}\" is no target; use npm:NAME[@VERSION], pypi:NAME[==VERSION], github:OWNER/REPO[@REF][#FOLDER], a pkg: purl, https://HOST/PATH, or --stdio --name NAME -- CMD ARGS"
    )]
    UnknownForm(String),
    /// The name in it is not one.
    #[error(transparent)]
    Name(#[from] ServerKeyError),
    /// It begins like a package URL and is none.
    #[error(transparent)]
    Purl(#[from] PurlError),
    /// A package of another registry than the user's.
    #[error("\"{0}\" names a registry of its own; leave repository_url out to ask yours")]
    OtherRegistry(String),
    /// A version that could not be one.
    #[error("\"{0}\" is no exact version; give one version as the registry lists it, or none for the newest")]
    BadVersion(String),
    /// A commit, tag or branch that could not be one.
    #[error("\"{0}\" names no commit, tag or branch; use github:OWNER/REPO[@REF][#FOLDER]")]
    BadRef(String),
    /// An address that cannot be asked.
    #[error("\"{0}\" is no address that can be asked; use https://HOST/PATH (http:// only for this machine)")]
    BadAddress(String),
    /// An address that is a template: what stands for its variables is never guessed.
    #[error("\"{0}\" has variables in it, which are never guessed; put your own values in their place")]
    Variables(String),
    /// This machine, spelled so that a reader does not see it.
    #[error("\"{written}\" means this machine; if that is what you want, write {means}")]
    HiddenLoopback {
        /// The address as it was written.
        written: String,
        /// The host in its plain spelling.
        means: String,
    },
}

/// True for an address with something in it that stands for a value: `{tenant}`, also encoded, or `<tenant>`.
pub fn has_variables(address: &str) -> bool {
    let lowered = address.to_ascii_lowercase();
    ["{", "}", "<", ">", "%7b", "%7d", "%3c", "%3e"].iter().any(|sign| lowered.contains(sign))
}

impl Target {
    /// The server this target is, whatever its version.
    pub fn server(&self) -> ServerKey {
        match self {
            Target::Package { server, .. } | Target::Local { server, .. } => server.clone(),
            Target::Remote { address } => {
                ServerKey::remote(address).expect("a remote target's address was checked when it was parsed")
            }
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(rest) = text.strip_prefix("npm:") {
            // A scope begins with @ too, so the version's @ is any but the first character.
            let at = rest.char_indices().skip(1).filter(|(_, c)| *c == '@').map(|(i, _)| i).last();
            let (name, version) = match at {
                Some(i) => {
                    let (name, tail) = rest.split_at(i);
                    (name, Some(tail.trim_start_matches('@')))
                }
                None => (rest, None),
            };
            return Ok(Target::Package { server: ServerKey::npm(name)?, version: exact_version(version)? });
        }
        if let Some(rest) = text.strip_prefix("pypi:") {
            let (name, version) = match rest.split_once("==").or_else(|| rest.split_once('@')) {
                Some((name, version)) => (name, Some(version)),
                None => (rest, None),
            };
            return Ok(Target::Package { server: ServerKey::pypi(name)?, version: exact_version(version)? });
        }
        if let Some(rest) = text.strip_prefix("github:") {
            let (rest, folder) = rest.split_once('#').unwrap_or((rest, ""));
            let (path, version) = match rest.split_once('@') {
                Some((path, version)) => (path, Some(version)),
                None => (rest, None),
            };
            let folder = folder.trim_matches('/');
            let path = if folder.is_empty() { path.to_owned() } else { format!("{path}/{folder}") };
            return Ok(Target::Package { server: ServerKey::github(&path)?, version: git_ref(version)? });
        }
        if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("pkg:")) {
            return from_purl(text);
        }
        let address = text.strip_prefix("remote:").unwrap_or(text);
        if address.starts_with("https://") || address.starts_with("http://") {
            // What comes behind the question mark is asked with, and is its user's own.
            if has_variables(address.split(['?', '#']).next().unwrap_or(address)) {
                return Err(TargetError::Variables(text.to_owned()));
            }
            return remote(text, address);
        }
        Err(TargetError::UnknownForm(text.to_owned()))
    }
}

/// The address of a remote server. This machine may be meant only in plain words: `https://2130706433/` in somebody's notes
/// is a trap (research/scale.md section 3, row 14).
fn remote(text: &str, written: &str) -> Result<Target, TargetError> {
    let bad = || TargetError::BadAddress(text.to_owned());
    let address = Url::parse(written).map_err(|_| bad())?;
    ServerKey::remote(&address)?;
    let loopback = match address.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name.trim_end_matches('.') == "localhost",
        None => false,
    };
    let host = address.host_str().unwrap_or_default();
    if loopback && !names_host(written, host) {
        return Err(TargetError::HiddenLoopback { written: text.to_owned(), means: host.to_owned() });
    }
    if address.scheme() == "http" && !loopback {
        return Err(bad());
    }
    Ok(Target::Remote { address })
}

/// True if the address has this very host between its slashes, with a port or without.
fn names_host(written: &str, host: &str) -> bool {
    let authority = written.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let port = authority.to_ascii_lowercase().strip_prefix(host).map(str::to_owned);
    port.is_some_and(|port| {
        port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// A package URL of a type that can be scanned.
fn from_purl(text: &str) -> Result<Target, TargetError> {
    let purl: Purl = text.parse()?;
    if purl.qualifier("repository_url").is_some() {
        return Err(TargetError::OtherRegistry(text.to_owned()));
    }
    match purl.server() {
        Some(server) if matches!(server.registry(), Registry::Npm | Registry::Pypi) => {
            Ok(Target::Package { server, version: exact_version(purl.version())? })
        }
        Some(server) if server.registry() == Registry::Github => {
            Ok(Target::Package { server, version: git_ref(purl.version())? })
        }
        _ => Err(TargetError::UnknownForm(text.to_owned())),
    }
}

/// Exact versions only: a range or a tag could mean another release tomorrow. `latest` means none given.
fn exact_version(version: Option<&str>) -> Result<Option<String>, TargetError> {
    let Some(version) = version else { return Ok(None) };
    if version == "latest" {
        return Ok(None);
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_' | '!');
    if version.is_empty() || version.len() > 128 || !version.chars().all(legal) || version.starts_with('-') {
        return Err(TargetError::BadVersion(version.to_owned()));
    }
    Ok(Some(version.to_owned()))
}

/// What git takes for the name of a commit, tag or branch, and no option or path. `HEAD` means none given.
fn git_ref(version: Option<&str>) -> Result<Option<String>, TargetError> {
    let Some(version) = version.filter(|version| *version != "HEAD") else { return Ok(None) };
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_' | '/');
    let odd = version.starts_with(['-', '/', '.']) || version.ends_with(['/', '.']);
    if version.is_empty() || version.len() > 200 || !version.chars().all(legal) || odd {
        return Err(TargetError::BadRef(version.to_owned()));
    }
    if version.contains("..") || version.contains("//") {
        return Err(TargetError::BadRef(version.to_owned()));
    }
    Ok(Some(version.to_owned()))
}

impl fmt::Display for Target {
    /// As it could be typed again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Package { server, version: Some(version) } if server.registry() == Registry::Pypi => {
                write!(f, "{server}=={version}")
            }
            Target::Package { server, version: Some(version) } => write!(f, "{server}@{version}"),
            _ => write!(f, "{}", self.server()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(text: &str) -> (String, Option<String>) {
        match text.parse::<Target>().unwrap() {
            Target::Package { server, version } => (server.to_string(), version),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn package_targets_keep_scope_and_version_apart() {
        assert_eq!(package("npm:@a/b@1.2.3"), ("npm:@a/b".into(), Some("1.2.3".into())));
        assert_eq!(package("npm:@a/b"), ("npm:@a/b".into(), None));
        assert_eq!(package("npm:a@latest"), ("npm:a".into(), None));
        assert_eq!(package("pypi:A_b==1.0"), ("pypi:a-b".into(), Some("1.0".into())));
        assert_eq!(package("pkg:npm/%40a/b@1.2.3?x=1"), ("npm:@a/b".into(), Some("1.2.3".into())));
        assert_eq!(package("pkg:npm/@a/b"), ("npm:@a/b".into(), None));
        assert_eq!(package("pkg:pypi/a@1%2B2"), ("pypi:a".into(), Some("1+2".into())));
    }

    #[test]
    fn a_repository_may_have_a_commit_and_a_folder() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(package("github:Ann/Pear"), ("github:ann/pear".into(), None));
        assert_eq!(package("github:ann/pear@v1.2"), ("github:ann/pear".into(), Some("v1.2".into())));
        assert_eq!(package("github:ann/pear@HEAD#a/b"), ("github:ann/pear/a/b".into(), None));
        assert_eq!(package("github:ann/pear/a@x/y"), ("github:ann/pear/a".into(), Some("x/y".into())));
        let purl = format!("pkg:github/ann/pear@{commit}#a/b");
        assert_eq!(package(&purl), ("github:ann/pear/a/b".into(), Some(commit.into())));
        let target: Target = purl.parse().unwrap();
        assert_eq!(target.to_string().parse::<Target>().unwrap(), target);
        for text in [
            "github:ann",
            "github:ann/pear@",
            "github:ann/pear@-x",
            "github:ann/pear@a..b",
            "github:ann/pear#../x",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn anything_else_says_which_forms_there_are() {
        for text in [
            "",
            "a",
            "npm:",
            "npm:a@^1",
            "pkg:cargo/x@1",
            "http://h.example/mcp",
            "ftp://h.example/",
            "pypi:a==",
            "npm:a@--x",
            "https://{tenant}.h.example/mcp",
            "https://h.example/%7Btenant%7D/mcp",
            "https://h.example/<tenant>/mcp",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn this_machine_is_meant_in_plain_words_or_not_at_all() {
        for text in
            ["http://127.0.0.1:9/mcp", "remote:https://[::1]:9/x", "http://LocalHost/x", "http://127.0.0.2"]
        {
            assert!(text.parse::<Target>().is_ok(), "{text}");
        }
        for text in [
            "https://2130706433/x",
            "https://0x7f000001:9/x",
            "http://0177.0.0.1/x",
            "http://127.1:9/x",
            "https://①②⑦.0.0.1/x",
            "https://127.0.0.1@127.0.0.1/x",
            "https://cat.example@127.0.0.1:9/x",
            "https://[0:0::1]/x",
            "https:\\\\127.0.0.1/x",
            "http://loc\talhost/x",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
        let said = "https://2130706433/x".parse::<Target>().unwrap_err().to_string();
        assert!(said.contains("this machine") && said.contains("127.0.0.1"), "{said}");
    }
}
