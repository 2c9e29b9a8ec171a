//! Node servers: bun (or npm) without scripts, the exact version. Node runs them, never bun.

use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};

use super::entry::{EntryPoint, by_likelihood, inner_path};
use super::{InstallFailure, Installer, Place, Variant, declared, failure};
use crate::model::{Outcome, Release, ReleaseFacts};
use crate::probe::plan::{LaunchFacts, readme};
use crate::probe::sandbox::BoxSpec;

/// Most bytes of `package.json` and of the README that are read.
const MAX_TEXT: u64 = 1 << 20;

pub(super) async fn install(
    installer: &Installer,
    place: &Place<'_>,
    release: &Release,
    variant: &Variant,
) -> Result<(Vec<EntryPoint>, LaunchFacts, ReleaseFacts), InstallFailure> {
    let name = release.server.name();
    let manifest =
        json!({"name": "box", "version": "0.0.0", "private": true, "dependencies": {name: release.version}});
    let written = fs_err::write(place.package.join("package.json"), manifest.to_string());
    written.map_err(|e| failure::from_log(&e.to_string()))?;

    fetch(installer, place, variant, Some(name)).await?;
    let folder = place.package.join("node_modules").join(name);
    let manifest = read_bounded(&folder.join("package.json"));
    let manifest: Value = serde_json::from_str(&manifest).map_err(|_| {
        InstallFailure::new(Outcome::InstallFailed, "the installed package has no readable package.json")
    })?;
    let said = manifest.get("version").and_then(Value::as_str).unwrap_or_default();
    if said != release.version {
        let detail = format!("the installed package says it is another version than {}", release.version);
        return Err(InstallFailure::new(Outcome::InstallFailed, detail));
    }
    let entries = entry_points(&manifest, place.package, name);
    let text = readme_of(&folder);
    let programs: Vec<String> = entries.iter().map(|e| e.name().to_owned()).collect();
    let facts = LaunchFacts {
        readme_args: readme::arguments(&text, name, &programs),
        readme_env: readme::env_names(&text),
        node: true,
        ..LaunchFacts::default()
    };
    let declared = declared::of_package(&folder, release);
    Ok((entries, facts, ReleaseFacts { declared, ..ReleaseFacts::default() }))
}

/// Installs what `package.json` in the package's folder depends on. The package `own` is not bound by the variant's date for
/// dependencies.
pub(super) async fn fetch(
    installer: &Installer,
    place: &Place<'_>,
    variant: &Variant,
    own: Option<&str>,
) -> Result<(), InstallFailure> {
    let missing = |what: &str| InstallFailure::new(Outcome::ScannerError, what.to_owned());
    let registry = installer
        .registries
        .get()
        .await
        .npm
        .as_ref()
        .ok_or_else(|| missing("no npm registry is known; see catalogue doctor"))?;
    let spec = if let Some(bun) = &installer.bun {
        let (spec, program) = bun.shown_in(place.spec(installer, "/bin/false"), place.sandbox, "bun");
        let cache = place.inside(&place.store.join("bun")).to_string_lossy().into_owned();
        let mut spec = BoxSpec { program, ..spec }.args([
            "install",
            "--production",
            "--ignore-scripts",
            "--no-progress",
        ]);
        spec = spec.args(["--no-save", "--linker", "hoisted", "--use-system-ca", "--cache-dir", &cache]);
        spec = spec.args(["--registry", registry.as_str()]);
        if let Some(time) = variant.dependencies_as_of {
            let age = jiff::Timestamp::now().duration_since(time).as_secs().max(0).to_string();
            spec = spec.args(["--minimum-release-age", &age]);
            if let Some(own) = own {
                spec = spec.args(["--minimum-release-age-excludes", own]);
            }
        }
        spec
    } else {
        let npm = installer
            .npm
            .as_ref()
            .ok_or_else(|| missing("neither bun nor npm was found or fetched; see catalogue doctor"))?;
        let node = installer
            .node
            .as_ref()
            .ok_or_else(|| missing("npm needs node, which was neither found nor fetched"))?;
        let (spec, program) = node.shown_in(place.spec(installer, "/bin/false"), place.sandbox, "node");
        let (spec, script) = npm.shown_in(spec, place.sandbox, "npm");
        let cache = place.inside(&place.store.join("npm")).to_string_lossy().into_owned();
        let mut spec = BoxSpec { program, ..spec }.args([script.to_string_lossy().into_owned()]);
        spec = spec.args([
            "install",
            "--ignore-scripts",
            "--omit=dev",
            "--no-audit",
            "--no-fund",
            "--no-package-lock",
        ]);
        spec = spec.args(["--loglevel=error", "--cache", &cache, "--registry", registry.as_str()]);
        if let Some(time) = variant.dependencies_as_of {
            spec = spec.args(["--before".to_owned(), time.to_string()]);
        }
        spec
    };
    let ended = place.run(&spec).await?;
    if ended.ok { Ok(()) } else { Err(failure::from_log(&ended.log)) }
}

/// `bin` of `package.json`, a text or a map of names to files.
fn entry_points(manifest: &Value, package: &Path, name: &str) -> Vec<EntryPoint> {
    let bare = name.rsplit('/').next().unwrap_or(name);
    let bins: Vec<(String, String)> = match manifest.get("bin") {
        Some(Value::String(file)) => vec![(bare.to_owned(), file.clone())],
        Some(Value::Object(files)) => files
            .iter()
            .filter_map(|(n, f)| Some((n.chars().take(100).collect(), f.as_str()?.to_owned())))
            .collect(),
        _ => Vec::new(),
    };
    let mut entries: Vec<EntryPoint> = bins
        .into_iter()
        .filter_map(|(bin, file)| {
            let file = Path::new("node_modules").join(name).join(inner_path(&file)?);
            let on_disk = [file.clone(), file.with_extension("js"), file.join("index.js")]
                .into_iter()
                .find(|f| package.join(f).is_file())?;
            Some(entry_of(bin, on_disk, package))
        })
        .collect();
    by_likelihood(name, &mut entries);
    entries.truncate(8);
    entries
}

/// A file that starts like a native program or names another interpreter runs by itself, all else under node.
pub(super) fn entry_of(name: String, file: std::path::PathBuf, package: &Path) -> EntryPoint {
    let mut head = [0; 64];
    let read = fs_err::File::open(package.join(&file)).and_then(|mut f| f.read(&mut head)).unwrap_or(0);
    let head = head.get(..read).unwrap_or_default();
    let first = String::from_utf8_lossy(head.split(|b| *b == b'\n').next().unwrap_or_default()).into_owned();
    let other_interpreter = first.starts_with("#!")
        && !first.contains("node")
        && !first.contains("bun")
        && !first.contains("deno");
    if head.starts_with(b"\x7fELF") || other_interpreter {
        EntryPoint::Native { name, file }
    } else {
        EntryPoint::Node { name, script: file }
    }
}

pub(super) fn readme_of(folder: &Path) -> String {
    let Ok(entries) = fs_err::read_dir(folder) else { return String::new() };
    let mut names: Vec<_> = entries.flatten().map(|e| e.path()).collect();
    names.sort();
    let readme = names.into_iter().find(|p| {
        p.file_name().is_some_and(|n| n.to_string_lossy().to_ascii_lowercase().starts_with("readme"))
    });
    readme.map(|p| read_bounded(&p)).unwrap_or_default()
}

pub(super) fn read_bounded(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = fs_err::File::open(path) {
        // A half-read file is still worth its first megabyte.
        let _ = file.take(MAX_TEXT).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
