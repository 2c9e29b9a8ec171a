//! Files beside pages that name addresses of tools: JSON, Markdown, feeds, the lists for models, the search, redirects, the table of all tools.
//! Only what is an address by its place in the file is changed, never other people's text that looks like one.

use serde_json::Value;

use super::super::search::script;
use super::links::Links;

/// Members of JSON documents that are addresses, as they are written: a quotation mark within a text has a backslash before it.
const MEMBERS: [&str; 3] = ["\"page\":\"", "\"json\":\"", "\"path\":\""];
/// What the parts of the search call that hold rows.
const BLOCK: &str = "catalogueBlock";
const BLOCKS: &str = "search/b/";
/// The same of the check of a configuration.
const LOOK_UP: &str = "catalogueServers";
const LOOK_UPS: &str = "check/s/";
/// The list for models, or its parts.
const FOR_MODELS: &str = "llms-full";
/// For hosts that redirect by a list.
const REDIRECTS: &str = "_redirects";

/// False for what is copied as it is: policies, pictures, the database, stylesheets, scripts of ours.
pub(super) fn may_hold_links(path: &str) -> bool {
    let ends = |endings: &[&str]| endings.iter().any(|ending| path.ends_with(ending));
    if path.contains("/policy/") || path.starts_with("static/") {
        return false;
    }
    // A tool that keeps its page keeps its definition's bytes.
    let of_tool = path.contains("/tools/");
    ends(&[".html"])
        || !of_tool && ends(&[".json", ".md"])
        || ends(&[".xml", ".atom"])
        || path.starts_with(BLOCKS)
        || path.starts_with(LOOK_UPS)
        || path.starts_with(FOR_MODELS)
        || ["download/tools.csv", REDIRECTS].contains(&path)
}

/// A file whose addresses lead on; None if it is not as builds write it.
pub(super) fn led_on(links: &Links<'_>, path: &str, text: &str) -> Option<String> {
    if path.starts_with(BLOCKS) {
        return block(links, text);
    }
    if path.starts_with(LOOK_UPS) {
        return look_up(links, text);
    }
    Some(match path.rsplit('.').next() {
        Some("html" | "xml" | "atom") => links.page(path, text),
        Some("json") => members(links, text),
        Some("csv") => by_line(text, |line| {
            let (front, address) = line.strip_suffix('"')?.rsplit_once('"')?;
            Some(format!("{front}\"{}\"", links.led_on("", address)?))
        }),
        Some("md") => by_line(text, |line| {
            let (front, rest) = line.strip_prefix("- [").and(line.rsplit_once("]("))?;
            let (address, after) = rest.split_once(')')?;
            Some(format!("{front}]({}){after}", links.led_on(path, address)?))
        }),
        _ if path == REDIRECTS => by_line(text, |line| {
            let (from, rest) = line.split_once(' ')?;
            let (to, code) = rest.split_once(' ')?;
            let (root, to) = to.split_at_checked(to.find("/servers/")? + 1)?;
            Some(format!("{from} {root}{} {code}", links.site_path(to)?))
        }),
        // A line of a tool ends with its address.
        _ => by_line(text, |line| {
            let (front, address) = line.rsplit_once(' ')?;
            Some(format!("{front} {}", links.site_path(address)?))
        }),
    })
}

fn by_line(text: &str, other: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let whole = line.trim_end_matches(['\n', '\r']);
        match other(whole) {
            Some(other) => out.extend([other.as_str(), line.get(whole.len()..).unwrap_or_default()]),
            None => out.push_str(line),
        }
    }
    out
}

fn members(links: &Links<'_>, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((at, member)) =
        MEMBERS.iter().filter_map(|member| Some((rest.find(member)?, member))).min_by_key(|(at, _)| *at)
    {
        let Some((front, after)) = rest.split_at_checked(at + member.len()) else { break };
        let end = after.find('"').unwrap_or(after.len());
        let Some((address, after)) = after.split_at_checked(end) else { break };
        out.push_str(front);
        out.push_str(&links.site_path(address).unwrap_or_else(|| address.to_owned()));
        rest = after;
    }
    out + rest
}

/// Rows of tools name their page where it is not called like the tool: that is where its new place goes.
fn block(links: &Links<'_>, text: &str) -> Option<String> {
    let mut block = argument(BLOCK, text)?;
    for chunk in block.get_mut(1)?.as_array_mut()? {
        let folder = chunk.get(2)?.as_str()?.to_owned();
        for row in chunk.get_mut(3)?.as_array_mut()? {
            let Some(row) = row.as_array_mut().filter(|_| !folder.is_empty()) else { continue };
            lead_on(links, &folder, row)?;
        }
    }
    script(BLOCK, &block).ok()
}

/// The same for the gravest tools of each server; a folder is left out where the server's key says it.
fn look_up(links: &Links<'_>, text: &str) -> Option<String> {
    let mut servers = argument(LOOK_UP, text)?;
    for server in servers.get_mut(1)?.as_array_mut()? {
        let (key, folder) = (server.get(0)?.as_str()?, server.get(2)?.as_str()?);
        let folder = match key.split_once(':') {
            Some((registry, own)) if folder.is_empty() => format!("servers/{registry}/{own}"),
            _ => folder.to_owned(),
        };
        for tool in server.get_mut(6)?.as_array_mut()? {
            lead_on(links, &folder, tool.as_array_mut()?)?;
        }
    }
    script(LOOK_UP, &servers).ok()
}

