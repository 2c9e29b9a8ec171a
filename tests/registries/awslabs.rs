//! Packages of one repository: each has the tools that its own process listed, and no sibling's.
//!
//! A catalogue that took the repository for the unit gave every one of them all 805 tools (research/scale.md section 1.5).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::local::{Place, say};
use super::net::reachable;

const SIBLINGS: [&str; 5] = [
    "awslabs-aws-documentation-mcp-server",
    // Every version was taken back; one that is named is installed all the same.
    "awslabs-core-mcp-server@1.0.7",
    "awslabs-ecs-mcp-server",
    "awslabs-eks-mcp-server",
    // Asks its cloud who it is before it answers anything, so that it needs the network that no box gives.
    "awslabs-prometheus-mcp-server",
];

#[tokio::test]
async fn no_package_of_a_repository_has_a_sibling_s_tools() {
    if reachable().await.is_none() {
        return;
    }
    let place = Place::new("");
    let purls = SIBLINGS.map(|name| format!("pkg:pypi/{name}"));
    let mut args = vec!["scan", "--json"];
    args.extend(purls.iter().map(String::as_str));
    let rows = place.rows(&args);
    say(&rows);
    assert_eq!(rows.len(), SIBLINGS.len());
    let answered: Vec<&Value> = rows.iter().filter(|row| row["outcome"] == "ok").collect();
    assert!(answered.len() >= 4, "{rows:?}");
    for row in rows.iter().filter(|row| row["outcome"] != "ok") {
        assert!(row["tools"] == 0 && row["recorded"] == true, "who did not answer has no tools: {row}");
    }

    // What each process listed, from the stored bytes of its own probe; and what pages, exports and people see.
    let tools_of = |sql: &str| {
        let db = place.db();
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut statement = db.prepare(sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (server, tool): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
            found.entry(server).or_default().insert(tool);
        }
        found
    };
    let shown = tools_of("SELECT server, tool FROM tools_flat ORDER BY server, tool");
    let listed = tools_of(
        "SELECT s.key, json_extract(CAST(w.bytes AS TEXT), '$.name') FROM probe_tools t
         JOIN raw_tools w ON w.sha256 = t.raw_sha256 JOIN probes p ON p.id = t.probe_id
         JOIN releases r ON r.id = p.release_id JOIN servers s ON s.id = r.server_id ORDER BY 1, 2",
    );
    assert_eq!(shown, listed);
    let counts: BTreeSet<usize> = shown.values().map(BTreeSet::len).collect();
    assert_eq!(shown.len(), answered.len());
    assert_eq!(counts.len(), answered.len(), "sibling counts differ: {counts:?}");
    assert!(!counts.contains(&805));

    for (server, tools) in &shown {
        let name = server.trim_start_matches("pypi:");
        let sources = python_files(&place.folder.path().join("var/cache"), name);
        assert!(sources.len() > 1_000, "{name} is installed");
        for tool in tools {
            assert!(
                sources.contains(tool.as_str()),
                "{server} has {tool}, and nothing installed for it names it"
            );
        }
    }
    let homes = |tool: &str| -> Vec<&str> {
        shown.iter().filter(|(_, tools)| tools.contains(tool)).map(|(server, _)| server.as_str()).collect()
    };
    for tool in ["build_and_push_image_to_ecr", "delete_ecs_infrastructure", "create_ecs_infrastructure"] {
        let homes = homes(tool);
        println!("  {tool}: {homes:?}");
        assert!(homes.iter().all(|server| *server == "pypi:awslabs-ecs-mcp-server"), "{tool}: {homes:?}");
    }
}

/// Every Python file of the namespace that lies in one package's own installation, as one text.
fn python_files(cache: &Path, name: &str) -> String {
    let mut text = String::new();
    let mut folders: Vec<_> = std::fs::read_dir(cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().contains(name))
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "py")
                && path.components().any(|part| part.as_os_str() == "awslabs")
            {
                text.push_str(&std::fs::read_to_string(path).unwrap_or_default());
            }
        }
    }
    text
}
