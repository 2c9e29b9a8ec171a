//! Archives: nothing is written outside of the folder, nothing is a link that leads out, and nothing grows beyond its bounds.

use std::io::{Cursor, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use catalogue::probe::toolchain::unpack::{unpack, unpack_tree};
use catalogue::sources::bundle;
use catalogue::sources::docker::tarball;

use crate::random::Random;
use crate::runner::number_of;

pub(crate) const WORDS: &[&str] = &[
    "../",
    "/",
    "p/",
    "p/a",
    "ustar\0",
    "PK\u{3}\u{4}",
    "PK\u{1}\u{2}",
    "PK\u{5}\u{6}",
    "manifest.json",
    "size=9999999999\n",
    "././@LongLink",
];

const NAMES: &[&str] = &[
    "p/a",
    "p/b/c",
    "p/A",
    "p/../out",
    "../out",
    "/tmp/fuzz-out",
    "p/./a",
    "p//a",
    "p/a/../../../out",
    "p/l",
    "p/l/x",
    "p",
    "p/",
    "",
    "p/..",
    "p\\..\\out",
    "manifest.json",
    "r/servers/x/server.yaml",
    "servers/y/tools.json",
    "p/con",
    "p/a\0b",
];
const TARGETS: &[&str] =
    &["a", "..", "../..", "../../out", "/", "/etc/passwd", "l", "", "b/../..", "./a", "a/../../../x"];

/// An archive of one of three kinds. Its first byte says which reader is meant: mutations then change what is inside.
pub(crate) fn generate(random: &mut Random) -> Vec<u8> {
    let kind = u8::try_from(random.below(3)).unwrap();
    let mut bytes = vec![kind];
    bytes.extend(if kind == 0 { zipped(random) } else { tarred(random) });
    bytes
}

fn content(random: &mut Random) -> Vec<u8> {
    match random.below(5) {
        0 => vec![0; 1 << random.below(20)],
        1 => br#"{"manifest_version":"0.3","name":"x","tools":[{"name":"a"}]}"#.to_vec(),
        2 => b"name: x\nabout: {title: y}\n".to_vec(),
        _ => random.text().into_bytes(),
    }
}

fn zipped(random: &mut Random) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for _ in 0..random.below(5) {
        let name = random.pick(NAMES);
        let method = [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated][random.below(2)];
        let options = zip::write::SimpleFileOptions::default()
            .unix_permissions([0o644, 0o755, 0o4755, 0o120_777][random.below(4)])
            .compression_method(method);
        let bytes = content(random);
        let begun = if random.once_in(5) {
            writer.add_symlink(name, random.pick(TARGETS), options)
        } else {
            writer.start_file(name, options)
        };
        if begun.is_ok() {
            let _ = writer.write_all(&bytes);
        }
    }
    writer.finish().map(Cursor::into_inner).unwrap_or_default()
}

/// Not compressed: what is mutated is the tarball itself.
fn tarred(random: &mut Random) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for _ in 0..random.below(6) {
        let kinds = [b'0', b'0', b'0', b'5', b'2', b'1', b'3', b'6', b'L', b'x', b'g', b'S', b'7'];
        let (name, link, bytes) = (random.pick(NAMES), random.pick(TARGETS), content(random));
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(tar::EntryType::new(kinds[random.below(kinds.len())]));
        header.set_mode([0o644, 0o755, 0o7777][random.below(3)]);
        let size = if random.once_in(8) { random.next() >> random.below(64) } else { bytes.len() as u64 };
        header.set_size(size);
        header.set_cksum();
        let _ = builder.append(&header, bytes.as_slice());
    }
    builder.into_inner().unwrap_or_default()
}

pub(crate) fn run(input: &[u8]) -> u64 {
    let Some((kind, archive)) = input.split_first() else { return 0 };
    let folder = tempfile::tempdir().unwrap();
    let (target, file) = (folder.path().join("in/target"), folder.path().join("archive"));
    std::fs::create_dir_all(&target).unwrap();
    let mut bytes = archive.to_vec();
    if *kind != 0 {
        // Sums are mended, or every mutation would end at the first header.
        mend_sums(&mut bytes);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&bytes).unwrap();
        bytes = packed.finish().unwrap();
    }
    std::fs::write(&file, &bytes).unwrap();
    let came = match kind {
        0 | 1 => unpack(&file, &["p/".to_owned(), "p/a".to_owned()], &target),
        _ => unpack_tree(&file, &target),
    };
    let written = nothing_leads_out(folder.path(), &target);
    assert!(!Path::new("/tmp/fuzz-out").exists());
    let read = match kind {
        0 => {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(&bytes).unwrap();
            file.rewind().unwrap();
            bundle::manifest(file).map(|_| 1).unwrap_or_default()
        }
        _ => tarball::names(&bytes).map(|names| names.len()).unwrap_or_default(),
    };
    let why = came
        .map_err(|e| e.to_string().chars().filter(char::is_ascii_alphabetic).take(60).collect::<String>());
    number_of((kind, why, written, read))
}

fn mend_sums(bytes: &mut [u8]) {
    for block in bytes.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

/// Only the archive and the target are there; every link in it ends inside, also by way of other links.
fn nothing_leads_out(root: &Path, target: &Path) -> usize {
    let mut beside: Vec<_> = std::fs::read_dir(root).unwrap().map(|e| e.unwrap().file_name()).collect();
    beside.sort();
    assert_eq!(beside, ["archive", "in"], "written beside the target");
    assert_eq!(std::fs::read_dir(target.parent().unwrap()).unwrap().count(), 1, "written beside the target");
    let real = target.canonicalize().unwrap();
    let (mut left, mut written) = (vec![target.to_owned()], 0);
    while let Some(path) = left.pop() {
        let meta = std::fs::symlink_metadata(&path).unwrap();
        assert!(
            meta.is_dir() || meta.is_file() || meta.is_symlink(),
            "{} is of another kind",
            path.display()
        );
        assert!(meta.is_symlink() || meta.mode() & 0o7000 == 0, "{} has special bits", path.display());
        if meta.is_dir() {
            left.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else {
            written += 1;
        }
        if meta.is_symlink() {
            let lexical = path.parent().unwrap().join(std::fs::read_link(&path).unwrap());
            if let Ok(end) = lexical.canonicalize() {
                assert!(end.starts_with(&real), "{} leads to {}", path.display(), end.display());
            }
        }
    }
    written
}
