//! `catalogue review export` and `import`: corrections to a file that lives in git, and back.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

use crate::cli::corrections::{self, file};
use crate::cli::exit::Exit;
use crate::cli::policy::write_whole;
use crate::cli::scan::report::counted;
use crate::cli::settings::Settings;
use crate::progress;
use crate::store::overrides_in_force;

/// Longest file that is read.
const MAX_BYTES: u64 = 16 << 20;

pub(super) fn export(settings: &Settings, output: &Path) -> anyhow::Result<Exit> {
    let db = corrections::open_read_only(settings)?;
    let in_force = overrides_in_force(&db)?;
    let text = file::write(&in_force).context("the corrections cannot be written as TOML")?;
    if output == Path::new("-") {
        progress::print(&text)?;
    } else {
        write_whole(output, &text)?;
        progress::say(&format!("{} in {}", counted(in_force.len(), "correction"), output.display()));
    }
    Ok(Exit::Ok)
}

pub(super) fn import(settings: &Settings, path: &Path) -> anyhow::Result<Exit> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        fs_err::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)
    };
    read.with_context(|| format!("{} cannot be read", path.display()))?;
    if bytes.len() as u64 > MAX_BYTES {
        bail!("{}: larger than {} MiB; no list of corrections is", path.display(), MAX_BYTES >> 20);
    }
    let entries = file::parse(&bytes, path)?;
    let mut store = corrections::open(settings)?;
    let new = store.import_overrides(&entries)?;
    progress::print(&format!(
        "{} read, {} stored, {} known before\n",
        counted(entries.len(), "correction"),
        new,
        entries.len() - new
    ))?;
    corrections::say_expired(store.connection())?;
    Ok(Exit::Ok)
}
