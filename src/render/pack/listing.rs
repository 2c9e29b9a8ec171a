//! The files of a built site, as the server of a tree would show them: what has a hidden name, a name that no address can say, or is a link, is
//! left out, and so are compressed copies, since packs are compressed themselves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::place::{Weighed, key_of};
use super::{PackError, archive};

/// Every file and folder below a root, sorted by key; some sixty bytes for each.
#[derive(Debug, Default)]
pub(in crate::render) struct Listing {
    entries: Vec<Entry>,
    /// Paths of folders below the root, with the slash at the end; of the root itself, nothing.
    folders: Vec<String>,
    /// Names of files, one behind the other.
    names: String,
    pub(in crate::render) files: usize,
    /// Bytes of all files.
    pub(in crate::render) bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: u64,
    bytes: u64,
    folder: u32,
    /// Where its name begins and ends; a folder has none.
    name: (u32, u16),
}

impl Listing {
    /// Walks through a tree.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub(in crate::render) fn of(root: &Path) -> Result<Self, PackError> {
        let mut listing = Self::default();
        let mut waiting = vec![(root.to_owned(), String::new())];
        while let Some((place, path)) = waiting.pop() {
            let number = u32::try_from(listing.folders.len()).map_err(|_| PackError::TooMany)?;
            if !path.is_empty() {
                listing.entries.push(Entry { key: key_of(&path), bytes: 0, folder: number, name: (0, 0) });
            }
            listing.folder(&place, &path, number, &mut waiting)?;
            listing.folders.push(path);
        }
        let Self { entries, folders, names, .. } = &mut listing;
        // Equal keys are rare, and then the names decide.
        entries.sort_unstable_by(|a, b| {
            let paths = || path_of(folders, names, a).cmp(&path_of(folders, names, b));
            a.key.cmp(&b.key).then_with(paths)
        });
        Ok(listing)
    }

    fn folder(
        &mut self,
        place: &Path,
        path: &str,
        number: u32,
        waiting: &mut Vec<(PathBuf, String)>,
    ) -> Result<(), PackError> {
        let mut found = Vec::new();
        for entry in fs_err::read_dir(place)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string()
                && is_shown(&name)
            {
                found.push((name, entry.file_type()?, entry));
            }
        }
        let names: BTreeSet<&str> = found.iter().map(|(name, ..)| name.as_str()).collect();
        let copied = |name: &str| {
            let of = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".br"));
            of.is_some_and(|of| names.contains(of))
        };
        for (name, kind, entry) in &found {
            if kind.is_dir() {
                waiting.push((entry.path(), format!("{path}{name}/")));
            } else if kind.is_file() && !copied(name) {
                let at = u32::try_from(self.names.len()).map_err(|_| PackError::TooMany)?;
                let len = u16::try_from(name.len()).map_err(|_| PackError::TooMany)?;
                let bytes = entry.metadata()?.len();
                let key = key_of(&format!("{path}{name}"));
                self.entries.push(Entry { key, bytes, folder: number, name: (at, len) });
                self.names.push_str(name);
                self.files += 1;
                self.bytes += bytes;
            }
        }
        Ok(())
    }

    /// What decides on packs, in the order of keys.
    pub(in crate::render) fn weighed(&self) -> Vec<Weighed> {
        let weight = |entry: &Entry| entry.bytes + archive::overhead(&self.path(entry));
        self.entries.iter().map(|entry| Weighed { key: entry.key, weight: weight(entry) }).collect()
    }

    /// Keys and paths of a part, in that order; a folder's path ends with a slash.
    pub(in crate::render) fn part(&self, range: std::ops::Range<usize>) -> Vec<(u64, String)> {
        let entries = self.entries.get(range).unwrap_or_default();
        entries.iter().map(|entry| (entry.key, self.path(entry))).collect()
    }

    fn path(&self, entry: &Entry) -> String {
        path_of(&self.folders, &self.names, entry)
    }
}

fn path_of(folders: &[String], names: &str, entry: &Entry) -> String {
    let (at, len) = (entry.name.0 as usize, usize::from(entry.name.1));
    let folder = folders.get(entry.folder as usize).map_or("", String::as_str);
    format!("{folder}{}", names.get(at..at + len).unwrap_or_default())
}

/// True if a request can name it: the server of a tree refuses the same.
pub(in crate::render) fn is_shown(name: &str) -> bool {
    !name.starts_with('.') && !name.contains(['\\', ':', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_would_not_show_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("a b/.git")).unwrap();
        for name in
            ["index.html", "index.html.gz", "index.html.br", "lone.gz", ".hidden", "a:b", "a b/x.html"]
        {
            std::fs::write(root.join(name), "x").unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", root.join("link.txt")).unwrap();
        let listing = Listing::of(root).unwrap();
        let mut paths: Vec<String> =
            listing.part(0..listing.entries.len()).into_iter().map(|(_, p)| p).collect();
        paths.sort();
        assert_eq!(paths, ["a b/", "a b/x.html", "index.html", "lone.gz"]);
        assert_eq!((listing.files, listing.bytes), (3, 3));
    }
}
