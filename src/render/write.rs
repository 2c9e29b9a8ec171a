//! Files of the site: written beside their place and renamed, left alone where nothing changed, removed when their page
//! is gone. A list of what was written tells our files from anybody else's.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::RenderError;

/// The list of our files, one path a line; lines after the first blank one were added by a build that did not end.
const MANIFEST: &str = ".catalogue-files";
/// Where files are written before they are renamed.
const WORKSHOP: &str = ".catalogue-unfinished";
const FIRST_LINE: &str = "files written by catalogue build; it removes what it no longer writes";

/// The folder a build writes to.
pub(super) struct Output {
    root: PathBuf,
    /// Written by an earlier build.
    before: BTreeSet<String>,
    now: Mutex<Now>,
    bytes: AtomicU64,
    changed: AtomicUsize,
}

struct Now {
    paths: BTreeSet<String>,
    folders: BTreeSet<PathBuf>,
    journal: fs_err::File,
}

impl Output {
    /// Opens a folder: a new one, an empty one, or one that an earlier build wrote.
    ///
    /// # Errors
    /// A folder with other people's files in it, or one that cannot be written.
    pub(super) fn open(root: &Path) -> Result<Self, RenderError> {
        fs_err::create_dir_all(root)?;
        let manifest = root.join(MANIFEST);
        let before = if manifest.exists() {
            read_manifest(&fs_err::read_to_string(&manifest)?)
        } else {
            if fs_err::read_dir(root)?.next().is_some() {
                return Err(RenderError::ForeignFolder { out: root.to_owned() });
            }
            BTreeSet::new()
        };
        let workshop = root.join(WORKSHOP);
        if workshop.exists() {
            fs_err::remove_dir_all(&workshop)?;
        }
        fs_err::create_dir(&workshop)?;
        let mut journal = fs_err::OpenOptions::new().create(true).append(true).open(&manifest)?;
        if before.is_empty() {
            writeln!(journal, "{FIRST_LINE}")?;
        }
        let now = Now { paths: BTreeSet::new(), folders: BTreeSet::new(), journal };
        Ok(Self {
            root: root.to_owned(),
            before,
            now: Mutex::new(now),
            bytes: AtomicU64::new(0),
            changed: AtomicUsize::new(0),
        })
    }

    /// Puts one file in its place. Any thread may.
    ///
    /// # Errors
    /// A full disk and its like; or a file at that place that no build wrote.
    pub(super) fn put(&self, path: &str, content: &[u8]) -> Result<(), RenderError> {
        let target = self.root.join(path);
        self.announce(path, &target)?;
        self.bytes.fetch_add(content.len() as u64, Ordering::Relaxed);
        if self.before.contains(path) && fs_err::read(&target).is_ok_and(|old| old == content) {
            return Ok(());
        }
        let mut file = new_file(&self.root.join(WORKSHOP))?;
        file.write_all(content)?;
        file.persist(&target).map_err(|e| e.error)?;
        self.changed.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Notes the path before the file is there, so that a build that is ended leaves nothing unknown behind.
    fn announce(&self, path: &str, target: &Path) -> Result<(), RenderError> {
        let mut now = self.now.lock().expect("no thread panics while it holds the list of files");
        if !now.paths.insert(path.to_owned()) {
            return Err(RenderError::SamePlace { path: path.to_owned() });
        }
        if let Some(folder) = target.parent()
            && !now.folders.contains(folder)
        {
            fs_err::create_dir_all(folder)?;
            now.folders.insert(folder.to_owned());
        }
        if !self.before.contains(path) {
            if target.exists() {
                return Err(RenderError::ForeignFile { path: target.to_owned() });
            }
            writeln!(now.journal, "{path}")?;
        }
        Ok(())
    }

    /// Removes what earlier builds wrote and this one did not, and writes the list anew.
    ///
    /// # Errors
    /// A file that cannot be removed, or a full disk.
    pub(super) fn finish(self) -> Result<Written, RenderError> {
        let now = self.now.into_inner().expect("no thread panics while it holds the list of files");
        for path in self.before.difference(&now.paths) {
            remove(&self.root, path)?;
        }
        let mut list = format!("{FIRST_LINE}\n");
        for path in &now.paths {
            list.push_str(path);
            list.push('\n');
        }
        let workshop = self.root.join(WORKSHOP);
        let mut file = new_file(&workshop)?;
        file.write_all(list.as_bytes())?;
        file.persist(self.root.join(MANIFEST)).map_err(|e| e.error)?;
        fs_err::remove_dir_all(&workshop)?;
        Ok(Written { changed: self.changed.into_inner(), bytes: self.bytes.into_inner() })
    }
}

/// What a build wrote.
pub(super) struct Written {
    /// Files that were written, because they are new or changed.
    pub(super) changed: usize,
    /// Their size together, changed or not.
    pub(super) bytes: u64,
}

fn new_file(workshop: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    builder.tempfile_in(workshop)
}

fn read_manifest(text: &str) -> BTreeSet<String> {
    text.lines().skip(1).filter(|line| is_plain(line)).map(str::to_owned).collect()
}

/// A line that could lead out of the folder is not followed, whoever wrote it.
fn is_plain(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Removes a file and the folders that are empty without it.
fn remove(root: &Path, path: &str) -> std::io::Result<()> {
    match fs_err::remove_file(root.join(path)) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    for folder in Path::new(path).ancestors().skip(1) {
        if folder.as_os_str().is_empty() || std::fs::remove_dir(root.join(folder)).is_err() {
            break;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(root: &Path, files: &[(&str, &str)]) -> Written {
        let output = Output::open(root).unwrap();
        for (path, text) in files {
            output.put(path, text.as_bytes()).unwrap();
        }
        output.finish().unwrap()
    }

    #[test]
    fn a_page_that_is_gone_goes_and_an_unchanged_one_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("dist");
        assert_eq!(build(&root, &[("a/b/c.html", "1"), ("d.html", "2")]).changed, 2);
        let written = build(&root, &[("d.html", "2"), ("e.html", "3")]);
        assert_eq!(written.changed, 1);
        assert!(!root.join("a").exists() && root.join("e.html").exists());
        assert!(!root.join(WORKSHOP).exists());
    }

    #[test]
    fn other_peoples_files_are_neither_removed_nor_written_over() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("mine.txt"), "x").unwrap();
        assert!(matches!(Output::open(dir.path()), Err(RenderError::ForeignFolder { .. })));
        let root = dir.path().join("dist");
        build(&root, &[("a.html", "1")]);
        std::fs::write(root.join("CNAME"), "x").unwrap();
        build(&root, &[("b.html", "1")]);
        assert!(root.join("CNAME").exists());
        let output = Output::open(&root).unwrap();
        assert!(matches!(output.put("CNAME", b"y"), Err(RenderError::ForeignFile { .. })));
    }

    #[test]
    fn a_build_that_is_ended_leaves_nothing_unknown_behind() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("dist");
        let output = Output::open(&root).unwrap();
        output.put("half.html", b"1").unwrap();
        drop(output);
        build(&root, &[("whole.html", "1")]);
        assert!(!root.join("half.html").exists());
    }

    #[test]
    fn a_list_that_leads_out_of_the_folder_is_not_followed() {
        assert!(read_manifest("first\n../x\n/etc/passwd\na/../../b\nok/x.html\n").iter().eq(["ok/x.html"]));
    }
}
