//! A site in packs: shown as the tree that it was made of is shown, by `catalogue serve` and by the edge function in Node; the same bytes from the same tree;
//! brought up to date by as little as that takes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use catalogue::assets::Folder;
use catalogue::render::serve::listen;
use catalogue::render::{PackError, PackOptions, PackReport, pack};
use tempfile::TempDir;

use super::{built, files};

/// Bytes that go into one pack here, so that a small tree makes many.
const SIZE: u64 = 64 << 10;

fn packed(tree: &Path, into: &Path, size: u64) -> Result<PackReport, PackError> {
    let site = Folder::Site.files(None).unwrap();
    pack(&PackOptions { out: tree.to_owned(), into: into.to_owned(), size, site }, &|_, _| {})
}

fn put(root: &Path, path: &str, content: &[u8]) {
    let place = root.join(path);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(place, content).unwrap();
}

/// A tree with every kind of file and name.
fn made_up() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let page = |n: usize| {
        format!("<html><head>\n<base href=\"/sub/\">\n</head>{}", format!("{n} pears ").repeat(200))
    };
    for path in ["index.html", "404.html", "a b/index.html", "a b/c/ä&ö.html", "very/deep/down/in/it/x.html"]
    {
        put(root, path, page(path.len()).as_bytes());
    }
    put(root, "short.html", b"short");
    put(root, "empty.txt", b"");
    put(root, "robots.txt", b"User-agent: *\n");
    put(root, "static/site.css", page(1).as_bytes());
    put(root, "x.png", page(2).as_bytes());
    put(root, "noending", page(3).as_bytes());
    put(root, "a.tar.gz", b"no copy of anything");
    put(root, ".hidden", b"secret");
    put(root, "a b/.hidden/index.html", b"secret");
    std::fs::create_dir(root.join("nothing in it")).unwrap();
    for server in 0..40 {
        for tool in 0..5 {
            let path = format!("servers/npm/pear-{server}/tools/t{tool}.html");
            put(root, &path, page(server * 10 + tool).as_bytes());
            put(root, &path.replace(".html", ".json"), format!("{{\"n\":{tool}}}").as_bytes());
        }
    }
    folder
}

fn shown(dir: &Path) -> SocketAddr {
    let listening = listen(dir, "127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listening.address().unwrap();
    std::thread::spawn(move || listening.run());
    address
}

fn ask(address: SocketAddr, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).unwrap();
    reply
}

/// What may be asked of a tree: every file, every folder with and without the slash, and what is not there.
fn targets(tree: &Path) -> BTreeSet<String> {
    let mut all: BTreeSet<String> =
        ["/", "//", "/?q=1", "/gone.html", "/a%20b/gone", "/index.html/", "/%"].map(str::to_owned).into();
    let encode = |path: &str| path.replace('%', "%25").replace(' ', "%20").replace('&', "%26");
    for path in files(tree).keys() {
        all.insert(format!("/{}", encode(path)));
        for (at, _) in path.match_indices('/') {
            all.insert(format!("/{}", encode(path.get(..at).unwrap())));
            all.insert(format!("/{}", encode(path.get(..=at).unwrap())));
        }
    }
    all
}

#[test]
fn packs_are_shown_as_the_tree_is() {
    let tree = made_up();
    let into = tempfile::tempdir().unwrap();
    let report = packed(tree.path(), into.path(), SIZE).unwrap();
    assert!(report.packs > 5 && report.largest_pack < SIZE, "{report:?}");
    let (of_tree, of_packs) = (shown(tree.path()), shown(into.path()));
    let hostile = [
        "/../secret",
        "/%2e%2e/secret",
        "/a%20b/../index.html",
        "/.hidden",
        "/a%20b/.hidden/index.html",
        "/a%20b/.hidden",
        "//etc/passwd",
        "/%00",
        "/%ff",
        "/a%5cb",
        "/c:/x",
        "nothing",
        "/packs.json",
        "/_worker.js",
        "/.index",
        "/nothing%20in%20it",
        "/nothing%20in%20it/",
        "/a%20b//c///",
        "/a%20b/c/%C3%A4%26%C3%B6.html/",
        "//a%20b/c",
        "/servers/npm?x=/",
    ];
    let mut seen = BTreeMap::new();
    for target in targets(tree.path()).iter().map(String::as_str).chain(hostile) {
        for head in [
            "GET {} HTTP/1.1\r\nHost: x\r\n",
            "HEAD {} HTTP/1.1\r\n",
            "GET {} HTTP/1.1\r\nAccept-Encoding: br, gzip;q=0.8\r\n",
        ] {
            let head = head.replace("{}", target);
            let expected = ask(of_tree, &format!("{head}\r\n"));
            let got = ask(of_packs, &format!("{head}\r\n"));
            let text = String::from_utf8_lossy(&expected);
            assert!(expected == got, "{head}\n{text}\n{}", String::from_utf8_lossy(&got));
            assert!(!text.contains("secret"), "{target}");
            *seen.entry(text.split(' ').nth(1).unwrap().to_owned()).or_insert(0) += 1;
            if let Some(tag) = text.split("ETag: ").nth(1).and_then(|rest| rest.lines().next()) {
                let again = format!("{head}If-None-Match: W/\"x\", {tag}\r\n\r\n");
                assert!(ask(of_packs, &again).starts_with(b"HTTP/1.1 304"), "{again}");
                assert_eq!(ask(of_tree, &again), ask(of_packs, &again));
            }
        }
    }
    assert!(seen["200"] > 1_000 && seen["301"] > 100 && seen["404"] > 30, "{seen:?}");
    assert!(ask(of_packs, "POST / HTTP/1.1\r\n\r\n").starts_with(b"HTTP/1.1 405"));
    // Packed again while it is shown.
    put(tree.path(), "index.html", b"another");
    packed(tree.path(), into.path(), SIZE).unwrap();
    assert!(ask(of_packs, "GET / HTTP/1.1\r\n\r\n").ends_with(b"another"));
}

