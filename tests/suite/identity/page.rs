//! What the command and a server's page show of who it is, and that a private server is in no link.

use catalogue::store::{Connection, Store, Visibility};
use serde_json::{Value, json};

use crate::sample;
use crate::sources_fake::Place;

/// The made-up catalogue with an entry that lists three of its servers and a stranger, and packages that name it back.
fn place(private: &[&str]) -> Place {
    let place = Place::new("");
    let path = place.path("var/catalogue.db");
    let mut store = Store::open(&path).unwrap();
    sample::seed(&mut store);
    for key in private {
        assert!(store.set_visibility(&key.parse().unwrap(), Visibility::Private).unwrap());
    }
    drop(store);
    let db = Connection::open(&path).unwrap();
    let record = json!({"server": {"name": "example.orchard/ledger", "version": "1", "packages": [
        {"registryType": "npm", "identifier": "@orchard/ledger", "version": "1"},
        {"registryType": "pypi", "identifier": "orchard-ledger", "version": "1"},
        {"registryType": "oci", "identifier": "docker.io/stranger/<b>x</b>:1"}],
        "remotes": [{"url": "https://mcp.orchard.example/mcp"}]}});
    db.execute("INSERT INTO sources (name, address) VALUES ('mcp', 'x')", []).unwrap();
    db.execute(
        "INSERT INTO listings (source, name, version, status, stamp, record, position, walk_id, first_seen, changed_at)
         VALUES ('mcp', 'example.orchard/ledger', '1', 'active', '1', ?1, 'x', 1, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')",
        [record.to_string()],
    )
    .unwrap();
    for key in ["npm:@orchard/ledger", "pypi:orchard-ledger"] {
        let facts = json!({"mcp_names": ["example.orchard/ledger"],
            "repository": {"forge": "github.com", "path": "orchard/ledger"}});
        db.execute(
            "INSERT INTO package_facts (key, facts, read_at) VALUES (?1, ?2, '2026-01-01T00:00:00.000Z')",
            [key, &facts.to_string()],
        )
        .unwrap();
    }
    std::fs::write(place.path("data/known-names.txt"), "npm:waether-vane\n").unwrap();
    place
}

fn explain(place: &Place, node: &str) -> Value {
    let output = place.run(&["identity", node, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_command_lists_projects_and_explains_links() {
    let place = place(&[]);
    let listed = String::from_utf8(place.run(&["identity"]).stdout).unwrap();
    for line in [
        "registry:example.orchard/ledger",
        "  npm:@orchard/ledger",
        "  remote:https://mcp.orchard.example/mcp",
    ] {
        assert!(listed.lines().any(|shown| shown == line), "{listed}");
    }
    let known = explain(&place, "npm:@orchard/ledger");
    assert_eq!(known["members"].as_array().unwrap().len(), 4);
    let tiers: Vec<&str> =
        known["links"].as_array().unwrap().iter().map(|l| l["tier"].as_str().unwrap()).collect();
    assert!(tiers.contains(&"verified") && tiers.contains(&"claimed"), "{known}");
    let text = String::from_utf8(place.run(&["identity", "pypi:orchard-ledger"]).stdout).unwrap();
    assert!(
        text.contains("one project with:")
            && text.contains("github:orchard/ledger")
            && text.contains("not joined:"),
        "{text}"
    );
    let wrong = place.run(&["identity", "nonsense"]);
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("use npm:NAME"));
}

#[test]
fn a_page_shows_other_names_claims_and_likeness_and_escapes_them() {
    let place = place(&[]);
    place.run(&["identity"]);
    let built = place.run(&["build", "--out", "dist"]);
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let page =
        |path: &str| std::fs::read_to_string(place.path(&format!("dist/servers/{path}/index.html"))).unwrap();
    let ledger = page("npm/@orchard/ledger");
    assert!(
        ledger.contains("Also published as") && ledger.contains("servers/pypi/orchard-ledger/index.html"),
        "{ledger}"
    );
    assert!(
        ledger.contains("(verified)")
            && ledger.contains("Claimed, not confirmed")
            && ledger.contains("orchard/ledger")
    );
    assert!(!ledger.contains("<b>x</b>"));
    assert!(page("npm/weather-vane").contains("better known"));
}

#[test]
fn a_private_server_is_in_no_link() {
    let place = place(&["pypi:orchard-ledger"]);
    let known = explain(&place, "npm:@orchard/ledger");
    let members: Vec<&str> =
        known["members"].as_array().unwrap().iter().map(|m| m.as_str().unwrap()).collect();
    assert!(
        !members.contains(&"pypi:orchard-ledger") && members.contains(&"npm:@orchard/ledger"),
        "{members:?}"
    );
    assert!(explain(&place, "pypi:orchard-ledger")["members"].as_array().unwrap().is_empty());
    place.run(&["build", "--out", "dist"]);
    let page = std::fs::read_to_string(place.path("dist/servers/npm/@orchard/ledger/index.html")).unwrap();
    assert!(!page.contains("orchard-ledger<"), "{page}");
}
