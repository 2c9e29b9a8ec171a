//! The file beside a build: what it knew of each server and showed of each tool, for the next one.
//!
//! It only saves work. Without it, or with one that is not of the last build into this folder, everything is looked at
//! anew. It lies in the state folder and is no part of the site.

use std::borrow::Cow;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::catalogue::ServerEntry;
use super::digest::Digest;
use super::name::ServerName;
use super::on_shelf::{ToolOnShelf, put_text, take_array, take_number, take_text};
use super::stirred::Stirred;
use crate::attack::ServerTraits;
use crate::model::ServerKey;
use crate::store::site::SiteServer;

/// Changes whenever the shape of the file does.
const FORMAT: &str = "catalogue shelf 6";
/// Longest record that is believed when it is read back.
const MOST: u32 = 1 << 28;

/// The shelf that this build fills.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// None in a catalogue without servers.
    writer: Option<BufWriter<std::fs::File>>,
    at: u64,
    /// Where it will be kept; None: it is gone with the build.
    keep: Option<(tempfile::TempPath, PathBuf)>,
}

/// One server with its tools as it lies on the shelf, with its sum, so that one that was damaged is none.
#[derive(Debug, Clone)]
pub(super) struct Record {
    bytes: Vec<u8>,
    sum: Digest,
}

impl Record {
    /// On any thread.
    pub(super) fn new(entry: &ServerEntry, tools: &[ToolOnShelf<'_>]) -> Self {
        let mut bytes = Vec::with_capacity(256 + 512 * tools.len());
        put_server(&mut bytes, entry);
        bytes.extend_from_slice(&u32::try_from(tools.len()).unwrap_or_default().to_le_bytes());
        tools.iter().for_each(|tool| tool.put(&mut bytes));
        Self { sum: Digest::of_bytes(&bytes), bytes }
    }
}

impl Shelf {
    /// A new one, to be kept at `place` if there is one, else in `folder` for the time of the build.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn new(place: Option<&Path>, folder: &Path) -> std::io::Result<Self> {
        let (file, keep) = match place {
            Some(place) => {
                let parent = place.parent().unwrap_or(Path::new("."));
                fs_err::create_dir_all(parent)?;
                let (file, temporary) = tempfile::NamedTempFile::new_in(parent)?.into_parts();
                (file, Some((temporary, place.to_owned())))
            }
            None => (tempfile::tempfile_in(folder)?, None),
        };
        let writer = Some(BufWriter::with_capacity(1 << 16, file));
        let mut shelf = Self { writer, keep, ..Self::default() };
        shelf.text(FORMAT)?;
        Ok(shelf)
    }

    fn bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.at += bytes.len() as u64;
        self.writer.as_mut().map_or(Ok(()), |writer| writer.write_all(bytes))
    }

    fn number(&mut self, number: u32) -> std::io::Result<()> {
        self.bytes(&number.to_le_bytes())
    }

    fn text(&mut self, text: &str) -> std::io::Result<()> {
        self.number(u32::try_from(text.len()).map_err(std::io::Error::other)?)?;
        self.bytes(text.as_bytes())
    }

    /// Puts the next server.
    ///
    /// # Errors
    /// A full disk.
    pub(super) fn put(&mut self, record: &Record) -> std::io::Result<()> {
        self.number(u32::try_from(record.bytes.len()).map_err(std::io::Error::other)?)?;
        self.bytes(&record.sum.0)?;
        self.bytes(&record.bytes)
    }

    /// Everything that was put is on the shelf.
    ///
    /// # Errors
    /// A full disk.
    pub(super) fn flush(&mut self) -> std::io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), BufWriter::flush)
    }

    /// Keeps the shelf for the next build: with what each server's pages were made from, and which build it belongs to.
    ///
    /// # Errors
    /// A full disk.
    pub(super) fn keep(mut self, whole: Digest, inputs: &[Digest], mark: &str) -> std::io::Result<()> {
        let Some((temporary, place)) = self.keep.take() else { return Ok(()) };
        let tail = self.at;
        self.bytes(&whole.0)?;
        for digest in inputs {
            self.bytes(&digest.0)?;
        }
        self.text(mark)?;
        self.number(u32::try_from(inputs.len()).map_err(std::io::Error::other)?)?;
        self.bytes(&tail.to_le_bytes())?;
        self.flush()?;
        temporary.persist(place).map_err(|e| e.error)
    }
}

/// What the last build left, read server by server in the order of their keys.
pub(super) struct Remembered {
    reader: BufReader<std::fs::File>,
    tail: u64,
    at: u64,
    place: usize,
    inputs: Vec<Digest>,
    next: Option<Known>,
    /// What the servers may reach that are gone, or not as they were.
    stirred: Stirred,
}

