//! `catalogue review` as its users meet it: the real program on the made-up catalogue, judged by the real rules.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use catalogue::model::Outcome;
use catalogue::store::{Connection, Store};
use serde_json::Value;

use crate::sample::{self, MadeUpTool};

const LEDGER: &str = "npm:@orchard/ledger";

struct Place {
    folder: tempfile::TempDir,
    db: PathBuf,
}

impl Place {
    /// The sample, classified by the rules inside the program.
    fn new() -> Self {
        let (folder, db, store) = sample::seeded();
        drop(store);
        let place = Self { folder, db };
        place.ok(&["classify", "--quiet"]);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_catalogue"));
        command.args(args).arg("--db").arg(&self.db).current_dir(self.folder.path());
        command.env("CATALOGUE_VAR", self.path("var")).stdin(Stdio::null()).output().unwrap()
    }

    /// Standard output and error of a run that ends well.
    fn ok(&self, args: &[&str]) -> (String, String) {
        let output = self.run(args);
        let (out, said) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{args:?}: {out}{said}");
        (out, said)
    }

    fn fails(&self, args: &[&str], code: i32) -> String {
        let output = self.run(args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        said
    }

    /// `tool doubt` of each row that is listed.
    fn listed(&self, args: &[&str]) -> Vec<String> {
        let (out, _) = self.ok(&[&["review", "--json", "--limit", "1000"], args].concat());
        let word = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
        out.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|row| format!("{} {}", word(&row, "tool"), word(&row, "doubt")))
            .collect()
    }

    fn flat(&self, tool: &str, columns: &str) -> String {
        let db = Connection::open(&self.db).unwrap();
        let sql = format!("SELECT {columns} FROM tools_flat WHERE server = '{LEDGER}' AND tool = ?1");
        db.query_row(&sql, [tool], |row| row.get(0)).unwrap()
    }

    fn page(&self, tool: &str, args: &[&str]) -> String {
        let (_, said) = self.ok(&[&["build", "--quiet", "--out", "site"], args].concat());
        let text = page_of(&self.path("site"), tool);
        format!("{text}\n<!-- {said} -->")
    }

    /// The server comes out anew, with these tools only.
    fn releases(&self, version: &str, tools: &[MadeUpTool], hours: i64) {
        let mut store = Store::open(&self.db).unwrap();
        let release = sample::release(LEDGER, version);
        let now = sample::start() + jiff::SignedDuration::from_hours(hours);
        sample::store_probe(
            &mut store,
            &release,
            &Default::default(),
            &sample::probe(&release, Outcome::Ok, tools, now),
        );
    }
}

fn page_of(site: &Path, tool: &str) -> String {
    let mut folders = vec![site.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains("ledger")
                && path.ends_with(format!("tools/{tool}.html"))
            {
                return std::fs::read_to_string(path).unwrap();
            }
        }
    }
    panic!("no page of {tool}");
}

#[test]
fn an_accepted_verdict_leaves_the_list_and_comes_back_when_that_is_undone() {
    let place = Place::new();
    let doubted = place.listed(&[]);
    let (tool, doubt) = doubted.iter().find_map(|row| row.split_once(' ')).unwrap();
    let db = Connection::open(&place.db).unwrap();
    let server: String = db.query_row("SELECT server FROM review LIMIT 1", [], |row| row.get(0)).unwrap();
    let (out, _) = place.ok(&["review", "accept", &server, tool, "--who", "A Reader"]);
    assert!(out.starts_with("accepted: "), "{out}");
    let left = place.listed(&[]);
    assert_eq!(left.len() + 1, doubted.len());
    assert!(place.listed(&["--all"]).contains(&format!("{tool} accepted")));
    let (out, _) = place.ok(&["review", "accept", &server, tool, "--who", "A Reader"]);
    assert!(out.starts_with("was accepted before"), "{out}");

    let (out, _) = place.ok(&["review", "show", &server, tool]);
    assert!(out.contains("accepted by A Reader") && out.contains("[in force, from the database]"), "{out}");
    place.ok(&["review", "undo", &server, tool, "--who", "Another", "--why", "not so sure"]);
    assert_eq!(place.listed(&[]), doubted, "{doubt}");
    let (out, _) = place.ok(&["review", "show", &server, tool]);
    assert!(out.contains("[replaced, from the database]"), "{out}");
    assert!(out.contains("Another: took back what was said before (not so sure)"), "{out}");
    let said = place.fails(&["review", "undo", &server, tool, "--who", "Another", "--why", "again"], 1);
    assert!(said.contains("no correction of"), "{said}");
}

