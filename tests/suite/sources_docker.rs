//! Walks through a Docker catalogue on disk and by its tarball: made-up records in the shape of docker/mcp-registry (2026-07).

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::sources_fake::{Fake, Place, Reply};

fn record(i: usize) -> String {
    match i % 3 {
        0 => format!(
            "name: bell-{i}\nimage: mcp/bell-{i}\ntype: server\nmeta:\n  category: music\nabout:\n  title: Bell {i}\nsource:\n  project: https://github.com/tower/bell-{i}\n  commit: 0a1b2c3d\n"
        ),
        1 => format!(
            "name: bell-{i}\ntype: remote\nabout:\n  title: Bell {i}\nremote:\n  transport_type: sse\n  url: https://bell-{i}.example/sse\n"
        ),
        _ => format!(
            "name: bell-{i}\ntype: poci\ntools:\n  - name: ring_{i}\n    description: Rings.\n    container:\n      image: tower/bell\n"
        ),
    }
}

/// A checkout of so many servers; every sixth has a `tools.json`.
fn checkout(at: &Path, count: usize) {
    for i in 0..count {
        let folder = at.join(format!("servers/bell-{i:03}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("server.yaml"), record(i)).unwrap();
        std::fs::write(folder.join("readme.md"), "Read me.").unwrap();
        if i % 6 == 0 {
            std::fs::write(
                folder.join("tools.json"),
                format!(r#"[{{"name":"toll_{i}","description":"Tolls."}}]"#),
            )
            .unwrap();
        }
    }
}

fn tarball(checkout: &Path) -> Vec<u8> {
    let mut builder =
        tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    builder.append_dir_all("mcp-registry-0a1b", checkout).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}

fn walk(place: &Place) -> (u64, u64, u64, String) {
    let walk = &place.source("docker")["walk"];
    let number = |key: &str| walk[key].as_u64().unwrap();
    (
        number("added"),
        number("changed"),
        number("unchanged"),
        walk["ended_by"].as_str().unwrap_or("").to_owned(),
    )
}

fn declared(place: &Place) -> Vec<String> {
    let db = place.db();
    let mut all = db
        .prepare("SELECT about || ' ' || place || ' ' || e.name FROM declared_lists d JOIN declared_entries e ON e.list_id = d.id ORDER BY 1")
        .unwrap();
    all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_checkout_is_walked_to_its_end_and_then_only_what_changed_is_read() {
    let place = Place::new("[sources.docker]\npath = \"checkout\"\n");
    let tree = place.path("checkout");
    checkout(&tree, 12);
    place.setting("page_size", "5");
    let found = place.dry_run("docker", &[]);
    assert_eq!(found.len(), 8, "four repositories and four remotes: {found:?}");
    assert!(found.contains(&"remote:https://bell-1.example/sse".to_owned()));
    assert!(found.contains(&"github:tower/bell-0".to_owned()));
    assert_eq!(walk(&place), (12, 0, 0, "absent-cursor".to_owned()));
    let source = place.source("docker");
    assert_eq!((source["state"].as_str(), source["walk"]["pages"].as_u64()), (Some("complete"), Some(3)));
    let lists = declared(&place);
    assert_eq!(lists.len(), 6);
    assert!(lists.contains(&"oci:mcp/bell-0 servers/bell-000/tools.json toll_0".to_owned()), "{lists:?}");
    assert!(lists.contains(&"poci:bell-002 servers/bell-002/server.yaml ring_2".to_owned()), "{lists:?}");

    assert_eq!(place.dry_run("docker", &[]), found);
    assert_eq!(walk(&place), (0, 0, 12, "absent-cursor".to_owned()));

    // One changes, one is new, one goes: eleven of twelve are left, which is believed.
    std::fs::write(tree.join("servers/bell-000/tools.json"), r#"[{"name":"peal"}]"#).unwrap();
    std::fs::remove_dir_all(tree.join("servers/bell-001")).unwrap();
    std::fs::create_dir(tree.join("servers/chime")).unwrap();
    std::fs::write(tree.join("servers/chime/server.yaml"), record(3)).unwrap();
    let found = place.dry_run("docker", &[]);
    assert!(!found.contains(&"remote:https://bell-1.example/sse".to_owned()));
    assert_eq!(walk(&place), (1, 1, 10, "absent-cursor".to_owned()));
    assert!(declared(&place).contains(&"oci:mcp/bell-0 servers/bell-000/tools.json peal".to_owned()));
    assert_eq!(place.source("docker")["gone"].as_u64(), Some(1));
}

#[test]
fn a_tarball_on_disk_or_at_an_address_names_what_the_checkout_does() {
    let place = Place::new("");
    checkout(&place.path("checkout"), 12);
    let found = place.dry_run("docker", &["--path", "checkout"]);
    let bytes = tarball(&place.path("checkout"));
    std::fs::write(place.path("registry.tar.gz"), &bytes).unwrap();
    assert_eq!(place.dry_run("docker", &["--path", "registry.tar.gz"]), found);
    assert_eq!(walk(&place), (0, 0, 12, "absent-cursor".to_owned()));

    let fake = Fake::start(move |asked| match asked.header("if-none-match") {
        Some("\"v1\"") => Reply::status(304),
        _ => Reply { status: 200, headers: Vec::new(), body: bytes.clone() }.with("ETag", "\"v1\""),
    });
    let far = Place::new(&format!("[sources.docker]\naddress = \"{}registry.tar.gz\"\n", fake.url));
    assert_eq!(far.dry_run("docker", &[]), found);
    assert_eq!(far.dry_run("docker", &[]), found);
    let seen = fake.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].header("if-none-match"), Some("\"v1\""));
    assert_eq!(walk(&far), (0, 0, 12, "not-modified".to_owned()));
    assert_eq!(declared(&far), declared(&place));
}

#[test]
fn limit_since_and_path_are_what_they_are_elsewhere() {
    let place = Place::new("");
    checkout(&place.path("checkout"), 12);
    place.setting("page_size", "3");
    let few = place.dry_run("docker", &["--path", "checkout", "--limit", "2"]);
    assert_eq!(few.len(), 2);
    assert_eq!(place.source("docker")["walk"]["pages"].as_u64(), Some(1), "no more is read than that takes");
    let since = Place::new("");
    assert_eq!(
        since.dry_run(
            "docker",
            &["--path", place.path("checkout").to_str().unwrap(), "--since", "2090-01-01"]
        ),
        [""; 0]
    );
    assert_eq!(
        since
            .dry_run("docker", &["--path", place.path("checkout").to_str().unwrap(), "--since", "2020-01-01"])
            .len(),
        8
    );
    for (args, said) in [
        (&["scan", "--registry", "docker", "--path", "nowhere", "--dry-run"][..], "nowhere"),
        (&["scan", "--registry", "docker", "--path", "var", "--dry-run"], "there is no folder servers/"),
        (
            &["scan", "--registry", "docker", "--path", "catalogue.toml", "--dry-run"],
            "neither a folder nor a .tar.gz",
        ),
        (
            &["scan", "--registry", "docker", "--path", "checkout", "--since", "yesterday", "--dry-run"],
            "--since yesterday",
        ),
        (
            &["scan", "--registry", "npm", "--path", "checkout", "--dry-run"],
            "--path is for --registry docker",
        ),
    ] {
        let fresh = Place::new("");
        checkout(&fresh.path("checkout"), 1);
        std::fs::create_dir_all(fresh.path("var")).unwrap();
        let output = fresh.run(args);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(said), "{args:?}: {told}");
    }
}

#[test]
fn nothing_outside_the_checkout_is_read_and_one_bad_folder_costs_itself() {
    let place = Place::new("[sources.docker]\npath = \"checkout\"\n");
    let (tree, outside) = (place.path("checkout"), place.path("outside"));
    checkout(&tree, 2);
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("server.yaml"), "type: server\nimage: stolen/secret\n").unwrap();
    let servers = tree.join("servers");
    std::os::unix::fs::symlink(&outside, servers.join("a-folder")).unwrap();
    let made = |name: &str| {
        let folder = servers.join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    };
    std::os::unix::fs::symlink(outside.join("server.yaml"), made("a-link").join("server.yaml")).unwrap();
    std::fs::write(made("broken").join("server.yaml"), "type: [").unwrap();
    std::fs::write(made("large").join("server.yaml"), "#".repeat(1 << 20)).unwrap();
    std::fs::create_dir(made("nested").join("server.yaml")).unwrap();
    made("empty");
    std::fs::write(servers.join("a-file"), "x").unwrap();
    let found = place.dry_run("docker", &[]);
    assert_eq!(found, ["github:tower/bell-0", "remote:https://bell-1.example/sse"]);
    let source = place.source("docker");
    assert_eq!(source["walk"]["malformed"].as_u64(), Some(4), "{source}");
    let names = place.names("docker");
    assert_eq!(names, ["bell-000 ", "bell-001 "]);
    let secret: i64 = place
        .db()
        .query_row("SELECT count(*) FROM candidates WHERE key LIKE '%stolen%'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(secret, 0);
}

#[test]
fn a_walk_killed_at_twenty_points_finds_what_a_calm_one_finds() {
    let place = Place::new("[sources.docker]\npath = \"checkout\"\n");
    checkout(&place.path("checkout"), 90);
    place.setting("page_size", "1");
    let mut kills = 0;
    for round in 0..20u64 {
        let mut command = place.command(&["scan", "--registry", "docker", "--dry-run", "--quiet"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(30 + (round * 37) % 90));
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            kills += 1;
        }
        child.wait().unwrap();
    }
    assert!(kills >= 5, "{kills}");
    assert_eq!(place.dry_run("docker", &[]).len(), 60);
    assert_eq!(place.names("docker").len(), 90);
    let lists = declared(&place);
    assert_eq!(lists.len(), 45, "each list is stored once: {lists:?}");
    let added: i64 = place.db().query_row("SELECT sum(added) FROM walks", [], |row| row.get(0)).unwrap();
    assert_eq!(added, 90, "each record is new once");
    assert_eq!(place.source("docker")["walk"]["ended_by"], "absent-cursor");
}
