//! A tree of Python's: its dependencies into an environment by uv, wheels only, and the tree itself on the environment's path.
//!
//! Nothing of it is built where its manifest says enough: its name, its dependencies, its scripts. Where only its build
//! backend knows them, that backend has to run.

use std::path::{Path, PathBuf};

use super::super::entry::{EntryPoint, by_likelihood, inner_path, is_dotted_name};
use super::super::python::{Environment, dist_info, entry_points, read_bounded, site_packages};
use super::super::{InstallFailure, Installer, Made, Place, Variant, failure};
use super::{Tree, build, needs_build, requirement};
use crate::model::{Outcome, ReleaseFacts, ServerKey, Untrusted};
use crate::probe::plan::{LaunchFacts, readme};
use crate::probe::registry::facts_of_metadata;

/// Files a server without scripts may begin with.
const USUAL: [&str; 6] = ["server", "main", "mcp_server", "app", "__main__", "run"];
/// Files looked into for what imports the protocol.
const MOST_FILES: usize = 100;

/// True if its manifest or its list of requirements names an SDK of the protocol.
pub(super) fn needs_sdk(folder: &Path) -> bool {
    let names = |text: &str| {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)))
            .any(|word| matches!(word, "mcp" | "fastmcp"))
    };
    ["pyproject.toml", "requirements.txt"].iter().any(|name| names(&read_bounded(&folder.join(name))))
}

/// What its manifest says, where that is enough.
struct Said {
    name: String,
    version: String,
    requirements: Vec<String>,
    /// Name, module and function.
    scripts: Vec<(String, String, String)>,
    /// Folders that its modules lie in, relative to it.
    roots: Vec<PathBuf>,
    about: ReleaseFacts,
}

pub(super) async fn install(
    installer: &Installer,
    place: &Place<'_>,
    tree: &Tree<'_>,
    variant: &Variant,
    compile: bool,
) -> Result<Made, InstallFailure> {
    let environment = Environment::of(installer, place, variant)?;
    let text = readme_of(&tree.folder);
    let said = read(&tree.folder, tree.name, &variant.extras)?;
    let (entries, about, built) = match said {
        Ok(said) => {
            environment.make(said.requirements.is_empty()).await?;
            environment.install(&said.requirements, compile, None).await?;
            let site =
                site_packages(place.package).ok_or_else(|| failed("its environment has no site-packages"))?;
            let written = write_names(&site, tree, &said);
            written.map_err(|e| failure::from_log(&e.to_string()))?;
            (entries(&said, place.package, tree), said.about, false)
        }
        Err(why) if !installer.allow_build => return Err(needs_build(&why)),
        Err(_) => {
            let (entries, about) = built(&environment, place, tree, variant, compile).await?;
            (entries, about, true)
        }
    };
    if entries.is_empty() {
        let detail =
            "nothing to start: no script, no module with __main__, and no file that imports the protocol";
        return Err(InstallFailure::new(Outcome::NotMcp, detail));
    }
    let programs: Vec<String> = entries.iter().map(|e| e.name().to_owned()).collect();
    let facts = LaunchFacts {
        readme_args: readme::arguments(&text, tree.name, &programs),
        readme_env: readme::env_names(&text),
        ..LaunchFacts::default()
    };
    Ok(Made { entries, facts, about, built })
}

fn failed(why: &str) -> InstallFailure {
    InstallFailure::new(Outcome::InstallFailed, why)
}

