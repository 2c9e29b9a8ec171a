//! Pages: nothing runs, nothing is refused by the policy of the page because nothing tries, and every page has the shape that it
//! has with harmless texts.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use catalogue::assets::{Files, Folder};
use rayon::prelude::*;

use crate::chrome::{Chrome, Seen};
use crate::{chosen, shape, site};

/// Words of naughty texts, and of all names.
const SEARCHES: [&str; 12] =
    ["script", "img", "svg", "onerror", "alert", "canary", "javascript", "iframe", "style", "data", "x", "1"];
/// Pages that are open beside each other.
const TABS: usize = 4;

type Outline = (String, BTreeSet<String>);

/// All tags of a page.
fn tags_of(page: &str) -> String {
    let mut out = String::new();
    shape::walk(&shape::parsed(page).document, &mut out, &mut None);
    out
}

/// The hash that the browser is asked for.
fn hash(tags: &str) -> String {
    let (mut a, mut b) = (0x811C_9DC5_u32, 0x9747_B28C_u32);
    for unit in tags.encode_utf16() {
        a = (a ^ u32::from(unit)).wrapping_mul(16_777_619);
        b = (b ^ u32::from(unit)).wrapping_mul(0x5BD1_E995);
    }
    format!("{a}-{b}")
}

/// A site on loopback; the thread ends with the test.
fn serve(out: &Path) -> String {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let (out, address) = (out.to_owned(), SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    std::thread::spawn(move || catalogue::render::serve::serve(&out, address).unwrap());
    let until = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(address).is_err() {
        assert!(Instant::now() < until, "the site is not served");
        std::thread::sleep(Duration::from_millis(20));
    }
    format!("http://{address}/")
}

fn templates() -> Files {
    Folder::Templates.files(None).unwrap()
}

/// Every page below the folder, as its address goes on.
fn all_pages(out: &Path) -> Vec<String> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else if path.extension().is_some_and(|e| e == "html") {
                found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut found = Vec::new();
    walk(out, out, &mut found);
    found.sort();
    found
}

fn built(folder: &Path, texts: &[String], templates: &Files) -> PathBuf {
    let (db, out) = (folder.join("catalogue.db"), folder.join("out"));
    site::seed(&db, texts);
    site::build(&db, &out, templates);
    out
}

#[test]
fn no_text_runs_in_a_browser_or_changes_the_shape_of_a_page() {
    let mut chrome = Chrome::start();
    if chrome.is_none() {
        println!(
            "skipped: pages in a browser: there is no Chromium here; their shapes are compared all the same"
        );
    }
    let each =
        std::env::var("BROWSER_EACH").map_or(8, |text| text.parse().expect("BROWSER_EACH is a number"));
    let all = chosen();
    let between = site::BETWEEN.to_string();
    let texts: Vec<String> = all.chunks(each).map(|some| some.join(&between)).collect();
    let (folder, begun) = (tempfile::tempdir().unwrap(), Instant::now());
    let hostile = built(&folder.path().join("hostile"), &texts, &templates());
    let twins: Vec<String> = texts.iter().map(|text| site::twin(text)).collect();
    let harmless = built(&folder.path().join("harmless"), &twins, &templates());
    let building = begun.elapsed().as_secs();
    let pages = all_pages(&hostile);
    assert!(pages.len() > texts.len(), "{} pages are too few", pages.len());

    let begun = Instant::now();
    let seen = chrome.as_mut().map(|chrome| nothing_happens(chrome, &hostile, &pages)).unwrap_or_default();

    // What the browser made of each page is what another parser makes of it, and of its harmless twin.
    let tags = |path: &Path| tags_of(&std::fs::read_to_string(path).unwrap());
    let shapes: Vec<String> = pages.par_iter().map(|page| hash(&tags(&hostile.join(page)))).collect();
    for ((page, shape), seen) in pages.iter().zip(&shapes).zip(&seen) {
        assert_eq!(*shape, seen.shape, "{page}: the browser sees other tags than html5ever");
    }
    let (ours, theirs) = (site::pages(&hostile, &texts), site::pages(&harmless, &twins));
    let outline = |path: &PathBuf| shape::outline(&std::fs::read_to_string(path).unwrap());
    let (ours, theirs): (Vec<_>, Vec<_>) =
        (ours.par_iter().map(outline).collect(), theirs.par_iter().map(outline).collect());
    let lines: BTreeSet<&String> = theirs.iter().flat_map(|(_, lines)| lines).collect();
    let is_other = |(_, (a, b)): &(&String, (&Outline, &Outline))| {
        a.0 != b.0 || !a.1.iter().all(|line| lines.contains(line))
    };
    let other: Vec<_> = texts.iter().zip(ours.iter().zip(&theirs)).filter(is_other).collect();
    let (many, first) =
        (other.len(), other.first().map(|(text, (a, b))| (text, shape::difference(&a.0, &b.0))));
    assert!(first.is_none(), "{many} pages have another shape; the first: {first:#?}");
    lists_have_as_many_tags(&hostile, &harmless);
    println!(
        "browser: {} texts, {each} a tool, {} pages, {} of them opened: 0 ran, 0 reports, 0 requests elsewhere; {} shapes as their harmless twins; built twice in {building} s, looked at in {} s",
        all.len(),
        pages.len(),
        seen.len(),
        ours.len(),
        begun.elapsed().as_secs()
    );
}

/// Opens every page: nothing runs, is reported, goes elsewhere or is there that should not be.
fn nothing_happens(chrome: &mut Chrome, out: &Path, pages: &[String]) -> Vec<Seen> {
    let site = serve(out);
    let mut seen = chrome.look_at(&site, pages, TABS);
    // Pages of attack patterns, terms, guides and notes link what they cite: addresses that stand in our own texts, and no others.
    let texts = [Folder::Data, Folder::Site].map(|folder| folder.files(None).unwrap());
    let texts: Vec<String> = texts
        .iter()
        .flat_map(|files| files.values())
        .map(|file| String::from_utf8_lossy(file).into_owned())
        .collect();
    let is_cited = |wrong: &String| {
        let address = wrong.trim_matches('"').strip_prefix("a href=");
        address.is_some_and(|address| {
            address.starts_with("https://") && texts.iter().any(|file| file.contains(address))
        })
    };
    seen.iter_mut().for_each(|page| page.wrong.retain(|wrong| !is_cited(wrong)));
    let nothing =
        |s: &Seen| s.ran.is_empty() && s.reports.is_empty() && s.went_out.is_empty() && s.wrong.is_empty();
    let bad: Vec<(&String, &Seen)> = pages.iter().zip(&seen).filter(|(_, s)| !nothing(s)).take(5).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    // Results of a search are put together by a script, from texts in other files.
    let searches: Vec<String> = SEARCHES.iter().map(|words| format!("search.html?q={words}")).collect();
    let found = chrome.look_at(&site, &searches, TABS);
    let bad: Vec<(&String, &Seen)> = searches.iter().zip(&found).filter(|(_, s)| !nothing(s)).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let shown: u64 = found.iter().map(|s| s.results).sum();
    assert!(shown > 50, "{shown} results are too few to have been searched for");
    seen
}

/// Lists and servers' pages: their order follows names, so the tags of all of them together are compared.
fn lists_have_as_many_tags(hostile: &Path, harmless: &Path) {
    let counted = |out: &Path| {
        let mut counts = std::collections::BTreeMap::<String, usize>::new();
        for page in all_pages(out).iter().filter(|page| !page.contains("/tools/") && *page != "index.html") {
            for tag in tags_of(&std::fs::read_to_string(out.join(page)).unwrap()).split_inclusive('>') {
                *counts.entry(tag.to_owned()).or_default() += 1;
            }
        }
        counts
    };
    assert_eq!(counted(hostile), counted(harmless));
    // The first page has examples whose names read well, so there may be fewer of hostile ones; no tag is new.
    let first = |out: &Path| {
        let tags = tags_of(&std::fs::read_to_string(out.join("index.html")).unwrap());
        tags.split_inclusive('>').map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let (ours, theirs) = (first(hostile), first(harmless));
    let new: Vec<&String> = ours.difference(&theirs).collect();
    assert!(ours.len() > 20 && new.is_empty(), "{new:?}");
}

/// What looks for execution and reports finds both where there are some.
#[test]
fn without_escaping_texts_run_and_with_the_policy_alone_they_are_reported() {
    let Some(mut chrome) = Chrome::start() else {
        println!("skipped: pages without escaping: there is no Chromium here");
        return;
    };
    let texts: Vec<String> = crate::naughty::PAYLOADS.iter().take(48).map(|t| (*t).to_owned()).collect();
    let folder = tempfile::tempdir().unwrap();
    let mut broken = templates();
    let tool = broken.get_mut("tool.html").unwrap();
    let text = String::from_utf8(tool.clone()).unwrap();
    let open = text.replace("{{ full_name }}", "{{ full_name | safe }}");
    assert_ne!(text, open, "the heading of a tool's page is written otherwise now");
    *tool = open.into_bytes();
    let mut look = |name: &str, templates: &Files| {
        let out = built(&folder.path().join(name), &texts, templates);
        let pages: Vec<String> = site::pages(&out, &texts)
            .iter()
            .map(|path| path.strip_prefix(&out).unwrap().to_string_lossy().into_owned())
            .collect();
        chrome.look_at(&serve(&out), &pages, TABS)
    };
    let with_policy = look("policy", &broken);
    let reports = with_policy.iter().filter(|seen| !seen.reports.is_empty()).count();
    let ran = with_policy.iter().filter(|seen| !seen.ran.is_empty()).count();
    let base = broken.get_mut("base.html").unwrap();
    *base = String::from_utf8(base.clone())
        .unwrap()
        .replace("http-equiv=\"Content-Security-Policy\"", "name=\"none\"")
        .into_bytes();
    let open = look("open", &broken);
    let ran_open = open.iter().filter(|seen| !seen.ran.is_empty()).count();
    let wrong = open.iter().filter(|seen| !seen.wrong.is_empty()).count();
    println!(
        "browser: of {} texts that are not escaped {ran_open} ran, {wrong} were seen; with the policy {ran} ran, {reports} were reported",
        texts.len()
    );
    assert!(ran_open >= 10 && wrong >= 30, "{ran_open} {wrong}");
    assert!(ran == 0 && reports >= 10, "{ran} {reports}");
}
