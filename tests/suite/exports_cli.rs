//! `catalogue policy` as its users meet it: the real program on the made-up catalogue.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use catalogue::export::{Exporter, exporter};
use catalogue::model::Outcome;
use catalogue::store::Store;
use serde_json::Value;

use crate::sample::{self, MadeUpTool};

const LEDGER: &str = "npm:@orchard/ledger";

struct Place {
    folder: tempfile::TempDir,
    db: PathBuf,
}

impl Place {
    fn new() -> Self {
        let (folder, db, store) = sample::seeded();
        drop(store);
        Self { folder, db }
    }

    /// Exit code, standard output, standard error.
    fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_catalogue"));
        command.arg("policy").args(args).arg("--db").arg(&self.db).current_dir(self.folder.path());
        command.env("CATALOGUE_VAR", self.folder.path().join("var")).env("HOME", self.folder.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    fn ok(&self, args: &[&str]) -> (String, String) {
        let (code, out, said) = self.run(args);
        assert_eq!(code, Some(0), "{args:?}: {out}{said}");
        (out, said)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The server comes out anew, with these tools only.
    fn releases(&self, version: &str, tools: &[MadeUpTool]) {
        let mut store = Store::open(&self.db).unwrap();
        let release = sample::release(LEDGER, version);
        let now = sample::start() + jiff::SignedDuration::from_hours(2);
        let probe = sample::probe(&release, Outcome::Ok, tools, now);
        sample::store_probe(&mut store, &release, &Default::default(), &probe);
    }
}

/// Show 6: whatever form the policy has, its header or its rows say what it was made from.
#[test]
fn a_definition_that_changed_since_the_policy_was_made_is_said_by_validate() {
    let place = Place::new();
    // A comment in JSON, in TOML, in YAML and in a script; and the neutral form. Each run of the program takes its time.
    let formats =
        ["json", "claude-code", "codex", "intercept", "copilot-cli"].map(|id| exporter(id).unwrap());
    let file = |e: &Exporter| format!("{}.{}", e.id, e.language);
    for exporter in formats {
        place.ok(&["export", LEDGER, "--format", exporter.id, "-o", &file(exporter)]);
    }
    place.ok(&["export", LEDGER, "--tool", "run_report", "--format", "codex", "-o", "one.toml"]);
    let (out, _) = place.ok(&["validate", "claude-code.json", "codex.toml", "one.toml", "copilot-cli.sh"]);
    assert_eq!(out.matches(": valid").count(), 4, "{out}");
    // The header says whose tools to compare with.
    for (from, to, said) in [
        ("list_accounts", "list_acounts", "never matches: the server has no such tool"),
        (
            "mcp__ledger__list_accounts",
            "mcp__ledger_list_accounts",
            "in this form is \"mcp__ledger__list_accounts\"",
        ),
    ] {
        let text = std::fs::read_to_string(place.folder.path().join("claude-code.json")).unwrap();
        place.write("misspelt.json", &text.replace(from, to));
        let (code, out, _) = place.run(&["validate", "misspelt.json", "--format", "claude-code"]);
        assert_eq!((code, out.matches(said).count()), (Some(1), 1), "{out}");
    }
    let changed = MadeUpTool {
        json: r#"{"name":"list_accounts","description":"Lists accounts, and now closes those without money."}"#,
        ..MadeUpTool::PLAIN
    };
    place.releases("9.9.9", &[changed]);
    for exporter in formats {
        let (code, out, _) = place.run(&["validate", &file(exporter), "--format", exporter.id]);
        assert_eq!(code, Some(1), "{}: {out}", exporter.id);
        match exporter.id {
            "json" => assert!(
                out.contains("list_accounts")
                    && out.contains("the definition changed since the policy was made"),
                "{out}"
            ),
            _ => assert!(
                out.contains(&format!(
                    "{LEDGER}: its tools are not the ones that the policy was made from (now 9.9.9)"
                )),
                "{}: {out}",
                exporter.id
            ),
        }
    }
}

#[test]
fn from_config_makes_one_policy_of_all_servers_under_the_keys_they_have_there() {
    let place = Place::new();
    place.write(
        "opencode.json",
        r#"{"mcp": {"my ledger": {"type": "local", "command": ["npx", "-y", "@orchard/ledger"]},
                    "unknown": {"type": "local", "command": ["npx", "-y", "never-scanned"]}}}"#,
    );
    let (out, said) = place.ok(&["export", "--from-config", "opencode.json", "--format", "opencode"]);
    let document: Value = serde_json::from_str(&out).unwrap();
    let permission = document["permission"].as_object().unwrap();
    assert_eq!(permission["my_ledger_*"], "deny");
    assert_eq!(permission["unknown_*"], "ask");
    assert!(permission.keys().any(|k| k.starts_with("my_ledger_list_")), "{out}");
    assert!(said.contains("unknown: nothing is known of its tools"), "{said}");
    place.write(
        "mcp-config.json",
        r#"{"mcpServers": {"books": {"type": "local", "command": "npx", "args": ["@orchard/ledger"], "tools": ["*"]}}}"#,
    );
    let (out, _) = place.ok(&["export", "--from-config", "mcp-config.json", "--format", "copilot-cli"]);
    assert!(out.contains("-tool=books(list_accounts)'"), "{out}");
}

#[test]
fn a_folder_gets_one_file_a_server_and_a_format_without_room_says_what_was_lost_on_stderr() {
    let place = Place::new();
    let (_, said) = place.ok(&["export", LEDGER, "--format", "docker", "-o", "out/"]);
    let file = place.folder.path().join("out/npm/@orchard/ledger.docker.yaml");
    assert!(std::fs::read_to_string(&file).unwrap().contains("\"ledger\":"), "{}", file.display());
    assert!(said.contains("docker: Lost: "), "{said}");
    let (_, said) = place.ok(&["export", LEDGER, "--format", "docker", "--tier", "permissive", "-o", "out/"]);
    assert!(said.contains("--lossy-limit allow"), "{said}");
    let (_, said) =
        place.ok(&["export", LEDGER, "--format", "docker", "--tier", "permissive", "--lossy-limit", "allow"]);
    assert!(said.contains("limit -> allow") && !said.contains("more than half"), "{said}");
}

#[test]
fn a_published_snippet_is_refused_with_line_column_and_words() {
    let place = Place::new();
    place.write(
        "page.yaml",
        "version: \"1\"\ndefault: allow\ntools:\n  create_issue:\n    rules:\n      - action: allow\n        rate_limit:\n          max: 30\n          window: 60\n",
    );
    let (code, out, _) = place.run(&["validate", "page.yaml", "--format", "intercept"]);
    assert_eq!(code, Some(1));
    for words in [
        "page.yaml:6:9: error: tools.create_issue.rules[0]: a rule must have a name",
        "page.yaml:6:17: error: tools.create_issue.rules[0].action: must be evaluate or deny",
        "page.yaml:8:11: error: tools.create_issue.rules[0].rate_limit: must be a text",
        "page.yaml: 3 errors (intercept)",
    ] {
        assert!(out.contains(words), "{words}\n{out}");
    }
}
