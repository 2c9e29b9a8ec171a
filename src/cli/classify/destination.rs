//! Where lines for outside are written: standard output, or a file that appears whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

/// Something to write to, and what to do when all is written.
pub(in crate::cli) enum Destination {
    /// Standard output.
    Stdout(BufWriter<std::io::Stdout>),
    /// A file beside its place, renamed at the end.
    Beside(BufWriter<NamedTempFile>, PathBuf),
    /// A pipe or a device: there is nothing to rename.
    Straight(BufWriter<File>),
}

impl Destination {
    /// `-` is standard output. A link is followed, so that it stays a link.
    ///
    /// # Errors
    /// A folder, or a place that cannot be written.
    pub(in crate::cli) fn open(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdout(BufWriter::new(std::io::stdout())));
        }
        let cannot = || format!("cannot write to {}", path.display());
        if path.is_dir() {
            bail!("{} is a folder; --output takes a file or -", path.display());
        }
        if path.exists() && !path.is_file() {
            let straight = File::options().write(true).open(path).with_context(cannot)?;
            return Ok(Self::Straight(BufWriter::new(straight)));
        }
        let place = if path.exists() { fs_err::canonicalize(path)? } else { path.to_owned() };
        let folder = place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        let file = tempfile::Builder::new()
            .prefix(".lines-unfinished-")
            .permissions(mode)
            .tempfile_in(folder)
            .with_context(cannot)?;
        Ok(Self::Beside(BufWriter::new(file), place))
    }

    /// Puts everything in its place.
    ///
    /// # Errors
    /// A full disk and its like, or a closed pipe.
    pub(in crate::cli) fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush()?,
            Self::Straight(mut out) => out.flush()?,
            Self::Beside(out, place) => {
                let file = out.into_inner().map_err(|e| e.into_error())?;
                file.persist(&place).with_context(|| format!("cannot write {}", place.display()))?;
            }
        }
        Ok(())
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::Beside(out, _) => out.write(bytes),
            Self::Straight(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::Beside(out, _) => out.flush(),
            Self::Straight(out) => out.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_when_it_is_whole_and_a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.jsonl"), folder.path().join("link.jsonl"));
        std::fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut out = Destination::open(&link).unwrap();
        out.write_all(b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "old");
        drop(out);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "an abandoned run leaves nothing");
        let mut out = Destination::open(&link).unwrap();
        out.write_all(b"new").unwrap();
        out.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "new");
        assert!(link.is_symlink());
    }

    #[test]
    fn a_device_is_written_to_and_never_replaced() {
        let mut out = Destination::open(Path::new("/dev/null")).unwrap();
        out.write_all(b"x").unwrap();
        out.finish().unwrap();
        assert!(!Path::new("/dev/null").is_file());
        assert!(Destination::open(Path::new("/")).is_err());
    }
}
