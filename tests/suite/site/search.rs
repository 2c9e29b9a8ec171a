//! The search index, read back as the script of the search page reads it, and held against a plain look at every tool of the database.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;

use catalogue::model::Class;
use catalogue::render::BuildOptions;
use catalogue::store::Store;
use serde_json::Value;
use tempfile::TempDir;

use super::engine::{change, plain, run};
use super::{add_server, build_from, built, files, hostile, rules, tool};
use crate::sample;

/// Enough for a range of words a letter.
const SERVERS: &str = "330";
const SIGNS: &str =
    " !#$%'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~";

/// A made-up catalogue of which only the pages of the whole are built, and that index.
struct Made {
    folder: TempDir,
    index: Index,
}

static MADE: LazyLock<Made> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("made-up.db");
    run(&["dev", "synth", "--servers", SERVERS, "--seed", "11", "--quiet", "--db", db.to_str().unwrap()]);
    let out = folder.path().join("dist");
    build_from(&db, &of_the_whole(&out)).unwrap();
    let index = Index::read(&files(&out));
    Made { folder, index }
});

/// Pages of the whole, and of next to no server: the index is of all of them.
fn of_the_whole(out: &Path) -> BuildOptions {
    BuildOptions { shard: Some("1/9000".parse().unwrap()), ..plain(out) }
}

/// What is known of one entry without its block.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    kind: u32,
    class: u32,
    risk: u32,
    registry: u32,
    signals: u32,
}

struct Index {
    begins: Vec<String>,
    /// Word to its entries: tier, block, slot, facts.
    words: BTreeMap<String, Vec<(u32, u32, u32, Facts)>>,
    blocks: BTreeMap<u32, Value>,
    /// Compressed sizes, by path.
    bytes: BTreeMap<String, usize>,
    /// Words to the shard they are in.
    shard_of: BTreeMap<String, String>,
}

struct Numbers<'a>(std::slice::Iter<'a, u8>);

impl Iterator for Numbers<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (mut number, mut factor) = (0u64, 1);
        loop {
            let sign = SIGNS.find(char::from(*self.0.next()?)).unwrap() as u64;
            number += sign * factor;
            if sign < 60 {
                return Some(u32::try_from(number).unwrap());
            }
            factor *= 30;
        }
    }
}

fn numbers(text: &Value) -> Numbers<'_> {
    Numbers(text.as_str().unwrap().as_bytes().iter())
}

/// What a script hands its call. Nothing else may stand in it.
fn handed(call: &str, text: &[u8]) -> Value {
    let text = std::str::from_utf8(text).unwrap();
    let json = text.strip_prefix(call).and_then(|t| t.strip_prefix('(')).and_then(|t| t.strip_suffix(")\n"));
    let json = json.unwrap_or_else(|| panic!("{call}: {text}"));
    assert!(!json.contains(['<', '>', '&', '\u{2028}', '\u{2029}', '\n']), "{json}");
    serde_json::from_str(json).unwrap()
}

fn packed(bytes: &[u8]) -> usize {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap().len()
}

impl Index {
    fn read(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let directory = handed("catalogueIndex", &files["search/index.js"]);
        let begins: Vec<String> = directory[1].as_str().unwrap().split(' ').map(str::to_owned).collect();
        assert!(begins.is_sorted(), "{begins:?}");
        let mut index = Index {
            begins,
            words: BTreeMap::new(),
            blocks: BTreeMap::new(),
            bytes: BTreeMap::new(),
            shard_of: BTreeMap::new(),
        };
        let mut shards = 0;
        for (path, text) in files {
            if path.starts_with("search/") || path == "static/search.js" {
                index.bytes.insert(path.clone(), packed(text));
            }
            if path.starts_with("search/b/") {
                let block = handed("catalogueBlock", text);
                let number = u32::try_from(block[0].as_u64().unwrap()).unwrap();
                assert_eq!(path, &format!("search/b/{number}.js"));
                index.blocks.insert(number, block[1].clone());
            } else if path.starts_with("search/w/") {
                shards += 1;
                index.read_shard(path, &handed("catalogueShard", text));
            }
        }
        assert_eq!(shards, index.begins.len());
        index
    }

