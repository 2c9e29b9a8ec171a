//! Command lines that fetch a published package and start it: `npx`, `uvx`, `bunx`, `pipx run` and their like.
//!
//! Sources: npm's own `npx-cli.js` (an unknown option takes the next word unless that is an option, too), `uv help tool
//! run`, `bunx --help`, `pnpm help dlx`, `yarn dlx --help`, `pipx run --help`.

use std::path::Path;

use crate::model::{ServerKey, Target};

/// What a command line starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Launch {
    /// A package of the user's registry, with what follows it.
    Package {
        /// What to scan.
        target: Target,
        /// The words after it, not looked through for secrets yet.
        args: Vec<String>,
    },
    /// A launcher that starts something no registry has under this name.
    Other(&'static str),
    /// No launcher: a program of the machine.
    Program,
}

/// One launcher: how it reads its own options.
struct Launcher {
    /// Words it begins with; the first is a program's name without folder and extension.
    words: &'static [&'static str],
    /// Options before the package that take no value; of any other, the next word is the value unless it is an option.
    switches: &'static [&'static str],
    /// Options that name the package, so that what follows is only the name of its program.
    package: &'static [&'static str],
    /// Options after which the package comes from elsewhere: another registry, another index.
    elsewhere: &'static [&'static str],
    registry: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Npm,
    Pypi,
}

const NPM_SWITCHES: &[&str] = &[
    "--yes",
    "-y",
    "--no",
    "--no-install",
    "--quiet",
    "-q",
    "--silent",
    "-s",
    "--verbose",
    "-d",
    "-dd",
    "-ddd",
    "--prefer-offline",
    "--prefer-online",
    "--offline",
    "--ignore-existing",
    "--ignore-scripts",
    "--force",
    "-f",
    "--foreground-scripts",
    "--legacy-peer-deps",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--global",
    "-g",
    "--include-workspace-root",
    "--workspaces",
    "--always-spawn",
    "--no-warnings",
    "--loglevel=silent",
];
const BUN_SWITCHES: &[&str] = &["--bun", "--silent", "--verbose", "--no-install", "-y", "--yes", "--quiet"];
const PNPM_SWITCHES: &[&str] =
    &["--silent", "-s", "--shell-mode", "-c", "--yes", "-y", "--quiet", "-q", "--prefer-offline"];
const UV_SWITCHES: &[&str] = &[
    "--isolated",
    "--no-env-file",
    "--no-index",
    "--upgrade",
    "-U",
    "--reinstall",
    "--refresh",
    "--pre",
    "--compile-bytecode",
    "--no-sources",
    "--no-build",
    "--no-binary",
    "--no-build-isolation",
    "--no-cache",
    "-n",
    "--no-cache-dir",
    "--managed-python",
    "--no-managed-python",
    "--no-python-downloads",
    "--allow-python-downloads",
    "--quiet",
    "-q",
    "--verbose",
    "-v",
    "--native-tls",
    "--system-certs",
    "--offline",
    "--no-progress",
    "--no-config",
    "--show-resolution",
    "--python-fetch",
    "--lfs",
    "--preview",
    "--no-preview",
    "--bytecode",
];
const PIPX_SWITCHES: &[&str] = &[
    "--no-cache",
    "--path",
    "--pypackages",
    "--verbose",
    "-v",
    "--quiet",
    "-q",
    "--fetch-missing-python",
    "--global",
    "--system-site-packages",
];
const NPM_ELSEWHERE: &[&str] = &["--registry", "--userconfig", "--globalconfig"];
const PYPI_ELSEWHERE: &[&str] = &[
    "--index",
    "--default-index",
    "--index-url",
    "-i",
    "--extra-index-url",
    "--find-links",
    "-f",
    "--pip-args",
    "--config-file",
];

const LAUNCHERS: &[Launcher] = &[
    npm(&["npx"], &["-p", "--package"], NPM_SWITCHES),
    npm(&["npm", "exec"], &["-p", "--package"], NPM_SWITCHES),
    npm(&["npm", "x"], &["-p", "--package"], NPM_SWITCHES),
    npm(&["bunx"], &["-p", "--package"], BUN_SWITCHES),
    npm(&["bun", "x"], &["-p", "--package"], BUN_SWITCHES),
    npm(&["pnpx"], &["--package"], PNPM_SWITCHES),
    npm(&["pnpm", "dlx"], &["--package"], PNPM_SWITCHES),
    npm(&["yarn", "dlx"], &["-p", "--package"], &["-q", "--quiet"]),
    pypi(&["uvx"], &["--from"], UV_SWITCHES),
    pypi(&["uv", "tool", "run"], &["--from"], UV_SWITCHES),
    pypi(&["pipx", "run"], &["--spec"], PIPX_SWITCHES),
];

