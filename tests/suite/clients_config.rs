//! `catalogue scan --registry config` with the files of nine clients, made up in the shapes that their vendors document
//! (`data/clients.toml` says where): what is found, and that nothing secret leaves them.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::scan::{level, server};

/// Every secret of these files holds one of these: as a word, as a key with digits, as a password.
const SECRETS: [&str; 3] = ["canaryword", "c4n4ryKEY0x9Zq71Lm", "hunter-canary-2"];

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["home", "project/.git", "project/inner"] {
            std::fs::create_dir_all(place.path(folder)).unwrap();
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// The program in the inner folder of the project, with a home of its own and none of this machine's clients.
    fn run(&self, args: &[&str]) -> Output {
        #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_catalogue"));
        command.args(args).current_dir(self.path("project/inner")).stdin(Stdio::null());
        command.env("HOME", self.path("home")).env("CATALOGUE_VAR", self.path("var"));
        for name in [
            "XDG_CONFIG_HOME",
            "CLAUDE_CONFIG_DIR",
            "CODEX_HOME",
            "GEMINI_CLI_SYSTEM_SETTINGS_PATH",
            "RUST_LOG",
        ] {
            command.env_remove(name);
        }
        command.output().unwrap()
    }

    /// The lines of a dry run, by client and name.
    fn dry(&self, more: &[&str]) -> BTreeMap<String, Value> {
        let output =
            self.run(&[&["scan", "--registry", "config", "--dry-run", "--json", "-vv"], more].concat());
        assert_no_secret(&output.stdout, "standard output");
        assert_no_secret(&output.stderr, "standard error");
        let text = String::from_utf8(output.stdout).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| (format!("{}/{}", word(&line, "client"), word(&line, "name")), line)).collect()
    }
}

fn word(line: &Value, key: &str) -> String {
    line[key].as_str().unwrap_or("-").to_owned()
}

fn assert_no_secret(bytes: &[u8], place: &str) {
    let text = String::from_utf8_lossy(bytes);
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} stands in {place}: {text}");
    }
}

/// Nothing below the folder holds a secret, by name or by content.
fn assert_no_secret_below(folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files += assert_no_secret_below(&path);
        } else if path.is_file() {
            files += 1;
            assert_no_secret(path.to_string_lossy().as_bytes(), "a file's name");
            let bytes = std::fs::read(&path).unwrap();
            for secret in SECRETS {
                let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
                assert!(!found, "{secret} stands in {}", path.display());
            }
        }
    }
    files
}