    fn read_shard(&mut self, path: &str, shard: &Value) {
        let begins = shard[0].as_str().unwrap();
        let place = self.begins.iter().position(|known| known == begins).unwrap();
        let mut facts = numbers(&shard[2]);
        let mut different = Vec::new();
        while let Some(word) = facts.next() {
            let signals = facts.next().unwrap();
            let (kind, class, risk, registry) = (word & 3, word >> 2 & 3, word >> 4 & 3, word >> 6);
            different.push(Facts { kind, class, risk, registry, signals });
        }
        assert_eq!(shard[3], "", "no word is frequent here");
        let mut next = numbers(&shard[4]);
        for word in shard[1].as_str().unwrap().split(' ') {
            assert!(begins <= word && self.begins.get(place + 1).is_none_or(|b| word < b.as_str()), "{word}");
            let head = next.next().unwrap();
            assert_eq!(head % 2, 0, "no list is cut here");
            let mut list = Vec::new();
            for _ in 0..head / 2 {
                let (tier, count) = (next.next().unwrap(), next.next().unwrap());
                let mut block = 0;
                for _ in 0..count {
                    block += next.next().unwrap();
                    let slot = next.next().unwrap();
                    list.push((tier, block, slot, different[next.next().unwrap() as usize].clone()));
                }
            }
            assert!(self.words.insert(word.to_owned(), list).is_none(), "{word} is in two shards");
            self.shard_of.insert(word.to_owned(), path.to_owned());
        }
        assert_eq!(next.next(), None, "{path}");
    }

    /// Entries with a word that begins so, each with its facts.
    fn with(&self, word: &str) -> BTreeMap<(u32, u32), Facts> {
        let lists = self.words.range(word.to_owned()..).take_while(|(known, _)| known.starts_with(word));
        lists.flat_map(|(_, list)| list.iter().map(|(_, b, s, facts)| ((*b, *s), facts.clone()))).collect()
    }

    fn found(&self, words: &[&str]) -> BTreeMap<(u32, u32), Facts> {
        let mut lists = words.iter().map(|word| self.with(word));
        let first = lists.next().unwrap();
        lists.fold(first, |mut all, one| {
            all.retain(|at, _| one.contains_key(at));
            all
        })
    }

    /// A tool's server key and name.
    fn tool(&self, (block, slot): (u32, u32)) -> (String, String) {
        let chunk = &self.blocks[&block][slot as usize / 16];
        let row = &chunk[3][slot as usize % 16];
        (chunk[1].as_str().unwrap().to_owned(), row[0].as_str().unwrap().to_owned())
    }

    fn tools(&self, words: &[&str]) -> BTreeMap<(String, String), Facts> {
        let found = self.found(words).into_iter().filter(|(_, facts)| facts.kind == 0);
        found.map(|(at, facts)| (self.tool(at), facts)).collect()
    }

    /// What a reader loads for these words and the first ten results, compressed.
    fn cost(&self, words: &[&str]) -> usize {
        let mut paths: BTreeSet<String> = ["search/index.js", "static/search.js"].map(str::to_owned).into();
        for word in words {
            let from = self.begins.partition_point(|begins| begins.as_str() <= *word) - 1;
            let more = self.begins[from + 1..].iter().take_while(|begins| begins.starts_with(word));
            for begins in std::iter::once(&self.begins[from]).chain(more).take(3) {
                let of = self.shard_of.iter().find(|(known, _)| known.as_str() >= begins.as_str()).unwrap();
                paths.insert(of.1.clone());
            }
        }
        paths.extend(self.found(words).keys().take(10).map(|(block, _)| format!("search/b/{block}.js")));
        paths.iter().map(|path| self.bytes[path]).sum()
    }
}

/// One tool as the database has it.
struct Row {
    key: (String, String),
    facts: Facts,
    /// Words that it must be found by, and all that it may be found by.
    must: BTreeSet<String>,
    may: BTreeSet<String>,
}

