//! A PostgreSQL of our own in a temporary folder, ended with the tests: also when they are killed.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use catalogue::queue::schema::Setup;
use catalogue::queue::{Link, QueueAddress};

/// What the keeper and the workers log in with.
pub(crate) const PASSWORD: &str = "pear-tree-7";
/// Ends the server when the test process is gone and its end of the pipe with it.
const KEEPER: &str =
    r#"exec 3<&0; "$0" "$@" 3<&- & p=$!; (read -r _ <&3; kill -INT $p) & r=$!; wait $p; kill $r"#;

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// A running server.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    bin: PathBuf,
    user: Option<(u32, u32)>,
    port: u16,
    options: &'static [&'static str],
    is_mounted: bool,
    keeper: Mutex<Option<Child>>,
}

/// A database with a queue in it.
pub(crate) struct Database {
    pub(crate) server: Arc<Server>,
    pub(crate) name: String,
}

/// The one server of most tests: what is written need not survive a power cut.
pub(crate) fn shared() -> Option<Arc<Server>> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return Some(server);
    }
    let server = Arc::new(Server::start(&["-c", "fsync=off"])?);
    *shared = Arc::downgrade(&server);
    Some(server)
}

/// A database with an empty queue on the shared server.
pub(crate) fn queue() -> Option<Database> {
    Some(Database::make(shared()?))
}

/// Where Debian and others put the server's programs.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = ["/usr/lib/postgresql", "/usr/pgsql", "/opt/homebrew/opt"]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
        .collect();
    found.sort();
    let on_path = || Some(which::which("postgres").ok()?.canonicalize().ok()?.parent()?.to_owned());
    found.pop().or_else(on_path).filter(|bin| bin.join("initdb").is_file())
}

/// Root may not run it: then it is run by `postgres`, or by nobody.
fn other_user() -> Option<(u32, u32)> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !is_root {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let id_of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    id_of("postgres").or_else(|| id_of("nobody"))
}

impl Server {
    /// Makes and starts one. None, said so, where there is no PostgreSQL.
    pub(crate) fn start(options: &'static [&'static str]) -> Option<Self> {
        let Some(bin) = programs() else {
            println!("skipped: the queue over PostgreSQL: initdb and postgres are not on this machine");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("cq-").tempdir_in("/tmp").unwrap();
        Self::start_in(folder, bin, options)
    }

    /// The same on a disk of so many MiB. None, said so, where no file system may be mounted.
    pub(crate) fn start_on_small_disk(mib: u32) -> Option<Self> {
        let bin = programs()?;
        let folder = tempfile::Builder::new().prefix("cq-").tempdir_in("/tmp").unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"]).arg(folder.path());
        if !mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
            println!("skipped: a full disk at the database: no file system may be mounted here");
            return None;
        }
        // A log of writes that fits, written to the disk.
        let mut server = Self::start_in(folder, bin, &["-c", "max_wal_size=8MB", "-c", "min_wal_size=2MB"])?;
        server.is_mounted = true;
        Some(server)
    }

    fn start_in(folder: tempfile::TempDir, bin: PathBuf, options: &'static [&'static str]) -> Option<Self> {
        let user = other_user();
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let password = folder.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self { folder, bin, user, port, options, is_mounted: false, keeper: Mutex::new(None) };
        let mut init = server.command("initdb");
        init.args([
            "-U",
            "keeper",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
            "--wal-segsize=1",
            "--auth=scram-sha-256",
            "--pwfile",
        ]);
        init.arg(&password).arg("-D").arg(server.data());
        let made = init.output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.up();
        Some(server)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        self.as_user(&mut command);
        command
    }

    /// Lets a program be run by the user that the server runs as.
    pub(crate) fn as_user(&self, command: &mut Command) {
        command.current_dir(self.folder.path()).stdin(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
    }

    /// Starts it, also again after it was killed, and waits until it answers. One that runs, and may be recovering by itself, is waited
    /// for first: a second one would end at once, and with it who keeps the first.
    pub(crate) fn up(&self) {
        let log =
            std::fs::File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let begun = Instant::now();
        loop {
            while self.pid().is_some() {
                if self.answers() {
                    return;
                }
                assert!(begun.elapsed() < Duration::from_secs(120), "{}", self.log());
                std::thread::sleep(Duration::from_millis(30));
            }
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(KEEPER).arg(self.bin.join("postgres"));
            command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string(), "-k", ""]);
            command.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=60"]).args(self.options);
            self.as_user(&mut command);
            command.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log.try_clone().unwrap());
            let mut keeper = command.spawn().unwrap();
            loop {
                // The old one's children may still hold its memory: then it ends at once, and is started once more.
                if keeper.try_wait().unwrap().is_some() {
                    break;
                }
                if self.answers() {
                    *self.keeper.lock().unwrap() = Some(keeper);
                    return;
                }
                assert!(begun.elapsed() < Duration::from_secs(120), "{}", self.log());
                std::thread::sleep(Duration::from_millis(30));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    pub(crate) fn answers(&self) -> bool {
        self.sql("postgres", "SELECT 1").is_ok()
    }

    /// What it said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn pid(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let pid: u32 = text.lines().next()?.trim().parse().ok()?;
        Path::new(&format!("/proc/{pid}")).exists().then_some(pid)
    }

    /// SIGKILL, as a power cut or an out-of-memory killer does it.
    pub(crate) fn kill(&self) {
        let pid = self.pid().unwrap();
        signal(pid, "KILL");
        if let Some(mut keeper) = self.keeper.lock().unwrap().take() {
            let _ = keeper.wait();
        }
    }

    /// The address of a database for a role.
    pub(crate) fn address(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}@127.0.0.1:{}/{database}", self.port)
    }

    /// Statements as its keeper, on a connection of their own.
    pub(crate) fn sql(
        &self,
        database: &str,
        text: &str,
    ) -> Result<Vec<Vec<Option<String>>>, tokio_postgres::Error> {
        self.sql_as("keeper", database, text)
    }

    /// The same as a role.
    pub(crate) fn sql_as(
        &self,
        role: &str,
        database: &str,
        text: &str,
    ) -> Result<Vec<Vec<Option<String>>>, tokio_postgres::Error> {
        let mut config: tokio_postgres::Config = self.address(role, database).parse().unwrap();
        config.password(PASSWORD);
        runtime().block_on(async {
            let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
            let driven = tokio::spawn(connection);
            let messages = client.simple_query(text).await;
            drop(client);
            let _ = driven.await;
            let rows = messages?.into_iter().filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect())
                }
                _ => None,
            });
            Ok(rows.collect())
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            if let Some(mut end) = keeper.stdin.take() {
                let _ = end.write_all(b"\n");
            }
            let _ = keeper.wait();
        }
        if self.is_mounted {
            let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
        }
    }
}