/// One file a client and scope, each with secrets in every place that can hold one.
fn write_files_of_eleven_clients(place: &Place) {
    let [word, key, password] = SECRETS;
    let inner = place.path("project/inner").to_string_lossy().into_owned();
    let claude = json!({
        "numStartups": 12, "history": [{"display": word}],
        "mcpServers": {
            "notes": {"type": "stdio", "command": "npx", "args": ["-y", "@acme/notes-mcp@1.2.3", "--api-key", word],
                      "env": {"ACME_API_KEY": key, "ACME_PORT": 8080}},
            "hosted": {"type": "http", "url": format!("https://me:{password}@mcp.acme.example/mcp?token={word}#{word}"),
                       "headers": {"Authorization": format!("Bearer {key}")}},
            "own link": {"type": "http", "url": format!("https://hooks.acme.example/s/{key}/mcp")},
            "late": {"type": "http", "url": "https://${ACME_HOST}/mcp"},
        },
        "projects": {
            inner.clone(): {"mcpServers": {"mine": {"command": "uvx", "args": ["notes-mcp"]}}, "history": [word]},
            "/elsewhere": {"mcpServers": {"not-here": {"command": "uvx", "args": ["other-mcp"]}}},
        },
    });
    place.write("home/.claude.json", &claude.to_string());
    let project = json!({"mcpServers": {
        "shared": {"command": "npx", "args": ["-y", "shared-mcp"]},
        "dev": {"type": "http", "url": "http://localhost:3999/mcp"},
    }});
    place.write("project/.mcp.json", &project.to_string());
    let desktop = json!({"globalShortcut": "", "mcpServers": {
        "files": {"command": "docker", "args": ["run", "-i", "-e", format!("ACME_TOKEN={word}"), "acme/files"]},
        "odd": 7, "empty": {},
    }});
    place.write("home/.config/Claude/claude_desktop_config.json", &desktop.to_string());
    place.write(
        "home/.cursor/mcp.json",
        &format!(
            "\u{feff}{{\n  // the proxy of the hosted one\n  \"mcpServers\": {{\n    \"bridged\": {{\"command\": \"npx\", \"args\": \
             [\"mcp-remote\", \"https://mcp.beta.example/sse\", \"--header\", \"Authorization: Bearer {key}\",],}},\n    \
             \"line\": {{\"command\": \"npx -y line-mcp --password {password}\"}},\n  }},\n}}\n"
        ),
    );
    place.write(
        "project/.vscode/mcp.json",
        &format!(
            "{{\"inputs\": [{{\"id\": \"k\", \"type\": \"promptString\", \"password\": true}}],\n /* servers */ \"servers\": \
             {{\"local\": {{\"type\": \"stdio\", \"command\": \"node\", \"args\": [\"${{workspaceFolder}}/server.js\", \
             \"--key\", \"${{input:k}}\", \"{key}\"], \"envFile\": \"{word}\"}}}}}}"
        ),
    );
    let settings = json!({"editor.fontSize": 13, "mcp": {"servers": {"older": {"command": "bunx", "args": ["older-mcp"]}}}});
    place.write("home/.config/Code/User/settings.json", &settings.to_string());
    let windsurf = json!({"mcpServers": {
        "remote": {"serverUrl": "https://mcp.gamma.example/mcp", "headers": {"X-Api-Key": word}},
        "off": {"command": "npx", "args": ["off-mcp"], "disabled": true},
    }});
    place.write("home/.codeium/windsurf/mcp_config.json", &windsurf.to_string());
    place.write(
        "home/.codex/config.toml",
        &format!(
            "model = \"x\"\n[mcp_servers.notes]\ncommand = \"uv\"\nargs = [\"tool\", \"run\", \"--from\", \"notes-mcp==2.0\", \
             \"notes\"]\nenv = {{ ACME_TOKEN = \"{word}\" }}\n[mcp_servers.\"far away\"]\nurl = \"https://mcp.delta.example/\"\n\
             http_headers = {{ \"X-Key\" = \"{key}\" }}\nbearer_token_env_var = \"ACME\"\n[mcp_servers.off]\ncommand = \"x\"\n\
             enabled = false\n"
        ),
    );
    let gemini = json!({"mcpServers": {
        "streamed": {"httpUrl": "https://mcp.epsilon.example/mcp", "url": "https://mcp.epsilon.example/sse",
                     "headers": {"Authorization": word}},
        "tree": {"command": "npx", "args": ["github:acme/tree"]},
    }});
    place.write("home/.gemini/settings.json", &format!("// settings\n{gemini}"));
    let kiro = json!({"mcpServers": {"runs": {"command": "pipx", "args": ["run", "runs-mcp", word], "autoApprove": ["*"]}}});
    place.write("project/.kiro/settings/mcp.json", &kiro.to_string());
    let zed = json!({"theme": "One", "context_servers": {
        "older": {"command": {"path": "npx", "args": ["-y", "zed-mcp@0.1.0"], "env": {"ZED_KEY": key}}},
        "extension": {"source": "extension", "settings": {"token": word}},
    }});
    place.write("home/.config/zed/settings.json", &format!("{zed}// end"));
    let opencode = json!({"mcp": {
        "listed": {"type": "local", "command": ["npx", "-y", "listed-mcp@3.0.0"], "environment": {"LISTED_KEY": key}},
        "idle": {"type": "remote", "url": "https://mcp.zeta.example/mcp", "enabled": false},
    }});
    place.write("project/opencode.json", &format!("// mine\n{opencode}"));
    let copilot = json!({"mcpServers": {
        "issues": {"type": "local", "command": "npx", "args": ["issues-mcp"], "tools": ["*"], "env": {"T": word}},
    }});
    place.write("home/.copilot/mcp-config.json", &copilot.to_string());
}

