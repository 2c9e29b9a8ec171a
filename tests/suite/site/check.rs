//! What the page that checks a configuration looks servers up in says what the servers' own JSON says.

use std::collections::BTreeMap;

use catalogue::model::{Class, Registry, Risk, ServerKey};
use serde_json::Value;

use super::engine::{change, plain, synthetic};
use super::{build_from, built, files};

fn handed(call: &str, text: &[u8]) -> Value {
    let text = std::str::from_utf8(text).unwrap().trim_end();
    let json = text.strip_prefix(call).and_then(|rest| rest.strip_prefix('(')).unwrap();
    serde_json::from_str(json.strip_suffix(')').unwrap()).unwrap()
}

/// Every row by its key.
fn rows(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Value> {
    let directory = handed("catalogueDirectory", &files["check/index.js"]);
    let mut rows = BTreeMap::new();
    for begins in directory.as_str().unwrap().split(' ') {
        let path = format!("check/s/{}.js", if begins.is_empty() { "all" } else { begins });
        let shard = handed("catalogueServers", &files[&path]);
        assert_eq!(shard[0], begins);
        for row in shard[1].as_array().unwrap() {
            assert!(rows.insert(row[0].as_str().unwrap().to_owned(), row.clone()).is_none());
        }
    }
    rows
}

fn tallies(twin: &Value, list: &str, word: &str, words: &[&str]) -> Vec<u64> {
    let count = |wanted: &&str| {
        let found = twin[list].as_array().unwrap().iter().find(|line| line[word] == **wanted);
        found.map_or(0, |line| line["tools"].as_u64().unwrap())
    };
    words.iter().map(count).collect()
}

#[test]
fn what_is_looked_up_is_what_the_servers_say() {
    let (folder, db) = synthetic();
    let out = folder.path().join("dist");
    build_from(&db, &plain(&out)).unwrap();
    let files = files(&out);
    let rows = rows(&files);
    let classes: Vec<&str> = Class::ALL.iter().map(|class| class.as_str()).collect();
    let risks: Vec<&str> = Risk::ALL.iter().map(|risk| risk.as_str()).collect();
    let mut answered = 0;
    for (key, row) in &rows {
        let path = key.parse::<ServerKey>().unwrap().site_path();
        let twin: Value = serde_json::from_slice(&files[&format!("{path}/index.json")]).unwrap();
        assert!(row[2] == "" || row[2] == path, "{row}");
        assert!(row[2] != "" || path == format!("servers/{}", key.replacen(':', "/", 1)), "{row}");
        let Some(tools) = row[4].as_u64() else {
            assert_eq!(row[4], twin["outcome"]);
            continue;
        };
        answered += 1;
        assert_eq!(tools, twin["total"].as_u64().unwrap(), "{key}");
        let counts: Vec<u64> =
            row[5].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect();
        let said =
            [tallies(&twin, "classes", "class", &classes), tallies(&twin, "risks", "risk", &risks)].concat();
        assert_eq!(counts, said, "{key}");
        let mut gravest: Vec<usize> = Vec::new();
        for tool in row[6].as_array().unwrap() {
            let word = usize::try_from(tool[1].as_u64().unwrap()).unwrap();
            let page = tool[2].as_str().or(tool[0].as_str()).unwrap();
            let page = format!("{path}/tools/{page}.json");
            let twin: Value = serde_json::from_slice(&files[&page]).unwrap();
            assert_eq!((&twin["class"], &twin["risk"]), (&classes[word / 4].into(), &risks[word % 4].into()));
            gravest.push(word % 4);
        }
        assert!(gravest.is_sorted_by(|a, b| a >= b) && gravest.len() <= 5, "{gravest:?}");
        let worst = risks.iter().rposition(|risk| tallies(&twin, "risks", "risk", &[risk])[0] > 0);
        assert_eq!(gravest.first().copied(), worst.filter(|_| tools > 0), "{key}");
    }
    assert!(answered > 10 && rows.len() >= 20, "{answered} of {}", rows.len());

    // One that changes rewrites the script that it stands in; one that does not change, none.
    change(&db, "3");
    build_from(&db, &plain(&out)).unwrap();
    let after = super::files(&out);
    let touched: Vec<_> =
        files.iter().filter(|(path, text)| path.starts_with("check/") && after[*path] != **text).collect();
    assert!(touched.len() <= 1, "{:?}", touched.iter().map(|(path, _)| path).collect::<Vec<_>>());
}

#[test]
fn every_server_but_those_of_this_machine_can_be_looked_up_and_no_text_is_markup() {
    let files = files(&built().out);
    let rows = rows(&files);
    assert!(rows.keys().all(|key| key.parse::<ServerKey>().unwrap().registry() != Registry::Local));
    for (path, text) in files.iter().filter(|(path, _)| path.starts_with("check/")) {
        let text = std::str::from_utf8(text).unwrap();
        assert!(!text.contains(['<', '>', '&']), "{path}");
        let hidden = |c: char| catalogue::model::text::is_unprintable(c) && c != '\n';
        assert!(!text.contains(hidden), "{path}");
    }
    let pages = files.keys().filter(|path| path.starts_with("servers/") && path.ends_with("/index.json"));
    let listed = pages
        .filter_map(|path| {
            serde_json::from_slice::<Value>(&files[path]).unwrap()["key"].as_str().map(str::to_owned)
        })
        .filter(|key| !key.starts_with("local:") && key.parse::<ServerKey>().is_ok());
    for key in listed {
        assert!(rows.contains_key(&key), "{key}");
    }
}
