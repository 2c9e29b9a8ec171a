//! Declared lists: shown on a server's own page, and nowhere else in the site, the views, the policies or the commands.

use std::io::Write;
use std::path::Path;

use catalogue::http::Reach;
use catalogue::model::declared::{DeclaredBy, DeclaredEntry, DeclaredList};
use catalogue::model::source::{
    Candidate, Listing, ListingStatus, Next, Obstacle, Page, SourceName, WalkEnd, WalkKind,
};
use catalogue::store::{DeclaredRecord, Store, WalkBounds, declared_lists, declared_servers};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::sample;
use crate::sources_fake::{Fake, Place, Reply};

/// Stores a walk through a made-up Docker catalogue: one record for each of these keys, each declaring these names.
pub(crate) fn seed(store: &mut Store, about: &[&str], names: &[&str]) {
    let (source, now) = (SourceName::Docker, sample::start());
    let listing = |key: &str| Listing {
        name: format!("record-{}", key.len()),
        version: key.to_owned(),
        status: ListingStatus::Active,
        stamp: Some("1".to_owned()),
        record: Some(
            json!({"server": {"about": {"title": "Bell <b>", "description": "It rings."}}}).to_string(),
        ),
        found: vec![Candidate {
            key: key.to_owned(),
            obstacle: key.parse::<catalogue::model::ServerKey>().is_err().then_some(Obstacle::Kind),
            signs: Vec::new(),
        }],
    };
    let listings: Vec<Listing> = about.iter().map(|key| listing(key)).collect();
    let entry =
        |name: &&str| DeclaredEntry { name: (*name).to_owned(), description: format!("It is {name}.") };
    let list = |key: &str| DeclaredList {
        about: key.to_owned(),
        by: DeclaredBy::File,
        place: format!("servers/{key}/tools.json"),
        hash: "ab".repeat(32),
        grows: true,
        tools: names.iter().map(entry).collect(),
        prompts: vec![entry(&"a_prompt")],
    };
    let records: Vec<DeclaredRecord<'_>> = listings
        .iter()
        .zip(about)
        .map(|(l, key)| DeclaredRecord { name: &l.name, version: &l.version, lists: vec![list(key)] })
        .collect();
    store.name_source(source, "file:///made-up", None, now).unwrap();
    let walk = store.begin_walk(source, WalkKind::Full, None, "1", now).unwrap();
    store.declare(source, &records, now).unwrap();
    let next = Next::End { by: WalkEnd::AbsentCursor, mark: Some("1".to_owned()) };
    let page = Page {
        listings,
        unchanged: false,
        etag: None,
        seen: 1,
        malformed: 0,
        must_bring_news: false,
        note: None,
        next,
    };
    let bounds = WalkBounds { max_pages: 9, accept_shrink: true };
    store.add_page(source, &walk, &page, bounds, now).unwrap();
}

/// Every text file below a folder that contains one of these words, relative to it.
fn files_with(folder: &Path, words: &[&str]) -> Vec<String> {
    let mut hits = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            hits.extend(files_with(&path, words));
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            if words.iter().any(|word| text.contains(word)) {
                hits.push(path.to_string_lossy().into_owned());
            }
        }
    }
    hits.sort();
    hits
}

