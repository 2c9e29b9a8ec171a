//! Where the user's registries are, as his own settings and clients say it: no host is written in this program.
//!
//! Order: `catalogue.toml`; the environment; the clients' settings (`npm config`, `pip config`, `uv.toml`); the default
//! that a client's own help text names. Reading the texts is pure and tested with made-up ones; starting the clients is
//! `probe::sandbox::trusted`. Called once a run by `cli`, and by `probe::toolchain` for tools it fetched.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::http::shown;
use crate::probe::sandbox::trusted;

/// A client that says nothing for so long is not waited for.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(15);

/// What `catalogue.toml` says, if anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Configured {
    /// The npm registry.
    pub npm: Option<Url>,
    /// The Python package index (its simple index).
    pub pypi: Option<Url>,
}

/// The registries that are asked, and how each was learnt.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The npm registry.
    pub npm: Option<Url>,
    /// The Python package index (its simple index).
    pub pypi: Option<Url>,
    /// For people.
    pub learnt: Vec<Learnt>,
}

/// How one registry's address was learnt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Learnt {
    /// `npm` or `pypi`.
    pub what: &'static str,
    /// Its address without user and password.
    pub address: String,
    /// The setting or client that said so.
    pub from: String,
}

impl Sources {
    /// Adds the npm registry, unless one is known.
    pub fn add_npm(&mut self, told: Option<(Url, String)>) {
        add(&mut self.npm, &mut self.learnt, "npm", told);
    }

    /// Adds the Python package index, unless one is known.
    pub fn add_pypi(&mut self, told: Option<(Url, String)>) {
        add(&mut self.pypi, &mut self.learnt, "pypi", told);
    }
}

fn add(slot: &mut Option<Url>, learnt: &mut Vec<Learnt>, what: &'static str, told: Option<(Url, String)>) {
    if let (None, Some((url, from))) = (&slot, told) {
        learnt.push(Learnt { what, address: shown(&url), from });
        *slot = Some(url);
    }
}

/// Learns both registries. Clients are only started for what the settings leave open, all at the same time: some 0.4 s.
pub async fn learn_sources(configured: &Configured) -> Sources {
    let mut sources = Sources::default();
    let env = |name: &str| std::env::var(name).ok();
    let from_file = |url: &Option<Url>| url.clone().map(|url| (url, "catalogue.toml".to_owned()));
    sources.add_npm(from_file(&configured.npm));
    sources.add_npm(first_set(env, &["npm_config_registry", "NPM_CONFIG_REGISTRY"]));
    sources.add_pypi(from_file(&configured.pypi));
    sources.add_pypi(first_set(env, &["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"]));
    let (npm_open, pypi_open) = (sources.npm.is_none(), sources.pypi.is_none());
    let (npm, pip, uv) = tokio::join!(
        async { if npm_open { ask_npm().await } else { None } },
        async { if pypi_open { ask_pip_settings().await } else { None } },
        async { if pypi_open { ask_uv_on_path().await } else { None } },
    );
    sources.add_npm(npm);
    sources.add_pypi(pip);
    if sources.pypi.is_none() {
        sources.add_pypi(uv_settings(env));
    }
    sources.add_pypi(uv);
    if sources.pypi.is_none() {
        // Last, because pip needs half a second to start, and only where no uv told its default in 5 ms.
        sources.add_pypi(ask_pip_default().await);
    }
    if sources.pypi.is_none() {
        sources.add_pypi(ask_bundled_pip().await);
    }
    sources
}

/// Asks an npm that is not on PATH, by its script and the node to run it. What it keeps goes below `cache`, because a
/// fetched program leaves nothing in the user's home.
pub async fn npm_told_by(node: &Path, npm_script: &Path, cache: &Path) -> Option<(Url, String)> {
    let args = [npm_script.as_os_str(), OsStr::new("config"), OsStr::new("get"), OsStr::new("registry")];
    let said = ask_with(node, &args, &[("npm_config_cache", cache.as_os_str())]).await?;
    Some((registry_line(&said)?, "the fetched npm's config get registry".to_owned()))
}

/// Asks a uv for the default its help names.
pub async fn pypi_told_by(uv: &Path) -> Option<(Url, String)> {
    let said = ask(uv, &["pip", "install", "--help"]).await?;
    Some((default_in_help(&said)?, "the default in uv pip install --help".to_owned()))
}

async fn ask_npm() -> Option<(Url, String)> {
    let npm = which::which("npm").ok()?;
    let said = ask(&npm, &["config", "get", "registry"]).await?;
    Some((registry_line(&said)?, "npm config get registry".to_owned()))
}