#[test]
fn the_same_tree_gives_the_same_packs_however_it_came_about() {
    let tree = made_up();
    let root = tree.path();
    let into = tempfile::tempdir().unwrap();
    let anew = |size| {
        let other = tempfile::tempdir().unwrap();
        packed(root, other.path(), size).unwrap();
        files(other.path())
    };
    let first = packed(root, into.path(), SIZE).unwrap();
    assert_eq!(first.packed_anew, first.files);
    assert!(files(into.path()) == anew(SIZE));
    let again = packed(root, into.path(), SIZE).unwrap();
    assert_eq!((again.files_written, again.files_removed, again.packed_anew), (0, 0, 0));

    // One page changes: its pack and the list.
    put(root, "servers/npm/pear-7/tools/t3.html", "other words ".repeat(300).as_bytes());
    let changed = packed(root, into.path(), SIZE).unwrap();
    assert_eq!((changed.files_written, changed.files_removed, changed.packed_anew), (2, 0, 1));
    assert!(files(into.path()) == anew(SIZE));

    // Servers come and go, and a pack grows beyond its bound.
    for n in 0..30 {
        put(root, &format!("servers/pypi/new/tools/{n}.html"), "many words ".repeat(1_000 + n).as_bytes());
        let _ = std::fs::remove_dir_all(root.join(format!("servers/npm/pear-{n}")));
    }
    let moved = packed(root, into.path(), SIZE).unwrap();
    assert!(moved.files_removed > 0 && moved.packed_anew >= 30, "{moved:?}");
    assert!(files(into.path()) == anew(SIZE));

    // A pack that was damaged is made again, and so is everything after the command was ended at any time.
    let damaged = into.path().join("packs").read_dir().unwrap().next().unwrap().unwrap().path();
    std::fs::write(&damaged, "damaged").unwrap();
    std::fs::write(damaged.with_extension("zip.unfinished"), "half").unwrap();
    packed(root, into.path(), SIZE).unwrap();
    assert!(files(into.path()) == anew(SIZE));

    // Other sizes of packs.
    for size in [1 << 20, SIZE / 2] {
        packed(root, into.path(), size).unwrap();
        assert!(files(into.path()) == anew(size));
    }
}

#[test]
fn every_file_comes_out_of_a_pack_by_other_programs() {
    let tree = made_up();
    let into = tempfile::tempdir().unwrap();
    packed(tree.path(), into.path(), SIZE).unwrap();
    let mut found = BTreeMap::new();
    for (path, bytes) in files(into.path()).into_iter().filter(|(path, _)| path.ends_with(".zip")) {
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
        for at in 0..archive.len() {
            let mut file = archive.by_index(at).unwrap();
            let name = file.name().unwrap().into_owned();
            if file.is_file() && name != ".index" {
                let mut content = Vec::new();
                file.read_to_end(&mut content).unwrap();
                assert!(found.insert(name, content).is_none(), "{path}");
            }
        }
    }
    let mut expected = files(tree.path());
    expected.retain(|path, _| !path.contains(".hidden"));
    assert!(found == expected);
}

#[test]
fn other_peoples_files_are_neither_removed_nor_written_over() {
    let tree = made_up();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.txt"), "mine").unwrap();
    assert!(matches!(packed(tree.path(), folder.path(), SIZE), Err(PackError::ForeignFolder { .. })));
    let into = folder.path().join("packs");
    packed(tree.path(), &into, 1 << 20).unwrap();
    put(&into, "CNAME", b"mine");
    put(&into, "packs/mine.zip", b"mine");
    put(&into, "packs/p1.zip.bak", b"mine");
    packed(tree.path(), &into, SIZE).unwrap();
    for path in ["CNAME", "packs/mine.zip", "packs/p1.zip.bak"] {
        assert_eq!(std::fs::read(into.join(path)).unwrap(), b"mine");
    }
    // A name that a pack would need, and a list that would lead out of the folder.
    let before = files(&into);
    put(&into, "packs/p.zip", b"mine");
    let refused = packed(tree.path(), &into, 1 << 30);
    assert!(matches!(refused, Err(PackError::ForeignFile { .. })), "{refused:?}");
    std::fs::remove_file(into.join("packs/p.zip")).unwrap();
    assert!(files(&into) == before);
    let list = std::fs::read_to_string(into.join("packs.json")).unwrap();
    std::fs::write(into.join("packs.json"), list.replace("\"404.html\"", "\"../mine.txt\"")).unwrap();
    assert!(packed(tree.path(), &into, SIZE).unwrap_err().to_string().contains("mend"));
    assert!(folder.path().join("mine.txt").exists());
}