/// Words, written once more: runs of letters and digits, and their parts where a capital begins; without accents and width.
fn words(text: &str) -> BTreeSet<String> {
    let text = icu_normalizer::DecomposingNormalizerBorrowed::new_nfkd().normalize(text);
    let text: String = text.chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).collect();
    let text = icu_normalizer::ComposingNormalizerBorrowed::new_nfc().normalize(&text).replace('ß', "ss");
    let mut all = BTreeSet::new();
    let is_alone = |c: &char| ('\u{e00}'..='\u{eff}').contains(c) || ('\u{3040}'..='\u{9fff}').contains(c);
    let apart: String =
        text.chars().map(|c| if is_alone(&c) { format!(" {c} ") } else { c.into() }).collect();
    for run in apart.split(|c: char| !c.is_alphanumeric() || c > '\u{ffff}').filter(|run| !run.is_empty()) {
        all.insert(run.to_lowercase().chars().take(40).collect());
        let (mut part, letters) = (String::new(), run.chars().collect::<Vec<_>>());
        for (i, c) in letters.iter().enumerate() {
            let before = i.checked_sub(1).map(|i| letters[i]);
            let begins = c.is_uppercase()
                && before.is_some_and(|b| {
                    !b.is_uppercase() || letters.get(i + 1).is_some_and(|next| next.is_lowercase())
                });
            if begins {
                all.insert(std::mem::take(&mut part).to_lowercase().chars().take(40).collect());
            }
            part.push(*c);
        }
        all.insert(part.to_lowercase().chars().take(40).collect());
    }
    all
}

fn tools_of(db: &Path) -> Vec<Row> {
    let store = Store::open_read_only(db).unwrap();
    let mut statement = store
        .prepare(
            "SELECT t.server, t.tool, t.title, t.description, t.class, t.risk, t.signals, t.registry, s.title
             FROM tools_flat t JOIN servers_flat s ON s.server = t.server ORDER BY t.server, t.position",
        )
        .unwrap();
    let classes = ["read", "write", "execute", "destructive"];
    let risks = ["low", "medium", "high", "critical"];
    let registries = ["", "npm", "pypi", "github", "remote", "local"];
    let place =
        |all: &[&str], word: &str| u32::try_from(all.iter().position(|w| *w == word).unwrap()).unwrap();
    let rows = statement.query_map([], |row| {
        let text = |i: usize| row.get::<_, Option<String>>(i).map(Option::unwrap_or_default);
        let (server, name, description) = (text(0)?, text(1)?, text(3)?);
        let title = format!("{} {} {}", text(2)?, text(8)?, server.split_once(':').unwrap().1);
        let signals = text(6)?;
        let bits = catalogue::model::Signal::ALL.iter().enumerate();
        let signals = bits.filter(|(_, s)| signals.split(", ").any(|word| word == s.as_str()));
        let facts = Facts {
            kind: 0,
            class: place(&classes, &text(4)?),
            risk: place(&risks, &text(5)?),
            registry: place(&registries, &text(7)?),
            signals: signals.map(|(i, _)| 1 << i).sum(),
        };
        // The word at the cut is whole only in what comes after.
        let first: String = description.chars().take(170).collect();
        let first = first.rsplit_once(' ').map_or(first.as_str(), |(whole, _)| whole);
        let mut must = words(&format!("{name} {title} {first}"));
        must.retain(|word| !["http", "https", "www"].contains(&word.as_str()));
        let may = words(&format!("{name} {title} {description}"));
        Ok(Row { key: (server, name), facts, must, may })
    });
    rows.unwrap().map(Result::unwrap).collect()
}

fn has(words: &BTreeSet<String>, query: &[&str]) -> bool {
    query
        .iter()
        .all(|asked| words.range((*asked).to_owned()..).next().is_some_and(|word| word.starts_with(asked)))
}

#[test]
fn what_is_found_is_what_a_plain_look_at_every_tool_finds() {
    let rows = tools_of(&MADE.folder.path().join("made-up.db"));
    let index = &MADE.index;
    assert!(rows.len() > 1_500 && index.begins.len() > 20, "{} {}", rows.len(), index.begins.len());
    let mut queries: BTreeSet<Vec<String>> = BTreeSet::new();
    for (i, row) in rows.iter().enumerate().step_by(37) {
        let name: Vec<String> = words(&row.key.1).into_iter().collect();
        let must: Vec<String> = row.must.iter().cloned().collect();
        let (a, b) = (&name[0], &must[i % must.len()]);
        let beginning = |word: &str| word.chars().take(3).collect::<String>();
        queries.extend([vec![a.clone()], vec![b.clone()], vec![beginning(b)], vec![a.clone(), b.clone()]]);
        queries.extend([vec![a.clone(), beginning(b)], vec![name[name.len() - 1].clone(), a.clone()]]);
        queries.insert(vec![a.clone(), "qqq".to_owned()]);
    }
    let mut tools = 0;
    for query in &queries {
        let query: Vec<&str> = query.iter().map(String::as_str).collect();
        let found = index.tools(&query);
        tools += found.len();
        for row in &rows {
            match found.get(&row.key) {
                Some(facts) => {
                    assert!(has(&row.may, &query), "{query:?} does not stand in {:?}", row.key);
                    assert_eq!(facts, &row.facts, "{:?}", row.key);
                }
                None => assert!(!has(&row.must, &query), "{query:?} does not find {:?}", row.key),
            }
        }
    }
    assert!(queries.len() > 200 && tools > 10_000, "{} {tools}", queries.len());
}

