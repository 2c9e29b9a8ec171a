//! What the page looks servers up in: small scripts (`check/s/`), each with the servers whose keys have hashes that begin alike, and the
//! list of these beginnings (`check/index.js`). They are scripts and no JSON for the same reason as those of the search.
//!
//! A script that would hold more than [`AT_MOST`] servers is two, of one bit more. So it depends on nothing but the keys in it where a server
//! stands: one that changes rewrites its own script, one that comes or goes that and, where a script is cut in two, the list.

use std::cmp::Reverse;

use rayon::prelude::*;
use serde::Serialize;

use crate::model::text::page_line;
use crate::model::{Class, Registry, Risk, ServerKey};
use crate::render::RenderError;
use crate::render::catalogue::{Catalogue, ServerEntry, ToolEntry};
use crate::render::declared::Unasked;
use crate::render::digest::Digest;
use crate::render::name::{ServerName, tool_name};
use crate::render::search::script;
use crate::render::site_work::WholeWork;

/// Changes whenever the shape of the files does.
const FORMAT: &str = "catalogue check 1";
const FOLDER: &str = "check/s/";
const DIRECTORY: &str = "check/index.js";
/// Servers of one script: some ten kilobytes compressed.
const AT_MOST: usize = 96;
/// Bits of a hash.
const DEEPEST: usize = 32;
/// Longer keys are addresses that nobody configures; they are not in any script.
const LONGEST_KEY: usize = 300;
const NAME: usize = 80;
const TOOL: usize = 80;
const VERSION: usize = 40;
/// Tools of a server that are named.
const GRAVEST: usize = 5;

/// A server that can be looked up.
struct Known<T> {
    hash: u32,
    key: String,
    of: T,
}

enum Of<'a> {
    Asked(&'a ServerEntry),
    Never(&'a Unasked),
}

/// Key, name, folder, version, what it lists or why nothing, tools by class and by risk, the gravest. Name and folder are empty where the key
/// says them.
#[derive(Serialize)]
struct Row<'a>(&'a str, String, &'a str, String, State, Vec<usize>, Vec<Tool>);

#[derive(Serialize)]
#[serde(untagged)]
enum State {
    Tools(usize),
    Quiet(&'static str),
}

/// Name, place of its class times four plus place of its risk, and the name of its page's file where that is another one.
#[derive(Serialize)]
#[serde(untagged)]
enum Tool {
    Plain(String, usize),
    Named(String, usize, String),
}

/// Brings the scripts up to date.
pub(super) fn put(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let catalogue = work.common.catalogue;
    let press = work.common.press;
    let asked = catalogue.servers.iter().filter(|server| server.key().registry() != Registry::Local);
    let asked = asked.map(|server| (server.key_text(), Of::Asked(server)));
    let never = work.unasked.iter().filter(|server| server.about.parse::<ServerKey>().is_ok());
    let never = never.map(|server| (server.about.clone(), Of::Never(server)));
    let known = asked.chain(never).filter(|(key, _)| key.len() <= LONGEST_KEY);
    let mut known: Vec<Known<Of<'_>>> =
        known.map(|(key, of)| Known { hash: hash(key.as_bytes()), key, of }).collect();
    known.par_sort_unstable_by(|a, b| (a.hash, &a.key).cmp(&(b.hash, &b.key)));
    let mut parts = Vec::new();
    cut(&known, &mut String::new(), &mut parts);
    parts.par_iter().try_for_each(|(begins, servers)| {
        press.script(work.unit, &path(begins), inputs(servers), || {
            let rows: Vec<Row<'_>> = servers.iter().map(|known| row(catalogue, known)).collect();
            script("catalogueServers", &(begins, rows))
        })
    })?;
    let begins: Vec<&str> = parts.iter().map(|(begins, _)| begins.as_str()).collect();
    press.script(work.unit, DIRECTORY, Digest::of(&(FORMAT, &begins)), || {
        script("catalogueDirectory", &begins.join(" "))
    })
}

/// Where the servers lie whose hashes begin with these bits; that of all is called so.
fn path(begins: &str) -> String {
    format!("{FOLDER}{}.js", if begins.is_empty() { "all" } else { begins })
}

/// FNV-1a with its bits mixed once more, as the script of the page has it. Nothing rests on nobody finding two alike: who does makes one
/// script longer.
fn hash(bytes: &[u8]) -> u32 {
    let fnv =
        bytes.iter().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193));
    let mixed = (fnv ^ fnv >> 16).wrapping_mul(0x85eb_ca6b);
    let mixed = (mixed ^ mixed >> 13).wrapping_mul(0xc2b2_ae35);
    mixed ^ mixed >> 16
}

