//! The box without namespaces: Landlock, seccomp and limits, set by a small single-threaded re-exec of this program.
//!
//! `catalogue __box FD LIFE STATUS` reads a `Confinement` from `FD`, starts the program confined, says so on `STATUS`
//! and stays its parent. It is a subreaper, so every descendant stays below it, also after setsid and a double fork; when `LIFE` closes (the
//! scanner ended the box, or died) or the program ends, it kills all of them and goes. What this level cannot do:
//! hide `/proc` and the process list, count memory of the page cache. See docs/ARCHITECTURE.md.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
};
use serde::{Deserialize, Serialize};

use super::cgroup::Group;
use super::keeper::{self, Keeper};
use super::launch::{Launch, Launcher, STARTED};
use super::limits::{self, PreExec, Prepared, before_exec};
use super::process::{self, BoxedProcess};
use super::seccomp;
use super::spec::{Access, BoxLimits, BoxSpec, NETWORK_FILES, Network, SYSTEM_FILES, SYSTEM_FOLDERS};

/// What the helper is told.
#[derive(Debug, Serialize, Deserialize)]
struct Confinement {
    program: PathBuf,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    cwd: PathBuf,
    list: Vec<PathBuf>,
    read: Vec<PathBuf>,
    write: Vec<PathBuf>,
    shared_network: bool,
    limits: [u64; 6],
    slot: u32,
}

/// Starts `spec` through the helper.
///
/// # Errors
/// The temporary home or the process cannot be made.
pub(super) fn start(spec: &BoxSpec, group: Option<Group>) -> io::Result<BoxedProcess> {
    let home = process::temporary_home(&spec.scratch)?;
    if limits::is_root() {
        let id = super::spec::FIRST_BOX_UID + spec.slot;
        std::os::unix::fs::chown(&home, Some(id), Some(id))?;
    }
    let mut env = spec.env.clone();
    env.insert("HOME".to_owned(), home.to_string_lossy().into_owned());
    env.insert("TMPDIR".to_owned(), home.to_string_lossy().into_owned());
    let system = SYSTEM_FOLDERS.iter().chain(&SYSTEM_FILES);
    let network = NETWORK_FILES.iter().filter(|_| spec.network == Network::Shared);
    let mut read: Vec<PathBuf> = system.chain(network).map(PathBuf::from).collect();
    read.push(PathBuf::from("/proc"));
    let hosts = |access| spec.shown.iter().filter(move |s| s.access == access).map(|s| s.host.clone());
    read.extend(hosts(Access::Read));
    read.extend(hosts(Access::Write));
    let mut write: Vec<PathBuf> = vec![home.clone()];
    write.extend(hosts(Access::Write));
    let l = &spec.limits;
    let told = Confinement {
        program: spec.program.clone(),
        args: spec.args.clone(),
        env,
        cwd: spec.cwd.clone().unwrap_or_else(|| home.clone()),
        list: hosts(Access::List).collect(),
        read,
        write,
        shared_network: spec.network == Network::Shared,
        limits: [l.memory_bytes, l.processes, l.file_bytes, l.open_files, l.cpu_seconds, l.tmp_bytes],
        slot: spec.slot,
    };
    let (launch, status) = Launch::pipe(Launcher::Helper)?;
    let door = group.as_ref().and_then(Group::door);
    let mut keeper = Keeper::new("__box", &told, &[status.number()])?;
    // The whole helper is in the group, which bounds what a program without namespaces starts.
    keeper.command.add_pre_exec(move || door.map_or(Ok(()), limits::enter));
    let started = process::spawn_kept(keeper.keep_open([status.number()]), &spec.limits, Some(home), group)?;
    drop(status);
    Ok(started.launched_by(launch))
}

/// The hidden command `__box`. Returns the program's exit status.
///
/// # Errors
/// What kept the box from being made, for standard error.
pub fn run_helper(told: i32, life: i32, status: i32) -> io::Result<i32> {
    let mut text = String::new();
    limits::inherited(told).read_to_string(&mut text)?;
    let life = limits::inherited(life);
    let mut says = limits::inherited(status);
    let told: Confinement = serde_json::from_str(&text)?;
    limits::become_subreaper()?;
    let ruleset = Some(landlock_rules(&told).map_err(io::Error::other)?);
    let sockets = if told.shared_network { Network::Shared } else { Network::None };
    let filters = seccomp::filters(sockets, false).map_err(io::Error::other)?;

    #[expect(clippy::disallowed_methods, reason = "probe/sandbox is the place that starts processes")]
    let mut command = std::process::Command::new(&told.program);
    command.args(&told.args).env_clear().envs(&told.env).current_dir(&told.cwd);
    let [memory_bytes, processes, file_bytes, open_files, cpu_seconds, tmp_bytes] = told.limits;
    let bounds = BoxLimits { memory_bytes, processes, file_bytes, open_files, cpu_seconds, tmp_bytes };
    let mut ruleset = ruleset;
    let prepared = Prepared::new(&bounds, told.slot, true).read_anywhere();
    before_exec(
        &mut command,
        || Ok(()),
        prepared,
        move || {
            let Some(rules) = ruleset.take() else { return Err(io::Error::other("started twice")) };
            let status = rules.restrict_self().map_err(io::Error::other)?;
            if status.ruleset == RulesetStatus::NotEnforced {
                return Err(io::Error::other("this kernel has no Landlock"));
            }
            seccompiler::apply_filter(&filters.gates).map_err(io::Error::other)?;
            seccompiler::apply_filter(&filters.calls).map_err(io::Error::other)
        },
    );
    let child = command.spawn()?;
    // A scanner that is gone does not read it; the other pipe tells of that.
    let _ = says.write_all(STARTED);
    drop(says);
    keeper::until_the_end(&child, &life)
}

fn landlock_rules(told: &Confinement) -> Result<landlock::RulesetCreated, landlock::RulesetError> {
    let abi = ABI::V6;
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .scope(Scope::from_all(abi))?;
    if !told.shared_network {
        ruleset = ruleset.handle_access(AccessNet::from_all(abi))?;
    }
    let mut created = ruleset.create()?;
    let devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"].map(PathBuf::from);
    let read = AccessFs::from_read(abi);
    let write = AccessFs::from_all(abi);
    let device = AccessFs::from_file(abi) & (read | AccessFs::WriteFile);
    let list = AccessFs::ReadDir.into();
    for (paths, access) in
        [(&told.list[..], list), (&told.read[..], read), (&told.write[..], write), (&devices[..], device)]
    {
        for path in paths {
            if let Some(fd) = present(path) {
                let access = if path.is_dir() { access } else { access & AccessFs::from_file(abi) };
                created = created.add_rule(PathBeneath::new(fd, access))?;
            }
        }
    }
    Ok(created)
}

/// A path that is not there cannot be shown; the program will say what it misses.
fn present(path: &Path) -> Option<PathFd> {
    PathFd::new(path).ok()
}
