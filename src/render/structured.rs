//! Structured data for search engines: breadcrumbs, read off the page that shows them, servers, terms and the catalogue itself.
//! Sources: schema.org, BreadcrumbList, SoftwareApplication, Dataset, DefinedTerm; JSON-LD 1.1.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::sync::LazyLock;

use memchr::memmem;
use serde_json::{Value, json};
use url::Url;

use super::catalogue::ServerEntry;
use super::facts::Facts;
use super::html::{escape_json_into, thousands};
use super::page::{absolute, root_from};
use crate::model::text::every;

static CRUMBS: LazyLock<memmem::Finder<'_>> =
    LazyLock::new(|| memmem::Finder::new("<nav class=\"crumbs sheet\""));
static END_OF_CRUMBS: LazyLock<memmem::Finder<'_>> = LazyLock::new(|| memmem::Finder::new("</nav>"));

/// Puts a page's breadcrumbs at its end once more, for machines. A page that shows none has none.
///
/// Read from the page itself, so that machines are told what readers see. Our own templates write them in one way; foreign
/// text in them is escaped, so it cannot pass for the mark that is looked for.
pub(super) fn add_breadcrumbs(page: &mut String, path: &str, base: Option<&Url>) {
    let Some(script) = breadcrumbs(page, path, base) else { return };
    // Far behind the head, so that hardly anything has to make room.
    let body =
        page.trim_end().strip_suffix("</html>").and_then(|rest| rest.trim_end().strip_suffix("</body>"));
    if let Some(at) = body.map(str::len).or_else(|| page.rfind("</body>")) {
        page.insert_str(at, &script);
    }
}

/// The breadcrumbs of a page as a script of JSON; None if it shows none.
fn breadcrumbs(page: &str, path: &str, base: Option<&Url>) -> Option<String> {
    let rest = page.get(CRUMBS.find(page.as_bytes())? + CRUMBS.needle().len()..)?;
    let nav = rest.get(..END_OF_CRUMBS.find(rest.as_bytes())?)?;
    // Pages of one folder differ in the last crumb, which is the page itself.
    let own = last_crumb(nav).and_then(|(before, own)| Some((before, crumb(own, path, base)?.0)));
    let Some((before, name)) = own else { return Some(script(nav, path, base)) };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    BEGUN.with_borrow_mut(|begun| {
        if (begun.nav.as_str(), begun.folder.as_str(), begun.base.as_ref()) != (before, folder, base) {
            let mut script = String::from(BEGIN);
            let count = push_crumbs(&crumbs(before, path, base), 0, &mut script);
            let (nav, folder) = (before.to_owned(), folder.to_owned());
            *begun = Begun { nav, folder, base: base.cloned(), script, count };
        }
        let mut script = String::with_capacity(begun.script.len() + 256);
        script.push_str(&begun.script);
        push_crumbs(&[(name, Some(address(path, "", path, base)))], begun.count, &mut script);
        script.push_str(END);
        Some(script)
    })
}

/// The crumbs before the last one, and that one; most pages have those before it of the page before.
fn last_crumb(nav: &str) -> Option<(&str, &str)> {
    let as_before = BEGUN.with_borrow(|begun| {
        let own = nav.strip_prefix(begun.nav.as_str())?.strip_prefix(CRUMB)?;
        (!own.contains(CRUMB)).then(|| nav.split_at(begun.nav.len()).0).zip(Some(own))
    });
    as_before.or_else(|| nav.rsplit_once(CRUMB))
}

/// The script up to a page's own crumb, as it was for the last page of this thread.
#[derive(Default)]
struct Begun {
    /// The crumbs before it, as the page shows them.
    nav: String,
    folder: String,
    base: Option<Url>,
    script: String,
    count: usize,
}

thread_local! {
    static BEGUN: RefCell<Begun> = RefCell::default();
}

const CRUMB: &str = "<li";
const BEGIN: &str = "<script type=\"application/ld+json\">{\"@context\":\"https://schema.org\",\"@type\":\"BreadcrumbList\",\"itemListElement\":[";
const END: &str = "]}</script>\n";

/// A crumb: its name, and where it leads.
type Crumb<'a> = (Cow<'a, str>, Option<String>);

/// The whole script.
fn script(nav: &str, path: &str, base: Option<&Url>) -> String {
    let mut crumbs = crumbs(nav, path, base);
    // The last one is the page itself.
    if let Some((_, link)) = crumbs.last_mut() {
        *link = Some(address(path, "", path, base));
    }
    let mut script = String::from(BEGIN);
    push_crumbs(&crumbs, 0, &mut script);
    script + END
}