#[test]
fn the_list_is_narrowed_by_what_is_asked_for() {
    let place = Place::new();
    for (tool, signals) in
        [("list_accounts", "financial,bulk"), ("run_report", "arbitrary-code,description-injection")]
    {
        let correction =
            ["review", "override", LEDGER, tool, "--signals", signals, "--who", "A", "--why", "b"];
        place.ok(&correction);
    }
    let all = place.listed(&["--all"]);
    assert!(all.len() > 12, "{all:?}");
    let db = Connection::open(&place.db).unwrap();
    for (args, condition) in [
        (&["--server", LEDGER][..], "server = 'npm:@orchard/ledger'"),
        (&["--server", "npm:@orchard/ledger@1.1.0"], "server = 'npm:@orchard/ledger'"),
        (&["--class", "execute,destructive"], "class IN ('execute', 'destructive')"),
        (&["--class", "execute", "--class", "read"], "class IN ('execute', 'read')"),
        (&["--risk", "low"], "risk = 'low'"),
        (&["--confidence-below", "0.8"], "confidence < 0.8"),
        (&["--signal", "financial"], "signals LIKE '%financial%'"),
        (
            &["--signal", "financial,arbitrary-code"],
            "(signals LIKE '%financial%' OR signals LIKE '%arbitrary-code%')",
        ),
        (&["--finding", "description-injection"], "signals LIKE '%description-injection%'"),
        (&["--risk", "critical", "--class", "destructive"], "risk = 'critical' AND class = 'destructive'"),
    ] {
        let found = place.listed(&[&["--all"], args].concat());
        let count: i64 = db
            .query_row(&format!("SELECT count(*) FROM review WHERE {condition}"), [], |row| row.get(0))
            .unwrap();
        assert_eq!(found.len() as i64, count, "{args:?}: {found:?}");
        assert!(count > 0 && found.len() < all.len(), "{args:?} tells nothing apart");
        assert!(found.iter().all(|row| all.contains(row)));
    }
    // What is below a bound is listed, whether or not anybody doubts it; what a person said is not.
    let below = place.listed(&["--confidence-below", "1"]);
    assert!(below.iter().any(|row| row.ends_with(' ')), "{below:?}");
    assert!(!below.iter().any(|row| row.ends_with("corrected")), "{below:?}");
    let (out, said) = place.ok(&["review", "--limit", "1", "--all"]);
    assert_eq!(out.matches("\n\n").count(), 1, "{out}");
    assert!(said.contains(&format!("1 of {}", all.len())), "{said}");
    let (out, _) = place.ok(&["review", "--server", "npm:needs-a-key"]);
    assert!(out.contains("--all lists the rest"), "{out}");
    for wrong in
        [&["--class", "Write"][..], &["--signal", "loud"], &["--confidence-below", "7"], &["--server", "x"]]
    {
        place.fails(&[&["review"], wrong].concat(), 2);
    }
    place.fails(&["review", "--class", "read", "export"], 2);
    let db = place.db.to_string_lossy().into_owned();
    place.ok(&["review", "show", LEDGER, "run_report"]);
    #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
    let mut program = Command::new(env!("CARGO_BIN_EXE_catalogue"));
    assert!(program.args(["review", "--db", &db, "export"]).output().unwrap().status.success());
}

#[test]
fn of_a_class_alone_the_risk_follows_and_pages_and_policies_show_it() {
    let place = Place::new();
    let before = place.page("list_accounts", &[]);
    assert!(!before.contains("by a person"), "{before}");
    let said = place.fails(&["review", "override", LEDGER, "list_accounts", "--who", "A", "--why", "b"], 2);
    assert!(said.contains("--class, --risk or --signals"), "{said}");
    let (out, _) = place.ok(&[
        "review",
        "override",
        LEDGER,
        "list_accounts",
        "--class",
        "write",
        "--signals",
        "bulk,personal-data",
        "--who",
        "Ada <b>",
        "--why",
        "It marks what was looked at",
    ]);
    assert!(out.contains("stored:        write, high risk, personal-data, bulk"), "{out}");
    // Made after the newest probe, and yet the next build shows it.
    let page = place.page("list_accounts", &[]);
    assert!(page.contains("Corrected by a person") && page.contains("The rules said Read"), "{page}");
    assert!(page.contains("Ada &lt;b&gt;") && page.contains("It marks what was looked at</q>."), "{page}");
    assert!(page.contains("Write, high risk"), "{page}");
    // The catalogue as it stood before it was made is another matter.
    let page = place.page("list_accounts", &["--as-of", "2026-03-02T00:00:00Z"]);
    assert!(!page.contains("Corrected by a person"), "{page}");
    let policy = |format: &str| place.ok(&["policy", "export", LEDGER, "--format", format]).0;
    let corrected = policy("json");
    place.ok(&[
        "review",
        "override",
        LEDGER,
        "list_accounts",
        "--class",
        "execute",
        "--who",
        "Ada",
        "--why",
        "After all",
    ]);
    assert_ne!(policy("json"), corrected);
    assert_eq!(
        place.flat("list_accounts", "class || ' ' || risk"),
        "execute critical",
        "bulk raises it by a step"
    );

    let said = place.fails(
        &["review", "override", LEDGER, "list_accounts", "--class", "read", "--who", " ", "--why", "x"],
        2,
    );
    assert!(said.contains("empty"), "{said}");
    place.fails(&["review", "accept", LEDGER, "no_such_tool", "--who", "x"], 1);
    place.fails(&["review", "accept", "npm:nobody", "x", "--who", "x"], 1);
}

