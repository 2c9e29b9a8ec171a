//! Unpacks a wheel (zip) or an npm tarball: only the files that are kept, only regular ones, only below one folder. A whole
//! tree of a stranger's ([`unpack_tree`]) is written by the same hand.

mod tree;

pub use tree::unpack_tree;

use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

/// The largest pinned file holds one program of 133 MB and 2,500 small files.
const MAX_BYTES: u64 = 512 * 1024 * 1024;
const MAX_FILES: usize = 20_000;

/// Unpacks those entries of `archive` that `keep` names (files, or folders ending in `/`) below the empty folder
/// `target`, and makes sure that they are on disk.
///
/// # Errors
/// A broken archive; a kept entry that is no regular file, leads out of the folder or comes twice; more than the caps;
/// a full disk.
pub fn unpack(archive: &Path, keep: &[String], target: &Path) -> io::Result<()> {
    let file = fs_err::File::open(archive)?;
    let mut sink = Sink { target, keep, bytes: 0, files: 0, max_files: MAX_FILES };
    let mut magic = [0_u8; 2];
    (&file).read_exact(&mut magic)?;
    let file = fs_err::File::open(archive)?;
    if magic == *b"PK" {
        unpack_zip(file, &mut sink)?
    } else {
        unpack_tar(file, &mut sink)?
    }
    if sink.files == 0 {
        return Err(broken("it holds none of the files that are wanted"));
    }
    // One call for the whole tree instead of one a file: a rename that survives a crash must not lead to empty files.
    rustix::fs::syncfs(fs_err::File::open(target)?.into_file())?;
    Ok(())
}

fn unpack_zip(file: fs_err::File, sink: &mut Sink<'_>) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(file).map_err(io::Error::other)?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(io::Error::other)?;
        let name = entry.name().map_err(io::Error::other)?.into_owned();
        if entry.is_dir() || !sink.wants(&name) {
            continue;
        }
        let mode = entry.unix_mode().unwrap_or(0o644);
        if !matches!(mode & 0o170_000, 0 | 0o100_000) {
            return Err(broken(&format!("its entry {name:?} is no regular file")));
        }
        sink.write(&name, mode, &mut entry)?;
    }
    Ok(())
}

fn unpack_tar(file: fs_err::File, sink: &mut Sink<'_>) -> io::Result<()> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    for (count, entry) in archive.entries()?.enumerate() {
        if count > MAX_FILES {
            return Err(broken("it has too many entries"));
        }
        let mut entry = entry?;
        let name =
            String::from_utf8(entry.path_bytes().into_owned()).map_err(|_| broken("a name is no UTF-8"))?;
        if entry.header().entry_type().is_dir() || !sink.wants(&name) {
            continue;
        }
        if !entry.header().entry_type().is_file() {
            return Err(broken(&format!("its entry {name:?} is no regular file")));
        }
        let mode = entry.header().mode()?;
        sink.write(&name, mode, &mut entry)?;
    }
    Ok(())
}

struct Sink<'a> {
    target: &'a Path,
    keep: &'a [String],
    bytes: u64,
    files: usize,
    max_files: usize,
}

impl Sink<'_> {
    fn wants(&self, name: &str) -> bool {
        self.keep.iter().any(|kept| if kept.ends_with('/') { name.starts_with(kept) } else { name == kept })
    }

    fn write(&mut self, name: &str, mode: u32, from: &mut impl Read) -> io::Result<()> {
        let path = self.target.join(inner_path(name)?);
        self.files += 1;
        if self.files > self.max_files {
            return Err(broken("it has too many files"));
        }
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
        // `create_new` refuses a second entry of the same name, also where the disk folds case.
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(&path)?;
        let left = MAX_BYTES - self.bytes;
        let written = io::copy(&mut from.take(left + 1), &mut file)?;
        if written > left {
            return Err(broken("it unpacks to more than 512 MiB"));
        }
        self.bytes += written;
        Ok(())
    }
}