fn address(to: &str, fragment: &str, path: &str, base: Option<&Url>) -> String {
    let mut address = match base {
        Some(base) => absolute(base, to),
        None => root_from(path) + to,
    };
    if !fragment.is_empty() {
        address.extend(["#", fragment]);
    }
    address
}

/// The catalogue and all crumbs that are shown.
fn crumbs<'n>(nav: &'n str, path: &str, base: Option<&Url>) -> Vec<Crumb<'n>> {
    let first = ("catalogue".into(), Some(address("index.html", "", path, base)));
    let shown = nav.split(CRUMB).skip(1).filter_map(|item| crumb(item, path, base));
    std::iter::once(first).chain(shown).collect()
}

/// None if it says nothing, or what is said first anyway.
fn crumb<'n>(item: &'n str, path: &str, base: Option<&Url>) -> Option<Crumb<'n>> {
    let item = item.split_once("</li>").map_or(item, |(item, _)| item);
    let text = plain(item.split_once('>').map_or("", |(_, text)| text));
    let link = item.split_once("href=\"").and_then(|(_, rest)| rest.split_once('"'));
    let link = link.map(|(link, _)| {
        let (to, fragment) = link.split_once('#').unwrap_or((link, ""));
        address(&below_root(path, to), fragment, path, base)
    });
    (!text.is_empty() && text != "Catalogue").then_some((text, link))
}

/// Writes crumbs behind so many others; returns how many there are then.
fn push_crumbs(crumbs: &[Crumb<'_>], before: usize, script: &mut String) -> usize {
    for (i, (name, link)) in crumbs.iter().enumerate() {
        script.push_str(if before + i > 0 { ",{\"@type\":\"ListItem\"" } else { "{\"@type\":\"ListItem\"" });
        if let Some(link) = link {
            script.push_str(",\"item\":");
            push_json(link, script);
        }
        script.push_str(",\"name\":");
        push_json(name, script);
        // Writing to a text cannot fail.
        let _ = write!(script, ",\"position\":{}}}", before + i + 1);
    }
    before + crumbs.len()
}

/// A text as JSON inside a script.
fn push_json(text: &str, script: &mut String) {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') & !matches!(byte, b'"' | b'\\' | b'<' | b'>' | b'&');
    if every(text.as_bytes(), plain) {
        script.extend(["\"", text, "\""]);
    } else {
        escape_json_into(&Value::from(text).to_string(), script);
    }
}

/// Where a link of a page leads, counted from the site's root.
fn below_root<'a>(page: &str, link: &'a str) -> Cow<'a, str> {
    let up = |path: &'_ str| path.rsplit_once('/').map_or(0, |(folder, _)| folder.len());
    let (mut folder, mut link) = (page.get(..up(page)).unwrap_or_default(), link);
    while let Some(rest) = link.strip_prefix("../") {
        (folder, link) = (folder.get(..up(folder)).unwrap_or_default(), rest);
    }
    if folder.is_empty() { link.into() } else { [folder, "/", link].concat().into() }
}

/// Text between tags, with our five entities undone.
fn plain(html: &str) -> Cow<'_, str> {
    let text: Cow<'_, str> = match html.strip_prefix("<a href=\"").and_then(|rest| rest.split_once('>')) {
        // A link around a text, as all but the last are.
        Some((_, rest)) if !rest.strip_suffix("</a>").unwrap_or(rest).contains('<') => {
            rest.strip_suffix("</a>").unwrap_or(rest).into()
        }
        _ if !html.contains('<') => html.into(),
        _ => {
            let mut inside = false;
            let outside = |c: &char| {
                let was = inside;
                inside = *c == '<' || (inside && *c != '>');
                !was && !inside
            };
            html.chars().filter(outside).collect::<String>().into()
        }
    };
    if !text.contains('&') {
        return match text {
            Cow::Borrowed(text) => text.trim().into(),
            Cow::Owned(text) => text.trim().to_owned().into(),
        };
    }
    let pairs = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#x2F;", "/"),
        ("&amp;", "&"),
    ];
    let text = pairs.iter().fold(text.into_owned(), |text, (from, to)| text.replace(from, to));
    text.trim().to_owned().into()
}

/// A server that answered.
pub(super) fn server(entry: &ServerEntry, facts: &Facts, base: Option<&Url>) -> String {
    let mut data = json!({
        "@context": "https://schema.org",
        "@type": "SoftwareApplication",
        "name": entry.name.name,
        "identifier": entry.key_text(),
        "applicationCategory": "DeveloperApplication",
        "applicationSubCategory": "MCP server",
    });
    let path = format!("{}/index.html", entry.name.path);
    let optional = [
        ("softwareVersion", Some(entry.version.clone()).filter(|version| !version.is_empty())),
        ("url", base.map(|base| absolute(base, &path))),
        ("license", facts.licence.clone()),
        ("sameAs", facts.repository.clone()),
    ];
    if let Value::Object(data) = &mut data {
        for (name, value) in optional {
            if let Some(value) = value {
                data.insert(name.to_owned(), Value::String(value));
            }
        }
    }
    data.to_string()
}