#[test]
fn the_files_of_eleven_clients_are_found_and_read_and_no_secret_leaves_them() {
    let place = Place::new();
    write_files_of_eleven_clients(&place);
    let lines = place.dry(&[]);
    let targets: Vec<(String, String)> = lines
        .iter()
        .filter(|(_, line)| line["left_out"].is_null())
        .map(|(name, line)| (name.clone(), format!("{} {}", word(line, "scope"), word(line, "target"))))
        .collect();
    let expected = [
        ("claude-code/hosted", "user remote:https://mcp.acme.example/mcp"),
        ("claude-code/mine", "project pypi:notes-mcp"),
        ("claude-code/notes", "user npm:@acme/notes-mcp@1.2.3"),
        ("claude-code/shared", "project npm:shared-mcp"),
        ("claude-desktop/files", "user local:files"),
        ("codex/far away", "user remote:https://mcp.delta.example/"),
        ("codex/notes", "user pypi:notes-mcp==2.0"),
        ("copilot-cli/issues", "user npm:issues-mcp"),
        ("cursor/bridged", "user remote:https://mcp.beta.example/sse"),
        ("cursor/line", "user npm:line-mcp"),
        ("gemini-cli/streamed", "user remote:https://mcp.epsilon.example/mcp"),
        ("kiro/runs", "project pypi:runs-mcp"),
        ("opencode/listed", "project npm:listed-mcp@3.0.0"),
        ("vscode/local", "project local:local"),
        ("vscode/older", "user npm:older-mcp"),
        ("windsurf/remote", "user remote:https://mcp.gamma.example/mcp"),
        ("zed/older", "user npm:zed-mcp@0.1.0"),
    ];
    let expected = expected.map(|(name, target)| (name.to_owned(), target.to_owned()));
    assert_eq!(targets, expected);
    let left_out = lines.iter().filter(|(_, line)| !line["left_out"].is_null());
    let left_out: Vec<(String, String)> =
        left_out.map(|(name, line)| (name.clone(), word(line, "left_out"))).collect();
    for (name, why) in [
        ("claude-code/dev", "an address of this machine"),
        ("claude-code/late", "has a variable"),
        ("claude-code/own link", "could hold a secret"),
        ("claude-desktop/empty", "neither a command nor an address"),
        ("claude-desktop/odd", "no table"),
        ("codex/off", "switched off"),
        ("gemini-cli/tree", "a repository"),
        ("opencode/idle", "switched off"),
        ("windsurf/off", "switched off"),
        ("zed/extension", "neither a command nor an address"),
    ] {
        assert!(left_out.iter().any(|(n, w)| n == name && w.contains(why)), "{name}: {left_out:?}");
    }
    assert_eq!(left_out.len(), 10, "{left_out:?}");
    assert_eq!(lines["claude-code/notes"]["variables"], json!(["ACME_API_KEY", "ACME_PORT"]));
    assert_eq!(lines["opencode/listed"]["variables"], json!(["LISTED_KEY"]));
    assert!(!place.path("var/catalogue.db").exists(), "a dry run stores nothing");
}

#[test]
fn one_client_or_one_file_can_be_asked_for() {
    let place = Place::new();
    write_files_of_eleven_clients(&place);
    let names = |more: &[&str]| place.dry(more).into_keys().collect::<Vec<_>>();
    assert_eq!(names(&["--client", "kiro"]), ["kiro/runs"]);
    assert_eq!(
        names(&["--client", "kiro", "--client", "cursor"]),
        ["cursor/bridged", "cursor/line", "kiro/runs"]
    );
    let file = place.path("home/.codex/config.toml");
    std::fs::rename(&file, place.path("elsewhere.toml")).unwrap();
    let file = place.path("elsewhere.toml");
    assert_eq!(names(&["--client", "codex", "--client-file", file.to_str().unwrap()]).len(), 3);
    assert_eq!(names(&["--client", "codex"]).len(), 0);
}

