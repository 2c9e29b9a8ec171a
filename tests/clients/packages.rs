//! The clients themselves: installed once, without scripts, into a folder outside the repository.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// One package at the version that the exporter names, and the program in it.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// Relative to the folder it is installed in.
    pub(crate) program: &'static str,
}

pub(crate) const CLAUDE_CODE: Package = Package {
    name: "@anthropic-ai/claude-code",
    version: "2.1.329",
    program: "node_modules/@anthropic-ai/claude-code-linux-x64/claude",
};
pub(crate) const CODEX: Package = Package {
    name: "@openai/codex",
    version: "0.169.0",
    program: "node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex",
};
pub(crate) const OPENCODE: Package = Package {
    name: "opencode-ai",
    version: "1.18.33",
    program: "node_modules/opencode-linux-x64/bin/opencode",
};
pub(crate) const COPILOT: Package = Package {
    name: "@github/copilot",
    version: "1.0.102",
    program: "node_modules/@github/copilot-linux-x64/copilot",
};
pub(crate) const GEMINI: Package = Package {
    name: "@google/gemini-cli-core",
    version: "0.61.0",
    program: "node_modules/@google/gemini-cli-core/dist/src/policy/policy-engine.js",
};
pub(crate) const CEDAR: Package = Package {
    name: "@cedar-policy/cedar-wasm",
    version: "4.13.0",
    program: "node_modules/@cedar-policy/cedar-wasm/nodejs/cedar_wasm.js",
};

/// One install at a time: the machine is small.
static INSTALLING: Mutex<()> = Mutex::new(());

/// Where installs are kept: `CATALOGUE_CLIENTS`, else a folder of the system's temporary place.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("CATALOGUE_CLIENTS").map_or_else(
        || std::env::temp_dir().join("catalogue-clients"),
        |folder| std::path::absolute(folder).unwrap(),
    )
}

impl Package {
    /// The program, installed if need be; None, after saying so, where it cannot be had.
    pub(crate) fn get(&self) -> Option<PathBuf> {
        let _one = INSTALLING.lock().unwrap();
        let slug: String =
            self.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let folder = cache().join(format!("{}-{}", slug.trim_matches('-'), self.version));
        let program = folder.join(self.program);
        if program.is_file() {
            return Some(program);
        }
        std::fs::create_dir_all(&folder).unwrap();
        let spec = format!("{}@{}", self.name, self.version);
        let done = Command::new("npm")
            .current_dir(&folder)
            .args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--force"])
            .args(["--loglevel=error", "--prefix"])
            .arg(&folder)
            .arg(&spec)
            .output();
        match done {
            Ok(_) if program.is_file() => Some(program),
            Ok(out) => {
                let last = String::from_utf8_lossy(&out.stderr).lines().last().unwrap_or_default().to_owned();
                println!("skipped: {spec} cannot be installed here ({last})");
                None
            }
            Err(why) => {
                println!("skipped: {spec} needs npm ({why})");
                None
            }
        }
    }

    /// The folder of its `node_modules`.
    pub(crate) fn folder(&self, program: &Path) -> PathBuf {
        program.to_string_lossy().strip_suffix(self.program).map(PathBuf::from).unwrap()
    }
}
