//! What others declare and no running server confirmed: a section of a server's own page, and pages of servers of which
//! nothing else is known. No list, count, policy, export or verdict knows of it.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::catalogue::Catalogue;
use super::kinds::{MadeFrom, Make, PageKind};
use super::manifest::UnitName;
use super::name::{ServerName, declared_name, tool_name};
use super::site_work::UnaskedWork;
use super::words::{Day, day};
use super::{BuildOptions, RenderError};
use crate::model::declared::DeclaredEntry;
use crate::model::slug::slug;
use crate::model::source::Obstacle;
use crate::model::{ServerKey, Untrusted};
use crate::store::{Connection, DeclaredServer, StoredDeclared, declared_servers};

/// Longest name of a declared tool on a page.
const NAME_CHARS: usize = 120;
/// Kinds that have a folder of their own; others share one.
const KINDS: [&str; 5] = ["cargo", "mcpb", "nuget", "oci", "poci"];

/// One list as a page shows it. Foreign text, cleaned.
#[derive(Debug, Clone, Serialize)]
pub(super) struct DeclaredView {
    by: &'static str,
    source: &'static str,
    record: String,
    place: String,
    hash: String,
    read: Day,
    grows: bool,
    tools: Vec<EntryView>,
    prompts: Vec<EntryView>,
}

#[derive(Debug, Clone, Serialize)]
struct EntryView {
    name: String,
    description: String,
}

/// Lists as pages show them.
pub(super) fn declared_views(lists: &[StoredDeclared]) -> Vec<DeclaredView> {
    let line = |text: &str, most: usize| Untrusted::new(text).for_page_line(most);
    let entries = |all: &[DeclaredEntry]| {
        let view = |entry: &DeclaredEntry| EntryView {
            name: tool_name(&entry.name, NAME_CHARS),
            description: line(&entry.description, 300),
        };
        all.iter().map(view).collect()
    };
    let view = |stored: &StoredDeclared| DeclaredView {
        by: stored.list.by.as_str(),
        source: stored.source.map_or("", |source| source.as_str()),
        record: line(&stored.name, 300),
        place: line(&stored.list.place, 300),
        hash: stored.list.hash.chars().take(12).collect(),
        read: day(stored.read_at),
        grows: stored.list.grows,
        tools: entries(&stored.list.tools),
        prompts: entries(&stored.list.prompts),
    };
    lists.iter().map(view).collect()
}

/// A server that was never asked.
#[derive(Debug)]
pub(super) struct Unasked {
    pub(super) name: ServerName,
    pub(super) about: String,
    pub(super) why: &'static str,
    description: String,
    repository: String,
}

/// Servers of which only declared lists are known, by key.
///
/// # Errors
/// The database cannot be read.
pub(super) fn servers(
    db: &Connection,
    catalogue: &Catalogue,
    options: &BuildOptions,
) -> Result<Vec<Unasked>, RenderError> {
    let mut paths = BTreeSet::new();
    let found = declared_servers(db, options.as_of, options.audience.sees_private())?;
    let unasked = found.into_iter().filter(|server| catalogue.server(&server.about).is_none()).map(unasked);
    let mut all: Vec<Unasked> = unasked.filter(|server| paths.insert(server.name.path.clone())).collect();
    all.sort_by_cached_key(|server| UnitName::unasked(&server.about));
    Ok(all)
}

fn unasked(server: DeclaredServer) -> Unasked {
    let record = server.record.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let said = |paths: &[&str]| {
        let at =
            |path: &&str| record.as_ref()?.pointer(path)?.as_str().filter(|text| !text.trim().is_empty());
        paths.iter().find_map(at).map(str::to_owned).unwrap_or_default()
    };
    let title = said(&["/server/about/title", "/server/title", "/title"]);
    let (kind, identifier) = server.about.split_once(':').unwrap_or(("", server.about.as_str()));
    let title = if title.is_empty() { identifier.to_owned() } else { title };
    let line = |text: String| Untrusted::new(text).for_page_line(300);
    Unasked {
        name: declared_name(&title, &server.about, path_of(&server, kind, identifier)),
        why: why(&server, kind),
        description: line(said(&["/server/about/description", "/server/description", "/description"])),
        repository: line(said(&["/server/source/project", "/server/repository/url", "/repository/url"])),
        about: server.about,
    }
}

/// A server's own folder where it could be asked: that is where its page will be once it was.
fn path_of(server: &DeclaredServer, kind: &str, identifier: &str) -> String {
    let key = server.about.parse::<ServerKey>().ok().filter(|_| server.obstacle.is_none());
    match key {
        Some(key) => key.site_path(),
        None if KINDS.contains(&kind) => format!("servers/{kind}/{}", slug(identifier)),
        None => format!("servers/other/{}", slug(&server.about)),
    }
}

/// Why it did not run; `templates/server-declared.html` has a sentence for each word.
fn why(server: &DeclaredServer, kind: &str) -> &'static str {
    match server.obstacle {
        Some(Obstacle::Variables) => "variables",
        Some(Obstacle::Malformed) => "malformed",
        Some(Obstacle::Kind) => match kind {
            "oci" => "image",
            "mcpb" => "bundle",
            "poci" => "commands",
            _ => "kind",
        },
        None if server.missing => "missing",
        None => "waiting",
    }
}

#[derive(Serialize)]
struct UnaskedView<'a> {
    server: &'a ServerName,
    why: &'static str,
    description: &'a str,
    repository: &'a str,
    declared: Vec<DeclaredView>,
}

/// A server of which only declared lists are known.
pub(super) const KIND: PageKind = PageKind {
    id: "server-declared",
    path: "servers/{kind}/{name}/index.html",
    templates: &["server-declared.html"],
    made_from: MadeFrom::Server,
    counts: false,
    make: Make::Unasked(unasked_page),
};

fn unasked_page(work: &UnaskedWork<'_>) -> Result<(), RenderError> {
    let server = work.server;
    let view = UnaskedView {
        server: &server.name,
        why: server.why,
        description: &server.description,
        repository: &server.repository,
        declared: declared_views(work.lists),
    };
    work.common.press.page(&KIND, work.unit, &server.page(), &view)
}

impl Unasked {
    /// Its page.
    pub(super) fn page(&self) -> String {
        format!("{}/index.html", self.name.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(about: &str, obstacle: Option<Obstacle>) -> DeclaredServer {
        DeclaredServer { about: about.to_owned(), obstacle, missing: false, record: None }
    }

    #[test]
    fn a_page_lies_where_the_server_s_own_will_be_or_in_its_kind_s_folder() {
        let path = |about: &str, obstacle| unasked(server(about, obstacle)).name.path;
        assert_eq!(path("npm:@tower/bell", None), "servers/npm/@tower/bell");
        assert_eq!(path("mcpb:bell", Some(Obstacle::Kind)), "servers/mcpb/bell");
        for (about, folder) in [
            ("oci:mcp/bell", "servers/oci/mcp-bell-"),
            ("all:x", "servers/other/all-x-"),
            ("../../etc:x", "servers/other/"),
            ("remote:https://bell.example/{x}", "servers/other/remote-"),
        ] {
            let obstacle = if about.contains('{') { Obstacle::Variables } else { Obstacle::Kind };
            let path = path(about, Some(obstacle));
            assert!(path.starts_with(folder) && !path.contains(".."), "{about}: {path}");
        }
    }
}