/// Reads what it says. The inner error is why that is not enough without building it.
fn read(folder: &Path, repository: &str, extras: &[String]) -> Result<Result<Said, String>, InstallFailure> {
    let text = read_bounded(&folder.join("pyproject.toml"));
    let table: toml::Table = match text.is_empty() {
        true => toml::Table::new(),
        false => toml::from_str(&text).map_err(|_| failed("its pyproject.toml cannot be read"))?,
    };
    let project = table.get("project").and_then(toml::Value::as_table);
    let strings = |value: Option<&toml::Value>| -> Vec<String> {
        let list = value.and_then(toml::Value::as_array).into_iter().flatten();
        list.filter_map(toml::Value::as_str).map(str::to_owned).collect()
    };
    let is_dynamic = strings(project.and_then(|p| p.get("dynamic"))).contains(&"dependencies".to_owned());
    let list = folder.join("requirements.txt");
    let listed = || read_bounded(&list).lines().map(str::to_owned).collect::<Vec<_>>();
    let lines = match project {
        Some(project) if !is_dynamic => {
            let mut lines = strings(project.get("dependencies"));
            let optional = project.get("optional-dependencies");
            lines.extend(extras.iter().flat_map(|extra| strings(optional.and_then(|all| all.get(extra)))));
            lines
        }
        _ if list.is_file() => listed(),
        Some(_) => return Ok(Err("its dependencies are known to its build backend alone".to_owned())),
        None if table.contains_key("build-system")
            || table.get("tool").is_some_and(|t| t.get("poetry").is_some()) =>
        {
            return Ok(Err(
                "its pyproject.toml has no table project: its build backend knows its dependencies"
                    .to_owned(),
            ));
        }
        None if folder.join("setup.py").is_file() => {
            return Ok(Err("its dependencies are known to its setup.py alone".to_owned()));
        }
        None => Vec::new(),
    };
    let requirements = requirement::pythons(lines.iter().map(String::as_str))
        .map_err(|what| failed(&format!("it depends on {what}, which comes from no index")))?;
    let word = |key: &str| project.and_then(|p| p.get(key)).and_then(toml::Value::as_str);
    let name = word("name").filter(|name| ServerKey::pypi(name).is_ok()).unwrap_or(repository).to_owned();
    let legal = |text: &&str| text.chars().all(|c| c.is_ascii_alphanumeric() || ".+!-_".contains(c));
    let version = word("version").filter(legal).unwrap_or("0.0.0").to_owned();
    let table_of = |key: &str| project.and_then(|p| p.get(key)).and_then(toml::Value::as_table);
    let scripts = table_of("scripts").into_iter().flatten().filter_map(|(name, target)| {
        let (module, function) = target.as_str()?.split('[').next()?.trim().split_once(':')?;
        let (module, function) = (module.trim(), function.trim());
        let legal =
            is_dotted_name(module) && is_dotted_name(function) && !name.contains(['\n', '\r', '=', '[']);
        legal.then(|| (name.chars().take(100).collect(), module.to_owned(), function.to_owned()))
    });
    let setuptools = table.get("tool").and_then(|tool| tool.get("setuptools"));
    let places = setuptools.and_then(|tool| tool.get("packages")).and_then(|p| p.get("find"));
    let mut roots: Vec<PathBuf> = strings(places.and_then(|find| find.get("where")))
        .iter()
        .filter_map(|place| inner_path(place))
        .collect();
    roots.push("src".into());
    roots.push(PathBuf::new());
    roots.retain(|root| folder.join(root).is_dir() && !root.to_string_lossy().contains(['\n', '\r']));
    let licence = word("license").map(Untrusted::from);
    let description = word("description").map(Untrusted::from).filter(|text| !text.is_blank());
    let about = ReleaseFacts { description, licence, ..ReleaseFacts::default() };
    Ok(Ok(Said { name, version, requirements, scripts: scripts.collect(), roots, about }))
}

/// Puts the tree on the environment's path, and its name and version where `importlib.metadata` looks for them.
fn write_names(site: &Path, tree: &Tree<'_>, said: &Said) -> std::io::Result<()> {
    // From `venv/lib/pythonX/site-packages`, wherever the environment comes to lie.
    let up = Path::new("../../../..").join(&tree.inner);
    let lines: String = said.roots.iter().map(|root| format!("{}\n", up.join(root).display())).collect();
    fs_err::write(site.join("tree.pth"), lines)?;
    let name = said.name.replace(['-', '.'], "_");
    let info = site.join(format!("{name}-{}.dist-info", said.version));
    if info.exists() {
        return Ok(());
    }
    fs_err::create_dir(&info)?;
    fs_err::write(
        info.join("METADATA"),
        format!("Metadata-Version: 2.1\nName: {}\nVersion: {}\n", said.name, said.version),
    )?;
    let scripts: String = said
        .scripts
        .iter()
        .map(|(name, module, function)| format!("{name} = {module}:{function}\n"))
        .collect();
    fs_err::write(info.join("entry_points.txt"), format!("[console_scripts]\n{scripts}"))
}

