//! A tarball of the repository, read in memory and never unpacked: entries, bytes and the ratio of compression are bounded,
//! and what is no regular file is passed over.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::{Batch, Files, MAX_SERVERS, TOOLS_BYTES, YAML_BYTES};

const MAX_ENTRIES: usize = 200_000;
const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// Text compresses to a tenth; nothing honest to a two-hundredth.
const MAX_RATIO: u64 = 200;
/// A tarball that is all padding has a great ratio and harms nobody.
const RATIO_FROM: u64 = 8 * 1024 * 1024;

/// Counts what comes out of the decompressor, and ends it where it comes to too much.
struct Counted<R> {
    inner: R,
    read: u64,
    most: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(to)?;
        self.read += count as u64;
        if self.read > self.most {
            return Err(io::Error::other(format!("it unpacks to more than {} bytes", self.most)));
        }
        Ok(count)
    }
}

/// The names of the servers that a tarball tells of, in order.
///
/// # Errors
/// No tarball, one without servers, or one beyond the bounds.
pub fn names(bytes: &[u8]) -> io::Result<Vec<String>> {
    Ok(read(bytes)?.files.into_iter().map(|files| files.name).collect())
}

/// Reads every `servers/NAME/server.yaml` and `tools.json` in it, whatever folder the whole lies in.
pub(super) fn read(bytes: &[u8]) -> io::Result<Batch> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(io::Error::other("it is neither a folder nor a .tar.gz"));
    }
    let most = (bytes.len() as u64).saturating_mul(MAX_RATIO).clamp(RATIO_FROM, MAX_BYTES);
    let counted = Counted { inner: flate2::read::MultiGzDecoder::new(bytes), read: 0, most };
    let mut archive = tar::Archive::new(counted);
    let mut found: BTreeMap<String, Files> = BTreeMap::new();
    let mut malformed = 0;
    for (count, entry) in archive.entries()?.enumerate() {
        if count == MAX_ENTRIES {
            return Err(io::Error::other(format!("it has more than {MAX_ENTRIES} entries")));
        }
        let entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path_bytes().into_owned();
        let Some(path) = std::str::from_utf8(&path).ok() else { continue };
        let Some((name, file)) = place_of(path) else { continue };
        let (name, cap) = (name.to_owned(), if file == "tools.json" { TOOLS_BYTES } else { YAML_BYTES });
        let is_tools = file == "tools.json";
        if entry.size() > cap {
            malformed += 1;
            continue;
        }
        let changed = i64::try_from(entry.header().mtime().unwrap_or_default()).unwrap_or_default();
        let mut content = Vec::new();
        entry.take(cap).read_to_end(&mut content)?;
        if found.len() == MAX_SERVERS && !found.contains_key(&name) {
            return Err(io::Error::other(format!("more than {MAX_SERVERS} folders below servers/")));
        }
        let files = found.entry(name.clone()).or_insert_with(|| Files { name, ..Files::default() });
        files.changed = files.changed.max(changed);
        // The first of a name stands: a second one is a trick, or an archive that was added to.
        if is_tools {
            files.tools.get_or_insert(content);
        } else if files.server.is_empty() {
            files.server = content;
        }
    }
    if found.is_empty() {
        return Err(io::Error::other("there is no servers/NAME/server.yaml in it"));
    }
    let files = found.into_values().filter(|files| !files.server.is_empty()).collect();
    Ok(Batch { files, malformed, more_after: None })
}

/// The server and the file that an entry is: `servers/NAME/FILE`, at the top or in the one folder that everything lies in.
fn place_of(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let parts: Vec<&str> = path.split('/').collect();
    let (name, file) = match parts.as_slice() {
        ["servers", name, file] | [_, "servers", name, file] => (*name, *file),
        _ => return None,
    };
    let plain = !matches!(name, "" | "." | "..");
    (plain && matches!(file, "server.yaml" | "tools.json")).then_some((name, file))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn tarball(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
        let mut builder =
            tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (name, kind, bytes) in entries {
            let mut header = tar::Header::new_ustar();
            // Written past the builder's own checks: it would refuse `..`.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    #[test]
    fn only_the_two_files_of_a_server_are_read_and_no_link() {
        let file = tar::EntryType::Regular;
        let bytes = tarball(&[
            ("r-1/servers/bell/server.yaml", file, b"name: bell"),
            ("r-1/servers/bell/tools.json", file, b"[]"),
            ("r-1/servers/bell/server.yaml", file, b"name: other"),
            ("r-1/servers/link/server.yaml", tar::EntryType::Symlink, b""),
            ("r-1/servers/../server.yaml", file, b"out"),
            ("r-1/deep/servers/x/server.yaml", file, b"deep"),
            ("servers/top/server.yaml", file, b"name: top"),
            ("r-1/servers/lone/tools.json", file, b"[]"),
        ]);
        let batch = read(&bytes).unwrap();
        let read: Vec<(&str, &[u8], bool)> =
            batch.files.iter().map(|f| (f.name.as_str(), f.server.as_slice(), f.tools.is_some())).collect();
        assert_eq!(read, [("bell", &b"name: bell"[..], true), ("top", &b"name: top"[..], false)]);
    }

    #[test]
    fn a_bomb_is_not_unpacked_and_something_else_is_refused() {
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let mut header = tar::Header::new_ustar();
        header.set_path("r/servers/bell/readme.md").unwrap();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(64 << 20);
        header.set_cksum();
        bomb.write_all(header.as_bytes()).unwrap();
        for _ in 0..64 {
            bomb.write_all(&[0; 1 << 20]).unwrap();
        }
        let error = read(&bomb.finish().unwrap()).unwrap_err().to_string();
        assert!(error.contains("unpacks to more than"), "{error}");
        assert!(read(b"no archive").is_err());
        assert!(read(&tarball(&[("r/other", tar::EntryType::Regular, b"")])).is_err());
    }
}
