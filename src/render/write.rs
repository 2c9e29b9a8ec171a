//! Files of the site: written beside their place and renamed, left alone where nothing changed, removed when their page
//! is gone. The folder of a new server is written beside its place and renamed as a whole (see `fresh`).

mod big;
mod held;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::RenderError;
use super::compress::Compression;
use super::digest::Digest;
use super::fresh::{Fresh, beside, rename_to_free_place, taken_up};
use super::manifest::{
    Entry, JOURNAL, Listed, MANIFEST, UNFINISHED, Unit, UnitName, Units, begin, is_plain, take_up,
};

/// The folder a build writes to.
pub(super) struct Output {
    root: PathBuf,
    /// What the last build wrote, from the unit on that comes next.
    before: Mutex<Units>,
    /// What this build has finished.
    finished: Mutex<BufWriter<fs_err::File>>,
    journal: fs_err::File,
    /// Files that a build was writing when it was ended: ours, with unknown content.
    unsure: Mutex<BTreeSet<String>>,
    has_unsure: AtomicBool,
    /// The last build was ended before its end.
    pub(super) taken_up: bool,
    compression: Compression,
    bytes: AtomicU64,
    files: AtomicUsize,
    changed: AtomicUsize,
    removed: AtomicUsize,
}

/// A unit while it is written: what it was and what it is now. Any thread may put files into it.
pub(super) struct OpenUnit {
    before: Listed,
    now: Mutex<BTreeMap<String, Entry>>,
    /// Its folder, where it is new as a whole.
    fresh: Option<Fresh>,
}

/// A unit whose files are in their places, as the list of files will have it.
pub(super) struct ClosedUnit(String);

impl OpenUnit {
    /// What a file was made from the last time, if it is known.
    pub(super) fn inputs_before(&self, path: &str) -> Option<Digest> {
        self.before.files().get(path)?.inputs
    }

    /// Paths of the last build that begin so.
    pub(super) fn paths_before<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        let from = self.before.files().range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        from.map(|(path, _)| path.as_str()).take_while(move |path| path.starts_with(prefix))
    }

    /// True if the last build wrote this unit.
    pub(super) fn was_there(&self) -> bool {
        !self.before.is_empty()
    }
}

impl Output {
    /// Opens a folder: a new one, an empty one, or one that an earlier build wrote.
    ///
    /// # Errors
    /// A folder with other people's files in it, or one that cannot be written.
    pub(super) fn open(root: &Path, compression: Compression) -> Result<Self, RenderError> {
        fs_err::create_dir_all(root)?;
        let (manifest, journal) = (root.join(MANIFEST), root.join(JOURNAL));
        let ours = [&manifest, &journal, &root.join(UNFINISHED)].iter().any(|path| path.exists());
        if !ours && fs_err::read_dir(root)?.next().is_some() {
            return Err(RenderError::ForeignFolder { out: root.to_owned() });
        }
        take_up(root)?;
        let noted = fs_err::read_to_string(&journal).unwrap_or_default();
        let files = noted.lines().filter(|line| !line.ends_with('/') && is_plain(line));
        let mut unsure: BTreeSet<String> = files.map(str::to_owned).collect();
        taken_up(root, &noted, &mut unsure)?;
        for path in &unsure {
            let _ = std::fs::remove_file(beside(&root.join(path)));
        }
        Ok(Self {
            before: Mutex::new(Units::open(&manifest)?),
            taken_up: journal.exists(),
            journal: fs_err::OpenOptions::new().create(true).append(true).open(&journal)?,
            finished: Mutex::new(begin(&root.join(UNFINISHED))?),
            has_unsure: AtomicBool::new(!unsure.is_empty()),
            unsure: Mutex::new(unsure),
            root: root.to_owned(),
            compression,
            bytes: AtomicU64::new(0),
            files: AtomicUsize::new(0),
            changed: AtomicUsize::new(0),
            removed: AtomicUsize::new(0),
        })
    }

