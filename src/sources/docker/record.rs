//! One folder of the Docker catalogue: `server.yaml` and `tools.json` as a listing, its candidates and its declared list.

use serde_json::{Value, json};
use url::Url;

use super::super::cut;
use super::super::mcp::remote_key;
use super::super::settings::TriageSettings;
use super::super::triage::signs_of_name;
use super::Files;
use crate::model::ServerKey;
use crate::model::declared::{DeclaredBy, DeclaredList, entries, says_yes};
use crate::model::digest::sha256_hex;
use crate::model::sign::Sign;
use crate::model::source::{Candidate, Listing, ListingStatus, Obstacle};

/// Folder names and images are far shorter.
const NAME_CHARS: usize = 300;

/// Reads the files of one folder.
///
/// # Errors
/// Why `server.yaml` is none; a broken `tools.json` costs the declared list only.
pub(super) fn read(files: &Files, triage: &TriageSettings) -> Result<Listing, String> {
    let server = yaml(&files.server)?;
    let kind = server.get("type").and_then(Value::as_str).unwrap_or_default();
    if !matches!(kind, "server" | "remote" | "poci") {
        return Err(format!("type \"{}\" is neither server nor remote nor poci", cut(kind, 40)));
    }
    let mut found: Vec<Candidate> = Vec::new();
    for (key, obstacle) in keys(&files.name, &server) {
        if found.iter().any(|known| known.key == key) {
            continue;
        }
        let mut signs = vec![Sign::Registered];
        if obstacle.is_none() && !key.starts_with("remote:") {
            signs.extend(signs_of_name(key.split_once(':').map_or("", |(_, name)| name), triage));
        }
        found.push(Candidate { key, obstacle, signs });
    }
    let tools = files.tools.as_deref().and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
    let record = json!({
        "server": server,
        "tools": tools,
        "sha256": {
            "server.yaml": sha256_hex(&files.server),
            "tools.json": files.tools.as_deref().map(sha256_hex),
        },
    });
    Ok(Listing {
        name: cut(&files.name, NAME_CHARS),
        version: String::new(),
        status: ListingStatus::Active,
        stamp: Some(sha256_hex(files.hash().as_bytes())),
        record: Some(record.to_string()),
        found,
    })
}

/// A document of one mapping, with few references and none that grow.
fn yaml(bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "server.yaml is no UTF-8".to_owned())?;
    let options = serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! {
            max_nodes: 20_000,
            max_events: 60_000,
            max_documents: 1,
            max_depth: 32,
            max_aliases: 100,
            max_merge_keys: 20,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 20_000 },
    };
    let value: Value = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| cut(error.to_string().lines().next().unwrap_or("malformed"), 200))?;
    if value.is_object() { Ok(value) } else { Err("server.yaml is no mapping".to_owned()) }
}

/// What a record names, the thing that is the server itself first.
fn keys(name: &str, server: &Value) -> Vec<(String, Option<Obstacle>)> {
    let text = |path: &str| server.pointer(path).and_then(Value::as_str).map(str::trim);
    let mut all = Vec::new();
    match text("/type") {
        Some("remote") => all.extend(text("/remote/url").map(remote_key)),
        Some("poci") => all.push((format!("poci:{}", cut(name, NAME_CHARS)), Some(Obstacle::Kind))),
        _ => {}
    }
    let image = text("/image").filter(|image| !image.is_empty());
    all.extend(image.map(|image| (format!("oci:{}", cut(image, NAME_CHARS)), Some(Obstacle::Kind))));
    all.extend(started_package(server));
    let folder = text("/source/directory").unwrap_or_default();
    all.extend(text("/source/project").and_then(|project| repository_key(project, folder)));
    all
}

/// `https://github.com/OWNER/REPO`, with the folder that the image is made from.
fn repository_key(project: &str, folder: &str) -> Option<(String, Option<Obstacle>)> {
    let url = Url::parse(project).ok()?;
    let hosts = ["github.com", "www.github.com"];
    if !matches!(url.scheme(), "https" | "http") || !hosts.contains(&url.host_str()?) {
        return None;
    }
    let mut path: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).take(2).collect();
    if let Some(repository) = path.last_mut() {
        *repository = repository.strip_suffix(".git").unwrap_or(repository);
    }
    path.extend(folder.split('/').filter(|part| !matches!(*part, "" | ".")));
    let path = path.join("/");
    match ServerKey::github(&path) {
        Ok(key) => Some((key.to_string(), None)),
        Err(_) => Some((format!("github:{}", cut(&path, NAME_CHARS)), Some(Obstacle::Malformed))),
    }
}

/// The package that its command starts: `npx -y NAME`, `uvx NAME`.
fn started_package(server: &Value) -> Option<(String, Option<Obstacle>)> {
    let command = server.pointer("/run/command")?.as_array()?;
    let mut words = command.iter().filter_map(Value::as_str);
    let make: fn(&str) -> Option<ServerKey> = match words.next()? {
        "npx" | "bunx" => |name| {
            let end = name.rfind('@').filter(|at| *at > 0).unwrap_or(name.len());
            ServerKey::npm(name.get(..end)?).ok()
        },
        "uvx" => |name| ServerKey::pypi(name.split(['=', '@', '[']).next()?).ok(),
        _ => return None,
    };
    let key = make(words.find(|word| !word.starts_with('-'))?)?;
    Some((key.to_string(), None))
}

