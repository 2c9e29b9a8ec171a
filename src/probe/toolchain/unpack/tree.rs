//! A stranger's source tree from its tarball: what it may hold is measured before anything of it is written.

use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::{MAX_BYTES, Sink, broken, inner_path};

/// Entries of one tree.
const MAX_ENTRIES: usize = 50_000;
/// A header that only says more of the next entry (a long name) is no longer than this.
const MAX_HEADER: u64 = 1 << 20;
/// Decompressed bytes beside the files' own: headers and padding.
const MARGIN: u64 = 64 << 20;
/// A tarball that grows to more than this many times its size, and is not small, is a bomb.
const MAX_RATIO: u64 = 200;
const SMALL: u64 = 16 << 20;

/// Unpacks the gzipped tarball `archive` below the empty folder `target`, without the one folder that all of it lies in.
///
/// Regular files, folders, and links that stay inside; links are made when everything else is written, so that nothing is
/// written through one.
///
/// # Errors
/// A broken archive; an entry of another kind, or one that leads out or comes twice; more than the caps; a full disk.
pub fn unpack_tree(archive: &Path, target: &Path) -> io::Result<()> {
    measure(archive)?;
    let mut tarball = opened(archive)?;
    let mut sink = Sink { target, keep: &[], bytes: 0, files: 0, max_files: MAX_ENTRIES };
    let mut links: Vec<(PathBuf, PathBuf)> = Vec::new();
    for entry in tarball.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if kind.is_pax_global_extensions() {
            continue;
        }
        let name = text(&entry.path_bytes())?;
        let Some(name) = below_first(&name)? else { continue };
        if kind.is_dir() {
            fs_err::create_dir_all(target.join(inner_path(&name)?))?;
        } else if kind.is_file() {
            let mode = entry.header().mode()?;
            sink.write(&name, mode, &mut entry)?;
        } else if kind.is_symlink() {
            let to = entry.link_name_bytes().ok_or_else(|| broken("a link leads nowhere"))?;
            links.push((inner_path(&name)?, inner_link(&name, &text(&to)?)?));
        } else {
            return Err(broken(&format!("its entry {name:?} is no file, folder or link")));
        }
    }
    for (place, to) in links {
        make_link(target, &place, &to)?;
    }
    Ok(())
}

fn opened(archive: &Path) -> io::Result<tar::Archive<impl Read>> {
    let file = io::BufReader::new(fs_err::File::open(archive)?);
    Ok(tar::Archive::new(flate2::bufread::GzDecoder::new(file).take(MAX_BYTES + MARGIN)))
}

/// Adds up what the headers announce, without keeping any of it.
fn measure(archive: &Path) -> io::Result<()> {
    let compressed = fs_err::metadata(archive)?.len().max(1);
    let (mut bytes, mut count) = (0_u64, 0_usize);
    let mut tarball = opened(archive)?;
    for entry in tarball.entries()?.raw(true) {
        let mut entry = entry?;
        count += 1;
        let kind = entry.header().entry_type();
        let size = entry.header().entry_size()?;
        bytes = bytes.saturating_add(size);
        let describes = kind.is_gnu_longname() || kind.is_gnu_longlink() || kind.is_pax_local_extensions();
        if (describes || kind.is_pax_global_extensions()) && size > MAX_HEADER {
            return Err(broken("one of its names is longer than 1 MiB"));
        }
        if kind.is_pax_local_extensions() || kind.is_pax_global_extensions() {
            let mut words = Vec::new();
            entry.read_to_end(&mut words)?;
            // It would make the next entry another one than was measured.
            if words.windows(6).any(|window| window == b" size=") {
                return Err(broken("a header says another size than its entry"));
            }
        }
        if count > MAX_ENTRIES {
            return Err(broken("it has more than 50000 entries"));
        }
        if bytes > MAX_BYTES {
            return Err(broken("it unpacks to more than 512 MiB"));
        }
        if bytes > SMALL && bytes / compressed > MAX_RATIO {
            return Err(broken("it unpacks to more than 200 times its size"));
        }
    }
    Ok(())
}

fn text(bytes: &[u8]) -> io::Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| broken("a name is no UTF-8"))
}

/// A name without the folder that the whole tree lies in; None for that folder itself.
fn below_first(name: &str) -> io::Result<Option<String>> {
    inner_path(name.trim_end_matches('/'))?;
    let rest = name.split_once('/').map_or("", |(_, rest)| rest).trim_end_matches('/');
    Ok((!rest.is_empty()).then(|| rest.to_owned()))
}

/// Where a link leads, if that is inside whatever other links there are: up from its own folder first, then only down.
fn inner_link(name: &str, to: &str) -> io::Result<PathBuf> {
    let out = || broken(&format!("its link {name:?} leads out of the folder"));
    let depth = name.split('/').count() - 1;
    let (mut up, mut down) = (0, false);
    for part in Path::new(to).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if !down => up += 1,
            Component::Normal(_) => down = true,
            _ => return Err(out()),
        }
    }
    if to.is_empty() || to.contains(['\\', '\0']) || up > depth {
        return Err(out());
    }
    Ok(PathBuf::from(to))
}