    /// Begins the next unit. Units must come in order; those of the last build that are passed are gone, and so are their files.
    ///
    /// # Errors
    /// A file that cannot be read or removed.
    pub(super) fn unit(&self, name: UnitName) -> Result<OpenUnit, RenderError> {
        let mut before = self.before.lock().expect("no thread panics while it holds the list");
        while before.next_name().is_some_and(|next| *next < name) {
            if let Some(unit) = before.take()? {
                for path in unit.files().keys() {
                    self.remove(path)?;
                }
            }
        }
        let known = if before.next_name() == Some(&name) { before.take()? } else { None };
        let before = known.unwrap_or_else(|| Listed::empty(name));
        Ok(OpenUnit { before, now: Mutex::new(BTreeMap::new()), fresh: None })
    }

    /// The same for a unit most of whose files lie in one folder, which is no other unit's.
    ///
    /// # Errors
    /// As [`Output::unit`].
    pub(super) fn unit_in(&self, name: UnitName, folder: &str) -> Result<OpenUnit, RenderError> {
        let mut unit = self.unit(name)?;
        if unit.before.is_empty() && !self.has_unsure.load(Ordering::Relaxed) {
            unit.fresh = Fresh::begin(&self.root, folder);
        }
        Ok(unit)
    }

    /// Leaves a whole unit as the last build wrote it.
    pub(super) fn keep_unit(&self, unit: OpenUnit) -> ClosedUnit {
        let total = unit.before.total();
        self.bytes.fetch_add(total.bytes, Ordering::Relaxed);
        self.files.fetch_add(total.files, Ordering::Relaxed);
        ClosedUnit(unit.before.text())
    }

    /// True if a file of the unit may be half written: then it cannot be kept unseen.
    pub(super) fn is_unsure(&self, unit: &OpenUnit) -> bool {
        self.has_unsure.load(Ordering::Relaxed) && {
            let unsure = self.unsure.lock().expect("no thread panics while it holds the list");
            unit.before.files().keys().any(|path| unsure.contains(path))
        }
    }

    /// Leaves one file as it is, because what it is made from is unchanged.
    ///
    /// # Errors
    /// [`RenderError::SamePlace`].
    pub(super) fn keep(&self, unit: &OpenUnit, path: &str) -> Result<bool, RenderError> {
        let Some(entry) = unit.before.files().get(path).filter(|_| self.can_keep(unit, path)) else {
            return Ok(false);
        };
        self.note(unit, path, entry.clone())?;
        for copy in self.compression.copies(path) {
            if let Some(entry) = unit.before.files().get(&copy) {
                self.note(unit, &copy, entry.clone())?;
            }
        }
        Ok(true)
    }

    /// True if [`Output::keep`] would leave that file.
    pub(super) fn can_keep(&self, unit: &OpenUnit, path: &str) -> bool {
        let unsure = self.has_unsure.load(Ordering::Relaxed) && self.forget_unsure(path, false);
        // A copy that was not wanted the last time is made with its file.
        let known = |copy: &String| unit.before.files().contains_key(copy);
        !unsure && unit.before.files().contains_key(path) && self.compression.copies(path).iter().all(known)
    }

    /// Puts one file in its place, with its compressed copies.
    ///
    /// # Errors
    /// A full disk and its like; a file at that place that no build wrote.
    pub(super) fn put(
        &self,
        unit: &OpenUnit,
        path: &str,
        inputs: Option<Digest>,
        content: &[u8],
    ) -> Result<bool, RenderError> {
        let changed = self.place(unit, path, inputs, content)?;
        for copy in self.compression.copies(path) {
            // Of the same bytes it is the same, though they may be made from something else now.
            let known = unit.before.files().get(&copy).filter(|_| !changed && self.can_keep(unit, &copy));
            match known {
                Some(entry) => self.note(unit, &copy, Entry { inputs, ..entry.clone() })?,
                None => {
                    let packed = self.compression.packed(&copy, content)?;
                    self.place(unit, &copy, inputs, &packed)?;
                }
            }
        }
        Ok(changed)
    }