/// The name as a path that cannot leave the folder it is joined to.
fn inner_path(name: &str) -> io::Result<PathBuf> {
    let path = Path::new(name);
    let inner = path.components().all(|part| matches!(part, Component::Normal(_)));
    if name.is_empty() || name.contains(['\\', '\0']) || !inner {
        return Err(broken(&format!("its entry {name:?} leads out of the folder")));
    }
    Ok(path.to_owned())
}

fn broken(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the archive is not unpacked: {why}"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn zip_of(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, mode, bytes) in entries {
            let options = zip::write::SimpleFileOptions::default().unix_permissions(*mode);
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn tar_of(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
        let mut builder =
            tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        for (name, kind, bytes) in entries {
            let mut header = tar::Header::new_ustar();
            // Written past the builder's own checks: it would refuse `..`.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn unpacked(bytes: &[u8], keep: &[&str]) -> (tempfile::TempDir, io::Result<()>) {
        let folder = tempfile::tempdir().unwrap();
        let (archive, target) = (folder.path().join("archive"), folder.path().join("tree"));
        fs_err::write(&archive, bytes).unwrap();
        fs_err::create_dir(&target).unwrap();
        let keep: Vec<String> = keep.iter().map(|k| (*k).to_owned()).collect();
        let result = unpack(&archive, &keep, &target);
        (folder, result)
    }

    #[test]
    fn only_kept_files_are_written_with_their_executable_bit() {
        for bytes in [
            zip_of(&[("p/bin/x", 0o755, b"X"), ("p/lib/a/b", 0o644, b"B"), ("other", 0o644, b"O")]),
            tar_of(&[
                ("p/bin/x", tar::EntryType::Regular, b"X"),
                ("p/lib/a/b", tar::EntryType::Regular, b"B"),
            ]),
        ] {
            let (folder, result) = unpacked(&bytes, &["p/bin/x", "p/lib/"]);
            result.unwrap();
            let program = folder.path().join("tree/p/bin/x");
            assert_eq!(fs_err::metadata(&program).unwrap().permissions().mode() & 0o111, 0o111);
            assert_eq!(fs_err::read(folder.path().join("tree/p/lib/a/b")).unwrap(), b"B");
            assert!(!folder.path().join("tree/other").exists());
        }
    }

    #[test]
    fn an_entry_that_leads_out_is_refused() {
        for name in ["p/../../out", "p/..", "p/./../../out", "p/a\\..\\b"] {
            for bytes in [zip_of(&[(name, 0o644, b"X")]), tar_of(&[(name, tar::EntryType::Regular, b"X")])] {
                let (folder, result) = unpacked(&bytes, &["p/"]);
                assert!(result.is_err(), "{name}");
                assert!(!folder.path().join("out").exists(), "{name}");
            }
        }
        let (_folder, result) = unpacked(&zip_of(&[("/etc/x", 0o644, b"X")]), &["/etc/"]);
        assert!(result.is_err());
    }

    #[test]
    fn links_and_doubled_names_are_refused() {
        let (_folder, result) = unpacked(&tar_of(&[("p/l", tar::EntryType::Symlink, b"")]), &["p/"]);
        assert!(result.is_err());
        let (_folder, result) = unpacked(&tar_of(&[("p/l", tar::EntryType::Link, b"")]), &["p/"]);
        assert!(result.is_err());
        let twice =
            [("p/a", tar::EntryType::Regular, &b"1"[..]), ("p/a", tar::EntryType::Regular, &b"2"[..])];
        let (_folder, result) = unpacked(&tar_of(&twice), &["p/"]);
        assert!(result.is_err());
        let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        writer.add_symlink("p/l", "/etc/passwd", zip::write::SimpleFileOptions::default()).unwrap();
        let (_folder, result) = unpacked(&writer.finish().unwrap().into_inner(), &["p/"]);
        assert!(result.is_err());
    }

    #[test]
    fn an_archive_without_the_wanted_file_or_of_another_kind_is_refused() {
        let (_folder, result) = unpacked(&zip_of(&[("other", 0o644, b"X")]), &["p/"]);
        assert!(result.is_err());
        let (_folder, result) = unpacked(b"no archive at all", &["p/"]);
        assert!(result.is_err());
    }
}
