//! Show 2 of the site, small: whatever way the same catalogue comes to its pages, they are the same bytes; and what changed
//! touches the pages that show it, and no others.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use catalogue::render::{BuildOptions, Compression, MadeFrom, PAGE_KINDS, Twins};
use catalogue::store::Store;
use tempfile::TempDir;

use super::{build_from, files, options};

const SERVERS: &str = "24";

/// Runs the program.
pub(super) fn run(args: &[&str]) -> String {
    #[expect(clippy::disallowed_methods, reason = "runs the built program")]
    let output = Command::new(env!("CARGO_BIN_EXE_catalogue")).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The made-up catalogue, made once: tests take copies.
static MADE: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    synth(&folder.path().join("made-up.db"), &[]);
    folder
});

fn synth(db: &Path, more: &[&str]) {
    let mut args =
        vec!["dev", "synth", "--servers", SERVERS, "--seed", "5", "--quiet", "--db", db.to_str().unwrap()];
    args.extend(more);
    run(&args);
}

/// A made-up catalogue in a folder of its own.
pub(super) fn synthetic() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("made-up.db");
    std::fs::copy(MADE.path().join("made-up.db"), &db).unwrap();
    (folder, db)
}

pub(super) fn change(db: &Path, server: &str) {
    run(&["dev", "change", "--server", server, "--seed", "5", "--db", db.to_str().unwrap()]);
}

/// Plain options: the check of every page would open those that could be left unseen.
pub(super) fn plain(out: &Path) -> BuildOptions {
    BuildOptions { check: false, benchmark: None, ..options(out) }
}

fn assert_same(a: &Path, b: &Path, what: &str) {
    let (a, b) = (files(a), files(b));
    let differing: Vec<_> =
        a.keys().chain(b.keys()).filter(|path| a.get(*path) != b.get(*path)).take(5).collect();
    assert!(differing.is_empty(), "{what}: {differing:?}");
}

#[test]
fn full_is_incremental_one_thread_is_two_and_the_order_of_rows_does_not_matter() {
    let (folder, db) = synthetic();
    let out = |name: &str| folder.path().join(name);
    let first = build_from(&db, &plain(&out("first"))).unwrap();
    assert!(first.tools > 60 && first.files_written == first.files, "{first:?}");
    build_from(&db, &BuildOptions { threads: Some(1), ..plain(&out("one")) }).unwrap();
    assert_same(&out("first"), &out("one"), "one thread and all of them");
    build_from(&db, &BuildOptions { shelf: None, ..plain(&out("unshelved")) }).unwrap();
    assert_same(&out("first"), &out("unshelved"), "with and without memory");

    let shuffled = folder.path().join("shuffled.db");
    synth(&shuffled, &["--shuffle"]);
    build_from(&shuffled, &plain(&out("shuffled"))).unwrap();
    assert_same(&out("first"), &out("shuffled"), "rows in another order");

    // Nothing changed: nothing is made anew but what is looked at each time, and nothing is written.
    let again = build_from(&db, &plain(&out("first"))).unwrap();
    assert_eq!((again.rendered, again.files_written, again.files_removed), (0, 0, 0));
    assert_eq!((again.files, again.bytes, again.pages), (first.files, first.bytes, first.pages));

    for server in ["3", "17"] {
        change(&db, server);
    }
    let changed = build_from(&db, &plain(&out("first"))).unwrap();
    assert!(changed.files_written > 0 && changed.rendered < first.rendered / 2, "{changed:?}");
    build_from(&db, &plain(&out("anew"))).unwrap();
    assert_same(&out("first"), &out("anew"), "brought up to date and built anew");
    build_from(&db, &BuildOptions { fresh: true, ..plain(&out("first")) }).unwrap();
    assert_same(&out("first"), &out("anew"), "looked at afresh");
}

