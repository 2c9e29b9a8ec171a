//! What of an installed package can be started, and how.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Interpreter, Program};
use crate::probe::sandbox::{Access, BoxSpec, Sandbox};

/// Where the package lies inside a box that has a file system of its own.
const PACKAGE: &str = "/pkg";

/// One way to start a package. Paths are relative to its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum EntryPoint {
    /// A script that node runs.
    Node {
        /// The name in `bin`.
        name: String,
        /// The script.
        script: PathBuf,
    },
    /// A console script of a wheel: `module:function`.
    PythonCall {
        /// The script's name.
        name: String,
        /// Dotted module.
        module: String,
        /// Dotted name in it.
        function: String,
    },
    /// `python -m MODULE`.
    PythonModule {
        /// Dotted module.
        module: String,
    },
    /// A file that Python runs.
    PythonScript {
        /// The file.
        script: PathBuf,
    },
    /// A program of its own: a native binary or a shell script.
    Native {
        /// Its name.
        name: String,
        /// The file.
        file: PathBuf,
    },
}

impl EntryPoint {
    /// The name people start it by.
    pub fn name(&self) -> &str {
        match self {
            Self::Node { name, .. } | Self::PythonCall { name, .. } | Self::Native { name, .. } => name,
            Self::PythonModule { module } => module,
            Self::PythonScript { script } => script.file_stem().and_then(|s| s.to_str()).unwrap_or("server"),
        }
    }

    /// How the start is shown to people: `node NAME`, `python -m MODULE`; never a path of this machine.
    pub fn shown(&self) -> Vec<String> {
        match self {
            Self::Node { script, .. } => vec!["node".to_owned(), script.to_string_lossy().into_owned()],
            Self::PythonCall { name, .. } | Self::Native { name, .. } => vec![name.clone()],
            Self::PythonModule { module } => vec!["python".to_owned(), "-m".to_owned(), module.clone()],
            Self::PythonScript { script } => vec!["python".to_owned(), script.to_string_lossy().into_owned()],
        }
    }

    /// A box that starts it, without added arguments. `package` is the folder on the host; `stub` is loaded first by
    /// node (a script) or run first by Python (source text).
    ///
    /// # Errors
    /// The program that would run it is missing.
    pub fn boxed(
        &self,
        sandbox: &Sandbox,
        package: &Path,
        scratch: &Path,
        node: Option<&Program>,
        python: Option<&Interpreter>,
        preload: Option<&Preload>,
    ) -> Result<BoxSpec, String> {
        let inside = sandbox.view(package, PACKAGE);
        let spec = BoxSpec::new("/bin/false", scratch).show(package, &inside, Access::Read);
        let mut spec = match self {
            Self::Node { script, .. } => {
                let node = node.ok_or("no node was found or fetched")?;
                let (spec, program) = node.shown_in(spec, sandbox, "node");
                let mut spec = BoxSpec { program, ..spec };
                if let Some(preload) = preload {
                    spec = spec.args(["--require".to_owned(), preload.node_script.clone()]);
                }
                spec.args([inside.join(script).to_string_lossy().into_owned()])
            }
            Self::PythonCall { name, module, function } => {
                let spec = with_python(spec, &inside, python)?;
                let first = preload.map(|p| p.python_source.as_str()).unwrap_or_default();
                let attribute = function.split('.').next().unwrap_or(function);
                let source = format!(
                    "{first}\nimport sys\nsys.argv[0] = {name:?}\nfrom {module} import {attribute}\nsys.exit({function}())\n"
                );
                spec.args(["-c".to_owned(), source])
            }
            Self::PythonModule { module } => {
                with_python(spec, &inside, python)?.args(["-m".to_owned(), module.clone()])
            }
            Self::PythonScript { script } => {
                let script = inside.join(script).to_string_lossy().into_owned();
                with_python(spec, &inside, python)?.args([script])
            }
            Self::Native { file, .. } => BoxSpec { program: inside.join(file), ..spec },
        };
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin_folder(self, &inside).display());
        spec.env.insert("PATH".to_owned(), path);
        spec.env.insert("LANG".to_owned(), "C.UTF-8".to_owned());
        spec.env.insert("TERM".to_owned(), "dumb".to_owned());
        if python.is_some() {
            // Sets print in an order that changes with every start: one server's definitions never had the same hash twice.
            spec.env.insert("PYTHONHASHSEED".to_owned(), "0".to_owned());
            spec.env.insert("PYTHONUNBUFFERED".to_owned(), "1".to_owned());
            spec.env.insert("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned());
        }
        Ok(spec)
    }
}

/// What stands in for something the machine lacks, loaded before the server.
#[derive(Debug, Clone)]
pub struct Preload {
    /// Path of a script inside the box, for node.
    pub node_script: String,
    /// Source text, for Python.
    pub python_source: String,
}

fn with_python(spec: BoxSpec, package: &Path, python: Option<&Interpreter>) -> Result<BoxSpec, String> {
    let python = python.ok_or("no Python was found that this release allows")?;
    let spec = BoxSpec { program: package.join("venv/bin/python"), ..spec };
    // The environment links to the interpreter by its own path, so it is shown there.
    Ok(if python.prefix.starts_with("/usr") {
        spec
    } else {
        spec.show(&python.prefix, &python.prefix, Access::Read)
    })
}

fn bin_folder(entry: &EntryPoint, package: &Path) -> PathBuf {
    match entry {
        EntryPoint::Node { .. } => package.join("node_modules/.bin"),
        _ => package.join("venv/bin"),
    }
}

/// A path that a package names, if it stays inside the package.
pub(super) fn inner_path(text: &str) -> Option<PathBuf> {
    let path = Path::new(text);
    let safe = path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    (safe && !text.is_empty())
        .then(|| path.components().filter(|c| matches!(c, Component::Normal(_))).collect())
}

/// The likeliest server first: named like the package, then with `mcp` or `server` in it, then by name.
pub(super) fn by_likelihood(package: &str, names: &mut [EntryPoint]) {
    let bare = package.rsplit('/').next().unwrap_or(package).to_ascii_lowercase().replace(['_', '.'], "-");
    names.sort_by_key(|entry| {
        let name = entry.name().to_ascii_lowercase().replace(['_', '.'], "-");
        let rank = if name == bare {
            0
        } else if name.contains("mcp") {
            1
        } else if name.contains("server") {
            2
        } else {
            3
        };
        (rank, entry.name().to_owned())
    });
}

/// True if each part of a dotted name is an identifier: it goes into Python source.
pub(super) fn is_dotted_name(text: &str) -> bool {
    text.split('.').all(|part| {
        let mut chars = part.chars();
        chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leaves_the_package_is_no_path() {
        assert_eq!(inner_path("./dist/index.js"), Some(PathBuf::from("dist/index.js")));
        for bad in ["../x", "/etc/passwd", "a/../../x", ""] {
            assert_eq!(inner_path(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_identifiers_reach_python_source() {
        assert!(is_dotted_name("a_b.c1"));
        for bad in ["a;import os", "a b", "", "1a", "a..b", "a.b\nc"] {
            assert!(!is_dotted_name(bad), "{bad}");
        }
    }

    #[test]
    fn the_script_named_like_the_package_comes_first() {
        let native = |name: &str| EntryPoint::Native { name: name.to_owned(), file: PathBuf::new() };
        let mut names = [native("admin"), native("acme-mcp-cli"), native("acme_tools")];
        by_likelihood("@x/acme-tools", &mut names);
        assert_eq!(names.map(|n| n.name().to_owned()), ["acme_tools", "acme-mcp-cli", "admin"]);
    }
}