#[test]
fn what_cannot_be_packed_is_said() {
    let tree = made_up();
    let root = tree.path();
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("packs");
    assert!(matches!(packed(folder.path(), &into, SIZE), Err(PackError::NoSite { .. })));
    assert!(matches!(packed(root, &root.join("packs"), SIZE), Err(PackError::Within { .. })));
    std::fs::remove_dir_all(root.join("packs")).unwrap();
    put(root, ".catalogue-files.journal", b"");
    assert!(matches!(packed(root, &into, SIZE), Err(PackError::NoSite { .. })));
    std::fs::remove_file(root.join(".catalogue-files.journal")).unwrap();
    let noise: Vec<u8> = (0..21_u32 << 20).map(|n| (n.wrapping_mul(0x9e37_79b9) >> 13) as u8).collect();
    put(root, "download/all.bin", &noise);
    let error = packed(root, &into, 1 << 20).unwrap_err().to_string();
    assert!(error.starts_with("download/all.bin is larger than 20 MiB"), "{error}");
    // It is as good as one that was ended: the next run finishes it.
    std::fs::remove_dir_all(root.join("download")).unwrap();
    packed(root, &into, 1 << 20).unwrap();
    let again = packed(root, &into, 1 << 20).unwrap();
    assert_eq!((again.files_written, again.files_removed), (0, 0));
}

#[test]
fn the_command_says_what_it_did() {
    let tree = made_up();
    let here = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| -> Output {
        #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_catalogue"));
        command.arg("pack").args(args).current_dir(here.path()).env("CATALOGUE_VAR", here.path().join("var"));
        command.output().unwrap()
    };
    let tree = tree.path().to_str().unwrap();
    let output = run(&["--out", tree, "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), report["packs"].as_u64()), (Some(0), Some(1)), "{report}");
    assert!(here.path().join("packs/_worker.js").is_file());
    let said = String::from_utf8(run(&["--out", tree]).stdout).unwrap();
    assert!(said.contains("0 files compressed anew, 0 files written, 0 removed"), "{said}");
    assert!(run(&["--out", tree, "--quiet"]).stdout.is_empty());
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("run catalogue build first"));
    assert_eq!(run(&["--size", "17"]).status.code(), Some(2));
}

/// Asks the edge function in Node for targets of a tree, and `catalogue serve` for the same; what differs is said.
fn edge_answers_as(tree: &Path, into: &Path, targets: &[String], host: &str) -> Option<serde_json::Value> {
    let Ok(node) = which::which("node") else {
        println!("skipped: node is not here");
        return None;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/site/edge.mjs");
    #[expect(clippy::disallowed_methods, reason = "a test starts Node")]
    let mut command = Command::new(node);
    command.arg(script).arg(into).arg(format!("http://{}", shown(tree))).arg(host);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(targets.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["differ"], serde_json::json!([]), "{host}");
    assert!(found["asked"].as_u64().unwrap() as usize >= targets.len());
    Some(found)
}

#[test]
fn the_edge_function_answers_as_the_tree_is_shown() {
    let tree = made_up();
    let into = tempfile::tempdir().unwrap();
    let report = packed(tree.path(), into.path(), SIZE).unwrap();
    let hostile = [
        "//",
        "/a%20b//c///",
        "/.hidden",
        "/%00",
        "/%ff",
        "/c:/x",
        "/packs.json",
        "/_worker.js",
        "/nothing%20in%20it/",
    ];
    let mut all: Vec<String> = targets(tree.path()).into_iter().collect();
    all.extend(hostile.map(str::to_owned));
    for host in ["ranges", "whole", "elsewhere"] {
        let Some(found) = edge_answers_as(tree.path(), into.path(), &all, host) else { return };
        let read = found["bytes"].as_u64().unwrap();
        if host == "whole" {
            // A pack that came as a whole is kept for a minute.
            assert!(found["requests"].as_u64().unwrap() < found["asked"].as_u64().unwrap() / 2, "{found}");
        } else {
            assert!(read < 4 * report.tree_bytes, "{found}");
        }
    }
}

#[test]
fn the_edge_function_shows_a_real_site() {
    let site = built();
    let into = tempfile::tempdir().unwrap();
    packed(&site.out, into.path(), 1 << 20).unwrap();
    let all: Vec<String> = targets(&site.out).into_iter().collect();
    // Policy files are many and alike.
    let some = all.iter().enumerate().filter(|(at, path)| !path.contains("/policies/") || at % 20 == 0);
    let some: Vec<String> = some.map(|(_, path)| path.clone()).collect();
    assert!(some.len() > 200, "{} of {}", some.len(), all.len());
    edge_answers_as(&site.out, into.path(), &some, "ranges");
}
