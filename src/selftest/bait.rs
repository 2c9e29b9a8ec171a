//! What lies outside the boxes to be reached for: a secret file, a file to change, listeners, a process with a secret.
//!
//! Laid out by `catalogue selftest` before the rows are started, looked at when they are gone. Listeners only count.

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Name of the variable that the process outside has and no box may.
pub(crate) const SECRET_VARIABLE: &str = "CATALOGUE_BAIT_SECRET";
/// What is written into the file that nobody may change.
const UNTOUCHED: &str = "as it was\n";

/// Where the bait lies, as a row is told: an attack that had to look for it would prove less.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    /// A word that is in the arguments of every row's process of this run, so that what stays behind is found.
    pub word: String,
    /// The folder with the bait, on the host.
    pub folder: PathBuf,
    /// Id of the process outside, on the host.
    pub pid: u32,
    /// Listener on 127.0.0.1.
    pub tcp4: u16,
    /// Listener on ::1; None where this machine has no IPv6.
    pub tcp6: Option<u16>,
    /// Datagrams on 127.0.0.1.
    pub udp4: u16,
}

impl Told {
    /// A file that everybody on the host may read.
    pub(crate) fn secret_file(&self) -> PathBuf {
        self.folder.join("secret")
    }

    /// A file that everybody on the host may write.
    pub(crate) fn open_file(&self) -> PathBuf {
        self.folder.join("open")
    }

    /// A Unix socket that everybody on the host may connect to.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// A Unix datagram socket that everybody on the host may send to.
    pub(crate) fn datagrams(&self) -> PathBuf {
        self.folder.join("datagrams")
    }

    /// The name of a Unix socket that lies in no folder.
    pub(crate) fn abstract_name(&self) -> String {
        format!("catalogue-bait-{}", self.word)
    }
}

/// The bait, held as long as it lies there.
#[derive(Debug)]
pub struct Bait {
    told: Told,
    tcp4: TcpListener,
    tcp6: Option<TcpListener>,
    udp4: UdpSocket,
    unix: UnixListener,
    named: UnixListener,
    datagrams: UnixDatagram,
}

/// What came of the bait.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Connections to the listeners, of every kind.
    pub connections: usize,
    /// Datagrams, of every kind.
    pub datagrams: usize,
    /// The open file is not what it was.
    pub file_changed: bool,
    /// Files that nobody of ours put beside it.
    pub files_left: usize,
}

impl Bait {
    /// Lays everything out in `folder`, which is made and which everybody may enter.
    ///
    /// # Errors
    /// A file or a socket cannot be made.
    pub fn lay(folder: &Path, word: &str) -> io::Result<Self> {
        fs_err::create_dir_all(folder)?;
        let open = |path: &Path, mode| fs_err::set_permissions(path, PermissionsExt::from_mode(mode));
        open(folder, 0o777)?;
        let tcp4 = TcpListener::bind("127.0.0.1:0")?;
        let tcp6 = TcpListener::bind("[::1]:0").ok();
        let udp4 = UdpSocket::bind("127.0.0.1:0")?;
        let told = Told {
            word: word.to_owned(),
            folder: folder.to_owned(),
            pid: 0,
            tcp4: tcp4.local_addr()?.port(),
            tcp6: tcp6.as_ref().and_then(|l| l.local_addr().ok()).map(|a| a.port()),
            udp4: udp4.local_addr()?.port(),
        };
        fs_err::write(told.secret_file(), format!("secret {word}\n"))?;
        fs_err::write(told.open_file(), UNTOUCHED)?;
        open(&told.secret_file(), 0o644)?;
        open(&told.open_file(), 0o666)?;
        let unix = UnixListener::bind(told.socket())?;
        let datagrams = UnixDatagram::bind(told.datagrams())?;
        open(&told.socket(), 0o777)?;
        open(&told.datagrams(), 0o777)?;
        let named = UnixListener::bind_addr(&SocketAddr::from_abstract_name(told.abstract_name())?)?;
        for nonblocking in [
            tcp4.set_nonblocking(true),
            tcp6.as_ref().map_or(Ok(()), |l| l.set_nonblocking(true)),
            udp4.set_nonblocking(true),
            unix.set_nonblocking(true),
            named.set_nonblocking(true),
            datagrams.set_nonblocking(true),
        ] {
            nonblocking?;
        }
        Ok(Self { told, tcp4, tcp6, udp4, unix, named, datagrams })
    }

    /// What the rows are told, once the process outside has an id.
    pub fn told(&self, pid: u32) -> Told {
        Told { pid, ..self.told.clone() }
    }

    /// The variable that the process outside is started with.
    pub fn secret(&self) -> (String, String) {
        (SECRET_VARIABLE.to_owned(), self.told.word.chars().rev().collect())
    }

    /// Counts what came since it was laid out.
    pub fn look(&self) -> Seen {
        let until_dry =
            |mut one: Box<dyn FnMut() -> bool + '_>| std::iter::from_fn(|| one().then_some(())).count();
        let mut buffer = [0; 64];
        let mut other = [0; 64];
        let connections = until_dry(Box::new(|| self.tcp4.accept().is_ok()))
            + until_dry(Box::new(|| self.tcp6.as_ref().is_some_and(|l| l.accept().is_ok())))
            + until_dry(Box::new(|| self.unix.accept().is_ok()))
            + until_dry(Box::new(|| self.named.accept().is_ok()));
        let datagrams = until_dry(Box::new(|| self.udp4.recv(&mut buffer).is_ok()))
            + until_dry(Box::new(|| self.datagrams.recv(&mut other).is_ok()));
        let ours = ["secret", "open", "socket", "datagrams"];
        let files = fs_err::read_dir(&self.told.folder).map_or(0, |entries| {
            entries.flatten().filter(|e| !ours.iter().any(|name| e.file_name() == *name)).count()
        });
        Seen {
            connections,
            datagrams,
            file_changed: fs_err::read_to_string(self.told.open_file()).ok().as_deref() != Some(UNTOUCHED),
            files_left: files,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_touch_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let bait = Bait::lay(folder.path(), "bait-test-word").unwrap();
        assert_eq!(bait.look(), Seen::default());
        let told = bait.told(1);
        drop(std::net::TcpStream::connect(("127.0.0.1", told.tcp4)).unwrap());
        drop(std::os::unix::net::UnixStream::connect(told.socket()).unwrap());
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"x", ("127.0.0.1", told.udp4)).unwrap();
        UnixDatagram::unbound().unwrap().send_to(b"x", told.datagrams()).unwrap();
        fs_err::write(told.open_file(), "other").unwrap();
        fs_err::write(folder.path().join("new"), "").unwrap();
        let seen = bait.look();
        assert_eq!(seen, Seen { connections: 2, datagrams: 2, file_changed: true, files_left: 1 });
    }
}
