//! The file beside a build: what it knew of each server and showed of each tool, for the next one.
//!
//! It only saves work. Without it, or with one that is not of the last build into this folder, everything is looked at
//! anew. It lies in the state folder and is no part of the site.

use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::catalogue::ServerEntry;
use super::declares::Declared;
use super::digest::Digest;
use super::name::ServerName;
use super::short::ToolInShort;
use super::stirred::Stirred;
use crate::attack::{PatternSet, ServerTraits};
use crate::model::{Class, Outcome, Risk, ServerKey, Signal};
use crate::store::site::SiteServer;

/// Changes whenever the shape of the file does.
const FORMAT: &str = "catalogue shelf 3";
/// Longest text that is believed when it is read back.
const MOST: u32 = 1 << 26;

/// The shelf that this build fills.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    /// None in a catalogue without servers.
    writer: Option<BufWriter<std::fs::File>>,
    at: u64,
    /// Where it will be kept; None: it is gone with the build.
    keep: Option<(tempfile::TempPath, PathBuf)>,
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
        let mut shelf = Self { writer: Some(BufWriter::with_capacity(1 << 16, file)), at: 0, keep };
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

    /// One server's head; its tools follow.
    ///
    /// # Errors
    /// A full disk.
    pub(super) fn begin_server(&mut self, entry: &ServerEntry) -> std::io::Result<()> {
        self.text(&entry.key_text())?;
        self.bytes(&entry.rows.0)?;
        self.text(&entry.name.name)?;
        self.text(&entry.name.key)?;
        self.number(u32::from(entry.name.add_word))?;
        self.text(&entry.version)?;
        self.text(entry.outcome.as_str())?;
        self.text(&entry.asked.to_string())?;
        self.text(&entry.since.to_string())?;
        self.number(u32::from(entry.traits.0))?;
        self.number(u32::try_from(entry.places.len()).map_err(std::io::Error::other)?)?;
        for place in &entry.places {
            self.text(place)?;
        }
        self.number(u32::try_from(entry.tool_count).map_err(std::io::Error::other)?)
    }

    /// One tool.
    ///
    /// # Errors
    /// A full disk.
    pub(super) fn put_tool(&mut self, tool: &ToolInShort) -> std::io::Result<()> {
        self.text(&tool.name)?;
        self.text(tool.class.as_str())?;
        self.text(tool.risk.as_str())?;
        self.bytes(&tool.exposed.0.to_le_bytes())?;
        self.bytes(&[tool.declared.number()])?;
        self.text(&tool.signals.iter().map(|s| s.as_str()).collect::<Vec<_>>().join(" "))?;
        self.text(&tool.line)?;
        self.text(&tool.more)
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
    /// Its tools.
    tools: Vec<ToolInShort>,
    /// What its pages were made from.
    inputs: Digest,
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

    /// The server with that key, with the row numbers it has now, its tools and what its pages were made from, if everything the
    /// database says of it is the same. Those before it are passed.
    pub(super) fn server(
        &mut self,
        key: &str,
        server: &SiteServer,
        rows: Digest,
    ) -> Option<(ServerEntry, Vec<ToolInShort>, Digest)> {
        while self.next.as_ref()?.key.as_str() < key {
            self.pass();
        }
        if self.next.as_ref()?.key != key {
            return None;
        }
        if self.next.as_ref()?.entry.rows != rows {
            self.pass();
            return None;
        }
        let Known { entry, tools, inputs, .. } = self.next.take()?;
        self.advance();
        Some((ServerEntry { server: server.clone(), ..entry }, tools, inputs))
    }

    /// The next server is gone, or not as it was.
    fn pass(&mut self) {
        if let Some(known) = &self.next {
            self.stirred.add_all(&known.entry, &known.tools);
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
        let mut counted = Counted { reader: &mut self.reader, read: 0 };
        if let Some((key, entry, tools)) = known(&mut counted)
            && let Some(inputs) = self.inputs.get(self.place).copied()
        {
            self.at += counted.read;
            self.place += 1;
            self.next = Some(Known { key, entry, tools, inputs });
        } else {
            self.at = self.tail;
            self.stirred.add_everything();
        }
    }
}

struct Counted<'a, R> {
    reader: &'a mut R,
    read: u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.read += count as u64;
        Ok(count)
    }
}

fn known(from: &mut impl Read) -> Option<(String, ServerEntry, Vec<ToolInShort>)> {
    let key_text = text(from).ok()?;
    let key: ServerKey = key_text.parse().ok()?;
    let rows = digest(from).ok()?;
    let (name, shown_key) = (text(from).ok()?, text(from).ok()?);
    let add_word = number(from).ok()? != 0;
    let version = text(from).ok()?;
    let outcome: Outcome = word(from)?;
    let asked = text(from).ok()?.parse().ok()?;
    let since = text(from).ok()?.parse().ok()?;
    let traits = ServerTraits(u8::try_from(number(from).ok()?).ok()?);
    let places = (0..number(from).ok()?).map(|_| text(from).ok()).collect::<Option<Vec<_>>>()?;
    let path = key.site_path();
    let entry = ServerEntry {
        server: SiteServer { key, answer: None, newest: 0, answers: 0 },
        name: ServerName { name, add_word, key: shown_key, path },
        version,
        outcome,
        asked,
        first_tool: 0,
        tool_count: 0,
        classes: [0; 4],
        rows,
        places,
        traits,
        since,
    };
    let tools = (0..number(from).ok()?).map(|_| tool(from)).collect::<Option<Vec<_>>>()?;
    Some((key_text, entry, tools))
}

fn tool(from: &mut impl Read) -> Option<ToolInShort> {
    let name = text(from).ok()?;
    let (class, risk): (Class, Risk) = (word(from)?, word(from)?);
    let mut exposed = [0; 8];
    from.read_exact(&mut exposed).ok()?;
    let exposed = PatternSet(u64::from_le_bytes(exposed));
    let mut declared = [0; 1];
    from.read_exact(&mut declared).ok()?;
    let declared = Declared::from_number(declared[0])?;
    let signals = text(from).ok()?;
    let signals = signals.split_whitespace().map(|s| s.parse().ok()).collect::<Option<Vec<Signal>>>()?;
    let (line, more) = (text(from).ok()?, text(from).ok()?);
    Some(ToolInShort { name, class, risk, signals, exposed, declared, line, more })
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
    let mut bytes = vec![0; length as usize];
    from.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map_err(|_| std::io::ErrorKind::InvalidData.into())
}

fn word<T: FromStr>(from: &mut impl Read) -> Option<T> {
    text(from).ok()?.parse().ok()
}

fn digest(from: &mut impl Read) -> std::io::Result<Digest> {
    let mut bytes = [0; 16];
    from.read_exact(&mut bytes)?;
    Ok(Digest(bytes))
}
