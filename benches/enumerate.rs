//! How long it takes to enumerate 43,000 candidates, and a second time when one in a hundred changed: the real program against
//! lists on loopback, with its own settings. Prints wall time and peak memory; ends with an error beyond the bounds.
//!
//! 14,000 come from an npm registry (its search, 12,000 hits and so more than it gives at once, and a feed of 200,000 rows), 25,000 from a
//! Python index of 886,000 names, 4,000 from an official registry in 40 pages. Documents of packages are not read.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use url::Url;

const NPM: usize = 14_000;
const HITS: usize = 12_000;
const FEED: usize = 200_000;
const PYPI: usize = 25_000;
const INDEX: usize = 886_000;
const MCP: usize = 4_000;
/// One in so many changes before the second pass.
const CHANGED: usize = 100;

/// What everything costs together: the first pass, and the second one.
const BOUNDS: [(&str, Duration); 2] =
    [("first pass", Duration::from_secs(60)), ("second pass, 1 % changed", Duration::from_secs(10))];
const MEMORY_KIB: u64 = 300 * 1024;

fn main() {
    let round = Arc::new(AtomicUsize::new(0));
    let address = serve(Arc::clone(&round));
    let folder = tempfile::tempdir().expect("a folder");
    let settings = format!(
        "[registries]\nnpm = \"{address}\"\npypi = \"{address}simple/\"\n[sources]\nmcp = {{ address = \"{address}\" }}\n\
         npm = {{ feed = \"{address}registry/_changes\" }}\n[paths]\ndata = \"data\"\n"
    );
    std::fs::write(folder.path().join("catalogue.toml"), settings).expect("written");
    own_data(folder.path());
    let mut failed = false;
    for (pass, (name, bound)) in BOUNDS.into_iter().enumerate() {
        round.store(pass, Ordering::SeqCst);
        let (mut whole, mut most, mut found) = (Duration::ZERO, 0, 0);
        for list in ["mcp", "npm", "pypi"] {
            let (wall, peak_kib, count) = walk(folder.path(), list);
            println!(
                "{name}: {list}: {count} candidates in {:.1} s, {} MiB",
                wall.as_secs_f64(),
                peak_kib / 1024
            );
            whole += wall;
            most = most.max(peak_kib);
            found += count;
        }
        println!(
            "{name}: {found} candidates in {:.1} s (bound {} s), at most {} MiB (bound {} MiB)",
            whole.as_secs_f64(),
            bound.as_secs(),
            most / 1024,
            MEMORY_KIB / 1024
        );
        failed |= whole > bound || most > MEMORY_KIB || found < NPM + PYPI + MCP;
    }
    if failed {
        println!("beyond the bounds");
        std::process::exit(1);
    }
}

/// The program's own data; documents are left out, which a fake has none of.
fn own_data(folder: &Path) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    std::fs::create_dir(folder.join("data")).expect("a folder");
    for entry in std::fs::read_dir(from).expect("data").flatten().filter(|entry| entry.path().is_file()) {
        std::fs::copy(entry.path(), folder.join("data").join(entry.file_name())).expect("copied");
    }
    let path = folder.join("data/sources.toml");
    let text = std::fs::read_to_string(&path).expect("read");
    let text = text.replace("documents_a_run = 2000", "documents_a_run = 0");
    std::fs::write(path, text).expect("written");
}

/// Wall time, peak memory and candidates of one list.
fn walk(folder: &Path, list: &str) -> (Duration, u64, usize) {
    let begun = Instant::now();
    #[expect(clippy::disallowed_methods, reason = "a benchmark starts the program")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_catalogue"));
    command.args(["scan", "--registry", list, "--dry-run", "--json"]).current_dir(folder);
    command.env("NO_PROXY", "127.0.0.1").env_remove("CATALOGUE_VAR");
    let output = std::fs::File::create(folder.join("out")).expect("a file");
    let mut child = command.stdout(output).spawn().expect("the program starts");
    let mut peak_kib = 0;
    let status = loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.split_whitespace().next()?.parse().ok());
        peak_kib = peak_kib.max(peak.unwrap_or(0));
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let wall = begun.elapsed();
    assert!(status.success(), "{list}: {status}");
    let found = std::fs::read_to_string(folder.join("out")).expect("read").lines().count();
    (wall, peak_kib, found)
}

fn serve(round: Arc<AtomicUsize>) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = Url::parse(&format!("http://{}/", listener.local_addr().expect("bound"))).expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let round = Arc::clone(&round);
            std::thread::spawn(move || answer(&stream, &round));
        }
    });
    url
}

