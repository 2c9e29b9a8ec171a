//! A list of servers on loopback: keeps connections open, answers in threads, remembers what it was asked and when.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use url::Url;

/// One request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Instant,
}

impl Seen {
    pub(crate) fn ask(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    pub(crate) fn number(&self, name: &str) -> usize {
        self.ask(name).and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What it answers.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(body: &Value) -> Self {
        let headers = vec![("Content-Type", "application/json".to_owned())];
        Self { status: 200, headers, body: body.to_string().into_bytes() }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn html(status: u16) -> Self {
        let headers = vec![("Content-Type", "text/html".to_owned())];
        Self { status, headers, body: b"<html><title>Please wait</title></html>".to_vec() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// The server.
pub(crate) struct Fake {
    pub(crate) url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
    most_at_once: Arc<AtomicUsize>,
    ended: Arc<AtomicBool>,
}

impl Fake {
    pub(crate) fn start(handler: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Fake {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let fake = Fake { url, seen: Arc::default(), most_at_once: Arc::default(), ended: Arc::default() };
        let (seen, ended) = (Arc::clone(&fake.seen), Arc::clone(&fake.ended));
        let (most, handler) = (Arc::clone(&fake.most_at_once), Arc::new(handler));
        let now: Arc<AtomicUsize> = Arc::default();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (seen, most, now) = (Arc::clone(&seen), Arc::clone(&most), Arc::clone(&now));
                let handler = Arc::clone(&handler);
                // The client may be killed at any moment: that is often the point.
                std::thread::spawn(move || {
                    serve(&stream, &|request: &Seen| {
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        seen.lock().unwrap().push(request.clone());
                        let reply = handler(request);
                        now.fetch_sub(1, Ordering::SeqCst);
                        reply
                    });
                });
            }
        });
        fake
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// What was asked since the last time this was called.
    pub(crate) fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a connection.
        drop(TcpStream::connect(self.url.socket_addrs(|| None).unwrap()[0]));
    }
}

fn serve(mut stream: &TcpStream, answer: &dyn Fn(&Seen) -> Reply) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line.trim().is_empty() => break,
                Ok(_) => lines.push(line.trim_end().to_owned()),
            }
        }
        let Some(target) = lines.first().and_then(|line| line.split(' ').nth(1)) else { return };
        let url = Url::parse("http://fake.example").unwrap().join(target).unwrap();
        let headers: BTreeMap<String, String> = lines
            .iter()
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or_default();
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let request = Seen {
            path: url.path().to_owned(),
            query: url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect(),
            headers,
            body,
            at: Instant::now(),
        };
        let reply = answer(&request);
        let mut head = format!("HTTP/1.1 {} X\r\nContent-Length: {}\r\n", reply.status, reply.body.len());
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let written = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&reply.body));
        if written.is_err() {
            return;
        }
    }
}

/// A folder with a `catalogue.toml` that knows only loopback, and data whose waits suit a test.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    env: Vec<(&'static str, String)>,
}

impl Place {
    /// `lists` are lines of `catalogue.toml`.
    pub(crate) fn new(lists: &str) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap(), env: Vec::new() };
        let nowhere = "http://127.0.0.1:9/";
        let registries = if lists.contains("[registries]") {
            String::new()
        } else {
            format!("[registries]\nnpm = \"{nowhere}\"\npypi = \"{nowhere}simple/\"\n")
        };
        std::fs::write(
            place.path("catalogue.toml"),
            format!("[paths]\ndata = \"data\"\n{registries}{lists}"),
        )
        .unwrap();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("data"), &place.path("data"));
        let mut quick = place.setting("interval_ms", "0");
        for (key, value) in [
            ("search_interval_ms", "0"),
            ("bare_search_interval_ms", "0"),
            ("unstated_wait_seconds", "1"),
            ("patience_seconds", "3"),
            ("breaker_failures", "100"),
            // A test that has documents says so.
            ("documents_a_run", "0"),
            ("images_a_run", "0"),
            ("otherwise_interval_ms", "0"),
        ] {
            quick = place.setting(key, value);
        }
        assert!(quick.contains("interval_ms = 0"));
        place
    }

    /// Sets a variable for every run of the program.
    pub(crate) fn with_env(mut self, name: &'static str, value: &str) -> Self {
        self.env.push((name, value.to_owned()));
        self
    }

    /// Sets a key of `data/sources.toml` wherever it occurs.
    pub(crate) fn setting(&self, key: &str, value: &str) -> String {
        let path = self.path("data/sources.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let key = format!("{key} = ");
        assert!(text.lines().any(|line| line.starts_with(&key)), "{key}");
        let lines = text.lines().map(|line| match line.starts_with(&key) {
            true => format!("{key}{value}\n"),
            false => format!("{line}\n"),
        });
        let text: String = lines.collect();
        std::fs::write(&path, &text).unwrap();
        text
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_catalogue"));
        command.current_dir(self.folder.path()).args(args).stdin(Stdio::null());
        command.env_remove("CATALOGUE_VAR").env("NO_PROXY", "127.0.0.1");
        command.env_remove("GITHUB_TOKEN").env_remove("GH_TOKEN");
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Reads a list and says what would be scanned.
    pub(crate) fn dry_run(&self, list: &str, more: &[&str]) -> Vec<String> {
        let output = self.run(&[&["scan", "--registry", list, "--dry-run", "--json"], more].concat());
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| line["server"].as_str().unwrap().to_owned()).collect()
    }

    /// Begins to read a list twenty times, and kills each run a little further on: where in a page it dies, the clock of the
    /// moment says.
    pub(crate) fn kill_twenty_times(&self, list: &str, fake: &Fake) {
        let mut kills = 0;
        for round in 0..20 {
            let target = fake.seen().len() + 1 + round % 2;
            let mut command = self.command(&["scan", "--registry", list, "--dry-run", "--quiet"]);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            let deadline = Instant::now() + Duration::from_secs(30);
            while fake.seen().len() < target
                && child.try_wait().unwrap().is_none()
                && Instant::now() < deadline
            {
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis((round as u64 * 7) % 23));
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                kills += 1;
            }
            child.wait().unwrap();
        }
        assert!(kills >= 10, "{kills}");
    }

    /// What `catalogue sources --json` says of a list.
    pub(crate) fn source(&self, list: &str) -> Value {
        let output = self.run(&["sources", "--json"]);
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut lines = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.find(|line| line["source"] == list).unwrap()
    }

    pub(crate) fn db(&self) -> catalogue::store::Connection {
        catalogue::store::Store::open_read_only(&self.path("var/catalogue.db")).unwrap()
    }

    /// The names a list is known to hold.
    pub(crate) fn names(&self, list: &str) -> Vec<String> {
        let db = self.db();
        let mut all =
            db.prepare("SELECT name || ' ' || version FROM listings WHERE source = ?1 ORDER BY 1").unwrap();
        all.query_map([list], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