#[test]
fn a_file_of_corrections_applies_to_a_fresh_database_and_readers_write_nothing() {
    let place = Place::new();
    place.ok(&[
        "review",
        "override",
        LEDGER,
        "list_accounts",
        "--class",
        "destructive",
        "--risk",
        "low",
        "--signals",
        "",
        "--who",
        "Ada",
        "--why",
        "It empties them",
    ]);
    place.ok(&["review", "accept", LEDGER, "run_report", "--who", "Ada"]);
    let (exported, _) = place.ok(&["review", "export"]);
    assert_eq!(exported.matches("[[override]]\nserver").count(), 3, "{exported}");
    std::fs::create_dir(place.path("data")).unwrap();
    let (_, said) = place.ok(&["review", "export", "--output", "data/overrides.toml"]);
    assert!(said.contains("3 corrections in data/overrides.toml"), "{said}");
    assert_eq!(
        std::fs::read_to_string(place.path("data/overrides.toml")).unwrap(),
        exported,
        "the same twice"
    );

    let fresh = Place::new();
    let data = place.path("data").to_string_lossy().into_owned();
    let with = ["--data", data.as_str()];
    let before = std::fs::read(&fresh.db).unwrap();
    let page = fresh.page("list_accounts", &with);
    assert!(page.contains("Corrected by a person") && page.contains("It empties them"), "{page}");
    assert!(fresh.page("run_report", &with).contains("Confirmed by a person"));
    // That folder has no table of clients: the program's own is used where a configuration is checked.
    assert!(
        std::fs::read_to_string(fresh.path("site/check.html")).unwrap().contains("<code>mcpServers</code>")
    );
    assert!(
        !fresh.page("list_accounts", &[]).contains("Corrected by a person"),
        "without the folder nothing is said"
    );
    let policy = ["policy", "export", LEDGER, "--format", "intercept"];
    assert_eq!(fresh.ok(&[&policy[..], &with].concat()).0, place.ok(&policy).0);
    assert_ne!(fresh.ok(&policy).0, place.ok(&policy).0);
    assert!(fresh.listed(&["--all", with[0], with[1]]).contains(&"list_accounts corrected".to_owned()));
    assert_eq!(fresh.ok(&["review", "export", with[0], with[1]]).0, exported, "there and back");
    assert_eq!(std::fs::read(&fresh.db).unwrap(), before, "none of these wrote");
    assert!(!fresh.db.with_extension("db-wal").exists_with_bytes());

    // A command that writes stores them; the plain views show what the pages showed.
    fresh.ok(&[&["classify", "--quiet"], &with[..]].concat());
    assert_eq!(fresh.flat("list_accounts", "class || ' ' || corrected_by"), "destructive Ada");
    let page = fresh.page("list_accounts", &with);
    assert!(page.contains("It empties them"));
    // Undone here it is undone, whatever the file says; exported anew it is gone from the file.
    let undo = ["review", "undo", LEDGER, "list_accounts", "--who", "Bob", "--why", "It writes, too"];
    let (_, said) = fresh.ok(&[&undo[..], &with].concat());
    assert!(said.contains("data/overrides.toml still holds it"), "{said}");
    assert!(!fresh.page("list_accounts", &with).contains("Corrected by a person"));
    assert!(!fresh.ok(&["review", "export", with[0], with[1]]).0.contains("list_accounts"));
}

trait HasBytes {
    fn exists_with_bytes(&self) -> bool;
}

impl HasBytes for PathBuf {
    fn exists_with_bytes(&self) -> bool {
        std::fs::metadata(self).is_ok_and(|m| m.len() > 0)
    }
}