/// Its scripts; else modules with a `__main__`; else the files that import the protocol.
fn entries(said: &Said, package: &Path, tree: &Tree<'_>) -> Vec<EntryPoint> {
    let mut entries: Vec<EntryPoint> = said
        .scripts
        .iter()
        .map(|(name, module, function)| EntryPoint::PythonCall {
            name: name.clone(),
            module: module.clone(),
            function: function.clone(),
        })
        .collect();
    if entries.is_empty() {
        let files = files(package, tree, &said.roots);
        let main = |file: &PathBuf| {
            let folder = file.parent()?.file_name()?.to_string_lossy().into_owned();
            let is_main = file.file_name()? == "__main__.py" && is_dotted_name(&folder);
            (is_main && file.parent()? != tree.inner).then_some(EntryPoint::PythonModule { module: folder })
        };
        entries.extend(files.iter().filter_map(main));
        if entries.is_empty() {
            entries.extend(scripts_of(package, files));
            entries.truncate(8);
            return entries;
        }
    }
    by_likelihood(&said.name, &mut entries);
    entries.truncate(8);
    entries
}

/// Python files at its roots and in the packages there, relative to the package's folder.
fn files(package: &Path, tree: &Tree<'_>, roots: &[PathBuf]) -> Vec<PathBuf> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        let Ok(entries) = fs_err::read_dir(package.join(folder)) else { return Vec::new() };
        let mut names: Vec<PathBuf> = entries.flatten().map(|entry| folder.join(entry.file_name())).collect();
        names.sort();
        names
    };
    let is_python = |file: &PathBuf| file.extension().is_some_and(|kind| kind == "py");
    let mut found: Vec<PathBuf> = Vec::new();
    for root in roots {
        for path in below(&tree.inner.join(root)) {
            if is_python(&path) {
                found.push(path);
            } else if path.file_name().is_some_and(|name| name != "tests" && name != "node_modules") {
                let main = path.join("__main__.py");
                found.extend(build::plain_file(package, &main).map(|_| main));
                found.extend(
                    below(&path).into_iter().filter(is_python).filter(|file| !file.ends_with("__main__.py")),
                );
            }
        }
    }
    found.retain(|file| build::plain_file(package, file).is_some());
    found.dedup();
    found.truncate(MOST_FILES);
    found
}

/// Files that import the protocol, those with a usual name first.
fn scripts_of(package: &Path, files: Vec<PathBuf>) -> Vec<EntryPoint> {
    let speaks = |file: &PathBuf| {
        let text = read_bounded(&package.join(file));
        text.lines().any(|line| {
            let line = line.trim_start();
            let imports = line.starts_with("import ") || line.starts_with("from ");
            imports && line.split([' ', '.', ',']).any(|word| matches!(word, "mcp" | "fastmcp"))
        })
    };
    let stem =
        |file: &PathBuf| file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let usual = |file: &PathBuf| USUAL.iter().position(|name| *name == stem(file)).unwrap_or(USUAL.len());
    let mut found: Vec<(bool, usize, usize, PathBuf)> = files
        .into_iter()
        .map(|file| (!speaks(&file), usual(&file), file.components().count(), file))
        .filter(|(is_silent, place, depth, _)| !is_silent || (*place < USUAL.len() && *depth <= 3))
        .collect();
    found.sort();
    found.into_iter().map(|(.., script)| EntryPoint::PythonScript { script }).collect()
}

