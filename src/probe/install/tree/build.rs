//! The box of a build step: a stranger's code, without network, that sees the one package's folder and the programs it needs.
//!
//! What such code leaves behind is read as what it is: links and pipes it may have made are followed nowhere.

use std::path::{Path, PathBuf};

use super::super::{Ended, InstallFailure, Place};
use crate::model::SandboxLevel;
use crate::probe::sandbox::{Access, BoxSpec, Network, bwrap};

/// A box that sees and may write the package's folder, and nothing else of the store.
pub(super) fn spec(place: &Place<'_>, cwd: &Path) -> BoxSpec {
    let mut spec = BoxSpec::new("/bin/false", &place.store.join("tmp")).show(
        place.package,
        &place.inside(place.package),
        Access::Write,
    );
    spec.network = Network::None;
    // The user that what was unpacked belongs to.
    spec.slot = 0;
    spec.limits = super::super::install_limits();
    spec.cwd = Some(place.inside(cwd));
    spec.env.insert("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned());
    spec.env.insert("LANG".to_owned(), "C.UTF-8".to_owned());
    spec.env.insert("CI".to_owned(), "1".to_owned());
    if place.sandbox.level() == SandboxLevel::Bwrap {
        spec.env.insert("HOME".to_owned(), bwrap::HOME.to_owned());
        spec.env.insert("TMPDIR".to_owned(), "/tmp".to_owned());
    }
    spec
}

/// Runs a build to its end.
pub(super) async fn run(place: &Place<'_>, spec: &BoxSpec, what: &str) -> Result<(), InstallFailure> {
    let Ended { ok, log } = place.run(spec).await?;
    if ok {
        return Ok(());
    }
    let failure = super::super::failure::from_log(&log);
    // It has no network, and is not to blame the registry for it.
    let outcome = crate::model::Outcome::InstallFailed;
    Err(InstallFailure { outcome, detail: format!("{what} failed: {}", failure.detail), ..failure })
}

/// A path below `package` where a regular file lies that is reached through no link.
pub(super) fn plain_file(package: &Path, inner: &Path) -> Option<PathBuf> {
    let mut path = package.to_owned();
    for part in inner.components() {
        path.push(part);
        let meta = fs_err::symlink_metadata(&path).ok()?;
        if meta.is_symlink() {
            return None;
        }
    }
    fs_err::symlink_metadata(&path).ok()?.is_file().then_some(path)
}
