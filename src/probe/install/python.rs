//! Python servers: a virtual environment by uv, wheels only, the exact version.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::entry::{EntryPoint, by_likelihood, is_dotted_name};
use super::{InstallFailure, Installer, Interpreter, Place, Variant, declared, failure};
use crate::model::{Outcome, Release, ReleaseFacts};
use crate::probe::plan::{LaunchFacts, readme};
use crate::probe::registry::facts_of_metadata;
use crate::probe::sandbox::{Access, BoxSpec};

/// Most bytes of a metadata file that are read.
const MAX_METADATA: u64 = 1 << 20;

/// A virtual environment in the package's folder, and what makes and fills it.
pub(super) struct Environment<'a> {
    installer: &'a Installer,
    place: &'a Place<'a>,
    variant: &'a Variant,
    python: &'a Interpreter,
    venv: String,
}

impl<'a> Environment<'a> {
    /// For the Python of a variant; nothing is made yet.
    pub(super) fn of(
        installer: &'a Installer,
        place: &'a Place<'a>,
        variant: &'a Variant,
    ) -> Result<Self, InstallFailure> {
        let python = variant.python.as_ref().ok_or_else(|| {
            InstallFailure::new(Outcome::InstallFailed, "no Python was found that this release allows")
        })?;
        let venv = place.inside(&place.package.join("venv")).to_string_lossy().into_owned();
        Ok(Self { installer, place, variant, python, venv })
    }

    /// uv with these arguments, in the install box.
    fn uv(&self, words: &[&str]) -> Result<BoxSpec, InstallFailure> {
        let mut spec = self.offline(self.place.spec(self.installer, "/bin/false"), words)?;
        let cache = self.place.inside(&self.place.store.join("uv"));
        spec.env.insert("UV_CACHE_DIR".to_owned(), cache.to_string_lossy().into_owned());
        Ok(spec)
    }

    /// uv with these arguments, in a box that may have no store.
    pub(super) fn offline(&self, spec: BoxSpec, words: &[&str]) -> Result<BoxSpec, InstallFailure> {
        let uv = self
            .installer
            .uv
            .as_ref()
            .ok_or_else(|| missing("uv was neither found nor fetched; see catalogue doctor"))?;
        let (spec, program) = uv.shown_in(spec, self.place.sandbox, "uv");
        let mut spec = self.with_python(BoxSpec { program, ..spec }.args(words.iter().copied()));
        spec.env.insert("UV_PYTHON_DOWNLOADS".to_owned(), "never".to_owned());
        spec.env.insert("UV_NO_PROGRESS".to_owned(), "1".to_owned());
        spec.env.insert("UV_SYSTEM_CERTS".to_owned(), "true".to_owned());
        spec.env.insert("NO_COLOR".to_owned(), "1".to_owned());
        Ok(spec)
    }

    fn with_python(&self, spec: BoxSpec) -> BoxSpec {
        let prefix = &self.python.prefix;
        if prefix.starts_with("/usr") { spec } else { spec.show(prefix, prefix, Access::Read) }
    }

    /// The environment's folder as a box sees it.
    pub(super) fn folder(&self) -> &str {
        &self.venv
    }

    /// Makes it. Where nothing is to be installed into it, Python's own way is enough if there is no uv.
    pub(super) async fn make(&self, stays_empty: bool) -> Result<(), InstallFailure> {
        let interpreter = self.python.path.to_string_lossy().into_owned();
        let spec = if stays_empty && self.installer.uv.is_none() {
            let spec = self.with_python(self.place.spec(self.installer, &self.python.path));
            spec.args(["-I", "-m", "venv", "--without-pip", &self.venv])
        } else {
            let words = [
                "venv",
                "--no-config",
                "--no-project",
                "--relocatable",
                "--python",
                &interpreter,
                &self.venv,
            ];
            self.uv(&words)?
        };
        let made = self.place.run(&spec).await?;
        if made.ok { Ok(()) } else { Err(failure::from_log(&made.log)) }
    }

    /// Installs requirements, wheels only; byte-compiles with `compile`. The package `own` is not bound by the variant's
    /// date for dependencies.
    pub(super) async fn install(
        &self,
        requirements: &[String],
        compile: bool,
        own: Option<&str>,
    ) -> Result<(), InstallFailure> {
        if requirements.is_empty() {
            return Ok(());
        }
        let known = self.installer.registries.get().await;
        let index =
            known.pypi.as_ref().ok_or_else(|| missing("no Python index is known; see catalogue doctor"))?;
        let mut spec =
            self.uv(&["pip", "install", "--no-config", "--python", &self.venv, "--only-binary", ":all:"])?;
        spec = spec.args(["--default-index", index.as_str(), "--link-mode", "hardlink"]);
        if compile {
            // 0.5 to 2.3 s an install here, against 0.5 to 1 s at every start (docs/PERFORMANCE.md).
            spec = spec.args(["--compile-bytecode"]);
        }
        if let Some(time) = self.variant.dependencies_as_of {
            spec = spec.args(["--exclude-newer".to_owned(), time.to_string()]);
            if let Some(own) = own {
                spec =
                    spec.args(["--exclude-newer-package".to_owned(), format!("{own}=2100-01-01T00:00:00Z")]);
            }
        }
        // A release that was asked for by name may be a pre-release; its dependencies are not.
        spec =
            spec.args(["--prerelease", "if-necessary-or-explicit", "--"]).args(requirements.iter().cloned());
        let ended = self.place.run(&spec).await?;
        if ended.ok { Ok(()) } else { Err(failure::from_log(&ended.log)) }
    }
}