/// One server as the last build knew it.
#[derive(Debug)]
struct Known {
    key: String,
    entry: ServerEntry,
    tools: KnownTools,
    /// What its pages were made from.
    inputs: Digest,
}

/// The tools of a server as they lie on the shelf.
#[derive(Debug)]
pub(super) struct KnownTools {
    /// All that is known of the server.
    record: Record,
    /// Where they begin.
    at: usize,
    /// The server's stamp as it lies there.
    stamp: Option<Digest>,
}

impl KnownTools {
    /// What is put on the next shelf of that server: the same, unless its stamp is another one.
    pub(super) fn record(&self, entry: &ServerEntry, tools: &[ToolOnShelf<'_>]) -> Cow<'_, Record> {
        let is_same = self.stamp == entry.stamp;
        if is_same { Cow::Borrowed(&self.record) } else { Cow::Owned(Record::new(entry, tools)) }
    }

    /// All of them.
    ///
    /// # Errors
    /// A record whose sum is right and whose shape is not, which nobody writes.
    pub(super) fn tools(&self) -> std::io::Result<Vec<ToolOnShelf<'_>>> {
        let mut rest = self.record.bytes.get(self.at..).unwrap_or_default();
        let count = take_number(&mut rest).unwrap_or_default();
        let tools = (0..count).map(|_| ToolOnShelf::take(&mut rest)).collect::<Option<Vec<_>>>();
        tools.filter(|_| rest.is_empty()).ok_or_else(|| std::io::ErrorKind::InvalidData.into())
    }
}

impl Remembered {
    /// Opens what the build with that `mark` left; None where there is nothing that can be used.
    pub(super) fn open(place: &Path, whole: Digest, mark: &str) -> Option<Self> {
        use std::os::unix::fs::FileExt;
        let file = std::fs::File::open(place).ok()?;
        let end = file.metadata().ok()?.len().checked_sub(8)?;
        let mut tail = [0; 8];
        file.read_exact_at(&mut tail, end).ok()?;
        let tail = u64::from_le_bytes(tail);
        let mut rest = vec![0; usize::try_from(end.checked_sub(tail)?).ok()?];
        file.read_exact_at(&mut rest, tail).ok()?;
        let mut rest = rest.as_slice();
        if digest(&mut rest).ok()? != whole {
            return None;
        }
        let count_at = rest.len().checked_sub(4)?;
        let count = u32::from_le_bytes(rest.get(count_at..)?.try_into().ok()?);
        let inputs = (0..count).map(|_| digest(&mut rest).ok()).collect::<Option<Vec<_>>>()?;
        if text(&mut rest).ok()? != mark || mark.is_empty() {
            return None;
        }
        let mut reader = BufReader::with_capacity(1 << 17, file);
        if text(&mut reader).ok()? != FORMAT {
            return None;
        }
        let at = 4 + FORMAT.len() as u64;
        let mut remembered =
            Self { reader, tail, at, place: 0, inputs, next: None, stirred: Stirred::default() };
        remembered.advance();
        Some(remembered)
    }

    /// The server with that key, with the row numbers it has now, its tools and what its pages were made from, if its stamp is the one
    /// that is remembered. Those before it are passed, it is not.
    pub(super) fn stamped(
        &mut self,
        key: &str,
        server: &SiteServer,
        stamp: Option<Digest>,
    ) -> Option<(ServerEntry, KnownTools, Digest)> {
        self.seek(key)?;
        let same = stamp.is_some() && self.next.as_ref()?.entry.stamp == stamp;
        if same { self.take(server, stamp) } else { None }
    }

    /// The same if everything the database says of it is the same; else it is passed, too.
    pub(super) fn server(
        &mut self,
        key: &str,
        server: &SiteServer,
        rows: Digest,
        stamp: Option<Digest>,
    ) -> Option<(ServerEntry, KnownTools, Digest)> {
        self.seek(key)?;
        if self.next.as_ref()?.entry.rows != rows {
            self.pass();
            return None;
        }
        self.take(server, stamp)
    }

    /// Goes to the server with that key; None where it is not.
    fn seek(&mut self, key: &str) -> Option<()> {
        while self.next.as_ref()?.key.as_str() < key {
            self.pass();
        }
        (self.next.as_ref()?.key == key).then_some(())
    }

    fn take(
        &mut self,
        server: &SiteServer,
        stamp: Option<Digest>,
    ) -> Option<(ServerEntry, KnownTools, Digest)> {
        let Known { entry, tools, inputs, .. } = self.next.take()?;
        self.advance();
        Some((ServerEntry { server: server.clone(), stamp, ..entry }, tools, inputs))
    }

