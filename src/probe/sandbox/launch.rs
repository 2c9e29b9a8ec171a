//! What the launcher of a box says about itself, over a pipe that nothing in the box holds.
//!
//! Standard error belongs to the server: whatever stands there, also the launcher's own words, it may have written.
//! Bubblewrap tells by `--json-status-fd` how the program ended, and says nothing if there never was one; the helper of
//! the reduced level tells when it has started it.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

/// Bubblewrap writes one line when the box's first process is made and one when it has ended.
const MOST_BYTES: u64 = 4096;
/// What the helper of the reduced level writes once the program runs.
pub(super) const STARTED: &[u8] = b"started\n";

/// Which launcher it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Launcher {
    /// Bubblewrap.
    Bwrap,
    /// Our own helper.
    Helper,
}

/// Our end of the pipe.
#[derive(Debug)]
pub(super) struct Launch {
    launcher: Launcher,
    pipe: File,
    said: RefCell<Vec<u8>>,
}

/// The launcher's end, until it is started.
#[derive(Debug)]
pub(super) struct Theirs(OwnedFd);

impl Theirs {
    /// The number under which the launcher finds it.
    pub(super) fn number(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Launch {
    /// A pipe for one launcher. Both ends are closed at exec unless they are kept.
    ///
    /// # Errors
    /// There is no descriptor left.
    pub(super) fn pipe(launcher: Launcher) -> io::Result<(Self, Theirs)> {
        let (ours, theirs) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let flags = rustix::fs::fcntl_getfl(&ours)?;
        rustix::fs::fcntl_setfl(&ours, flags | rustix::fs::OFlags::NONBLOCK)?;
        Ok((Self { launcher, pipe: File::from(ours), said: RefCell::default() }, Theirs(theirs)))
    }

    /// True if the launcher, which has ended by itself, ever got as far as the program.
    ///
    /// Bubblewrap tells of the program's end only, so that this may be asked when the launcher is gone and not before.
    pub(super) fn program_ran(&self) -> bool {
        let mut said = self.said.borrow_mut();
        let room = MOST_BYTES.saturating_sub(said.len() as u64);
        // Nothing there, nothing more to come, or gone: what was said until now counts.
        let _ = (&self.pipe).take(room).read_to_end(&mut said);
        says_so(self.launcher, &said)
    }
}

fn says_so(launcher: Launcher, said: &[u8]) -> bool {
    match launcher {
        Launcher::Helper => said == STARTED,
        Launcher::Bwrap => said.split(|b| *b == b'\n').any(|line| {
            serde_json::from_slice::<serde_json::Value>(line)
                .is_ok_and(|line| line.get("exit-code").is_some())
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn only_the_end_of_the_program_says_that_there_was_one() {
        let first = "{ \"child-pid\": 41, \"mnt-namespace\": 4026532187 }\n";
        let end = "{ \"exit-code\": 1 }\n";
        for (launcher, said, ran) in [
            (Launcher::Bwrap, first.to_owned(), false),
            (Launcher::Bwrap, format!("{first}{end}"), true),
            (Launcher::Bwrap, String::new(), false),
            (Launcher::Bwrap, "\"exit-code\"\n".to_owned(), false),
            (Launcher::Helper, String::new(), false),
            (Launcher::Helper, "started\n".to_owned(), true),
        ] {
            assert_eq!(says_so(launcher, said.as_bytes()), ran, "{launcher:?} {said:?}");
        }
    }

    #[test]
    fn what_is_said_bit_by_bit_is_put_together_and_an_open_pipe_is_not_waited_for() {
        let (launch, theirs) = Launch::pipe(Launcher::Helper).unwrap();
        let mut writer = File::from(theirs.0);
        assert!(!launch.program_ran());
        writer.write_all(b"star").unwrap();
        assert!(!launch.program_ran());
        writer.write_all(b"ted\n").unwrap();
        assert!(launch.program_ran() && launch.program_ran());
    }
}
