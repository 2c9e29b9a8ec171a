//! The labelled records, served by a registry of each kind on loopback: what is joined, and what waits in front.

use std::collections::{BTreeMap, BTreeSet};

use catalogue::model::sign::LIKELY;
use serde_json::{Map, Value, json};

use crate::sources_fake::{Fake, Place, Reply, Seen};

fn records() -> Vec<Value> {
    let lines = include_str!("labelled.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record[key].as_str().unwrap_or_default()
}

fn list<'a>(record: &'a Value, key: &str) -> Vec<&'a str> {
    record[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn npm_manifest(record: &Value, names: &[&str]) -> Value {
    let table = |key: &str| {
        list(record, key).into_iter().map(|name| (name.to_owned(), json!("1"))).collect::<Map<_, _>>()
    };
    let mut manifest = json!({"name": record["npm"], "version": "1.0.0", "dependencies": table("needs"),
        "devDependencies": table("dev"), "peerDependencies": table("peer"), "keywords": list(record, "keywords")});
    if record["bin"] == true {
        manifest["bin"] = json!({"x": "x.js"});
    }
    if let Some(name) = names.first() {
        manifest["mcpName"] = json!(name);
    }
    if record["deprecated"] == true {
        manifest["deprecated"] = json!("gone");
    }
    if record["repository"].is_string() {
        manifest["repository"] =
            json!({"type": "git", "url": record["repository"], "directory": record["directory"]});
    }
    manifest
}

fn pypi_document(record: &Value, names: &[&str]) -> Value {
    let mut description: String = names.iter().map(|name| format!("<!-- mcp-name: {name} -->\n")).collect();
    if record["configured"] == true {
        description.push_str(&format!(
            "{{\"mcpServers\": {{\"x\": {{\"command\": \"{}\"}}}}}}",
            text(record, "pypi")
        ));
    }
    let needs: Vec<String> =
        list(record, "needs").into_iter().map(|need| need.replace("; extra", "; extra == 'x'")).collect();
    json!({"info": {"name": record["pypi"], "description": description, "requires_dist": needs,
        "keywords": list(record, "keywords").join(","), "project_urls": record["urls"]}, "urls": []})
}

fn entry(record: &Value) -> Value {
    let packages: Vec<Value> = record["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|package| json!({"registryType": package[0], "identifier": package[1], "version": package[2]}))
        .collect();
    let remotes: Vec<Value> = list(record, "remotes")
        .into_iter()
        .map(|url| json!({"type": "streamable-http", "url": url}))
        .collect();
    json!({"server": {"name": record["entry"], "version": "1.0.0", "repository": record["repository"], "packages": packages,
        "remotes": remotes}, "_meta": {"io.modelcontextprotocol.registry/official": {"status": "active", "isLatest": true,
        "updatedAt": "2026-01-01T00:00:00Z"}}})
}

fn of_version<'a>(record: &'a Value, version: &str) -> Option<Vec<&'a str>> {
    record["versions"][version].as_array().map(|names| names.iter().filter_map(Value::as_str).collect())
}

fn answer(all: &[Value], asked: &Seen) -> Reply {
    let path = asked.path.replace("%2F", "/").replace("%2f", "/");
    let of = |key: &str, name: &str| all.iter().find(|record| text(record, key) == name);
    let found = match path.trim_start_matches('/') {
        "v0.1/servers" => {
            let servers: Vec<Value> = all.iter().filter(|r| r["entry"].is_string()).map(entry).collect();
            Some(json!({"servers": servers, "metadata": {}}))
        }
        "-/v1/search" => {
            let names = all
                .iter()
                .filter(|r| r["npm"].is_string())
                .skip(asked.number("from"))
                .take(asked.number("size"));
            let total = all.iter().filter(|r| r["npm"].is_string()).count();
            let objects: Vec<Value> =
                names.map(|r| json!({"package": {"name": r["npm"], "version": "1.0.0"}})).collect();
            Some(json!({"objects": objects, "total": total}))
        }
        "simple/" => {
            let names = all.iter().filter(|r| r["pypi"].is_string());
            let projects: Vec<Value> = names.map(|r| json!({"name": r["pypi"], "_last-serial": 1})).collect();
            let index = json!({"meta": {"_last-serial": 1, "api-version": "1.1"}, "projects": projects});
            return Reply::json(&index).with("X-Api", "1");
        }
        document => {
            let parts = document.strip_prefix("pypi/").and_then(|rest| rest.strip_suffix("/json"));
            match parts.map(|rest| rest.split_once('/').unwrap_or((rest, ""))) {
                Some((name, "")) => of("pypi", name).map(|r| pypi_document(r, &list(r, "names"))),
                Some((name, version)) => {
                    of("pypi", name).and_then(|r| Some(pypi_document(r, &of_version(r, version)?)))
                }
                None => document.rsplit_once('/').and_then(|(name, version)| {
                    let record = of("npm", name)?;
                    match version {
                        "latest" => Some(npm_manifest(record, &list(record, "names"))),
                        version => Some(npm_manifest(record, &of_version(record, version)?)),
                    }
                }),
            }
        }
    };
    found.map_or_else(|| Reply::status(404), |body| Reply::json(&body))
}

fn image_node(identifier: &str) -> String {
    let name = identifier.split('@').next().unwrap();
    let name = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or(name, |(name, _)| name);
    format!("oci:{}", name.to_lowercase())
}