async fn ask_pip_settings() -> Option<(Url, String)> {
    let (said, shown) = ask_first_pip(&["config", "list"]).await?;
    Some((pip_setting(&said)?, format!("{shown} config list")))
}

async fn ask_pip_default() -> Option<(Url, String)> {
    let (said, shown) = ask_first_pip(&["install", "--help"]).await?;
    Some((default_in_help(&said)?, format!("the default in {shown} install --help")))
}

/// What the first pip that answers says, and how it is called: `pip`, `pip3`, `python3 -m pip`.
async fn ask_first_pip(rest: &[&str]) -> Option<(String, String)> {
    for call in [&["pip"][..], &["pip3"], &["python3", "-m", "pip"]] {
        let Some((program, first)) = call.split_first() else { continue };
        let Ok(path) = which::which(program) else { continue };
        if let Some(said) = ask(&path, &[first, rest].concat()).await {
            return Some((said, call.join(" ")));
        }
    }
    None
}

async fn ask_uv_on_path() -> Option<(Url, String)> {
    pypi_told_by(&which::which("uv").ok()?).await
}

/// A Python without pip usually carries one for `ensurepip`; it is asked where it lies, nothing is installed.
async fn ask_bundled_pip() -> Option<(Url, String)> {
    const SCRIPT: &str = "import ensurepip, glob, os, runpy, sys\n\
        found = glob.glob(os.path.join(os.path.dirname(ensurepip.__file__), '_bundled', 'pip-*.whl'))\n\
        sys.path.insert(0, sorted(found)[-1])\n\
        sys.argv = ['pip', 'install', '--help']\n\
        runpy.run_module('pip', run_name='__main__')\n";
    let said = ask(&which::which("python3").ok()?, &["-I", "-c", SCRIPT]).await?;
    Some((default_in_help(&said)?, "the default of the pip bundled with python3".to_owned()))
}

async fn ask<A: AsRef<OsStr>>(program: &Path, args: &[A]) -> Option<String> {
    ask_with(program, args, &[]).await
}

async fn ask_with<A: AsRef<OsStr>>(program: &Path, args: &[A], more: &[(&str, &OsStr)]) -> Option<String> {
    // Wide and plain, so that no address is wrapped or coloured; and npm writes no log for a question.
    let plain = [
        "COLUMNS=200",
        "NO_COLOR=1",
        "TERM=dumb",
        "npm_config_logs_max=0",
        "npm_config_update_notifier=false",
    ];
    let plain =
        plain.iter().filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name, OsStr::new(value)));
    let env: Vec<(&str, &OsStr)> = plain.chain(more.iter().copied()).collect();
    match trusted::output(program, args, &env, CLIENT_TIMEOUT).await {
        Ok(said) if said.status == 0 => Some(String::from_utf8_lossy(&said.stdout).into_owned()),
        Ok(said) => {
            tracing::debug!(program = %program.display(), status = said.status, "a client did not say its registry");
            None
        }
        Err(error) => {
            tracing::debug!(program = %program.display(), %error, "a client could not be asked for its registry");
            None
        }
    }
}

fn first_set(get: impl Fn(&str) -> Option<String>, names: &[&str]) -> Option<(Url, String)> {
    names.iter().find_map(|name| Some((address(&get(name)?)?, format!("the environment variable {name}"))))
}

/// An address of a registry: `http` or `https` with a host. `undefined` and the like are none.
fn address(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim().trim_matches(['\'', '"'])).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.host_str().is_some()).then_some(url)
}

/// The address among the lines that `npm config get registry` prints; notices may stand before it.
fn registry_line(text: &str) -> Option<Url> {
    plain(text).lines().rev().find_map(address)
}

/// `index-url` of `pip config list`: what the command `install` has goes before what is global.
fn pip_setting(text: &str) -> Option<Url> {
    let settings: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let value = |key: &str| settings.iter().find(|(k, _)| k.trim() == key).and_then(|(_, v)| address(v));
    value(":env:.index-url").or_else(|| value("install.index-url")).or_else(|| value("global.index-url"))
}

/// The address after `(default` or `(by default:` in a help text, however it is wrapped or coloured.
fn default_in_help(text: &str) -> Option<Url> {
    static DEFAULT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)[(\[](?:by\s+)?default:?\s+<?(https?://[^\s<>()\[\]]+)").expect("a constant pattern")
    });
    let text = plain(text);
    // Only the option for the index: other options have addresses as defaults too.
    let from =
        ["--default-index", "--index-url"].iter().filter_map(|option| text.split_once(option)).next()?.1;
    DEFAULT.captures(from).and_then(|found| address(&found[1]))
}