/// A term of the glossary. Source: schema.org, DefinedTerm.
pub(super) fn term(name: &str, text: &str, path: &str, base: Option<&Url>) -> String {
    let address = |to: &str| address(to, "", path, base);
    json!({
        "@context": "https://schema.org",
        "@type": "DefinedTerm",
        "name": name,
        "description": text,
        "url": address(path),
        "inDefinedTermSet": {
            "@type": "DefinedTermSet",
            "name": "Glossary of MCP tools, policies and attacks",
            "url": address("glossary/index.html"),
        },
    })
    .to_string()
}

/// The catalogue as a set of data; `files` if it lies there as JSON, too.
pub(super) fn dataset(
    (tools, servers): (usize, usize),
    as_of: Option<&str>,
    base: Option<&Url>,
    files: bool,
) -> String {
    let address = |path: &str| base.map_or_else(|| path.to_owned(), |base| absolute(base, path));
    let file = |path: &str, name: &str| json!({ "@type": "DataDownload", "name": name, "encodingFormat": "application/json", "contentUrl": address(path) });
    let mut data = json!({
        "@context": "https://schema.org",
        "@type": "Dataset",
        "name": "What every MCP tool can do",
        "description": format!(
            "Class, risk, signals and reasons of what MCP servers listed when they were started in a sandbox and asked: tools {}, servers {}.",
            thousands(tools as u64),
            thousands(servers as u64)
        ),
        "url": address("index.html"),
        "keywords": ["Model Context Protocol", "MCP servers", "AI agents", "tool policies"],
        "isAccessibleForFree": true,
        "measurementTechnique": "tools/list of the running server, judged by published rules",
        "creator": { "@type": "Organization", "name": "catalogue" },
    });
    if files {
        data["distribution"] = json!([
            file("report.json", "Figures"),
            file("servers/index.json", "Servers"),
            file("changes.json", "Changes")
        ]);
    }
    if let (Some(day), Value::Object(data)) = (as_of, &mut data) {
        data.insert("dateModified".to_owned(), Value::String(day.to_owned()));
    }
    data.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<html><head><title>x</title></head><body><nav class=\"crumbs sheet\" aria-label=\"Breadcrumb\"><ol>\
        <li><a href=\"../../browse.html#signals\">A &amp; B</a></li><li aria-current=\"page\">&lt;x&gt;</li></ol></nav></body></html>";

    #[test]
    fn machines_are_told_the_breadcrumbs_that_readers_see() {
        let base: Url = "https://cat.example/below/".parse().unwrap();
        let script = breadcrumbs(PAGE, "signals/bulk/2.html", Some(&base)).unwrap();
        let crumbs = script.strip_prefix("<script type=\"application/ld+json\">").unwrap();
        let crumbs: Value = serde_json::from_str(crumbs.strip_suffix("</script>\n").unwrap()).unwrap();
        assert_eq!(crumbs["@type"], "BreadcrumbList");
        let told: Vec<_> = crumbs["itemListElement"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["name"].as_str().unwrap(), item["item"].as_str().unwrap()))
            .collect();
        assert_eq!(
            told,
            [
                ("catalogue", "https://cat.example/below/"),
                ("A & B", "https://cat.example/below/browse.html#signals"),
                ("<x>", "https://cat.example/below/signals/bulk/2.html"),
            ]
        );
        // A tool's server is one folder up, not at the root.
        for (page, link, there) in [
            ("servers/npm/x/tools/y.html", "../index.html", "servers/npm/x/index.html"),
            ("servers/npm/x/tools/y.html", "../../../index.html", "servers/index.html"),
            ("servers/npm/x/tools/y.html", "../../../../index.html", "index.html"),
            ("attacks/a.html", "index.html", "attacks/index.html"),
            ("about.html", "index.html", "index.html"),
        ] {
            assert_eq!(below_root(page, link), there, "{link} on {page}");
        }
        let mut page = PAGE.to_owned();
        add_breadcrumbs(&mut page, "signals/bulk/2.html", Some(&base));
        assert!(page.contains("</script>\n</body>") && page.contains("\\u003cx\\u003e"), "{page}");
        assert!(breadcrumbs("<html></html>", "index.html", None).is_none());
    }
}