#[test]
fn what_cannot_be_read_is_named_with_its_place_and_not_quoted() {
    let place = Place::new();
    let [word, ..] = SECRETS;
    let run = |client: &str| {
        let output = place.run(&["scan", "--registry", "config", "--dry-run", "--client", client]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_no_secret(said.as_bytes(), "standard error");
        (output.status.code().unwrap(), said)
    };
    place.write("home/.cursor/mcp.json", &format!("{{\n  \"mcpServers\": {word}\n}}"));
    let (code, said) = run("cursor");
    assert!(code == 6 && said.contains("mcp.json:2:") && said.contains("no valid JSON"), "{code} {said}");
    // Comments are Cursor's, not Claude's.
    place.write("project/.mcp.json", "{ // x\n}");
    let (code, said) = run("claude-code");
    assert!(code == 6 && said.contains(".mcp.json:1:"), "{code} {said}");
    place.write(
        "home/.codex/config.toml",
        &format!("[mcp_servers.a]\ncommand = \"x\"\ncommand = \"{word}\"\nargs = {word}\n"),
    );
    let (code, said) = run("codex");
    assert!(code == 6 && said.contains("config.toml:") && said.contains("no valid TOML"), "{code} {said}");
    let (code, said) = run("windsurf");
    assert!(code == 3 && said.contains("no client's file was found"), "{code} {said}");
    let (code, said) = run("emacs");
    assert!(code == 2 && said.contains("claude-code, claude-desktop, cursor"), "{code} {said}");
    // One broken file costs itself only.
    place.write(
        "project/.cursor/mcp.json",
        "{\"mcpServers\": {\"a\": {\"command\": \"npx\", \"args\": [\"a-mcp\"]}}}",
    );
    let (code, said) = run("cursor");
    assert!(code == 0 && said.contains("mcp.json:2:"), "{code} {said}");
    let output = place.run(&["scan", "--registry", "config", "npm:a"]);
    assert_eq!(output.status.code(), Some(2), "found servers and named ones are two scans");
}

/// Answers every request with 401 and keeps what was sent.
fn listening(kept: Arc<Mutex<String>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 8192];
            let read = stream.read(&mut buffer).unwrap_or(0);
            kept.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
            let _ = stream
                .write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    port
}

#[test]
fn a_configured_server_gets_no_secret_and_none_is_stored_or_published() {
    gives_stores_and_publishes_no_secret(level());
    match which::which("bwrap") {
        Ok(_) => gives_stores_and_publishes_no_secret("bwrap"),
        Err(_) => println!("skipped: configured servers under bubblewrap, which is not on PATH"),
    }
}