/// Of one changed server: its own pages, pages that share a key with one of its tools, and lists. Nothing else.
#[test]
fn one_changed_server_touches_the_pages_that_show_it_and_no_others() {
    let (folder, db) = synthetic();
    let out = folder.path().join("dist");
    build_from(&db, &plain(&out)).unwrap();
    let before = files(&out);
    change(&db, "3");
    let report = build_from(&db, &plain(&out)).unwrap();
    let after = files(&out);
    let touched: BTreeSet<&String> = after
        .iter()
        .filter(|(path, content)| before.get(*path) != Some(content) && !path.starts_with(".catalogue"))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(report.files_written, touched.len());
    let key = Store::open_read_only(&db)
        .unwrap()
        .query_row(
            "SELECT s.key FROM probes p JOIN releases r ON r.id = p.release_id JOIN servers s ON s.id = r.server_id
             ORDER BY p.id DESC LIMIT 1",
            [],
            |row| row.get::<_, String>(0),
        )
        .unwrap();
    let own = key.parse::<catalogue::model::ServerKey>().unwrap().site_path();
    for path in &touched {
        let is_list = !path.starts_with("servers/")
            || path.matches('/').count() < 2
            || path.starts_with("servers/all/");
        let shows_it = || String::from_utf8_lossy(&after[*path]).contains(&own);
        assert!(path.starts_with(&own) || is_list || shows_it(), "{path} has nothing to do with {own}");
    }
    assert!(touched.iter().any(|path| path.starts_with(&own)), "{own}: {touched:?}");
}

#[test]
fn no_page_of_a_server_tells_the_day_of_the_build_or_counts_the_whole() {
    // Two catalogues of which one has more servers: pages of servers both have, and that share no key, are the same.
    let (folder, db) = synthetic();
    build_from(&db, &plain(&folder.path().join("dist"))).unwrap();
    let kinds = PAGE_KINDS.iter().filter(|kind| matches!(kind.made_from, MadeFrom::Server | MadeFrom::Tool));
    assert!(kinds.clone().count() >= 4 && kinds.clone().all(|kind| !kind.counts));
    for (path, page) in super::html_pages(&folder.path().join("dist")) {
        for age in [" ago<", "built on", "generated on", "days ago", "last updated"] {
            assert!(!page.to_lowercase().contains(age), "{path} tells an age: {age}");
        }
    }
}

#[test]
fn shards_together_are_the_whole_site() {
    let (folder, db) = synthetic();
    let out = |name: &str| folder.path().join(name);
    build_from(&db, &plain(&out("whole"))).unwrap();
    let pages = |name: &str| {
        let mut all = files(&out(name));
        all.retain(|path, _| !path.starts_with(".catalogue"));
        all
    };
    let mut together = std::collections::BTreeMap::new();
    for number in 1..=3 {
        let name = format!("shard-{number}");
        let shard = Some(format!("{number}/3").parse().unwrap());
        build_from(&db, &BuildOptions { shard, ..plain(&out(&name)) }).unwrap();
        for (path, content) in pages(&name) {
            assert!(together.insert(path, content).is_none(), "two shards hold one page");
        }
    }
    assert!(together == pages("whole"), "the shards miss or add something");
}

/// Without Markdown twins the rules and questions of tools with plain names come from stencils: a build with debug assertions prints
/// each of them both ways, and the check prints every page with Tera, too.
#[test]
fn stencils_and_plates_print_what_the_templates_say() {
    let (folder, db) = synthetic();
    let out = folder.path().join("dist");
    let twins = "json".parse().unwrap();
    let report = build_from(&db, &BuildOptions { twins, check: true, ..plain(&out) }).unwrap();
    assert_eq!(report.problems.map(|found| found.len()), Some(0));
    // Templates that plates cannot print, each with why; a template that comes here costs every page of it an interpreter.
    const LEFT: &[&str] = &[];
    assert_eq!(report.left_to_tera, LEFT);
}