/// What a script of data calls its function with.
fn argument(call: &str, text: &str) -> Option<Value> {
    let json = text.strip_prefix(call)?.strip_prefix('(')?.trim_end().strip_suffix(')')?;
    serde_json::from_str(json).ok()
}

/// A row begins with the tool's name; what comes third is its page.
fn lead_on(links: &Links<'_>, folder: &str, row: &mut Vec<Value>) -> Option<()> {
    let page = row.get(2).or_else(|| row.first())?.as_str()?;
    if let Some(landing) = links.table.landing(&format!("{folder}/tools/{page}.html")) {
        let place = landing.path.strip_prefix(folder)?.trim_start_matches('/');
        let place = Value::String(format!("{place}#{}", landing.anchor));
        row.truncate(2);
        row.push(place);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::table::Table;
    use super::*;

    #[test]
    fn only_addresses_are_changed() {
        let table = Table::made_up(&["servers/npm/b/tool-x"]);
        let links = Links { table: &table, base: Some("https://cat.example/at/".to_owned()) };
        let led = |path: &str, text: &str| led_on(&links, path, text).unwrap();
        let (old, new) = ("servers/npm/b/tools/x.html", "servers/npm/b/index.html#tool-x");
        for (path, text, changed) in [
            (
                "a.json",
                format!("{{\"says\":\"\\\"page\\\":\\\"{old}\",\"page\":\"{old}\",\"json\":\"servers/npm/b/tools/x.json\"}}"),
                format!("{{\"says\":\"\\\"page\\\":\\\"{old}\",\"page\":\"{new}\",\"json\":\"servers/npm/b/index.json\"}}"),
            ),
            (
                "servers/npm/b/index.md",
                "- [`a](tools/x.md)`](tools/x.md): Read\n[q](tools/x.md)\n".to_owned(),
                "- [`a](tools/x.md)`](index.html#tool-x): Read\n[q](tools/x.md)\n".to_owned(),
            ),
            ("llms-full.txt", format!("- `{old}`: read, {old}\n"), format!("- `{old}`: read, {new}\n")),
            (
                "download/tools.csv",
                format!("\"a\",\"{old}\",\"https://cat.example/at/{old}\"\r\n\"a\",\"\",\"{old}\"\n"),
                format!("\"a\",\"{old}\",\"https://cat.example/at/servers/npm/b/#tool-x\"\r\n\"a\",\"\",\"{new}\"\n"),
            ),
            ("llms-full/2.txt", format!("- `x`: read, {old}\n"), format!("- `x`: read, {new}\n")),
            ("_redirects", format!("/at/o.html /at/{old} 301\n"), format!("/at/o.html /at/{new} 301\n")),
            (
                "changes.atom",
                format!("<a><link href=\"https://cat.example/at/{old}\"/>{old}.</a>"),
                format!("<a><link href=\"https://cat.example/at/servers/npm/b/#tool-x\"/>{old}.</a>"),
            ),
            (
                "old.html",
                format!("<meta content=\"0; url={old}\"><meta content=\"This page moved to {old}.\"><a href=\"{old}\">{old}</a>"),
                format!("<meta content=\"0; url={new}\"><meta content=\"This page moved to {new}.\"><a href=\"{new}\">{new}</a>"),
            ),
            (
                "search/b/0.js",
                "catalogueBlock([0,[[\"B\",\"npm:b\",\"servers/npm/b\",[2,[\"x\",\"Looks.\"],[\"Y\",\"\",\"y-1\"]]],[\"\",\"\",\"\",[[\"x\",\"\",\"x.html\"]]]]])\n".to_owned(),
                "catalogueBlock([0,[[\"B\",\"npm:b\",\"servers/npm/b\",[2,[\"x\",\"Looks.\",\"index.html#tool-x\"],[\"Y\",\"\",\"y-1\"]]],[\"\",\"\",\"\",[[\"x\",\"\",\"x.html\"]]]]])\n".to_owned(),
            ),
            (
                "check/s/01.js",
                "catalogueServers([\"01\",[[\"npm:b\",\"B\",\"\",\"1.0\",2,[1],[[\"x\",5],[\"y\",15]]],[\"pypi:x\",\"\",\"servers/npm/b\",\"\",1,[],[[\"X\",5,\"x\"]]],[\"npm:q\",\"\",\"\",\"\",\"crashed\",[],[]]]])\n".to_owned(),
                "catalogueServers([\"01\",[[\"npm:b\",\"B\",\"\",\"1.0\",2,[1],[[\"x\",5,\"index.html#tool-x\"],[\"y\",15]]],[\"pypi:x\",\"\",\"servers/npm/b\",\"\",1,[],[[\"X\",5,\"index.html#tool-x\"]]],[\"npm:q\",\"\",\"\",\"\",\"crashed\",[],[]]]])\n".to_owned(),
            ),
        ] {
            assert_eq!(led(path, &text), changed, "{path}");
            assert!(may_hold_links(path));
        }
        assert!(!may_hold_links("servers/npm/b/tools/x.json") && !may_hold_links("static/site.js"));
    }
}