fn gives_stores_and_publishes_no_secret(level: &str) {
    let place = Place::new();
    let [word, key, password] = SECRETS;
    let asked = Arc::new(Mutex::new(String::new()));
    let port = listening(Arc::clone(&asked));
    let program = server().to_string_lossy().into_owned();
    let project = json!({"mcpServers": {
        "reveals": {"command": program, "args": ["reveals", "", "--api-key", word, key, format!("--password={password}"),
            format!("https://me:{password}@h.example/?key={word}"), "--header", format!("X-Any: {word}")],
            "env": {"ACME_API_KEY": key, "ACME_URL": password, "ACME_DEBUG": word}},
    }});
    place.write("project/.cursor/mcp.json", &project.to_string());
    place.write(
        "project/.mcp.json",
        &json!({"mcpServers": {"x": {"command": "y", "env": {"Z": key}}}}).to_string(),
    );
    place.write("project/readme.txt", "a file that a server may see");
    let user = json!({"mcpServers": {
        "hosted": {"url": format!("http://me:{password}@127.0.0.1:{port}/mcp?key={word}"), "headers": {"X-Key": key}},
        "reveals": {"command": program, "args": ["reveals", "another"]},
    }});
    place.write("home/.cursor/mcp.json", &user.to_string());
    let output = place.run(&[
        "scan",
        "--registry",
        "config",
        "--client",
        "cursor",
        "--json",
        "-vv",
        "--sandbox",
        level,
    ]);
    assert_no_secret(&output.stdout, "standard output");
    assert_no_secret(&output.stderr, "standard error");
    let rows = String::from_utf8(output.stdout).unwrap();
    let rows: BTreeMap<String, Value> = rows
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|row| (word_of(&row), row))
        .collect();
    let remote = format!("remote:http://127.0.0.1:{port}/mcp");
    let names: Vec<&str> = rows.keys().map(String::as_str).collect();
    assert_eq!(names, ["local:reveals", "local:reveals.cursor", remote.as_str()]);
    assert_eq!(rows["local:reveals"]["outcome"], "ok", "{rows:?}");
    assert_eq!(rows[&remote]["outcome"], "auth-required", "{rows:?}");

    let asked = asked.lock().unwrap().clone();
    assert!(asked.contains("POST /mcp HTTP/1.1"), "{asked}");
    assert_no_secret(asked.as_bytes(), "what was sent to the remote server");
    // It asks where a login is to be had; it brings none.
    assert!(!asked.lines().any(|line| line.to_lowercase().starts_with("authorization:")), "{asked}");

    // What the server itself said it was given and could see: placeholders, its project, none of the clients' files.
    let db = catalogue::store::Store::open_read_only(&place.path("var/catalogue.db")).unwrap();
    let told: String = db
        .query_row(
            "SELECT d.canonical FROM definitions d JOIN probe_tools t ON t.definition_hash = d.hash \
             JOIN probes p ON p.id = t.probe_id JOIN releases r ON r.id = p.release_id \
             JOIN servers s ON s.id = r.server_id WHERE s.key = 'local:reveals'",
            [],
            |row| row.get::<_, String>(0),
        )
        .unwrap();
    for part in [
        "ACME_API_KEY=placeholder",
        "ACME_URL=http://127.0.0.1:9",
        "--password=placeholder",
        "https://h.example/",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("ACME_DEBUG"), "a switch is left alone: {told}");
    if level != "none" {
        assert_no_secret(told.as_bytes(), "what the server could see");
        assert!(told.contains("a file that a server may see"), "{told}");
        assert!(assert_no_secret_below(&place.path("var")) > 0);
    }

    let private = |key: &str| -> String {
        db.query_row("SELECT visibility FROM servers WHERE key = ?1", [key], |row| row.get(0)).unwrap()
    };
    for key in names {
        assert_eq!(private(key), "private", "{key}");
    }
    drop(db);
    let site = place.path("site");
    let built = place.run(&["build", "--out", site.to_str().unwrap()]);
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    // Digits alone would also be found in a digest of the list of files, now and then.
    let hits = files_with(&site, &["reveals", "127.0.0.1:", &format!(":{port}"), "list_things"]);
    assert!(hits.is_empty(), "private servers are on the site: {hits:?}");
}

fn word_of(row: &Value) -> String {
    word(row, "server")
}

fn files_with(folder: &Path, words: &[&str]) -> Vec<String> {
    let mut hits = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            hits.extend(files_with(&path, words));
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            let found = words.iter().find(|word| text.contains(**word));
            hits.extend(found.map(|word| format!("{word} in {}", path.display())));
        }
    }
    hits
}

#[test]
fn what_is_known_from_a_configuration_is_private_until_it_is_named_and_a_person_has_the_last_word() {
    use catalogue::model::ServerKey;
    use catalogue::store::Visibility;
    let (_folder, _path, mut store) = crate::sample::empty();
    let key = |text: &str| text.parse::<ServerKey>().unwrap();
    let known = crate::sample::release("npm:known", "1.0.0");
    store.remember_release(&known, &Default::default(), crate::sample::start()).unwrap();
    let all = ["npm:known", "npm:named", "npm:kept", "npm:mine", "local:mine"].map(key);
    store.remember_configured(&all, crate::sample::start()).unwrap();
    store.set_visibility(&key("npm:mine"), Visibility::Private).unwrap();
    let local = crate::sample::release("local:typed", "");
    store.remember_release(&local, &Default::default(), crate::sample::start()).unwrap();
    let named = ["npm:named", "npm:mine", "local:mine", "local:typed"].map(key);
    store.publish_named(&named).unwrap();
    let mut statement = store
        .connection()
        .prepare("SELECT key FROM servers WHERE visibility = 'public' ORDER BY key")
        .unwrap();
    let public: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(public, ["npm:known", "npm:named"]);
}
