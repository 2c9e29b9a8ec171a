//! A command of the user's own in a box: which folders it needs to see.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::sandbox::{Access, BoxSpec, Sandbox, Shown, trusted};
use crate::model::SandboxLevel;

/// Interpreters whose whole installation must be visible for them to run.
const INTERPRETERS: [&str; 6] = ["python", "node", "bun", "deno", "ruby", "java"];

/// Builds the box for `command`: the current folder and the folders of files named in it, read-only; an interpreter's
/// own installation; nothing else of the home folder, and none of the files `hidden` (at the level `none` all is seen).
///
/// # Errors
/// The program is not on `PATH`, or nothing was given.
pub async fn spec(
    sandbox: &Sandbox,
    command: &[String],
    env: &BTreeMap<String, String>,
    here: &Path,
    hidden: &[PathBuf],
    scratch: &Path,
) -> Result<BoxSpec, String> {
    let (program, args) = command.split_first().ok_or("no command was given after --")?;
    let found = which::which_in(program, std::env::var_os("PATH"), here)
        .map_err(|_| format!("{program}: no such program on PATH"))?;
    let mut spec = BoxSpec::new(&found, scratch).args(args.iter().cloned());
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let too_wide = |folder: &Path| {
        let folder = fs_err::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        folder.parent().is_none()
            || home.as_deref() == Some(&folder)
            || ["/tmp", "/var/tmp", "/home", "/root", "/etc"].iter().any(|wide| folder == Path::new(wide))
    };
    if !too_wide(here) {
        spec = spec.show(here, here, Access::Read);
        spec.cwd = Some(here.to_owned());
    }
    let name = found.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if name.starts_with("python") {
        // A shim (pyenv's) asks the interpreter behind it; a virtual environment needs its base, too.
        if let Some((program, folders)) = python_behind(&found).await {
            spec.program = program;
            for folder in folders.iter().filter(|f| !f.starts_with("/usr")) {
                spec = spec.show(folder, folder, Access::Read);
            }
        }
    } else {
        let real = fs_err::canonicalize(&found).unwrap_or_else(|_| found.clone());
        let interpreter = INTERPRETERS.iter().any(|i| name.starts_with(i));
        let folder = real.parent().and_then(Path::parent).filter(|f| interpreter && !too_wide(f));
        for path in [folder.unwrap_or(&real), found.as_path()] {
            if !path.starts_with("/usr") {
                spec = spec.show(path, path, Access::Read);
            }
        }
    }
    for arg in args {
        let path = here.join(arg);
        if !(arg.contains('/') || path.is_file()) || !path.exists() || path.starts_with("/usr") {
            continue;
        }
        let folder = if path.is_dir() { path.as_path() } else { path.parent().unwrap_or(&path) };
        let shown = if too_wide(folder) { path.as_path() } else { folder };
        if !too_wide(shown) || shown.is_file() {
            spec = spec.show(shown, shown, Access::Read);
        }
    }
    hide(&mut spec, hidden, sandbox.level());
    spec.env.insert("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned());
    spec.env.insert("LANG".to_owned(), "C.UTF-8".to_owned());
    if sandbox.level() == SandboxLevel::Bwrap {
        spec.env.insert("HOME".to_owned(), super::sandbox::bwrap::HOME.to_owned());
        spec.env.insert("TMPDIR".to_owned(), "/tmp".to_owned());
    }
    spec.env.extend(env.clone());
    Ok(spec)
}

/// Takes files out of the folders that a box sees.
fn hide(spec: &mut BoxSpec, hidden: &[PathBuf], level: SandboxLevel) {
    let hidden: Vec<PathBuf> = hidden.iter().filter_map(|path| fs_err::canonicalize(path).ok()).collect();
    let real = |path: &Path| fs_err::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let shown = std::mem::take(&mut spec.shown);
    let mut covers = Vec::new();
    for one in shown {
        let host = real(&one.host);
        let inner: Vec<&Path> = hidden.iter().filter_map(|path| path.strip_prefix(&host).ok()).collect();
        if inner.is_empty() {
            spec.shown.push(one);
        } else if level == SandboxLevel::Reduced {
            // Landlock only adds: what is beside the file is shown, of its folder only the names.
            spec.shown.push(Shown { host: host.clone(), inside: host.clone(), access: Access::List });
            spec.shown.extend(beside(&host, &hidden).into_iter().map(|path| Shown {
                host: path.clone(),
                inside: path,
                access: one.access,
            }));
        } else {
            let cover = |path: &&Path| Shown {
                host: "/dev/null".into(),
                inside: if path.as_os_str().is_empty() { one.inside.clone() } else { one.inside.join(path) },
                access: Access::Read,
            };
            covers.extend(inner.iter().map(cover));
            spec.shown.push(one);
        }
    }
    // Later mounts lie over earlier ones.
    spec.shown.extend(covers);
}

/// Everything below `folder` but the files `hidden`, in as few paths as that takes.
fn beside(folder: &Path, hidden: &[PathBuf]) -> Vec<PathBuf> {
    let Ok(children) = fs_err::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = Vec::new();
    for child in children.flatten().map(|child| child.path()) {
        let real = fs_err::canonicalize(&child).unwrap_or_else(|_| child.clone());
        if !hidden.iter().any(|path| path.starts_with(&real)) {
            paths.push(child);
        } else if real.is_dir() {
            paths.extend(beside(&real, hidden));
        }
    }
    paths.sort();
    paths
}

/// The command as people see it: files by their names, because where they lie on this machine is nobody's business.
pub fn shown(command: &[String]) -> Vec<String> {
    let name = |word: &String| match Path::new(word).file_name() {
        Some(name) if word.starts_with('/') => name.to_string_lossy().into_owned(),
        _ => word.clone(),
    };
    command.iter().map(name).collect()
}

/// The real interpreter and the folders it needs: its environment's and its base installation's.
async fn python_behind(program: &Path) -> Option<(PathBuf, Vec<PathBuf>)> {
    let ask = "import sys; print(sys.executable); print(sys.prefix); print(sys.base_prefix)";
    let none: &[(&str, &OsStr)] = &[];
    let said = trusted::output(program, &["-I", "-c", ask], none, Duration::from_secs(10)).await.ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    let mut lines = text.lines().map(PathBuf::from);
    let executable = lines.next().filter(|p| p.is_absolute())?;
    Some((executable, lines.filter(|p| p.is_absolute()).collect()))
}