/// Makes a link in a folder that is one, and not itself a link.
fn make_link(target: &Path, place: &Path, to: &Path) -> io::Result<()> {
    let mut folder = target.to_owned();
    for part in place.parent().into_iter().flat_map(Path::components) {
        folder.push(part);
        match fs_err::symlink_metadata(&folder) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err(broken("a link lies below another one")),
            Err(_) => fs_err::create_dir(&folder)?,
        }
    }
    // An existing entry of this name is an error.
    fs_err::os::unix::fs::symlink(to, target.join(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Entry<'a> = (&'a str, tar::EntryType, &'a [u8], &'a str);

    fn tarball(entries: &[Entry<'_>]) -> Vec<u8> {
        let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let mut builder = tar::Builder::new(gz);
        for (name, kind, bytes, link) in entries {
            let mut header = tar::Header::new_ustar();
            // Written past the builder's own checks: it would refuse `..`.
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o4755);
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> (tempfile::TempDir, io::Result<()>) {
        let folder = tempfile::tempdir().unwrap();
        let (archive, target) = (folder.path().join("archive"), folder.path().join("tree"));
        fs_err::write(&archive, bytes).unwrap();
        fs_err::create_dir(&target).unwrap();
        let result = unpack_tree(&archive, &target);
        (folder, result)
    }

    use tar::EntryType as Kind;

    #[test]
    fn a_tree_is_written_without_its_outer_folder_and_its_links_stay_inside() {
        let (folder, result) = unpacked(&tarball(&[
            ("pax", Kind::XGlobalHeader, b"10 comment=x\n", ""),
            ("pear-0a1b/", Kind::Directory, b"", ""),
            ("pear-0a1b/a.md", Kind::Regular, b"A", ""),
            ("pear-0a1b/src/x.py", Kind::Regular, b"X", ""),
            ("pear-0a1b/src/b.md", Kind::Symlink, b"", "../a.md"),
            ("pear-0a1b/here", Kind::Symlink, b"", "./src"),
        ]));
        result.unwrap();
        let tree = folder.path().join("tree");
        assert_eq!(fs_err::read(tree.join("src/b.md")).unwrap(), b"A");
        assert_eq!(fs_err::read(tree.join("here/x.py")).unwrap(), b"X");
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs_err::metadata(tree.join("a.md")).unwrap().permissions().mode() & 0o7777, 0o755);
    }

    #[test]
    fn what_leads_out_is_refused_and_nothing_is_written_there() {
        let bad: &[&[Entry<'_>]] = &[
            &[("p/../../out", Kind::Regular, b"X", "")],
            &[("/etc/out", Kind::Regular, b"X", "")],
            &[("p/a\\..\\out", Kind::Regular, b"X", "")],
            &[("p/l", Kind::Symlink, b"", "/etc/passwd")],
            &[("p/l", Kind::Symlink, b"", "../out")],
            &[("p/s/l", Kind::Symlink, b"", "../../out")],
            // Inside by its letters, and not by what the first link makes of it.
            &[("p/s/x", Kind::Symlink, b"", ".."), ("p/y", Kind::Symlink, b"", "s/x/../../out")],
            // A file through a link, in either order, and a link below one.
            &[("p/s/l", Kind::Symlink, b"", ".."), ("p/s/l", Kind::Regular, b"X", "")],
            &[
                ("p/s/k", Kind::Regular, b"X", ""),
                ("p/l", Kind::Symlink, b"", "s"),
                ("p/l/m", Kind::Symlink, b"", "../.."),
            ],
            &[("p/h", Kind::Link, b"", "p/a")],
            &[("p/d", Kind::Char, b"", "")],
            &[("p/f", Kind::Fifo, b"", "")],
            &[("p/a", Kind::Regular, b"1", ""), ("p/a", Kind::Regular, b"2", "")],
            &[("x", Kind::XHeader, b"11 size=900\n", ""), ("p/a", Kind::Regular, b"1", "")],
        ];
        for entries in bad {
            let (folder, result) = unpacked(&tarball(entries));
            assert!(result.is_err(), "{entries:?}");
            assert!(!folder.path().join("out").exists(), "{entries:?}");
        }
    }

    #[test]
    fn a_bomb_is_refused_before_anything_is_written() {
        let zeros = vec![0; 20 << 20];
        let (folder, result) = unpacked(&tarball(&[("p/zeros", Kind::Regular, &zeros, "")]));
        assert!(result.unwrap_err().to_string().contains("200 times"));
        assert_eq!(fs_err::read_dir(folder.path().join("tree")).unwrap().count(), 0);
        let name = vec![b'a'; 2 << 20];
        let (_folder, result) =
            unpacked(&tarball(&[("l", Kind::GNULongName, &name, ""), ("p/a", Kind::Regular, b"1", "")]));
        assert!(result.unwrap_err().to_string().contains("1 MiB"));
        let (_folder, result) = unpacked(b"no archive at all");
        assert!(result.is_err());
    }
}