    fn place(
        &self,
        unit: &OpenUnit,
        path: &str,
        inputs: Option<Digest>,
        content: &[u8],
    ) -> Result<bool, RenderError> {
        self.note(unit, path, Entry { inputs, bytes: content.len() as u64 })?;
        if let Some(fresh) = &unit.fresh
            && fresh.write(path, content, &self.journal)?
        {
            self.changed.fetch_add(1, Ordering::Relaxed);
            return Ok(true);
        }
        let target = self.root.join(path);
        let was_unsure = self.has_unsure.load(Ordering::Relaxed) && self.forget_unsure(path, true);
        let ours = was_unsure || unit.before.files().contains_key(path);
        if ours && is_same(&target, content) {
            return Ok(false);
        }
        // Noted before the file is there, so that a build that is ended leaves nothing unknown behind.
        (&self.journal).write_all(format!("{path}\n").as_bytes())?;
        self.write_beside(&target, content, ours)?;
        self.changed.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    }

    fn note(&self, unit: &OpenUnit, path: &str, entry: Entry) -> Result<(), RenderError> {
        self.bytes.fetch_add(entry.bytes, Ordering::Relaxed);
        self.files.fetch_add(1, Ordering::Relaxed);
        let mut now = unit.now.lock().expect("no thread panics while it holds the list");
        match now.insert(path.to_owned(), entry) {
            None => Ok(()),
            Some(_) => Err(RenderError::SamePlace { path: path.to_owned() }),
        }
    }

    /// True if that file may be half written; with `seen` it is whole from now on.
    fn forget_unsure(&self, path: &str, seen: bool) -> bool {
        let mut unsure = self.unsure.lock().expect("no thread panics while it holds the list");
        if seen { unsure.remove(path) } else { unsure.contains(path) }
    }

