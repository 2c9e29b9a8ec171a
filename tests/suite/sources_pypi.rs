//! Walks through a Python package index on loopback: its one great document, its serials, its projects' own documents.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::sources_fake::{Fake, Place, Reply, Seen};

/// An index whose serials grow.
#[derive(Default)]
struct Index {
    serial: u64,
    projects: Vec<(String, u64)>,
}

impl Index {
    fn touch(&mut self, name: &str) {
        self.serial += 1;
        self.projects.retain(|project| project.0 != name);
        self.projects.push((name.to_owned(), self.serial));
    }

    fn answer(&self, asked: &Seen) -> Reply {
        let etag = format!("\"{}\"", self.serial);
        if asked.header("if-none-match") == Some(etag.as_str()) {
            return Reply::status(304);
        }
        let projects: Vec<Value> = self
            .projects
            .iter()
            .map(|(name, serial)| json!({"_last-serial": serial, "name": name}))
            .collect();
        let body = json!({"meta": {"_last-serial": self.serial, "api-version": "1.4"}, "projects": projects});
        let mut reply = Reply::json(&body).with("ETag", &etag);
        reply.headers[0].1 = "application/vnd.pypi.simple.v1+json".to_owned();
        reply
    }
}

fn place(fake: &Fake) -> Place {
    Place::new(&format!("[registries]\nnpm = \"http://127.0.0.1:9/\"\npypi = \"{}simple/\"\n", fake.url))
}

#[test]
fn of_many_names_those_of_mcp_are_kept_and_only_what_changed_waits_again() {
    let index = Arc::new(Mutex::new(Index::default()));
    for i in 0..20_000 {
        let name = if i % 40 == 0 { format!("pear-{i}-mcp") } else { format!("numpear-{i}") };
        index.lock().unwrap().touch(&name);
    }
    let held = Arc::clone(&index);
    let fake = Fake::start(move |asked| match asked.path.as_str() {
        "/simple/" => held.lock().unwrap().answer(asked),
        _ => Reply::status(404),
    });
    let place = place(&fake);
    assert_eq!(place.dry_run("pypi", &[]).len(), 500);
    let source = place.source("pypi");
    assert_eq!((source["state"].as_str(), source["mark"].as_str()), (Some("complete"), Some("20000")));
    assert_eq!(source["walk"]["seen"], 20_000);
    fake.take_seen();

    assert_eq!(place.dry_run("pypi", &[]).len(), 500);
    let asked = fake.take_seen();
    assert!(asked.len() == 1 && asked[0].header("if-none-match").is_some(), "{asked:?}");
    assert_eq!(place.source("pypi")["walk"]["ended_by"], "not-modified");

    index.lock().unwrap().touch("pear-40-mcp");
    index.lock().unwrap().touch("plum-mcp");
    index.lock().unwrap().projects.retain(|project| project.0 != "pear-80-mcp");
    assert_eq!(place.dry_run("pypi", &[]).len(), 500);
    let walk = &place.source("pypi")["walk"];
    let count = |what: &str| walk[what].as_u64().unwrap();
    assert_eq!((count("added"), count("changed"), count("gone")), (1, 1, 1), "{walk}");
    assert_eq!(place.dry_run("pypi", &["--since", "20001", "--limit", "1000"]).len(), 500);
    assert_eq!(place.source("pypi")["walk"]["unchanged"], 1, "plum-mcp alone is newer");
    index.lock().unwrap().touch("pear-120-mcp");
    index.lock().unwrap().touch("fig-mcp");
    assert_eq!(place.dry_run("pypi", &["--since", "20003"]).len(), 501);
    assert_eq!(place.dry_run("pypi", &[]).len(), 501);
    let walk = &place.source("pypi")["walk"];
    assert_eq!(
        (walk["seen"].as_u64(), walk["changed"].as_u64()),
        (Some(20_001), Some(1)),
        "what since left out"
    );
}