/// Cuts what is sorted by hash into parts of at most [`AT_MOST`], each with the bits that all of it begins with.
fn cut<'a, T>(servers: &'a [Known<T>], begins: &mut String, parts: &mut Vec<(String, &'a [Known<T>])>) {
    if servers.is_empty() && !begins.is_empty() {
        return;
    }
    if servers.len() <= AT_MOST || begins.len() == DEEPEST {
        parts.push((begins.clone(), servers));
        return;
    }
    let bit = 1u32 << (DEEPEST - 1 - begins.len());
    let middle = servers.partition_point(|known| known.hash & bit == 0);
    let (zeros, ones) = servers.split_at(middle);
    for (digit, half) in [('0', zeros), ('1', ones)] {
        begins.push(digit);
        cut(half, begins, parts);
        begins.pop();
    }
}

/// What a script is made from, beside what all files are.
fn inputs(servers: &[Known<Of<'_>>]) -> Digest {
    let each = |known: &Known<Of<'_>>| match &known.of {
        Of::Asked(server) => Digest::of(&(server.rows, &server.name, server.outcome.as_str())),
        Of::Never(server) => Digest::of(&(&server.about, &server.name)),
    };
    Digest::of(&(FORMAT, servers.iter().map(each).collect::<Vec<_>>()))
}

fn row<'a>(catalogue: &Catalogue, known: &'a Known<Of<'_>>) -> Row<'a> {
    match &known.of {
        Of::Never(server) => {
            let (name, folder) = named(&known.key, &server.name);
            Row(&known.key, name, folder, String::new(), State::Quiet("never-asked"), Vec::new(), Vec::new())
        }
        Of::Asked(server) => {
            let (name, folder) = named(&known.key, &server.name);
            let version = page_line(&server.version, VERSION).into_owned();
            if !server.answered() {
                let state = State::Quiet(server.outcome.as_str());
                return Row(&known.key, name, folder, version, state, Vec::new(), Vec::new());
            }
            let counts = server.classes.into_iter().chain(server.risks(catalogue)).collect();
            let gravest = gravest(catalogue, server);
            let state = State::Tools(server.tool_count);
            Row(&known.key, name, folder, version, state, counts, gravest)
        }
    }
}

/// Its name and its folder, where they are not what its key says.
fn named<'a>(key: &str, name: &'a ServerName) -> (String, &'a str) {
    let (registry, own) = key.split_once(':').unwrap_or_default();
    let follows = name.path.strip_prefix("servers/").and_then(|rest| rest.strip_prefix(registry));
    let is_plain = follows.and_then(|rest| rest.strip_prefix('/')) == Some(own);
    let title = if name.name == own { String::new() } else { page_line(&name.name, NAME).into_owned() };
    (title, if is_plain { "" } else { &name.path })
}