/// The list in `tools.json`, or in `server.yaml` itself, as said of the thing that is the server.
pub(super) fn declared(listing: &Listing) -> Vec<DeclaredList> {
    let record = listing.record.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let (Some(record), Some(first)) = (record, listing.found.first()) else { return Vec::new() };
    let server = record.get("server");
    let hash = |file: &str| {
        let hash = record.get("sha256").and_then(|all| all.get(file)).and_then(Value::as_str);
        hash.unwrap_or_default().to_owned()
    };
    let list = |file: &str, by, tools, prompts| DeclaredList {
        about: first.key.clone(),
        by,
        place: format!("servers/{}/{file}", listing.name),
        hash: hash(file),
        grows: says_yes(server.and_then(|s| s.pointer("/dynamic/tools"))),
        tools: entries(tools),
        prompts: entries(prompts),
    };
    // Written as a list, and now and then as an object that has it.
    let file = record.get("tools").filter(|value| !value.is_null());
    let tools = file.and_then(|value| value.get("tools")).or(file);
    let prompts = file.and_then(|value| value.get("prompts"));
    let own = server.and_then(|server| server.get("tools"));
    [list("tools.json", DeclaredBy::File, tools, prompts), list("server.yaml", DeclaredBy::Record, own, None)]
        .into_iter()
        .filter(|list| !list.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::settings::embedded;
    use super::*;

    fn listing(server: &str, tools: Option<&str>) -> Result<Listing, String> {
        let files = Files {
            name: "bell".to_owned(),
            server: server.as_bytes().to_vec(),
            tools: tools.map(|text| text.as_bytes().to_vec()),
            changed: 0,
        };
        read(&files, &embedded().triage)
    }

    fn keys_of(server: &str) -> Vec<String> {
        let listing = listing(server, None).unwrap();
        listing.found.iter().map(|c| format!("{}{}", c.key, c.obstacle.map_or("", |_| " !"))).collect()
    }

    #[test]
    fn each_type_names_what_it_is() {
        let made = "name: bell\nimage: mcp/bell\ntype: server\nabout:\n  title: Bell\nsource:\n  project: https://github.com/Tower/bells.git\n  commit: 0a1b\n  directory: src/bell\n";
        assert_eq!(keys_of(made), ["oci:mcp/bell !", "github:tower/bells/src/bell"]);
        let far = "name: bell\ntype: remote\nremote:\n  transport_type: sse\n  url: https://bell.example/sse?key=1\nsource:\n  project: https://git.example/a/b\n";
        assert_eq!(keys_of(far), ["remote:https://bell.example/sse"]);
        let tools = "name: bell\ntype: poci\ntools:\n  - name: ring\n    description: rings\n    container:\n      image: tower/bell\n";
        assert_eq!(keys_of(tools), ["poci:bell !"]);
        let lists = declared(&listing(tools, None).unwrap());
        assert_eq!(lists.len(), 1);
        assert_eq!((lists[0].about.as_str(), lists[0].tools[0].name.as_str()), ("poci:bell", "ring"));
        let starts =
            "type: server\nimage: node\nrun:\n  command: [npx, '-y', '@tower/bell-mcp@1.2.3', stdio]\n";
        assert_eq!(keys_of(starts), ["oci:node !", "npm:@tower/bell-mcp"]);
    }

    #[test]
    fn an_address_that_must_not_be_asked_is_kept_with_its_obstacle() {
        for (url, obstacle) in [
            ("https://{tenant}.bell.example/mcp", Obstacle::Variables),
            ("http://127.0.0.1:1/mcp", Obstacle::Malformed),
            ("file:///etc/passwd", Obstacle::Malformed),
        ] {
            let listing = listing(&format!("type: remote\nremote:\n  url: \"{url}\"\n"), None).unwrap();
            assert_eq!(listing.found[0].obstacle, Some(obstacle), "{url}");
        }
        let made =
            "type: server\nimage: a\nsource:\n  project: https://github.com/a/b\n  directory: ../../etc\n";
        assert_eq!(keys_of(made), ["oci:a !", "github:a/b/../../etc !"]);
    }

    #[test]
    fn a_declared_list_is_about_the_server_itself_and_says_where_it_stands() {
        let server = "type: server\nimage: mcp/bell\ndynamic:\n  tools: true\n";
        let of = |tools: &str| declared(&listing(server, Some(tools)).unwrap());
        let tools = r#"[{"name":"ring","description":"rings","arguments":[{"name":"n","type":"string","desc":"d"}]}]"#;
        let lists = of(tools);
        assert_eq!((lists.len(), lists[0].place.as_str()), (1, "servers/bell/tools.json"));
        assert_eq!(
            (lists[0].by, lists[0].about.as_str(), lists[0].grows),
            (DeclaredBy::File, "oci:mcp/bell", true)
        );
        assert_eq!(lists[0].hash, sha256_hex(tools.as_bytes()));
        assert_eq!(of(r#"{"tools":[{"name":"ring"}]}"#)[0].tools.len(), 1);
        for none in ["[]", "{", "7", "null"] {
            assert_eq!(of(none), [], "{none}");
        }
    }

    #[test]
    fn hostile_yaml_is_refused_at_small_cost() {
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (from, to) in ["a", "b", "c", "d", "e", "f", "g"].iter().zip(["b", "c", "d", "e", "f", "g", "h"])
        {
            bomb.push_str(&format!("{to}: &{to} [{}]\n", vec![format!("*{from}"); 10].join(",")));
        }
        let deep = format!("type: server\na: {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
        let began = std::time::Instant::now();
        for text in [
            &format!("type: server\n{bomb}"),
            &deep,
            "type: other\n",
            "- a\n",
            "",
            "type: server\ntype: remote\n",
            "a: [\n",
        ] {
            let refused = listing(text, None);
            assert!(refused.is_err(), "{refused:?}");
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
    }
}