    /// The next server is gone, or not as it was.
    fn pass(&mut self) {
        if let Some(known) = &self.next {
            match known.tools.tools() {
                Ok(tools) => tools.iter().for_each(|tool| self.stirred.add(tool.likeness)),
                Err(_) => self.stirred.add_everything(),
            }
        }
        self.advance();
    }

    /// All servers came up that are there: the rest is gone. Adds what those may reach that are gone or not as they were.
    pub(super) fn end(mut self, stirred: &mut Stirred) {
        while self.next.is_some() {
            self.pass();
        }
        stirred.join(self.stirred);
    }

    /// What cannot be read ends what is remembered: the rest is looked at anew.
    fn advance(&mut self) {
        self.next = None;
        if self.at >= self.tail {
            return;
        }
        if let Some((key, entry, tools)) = known(&mut self.reader)
            && let Some(inputs) = self.inputs.get(self.place).copied()
        {
            self.at += HEAD + tools.record.bytes.len() as u64;
            self.place += 1;
            self.next = Some(Known { key, entry, tools, inputs });
        } else {
            self.at = self.tail;
            self.stirred.add_everything();
        }
    }
}

/// What stands before a record.
const HEAD: u64 = 4 + 16;

fn put_server(record: &mut Vec<u8>, entry: &ServerEntry) {
    put_text(record, &entry.key_text());
    record.extend_from_slice(&entry.rows.0);
    record.push(u8::from(entry.stamp.is_some()));
    record.extend_from_slice(&entry.stamp.unwrap_or_default().0);
    put_text(record, &entry.name.name);
    put_text(record, &entry.name.key);
    record.push(u8::from(entry.name.add_word));
    put_text(record, &entry.version);
    put_text(record, entry.outcome.as_str());
    put_text(record, &entry.asked.to_string());
    put_text(record, &entry.since.to_string());
    put_text(record, &entry.listed_since.to_string());
    record.push(entry.traits.0);
    record.extend_from_slice(&u32::try_from(entry.places.len()).unwrap_or_default().to_le_bytes());
    entry.places.iter().for_each(|place| put_text(record, place));
}

/// The next record; None where it is damaged.
fn known(from: &mut impl Read) -> Option<(String, ServerEntry, KnownTools)> {
    let length = number(from).ok().filter(|length| *length <= MOST)?;
    let sum = digest(from).ok()?;
    let mut record = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut record).ok()?;
    if record.len() != length as usize || Digest::of_bytes(&record) != sum {
        return None;
    }
    let mut rest = record.as_slice();
    let (key, entry) = taken_server(&mut rest)?;
    let at = record.len() - rest.len();
    let stamp = entry.stamp;
    Some((key, entry, KnownTools { record: Record { bytes: record, sum }, at, stamp }))
}

fn taken_server(rest: &mut &[u8]) -> Option<(String, ServerEntry)> {
    let key_text = take_text(rest)?.to_owned();
    let key: ServerKey = key_text.parse().ok()?;
    let rows = Digest(*take_array(rest)?);
    let [has_stamp] = *take_array(rest)?;
    let stamp = Some(Digest(*take_array(rest)?)).filter(|_| has_stamp != 0);
    let (name, shown_key) = (take_text(rest)?.to_owned(), take_text(rest)?.to_owned());
    let [add_word] = *take_array(rest)?;
    let version = take_text(rest)?.to_owned();
    let outcome = take_text(rest)?.parse().ok()?;
    let mut at = || take_text(rest)?.parse().ok();
    let (asked, since, listed_since) = (at()?, at()?, at()?);
    let [traits] = *take_array(rest)?;
    let count = take_number(rest)?;
    let places = (0..count).map(|_| take_text(rest).map(str::to_owned)).collect::<Option<Vec<_>>>()?;
    let path = key.site_path();
    let entry = ServerEntry {
        server: SiteServer { key, answer: None, newest: 0, answers: 0, tries: 0, token: None },
        name: ServerName { name, add_word: add_word != 0, key: shown_key, path },
        version,
        outcome,
        asked,
        first_tool: 0,
        tool_count: 0,
        classes: [0; 4],
        rows,
        stamp,
        places,
        traits: ServerTraits(traits),
        since,
        listed_since,
        shown: 0,
    };
    Some((key_text, entry))
}

fn number(from: &mut impl Read) -> std::io::Result<u32> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

fn text(from: &mut impl Read) -> std::io::Result<String> {
    let length = number(from)?;
    if length > MOST {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut bytes)?;
    String::from_utf8(bytes).map_err(|_| std::io::ErrorKind::InvalidData.into())
}

fn digest(from: &mut impl Read) -> std::io::Result<Digest> {
    let mut bytes = [0; 16];
    from.read_exact(&mut bytes)?;
    Ok(Digest(bytes))
}
