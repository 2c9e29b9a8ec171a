//! What tests need to keep a registry of their own on loopback: programs of the user's, servers that end with the test, and the
//! program's rows.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A program of the user's; None with a word about it where there is none.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let found = which::which(name).ok();
    if found.is_none() {
        println!("skipped: there is no {name} here");
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "a test starts programs")]
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    command
}

/// Runs a command to its end; what it said is shown if it fails.
pub(crate) fn run(command: &mut Command) -> bool {
    let begun = Instant::now();
    let output = command.output().unwrap();
    if !output.status.success() {
        println!("{command:?} failed after {:?}", begun.elapsed());
        println!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    output.status.success()
}

/// A server that is ended with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    /// Starts what `with_port` says and waits until something listens.
    pub(crate) fn start(log: &Path, with_port: impl FnOnce(u16) -> Command) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let output = std::fs::File::create(log).unwrap();
        let child = with_port(port).stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
        let mut server = Server { child, port };
        let deadline = Instant::now() + Duration::from_secs(240);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.child.try_wait().unwrap();
            let said = || std::fs::read_to_string(log).unwrap_or_default();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "it does not listen: {ended:?}\n{}",
                said()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with a `catalogue.toml`, in which the program keeps everything.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("catalogue.toml"), settings).unwrap();
        Self { folder }
    }

    /// The objects that a command of the program prints, one a line.
    pub(crate) fn rows(&self, args: &[&str]) -> Vec<Value> {
        let begun = Instant::now();
        let mut command = command(Path::new(env!("CARGO_BIN_EXE_catalogue")));
        command.current_dir(self.folder.path()).env_remove("CATALOGUE_VAR").args(args);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        println!("catalogue {} in {:?}", args.join(" "), begun.elapsed());
        for line in said.lines() {
            println!("  {line}");
        }
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn db(&self) -> catalogue::store::Connection {
        catalogue::store::Store::open_read_only(&self.folder.path().join("var/catalogue.db")).unwrap()
    }
}

/// Prints rows as a table.
pub(crate) fn say(rows: &[Value]) {
    for row in rows {
        let of = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        println!("  {:<60} {:<14} {:>4} tools  {}", of("server"), of("outcome"), row["tools"], of("detail"));
    }
}

/// Every one of so many servers answered, and what it answered is stored.
pub(crate) fn all_answered(place: &Place, rows: &[Value], count: usize) {
    say(rows);
    let db = place.db();
    let mut failed = db
        .prepare("SELECT log_tail FROM attempts WHERE outcome = 'install-failed' ORDER BY probe_id, position")
        .unwrap();
    for log in failed.query_map([], |row| row.get::<_, String>(0)).unwrap() {
        println!("  {}", log.unwrap());
    }
    assert_eq!(rows.len(), count);
    assert!(rows.iter().all(|row| row["outcome"] == "ok" && row["tools"].as_u64() > Some(0)), "{rows:?}");
    let listed: u64 = rows.iter().map(|row| row["tools"].as_u64().unwrap()).sum();
    let stored: u64 =
        place.db().query_row("SELECT count(*) FROM tools_flat", [], |row| row.get::<_, i64>(0)).unwrap()
            as u64;
    println!("  {} servers answered, {listed} tools, {stored} stored", rows.len());
    assert_eq!(stored, listed);
}
