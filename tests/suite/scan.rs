//! `catalogue scan` on real processes: made-up servers, really started, confined by the reduced sandbox (which needs
//! nothing from outside) or by bubblewrap where it is there already.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The made-up server. `cargo test` builds it; a run of this target alone does not, so it is built here if it is not new.
pub(super) fn server() -> PathBuf {
    static SERVER: OnceLock<PathBuf> = OnceLock::new();
    SERVER
        .get_or_init(|| {
            let test = std::env::current_exe().unwrap();
            let profile = test.parent().unwrap().parent().unwrap();
            #[expect(clippy::disallowed_methods, reason = "a test builds the server it starts")]
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--quiet", "--offline", "--example", "scripted_server"]);
            build.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", profile.parent().unwrap());
            if profile.ends_with("release") {
                build.arg("--release");
            }
            assert!(build.status().unwrap().success());
            profile.join("examples/scripted_server")
        })
        .clone()
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn catalogue(&self) -> Command {
        #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_catalogue"));
        command.current_dir(self.folder.path()).env("CATALOGUE_VAR", self.path("var")).stdin(Stdio::null());
        command
    }

    /// Scans one script; returns the row and the exit code.
    fn scan(&self, sandbox: &str, script: &[&str]) -> (Value, i32) {
        let mut command = self.catalogue();
        // Those that never answer are waited for in vain; a busy machine must not make others look like them.
        let seconds = if matches!(script[0], "hang" | "listen") { "4" } else { "55" };
        command.args(["scan", "--json", "--timeout", seconds, "--sandbox", sandbox, "--stdio", "--name"]);
        command.arg(script[0]).arg("--").arg(server()).args(script);
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let row = serde_json::from_str(text.trim())
            .unwrap_or_else(|_| panic!("no row: {text}\n{}", String::from_utf8_lossy(&output.stderr)));
        (row, output.status.code().unwrap())
    }

    fn db(&self) -> catalogue::store::Connection {
        catalogue::store::Store::open_read_only(&self.path("var/catalogue.db")).unwrap()
    }

    /// Waits until a running scan has got somewhere: what it stored, and not the clock of a busy machine, says when.
    fn wait_until(&self, question: &str, what: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            let store = catalogue::store::Store::open_read_only(&self.path("var/catalogue.db"));
            let answer = store.ok().and_then(|db| db.query_row(question, [], |r| r.get::<_, String>(0)).ok());
            if answer.is_some_and(|answer| what(&answer)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("a minute went by without: {question}");
    }

    /// Writes a list of scripts for `--from`.
    fn list(&self, scripts: &[(&str, &[&str])]) -> PathBuf {
        let mut text = String::new();
        for (name, script) in scripts {
            let mut words = vec![server().to_string_lossy().into_owned()];
            words.extend(script.iter().map(|w| (*w).to_owned()));
            let words: Vec<String> = words.iter().map(|w| format!("{w:?}")).collect();
            text.push_str(&format!("[[target]]\nname = \"{name}\"\ncommand = [{}]\n", words.join(", ")));
        }
        let path = self.path("list.toml");
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// The reduced level, where this kernel has Landlock.
fn reduced_works() -> bool {
    let place = Place::new();
    let works = place.scan("reduced", &["ok", "1"]).0["outcome"] == "ok";
    if !works {
        println!("skipped: scan tests in the reduced sandbox, this kernel has no Landlock");
    }
    works
}

pub(super) fn level() -> &'static str {
    if reduced_works() { "reduced" } else { "none" }
}

#[test]
fn each_script_ends_with_its_own_word() {
    let level = level();
    let table: &[(&[&str], &str, i64)] = &[
        (&["ok", "3"], "ok", 3),
        (&["pages"], "ok", 2),
        (&["noise"], "ok", 2),
        (&["asks"], "ok", 1),
        (&["modern"], "ok", 2),
        (&["malformed"], "ok", 1),
        (&["zero"], "no-tools", 0),
        (&["cycle"], "bad-pagination", 0),
        (&["flood"], "too-large", 0),
        (&["exit", "nothing to say"], "crashed", 0),
        (&["exit", "getaddrinfo ENOTFOUND api.acme.example"], "needs-network", 0),
        (&["needs-env", "ACME_API_KEY"], "needs-config", 0),
        (&["hang"], "timed-out", 0),
        (&["listen"], "timed-out", 0),
    ];
    for (script, outcome, tools) in table {
        let place = Place::new();
        let (row, exit) = place.scan(level, script);
        assert_eq!(
            (row["outcome"].as_str().unwrap(), row["tools"].as_i64().unwrap()),
            (*outcome, *tools),
            "{script:?}: {row}"
        );
        assert_eq!(exit, 0, "{script:?}");
    }
}

#[test]
fn what_was_answered_is_judged_and_stored_as_it_came() {
    let place = Place::new();
    let (row, _) = place.scan(level(), &["ok", "4"]);
    assert_eq!(row["classes"]["destructive"], 1, "{row}");
    let db = place.db();
    let raw: Vec<u8> = db
        .query_row("SELECT r.bytes FROM raw_tools r JOIN probe_tools t ON t.raw_sha256 = r.sha256 WHERE t.position = 1", [], |r| r.get(0))
        .unwrap();
    let tool: Value = serde_json::from_slice(&raw).unwrap();
    assert_eq!(tool["name"], "delete_thing");
}

#[test]
fn nothing_of_a_server_outlives_its_probe_whatever_it_did() {
    let seconds = format!("3{:05}", std::process::id() % 100_000);
    let place = Place::new();
    let (row, _) = place.scan(level(), &["daemon", &seconds]);
    assert_eq!(row["outcome"], "ok", "{row}");
    assert!(!any_process(&format!("sleep\0{seconds}\0")), "a daemon survived");
    let left: Vec<_> = std::fs::read_dir(place.path("var/cache/store/tmp")).unwrap().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
}

fn any_process(command_line: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        std::fs::read(entry.path().join("cmdline"))
            .is_ok_and(|c| String::from_utf8_lossy(&c).contains(command_line))
    })
}

