//! How each client is started: its switches, variables and files, tried with the version named.

use std::path::Path;

use serde_json::json;

use crate::drive::{Client, Mode, Place};
use crate::process::{Ended, run};

pub(crate) const CLAUDE_CODE: Client =
    Client { format: "claude-code", version: "2.1.329", at_once: 100, start: claude_code };
pub(crate) const CODEX: Client = Client { format: "codex", version: "0.169.0", at_once: 100, start: codex };
pub(crate) const COPILOT: Client =
    Client { format: "copilot-cli", version: "1.0.102", at_once: 100, start: copilot };
pub(crate) const OPENCODE: Client =
    Client { format: "opencode", version: "1.18.33", at_once: 100, start: opencode };

fn claude_code(program: &Path, place: &Place, policy: Option<&str>, mode: Mode) -> Ended {
    let servers = place.write("mcp.json", &json!({"mcpServers": place.mcp_servers()}).to_string());
    let mut arguments = vec!["-p", "hi", "--mcp-config", &servers, "--strict-mcp-config"];
    let settings = policy.map(|text| place.write("settings.json", text));
    if let Some(settings) = &settings {
        arguments.extend(["--settings", settings]);
    }
    if mode == Mode::Bypass {
        arguments.push("--dangerously-skip-permissions");
    }
    let on = |name| (name, "1".to_owned());
    run(
        &place.folder,
        program,
        &arguments,
        &[
            ("ANTHROPIC_BASE_URL", place.model.clone()),
            ("ANTHROPIC_API_KEY", "dummy".to_owned()),
            ("ENABLE_TOOL_SEARCH", "false".to_owned()),
            on("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"),
            on("DISABLE_AUTOUPDATER"),
            on("DISABLE_TELEMETRY"),
            // Lets root skip permissions.
            on("IS_SANDBOX"),
        ],
    )
}

fn codex(program: &Path, place: &Place, policy: Option<&str>, mode: Mode) -> Ended {
    let mut config = format!(
        "model = \"stub\"\nmodel_provider = \"stub\"\napproval_policy = \"never\"\n\n[model_providers.stub]\nname = \"stub\"\n\
         base_url = \"{}/v1\"\nwire_api = \"responses\"\nrequires_openai_auth = false\n\n",
        place.model
    );
    let servers = place.servers();
    match policy {
        // What the header tells people to do: the lines of each table below the command of that server.
        Some(policy) => {
            let mut key = String::new();
            for line in policy.lines() {
                if let Some(name) = line.strip_prefix("[mcp_servers.\"") {
                    key = name.split('"').next().unwrap().to_owned();
                }
                match (line.starts_with("command = "), servers.get(key.as_str())) {
                    (true, Some((command, args))) => {
                        config.push_str(&format!("command = {command:?}\nargs = {args:?}\n"));
                    }
                    _ => {
                        config.push_str(line);
                        config.push('\n');
                    }
                }
            }
        }
        None => {
            for (key, (command, args)) in &servers {
                config.push_str(&format!("[mcp_servers.{key}]\ncommand = {command:?}\nargs = {args:?}\n"));
            }
        }
    }
    place.write("home/.codex/config.toml", &config);
    let mut arguments = vec!["exec", "--strict-config", "--skip-git-repo-check"];
    if mode == Mode::Bypass {
        arguments.push("--dangerously-bypass-approvals-and-sandbox");
    }
    arguments.push("hi");
    let home = place.folder.join("home/.codex").display().to_string();
    run(&place.folder, program, &arguments, &[("CODEX_HOME", home)])
}

fn copilot(program: &Path, place: &Place, policy: Option<&str>, mode: Mode) -> Ended {
    let servers: serde_json::Map<String, serde_json::Value> = place
        .servers()
        .into_iter()
        .map(|(key, (command, args))| {
            (key.to_owned(), json!({"type": "local", "command": command, "args": args, "tools": ["*"]}))
        })
        .collect();
    let config = place.write("mcp.json", &json!({"mcpServers": servers}).to_string());
    let config = format!("@{config}");
    let mut arguments =
        vec!["-p", "hi", "--additional-mcp-config", &config, "--disable-builtin-mcps", "--no-auto-update"];
    arguments.extend(["--no-ask-user", "--no-custom-instructions"]);
    if mode == Mode::Bypass {
        arguments.push("--allow-all-tools");
    }
    let variables = [
        ("COPILOT_OFFLINE", "true".to_owned()),
        ("COPILOT_PROVIDER_BASE_URL", place.model.clone()),
        ("COPILOT_PROVIDER_TYPE", "anthropic".to_owned()),
        ("COPILOT_PROVIDER_API_KEY", "dummy".to_owned()),
        ("COPILOT_MODEL", "stub".to_owned()),
    ];
    let Some(policy) = policy else { return run(&place.folder, program, &arguments, &variables) };
    // The script as it is, with the program under its own name on the path.
    let script = place.write("copilot.sh", policy);
    let bin = place.folder.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(program, bin.join("copilot")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut with_path = variables.to_vec();
    with_path.push(("PATH", path));
    let mut all = vec![script.as_str()];
    all.extend(arguments);
    run(&place.folder, Path::new("/bin/sh"), &all, &with_path)
}

fn opencode(program: &Path, place: &Place, policy: Option<&str>, mode: Mode) -> Ended {
    let servers: serde_json::Map<String, serde_json::Value> = place
        .servers()
        .into_iter()
        .map(|(key, (command, args))| {
            let command: Vec<String> = std::iter::once(command).chain(args).collect();
            (key.to_owned(), json!({"type": "local", "command": command, "enabled": true}))
        })
        .collect();
    let config = json!({
        "provider": {"stub": {
            "npm": "@ai-sdk/anthropic",
            "name": "stub",
            "options": {"baseURL": format!("{}/v1", place.model), "apiKey": "dummy"},
            "models": {"stub": {"name": "stub", "tool_call": true, "limit": {"context": 200_000, "output": 8_000}}},
        }},
        "model": "stub/stub",
        "small_model": "stub/stub",
        "mcp": servers,
    });
    let config = place.write("base.json", &config.to_string());
    if let Some(policy) = policy {
        place.write("opencode.json", policy);
    }
    let mut arguments = vec!["run", "-m", "stub/stub", "--title", "t", "hi"];
    if mode == Mode::Bypass {
        arguments.push("--auto");
    }
    let on = |name| (name, "1".to_owned());
    run(
        &place.folder,
        program,
        &arguments,
        &[
            ("OPENCODE_CONFIG", config),
            on("OPENCODE_DISABLE_AUTOUPDATE"),
            on("OPENCODE_DISABLE_MODELS_FETCH"),
            on("OPENCODE_DISABLE_LSP_DOWNLOAD"),
            on("OPENCODE_DISABLE_DEFAULT_PLUGINS"),
            on("OPENCODE_DISABLE_SHARE"),
        ],
    )
}
