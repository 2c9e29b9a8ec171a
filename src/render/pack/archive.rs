//! A pack: a plain ZIP file, which any program for such files opens, with a table at its front by which one file is found and read in two small pieces.
//!
//! The first member, `.index`, is that table: for each other member in order of the keys, the key (8 bytes) and where it begins (4), and in the
//! end where the last one ends (4), all of the highest byte first. What lies between two places is a member as ZIP knows it: local header, name, extra field with
//! the first 16 bytes of the content's SHA-256, and the content, deflated or as it is. Between a gzip header and its checksum the deflated content is what a
//! browser takes. No times, and nothing of the machine: the same files give the same bytes.
//!
//! Source: PKWARE, APPNOTE.TXT 6.3.10, sections 4.3 and 4.4.

use super::super::digest::Digest;

/// Where the table lies.
pub(in crate::render) const TABLE_AT: usize = LOCAL_BYTES + INDEX.len();
const INDEX: &str = ".index";
const LOCAL_BYTES: usize = 30;
const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// The extra field with the digest; the number is nobody's.
const EXTRA: u16 = 0x6363;
const EXTRA_BYTES: usize = 4 + 16;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// 1 January 1980, the first day that ZIP knows.
const DAY: u16 = 0x0021;
const DEFLATED: u16 = 8;
const ROW: usize = 12;

/// What an archive says of a file beside its name, apart from the content as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::render) struct Facts {
    pub(in crate::render) deflated: bool,
    /// CRC-32 of the content.
    pub(in crate::render) crc: u32,
    /// Bytes of the content.
    pub(in crate::render) size: u32,
    /// Of the content.
    pub(in crate::render) digest: Digest,
}

/// A file or, with a slash at the end of its name, a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::render) struct Member<'a> {
    pub(in crate::render) name: &'a str,
    pub(in crate::render) facts: Facts,
    /// The content as it is stored.
    pub(in crate::render) stored: &'a [u8],
}

/// What a member takes at most beyond its content, for its headers and its row in the table.
pub(in crate::render) fn overhead(name: &str) -> u64 {
    (LOCAL_BYTES + EXTRA_BYTES + 46 + ROW + 2 * name.len()) as u64
}

/// Bytes of the table of so many members.
pub(in crate::render) fn table_of(members: usize) -> usize {
    members * ROW + 4
}

/// Members with their keys, in that order, as one archive. None if one is larger than ZIP can say without its extensions.
pub(in crate::render) fn written(members: &[(u64, Member<'_>)]) -> Option<Vec<u8>> {
    let table_bytes = table_of(members.len());
    let total: usize = members.iter().map(|(_, m)| m.stored.len() + overhead(m.name) as usize).sum();
    let mut all = Vec::with_capacity(total + table_bytes + 256);
    let mut table = Vec::with_capacity(table_bytes);
    let mut central = Vec::new();
    let head = |crc, size| Facts { deflated: false, crc, size, digest: Digest::default() };
    // The table's own header has its place, and is written when the table is whole.
    all.resize(TABLE_AT + table_bytes, 0);
    for (key, member) in members {
        let at = u32::try_from(all.len()).ok()?;
        table.extend_from_slice(&key.to_be_bytes());
        table.extend_from_slice(&at.to_be_bytes());
        local(&mut all, member, true)?;
        central_entry(&mut central, member, at)?;
    }
    table.extend_from_slice(&u32::try_from(all.len()).ok()?.to_be_bytes());
    let mut crc = flate2::Crc::new();
    crc.update(&table);
    let facts = head(crc.sum(), u32::try_from(table.len()).ok()?);
    let index = Member { name: INDEX, facts, stored: &table };
    let mut front = Vec::with_capacity(TABLE_AT + table_bytes);
    local(&mut front, &index, false)?;
    all.get_mut(..front.len())?.copy_from_slice(&front);
    let mut first = Vec::new();
    central_entry(&mut first, &index, 0)?;
    let (at, count) = (u32::try_from(all.len()).ok()?, u16::try_from(members.len() + 1).ok()?);
    let bytes = u32::try_from(first.len() + central.len()).ok()?;
    all.extend_from_slice(&first);
    all.extend_from_slice(&central);
    let mut end = Bytes(&mut all);
    end.four(END).two(0).two(0).two(count).two(count).four(bytes).four(at).two(0);
    Some(all)
}

struct Bytes<'a>(&'a mut Vec<u8>);

impl Bytes<'_> {
    fn two(&mut self, value: u16) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn four(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }
}

/// Version, flags, method, day, checksum and sizes: the same in both headers of a member. Also the length of its name.
fn shared(to: &mut Bytes<'_>, member: &Member<'_>) -> Option<()> {
    let method = if member.facts.deflated { DEFLATED } else { 0 };
    to.two(20).two(FLAGS).two(method).two(0).two(DAY).four(member.facts.crc);
    to.four(u32::try_from(member.stored.len()).ok()?).four(member.facts.size);
    to.two(u16::try_from(member.name.len()).ok()?);
    Some(())
}

fn local(all: &mut Vec<u8>, member: &Member<'_>, with_digest: bool) -> Option<()> {
    let mut to = Bytes(all);
    to.four(LOCAL);
    shared(&mut to, member)?;
    to.two(if with_digest { EXTRA_BYTES as u16 } else { 0 });
    to.0.extend_from_slice(member.name.as_bytes());
    if with_digest {
        to.two(EXTRA).two(16).0.extend_from_slice(&member.facts.digest.0);
    }
    to.0.extend_from_slice(member.stored);
    Some(())
}

