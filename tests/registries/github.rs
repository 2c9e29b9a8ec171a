//! Servers that are only on GitHub, served from loopback, with dependencies of the real registries.

use serde_json::{Value, json};
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

const TYPESCRIPT: &str = r#"
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
const server = new McpServer({ name: "fig", version: "1.0.0" });
server.tool("pick_fig", "Picks a fig.", async () => ({ content: [] }));
await server.connect(new StdioServerTransport());
"#;

const PYTHON: &str = r#"
from mcp.server.fastmcp import FastMCP
mcp = FastMCP("lime")

@mcp.tool()
def pick_lime(count: int) -> str:
    "Picks limes."
    return "x"

def main():
    mcp.run()

if __name__ == "__main__":
    main()
"#;

fn tarball(files: &[(&str, &str)]) -> Vec<u8> {
    let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(gz);
    for (name, text) in files {
        let mut header = tar::Header::new_ustar();
        header.set_mode(0o644);
        header.set_size(text.len() as u64);
        builder.append_data(&mut header, format!("ann-x-0123456/{name}"), text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

async fn serve(hub: &MockServer, name: &str, files: &[(&str, &str)]) {
    let commit = json!({"sha": COMMIT, "commit": {"committer": {"date": "2026-06-02T03:04:05Z"}}});
    let mount =
        |at: String, reply: ResponseTemplate| Mock::given(method("GET")).and(path(at)).respond_with(reply);
    let at = format!("/repos/ann/{name}");
    mount(format!("{at}/commits/HEAD"), ResponseTemplate::new(200).set_body_json(commit)).mount(hub).await;
    let place = format!("/files/{name}.tgz");
    let there = ResponseTemplate::new(302).insert_header("Location", place.as_str());
    mount(format!("{at}/tarball/{COMMIT}"), there).mount(hub).await;
    let bytes = ResponseTemplate::new(200).set_body_raw(tarball(files), "application/x-gzip");
    mount(place, bytes).mount(hub).await;
}

#[tokio::test]
async fn trees_with_dependencies_answer_and_one_is_built_first() {
    if super::net::reachable().await.is_none() {
        return;
    }
    let hub = MockServer::start().await;
    let manifest = json!({
        "name": "fig-mcp", "version": "1.0.0", "type": "module", "bin": {"fig-mcp": "./dist/index.js"},
        "scripts": {"build": "npm run compile", "compile": "tsc"},
        "dependencies": {"@modelcontextprotocol/sdk": "^1.12.0"}, "devDependencies": {"typescript": "^5.4.0", "@types/node": "^20"},
    });
    let config = json!({
        "compilerOptions": {"target": "es2022", "module": "nodenext", "moduleResolution": "nodenext", "outDir": "dist",
            "rootDir": "src", "skipLibCheck": true, "types": ["node"]},
        "include": ["src"],
    });
    // Settings of its own that would lead elsewhere.
    let fig = [
        ("package.json", manifest.to_string()),
        ("tsconfig.json", config.to_string()),
        ("src/index.ts", TYPESCRIPT.to_owned()),
        (".npmrc", "registry=http://127.0.0.1:9/\n".to_owned()),
        ("bunfig.toml", "[install]\nregistry = \"http://127.0.0.1:9/\"\n".to_owned()),
    ];
    let fig: Vec<(&str, &str)> = fig.iter().map(|(name, text)| (*name, text.as_str())).collect();
    serve(&hub, "fig", &fig).await;
    serve(&hub, "lime", &[("requirements.txt", "mcp>=1.2,<2\n"), ("server.py", PYTHON)]).await;
    let setup = "from setuptools import setup\nsetup(name='lemon-mcp', version='0.3', py_modules=['lemon'], \
                 install_requires=['mcp>=1.2,<2'], entry_points={'console_scripts': ['lemon-mcp=lemon:main']})\n";
    serve(&hub, "lemon", &[("setup.py", setup), ("lemon.py", PYTHON)]).await;
    let none = ResponseTemplate::new(404);
    Mock::given(method("GET")).and(path_regex("/contents/")).respond_with(none).mount(&hub).await;

    let var = tempfile::tempdir().unwrap();
    let config = format!("[sources.github]\naddress = \"{}/\"\n", hub.uri());
    std::fs::write(var.path().join("catalogue.toml"), config).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_catalogue"));
    command.env("CATALOGUE_VAR", var.path().join("var")).current_dir(var.path());
    command.env_remove("GITHUB_TOKEN").env_remove("GH_TOKEN");
    command.args([
        "scan",
        "--json",
        "--allow-build",
        "github:ann/fig",
        "github:ann/lime",
        "github:ann/lemon",
    ]);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 3, "{}", String::from_utf8_lossy(&output.stderr));
    for row in rows {
        assert_eq!((row["outcome"].as_str(), row["tools"].as_u64()), (Some("ok"), Some(1)), "{row}");
    }
}