#[test]
fn a_server_that_eats_memory_is_ended() {
    let place = Place::new();
    let (row, _) = place.scan(level(), &["memory"]);
    assert!(["too-large", "crashed"].contains(&row["outcome"].as_str().unwrap()), "{row}");
}

#[test]
fn a_mistake_in_ones_own_rules_is_said_before_anything_is_started() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("rules/classify")).unwrap();
    std::fs::write(place.path("rules/classify/verbs.toml"), "x = [").unwrap();
    let mut command = place.catalogue();
    command
        .args(["scan", "--rules", "rules", "--stdio", "--name", "ok", "--"])
        .arg(server())
        .args(["ok", "1"]);
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(6), 0), "{said}");
    assert!(said.starts_with("error: rules/classify/verbs.toml:1:6: "), "{said}");
    assert!(!place.path("var/catalogue.db").exists());
}

#[test]
fn a_second_scan_takes_what_is_stored_and_refresh_asks_again() {
    let place = Place::new();
    let list = place.list(&[("one", &["ok", "1"]), ("two", &["zero"])]);
    let run = |more: &[&str]| {
        let mut command = place.catalogue();
        command.args(["scan", "--json", "--sandbox", level(), "--from"]).arg(&list).args(more);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()).collect::<Vec<_>>()
    };
    assert!(run(&[]).iter().all(|r| r["stored"] == false));
    assert!(run(&[]).iter().all(|r| r["stored"] == true));
    assert!(run(&["--refresh"]).iter().all(|r| r["stored"] == false));
    let probes: i64 = place.db().query_row("SELECT count(*) FROM probes", [], |r| r.get(0)).unwrap();
    assert_eq!(probes, 4);
}