/// Lets its build backend make a wheel of it, without network, and installs what that wheel says it needs.
async fn built(
    environment: &Environment<'_>,
    place: &Place<'_>,
    tree: &Tree<'_>,
    variant: &Variant,
    compile: bool,
) -> Result<(Vec<EntryPoint>, ReleaseFacts), InstallFailure> {
    environment.make(false).await?;
    let text = read_bounded(&tree.folder.join("pyproject.toml"));
    let table: toml::Table = toml::from_str(&text).unwrap_or_default();
    let backend = table.get("build-system").and_then(|b| b.get("requires")).and_then(toml::Value::as_array);
    let mut tools: Vec<&str> = backend.into_iter().flatten().filter_map(toml::Value::as_str).collect();
    if tools.is_empty() {
        tools = vec!["setuptools", "wheel"];
    }
    let tools = requirement::pythons(tools)
        .map_err(|what| failed(&format!("its build needs {what}, which comes from no index")))?;
    environment.install(&tools, false, None).await?;
    let mut spec =
        environment.offline(build::spec(place, &tree.folder), &["pip", "install", "--no-config"])?;
    spec = spec.args(["--python", environment.folder()]);
    let folder = place.inside(&tree.folder).to_string_lossy().into_owned();
    spec = spec.args([
        "--no-build-isolation",
        "--no-deps",
        "--no-index",
        "--offline",
        "--no-cache",
        "--",
        &folder,
    ]);
    // There is no history to take a version from.
    for name in ["SETUPTOOLS_SCM_PRETEND_VERSION", "PBR_VERSION"] {
        spec.env.insert(name.to_owned(), "0.0.0".to_owned());
    }
    build::run(place, &spec, "its build").await?;
    let site = site_packages(place.package).ok_or_else(|| failed("its environment has no site-packages"))?;
    let name = named(&site, &tools, &table, tree.name);
    let info = name.as_deref().and_then(|name| dist_info(&site, name));
    let (Some(name), Some(info)) = (name, info) else {
        return Err(failed("its build ended well and installed nothing of its name"));
    };
    let inner = info.strip_prefix(place.package).unwrap_or(&info);
    for file in ["METADATA", "RECORD"] {
        if build::plain_file(place.package, &inner.join(file)).is_none() {
            return Err(failed("its build left no metadata that can be read"));
        }
    }
    let entry_points_file = info.join("entry_points.txt");
    if entry_points_file.exists()
        && build::plain_file(place.package, &inner.join("entry_points.txt")).is_none()
    {
        return Err(failed("its build left links where its metadata should be"));
    }
    let metadata = read_bounded(&info.join("METADATA"));
    let needs: Vec<&str> = metadata
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("Requires-Dist:"))
        .map(str::trim)
        .filter(|line| {
            !line.contains("extra ==") || variant.extras.iter().any(|extra| line.contains(extra.as_str()))
        })
        .collect();
    let needs = requirement::pythons(needs)
        .map_err(|what| failed(&format!("it depends on {what}, which comes from no index")))?;
    environment.install(&needs, compile, None).await?;
    Ok((entry_points(&site, &info, place.package, &name), facts_of_metadata(&metadata)))
}

/// The name it was installed under: its manifest's, or that of the one package that is no tool of the build.
fn named(site: &Path, tools: &[String], table: &toml::Table, repository: &str) -> Option<String> {
    let poetry = table.get("tool").and_then(|tool| tool.get("poetry"));
    let said = table.get("project").or(poetry).and_then(|t| t.get("name")).and_then(toml::Value::as_str);
    let likely = [said, Some(repository)].into_iter().flatten().filter_map(|name| ServerKey::pypi(name).ok());
    if let Some(key) = likely.into_iter().find(|key| dist_info(site, key.name()).is_some()) {
        return Some(key.name().to_owned());
    }
    let direct = |path: &Path| path.join("direct_url.json").is_file();
    let entries = fs_err::read_dir(site).ok()?;
    let ours = entries.flatten().map(|entry| entry.path()).find(|path| direct(path))?;
    let file = ours.file_name()?.to_string_lossy().into_owned();
    let name = file.split_once('-')?.0.to_owned();
    let is_tool = tools.iter().any(|tool| tool.starts_with(&name));
    ServerKey::pypi(&name).ok().filter(|_| !is_tool).map(|key| key.name().to_owned())
}

fn readme_of(folder: &Path) -> String {
    super::super::node::readme_of(folder)
}