#[test]
fn an_import_stores_all_or_nothing_and_once() {
    let place = Place::new();
    place.ok(&["review", "accept", LEDGER, "list_accounts", "--who", "Ada"]);
    let (good, _) = place.ok(&["review", "export"]);
    let fresh = Place::new();
    let file = fresh.path("in.toml");
    let count = || -> i64 {
        let db = Connection::open(&fresh.db).unwrap();
        db.query_row("SELECT count(*) FROM overrides", [], |row| row.get(0)).unwrap()
    };
    let before = count();
    let bad = good.clone()
        + "\n[[override]]\nserver = \"npm:a\"\ntool = \"t\"\ndefinition = \"x\"\nclass = \"read\"\nwho = \"w\"\nwhy = \"y\"\nmade_at = \"2026-01-01T00:00:00Z\"\n";
    std::fs::write(&file, &bad).unwrap();
    let said = fresh.fails(&["review", "import", "in.toml"], 6);
    let line = bad.lines().position(|l| l == "definition = \"x\"").unwrap() + 1;
    assert!(said.contains(&format!("in.toml:{line}:14: definition:")), "{said}");
    assert_eq!(count(), before);
    // Of servers that were never asked here, too.
    let good = bad.replace("\"x\"", &format!("\"{}\"", "0f".repeat(32)));
    std::fs::write(&file, &good).unwrap();
    let (out, _) = fresh.ok(&["review", "import", "in.toml"]);
    assert_eq!(out, "3 corrections read, 2 stored, 1 known before\n");
    let (out, _) = fresh.ok(&["review", "import", "in.toml"]);
    assert_eq!(out, "3 corrections read, 0 stored, 3 known before\n");
    assert_eq!(count(), before + 2);
    assert!(
        fresh.ok(&["review", "export"]).0.contains("server = \"npm:a\""),
        "and they are not lost on the way out"
    );

    // The same file as the data folder's own: malformed, every command says where.
    std::fs::create_dir(fresh.path("data")).unwrap();
    std::fs::write(fresh.path("data/overrides.toml"), &bad).unwrap();
    for command in [&["build", "--out", "site"][..], &["classify"], &["review"], &["review", "export"]] {
        let said = fresh.fails(&[command, &["--data", "data"]].concat(), 6);
        assert!(said.contains(&format!("data/overrides.toml:{line}:14: definition:")), "{said}");
    }
}

#[test]
fn an_expired_correction_is_said_aloud_until_somebody_deals_with_it() {
    let place = Place::new();
    place.ok(&["review", "accept", LEDGER, "list_accounts", "--who", "Ada"]);
    let changed = MadeUpTool {
        json: r#"{"name":"post_entry","description":"Posts an entry, now with a receipt."}"#,
        ..MadeUpTool::PLAIN
    };
    place.releases("1.2.0", &[changed], 40);
    let warning = "warning: 1 correction has expired, the tool is defined differently now: npm:@orchard/ledger post_entry;";
    for command in [
        &["classify", "--quiet"][..],
        &["build", "--quiet", "--out", "site"],
        &["review"],
        &["review", "--json"],
    ] {
        let (_, said) = place.ok(command);
        assert!(said.contains(warning), "{command:?}: {said}");
    }
    assert!(!page_of(&place.path("site"), "post_entry").contains("Corrected by a person"));
    assert_eq!(place.listed(&[])[0], "post_entry correction expired");
    let (out, _) = place.ok(&["review", "--expired"]);
    assert!(
        out.contains("list_accounts: tool is gone") && out.contains("post_entry: definition changed"),
        "{out}"
    );
    let (out, _) = place.ok(&["review", "show", LEDGER, "post_entry"]);
    assert!(out.contains("[expired: the definition changed, from the database]"), "{out}");
    let (out, _) = place.ok(&["review", "show", LEDGER, "list_accounts"]);
    assert!(out.contains("does not list this tool") && out.contains("Ada"), "{out}");

    place.ok(&["review", "accept", LEDGER, "post_entry", "--who", "Ada", "--why", "Read it anew"]);
    let (_, said) = place.ok(&["build", "--quiet", "--out", "site"]);
    assert_eq!(said, "");
    assert!(page_of(&place.path("site"), "post_entry").contains("Confirmed by a person"));
    // Or the old one is taken back.
    let again = MadeUpTool { json: r#"{"name":"post_entry","description":"Posts."}"#, ..MadeUpTool::PLAIN };
    place.releases("1.3.0", &[again], 41);
    place.ok(&["classify", "--quiet"]);
    assert!(place.ok(&["review"]).1.contains("2 corrections have expired"));
    let (out, _) =
        place.ok(&["review", "undo", LEDGER, "post_entry", "--who", "Ada", "--why", "Another tool by now"]);
    assert_eq!(out.matches("taken back: expired: ").count(), 2, "{out}");
    assert_eq!(place.ok(&["review"]).1, "");
}