#[test]
fn a_declared_name_is_on_its_server_s_page_and_nowhere_else() {
    let place = Place::new("");
    std::fs::create_dir_all(place.path("var")).unwrap();
    let mut store = Store::open(&place.path("var/catalogue.db")).unwrap();
    sample::seed(&mut store);
    let names = ["declared_alone", "declared_too"];
    // One that answered, one that did not, one that is no server of ours, one that is private.
    let about = ["npm:weather-vane", "npm:needs-a-key", "oci:tower/bell", "local:house-tools"];
    seed(&mut store, &about, &names);
    drop(store);
    let run = |args: &[&str]| {
        let output = place.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = run(&["build", "--out", "dist"]);
    let hits = files_with(&place.path("dist"), &names);
    let dist = place.path("dist");
    let hits: Vec<String> =
        hits.iter().map(|hit| hit.strip_prefix(dist.to_str().unwrap()).unwrap().to_owned()).collect();
    assert_eq!(hits.len(), 3, "{hits:?}");
    assert!(hits.contains(&"/servers/npm/weather-vane/index.html".to_owned()), "{hits:?}");
    assert!(hits.contains(&"/servers/npm/needs-a-key/index.html".to_owned()), "{hits:?}");
    assert!(hits[2].starts_with("/servers/oci/tower-bell-"), "{hits:?}");
    for hit in &hits {
        let page = std::fs::read_to_string(format!("{}{hit}", dist.display())).unwrap();
        let (before, section) = page.split_once("id=\"declared\"").unwrap();
        assert!(section.contains("Declared, not confirmed by a running server"), "{hit}");
        assert!(!before.contains("declared_alone") && !page.contains("tools/declared"), "{hit}");
        // The name a reader meets first is still that of what was heard.
        assert!(!page.split_once("</head>").unwrap().0.contains("declared_alone"), "{hit}");
    }
    assert_eq!(catalogue::render::check(&dist), []);

    // The same counts as without the lists.
    let plain = Place::new("");
    std::fs::create_dir_all(plain.path("var")).unwrap();
    let mut store = Store::open(&plain.path("var/catalogue.db")).unwrap();
    sample::seed(&mut store);
    drop(store);
    let before = String::from_utf8(plain.run(&["build", "--out", "dist"]).stdout).unwrap();
    let tail = |said: &str| said.lines().next().unwrap().split_once(", ").unwrap().1.to_owned();
    assert_eq!(tail(&said), tail(&before), "servers and tools are counted alike");

    // No view, no command.
    let db = place.db();
    let views: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY name")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(views.len() > 5, "{views:?}");
    for view in views {
        let mut rows = db.prepare(&format!("SELECT * FROM {view}")).unwrap();
        let count = rows.column_count();
        let texts: Vec<String> = rows
            .query_map([], |row| {
                Ok((0..count).filter_map(|i| row.get::<_, String>(i).ok()).collect::<Vec<_>>().join(" "))
            })
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(!texts.join(" ").contains("declared_alone"), "{view}");
    }
    for args in [
        &["policy", "export", "npm:weather-vane", "--format", "intercept"][..],
        &["policy", "export", "npm:weather-vane", "--format", "policylayer"],
        &["classify"],
        &["review"],
        &["sources", "--json"],
    ] {
        let said = run(args);
        assert!(!said.trim().is_empty() && !said.contains("declared_alone"), "{args:?}: {said}");
    }
}

#[test]
fn a_list_is_replaced_with_its_record_and_goes_with_it() {
    let (_folder, _path, mut store) = sample::empty();
    seed(&mut store, &["oci:tower/bell"], &["ring"]);
    let names = |store: &Store| -> Vec<String> {
        let lists = declared_lists(store.connection(), "oci:tower/bell", None).unwrap();
        lists.iter().flat_map(|l| &l.list.tools).map(|t| t.name.clone()).collect()
    };
    assert_eq!(names(&store), ["ring"]);
    assert_eq!(declared_servers(store.connection(), None, false).unwrap().len(), 1);
    let record = |lists| DeclaredRecord { name: "record-14", version: "oci:tower/bell", lists };
    let list = DeclaredList {
        about: "oci:tower/bell".to_owned(),
        by: DeclaredBy::File,
        place: "servers/bell/tools.json".to_owned(),
        hash: "cd".repeat(32),
        grows: false,
        tools: vec![DeclaredEntry { name: "toll".to_owned(), description: String::new() }],
        prompts: Vec::new(),
    };
    let later = sample::start() + jiff::SignedDuration::from_hours(1);
    store.declare(SourceName::Docker, &[record(vec![list.clone()])], later).unwrap();
    store
        .declare(SourceName::Docker, &[record(vec![list])], later + jiff::SignedDuration::from_hours(1))
        .unwrap();
    assert_eq!(names(&store), ["toll"]);
    let kept = declared_lists(store.connection(), "oci:tower/bell", None).unwrap();
    assert_eq!(kept[0].read_at, later, "the same list keeps the time it was first read at");
    assert_eq!(declared_lists(store.connection(), "oci:tower/bell", Some(sample::start())).unwrap(), []);
    store.declare(SourceName::Docker, &[record(Vec::new())], later).unwrap();
    assert_eq!(names(&store), [""; 0]);
    assert_eq!(declared_servers(store.connection(), None, false).unwrap(), []);
    let entries: i64 =
        store.connection().query_row("SELECT count(*) FROM declared_entries", [], |row| row.get(0)).unwrap();
    assert_eq!(entries, 0);
}

fn bundle(manifest: &Value) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in
        [("server/index.js", b"0".to_vec()), ("manifest.json", manifest.to_string().into_bytes())]
    {
        writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(&bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_bundle_s_manifest_is_read_if_its_hash_is_the_stated_one() {
    let good = bundle(&json!({
        "manifest_version": "0.3", "name": "bell", "version": "1.0.0",
        "tools": [{"name": "ring_the_bell", "description": "Rings."}], "tools_generated": true,
        "prompts": [{"name": "a_song", "text": "…"}],
    }));
    let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let elsewhere = Fake::start(|_| Reply::status(200));
    let own: std::sync::Arc<std::sync::OnceLock<String>> = std::sync::Arc::default();
    let (stated, away, base) = (hash(&good), elsewhere.url.clone(), std::sync::Arc::clone(&own));
    let fake = Fake::start(move |asked| {
        let at = |path: &str| format!("{}{path}", base.get().unwrap());
        let package = |address: String, hash: Value| json!({"registryType": "mcpb", "identifier": address, "fileSha256": hash});
        match asked.path.as_str() {
            "/v0.1/servers" => {
                let packages = [
                    ("good", package(at("good.mcpb"), json!(stated.to_uppercase()))),
                    ("other-hash", package(at("other.mcpb"), json!("00".repeat(32)))),
                    ("no-hash", package(at("nohash.mcpb"), Value::Null)),
                    ("moved", package(at("moved.mcpb"), json!(stated))),
                    ("away", package(format!("{away}x.mcpb"), json!(stated))),
                    ("gone", package(at("gone.mcpb"), json!(stated))),
                ];
                let servers: Vec<Value> = packages
                    .iter()
                    .map(|(name, package)| json!({"server": {"name": format!("x.example/{name}"), "version": "1", "packages": [package]}}))
                    .collect();
                Reply::json(&json!({"servers": servers, "metadata": {}}))
            }
            "/good.mcpb" | "/other.mcpb" | "/nohash.mcpb" => {
                Reply { status: 200, headers: Vec::new(), body: good.clone() }
            }
            "/moved.mcpb" => Reply::status(302).with("Location", &format!("{away}stolen")),
            _ => Reply::status(404),
        }
    });
    own.set(fake.url.to_string()).unwrap();
    let place = Place::new(&format!("[sources.mcp]\naddress = \"{}\"\n", fake.url));
    let output = place.run(&["scan", "--registry", "mcp"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lists = declared_lists(&place.db(), &format!("mcpb:{}good.mcpb", fake.url), None).unwrap();
    assert_eq!(lists.len(), 1);
    assert_eq!((lists[0].list.by, lists[0].list.grows), (DeclaredBy::Bundle, true));
    assert_eq!(
        (lists[0].list.tools[0].name.as_str(), lists[0].list.prompts[0].name.as_str()),
        ("ring_the_bell", "a_song")
    );
    let all: i64 = place.db().query_row("SELECT count(*) FROM declared_lists", [], |row| row.get(0)).unwrap();
    assert_eq!(all, 1, "nothing is believed without its hash");
    assert_eq!(elsewhere.seen().len(), 0, "no bundle and no redirect leads to another host on this machine");
    assert!(fake.seen().iter().all(|asked| asked.path != "/nohash.mcpb"));

    let before = fake.seen().len();
    place.run(&["scan", "--registry", "mcp"]);
    let again: Vec<String> = fake.seen()[before..].iter().map(|asked| asked.path.clone()).collect();
    assert_eq!(again, ["/v0.1/servers"], "a bundle that was looked into is not fetched again");

    assert!(place.run(&["build", "--out", "dist"]).status.success());
    let hits = files_with(&place.path("dist"), &["ring_the_bell"]);
    assert_eq!(hits.len(), 1, "{hits:?}");
    let page = std::fs::read_to_string(&hits[0]).unwrap();
    assert!(
        page.contains("it is a bundle for desktop clients") && page.contains("more once the server runs"),
        "{page}"
    );
    assert_eq!(catalogue::render::check(&place.path("dist")), []);
}

#[tokio::test]
async fn a_bundle_is_asked_for_at_public_places_only() {
    let client = catalogue::http::Client::default();
    let list = "https://registry.example/".parse().unwrap();
    for address in [
        "http://bell.example/b.mcpb",
        "https://127.0.0.1:1/b.mcpb",
        "https://169.254.169.254/x",
        "https://[::1]/x",
    ] {
        let key = format!("mcpb:{address}");
        let record =
            json!({"packages": [{"identifier": address, "fileSha256": "ab".repeat(32)}]}).to_string();
        let stated = catalogue::sources::bundle::stated(&record, &key).unwrap();
        let error = catalogue::sources::bundle::declared(&client, &list, &key, &stated, 1).await.unwrap_err();
        assert!(
            !error.may_pass() && error.to_string().contains("refused")
                || error.to_string().contains("not asked"),
            "{error}"
        );
    }
    assert_ne!(Reach::Public, Reach::Typed);
}