#[test]
fn an_index_of_886_000_names_is_read_whole_and_then_only_by_its_validator() {
    let mut body = String::from(r#"{"meta":{"_last-serial":31000000,"api-version":"1.4"},"projects":["#);
    for i in 0..886_000 {
        let tail = if i % 35 == 0 && i < 875_000 { "-mcp" } else { "" };
        body.push_str(&format!(r#"{{"_last-serial":{},"name":"pear-{i}{tail}"}},"#, 30_000_000 + i));
    }
    body.pop();
    body.push_str("]}");
    let body = body.into_bytes();
    let fake = Fake::start(move |asked| {
        if asked.header("if-none-match") == Some("\"31000000\"") {
            return Reply::status(304);
        }
        let headers = vec![
            ("Content-Type", "application/vnd.pypi.simple.v1+json".to_owned()),
            ("ETag", "\"31000000\"".to_owned()),
        ];
        Reply { status: 200, headers, body: body.clone() }
    });
    let place = place(&fake);
    assert_eq!(place.dry_run("pypi", &[]).len(), 25_000);
    assert_eq!(place.source("pypi")["walk"]["seen"], 886_000);
    assert_eq!(fake.take_seen().len(), 1);
    assert_eq!(place.dry_run("pypi", &[]).len(), 25_000);
    let again = fake.take_seen();
    assert!(again.len() == 1 && again[0].header("if-none-match").is_some(), "{again:?}");
    assert_eq!(place.source("pypi")["walk"]["ended_by"], "not-modified");
}

#[test]
fn a_project_without_a_document_is_read_from_its_newest_wheel() {
    let wheel =
        wheel("Name: pear-mcp\nRequires-Dist: mcp>=1\n\nNotes.\n", "[console_scripts]\npear = pear:main\n");
    let fake = Fake::start(move |asked| {
        let page = |links: &str| {
            let mut reply = Reply::html(200);
            reply.body = format!("<html><title>Simple index</title><body>{links}</body></html>").into_bytes();
            reply
        };
        match asked.path.as_str() {
            "/simple/" => page(
                "<a href=\"pear-mcp/\">pear-mcp</a><a href=\"fig-mcp/\">fig-mcp</a><a href=\"plum-mcp/\">plum-mcp</a>",
            ),
            // The metadata inside a wheel, and beside one; and a project without any.
            "/simple/pear-mcp/" => page("<a href=\"/f/pear.whl#sha256=1\">pear_mcp-1.0-py3-none-any.whl</a>"),
            "/simple/fig-mcp/" => page(
                "<a href=\"/f/fig.whl\" data-core-metadata=\"sha256=1\">fig_mcp-1.0-py3-none-any.whl</a>",
            ),
            "/simple/plum-mcp/" => page("<a href=\"/f/plum.tar.gz\">plum-mcp-1.0.tar.gz</a>"),
            "/f/fig.whl.metadata" => {
                Reply { status: 200, headers: Vec::new(), body: b"Name: fig-mcp\nKeywords: mcp\n\n".to_vec() }
            }
            "/f/pear.whl" => {
                let tail: usize =
                    asked.header("range").unwrap().strip_prefix("bytes=-").unwrap().parse().unwrap();
                let from = wheel.len().saturating_sub(tail);
                let range = format!("bytes {from}-{}/{}", wheel.len() - 1, wheel.len());
                Reply { status: 206, headers: vec![("Content-Range", range)], body: wheel[from..].to_vec() }
            }
            _ => Reply::status(404),
        }
    });
    let place = place(&fake);
    place.setting("documents_a_run", "100");
    let output = place.run(&["scan", "--registry", "pypi", "--dry-run", "--json"]);
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let signs = |server: &str| {
        let line = lines.iter().find(|line| line["server"] == server).unwrap();
        line["signs"].as_array().unwrap().iter().map(|s| s.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(signs("pypi:pear-mcp"), ["sdk-dependency", "executable", "mcp-in-name"], "{lines:?}");
    assert_eq!(signs("pypi:fig-mcp"), ["keyword", "mcp-in-name"]);
    assert_eq!(signs("pypi:plum-mcp"), ["mcp-in-name"]);
}

fn wheel(metadata: &str, entry_points: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, text) in [
        ("pear/__init__.py", "def main(): pass\n"),
        ("pear_mcp-1.0.dist-info/METADATA", metadata),
        ("pear_mcp-1.0.dist-info/entry_points.txt", entry_points),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_shrunken_or_a_stale_index_takes_nothing_away() {
    let index = Arc::new(Mutex::new(Index::default()));
    for i in 0..200 {
        index.lock().unwrap().touch(&format!("pear-{i}-mcp"));
    }
    let held = Arc::clone(&index);
    let fake = Fake::start(move |asked| held.lock().unwrap().answer(asked));
    let place = place(&fake);
    assert_eq!(place.dry_run("pypi", &[]).len(), 200);
    let whole = std::mem::take(&mut index.lock().unwrap().projects);
    {
        let mut index = index.lock().unwrap();
        index.projects = whole.iter().take(150).cloned().collect();
        index.serial += 1;
    }
    assert_eq!(place.dry_run("pypi", &[]).len(), 200);
    let source = place.source("pypi");
    assert_eq!((source["walk"]["frozen"].as_u64(), source["gone"].as_u64()), (Some(50), Some(0)));
    assert_eq!(place.dry_run("pypi", &["--accept-shrink"]).len(), 150);

    // A copy from before: its serial tells.
    index.lock().unwrap().serial = 7;
    let output = place.run(&["scan", "--registry", "pypi", "--dry-run"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("an older copy (serial 7)"), "{said}");
    assert_eq!(place.source("pypi")["gone"], 50);
}

#[test]
fn an_html_index_is_read_and_says_what_it_cannot_tell() {
    let fake = Fake::start(|_| {
        let mut reply = Reply::html(200);
        reply.body =
            b"<html><head><title>Simple Index</title></head><body><a href=\"pear-mcp/\">pear-mcp</a><br>\n\
            <a href=\"/simple/other/\">other</a></body></html>"
                .to_vec();
        reply
    });
    let place = place(&fake);
    assert_eq!(place.dry_run("pypi", &[]), ["pypi:pear-mcp"]);
    assert!(place.source("pypi")["walk"]["note"].as_str().unwrap().contains("no serials"));
}

#[test]
fn documents_order_the_queue_and_are_read_again_only_when_something_changed() {
    let index = Arc::new(Mutex::new(Index::default()));
    for name in ["pear-mcp", "plum-mcp", "fig-mcp-sdk"] {
        index.lock().unwrap().touch(name);
    }
    let held = Arc::clone(&index);
    let documents = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&documents);
    let fake = Fake::start(move |asked| {
        if asked.path == "/simple/" {
            return held.lock().unwrap().answer(asked);
        }
        counted.fetch_add(1, Ordering::SeqCst);
        if asked.header("if-none-match").is_some() {
            return Reply::status(304);
        }
        let needs = if asked.path.contains("plum") { json!(["mcp>=1"]) } else { json!(["httpx"]) };
        Reply::json(&json!({"info": {"name": "x", "requires_dist": needs}})).with("ETag", "\"d\"")
    });
    let place = place(&fake);
    place.setting("documents_a_run", "1000");
    let order = ["pypi:plum-mcp", "pypi:pear-mcp", "pypi:fig-mcp-sdk"];
    assert_eq!(place.dry_run("pypi", &[]), order);
    assert_eq!(documents.load(Ordering::SeqCst), 3);
    assert_eq!(place.dry_run("pypi", &[]), order);
    assert_eq!(documents.load(Ordering::SeqCst), 3);
    index.lock().unwrap().touch("plum-mcp");
    fake.take_seen();
    assert_eq!(place.dry_run("pypi", &[]), order);
    assert_eq!(documents.load(Ordering::SeqCst), 4);
    assert!(fake.seen().iter().all(|asked| asked.header("if-none-match").is_some()));
}