impl Database {
    /// An empty queue with a login for a worker, `hand`.
    pub(crate) fn make(server: Arc<Server>) -> Self {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("q{number}");
        server.sql("postgres", &format!("CREATE DATABASE {name}")).unwrap();
        let database = Self { server, name };
        database.init();
        let login = format!("hand{number}");
        let make = format!("CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}' IN ROLE catalogue_worker");
        database.server.sql(&database.name, &make).unwrap();
        database
    }

    fn init(&self) {
        let setup = Setup {
            worker_role: "catalogue_worker".to_owned(),
            result_bytes: 8 << 20,
            paces: ["npm", "pypi", "github"].map(|registry| (registry.to_owned(), 0)).into(),
        };
        // Roles belong to the whole server: two databases made at once would both make it.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        runtime().block_on(async { self.keeper().init(&setup).await }).unwrap();
    }

    /// The worker's login.
    pub(crate) fn hand(&self) -> String {
        format!("hand{}", self.name.trim_start_matches('q'))
    }

    /// The queue for its owner.
    pub(crate) fn keeper(&self) -> Link {
        self.link("keeper", PASSWORD)
    }

    /// The queue for a worker.
    pub(crate) fn worker(&self) -> Link {
        self.link(&self.hand(), PASSWORD)
    }

    /// The queue for a role.
    pub(crate) fn link(&self, role: &str, password: &str) -> Link {
        let address: QueueAddress = self.address(role).parse().unwrap();
        Link::new(address.with_password(password))
    }

    /// Its address, without a password.
    pub(crate) fn address(&self, role: &str) -> String {
        self.server.address(role, &self.name)
    }

    /// Statements as its keeper.
    pub(crate) fn sql(&self, text: &str) -> Vec<Vec<Option<String>>> {
        self.server.sql(&self.name, text).unwrap()
    }

    /// One number.
    pub(crate) fn number(&self, text: &str) -> i64 {
        self.sql(text)[0][0].as_deref().unwrap().parse().unwrap()
    }
}

/// A runtime for one test.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Sends a signal to one process.
pub(crate) fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).stderr(Stdio::null()).status();
}
