//! A site with few files: every tool is reached, no link is broken, nothing else is lost; the same bytes from the same tree; other people's files are
//! left alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use catalogue::model::{Class, Risk};
use catalogue::render::{FoldError, FoldOptions, FoldReport, check, fold};

use super::engine::{change, plain, synthetic};
use super::hostile::parse;
use super::wording::faults;
use super::{add_server, build_from, built, files, html_pages, options, rules, tool};
use crate::sample;

fn folded(out: &Path, into: &Path, own_from: Option<Risk>) -> Result<FoldReport, FoldError> {
    let options = FoldOptions { out: out.to_owned(), into: into.to_owned(), own_from, check: false };
    fold(&options, &|_, _| {})
}

/// The tools of a built site: their pages without the ending, with their risk.
fn tools(pages: &BTreeMap<String, String>) -> BTreeMap<String, Risk> {
    let of_tools = pages.iter().filter(|(path, _)| path.contains("/tools/") && path.starts_with("servers/"));
    let risk = |page: &str| {
        let title = page.split_once("</title>").unwrap().0;
        title.rsplit_once(", ").unwrap().1.strip_suffix(" risk").unwrap().parse().unwrap()
    };
    of_tools.map(|(path, page)| (path.trim_end_matches(".html").to_owned(), risk(page))).collect()
}

/// Where a tool of the built site is on the folded one, without its own page.
fn place_of(tool: &str, pages: &BTreeMap<String, String>) -> Option<String> {
    let (folder, slug) = tool.rsplit_once("/tools/").unwrap();
    let holds = |path: &&String| {
        let of_server =
            path.strip_prefix(folder).is_some_and(|rest| rest == "/index.html" || rest.starts_with("/list/"));
        of_server && pages[*path].contains(&format!("<li id=\"tool-{slug}\">"))
    };
    pages.keys().find(holds).map(|path| format!("{path}#tool-{slug}"))
}

/// Holds a folded site to the tree that it was made from.
fn assert_whole(tree: &Path, into: &Path, own_from: Risk) {
    assert_eq!(check(into), []);
    let (before, after) = (html_pages(tree), html_pages(into));
    let tools = tools(&before);
    let (own, gone): (Vec<_>, Vec<_>) = tools.iter().partition(|(_, risk)| **risk >= own_from);
    assert!(!own.is_empty() && !gone.is_empty());

    // What is there: everything but folded tools, lists by risk, and what lay beside them.
    let stem = |path: &str| path.rsplit_once('.').map_or(path, |(stem, _)| stem).to_owned();
    let gone: BTreeSet<&str> = gone.into_iter().map(|(tool, _)| tool.as_str()).collect();
    let is_gone = |path: &str| {
        path.starts_with("servers/") && (path.contains("/risk/") || gone.contains(stem(path).as_str()))
    };
    let paths = |all: &Path| -> BTreeSet<String> {
        files(all).into_keys().filter(|path| !path.starts_with(".catalogue")).collect()
    };
    let expected: BTreeSet<String> = paths(tree).into_iter().filter(|path| !is_gone(path)).collect();
    assert_eq!(paths(into), expected);

    // Every tool is in its server's list, and those without a page have what there is to say.
    for tool in tools.keys() {
        let place = place_of(tool, &after).unwrap_or_else(|| panic!("{tool} is nowhere"));
        let (path, id) = place.split_once('#').unwrap();
        let (_, line) = after[path].split_once(&format!("<li id=\"{id}\">")).unwrap();
        let line = line.split("<li id=\"tool-").next().unwrap();
        let link = line.split_once("<a href=\"").unwrap().1.split('"').next().unwrap();
        let is_section = line.contains("<details><summary>More about ");
        assert_eq!(is_section, gone.contains(tool.as_str()), "{tool}");
        assert_eq!(link == format!("#{id}"), is_section, "{tool}: {link}");
    }

    // Nobody names what is not there: links, twins, feeds, the search, lists for models.
    for (path, content) in files(into) {
        let text = String::from_utf8_lossy(&content);
        let is_part = |c: char| c.is_ascii_alphanumeric() || "@/_-.".contains(c);
        let named = text.split("servers/").skip(1).filter_map(|rest| rest.split(|c| !is_part(c)).next());
        let addresses = named.map(|named| format!("servers/{named}"));
        for address in addresses {
            let named = stem(address.trim_end_matches('.'));
            assert!(!gone.contains(named.as_str()), "{path} names {address}");
        }
    }

    for (path, page) in &after {
        // Titles, canonical addresses, structured data are those of the built page.
        let head = |page: &str| page.split_once("<body>").unwrap().0.to_owned();
        if !page.contains("http-equiv=\"refresh\"") {
            assert_eq!(head(page), head(&before[path]), "{path}");
        }
        if path.starts_with("servers/") && !path.contains("/tools/") {
            let dom = parse(page);
            assert!(dom.errors.borrow().is_empty(), "{path}: {:?}", dom.errors.borrow());
        }
    }
    assert_eq!(faults(&after), Vec::<String>::new());
}