/// Text without terminal colours.
fn plain(text: &str) -> String {
    static COLOUR: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("\u{1b}\\[[0-9;:?]*[ -/]*[@-~]").expect("a constant pattern"));
    COLOUR.replace_all(text, "").into_owned()
}

/// The index of uv's own configuration files: the user's, then the system's.
fn uv_settings(get: impl Fn(&str) -> Option<String>) -> Option<(Url, String)> {
    let home =
        get("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(Path::new(&get("HOME")?).join(".config")));
    let files = [
        get("UV_CONFIG_FILE").map(PathBuf::from),
        home.map(|folder| folder.join("uv/uv.toml")),
        Some(PathBuf::from("/etc/uv/uv.toml")),
    ];
    files.into_iter().flatten().find_map(|path| {
        let url = uv_setting(&fs_err::read_to_string(&path).ok()?)?;
        Some((url, path.display().to_string()))
    })
}

/// `[[index]]` with `default = true`, or the older `index-url` (also under `[pip]`).
fn uv_setting(text: &str) -> Option<Url> {
    let table: toml::Table = text.parse().ok()?;
    let listed = table.get("index").and_then(toml::Value::as_array).into_iter().flatten();
    let default = listed
        .filter(|index| index.get("default").and_then(toml::Value::as_bool) == Some(true))
        .find_map(|index| index.get("url")?.as_str());
    let old = table.get("index-url").and_then(toml::Value::as_str);
    let pip = table.get("pip").and_then(|pip| pip.get("index-url")).and_then(toml::Value::as_str);
    address(default.or(old).or(pip)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(found: Option<Url>, expected: &str) {
        assert_eq!(found.map(String::from).as_deref(), Some(expected));
    }

    #[test]
    fn npm_s_answer_is_the_last_line_that_is_an_address() {
        is(registry_line("npm warn something\nhttps://r.example/npm/\n"), "https://r.example/npm/");
        is(registry_line("\u{1b}[32mhttps://r.example/\u{1b}[0m\n"), "https://r.example/");
        assert_eq!(registry_line("undefined\n"), None);
    }

    #[test]
    fn a_default_in_a_help_text_is_found_wrapped_or_coloured() {
        let pip = "  -i, --index-url <url>       Base URL of the Package Index (default\n\
                   \x20                             https://p.example/simple). This should\n";
        is(default_in_help(pip), "https://p.example/simple");
        let uv = "      \u{1b}[1m--default-index\u{1b}[0m <DEFAULT_INDEX>\n          The default package index (by\n\
                  \x20         default: <https://p.example/simple>) [env: UV_DEFAULT_INDEX]\n";
        is(default_in_help(uv), "https://p.example/simple");
        let other = "  --proxy <p> (default https://wrong.example)\n  --index-url <url> Base (default https://p.example/s)";
        is(default_in_help(other), "https://p.example/s");
        assert_eq!(default_in_help("--index-url <url> no default"), None);
        assert_eq!(default_in_help("see https://p.example/simple"), None);
    }

    #[test]
    fn pip_s_settings_are_read_by_their_rank() {
        is(pip_setting("global.index-url='https://a.example/s'\nglobal.cert='x'\n"), "https://a.example/s");
        is(
            pip_setting("global.index-url='https://a.example/'\ninstall.index-url='https://b.example/'"),
            "https://b.example/",
        );
        assert_eq!(pip_setting("global.find-links='https://a.example/'"), None);
    }

    #[test]
    fn uv_s_settings_are_read_in_both_forms() {
        is(
            uv_setting(
                "[[index]]\nurl='https://x.example/'\n[[index]]\nurl='https://d.example/s'\ndefault=true",
            ),
            "https://d.example/s",
        );
        is(uv_setting("index-url = 'https://o.example/s'"), "https://o.example/s");
        is(uv_setting("[pip]\nindex-url = 'https://o.example/s'"), "https://o.example/s");
        assert_eq!(uv_setting("not toml ["), None);
    }

    #[test]
    fn the_first_source_counts_and_no_password_is_shown() {
        let env = |name: &str| (name == "PIP_INDEX_URL").then(|| "https://me:pw@i.example/s".to_owned());
        let mut sources = Sources::default();
        sources.add_pypi(first_set(env, &["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"]));
        sources.add_pypi(Some((Url::parse("https://later.example/").unwrap(), "later".into())));
        assert_eq!(sources.pypi.unwrap().as_str(), "https://me:pw@i.example/s");
        assert_eq!(sources.learnt.len(), 1);
        assert_eq!(sources.learnt[0].address, "https://i.example/s");
    }
}
