//! The list of files that builds wrote: what tells ours from anybody else's, and what each was made from.
//!
//! It is kept in units, one for each server and one for what speaks of the whole catalogue, in one order, so that the list of the
//! last build is read while that of this one is written, and neither is held in memory. A build that is ended leaves the
//! units it finished in a second file; [`take_up`] joins both before the next build begins.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Component, Path};
use std::sync::OnceLock;

use super::digest::Digest;

/// The list, in the output's root.
pub(super) const MANIFEST: &str = ".catalogue-files";
/// The units that this build has finished.
pub(super) const UNFINISHED: &str = ".catalogue-files.unfinished";
/// Paths that this build is about to write, until their unit is finished.
pub(super) const JOURNAL: &str = ".catalogue-files.journal";

const FIRST_LINE: &str = "files written by catalogue build; it removes what it no longer writes";

/// One file of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// What it was made from; None: not known, it is made again.
    pub(super) inputs: Option<Digest>,
    /// Its size.
    pub(super) bytes: u64,
}

/// Which part of the site a unit is, and which one of these. Units come in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct UnitName(pub(super) u8, pub(super) String);

/// The files of one unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) name: UnitName,
    pub(super) files: BTreeMap<String, Entry>,
}

impl UnitName {
    /// The one unit of everything that speaks of more than one server.
    pub(super) fn whole() -> Self {
        Self(0, String::new())
    }

    /// A server that was asked.
    pub(super) fn server(key: &str) -> Self {
        Self(1, one_line(key))
    }

    /// A server of which only declared lists are known.
    pub(super) fn unasked(about: &str) -> Self {
        Self(2, one_line(about))
    }
}

fn one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), "_")
}

impl Unit {
    /// As it stands in the list.
    pub(super) fn text(&self) -> String {
        in_list(&self.name, Total::of(&self.files), |text| {
            // A digest, a size and two spaces.
            text.reserve(self.files.keys().map(|path| path.len() + 45).sum());
            for (path, Entry { inputs, bytes }) in &self.files {
                match inputs {
                    Some(inputs) => inputs.put_hex(text),
                    None => text.push('-'),
                }
                // Writing to a text cannot fail.
                let _ = write!(text, " {bytes} ");
                text.push_str(path);
                text.push('\n');
            }
        })
    }
}

fn in_list(name: &UnitName, Total { files, bytes }: Total, put_lines: impl FnOnce(&mut String)) -> String {
    let mut text = format!("unit {} {}\n", name.0, name.1);
    put_lines(&mut text);
    let _ = writeln!(text, "end {files} {bytes}");
    text
}

/// What a unit comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Total {
    pub(super) files: usize,
    pub(super) bytes: u64,
}

impl Total {
    fn of(files: &BTreeMap<String, Entry>) -> Self {
        Self { files: files.len(), bytes: files.values().map(|entry| entry.bytes).sum() }
    }

    fn read(text: &str) -> Option<Self> {
        let (files, bytes) = text.split_once(' ')?;
        Some(Self { files: files.parse().ok()?, bytes: bytes.parse().ok()? })
    }
}

/// A unit of a list, whose lines are read when somebody asks: most of a site stays as it is, and is copied to the next list.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) name: UnitName,
    lines: String,
    total: Option<Total>,
    files: OnceLock<BTreeMap<String, Entry>>,
}

impl Listed {
    /// One without files.
    pub(super) fn empty(name: UnitName) -> Self {
        Self { name, lines: String::new(), total: None, files: OnceLock::new() }
    }

    /// True if it has no files.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Its files, by path.
    pub(super) fn files(&self) -> &BTreeMap<String, Entry> {
        self.files.get_or_init(|| self.lines.lines().filter_map(entry).collect())
    }

    /// What it comes to.
    pub(super) fn total(&self) -> Total {
        self.total.unwrap_or_else(|| Total::of(self.files()))
    }

    /// As it stands in the list.
    pub(super) fn text(&self) -> String {
        in_list(&self.name, self.total(), |text| text.push_str(&self.lines))
    }
}

/// Reads units one after the other.
pub(super) struct Units {
    lines: Option<BufReader<fs_err::File>>,
    next: Option<Listed>,
}

impl Units {
    /// Opens a list; one that is not there has no units.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn open(path: &Path) -> std::io::Result<Self> {
        let lines = match fs_err::File::open(path) {
            Ok(file) => Some(BufReader::with_capacity(1 << 16, file)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        let mut units = Self { lines, next: None };
        units.advance()?;
        Ok(units)
    }

    /// The name of the next unit.
    pub(super) fn next_name(&self) -> Option<&UnitName> {
        self.next.as_ref().map(|unit| &unit.name)
    }

    /// The next unit; what was not finished when it was written is none.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn take(&mut self) -> std::io::Result<Option<Listed>> {
        let unit = self.next.take();
        self.advance()?;
        Ok(unit)
    }