const fn npm(
    words: &'static [&'static str],
    package: &'static [&'static str],
    switches: &'static [&'static str],
) -> Launcher {
    Launcher { words, switches, package, elsewhere: NPM_ELSEWHERE, registry: Kind::Npm }
}

const fn pypi(
    words: &'static [&'static str],
    package: &'static [&'static str],
    switches: &'static [&'static str],
) -> Launcher {
    Launcher { words, switches, package, elsewhere: PYPI_ELSEWHERE, registry: Kind::Pypi }
}

/// What a command line starts.
pub(super) fn launch_of(words: &[String]) -> Launch {
    let found = LAUNCHERS.iter().find_map(|launcher| Some((launcher, launcher.behind(words)?)));
    found.map_or(Launch::Program, |(launcher, rest)| launcher.launch(rest))
}

impl Launcher {
    /// What comes after the launcher's own words: options may stand between them (`npm --silent exec`).
    fn behind<'a>(&self, words: &'a [String]) -> Option<Vec<&'a str>> {
        let (program, rest) = words.split_first()?;
        let (first, others) = self.words.split_first()?;
        if program_name(program) != *first {
            return None;
        }
        let mut kept = Vec::new();
        let mut rest = rest.iter().map(String::as_str);
        for wanted in others {
            loop {
                let word = rest.next()?;
                if word == *wanted {
                    break;
                }
                if !word.starts_with('-') {
                    return None;
                }
                kept.push(word);
            }
        }
        kept.extend(rest);
        Some(kept)
    }

    fn launch(&self, rest: Vec<&str>) -> Launch {
        let mut rest = rest.into_iter().peekable();
        let mut packages: Vec<&str> = Vec::new();
        let mut ended = false;
        let mut first = None;
        while let Some(word) = rest.next() {
            if ended || !word.starts_with('-') || word == "-" {
                first = Some(word);
                break;
            }
            if word == "--" {
                ended = true;
                continue;
            }
            let (option, value) = match word.split_once('=') {
                Some((option, value)) => (option, Some(value)),
                None => (word, None),
            };
            if self.elsewhere.contains(&option) {
                return Launch::Other("its package comes from a registry of its own");
            }
            if self.switches.contains(&option) {
                continue;
            }
            // `npx -c 'words'`: the shell line's first word is the program of a package named before.
            let value = match value {
                Some(value) => Some(value),
                None => rest.next_if(|next| !next.starts_with('-')),
            };
            if self.package.contains(&option) {
                packages.extend(value);
            }
        }
        let args: Vec<String> = rest.map(str::to_owned).collect();
        let spec = match (packages.as_slice(), first) {
            ([], Some(first)) => first,
            ([], None) => return Launch::Other("its launcher is not told which package to start"),
            ([one], _) => one,
            // Of several packages the one that is called like the program; nothing else tells which of them is meant.
            (several, program) => {
                let named = |spec: &&&str| program.is_some_and(|p| is_called(spec, p));
                match several.iter().find(named) {
                    Some(spec) => spec,
                    None => {
                        return Launch::Other("of several packages it is not said which one is the server");
                    }
                }
            }
        };
        let target = match self.registry {
            Kind::Npm => npm_target(spec),
            Kind::Pypi => pypi_target(spec),
        };
        target.map_or_else(Launch::Other, |target| Launch::Package { target, args })
    }
}

/// A program's name: no folder, no extension of Windows.
pub(super) fn program_name(program: &str) -> String {
    let name = program.rsplit(['/', '\\']).next().unwrap_or(program);
    let path = Path::new(name);
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    match path.file_stem() {
        Some(stem) if ["exe", "cmd", "bat", "ps1"].contains(&extension.as_str()) => {
            stem.to_string_lossy().to_ascii_lowercase()
        }
        _ => name.to_owned(),
    }
}

fn is_called(spec: &str, program: &str) -> bool {
    npm_parts(spec).is_some_and(|(name, _)| name == program || name.rsplit('/').next() == Some(program))
}

