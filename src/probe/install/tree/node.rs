//! A tree of node's: its dependencies beside it, its own scripts not run, unless one has to build it and may.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::super::entry::{EntryPoint, by_likelihood, inner_path};
use super::super::node::{entry_of, fetch, read_bounded, readme_of};
use super::super::{InstallFailure, Installer, Made, Place, Variant, failure};
use super::{Tree, build, needs_build, requirement};
use crate::model::{Outcome, ReleaseFacts, Untrusted};
use crate::probe::plan::{LaunchFacts, readme};
use crate::probe::sandbox::BoxSpec;

/// Scripts of `package.json` that make what is started, in the order they are looked for.
const BUILDS: [&str; 3] = ["build", "prepare", "prepack"];
/// Where a server without a `bin` may begin.
const USUAL: [&str; 8] = [
    "index.js",
    "server.js",
    "src/index.js",
    "src/server.js",
    "build/index.js",
    "dist/index.js",
    "index.mjs",
    "server.mjs",
];
const SDKS: [&str; 4] =
    ["@modelcontextprotocol/sdk", "@modelcontextprotocol/server", "fastmcp", "mcp-framework"];

/// True if the package needs an SDK of the protocol to run.
pub(super) fn needs_sdk(folder: &Path) -> bool {
    let manifest = manifest(folder).unwrap_or_default();
    SDKS.iter().any(|sdk| manifest["dependencies"].get(sdk).is_some())
}

fn manifest(folder: &Path) -> Option<Value> {
    serde_json::from_str(&read_bounded(&folder.join("package.json"))).ok()
}

pub(super) async fn install(
    installer: &Installer,
    place: &Place<'_>,
    tree: &Tree<'_>,
    variant: &Variant,
) -> Result<Made, InstallFailure> {
    let manifest = manifest(&tree.folder)
        .ok_or_else(|| InstallFailure::new(Outcome::InstallFailed, "its package.json cannot be read"))?;
    let text = readme_of(&tree.folder);
    let mut entries = entries(&manifest, place.package, tree);
    let script = BUILDS.into_iter().find(|name| manifest["scripts"][name].is_string());
    let is_built = entries.is_empty();
    if is_built {
        let missing = missing(&manifest, place.package, tree);
        let Some(script) = script else {
            let detail = format!("nothing to start: {missing}, and no script builds it");
            return Err(InstallFailure::new(Outcome::NotMcp, detail));
        };
        if !installer.allow_build {
            return Err(needs_build(&format!("{missing}: its script \"{script}\" makes it")));
        }
        dependencies(installer, place, &manifest, variant, true).await?;
        run_script(installer, place, tree, script).await?;
        entries = self::entries(&manifest, place.package, tree);
        if entries.is_empty() {
            let detail = format!("its script \"{script}\" ended well, and still {missing}");
            return Err(InstallFailure::new(Outcome::InstallFailed, detail));
        }
    } else {
        dependencies(installer, place, &manifest, variant, false).await?;
    }
    let programs: Vec<String> = entries.iter().map(|e| e.name().to_owned()).collect();
    let name = manifest["name"].as_str().unwrap_or(tree.name);
    let facts = LaunchFacts {
        readme_args: readme::arguments(&text, name, &programs),
        readme_env: readme::env_names(&text),
        node: true,
        ..LaunchFacts::default()
    };
    let said = |key: &str| manifest[key].as_str().map(Untrusted::from).filter(|text| !text.is_blank());
    let about = ReleaseFacts {
        description: said("description"),
        licence: said("license"),
        ..ReleaseFacts::default()
    };
    Ok(Made { entries, facts, about, built: is_built })
}

/// Installs what it needs beside it, where node looks for it: from names and ranges, without its lock file and settings.
async fn dependencies(
    installer: &Installer,
    place: &Place<'_>,
    manifest: &Value,
    variant: &Variant,
    with_tools: bool,
) -> Result<(), InstallFailure> {
    let mut all = Map::new();
    // Of two ranges for one package the one it runs with counts.
    for (table, is_needed) in [
        ("devDependencies", false),
        ("optionalDependencies", false),
        ("peerDependencies", true),
        ("dependencies", true),
    ] {
        if table == "devDependencies" && !with_tools {
            continue;
        }
        for (name, range) in manifest[table].as_object().into_iter().flatten() {
            let range = range.as_str().unwrap_or("//");
            match requirement::node(name, range) {
                Ok(()) => drop(all.insert(name.clone(), json!(range))),
                Err(what) if is_needed => {
                    let detail = format!("it depends on {what}, which comes from no registry");
                    return Err(InstallFailure::new(Outcome::InstallFailed, detail));
                }
                Err(_) => {}
            }
        }
    }
    if all.is_empty() {
        return Ok(());
    }
    let wanted = json!({"name": "box", "version": "0.0.0", "private": true, "dependencies": all});
    let written = fs_err::write(place.package.join("package.json"), wanted.to_string());
    written.map_err(|e| failure::from_log(&e.to_string()))?;
    fetch(installer, place, variant, None).await
}

