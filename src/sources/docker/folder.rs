//! A checkout on disk: folders below `servers/` in the order of their names. No link is followed, neither a folder's nor a
//! file's, so that nothing outside the checkout is read.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::{Batch, Files, MAX_SERVERS, TOOLS_BYTES, YAML_BYTES};

/// Reads at most `most` folders whose names come after `after`.
pub(super) fn read(checkout: &Path, after: &str, most: usize) -> io::Result<Batch> {
    let servers = checkout.join("servers");
    let about = servers.symlink_metadata().map_err(|_| missing())?;
    if !about.is_dir() {
        return Err(missing());
    }
    let mut names = Vec::new();
    let mut malformed = 0;
    for entry in fs_err::read_dir(&servers)? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        if names.len() == MAX_SERVERS {
            return Err(io::Error::other(format!("more than {MAX_SERVERS} folders below servers/")));
        }
        match entry.file_name().into_string() {
            Ok(name) => names.push(name),
            // Counted on the first page only, so that a walk counts it once.
            Err(_) => malformed += u32::from(after.is_empty()),
        }
    }
    names.sort();
    let mut left = names.into_iter().filter(|name| name.as_str() > after);
    let mut batch = Batch { malformed, ..Batch::default() };
    let mut last = None;
    for name in left.by_ref().take(most) {
        match files(&servers, &name) {
            Ok(Some(files)) => batch.files.push(files),
            Ok(None) => {}
            Err(error) => {
                tracing::info!(?name, %error, "a folder of the Docker catalogue cannot be read");
                batch.malformed += 1;
            }
        }
        last = Some(name);
    }
    batch.more_after = last.filter(|_| left.next().is_some());
    Ok(batch)
}

fn missing() -> io::Error {
    io::Error::other("there is no folder servers/ in it; give a checkout of the registry's repository")
}

/// The files of one folder; None if it has no `server.yaml`.
fn files(servers: &Path, name: &str) -> io::Result<Option<Files>> {
    let folder = servers.join(name);
    let Some((server, changed)) = regular(&folder.join("server.yaml"), YAML_BYTES)? else { return Ok(None) };
    let tools = regular(&folder.join("tools.json"), TOOLS_BYTES)?;
    let newest = tools.as_ref().map_or(changed, |(_, later)| changed.max(*later));
    Ok(Some(Files { name: name.to_owned(), server, tools: tools.map(|(bytes, _)| bytes), changed: newest }))
}

/// A regular file and when it was changed; None if there is none of this name.
fn regular(path: &Path, cap_bytes: u64) -> io::Result<Option<(Vec<u8>, i64)>> {
    let file = match open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let about = file.metadata()?;
    let since = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed = since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default();
    Ok(Some((read_up_to(file, cap_bytes)?, changed)))
}

/// A whole file, if it is no longer than that.
pub(super) fn bounded(path: &Path, cap_bytes: u64) -> io::Result<Vec<u8>> {
    read_up_to(fs_err::File::open(path)?.into_file(), cap_bytes)
}

fn read_up_to(file: File, cap_bytes: u64) -> io::Result<Vec<u8>> {
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(cap_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > cap_bytes {
        return Err(io::Error::other(format!("it is longer than {cap_bytes} bytes")));
    }
    Ok(bytes)
}

/// Opens without following a link and without waiting for the other end of a pipe.
fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)
}