/// Name and version of `name`, `@scope/name`, `name@version`; None for what no registry has under its own name.
fn npm_parts(spec: &str) -> Option<(&str, Option<&str>)> {
    // `alias@npm:real@1` is the real one.
    let spec = spec.split_once("@npm:").map_or(spec, |(_, real)| real);
    let spec = spec.strip_prefix("npm:").unwrap_or(spec);
    let (scope, rest) = match spec.strip_prefix('@') {
        Some(scoped) => scoped.split_once('/').map(|(scope, rest)| (Some(scope), rest))?,
        None => (None, spec),
    };
    let (base, version) = match rest.split_once('@') {
        Some((base, version)) => (base, Some(version)),
        None => (rest, None),
    };
    let length = base.len() + scope.map_or(0, |scope| scope.len() + 2);
    let name = spec.get(..length)?;
    let elsewhere =
        [":", "/"].iter().any(|sign| base.contains(sign) || version.is_some_and(|v| v.contains(sign)));
    (!elsewhere && !base.is_empty() && !base.starts_with('.')).then_some((name, version))
}

/// A tag or a range is no release: of those the newest is looked up, as `npx` would.
fn npm_target(spec: &str) -> Result<Target, &'static str> {
    let (name, version) = npm_parts(spec).ok_or("its package is a folder, an archive or a repository")?;
    let server = ServerKey::npm(name).map_err(|_| "its package has no name that npm would accept")?;
    let version = version.filter(|v| semver::Version::parse(v).is_ok()).map(str::to_owned);
    Ok(Target::Package { server, version })
}

/// `name`, `name[extra]`, `name@1.2`, `name==1.2`, `name>=1`; a range is no release.
fn pypi_target(spec: &str) -> Result<Target, &'static str> {
    let other = "its package is a folder, an archive or a repository";
    let spec = spec.split(';').next().unwrap_or(spec).trim();
    if spec.contains("://") || spec.contains('/') || spec.contains('\\') || spec.starts_with('.') {
        return Err(other);
    }
    let end = spec
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
        .unwrap_or(spec.len());
    let (name, rest) = spec.split_at(end);
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']').ok_or("its package has no name that PyPI would accept")?.1,
        None => rest,
    };
    let server = ServerKey::pypi(name).map_err(|_| "its package has no name that PyPI would accept")?;
    let pinned = rest.trim().strip_prefix("===").or_else(|| rest.trim().strip_prefix("=="));
    let pinned = pinned.or_else(|| rest.trim().strip_prefix('@')).map(str::trim);
    let exact = |v: &&str| !v.contains('*') && v.parse::<pep440_rs::Version>().is_ok();
    Ok(Target::Package { server, version: pinned.filter(exact).map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let words: Vec<String> = shlex::split(line).unwrap();
        match launch_of(&words) {
            Launch::Package { target, .. } => target.to_string(),
            Launch::Other(why) => format!("- {why}"),
            Launch::Program => "program".to_owned(),
        }
    }

    /// Beside the package: `-` for what no registry has under its name, or a program of the machine. The script of the site's page that checks
    /// a configuration is tried with the same lines.
    #[test]
    fn every_way_to_start_a_package_names_it_and_anything_else_is_a_program() {
        let lines =
            include_str!("../../tests/pages/launches.txt").lines().filter(|line| !line.starts_with('#'));
        let mut count = 0;
        for (line, target) in lines.map(|line| line.split_once('\t').unwrap()) {
            let found = shown(line);
            let is_other = target == "-" && found.starts_with("- ");
            assert!(found == target || is_other, "{line}: {found}");
            count += 1;
        }
        assert!(count > 60 && shown("") == "program", "{count}");
    }

    #[test]
    fn the_sites_script_knows_the_same_launchers_and_options() {
        let script = include_str!("../../site/static/check.js");
        for Launcher { words, switches, package, elsewhere, registry } in LAUNCHERS {
            let registry = if *registry == Kind::Npm { "npm" } else { "pypi" };
            let begins = format!("    ['{}', '{registry}', '{}', ", words.join(" "), package.join(" "));
            let (_, rest) =
                script.split_once(&begins).unwrap_or_else(|| panic!("not in the script: {begins}"));
            let list = rest.split(']').next().unwrap();
            for line in [
                format!("  const {list} = '{}';\n", switches.join(" ")),
                format!("    {registry}: '{}',\n", elsewhere.join(" ")),
            ] {
                assert!(script.contains(&line), "not in the script: {line}");
            }
        }
        let rows = script.split("const LAUNCHERS = [").nth(1).unwrap().split("];").next().unwrap();
        assert_eq!(rows.lines().filter(|line| line.trim().starts_with('[')).count(), LAUNCHERS.len());
    }
}