/// Runs one script of `package.json`, with the tools it depends on.
async fn run_script(
    installer: &Installer,
    place: &Place<'_>,
    tree: &Tree<'_>,
    script: &str,
) -> Result<(), InstallFailure> {
    let missing = |what: &str| InstallFailure::new(Outcome::ScannerError, what.to_owned());
    let node = installer
        .node
        .as_ref()
        .ok_or_else(|| missing("a build needs node, which was neither found nor fetched"))?;
    // Many a script names its tools by their place in the tree.
    let beside = tree.folder.join("node_modules");
    if fs_err::symlink_metadata(&beside).is_err() {
        let up: PathBuf = tree.inner.components().map(|_| "..").collect();
        let linked = fs_err::os::unix::fs::symlink(up.join("node_modules"), &beside);
        linked.map_err(|e| failure::from_log(&e.to_string()))?;
    }
    let (spec, node_program) = node.shown_in(build::spec(place, &tree.folder), place.sandbox, "node");
    let mut programs = vec![node_program.clone()];
    let mut spec = if let Some(bun) = &installer.bun {
        let (spec, program) = bun.shown_in(spec, place.sandbox, "bun");
        // A script that calls another one finds it there.
        programs.push(program.clone());
        BoxSpec { program, ..spec }.args(["run", "--silent", script])
    } else if let Some(npm) = &installer.npm {
        let (spec, npm_script) = npm.shown_in(spec, place.sandbox, "npm");
        let first = npm_script.to_string_lossy().into_owned();
        BoxSpec { program: node_program.clone(), ..spec }.args([&first, "run", "--silent", script])
    } else {
        return Err(missing(
            "a build needs bun or npm, which were neither found nor fetched; see catalogue doctor",
        ));
    };
    let tools = place.inside(&place.package.join("node_modules/.bin"));
    let folders = programs.iter().filter_map(|program| program.parent()).map(Path::to_path_buf);
    let folders: Vec<String> =
        std::iter::once(tools).chain(folders).map(|folder| folder.display().to_string()).collect();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", folders.join(":"));
    spec.env.insert("PATH".to_owned(), path);
    build::run(place, &spec, &format!("its script \"{script}\"")).await
}

/// What it says it starts: names and files, as it wrote them.
fn starts(manifest: &Value, repository: &str) -> Vec<(String, String)> {
    let bare = manifest["name"].as_str().unwrap_or(repository);
    let bare: String = bare.rsplit('/').next().unwrap_or(bare).chars().take(100).collect();
    let mut all: Vec<(String, String)> = match &manifest["bin"] {
        Value::String(file) => vec![(bare.clone(), file.clone())],
        Value::Object(files) => files
            .iter()
            .filter_map(|(name, file)| Some((name.chars().take(100).collect(), file.as_str()?.to_owned())))
            .collect(),
        _ => Vec::new(),
    };
    if all.is_empty() {
        // `node dist/index.js --stdio`: the file is what does not begin like an option.
        let start = manifest["scripts"]["start"].as_str().unwrap_or_default();
        if let Some(rest) = start.strip_prefix("node ") {
            let file = rest.split_whitespace().find(|word| !word.starts_with('-'));
            all.extend(file.map(|file| (bare.clone(), file.to_owned())));
        }
        all.extend(manifest["main"].as_str().map(|file| (bare.clone(), file.to_owned())));
    }
    all
}

/// What keeps it from being started as it is, for people.
fn missing(manifest: &Value, package: &Path, tree: &Tree<'_>) -> String {
    let Some((_, file)) = starts(manifest, tree.name).into_iter().next() else {
        return "it says nothing that node could start".to_owned();
    };
    let is_there =
        inner_path(&file).is_some_and(|f| build::plain_file(package, &tree.inner.join(f)).is_some());
    let what = if is_there { "is nothing that node starts" } else { "is not in the repository" };
    format!("{} {what}", Untrusted::new(file).for_terminal(100))
}

/// What of that is there; where it names nothing, what servers usually begin with.
fn entries(manifest: &Value, package: &Path, tree: &Tree<'_>) -> Vec<EntryPoint> {
    let said = starts(manifest, tree.name);
    let names_nothing = said.is_empty();
    let usual = USUAL.into_iter().filter(|_| names_nothing);
    let all = said.into_iter().chain(usual.map(|file| (tree.name.to_owned(), file.to_owned())));
    let mut entries: Vec<EntryPoint> = Vec::new();
    for (name, file) in all {
        let Some(file) = inner_path(&file).map(|file| tree.inner.join(file)) else { continue };
        let found = [file.clone(), file.with_extension("js"), file.join("index.js")]
            .into_iter()
            .find(|file| build::plain_file(package, file).is_some());
        let is_code = |file: &PathBuf| {
            file.extension().is_none_or(|kind| ["js", "mjs", "cjs", "sh"].iter().any(|known| kind == *known))
        };
        if let Some(file) = found.filter(is_code)
            && !entries
                .iter()
                .any(|entry| entry.shown() == entry_of(name.clone(), file.clone(), package).shown())
        {
            entries.push(entry_of(name, file, package));
        }
    }
    if !names_nothing {
        by_likelihood(manifest["name"].as_str().unwrap_or(tree.name), &mut entries);
    }
    entries.truncate(8);
    entries
}