    fn advance(&mut self) -> std::io::Result<()> {
        let Some(lines) = &mut self.lines else { return Ok(()) };
        let mut line = String::new();
        let mut unit: Option<Listed> = None;
        loop {
            line.clear();
            if lines.read_line(&mut line)? == 0 {
                self.lines = None;
                return Ok(());
            }
            let text = line.trim_end_matches('\n');
            if let Some(name) = text.strip_prefix("unit ") {
                let (section, rest) = name.split_once(' ').unwrap_or((name, ""));
                unit = section.parse().ok().map(|section| Listed::empty(UnitName(section, rest.to_owned())));
            } else if let Some(total) = text.strip_prefix("end") {
                if let Some(unit) = &mut unit {
                    unit.total = Total::read(total.trim_start());
                }
                self.next = unit;
                return Ok(());
            } else if let Some(unit) = &mut unit {
                unit.lines.push_str(&line);
            }
        }
    }
}

fn entry(line: &str) -> Option<(String, Entry)> {
    let (inputs, rest) = line.split_once(' ')?;
    let (bytes, path) = rest.split_once(' ')?;
    let entry = Entry { inputs: Digest::from_hex(inputs), bytes: bytes.parse().ok()? };
    is_plain(path).then(|| (path.to_owned(), entry))
}

/// A line that could lead out of the folder is not followed, whoever wrote it.
pub(super) fn is_plain(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// A new list at `path`, with its first line.
///
/// # Errors
/// A file that cannot be written.
pub(super) fn begin(path: &Path) -> std::io::Result<BufWriter<fs_err::File>> {
    let mut file = BufWriter::with_capacity(1 << 16, fs_err::File::create(path)?);
    writeln!(file, "{FIRST_LINE}")?;
    Ok(file)
}

/// Joins what a build that was ended had finished with the list of the build before it: of both, the newer unit counts.
/// Everything the ended build passed and did not write is gone already.
///
/// # Errors
/// A list that cannot be read or written.
pub(super) fn take_up(root: &Path) -> std::io::Result<()> {
    let unfinished = root.join(UNFINISHED);
    if !unfinished.exists() {
        return Ok(());
    }
    let mut finished = Units::open(&unfinished)?;
    let mut before = Units::open(&root.join(MANIFEST))?;
    let joined = root.join(format!("{MANIFEST}.joined"));
    let mut list = begin(&joined)?;
    let mut last = None;
    while let Some(unit) = finished.take()? {
        list.write_all(unit.text().as_bytes())?;
        last = Some(unit.name);
    }
    while let Some(unit) = before.take()? {
        if last.as_ref().is_none_or(|last| unit.name > *last) {
            list.write_all(unit.text().as_bytes())?;
        }
    }
    list.into_inner().map_err(|e| e.into_error())?.sync_all()?;
    fs_err::rename(&joined, root.join(MANIFEST))?;
    fs_err::remove_file(unfinished)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: UnitName, paths: &[&str]) -> Unit {
        let entry = Entry { inputs: Some(Digest::of(&1)), bytes: 5 };
        Unit { name, files: paths.iter().map(|p| ((*p).to_owned(), entry.clone())).collect() }
    }

    fn names(path: &Path) -> Vec<String> {
        let mut units = Units::open(path).unwrap();
        std::iter::from_fn(|| units.take().unwrap()).map(|unit| unit.name.1).collect()
    }

    #[test]
    fn units_come_back_as_they_were_and_half_of_one_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list");
        let whole = unit(UnitName::server("npm:a"), &["a/b c.html", "x.json"]);
        let half = unit(UnitName::server("npm:b"), &["b.html"]).text();
        let half = half.trim_end_matches("end 1 5\n");
        std::fs::write(&path, format!("{FIRST_LINE}\n{}{half}", whole.text())).unwrap();
        let mut units = Units::open(&path).unwrap();
        assert_eq!(units.next_name(), Some(&whole.name));
        let read = units.take().unwrap().unwrap();
        assert_eq!(
            (&read.name, read.files(), read.total()),
            (&whole.name, &whole.files, Total { files: 2, bytes: 10 })
        );
        assert_eq!(read.text(), whole.text());
        assert!(units.take().unwrap().is_none());
        assert!(Units::open(&dir.path().join("none")).unwrap().take().unwrap().is_none());
    }

    #[test]
    fn a_list_that_leads_out_of_the_folder_is_not_followed() {
        for path in ["../x", "/etc/passwd", "a/../../b", ""] {
            assert_eq!(entry(&format!("- 1 {path}")), None, "{path}");
        }
        assert!(entry("- 1 ok/x.html").is_some());
    }

    #[test]
    fn what_was_finished_takes_the_place_of_what_was_before() {
        let dir = tempfile::tempdir().unwrap();
        let text = |names: &[&str]| {
            let units: String = names.iter().map(|n| unit(UnitName::server(n), &["x.html"]).text()).collect();
            format!("{FIRST_LINE}\n{units}")
        };
        std::fs::write(dir.path().join(MANIFEST), text(&["a", "b", "d", "e"])).unwrap();
        std::fs::write(dir.path().join(UNFINISHED), text(&["a", "c", "d"])).unwrap();
        take_up(dir.path()).unwrap();
        assert_eq!(names(&dir.path().join(MANIFEST)), ["a", "c", "d", "e"]);
        assert!(!dir.path().join(UNFINISHED).exists());
    }
}
