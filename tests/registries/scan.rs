//! Real packages, really installed and started, by the program as its user runs it.

#[tokio::test]
async fn an_npm_and_a_python_server_answer_in_the_sandbox() {
    if super::net::reachable().await.is_none() {
        return;
    }
    let var = tempfile::tempdir().unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_catalogue"));
    command.env("CATALOGUE_VAR", var.path()).current_dir(var.path());
    command.args([
        "scan",
        "--json",
        "npm:@modelcontextprotocol/server-memory@2026.8.31",
        "pypi:mcp-server-time==2026.10.19",
    ]);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let tools = |key: &str| {
        let row =
            rows.iter().find(|r| r["server"] == key).unwrap_or_else(|| panic!("no row of {key}: {text}"));
        assert_eq!(row["outcome"], "ok", "{row}\n{}", String::from_utf8_lossy(&output.stderr));
        row["tools"].as_i64().unwrap()
    };
    assert_eq!(tools("npm:@modelcontextprotocol/server-memory"), 9);
    assert_eq!(tools("pypi:mcp-server-time"), 2);
}
