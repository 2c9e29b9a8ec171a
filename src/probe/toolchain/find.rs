//! Programs the user already has: on PATH, real (no shim) and new enough.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Found, Missing, Origin, Tool, versions};
use crate::probe::sandbox::trusted;

/// The oldest versions that have what we use of them: uv's `--exclude-newer` with a target folder, bun's text lock file,
/// node's fetch, bubblewrap's `--disable-userns` with room to spare.
fn oldest(tool: Tool) -> &'static str {
    match tool {
        Tool::Uv => "0.5.0",
        Tool::Bun => "1.2.0",
        Tool::Node => "18.0.0",
        Tool::Npm => "8.0.0",
        Tool::Bwrap => "0.10.0",
    }
}

/// Finds a program on PATH; `folder` keeps what was asked before. npm has its own way, see [`find_npm`].
pub(super) async fn find(tool: Tool, folder: &Path) -> Result<Found, Missing> {
    let absent = || Missing { why: format!("no {} on PATH", tool.as_str()) };
    let path = which::which(tool.as_str()).map_err(|_| absent())?;
    let path = match tool {
        // A shim of nvm, volta or asdf starts the real one, which says where it lies; a shim that is a program has
        // another name behind the link.
        Tool::Node if !is_program_named(&path, "node") => {
            said_by(&path, &["-p", "process.execPath"]).await.map(PathBuf::from)
        }
        _ => Some(path),
    };
    let real = path.and_then(|path| std::fs::canonicalize(path).ok()).ok_or_else(absent)?;
    if !is_machine_code(&real) {
        let why =
            format!("{} is a script that stands for it, which does not run in a sandbox", real.display());
        return Err(Missing { why });
    }
    let version = versions::version(&real, folder).await?;
    accept(tool, &version, &real)?;
    let root = root_of(&real);
    Ok(Found { tool, version, origin: Origin::Path, root, path: real })
}

/// True if a path leads to a machine-code program of that very name.
fn is_program_named(path: &Path, name: &str) -> bool {
    std::fs::canonicalize(path).is_ok_and(|real| real.ends_with(name) && is_machine_code(&real))
}

/// Finds the npm script: the one PATH leads to, else the one that lies in node's own installation.
pub(super) fn find_npm(node: Option<&Found>) -> Result<Found, Missing> {
    let on_path = which::which("npm").ok().and_then(|path| std::fs::canonicalize(path).ok());
    let beside_node = node.map(|node| node.root.join("lib/node_modules/npm/bin/npm-cli.js"));
    let mut scripts = on_path.into_iter().chain(beside_node).filter(|path| path.ends_with("bin/npm-cli.js"));
    let script =
        scripts.find(|path| path.is_file()).ok_or_else(|| Missing { why: "no npm on PATH".into() })?;
    npm_at(&script, Origin::Path)
}

/// npm by its script, with the version of its package.
pub(super) fn npm_at(script: &Path, origin: Origin) -> Result<Found, Missing> {
    let unreadable = || Missing { why: format!("{} has no readable package.json", script.display()) };
    let root = script.parent().and_then(Path::parent).ok_or_else(unreadable)?;
    let manifest = fs_err::read(root.join("package.json")).map_err(|_| unreadable())?;
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).map_err(|_| unreadable())?;
    let version = manifest["version"].as_str().ok_or_else(unreadable)?.to_owned();
    accept(Tool::Npm, &version, script)?;
    Ok(Found { tool: Tool::Npm, path: script.to_owned(), version, origin, root: root.to_owned() })
}

/// The version a program prints for `--version`; an error if it does not run here.
pub(super) async fn version_of(program: &Path) -> Result<String, Missing> {
    let told = |why: String| Missing { why: format!("{} does not run here: {why}", program.display()) };
    let said = trusted::output(program, &["--version"], &[], Duration::from_secs(15))
        .await
        .map_err(|error| told(error.to_string()))?;
    if said.status != 0 {
        let text = crate::model::Untrusted::new(String::from_utf8_lossy(&said.stderr)).for_terminal(200);
        return Err(told(format!("it ended with status {} and said \"{text}\"", said.status)));
    }
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    version_in(&text).ok_or_else(|| told("it prints no version".into()))
}

/// The first word that is a version: `uv 0.13.8 (…)`, `v20.1.0`, `bubblewrap 0.11.0`, `1.4.5`.
fn version_in(text: &str) -> Option<String> {
    let words = text.split_whitespace().map(|word| word.trim_start_matches('v'));
    words.filter(|word| numbers(word).is_some()).map(str::to_owned).next()
}

fn accept(tool: Tool, version: &str, path: &Path) -> Result<(), Missing> {
    let oldest = oldest(tool);
    if numbers(version) >= numbers(oldest) {
        return Ok(());
    }
    Err(Missing { why: format!("{} is {version}, and at least {oldest} is needed", path.display()) })
}

/// Three numbers, of which the last may be missing or followed by anything.
fn numbers(version: &str) -> Option<(u64, u64, u64)> {
    let mut parts = version.splitn(3, '.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    let digits: String = parts.next().unwrap_or("0").chars().take_while(char::is_ascii_digit).collect();
    Some((major, minor, digits.parse().unwrap_or(0)))
}

/// True for an ELF program.
pub(super) fn is_machine_code(path: &Path) -> bool {
    let mut magic = [0_u8; 4];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && magic == *b"\x7fELF"
}

/// The installation a program belongs to: the folder above `bin`, or its own folder if it lies elsewhere or that would
/// be the whole disk.
fn root_of(program: &Path) -> PathBuf {
    let folder = program.parent().unwrap_or(program);
    let above = folder.parent().filter(|above| folder.ends_with("bin") && above.parent().is_some());
    above.unwrap_or(folder).to_owned()
}

async fn said_by(program: &Path, args: &[&str]) -> Option<String> {
    let said = trusted::output(program, args, &[], Duration::from_secs(15)).await.ok()?;
    (said.status == 0).then(|| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_print_and_old_ones_refused() {
        assert_eq!(version_in("uv 0.13.8 (abc 2026-01-01)\n").as_deref(), Some("0.13.8"));
        assert_eq!(version_in("v20.20.2\n").as_deref(), Some("20.20.2"));
        assert_eq!(version_in("bubblewrap 0.8\n").as_deref(), Some("0.8"));
        assert_eq!(version_in("no version"), None);
        let here = Path::new("/x/bwrap");
        assert!(accept(Tool::Bwrap, "0.9.0", here).is_err() && accept(Tool::Bwrap, "0.11.0", here).is_ok());
        assert!(accept(Tool::Node, "16.20.0", here).is_err() && accept(Tool::Node, "18.0.0", here).is_ok());
        assert!(accept(Tool::Bun, "1.3.0-canary.1", here).is_ok());
    }

    #[test]
    fn a_program_s_root_is_never_the_whole_disk() {
        for (program, root) in [
            ("/usr/bin/node", "/usr"),
            ("/home/u/n/v20/bin/node", "/home/u/n/v20"),
            ("/bin/node", "/bin"),
            ("/opt/node", "/opt"),
        ] {
            assert_eq!(root_of(Path::new(program)), Path::new(root), "{program}");
        }
    }
}