#[test]
fn a_killed_scan_goes_on_and_loses_and_doubles_nothing() {
    let place = Place::new();
    let names: Vec<String> = (0..12).map(|i| format!("server-{i}")).collect();
    let scripts: Vec<(&str, &[&str])> = names.iter().map(|n| (n.as_str(), &["slow", "150"][..])).collect();
    let list = place.list(&scripts);
    let level = level();
    let start = || {
        let mut command = place.catalogue();
        command.args(["scan", "--quiet", "--jobs", "2", "--sandbox", level, "--from"]).arg(&list);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    for round in 0..5_u64 {
        let mut scan = start();
        // At least one target more, then somewhere in the middle of the next.
        place.wait_until("SELECT CAST(count(*) AS TEXT) FROM work WHERE state = 'done'", |done| {
            done.parse::<u64>().is_ok_and(|done| done > round)
        });
        std::thread::sleep(Duration::from_millis(37 * round));
        scan.kill().unwrap();
        scan.wait().unwrap();
    }
    assert!(start().wait().unwrap().success());
    let db = place.db();
    let counts: (i64, i64) = db
        .query_row("SELECT count(*), count(DISTINCT release_id) FROM probes WHERE outcome = 'ok'", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .unwrap();
    assert_eq!(counts, (12, 12));
    let open: i64 =
        db.query_row("SELECT count(*) FROM probes WHERE finished_at IS NULL", [], |r| r.get(0)).unwrap();
    assert_eq!(open, 0);
    let mine = place.folder.path().to_string_lossy().into_owned();
    let deadline = Instant::now() + Duration::from_secs(3);
    while any_process(&mine) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(!any_process(&mine), "a process of a killed scan is left");
    assert_eq!(std::fs::read_dir(place.path("var/cache/store/tmp")).unwrap().count(), 0);
}

#[test]
fn a_target_whose_scanner_dies_three_times_is_set_aside() {
    let place = Place::new();
    let list = place.list(&[("hanging", &["hang"])]);
    let start = || {
        let mut command = place.catalogue();
        command.args(["scan", "--quiet", "--sandbox", level(), "--from"]).arg(&list);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut before = String::new();
    for _ in 0..3 {
        let mut scan = start();
        let held = "SELECT worker FROM work WHERE state = 'leased'";
        place.wait_until(held, |worker| worker != before);
        before = place.db().query_row(held, [], |r| r.get(0)).unwrap();
        scan.kill().unwrap();
        scan.wait().unwrap();
    }
    assert!(start().wait().unwrap().success());
    let outcome: String = place
        .db()
        .query_row("SELECT outcome FROM probes WHERE finished_at IS NOT NULL", [], |r| r.get(0))
        .unwrap();
    assert_eq!(outcome, "quarantined");
}

#[test]
fn ctrl_c_stores_what_is_done_and_the_same_command_goes_on() {
    let place = Place::new();
    let list = place.list(&[("quick", &["ok", "1"]), ("slow", &["slow", "7000"])]);
    let command = || {
        let mut command = place.catalogue();
        command.args(["scan", "--json", "--sandbox", level(), "--from"]).arg(&list);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        command
    };
    let scan = command().spawn().unwrap();
    place.wait_until("SELECT CAST(count(*) AS TEXT) FROM work WHERE state = 'done'", |done| done == "1");
    let pid = rustix::process::Pid::from_raw(i32::try_from(scan.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = scan.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 1);
    let output = command().output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.lines().any(|l| l.contains("local:slow") && l.contains("\"stored\":false")), "{text}");
    assert!(text.lines().any(|l| l.contains("local:quick") && l.contains("\"stored\":true")), "{text}");
}

#[test]
fn bad_input_gets_a_clear_message_and_its_exit_code() {
    let place = Place::new();
    let fails = |args: &[&str]| {
        let output = place.catalogue().args(args).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = fails(&["scan", "what-is-this"]);
    assert!(code == 2 && said.contains("npm:NAME"), "{code} {said}");
    let (code, said) = fails(&["scan", "--stdio", "--name", "x"]);
    assert!(code == 2 && said.contains("after --"), "{code} {said}");
    std::fs::write(place.path("bad.toml"), "[[target]]\ntarget = \"npm:a\"\n[[target]]\ntarge = 1\n")
        .unwrap();
    let (code, said) = fails(&["scan", "--from", "bad.toml"]);
    assert!(code == 6 && said.contains("bad.toml:4:1"), "{code} {said}");
    std::fs::write(place.path("catalogue.toml"), "[limits]\npages = \"x\"\n").unwrap();
    let (code, said) = fails(&["scan"]);
    assert!(code == 6 && said.contains("catalogue.toml:2:9"), "{code} {said}");
    std::fs::remove_file(place.path("catalogue.toml")).unwrap();
    std::fs::write(place.path("no.db"), "not a database, but long enough to be looked at as one").unwrap();
    let (code, said) = fails(&["build", "--db", "no.db"]);
    assert!(code == 4 && said.contains("not a database"), "{code} {said}");
    let (code, said) = fails(&["build", "--db", "gone.db"]);
    assert!(code == 4 && said.contains("no such database"), "{code} {said}");
    let (code, _) =
        fails(&["scan", "--sandbox", level(), "--stdio", "--name", "x", "--", "/no/such/program"]);
    assert_eq!(code, 3);
}

#[test]
fn state_lies_beside_catalogue_toml_or_where_it_is_told() {
    let place = Place::new();
    std::fs::write(place.path("catalogue.toml"), "").unwrap();
    let mut command = place.catalogue();
    command.env_remove("CATALOGUE_VAR").args([
        "scan",
        "--quiet",
        "--sandbox",
        level(),
        "--stdio",
        "--name",
        "x",
        "--",
    ]);
    assert!(command.arg(server()).arg("ok").status().unwrap().success());
    assert!(Path::new(&place.path("var/catalogue.db")).is_file());
}

#[test]
fn a_scan_says_aloud_which_corrections_expired() {
    let place = Place::new();
    let run = |args: &[&str]| {
        let output = place.catalogue().args(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{args:?}: {said}");
        said
    };
    let server = server().to_string_lossy().into_owned();
    let scan = |description: &str| {
        let options = ["scan", "--quiet", "--sandbox", "none", "--stdio", "--name", "says", "--"];
        run(&[&options[..], &[server.as_str(), "says", description]].concat())
    };
    assert_eq!(scan("Lists things."), "");
    run(&["review", "override", "local:says", "list_things", "--class", "write", "--who", "A", "--why", "b"]);
    assert_eq!(scan("Lists things."), "", "the same definition, however often it is asked");
    let said = scan("Lists things and more.");
    assert!(said.contains("1 correction has expired") && said.contains("local:says list_things"), "{said}");
    let class: String = place.db().query_row("SELECT class FROM tools_flat", [], |row| row.get(0)).unwrap();
    assert_ne!(class, "write", "the correction spoke of another definition");
}