fn central_entry(all: &mut Vec<u8>, member: &Member<'_>, at: u32) -> Option<()> {
    // Made by: 3, a system of files with modes, so that what is taken out may be read.
    let mode: u32 = if member.name.ends_with('/') { 0o40755 << 16 | 0x10 } else { 0o100644 << 16 };
    let mut to = Bytes(all);
    to.four(CENTRAL).two(3 << 8 | 20);
    shared(&mut to, member)?;
    to.two(0).two(0).two(0).two(0).four(mode).four(at);
    to.0.extend_from_slice(member.name.as_bytes());
    Some(())
}

/// Bytes of the table, by the front of a pack.
pub(in crate::render) fn table_bytes(front: &[u8]) -> Option<usize> {
    let starts = four(front, 0)? == LOCAL && front.get(LOCAL_BYTES..TABLE_AT)? == INDEX.as_bytes();
    starts.then_some(four(front, 18)? as usize)
}

/// Where members lie whose key is this one: more than one where keys happen to be equal.
pub(in crate::render) fn places(table: &[u8], key: u64) -> Vec<std::ops::Range<usize>> {
    let count = table.len().saturating_sub(4) / ROW;
    let row_key = |at: usize| table.get(at * ROW..)?.first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    let begin = |at: usize| {
        // Behind the last row stands only where it ends.
        let at = if at == count { at * ROW } else { at * ROW + 8 };
        table.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes) as usize)
    };
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low.midpoint(high);
        if row_key(middle).is_some_and(|own| own < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let equal = (low..count).take_while(|at| row_key(*at) == Some(key));
    equal.filter_map(|at| Some(begin(at)?..begin(at + 1)?)).collect()
}

/// The member that these bytes are; None if they are none.
pub(in crate::render) fn member(bytes: &[u8]) -> Option<Member<'_>> {
    let header = bytes.get(..LOCAL_BYTES)?;
    let (name_bytes, extra_bytes) = (two(header, 26)? as usize, two(header, 28)? as usize);
    let (name, rest) = bytes.get(LOCAL_BYTES..)?.split_at_checked(name_bytes)?;
    let (extra, stored) = rest.split_at_checked(extra_bytes)?;
    let ours = four(header, 0)? == LOCAL && extra_bytes == EXTRA_BYTES && two(extra, 0)? == EXTRA;
    let whole = stored.len() == four(header, 18)? as usize;
    let facts = Facts {
        deflated: two(header, 8)? == DEFLATED,
        crc: four(header, 14)?,
        size: four(header, 22)?,
        digest: Digest(*extra.get(4..)?.first_chunk()?),
    };
    (ours && whole).then_some(Member { name: std::str::from_utf8(name).ok()?, facts, stored })
}

fn two(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn four(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::super::super::compress::deflated;
    use super::*;

    fn made_up() -> (Vec<u8>, Vec<(u64, String)>) {
        let mut names: Vec<(u64, String)> =
            (0..300).map(|n| (n % 250, format!("a/{n}-ä.html"))).chain([(999, "a/".to_owned())]).collect();
        names.sort();
        let stored: Vec<_> = names.iter().map(|(_, name)| deflated(name.repeat(90).as_bytes())).collect();
        let members: Vec<_> = names
            .iter()
            .zip(&stored)
            .map(|((key, name), (bytes, crc))| {
                let folder = name.ends_with('/');
                let facts = Facts {
                    deflated: !folder,
                    crc: if folder { 0 } else { *crc },
                    size: if folder { 0 } else { name.repeat(90).len() as u32 },
                    digest: Digest::of_bytes(name.as_bytes()),
                };
                (*key, Member { name, facts, stored: if folder { &[] } else { bytes } })
            })
            .collect();
        (written(&members).unwrap(), names)
    }

    #[test]
    fn a_member_is_found_by_its_key_in_two_pieces() {
        let (pack, names) = made_up();
        let bytes = table_bytes(&pack[..TABLE_AT]).unwrap();
        let table = &pack[TABLE_AT..TABLE_AT + bytes];
        for (key, name) in &names {
            let places = places(table, *key);
            assert_eq!(places.len(), if *key < 50 { 2 } else { 1 }, "{name}");
            let found = places.into_iter().map(|place| member(&pack[place]).unwrap());
            let found = found.into_iter().find(|member| member.name == name).unwrap();
            assert_eq!(found.facts.digest, Digest::of_bytes(name.as_bytes()));
        }
        assert!(places(table, 500).is_empty() && places(table, u64::MAX).is_empty());
    }

    #[test]
    fn another_program_reads_a_pack_as_a_zip_file() {
        let (pack, names) = made_up();
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(&pack)).unwrap();
        assert_eq!(archive.len(), names.len() + 1);
        for (_, name) in &names {
            let mut text = String::new();
            let mut file = archive.by_name(name).unwrap();
            assert_eq!(file.is_dir(), name.ends_with('/'));
            file.read_to_string(&mut text).unwrap();
            assert_eq!(text, if name.ends_with('/') { String::new() } else { name.repeat(90) });
        }
    }

    #[test]
    fn bytes_that_are_no_pack_are_refused_and_break_nothing() {
        let (pack, _) = made_up();
        let bytes = table_bytes(&pack[..TABLE_AT]).unwrap();
        let table = &pack[TABLE_AT..TABLE_AT + bytes];
        let place = places(table, 100).remove(0);
        for end in 0..200.min(place.len()) {
            assert!(member(&pack[place.start..place.start + end]).is_none());
            assert!(places(&table[..end], 100).len() <= 1);
        }
        assert!(table_bytes(&pack[..TABLE_AT - 1]).is_none() && table_bytes(&[0; 64]).is_none());
        assert!(member(&pack).is_none(), "the table is no file of the site");
    }
}
