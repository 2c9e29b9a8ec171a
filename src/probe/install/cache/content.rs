//! What a folder holds, as one hash: names, kinds, who may execute, links, and every byte.
//!
//! A kept install lies in a folder that is called by this hash, and the hash is taken anew before each use. Files of an install share
//! their blocks with the installers' stores (hard links), which every install box may write to: so what one package's install did to a
//! file is seen before another package is started from it.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Read at a time.
const PIECE: usize = 256 * 1024;

/// The hash of everything below a folder, in hexadecimal.
///
/// # Errors
/// Something in it cannot be read, or is neither a file nor a folder nor a link.
pub(super) fn content_of(folder: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut waiting = vec![PathBuf::new()];
    while let Some(inside) = waiting.pop() {
        let path = folder.join(&inside);
        let meta = fs_err::symlink_metadata(&path)?;
        let mut part = |kind: u8, length: u64| {
            let name = inside.as_os_str().as_bytes();
            digest.update((name.len() as u64).to_be_bytes());
            digest.update(name);
            digest.update([kind]);
            digest.update(length.to_be_bytes());
        };
        if meta.is_symlink() {
            let to = fs_err::read_link(&path)?;
            part(b'l', to.as_os_str().len() as u64);
            digest.update(to.as_os_str().as_bytes());
        } else if meta.is_dir() {
            part(b'd', 0);
            let mut names = Vec::new();
            for entry in fs_err::read_dir(&path)? {
                names.push(inside.join(entry?.file_name()));
            }
            names.sort();
            waiting.extend(names.into_iter().rev());
        } else if meta.is_file() {
            let runs = meta.permissions().mode() & 0o111 != 0;
            part(if runs { b'x' } else { b'f' }, meta.len());
            let mut file = File::open(&path)?;
            loop {
                let read = file.read(&mut piece)?;
                if read == 0 {
                    break;
                }
                digest.update(piece.get(..read).unwrap_or_default());
            }
        } else {
            return Err(io::Error::other(format!("{}: no file, folder or link", path.display())));
        }
    }
    Ok(hex::encode(digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_in_a_folder_is_another_content_and_its_place_is_none() {
        let made = |change: &dyn Fn(&Path)| {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            fs_err::create_dir(at("a")).unwrap();
            fs_err::write(at("a/b"), "one").unwrap();
            fs_err::write(at("c"), "").unwrap();
            std::os::unix::fs::symlink("a/b", at("l")).unwrap();
            change(folder.path());
            content_of(folder.path()).unwrap()
        };
        let plain = made(&|_| ());
        assert_eq!(plain.len(), 64);
        assert_eq!(made(&|_| ()), plain, "also in another place, at another time");
        type Change = (&'static str, fn(&Path));
        let changes: &[Change] = &[
            ("a byte", |f| fs_err::write(f.join("a/b"), "onf").unwrap()),
            ("an empty file more", |f| fs_err::write(f.join("d"), "").unwrap()),
            ("a file less", |f| fs_err::remove_file(f.join("c")).unwrap()),
            ("another name", |f| fs_err::rename(f.join("c"), f.join("e")).unwrap()),
            ("moved", |f| fs_err::rename(f.join("c"), f.join("a/c")).unwrap()),
            ("may be executed", |f| {
                fs_err::set_permissions(f.join("c"), PermissionsExt::from_mode(0o755)).unwrap()
            }),
            ("a link elsewhere", |f| {
                fs_err::remove_file(f.join("l")).unwrap();
                std::os::unix::fs::symlink("/etc/passwd", f.join("l")).unwrap();
            }),
            ("a file where a link was", |f| {
                fs_err::remove_file(f.join("l")).unwrap();
                fs_err::write(f.join("l"), "a/b").unwrap();
            }),
            ("an empty folder more", |f| fs_err::create_dir(f.join("z")).unwrap()),
        ];
        for (name, change) in changes {
            assert_ne!(made(change), plain, "{name}");
        }
    }
}