fn missing(what: &str) -> InstallFailure {
    InstallFailure::new(Outcome::ScannerError, what.to_owned())
}

pub(super) async fn install(
    installer: &Installer,
    place: &Place<'_>,
    release: &Release,
    variant: &Variant,
    compile: bool,
) -> Result<(Vec<EntryPoint>, LaunchFacts, ReleaseFacts), InstallFailure> {
    let environment = Environment::of(installer, place, variant)?;
    environment.make(false).await?;
    let extras =
        if variant.extras.is_empty() { String::new() } else { format!("[{}]", variant.extras.join(",")) };
    let name = release.server.name();
    let wanted = format!("{name}{extras}=={}", release.version);
    environment.install(&[wanted], compile, Some(name)).await?;
    let site = site_packages(place.package)
        .ok_or_else(|| missing("the virtual environment has no site-packages"))?;
    let info = dist_info(&site, release.server.name()).ok_or_else(|| {
        InstallFailure::new(Outcome::InstallFailed, "the installed package has no metadata")
    })?;
    let entries = entry_points(&site, &info, place.package, release.server.name());
    let text = read_bounded(&info.join("METADATA"));
    let programs: Vec<String> = entries.iter().map(|e| e.name().to_owned()).collect();
    let facts = LaunchFacts {
        readme_args: readme::arguments(&text, release.server.name(), &programs),
        readme_env: readme::env_names(&text),
        ..LaunchFacts::default()
    };
    // Its module most often has the project's name; a manifest beside all modules would be nobody's.
    let module = site.join(release.server.name().replace('-', "_"));
    let declared = declared::of_package(&module, release);
    Ok((entries, facts, ReleaseFacts { declared, ..facts_of_metadata(&text) }))
}

pub(super) fn site_packages(package: &Path) -> Option<PathBuf> {
    let lib = fs_err::read_dir(package.join("venv/lib")).ok()?;
    lib.flatten().map(|e| e.path().join("site-packages")).find(|p| p.is_dir())
}

/// `NAME-VERSION.dist-info`, its name normalised by PEP 503 for comparing.
pub(super) fn dist_info(site: &Path, name: &str) -> Option<PathBuf> {
    let entries = fs_err::read_dir(site).ok()?;
    entries.flatten().map(|e| e.path()).find(|path| {
        let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        file.strip_suffix(".dist-info")
            .and_then(|stem| stem.split_once('-'))
            .and_then(|(stem, _)| crate::model::ServerKey::pypi(stem).ok())
            .is_some_and(|key| key.name() == name)
    })
}

/// Console scripts of `entry_points.txt`, scripts in the wheel, else `python -m` of a package with `__main__`.
pub(super) fn entry_points(site: &Path, info: &Path, package: &Path, name: &str) -> Vec<EntryPoint> {
    let mut entries = Vec::new();
    let mut section = String::new();
    for line in read_bounded(&info.join("entry_points.txt")).lines() {
        let line = line.trim();
        if let Some(title) = line.strip_prefix('[') {
            section = title.trim_end_matches(']').trim().to_owned();
        } else if section == "console_scripts"
            && let Some((script, target)) = line.split_once('=')
            && let Some((module, function)) =
                target.split('[').next().unwrap_or(target).trim().split_once(':')
            && is_dotted_name(module.trim())
            && is_dotted_name(function.trim())
        {
            entries.push(EntryPoint::PythonCall {
                name: script.trim().chars().take(100).collect(),
                module: module.trim().to_owned(),
                function: function.trim().to_owned(),
            });
        }
    }
    let record = read_bounded(&info.join("RECORD"));
    let paths = || record.lines().filter_map(|line| line.split(',').next());
    if entries.is_empty() {
        let scripts = paths().filter_map(|p| p.strip_prefix("../../../bin/"));
        for script in scripts.filter(|s| !s.contains('/') && package.join("venv/bin").join(s).is_file()) {
            let file = Path::new("venv/bin").join(script);
            entries.push(EntryPoint::Native { name: script.to_owned(), file });
        }
    }
    if entries.is_empty() {
        let mains = paths().filter_map(|p| p.strip_suffix("/__main__.py")).filter(|m| !m.contains('/'));
        for module in mains.filter(|m| is_dotted_name(m) && site.join(m).is_dir()) {
            entries.push(EntryPoint::PythonModule { module: module.to_owned() });
        }
    }
    by_likelihood(name, &mut entries);
    entries.truncate(8);
    entries
}

pub(super) fn read_bounded(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(file) = fs_err::File::open(path) {
        // A half-read file is still worth its first megabyte.
        let _ = file.take(MAX_METADATA).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