#[test]
fn every_tool_is_reached_and_no_link_is_broken() {
    let site = built();
    let into = tempfile::tempdir().unwrap();
    let report = folded(&site.out, into.path(), Some(Risk::High)).unwrap();
    assert_whole(&site.out, into.path(), Risk::High);
    let all = tools(&html_pages(&site.out));
    assert_eq!(report.sections + report.own_pages, all.len());
    assert_eq!(report.own_pages, all.values().filter(|risk| **risk >= Risk::High).count());

    // Walkers are led to pages alone, each of which is there.
    let sitemap = std::fs::read_to_string(into.path().join("sitemap.xml")).unwrap();
    let listed: Vec<&str> =
        sitemap.split("<loc>").skip(1).map(|rest| rest.split('<').next().unwrap()).collect();
    assert!(listed.len() > 50);
    for address in listed {
        let path = address.strip_prefix("https://cat.example/below/").unwrap();
        let page = if path.is_empty() || path.ends_with('/') {
            format!("{path}index.html")
        } else {
            path.to_owned()
        };
        assert!(into.path().join(&page).is_file(), "{address}");
    }

    // Fewer tools have pages of their own, and none.
    let report = folded(&site.out, into.path(), Some(Risk::Critical)).unwrap();
    assert!(report.files_removed > 0);
    assert_whole(&site.out, into.path(), Risk::Critical);
    let none = folded(&site.out, into.path(), None).unwrap();
    assert_eq!((none.own_pages, none.sections), (0, all.len()));
    assert_eq!(check(into.path()), []);
    assert!(
        !html_pages(into.path()).keys().any(|path| path.starts_with("servers/") && path.contains("/tools/"))
    );
}

#[test]
fn the_same_tree_gives_the_same_folded_site_however_it_came_about() {
    let (folder, db) = synthetic();
    let (out, into, anew) =
        (folder.path().join("dist"), folder.path().join("folded"), folder.path().join("anew"));
    let told = catalogue::render::BuildOptions { download: true, ..plain(&out) };
    build_from(&db, &told).unwrap();
    let first = folded(&out, &into, Some(Risk::High)).unwrap();
    assert_eq!(first.files_written, first.files);
    assert!(first.largest_section < 64 << 10 && first.section_bytes / first.sections < 12 << 10, "{first:?}");
    assert_whole(&out, &into, Risk::High);
    let again = folded(&out, &into, Some(Risk::High)).unwrap();
    assert_eq!((again.files_written, again.files_removed, again.files), (0, 0, first.files));

    // One server answers anew: pages that show it are written, and the site is the one that is folded afresh.
    change(&db, "3");
    build_from(&db, &told).unwrap();
    let changed = folded(&out, &into, Some(Risk::High)).unwrap();
    assert!(changed.files_written > 0 && changed.files_written < first.files / 4, "{changed:?}");
    folded(&out, &anew, Some(Risk::High)).unwrap();
    assert!(files(&into) == files(&anew));

    // What was begun and not ended is made whole, what is lost is made again.
    std::fs::remove_file(into.join("index.html")).unwrap();
    std::fs::write(into.join(".catalogue-files.journal"), "index.html\nrobots.txt\n").unwrap();
    std::fs::write(into.join("robots.txt"), "half").unwrap();
    folded(&out, &into, Some(Risk::High)).unwrap();
    assert!(files(&into) == files(&anew));
}