fn answer(mut stream: &TcpStream, round: &AtomicUsize) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut target, mut validator) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line.trim().is_empty() => break,
                Ok(_) if target.is_empty() => line.split(' ').nth(1).unwrap_or("/").clone_into(&mut target),
                Ok(_) => {
                    if let Some((_, value)) = line.split_once("if-none-match: ") {
                        value.trim().clone_into(&mut validator);
                    }
                }
            }
        }
        let url = Url::parse("http://x.example").and_then(|base| base.join(&target)).expect("an address");
        let (body, etag) = reply(&url, round.load(Ordering::SeqCst));
        let same = !etag.is_empty() && etag == validator;
        let (status, body) = if same { ("304 Not Modified", "") } else { ("200 OK", body.as_str()) };
        let kind =
            if url.path() == "/simple/" { "application/vnd.pypi.simple.v1+json" } else { "application/json" };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nETag: {etag}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).is_err() {
            return;
        }
    }
}

fn reply(url: &Url, round: usize) -> (String, String) {
    let ask =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let number = |name: &str| ask(name).and_then(|text| text.parse().ok()).unwrap_or(0_usize);
    match url.path() {
        "/simple/" => (index(round), format!("\"i{round}\"")),
        "/-/v1/search" => search(&ask("text").unwrap_or_default(), number("from"), number("size")),
        "/registry/_changes" => (changes(number("since"), number("limit"), round), String::new()),
        _ => (servers(number("cursor"), &ask("updated_since").unwrap_or_default(), round), String::new()),
    }
}

fn index(round: usize) -> String {
    let mut text = format!(r#"{{"meta":{{"_last-serial":{}}},"projects":["#, 40_000_000 + round);
    for i in 0..INDEX {
        let is_ours = i % 35 == 0 && i / 35 < PYPI;
        let changed = is_ours && (i / 35) % CHANGED == 0 && round > 0;
        let serial = if changed { 40_000_000 } else { 30_000_000 } + i;
        let tail = if is_ours { "-mcp" } else { "" };
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(text, r#"{comma}{{"_last-serial":{serial},"name":"pear-{i}{tail}"}}"#);
    }
    text + "]}"
}

fn search(words: &str, from: usize, size: usize) -> (String, String) {
    let fits = |i: &usize| {
        words.split(' ').all(|word| match word {
            "is:unstable" => i.is_multiple_of(3),
            "not:unstable" => !i.is_multiple_of(3),
            word => word == "keywords:mcp-server",
        })
    };
    let hits: Vec<usize> = (0..HITS).filter(fits).collect();
    let object = |i: &usize| {
        format!(
            r#"{{"package":{{"name":"pear-{i}-mcp","version":"1.0.0","keywords":["mcp-server"],"date":"2026-01-01"}}}}"#
        )
    };
    let page: Vec<String> = hits.iter().skip(from).take(size).map(object).collect();
    (
        format!(r#"{{"objects":[{}],"total":{}}}"#, page.join(","), hits.len()),
        format!("\"{from}-{}\"", hits.len()),
    )
}

/// Every package once; in the second round one in a hundred of ours once more.
fn changes(since: usize, limit: usize, round: usize) -> String {
    let name = |i: usize| if i < NPM { format!("pear-{i}-mcp") } else { format!("left-{i}") };
    let mut rows: Vec<(usize, String, usize)> =
        (0..FEED).skip(since).take(limit).map(|i| (i + 1, name(i), 1)).collect();
    if round > 0 && rows.len() < limit {
        let again = (0..NPM).step_by(CHANGED).enumerate().map(|(n, i)| (FEED + n + 1, name(i), 2));
        rows.extend(again.filter(|row| row.0 > since));
    }
    let last = rows.last().map_or(since, |row| row.0);
    let rows: Vec<String> = rows
        .iter()
        .map(|(seq, name, rev)| format!(r#"{{"seq":{seq},"id":"{name}","changes":[{{"rev":"{rev}-a"}}]}}"#))
        .collect();
    format!(r#"{{"results":[{}],"last_seq":{last}}}"#, rows.join(","))
}

fn servers(cursor: usize, since: &str, round: usize) -> String {
    let updated = |i: usize| {
        if round > 0 && i.is_multiple_of(CHANGED) { "2026-02-01T00:00:00Z" } else { "2026-01-01T00:00:00Z" }
    };
    let listed: Vec<usize> = (0..MCP).filter(|i| updated(*i) >= since).collect();
    let record = |i: &usize| {
        format!(
            r#"{{"server":{{"name":"example.pears/pear-{i}","version":"1.0.0","packages":[{{"registryType":"npm","identifier":"listed-{i}-mcp"}}]}},"_meta":{{"io.modelcontextprotocol.registry/official":{{"status":"active","updatedAt":"{}","isLatest":true}}}}}}"#,
            updated(*i)
        )
    };
    let page: Vec<String> = listed.iter().skip(cursor).take(100).map(record).collect();
    let next = if cursor + 100 < listed.len() {
        format!(r#""nextCursor":"{}""#, cursor + 100)
    } else {
        String::new()
    };
    format!(r#"{{"servers":[{}],"metadata":{{{next}}}}}"#, page.join(","))
}