#[test]
fn a_word_of_a_name_comes_before_one_of_the_server_and_that_before_the_descriptions() {
    let index = &MADE.index;
    let rows: BTreeMap<_, _> = tools_of(&MADE.folder.path().join("made-up.db"))
        .into_iter()
        .map(|row| (row.key.clone(), row))
        .collect();
    let mut seen = BTreeSet::new();
    for (word, list) in index.words.iter().filter(|(word, _)| word.len() > 2) {
        for (tier, block, slot, facts) in list.iter().filter(|(.., facts)| facts.kind == 0) {
            assert_eq!(facts.kind, 0);
            let row = &rows[&index.tool((*block, *slot))];
            assert_eq!(*tier < 4, words(&row.key.1).contains(word), "{word} {:?}", row.key);
            seen.insert(*tier);
        }
        assert!(list.is_sorted_by_key(|(tier, ..)| *tier));
    }
    assert_eq!(
        seen,
        BTreeSet::from([1, 2, 3, 5, 6]),
        "made-up tools have names of several words and no titles"
    );
}

#[test]
fn a_title_and_the_end_of_a_long_description_are_found() {
    let (folder, db, mut store) = sample::empty();
    let mut titled = tool("open", &format!("{} unforeseen", "Opens it. ".repeat(40)), Class::Write);
    titled.json = titled.json.replacen('{', r#"{"title":"Raise a ticket","#, 1);
    let other = tool("raise_ticketLater", "Unforeseen.", Class::Write);
    add_server(&mut store, &rules(), "npm:one", "1.0.0", None, &[titled, other]);
    drop(store);
    let out = folder.path().join("dist");
    build_from(&db, &plain(&out)).unwrap();
    let index = Index::read(&files(&out));
    let names = |words: &[&str]| index.tools(words).into_keys().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(names(&["ticket"]), ["open", "raise_ticketLater"]);
    assert_eq!(names(&["ticketlater"]), ["raise_ticketLater"]);
    assert_eq!(names(&["unforeseen", "raise"]), ["open", "raise_ticketLater"]);
    let tiers: Vec<u32> = index.words["raise"].iter().map(|(tier, ..)| *tier).collect();
    assert_eq!(tiers, [2, 4], "a word of a name of three, then one of a title");
}

#[test]
fn what_is_too_far_into_a_description_is_not_found_and_the_page_says_so() {
    let (folder, db, mut store) = sample::empty();
    let further: String = (0..60).map(|i| format!("further{i:02} ")).collect();
    let long = tool("open", &format!("{} {further}", "Opens it. ".repeat(30)), Class::Write);
    add_server(&mut store, &rules(), "npm:one", "1.0.0", None, &[long]);
    drop(store);
    let out = folder.path().join("dist");
    build_from(&db, &plain(&out)).unwrap();
    let found: Vec<usize> = {
        let index = Index::read(&files(&out));
        (0..60).filter(|i| !index.tools(&[&format!("further{i:02}")]).is_empty()).collect()
    };
    assert_eq!(found, (0..32).collect::<Vec<_>>());
    let page = std::fs::read_to_string(out.join("search.html")).unwrap();
    let (_, after) = page.split_once("</form>").expect("the form, which is hidden where there is no script");
    assert!(after.contains("Of a long description only the first words are searched"), "{after}");
}

#[test]
fn servers_patterns_and_terms_are_found_too() {
    let index = &MADE.index;
    let kinds = |word: &str| index.with(word).into_values().map(|facts| facts.kind).collect::<BTreeSet<_>>();
    assert!(kinds("poisoning").contains(&2), "{:?}", kinds("poisoning"));
    assert!(kinds("sandbox").contains(&3));
    // A category is a pattern with a class. Words of it that no pattern has find it alone.
    let is_category = |facts: &Facts| (facts.kind, facts.class) == (2, 1);
    let found = index.found(&["identity", "authorisation"]);
    let at: Vec<_> = found.iter().filter(|(_, facts)| is_category(facts)).map(|(at, _)| *at).collect();
    let [(block, slot)] = at.as_slice() else { panic!("{found:?}") };
    let row = &index.blocks[block][*slot as usize / 16][3][*slot as usize % 16];
    assert_eq!(
        (&row[0], &row[2]),
        (&"Identity and authorisation".into(), &"attacks/category/identity.html".into())
    );
    let categories: BTreeSet<_> = index
        .words
        .values()
        .flatten()
        .filter(|(.., facts)| is_category(facts))
        .map(|(_, block, slot, _)| (block, slot))
        .collect();
    let files = catalogue::assets::Folder::Data.files(None).unwrap();
    let library = catalogue::attack::Library::load(&files).unwrap();
    assert_eq!(categories.len(), library.categories_in_use().count());
    let servers: BTreeSet<_> = index
        .with("mcp")
        .into_iter()
        .filter(|(_, facts)| facts.kind == 1)
        .map(|((block, slot), _)| index.blocks[&block][slot as usize / 16][1].as_str().unwrap())
        .collect();
    assert!(servers.len() > 200, "{} servers", servers.len());
}

#[test]
fn a_search_of_two_words_loads_little() {
    let index = &MADE.index;
    let worst = ["create", "file", "get", "account", "list", "user", "the", "message"]
        .iter()
        .flat_map(|a| ["issue", "file", "a", "search", "project"].map(|b| (index.cost(&[a, b]), *a, b)))
        .max()
        .unwrap();
    assert!(worst.0 < 60_000, "{worst:?}");
}

#[test]
fn a_changed_server_touches_its_words_and_its_blocks_alone() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("made-up.db");
    std::fs::copy(MADE.folder.path().join("made-up.db"), &db).unwrap();
    let out = folder.path().join("dist");
    let indexed = |out: &Path| {
        let mut all = files(out);
        all.retain(|path, _| path.starts_with("search"));
        all
    };
    build_from(&db, &of_the_whole(&out)).unwrap();
    let before = indexed(&out);
    let again = build_from(&db, &of_the_whole(&out)).unwrap();
    assert_eq!((again.rendered, again.files_written), (0, 0));

    change(&db, "5");
    build_from(&db, &of_the_whole(&out)).unwrap();
    let after = indexed(&out);
    build_from(&db, &BuildOptions { shelf: None, ..of_the_whole(&folder.path().join("anew")) }).unwrap();
    assert!(after == indexed(&folder.path().join("anew")), "brought up to date and built anew differ");
    let of = |folder: &str, changed: bool| {
        after
            .iter()
            .filter(|(path, text)| path.starts_with(folder) && (!changed || before.get(*path) != Some(text)))
            .count()
    };
    assert!((1..=4).contains(&of("search/b/", true)), "{} blocks", of("search/b/", true));
    assert!((1..of("search/w/", false)).contains(&of("search/w/", true)), "{} shards", of("search/w/", true));
    assert_eq!(of("search/index.js", true), 0);
}

#[test]
fn hostile_names_stay_text() {
    let site = built();
    let index = Index::read(&files(&site.out));
    for name in hostile::NAMES {
        let own: Vec<String> = words(name).into_iter().collect();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        if own.is_empty() {
            continue;
        }
        let found = index.tools(&own);
        let shown = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).take(80).collect::<String>();
        assert!(found.keys().any(|(_, tool)| shown(tool) == shown(name)), "{name:?}: {found:?}");
    }
    // What leads to a page leads to one that is there.
    for chunk in index.blocks.values().flat_map(|block| block.as_array().unwrap()) {
        let folder = chunk[2].as_str().unwrap();
        for row in chunk[3].as_array().unwrap() {
            let page = match (row.as_array(), folder) {
                (None, _) => format!("{folder}/index.html"),
                (Some(row), "") => row[2].as_str().unwrap().to_owned(),
                (Some(row), _) => {
                    format!("{folder}/tools/{}.html", row.get(2).unwrap_or(&row[0]).as_str().unwrap())
                }
            };
            assert!(site.out.join(&page).is_file(), "{page}");
        }
    }
    assert!(!index.words.contains_key("hidden") || index.tools(&["hidden", "tool"]).is_empty(), "private");
}