/// The tools of the gravest risk, then class, then by name.
fn gravest(catalogue: &Catalogue, server: &ServerEntry) -> Vec<Tool> {
    let mut tools: Vec<&ToolEntry> = catalogue.tools_of(server).iter().collect();
    tools.sort_by_key(|tool| (Reverse((tool.risk, tool.class)), catalogue.name_of(tool)));
    let line = |tool: &&ToolEntry| {
        let place = |found: Option<usize>| found.unwrap_or_default();
        let class = place(Class::ALL.iter().position(|class| *class == tool.class));
        let word = class * 4 + place(Risk::ALL.iter().position(|risk| *risk == tool.risk));
        let (name, slug) = (tool_name(catalogue.name_of(tool), TOOL), catalogue.slug_of(tool));
        if slug == name { Tool::Plain(name, word) } else { Tool::Named(name, word, slug.to_owned()) }
    };
    tools.iter().take(GRAVEST).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(count: usize) -> Vec<Known<()>> {
        let known = |key: String| Known { hash: hash(key.as_bytes()), key, of: () };
        let mut all: Vec<_> = (0..count).map(|n| known(format!("npm:made-up-{n}"))).collect();
        all.sort_by(|a, b| (a.hash, &a.key).cmp(&(b.hash, &b.key)));
        all
    }

    fn parts(known: &[Known<()>]) -> Vec<(String, Vec<String>)> {
        let mut parts = Vec::new();
        cut(known, &mut String::new(), &mut parts);
        let keys = |servers: &[Known<()>]| servers.iter().map(|known| known.key.clone()).collect();
        parts.into_iter().map(|(begins, servers)| (begins, keys(servers))).collect()
    }

    #[test]
    fn hashes_stay_what_they_are() {
        assert_eq!(hash(b""), 0xab3e_7c0b);
        assert_eq!(hash("npm:some-server/ü".as_bytes()), 0xd20a_9138);
    }

    #[test]
    fn every_server_stands_in_the_one_part_that_its_hash_begins_with() {
        let servers = known(43_000);
        let parts = parts(&servers);
        assert_eq!(parts.iter().map(|(_, keys)| keys.len()).sum::<usize>(), 43_000);
        for (begins, keys) in &parts {
            assert!(!keys.is_empty() && keys.len() <= AT_MOST, "{begins}: {}", keys.len());
            for key in keys {
                assert!(format!("{:032b}", hash(key.as_bytes())).starts_with(begins), "{key}");
            }
        }
        assert!(parts.len() < 43_000 / AT_MOST * 3, "{}", parts.len());
        let list: usize = parts.iter().map(|(begins, _)| begins.len() + 1).sum();
        assert!(list < 10_000, "{list} bytes of the list");
    }

    #[test]
    fn a_server_that_comes_touches_one_part_and_few_catalogues_have_one() {
        let mut servers = known(5_000);
        let before = parts(&servers);
        let gone = servers.remove(777);
        let after = parts(&servers);
        let touched: Vec<_> = before.iter().filter(|part| !after.contains(part)).collect();
        // The one that it was in; where that made two of one, both.
        assert!(touched.len() <= 2 && touched.iter().any(|(_, keys)| keys.contains(&gone.key)));
        assert_eq!(parts(&known(AT_MOST)).len(), 1);
        let (begins, keys) = parts(&[]).remove(0);
        assert!(begins.is_empty() && keys.is_empty());
        assert_eq!((path(""), path("01")), ("check/s/all.js".to_owned(), "check/s/01.js".to_owned()));
    }

    #[test]
    fn a_part_of_keys_that_share_a_hash_is_not_cut_for_ever() {
        let mut servers = known(AT_MOST * 3);
        servers.iter_mut().for_each(|known| known.hash = 5);
        assert_eq!(parts(&servers).len(), 1);
        assert_eq!(parts(&servers)[0].0.len(), DEEPEST);
    }

    #[test]
    fn a_name_and_a_folder_that_the_key_says_are_left_out() {
        let name = |name: &str, key: &str, path: &str| ServerName {
            name: name.to_owned(),
            add_word: true,
            key: key.to_owned(),
            path: path.to_owned(),
        };
        let plain = name("@a/b", "npm:@a/b", "servers/npm/@a/b");
        assert_eq!(named("npm:@a/b", &plain), (String::new(), ""));
        let other = name("A title", "remote:https://h.example/", "servers/remote/https-h-example-0123");
        let told = named("remote:https://h.example/", &other);
        assert_eq!(told, ("A title".to_owned(), "servers/remote/https-h-example-0123"));
    }
}
