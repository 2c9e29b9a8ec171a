//! One pack from the files it holds: read, compressed and put together. What the last packs hold of the same content is taken as it is, since
//! compressing costs many times what reading does.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;

use super::super::compress::deflated;
use super::super::digest::Digest;
use super::super::media::goes_packed;
use super::archive::{self, Facts, Member};
use super::{MOST_BYTES, PackError};

/// A file that is larger is not even read: nothing of the site shrinks to what a pack may be.
const MOST_READ: u64 = 256 << 20;

/// A pack that is ready.
pub(super) struct Filled {
    pub(super) content: Vec<u8>,
    /// Files that were compressed or copied, and not taken from the last pack.
    pub(super) anew: usize,
}

/// Fills a pack with the files of these keys and paths.
///
/// # Errors
/// A file that cannot be read, or that is too large for a pack.
pub(super) fn fill(root: &Path, paths: &[(u64, String)], last: &[u8]) -> Result<Filled, PackError> {
    let made: Result<Vec<_>, _> = paths.par_iter().map(|(key, path)| one(root, *key, path, last)).collect();
    let made = made?;
    let members = paths.iter().zip(&made);
    let members: Vec<_> = members
        .map(|((key, path), (facts, stored))| (*key, Member { name: path, facts: *facts, stored }))
        .collect();
    let most = |members: &[(u64, Member<'_>)]| {
        let largest = members.iter().max_by_key(|(_, member)| member.stored.len());
        PackError::TooLarge { path: largest.map_or_else(String::new, |(_, member)| member.name.to_owned()) }
    };
    let content = archive::written(&members).filter(|content| content.len() <= MOST_BYTES);
    let content = content.ok_or_else(|| most(&members))?;
    let anew = made.iter().filter(|(_, stored)| matches!(stored, Cow::Owned(_))).count();
    Ok(Filled { content, anew })
}

fn one<'a>(root: &Path, key: u64, path: &str, last: &'a [u8]) -> Result<(Facts, Cow<'a, [u8]>), PackError> {
    if path.ends_with('/') {
        let facts = Facts { deflated: false, crc: 0, size: 0, digest: Digest::of_bytes(b"") };
        return Ok((facts, Cow::Borrowed(&[])));
    }
    let too_large = || PackError::TooLarge { path: path.to_owned() };
    let mut content = Vec::new();
    let mut file = fs_err::File::open(root.join(path))?;
    let bytes = file.metadata()?.len();
    if bytes > MOST_READ {
        return Err(too_large());
    }
    content.reserve_exact(bytes as usize + 1);
    file.read_to_end(&mut content)?;
    let size = u32::try_from(content.len()).map_err(|_| too_large())?;
    let facts = Facts {
        deflated: goes_packed(path, content.len() as u64),
        crc: 0,
        size,
        digest: Digest::of_bytes(&content),
    };
    if let Some(before) = before(last, key, path)
        && before.facts.digest == facts.digest
        && before.facts.deflated == facts.deflated
    {
        return Ok((before.facts, Cow::Borrowed(before.stored)));
    }
    if facts.deflated {
        let (stored, crc) = deflated(&content);
        return Ok((Facts { crc, ..facts }, Cow::Owned(stored)));
    }
    let mut crc = flate2::Crc::new();
    crc.update(&content);
    Ok((Facts { crc: crc.sum(), ..facts }, Cow::Owned(content)))
}

/// The file as the last pack holds it.
fn before<'a>(last: &'a [u8], key: u64, path: &str) -> Option<Member<'a>> {
    let bytes = archive::table_bytes(last)?;
    let table = last.get(archive::TABLE_AT..archive::TABLE_AT + bytes)?;
    let mut members = archive::places(table, key).into_iter().filter_map(|at| archive::member(last.get(at)?));
    members.find(|member| member.name == path)
}