#[test]
fn a_server_of_more_tools_than_a_page_lists_has_them_where_they_are_listed() {
    let (folder, db, mut store) = sample::empty();
    let many: Vec<_> = (0..503).map(|n| tool(&format!("look_{n:03}"), "Looks.", Class::Read)).collect();
    add_server(&mut store, &rules(), "npm:many", "1.0", None, &many);
    add_server(
        &mut store,
        &rules(),
        "npm:few",
        "1.0",
        None,
        &[tool("drop_it", "Drops it.", Class::Destructive)],
    );
    drop(store);
    let (out, into) = (folder.path().join("dist"), folder.path().join("folded"));
    let mut told = options(&out);
    let (page, risk) = ("servers/npm/many/tools/look_502.html", "servers/npm/many/risk/low.html");
    let list = format!(
        "moved = [{{ from = \"old/look.html\", to = \"{page}\" }}, {{ from = \"old/low.html\", to = \"{risk}\" }}]"
    );
    told.data.insert("moved.toml".to_owned(), list.into_bytes());
    build_from(&db, &told).unwrap();
    folded(&out, &into, Some(Risk::High)).unwrap();
    assert_eq!(check(&into), []);
    let pages = html_pages(&into);
    assert!(
        pages["servers/npm/many/list/2.html"]
            .contains("<li id=\"tool-look_502\"><a href=\"#tool-look_502\">")
    );
    assert!(pages["servers/npm/many/list/2.html"].contains("href=\"../index.html#risk-low\""));
    // Addresses that moved lead on to the section.
    let to = "servers/npm/many/list/2.html#tool-look_502";
    let old = &pages["old/look.html"];
    for part in [
        format!("content=\"0; url=../{to}\""),
        format!("<a href=\"../{to}\">{to}</a>"),
        format!("href=\"https://cat.example/below/{to}\""),
    ] {
        assert!(old.contains(&part), "{part}\n{old}");
    }
    assert!(pages["old/low.html"].contains("content=\"0; url=../servers/npm/many/index.html#risk-low\""));
    let redirects = std::fs::read_to_string(into.join("_redirects")).unwrap();
    assert!(redirects.contains(&format!("/below/old/look.html /below/{to} 301\n")), "{redirects}");
    // The search and the check of a configuration lead there as well.
    let scripts = |folder: &str| -> String {
        let below = files(&into).into_iter().filter(|(path, _)| path.starts_with(folder));
        below.map(|(_, text)| String::from_utf8(text).unwrap()).collect()
    };
    let blocks = scripts("search/b/");
    assert!(blocks.contains("[\"look_502\",\"Looks.\",\"list/2.html#tool-look_502\"]"), "{blocks}");
    assert!(blocks.contains("[\"drop_it\",\"Drops it.\"]"));
    let checked = scripts("check/s/");
    assert!(checked.contains("[[\"drop_it\",15]]"), "{checked}");
    assert!(checked.contains("[[\"look_000\",0,\"index.html#tool-look_000\"],"), "{checked}");
}

#[test]
fn trees_of_the_wrong_kind_and_other_peoples_files_are_left_alone() {
    let site = built();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let high = Some(Risk::High);
    assert!(matches!(folded(&at("none"), &at("x"), high), Err(FoldError::NoSite { .. })));
    assert!(matches!(folded(&site.out, &site.out.join("x"), high), Err(FoldError::Within { .. })));
    std::fs::remove_dir(site.out.join("x")).unwrap();
    std::fs::create_dir(at("mine")).unwrap();
    std::fs::write(at("mine").join("CNAME"), "mine").unwrap();
    assert!(matches!(folded(&site.out, &at("mine"), high), Err(FoldError::ForeignFolder { .. })));

    folded(&site.out, &at("folded"), high).unwrap();
    assert!(matches!(folded(&at("folded"), &at("x"), high), Err(FoldError::Folded { .. })));
    std::fs::write(at("folded").join("CNAME"), "mine").unwrap();
    folded(&site.out, &at("folded"), high).unwrap();
    assert_eq!(std::fs::read(at("folded").join("CNAME")).unwrap(), b"mine");

    // The program says so, and builds into no folded site.
    let run = |args: &[&str]| -> Output {
        #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_catalogue"));
        command.args(args).current_dir(folder.path()).env("CATALOGUE_VAR", at("var"));
        command.output().unwrap()
    };
    let out = site.out.to_str().unwrap();
    let output = run(&["fold", "--out", out, "--json", "--check"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), report["problems"].as_array().map(Vec::len)),
        (Some(0), Some(0)),
        "{report}"
    );
    let said = String::from_utf8(run(&["fold", "--out", out]).stdout).unwrap();
    assert!(said.contains("\n0 files written, 0 removed\n"), "{said}");
    let db = site.db.to_str().unwrap();
    let refused = run(&["--db", db, "build", "--out", "folded"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8(refused.stderr).unwrap().contains("holds a site of catalogue fold"));
}