/// Every labelled node with its project.
fn labels(all: &[Value]) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for record in all.iter().filter(|record| record["project"].is_string()) {
        let project = text(record, "project").to_owned();
        for kind in ["npm", "pypi"] {
            if record[kind].is_string() {
                labels.insert(format!("{kind}:{}", text(record, kind)), project.clone());
            }
        }
        if record["entry"].is_string() {
            labels.insert(format!("registry:{}", text(record, "entry")), project.clone());
            // Whose an image elsewhere is, its label says, which is in no record.
            let images =
                record["packages"].as_array().into_iter().flatten().filter(|package| package[0] == "oci");
            for image in images.map(|package| image_node(package[1].as_str().unwrap())) {
                if image.starts_with("oci:ghcr.io/") {
                    labels.insert(image, project.clone());
                }
            }
            for url in list(record, "remotes") {
                labels.insert(format!("remote:{}", url::Url::parse(url).unwrap()), project.clone());
            }
        }
    }
    labels
}

/// Three walks, and what GitHub lists.
fn walked(all: &[Value]) -> (Place, Fake) {
    let served = all.to_vec();
    let fake = Fake::start(move |asked| answer(&served, asked));
    let url = &fake.url;
    let lists = format!(
        "[registries]\nnpm = \"{url}\"\npypi = \"{url}simple/\"\n[sources.mcp]\naddress = \"{url}\"\n"
    );
    let place = Place::new(&lists);
    place.setting("documents_a_run", "2000");
    place.setting("queries", r#"["keywords:mcp-server"]"#);
    for source in ["mcp", "npm", "pypi"] {
        place.dry_run(source, &[]);
    }
    let db = catalogue::store::Connection::open(place.path("var/catalogue.db")).unwrap();
    db.execute(
        "INSERT OR IGNORE INTO sources (name, address) VALUES ('github', 'https://forge.example')",
        [],
    )
    .unwrap();
    for (id, record) in all.iter().filter(|record| record["repository_listing"].is_string()).enumerate() {
        let name = text(record, "repository_listing");
        let listing =
            json!({"id": id + 100, "full_name": name, "fork": false, "manifests": record["manifests"]});
        db.execute(
            "INSERT INTO listings (source, name, version, status, stamp, record, position, walk_id, first_seen, changed_at)
             VALUES ('github', ?1, '', 'active', '1', ?2, 'x', 1, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
            [name, &listing.to_string()],
        )
        .unwrap();
    }
    (place, fake)
}

fn ecosystem(node: &str) -> &str {
    node.split(':').next().unwrap()
}

#[test]
fn labelled_records_are_joined_rightly_and_servers_wait_in_front() {
    let all = records();
    assert!(all.len() >= 200, "{}", all.len());
    let (place, _fake) = walked(&all);
    let output = place.run(&["identity", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();

    let labels = labels(&all);
    let mut joined: BTreeSet<(String, String)> = BTreeSet::new();
    for project in lines.iter().filter(|line| line["project"].is_string()) {
        let members = list(project, "members");
        for (i, a) in members.iter().enumerate() {
            for b in &members[i + 1..] {
                let both_packages = ["npm", "pypi", "oci"].contains(&ecosystem(a));
                assert!(!both_packages || ecosystem(a) != ecosystem(b), "{a} and {b} in one project");
                joined.insert(((*a).to_owned(), (*b).to_owned()));
            }
        }
    }
    joined.retain(|(a, b)| labels.contains_key(a) && labels.contains_key(b));
    let nodes: Vec<&String> = labels.keys().collect();
    let mut wanted: BTreeSet<(String, String)> = BTreeSet::new();
    for (i, a) in nodes.iter().enumerate() {
        for b in nodes[i + 1..].iter().filter(|b| labels[**b] == labels[*a]) {
            // Two packages of one ecosystem never come together; two names of the registry may.
            if ecosystem(a) != ecosystem(b) || ecosystem(a) == "registry" {
                wanted.insert(((*a).clone(), (*b).clone()));
            }
        }
    }
    let wrong: Vec<_> = joined.iter().filter(|(a, b)| labels[a] != labels[b]).collect();
    let missed: Vec<_> = wanted.difference(&joined).collect();
    let found = wanted.len() - missed.len();
    println!(
        "merges: {} of {} pairs joined, {} wrong; recall {:.3}; missed: {missed:#?}",
        found,
        wanted.len(),
        wrong.len(),
        found as f64 / wanted.len() as f64
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(found * 10 >= wanted.len() * 9, "{found} of {}", wanted.len());

    let db = place.db();
    let mut ranks = db.prepare("SELECT key, rank FROM candidates WHERE obstacle IS NULL").unwrap();
    let ranks: BTreeMap<String, i32> =
        ranks.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    let (mut servers, mut late, mut others, mut in_front) = (0, Vec::new(), 0, Vec::new());
    for record in &all {
        let Some(kind) = ["npm", "pypi"].into_iter().find(|kind| record[kind].is_string()) else { continue };
        let key = format!("{kind}:{}", text(record, kind));
        let rank = ranks.get(&key).copied();
        if record["is"] == "server" {
            servers += 1;
            if rank.is_none_or(|rank| rank < LIKELY) {
                late.push((key, rank));
            }
        } else {
            others += 1;
            if rank.is_some_and(|rank| rank >= LIKELY) {
                in_front.push((key, rank));
            }
        }
    }
    println!(
        "triage: {} of {servers} servers at rank {LIKELY} and above; {} of {others} others too",
        servers - late.len(),
        in_front.len()
    );
    println!("late: {late:?}\nothers in front: {in_front:?}");
    assert!(late.len() * 100 <= servers, "{late:?}");
    assert!(
        in_front.len() * 3 <= others,
        "a cut that lets everything through separates nothing: {in_front:?}"
    );
}