#[test]
fn twins_and_compressed_copies_are_made_when_asked_for_and_go_when_not() {
    let (folder, db) = synthetic();
    let out = folder.path().join("dist");
    let ending = |end: &str| files(&out).into_keys().filter(|path| path.ends_with(end)).count();
    let report = build_from(&db, &BuildOptions { check: true, ..plain(&out) }).unwrap();
    assert_eq!(report.problems, Some(vec![]));
    let twins = ending(".json");
    assert!(twins > report.tools, "{twins} twins of {} tools", report.tools);
    for (path, bytes) in
        files(&out).iter().filter(|(path, _)| path.contains("/tools/") && path.ends_with(".json"))
    {
        let twin: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        let page = path.replace(".json", ".html");
        assert_eq!((&twin["format"], &twin["page"]), (&"catalogue-tool-1".into(), &page.as_str().into()));
        assert!(out.join(twin["server"]["page"].as_str().unwrap()).exists(), "{path}");
        assert!(twin["definition"]["name"] == twin["name"], "{path}");
    }
    let compression = Compression { gzip: true, brotli: true };
    let twins = Twins::NONE;
    build_from(&db, &BuildOptions { compression, twins, ..plain(&out) }).unwrap();
    assert_eq!(ending(".html.gz"), ending(".html"));
    assert_eq!(ending(".html.br"), ending(".html"));
    let mut unpacked = Vec::new();
    let packed = std::fs::read(out.join("index.html.gz")).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed.as_slice()), &mut unpacked).unwrap();
    assert_eq!(unpacked, std::fs::read(out.join("index.html")).unwrap());
    build_from(&db, &plain(&out)).unwrap();
    assert_eq!(ending(".gz") + ending(".br"), 0);
}

#[test]
fn a_build_that_was_killed_is_taken_up_and_ends_like_any_other() {
    let (folder, db) = synthetic();
    let out = folder.path().join("dist");
    build_from(&db, &plain(&out)).unwrap();
    let expected = files(&out);
    // As kill -9 leaves it: a page half written, noted in the journal; a page of a server that is not there; units unfinished.
    let victim =
        expected.keys().find(|path| path.contains("/tools/") && path.ends_with(".html")).unwrap().clone();
    std::fs::write(out.join(&victim), "half").unwrap();
    std::fs::create_dir_all(out.join("servers/npm/gone")).unwrap();
    std::fs::write(out.join("servers/npm/gone/index.html"), "x").unwrap();
    std::fs::write(out.join(".catalogue-files.journal"), format!("{victim}\nservers/npm/gone/index.html\n"))
        .unwrap();
    std::fs::write(out.join(".catalogue-files.unfinished"), "first line\nunit 0 \n").unwrap();
    build_from(&db, &plain(&out)).unwrap();
    let repaired = files(&out);
    assert_eq!(repaired.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    assert!(repaired == expected, "the site is not what it was");
}

#[test]
fn somebodys_own_sql_is_seen_though_hashes_stay() {
    let (folder, db) = synthetic();
    let out = folder.path().join("dist");
    build_from(&db, &plain(&out)).unwrap();
    let store = Store::open(&db).unwrap();
    let altered = store
        .connection()
        .execute("UPDATE verdicts SET confidence = 0.11 WHERE confidence <> 0.11", [])
        .unwrap();
    assert!(altered > 0);
    drop(store);
    let report = build_from(&db, &plain(&out)).unwrap();
    assert!(report.files_written > report.tools / 2, "{} files", report.files_written);
}

/// A server that is shown no more is missed by its neighbours, also where the memory of the last build breaks off half way.
#[test]
fn what_is_gone_is_gone_from_the_pages_of_others_too() {
    let (folder, db) = synthetic();
    let out = folder.path().join("dist");
    build_from(&db, &plain(&out)).unwrap();
    let hide = |every: i64| {
        let store = Store::open(&db).unwrap();
        let hidden = "UPDATE servers SET visibility = 'private' WHERE id % ?1 = 0 AND visibility = 'public'";
        assert!(store.connection().execute(hidden, [every]).unwrap() > 0);
    };
    let as_anew = |name: &str| {
        let report = build_from(&db, &plain(&out)).unwrap();
        build_from(&db, &plain(&folder.path().join(name))).unwrap();
        assert_same(&out, &folder.path().join(name), name);
        report
    };
    hide(7);
    let report = as_anew("gone");
    let page_of_a_tool = |path: &&String| path.contains("/tools/") && path.ends_with(".html");
    let pages = files(&out).keys().filter(page_of_a_tool).count();
    assert!(report.rendered < pages, "{} of {pages}: others stay as they are", report.rendered);
    hide(5);
    let shelf = out.with_extension("shelf");
    let mut memory = std::fs::read(&shelf).unwrap();
    let middle = memory.len() / 2;
    memory[middle..middle + 400].fill(0xff);
    std::fs::write(&shelf, memory).unwrap();
    as_anew("broken off");
}
