//! A site in packs: the file that a request means is looked up in the table of its pack, and only its own bytes are read.
//!
//! A request names no file of this machine: what it asks for is hashed, and the hash names a pack.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use flate2::read::DeflateDecoder;

use super::super::compress::gzip_of;
use super::super::pack::archive::{self, Facts, TABLE_AT};
use super::super::pack::directory::{DIRECTORY, Directory};
use super::super::pack::place::key_of;
use super::{Body, Encoding, Found, Wanted};

/// Most bytes that a table or a file may have, whatever a pack says.
const MOST: usize = 64 << 20;

/// The folder of packs, with its list as it was when it was last asked for.
pub(super) struct Packed {
    root: PathBuf,
    list: Mutex<Option<(Mark, Arc<Directory>)>>,
}

/// What tells one list from another.
type Mark = (u64, Option<SystemTime>);

/// A file out of a pack.
struct Member {
    facts: Facts,
    stored: Vec<u8>,
}

impl Packed {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root, list: Mutex::new(None) }
    }

    /// The file a request means.
    pub(super) fn find(&self, wanted: &Wanted) -> Option<Found> {
        let directory = self.directory()?;
        let inner = if wanted.name.is_empty() { String::new() } else { format!("{}/", wanted.name) };
        let file = |name: String| {
            let member = self.member(&directory, &name)?;
            Some(Found::File(body(name, member, wanted.gzip)?))
        };
        let found = if wanted.slash { file(format!("{inner}index.html")) } else { None };
        found.or_else(|| file(wanted.name.clone()).filter(|_| !wanted.name.is_empty())).or_else(|| {
            let is_folder = !wanted.slash && self.member(&directory, &inner).is_some();
            is_folder.then_some(Found::Folder)
        })
    }

    /// The list of packs, read again if it is another one.
    fn directory(&self) -> Option<Arc<Directory>> {
        let place = self.root.join(DIRECTORY);
        let facts = fs_err::metadata(&place).ok()?;
        let mark = (facts.len(), facts.modified().ok());
        let mut list = self.list.lock().ok()?;
        if let Some((_, known)) = list.as_ref().filter(|(of, _)| *of == mark) {
            return Some(Arc::clone(known));
        }
        let read = Arc::new(Directory::parsed(&fs_err::read(place).ok()?).ok()?);
        *list = Some((mark, Arc::clone(&read)));
        Some(read)
    }

    fn member(&self, directory: &Directory, name: &str) -> Option<Member> {
        let key = key_of(name);
        let pack = File::open(self.root.join(directory.pack_of(key)?.file())).ok()?;
        let table = archive::table_bytes(&piece(&pack, 0, TABLE_AT)?)?;
        let table = piece(&pack, TABLE_AT, table)?;
        archive::places(&table, key).into_iter().find_map(|at| {
            let bytes = piece(&pack, at.start, at.end.checked_sub(at.start)?)?;
            let member = archive::member(&bytes).filter(|member| member.name == name)?;
            Some(Member { facts: member.facts, stored: member.stored.to_vec() })
        })
    }
}

fn piece(pack: &File, from: usize, bytes: usize) -> Option<Vec<u8>> {
    if bytes > MOST {
        return None;
    }
    let mut piece = vec![0; bytes];
    pack.read_exact_at(&mut piece, from as u64).ok()?;
    Some(piece)
}

fn body(name: String, member: Member, gzip: bool) -> Option<Body> {
    let Member { facts, stored } = member;
    let digest = facts.digest;
    if !facts.deflated {
        return Some(Body { name, encoding: Encoding::Plain, digest, bytes: stored });
    }
    if gzip {
        return Some(Body {
            name,
            encoding: Encoding::Gzip,
            digest,
            bytes: gzip_of(&stored, facts.crc, facts.size),
        });
    }
    let mut bytes = Vec::new();
    // Not more than it says of itself.
    DeflateDecoder::new(stored.as_slice()).take(u64::from(facts.size)).read_to_end(&mut bytes).ok()?;
    (bytes.len() == facts.size as usize).then_some(Body { name, encoding: Encoding::Plain, digest, bytes })
}