    fn write_beside(&self, target: &Path, content: &[u8], ours: bool) -> Result<(), RenderError> {
        let unfinished = beside(target);
        let mut file = match std::fs::File::create(&unfinished) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                fs_err::create_dir_all(target.parent().unwrap_or(&self.root))?;
                fs_err::File::create(&unfinished)?.into_parts().0
            }
            file => file?,
        };
        file.write_all(content)?;
        drop(file);
        if ours {
            fs_err::rename(&unfinished, target)?;
            return Ok(());
        }
        match rename_to_free_place(&unfinished, target) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                let _ = std::fs::remove_file(&unfinished);
                Err(RenderError::ForeignFile { path: target.to_owned() })
            }
            done => Ok(done?),
        }
    }

    /// Closes a unit: its folder is put in its place, and what the last build wrote for it and this one did not is removed. On any thread.
    ///
    /// # Errors
    /// A file that cannot be removed, or a full disk.
    pub(super) fn close_unit(&self, unit: OpenUnit) -> Result<ClosedUnit, RenderError> {
        let now = unit.now.into_inner().expect("no thread panics while it holds the list");
        if let Some(fresh) = unit.fresh {
            fresh.end(&self.root, &self.journal)?;
        }
        for path in unit.before.files().keys().filter(|path| !now.contains_key(*path)) {
            self.remove(path)?;
        }
        Ok(ClosedUnit(Unit { name: unit.before.name, files: now }.text()))
    }

    /// Notes in the list what a unit is now. Units must come in order.
    ///
    /// # Errors
    /// The list cannot be written.
    pub(super) fn record(&self, ClosedUnit(unit): &ClosedUnit) -> Result<(), RenderError> {
        let mut finished = self.finished.lock().expect("no thread panics while it holds the list");
        Ok(finished.write_all(unit.as_bytes())?)
    }

    /// Closes a unit and notes it.
    ///
    /// # Errors
    /// As [`Output::close_unit`] and [`Output::record`].
    pub(super) fn end_unit(&self, unit: OpenUnit) -> Result<(), RenderError> {
        self.record(&self.close_unit(unit)?)
    }

    /// Everything that was begun is finished: the units are on disk, and nothing is under way.
    ///
    /// # Errors
    /// The list cannot be written.
    pub(super) fn rest(&self) -> Result<(), RenderError> {
        self.finished.lock().expect("no thread panics while it holds the list").flush()?;
        self.journal.set_len(0)?;
        // What is still unsure has not come up yet.
        let unsure = self.unsure.lock().expect("no thread panics while it holds the list");
        for path in unsure.iter() {
            (&self.journal).write_all(format!("{path}\n").as_bytes())?;
        }
        Ok(())
    }

    /// Removes what earlier builds wrote and this one did not come to, and puts the new list in its place.
    ///
    /// # Errors
    /// A file that cannot be removed, or a full disk.
    pub(super) fn finish(self) -> Result<Written, RenderError> {
        self.unit(UnitName(u8::MAX, String::new()))?;
        let unsure = std::mem::take(&mut *self.unsure.lock().expect("no thread holds the list"));
        for path in &unsure {
            self.remove(path)?;
        }
        self.finished.lock().expect("no thread holds the list").flush()?;
        fs_err::rename(self.root.join(UNFINISHED), self.root.join(MANIFEST))?;
        fs_err::remove_file(self.root.join(JOURNAL))?;
        Ok(Written {
            files: self.files.into_inner(),
            changed: self.changed.into_inner(),
            removed: self.removed.into_inner(),
            bytes: self.bytes.into_inner(),
        })
    }

    /// Removes a file and the folders that are empty without it.
    fn remove(&self, path: &str) -> Result<(), RenderError> {
        match fs_err::remove_file(self.root.join(path)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(e.into()),
            Ok(()) => {
                self.removed.fetch_add(1, Ordering::Relaxed);
            }
        }
        for folder in Path::new(path).ancestors().skip(1) {
            if folder.as_os_str().is_empty() || std::fs::remove_dir(self.root.join(folder)).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The content of a file that is in its place.
    pub(super) fn read(&self, path: &str) -> std::io::Result<Vec<u8>> {
        fs_err::read(self.root.join(path))
    }

    /// The list of the last build, to tell it from others: its size and when it was written.
    pub(super) fn mark(root: &Path) -> String {
        let Ok(facts) = std::fs::metadata(root.join(MANIFEST)) else { return String::new() };
        let at = facts.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        format!("{} {}", facts.len(), at.unwrap_or_default().as_nanos())
    }
}

/// What a build wrote.
#[derive(Debug, Clone, Copy)]
pub(super) struct Written {
    /// Files of the site.
    pub(super) files: usize,
    /// Files that were written, because they are new or changed.
    pub(super) changed: usize,
    /// Files that were removed.
    pub(super) removed: usize,
    /// The size of the site.
    pub(super) bytes: u64,
}

fn is_same(target: &Path, content: &[u8]) -> bool {
    let same_size = std::fs::metadata(target).is_ok_and(|facts| facts.len() == content.len() as u64);
    same_size && std::fs::read(target).is_ok_and(|old| old == content)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put_all(output: &Output, files: &[(&str, &str)]) {
        let unit = output.unit(UnitName::whole()).unwrap();
        for (path, text) in files {
            output.put(&unit, path, None, text.as_bytes()).unwrap();
        }
        output.end_unit(unit).unwrap();
    }

    fn build(root: &Path, files: &[(&str, &str)]) -> Written {
        let output = Output::open(root, Compression::default()).unwrap();
        put_all(&output, files);
        output.finish().unwrap()
    }

    #[test]
    fn a_page_that_is_gone_goes_and_an_unchanged_one_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("dist");
        assert_eq!(build(&root, &[("a/b/c.html", "1"), ("d.html", "2")]).changed, 2);
        let written = build(&root, &[("d.html", "2"), ("e.html", "3")]);
        assert_eq!((written.changed, written.removed), (1, 1));
        assert!(!root.join("a").exists() && root.join("e.html").exists());
        let names: Vec<_> = std::fs::read_dir(&root).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 3, "{names:?}");
    }

    #[test]
    fn other_peoples_files_are_neither_removed_nor_written_over() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("mine.txt"), "x").unwrap();
        let open = |root: &Path| Output::open(root, Compression::default());
        assert!(matches!(open(dir.path()), Err(RenderError::ForeignFolder { .. })));
        let root = dir.path().join("dist");
        build(&root, &[("a.html", "1")]);
        std::fs::write(root.join("CNAME"), "x").unwrap();
        build(&root, &[("b.html", "1")]);
        assert!(root.join("CNAME").exists());
        let output = open(&root).unwrap();
        let unit = output.unit(UnitName::whole()).unwrap();
        assert!(matches!(output.put(&unit, "CNAME", None, b"y"), Err(RenderError::ForeignFile { .. })));
        assert_eq!(std::fs::read(root.join("CNAME")).unwrap(), b"x");
    }

    #[test]
    fn a_build_that_is_ended_leaves_nothing_unknown_behind() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("dist");
        build(&root, &[("old.html", "1")]);
        let output = Output::open(&root, Compression::default()).unwrap();
        let unit = output.unit(UnitName::whole()).unwrap();
        output.put(&unit, "half.html", None, b"1").unwrap();
        output.put(&unit, "old.html", Some(Digest::of(&2)), b"2").unwrap();
        drop(output);
        let output = Output::open(&root, Compression::default()).unwrap();
        assert!(output.taken_up);
        let unit = output.unit(UnitName::whole()).unwrap();
        assert!(output.is_unsure(&unit) && !output.keep(&unit, "old.html").unwrap());
        output.put(&unit, "old.html", Some(Digest::of(&1)), b"1").unwrap();
        output.end_unit(unit).unwrap();
        output.finish().unwrap();
        assert!(!root.join("half.html").exists());
        assert_eq!(std::fs::read(root.join("old.html")).unwrap(), b"1");
    }

    #[test]
    fn a_new_folder_is_there_as_a_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("dist");
        let open = || Output::open(&root, Compression::default()).unwrap();
        let begin = |output: &Output| {
            let unit = output.unit_in(UnitName::server("a"), "servers/a").unwrap();
            output.put(&unit, "servers/a/tools/x.html", None, b"x").unwrap();
            output.put(&unit, "elsewhere.html", None, b"y").unwrap();
            unit
        };
        let output = open();
        let unit = begin(&output);
        assert!(!root.join("servers/a").exists());
        drop((unit, output));
        // Ended before the folder was in its place: nothing is left of it.
        let output = open();
        let left: Vec<_> = std::fs::read_dir(root.join("servers")).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        let unit = begin(&output);
        output.end_unit(unit).unwrap();
        drop(output);
        // Ended when it was: the folder is ours, and what is not made again goes.
        let output = open();
        let unit = output.unit_in(UnitName::server("a"), "servers/a").unwrap();
        output.put(&unit, "servers/a/index.html", None, b"z").unwrap();
        output.end_unit(unit).unwrap();
        output.finish().unwrap();
        assert!(root.join("servers/a/index.html").exists() && !root.join("servers/a/tools").exists());
        assert!(!root.join("elsewhere.html").exists());
    }

    #[test]
    fn pages_of_a_new_folder_are_all_there_when_it_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("dist");
        let output = Output::open(&root, Compression::default()).unwrap();
        let unit = output.unit_in(UnitName::server("a"), "servers/a").unwrap();
        // More than is held, in pieces of different sizes; one page of another folder.
        let page = |i: usize| (format!("servers/a/tools/{i}.html"), format!("{i}").repeat(i * 60));
        for (path, text) in (0..100).map(page) {
            assert!(output.put_text(&unit, &path, Digest::of(&path), text).unwrap());
        }
        output.put_text(&unit, "elsewhere.html", Digest::of(&1), "y".to_owned()).unwrap();
        assert_eq!(std::fs::read(root.join("elsewhere.html")).unwrap(), b"y");
        assert!(!root.join("servers/a").exists());
        output.end_unit(unit).unwrap();
        let written = output.finish().unwrap();
        assert_eq!((written.files, written.changed), (101, 101));
        for (path, text) in (0..100).map(page) {
            assert_eq!(std::fs::read_to_string(root.join(path)).unwrap(), text);
        }
    }

    #[test]
    fn two_pages_in_one_place_are_an_error_also_while_they_are_held() {
        let dir = tempfile::tempdir().unwrap();
        let output = Output::open(&dir.path().join("dist"), Compression::default()).unwrap();
        let unit = output.unit_in(UnitName::server("a"), "servers/a").unwrap();
        let put =
            |text: &str| output.put_text(&unit, "servers/a/index.html", Digest::of(&text), text.to_owned());
        put("1").unwrap();
        assert!(matches!(put("2"), Err(RenderError::SamePlace { .. })));
    }

    /// While the pages of some servers are made the next ones are begun, and when the former are finished, the journal is emptied.
    #[test]
    fn a_folder_that_was_begun_while_others_were_made_is_ours() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("dist");
        let open = || Output::open(&root, Compression::default()).unwrap();
        let (output, path) = (open(), "servers/b/index.html");
        let unit = |name: &str| output.unit_in(UnitName::server(name), &format!("servers/{name}")).unwrap();
        let (first, second, third) = (unit("a"), unit("b"), unit("c"));
        output.put(&first, "servers/a/index.html", None, b"a").unwrap();
        output.end_unit(first).unwrap();
        output.rest().unwrap();
        output.put(&second, path, None, b"b").unwrap();
        output.put(&third, "servers/c/index.html", None, b"c").unwrap();
        // Ended when the second folder was in its place and not in the list, and the third was not whole.
        output.close_unit(second).unwrap();
        drop((third, output));
        let output = open();
        assert!(!root.join("servers/c.unfinished").exists());
        let unit = |name: &str| output.unit_in(UnitName::server(name), &format!("servers/{name}")).unwrap();
        let (first, second) = (unit("a"), unit("b"));
        assert!(first.was_there() && !second.was_there());
        output.put(&second, path, None, b"b, again").unwrap();
        output.end_unit(second).unwrap();
        output.finish().unwrap();
        assert_eq!(std::fs::read(root.join(path)).unwrap(), b"b, again");
    }

    #[test]
    fn a_new_folder_does_not_take_somebodys_place() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("dist");
        build(&root, &[("index.html", "1")]);
        let output = Output::open(&root, Compression::default()).unwrap();
        let unit = output.unit_in(UnitName::server("a"), "servers/a").unwrap();
        output.put(&unit, "servers/a/index.html", None, b"x").unwrap();
        std::fs::create_dir_all(root.join("servers/a")).unwrap();
        std::fs::write(root.join("servers/a/mine.txt"), "mine").unwrap();
        assert!(matches!(output.end_unit(unit), Err(RenderError::ForeignFile { .. })));
        drop(output);
        // Neither then nor when the next build takes up what was left.
        let output = Output::open(&root, Compression::default()).unwrap();
        output.finish().unwrap();
        assert_eq!(std::fs::read(root.join("servers/a/mine.txt")).unwrap(), b"mine");
        assert!(!root.join("servers/a.unfinished").exists());
    }

    #[test]
    fn servers_that_are_gone_lose_their_files_on_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("dist");
        let servers = |names: &[&str]| {
            let output = Output::open(&root, Compression::default()).unwrap();
            for name in names {
                let unit = output.unit(UnitName::server(name)).unwrap();
                output.put(&unit, &format!("{name}/index.html"), Some(Digest::of(name)), b"x").unwrap();
                output.end_unit(unit).unwrap();
                output.rest().unwrap();
            }
            output.finish().unwrap()
        };
        servers(&["a", "b", "c"]);
        let again = servers(&["a", "c", "d"]);
        assert_eq!((again.files, again.changed, again.removed), (3, 1, 1));
        assert!(!root.join("b").exists() && root.join("d/index.html").exists());
    }
}
