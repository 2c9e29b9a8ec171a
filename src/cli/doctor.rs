//! `catalogue doctor`: what was found, fetched or cannot be had on this machine, and what follows from it.

use clap::Args;

use super::exit::Exit;
use super::scan::{Diagnosis, diagnose};
use super::settings::Settings;
use crate::model::SandboxLevel;
use crate::progress;

/// `catalogue doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorOptions {
    /// Do not fetch what is missing
    #[arg(long)]
    offline: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(settings: &Settings, options: &DoctorOptions) -> anyhow::Result<Exit> {
    let diagnosis = diagnose(settings, !options.offline)?;
    if options.json {
        progress::print_json(&diagnosis)?;
    } else {
        progress::print(&text(settings, &diagnosis))?;
    }
    Ok(if diagnosis.sandbox.is_some() { Exit::Ok } else { Exit::NoSandbox })
}

fn text(settings: &Settings, diagnosis: &Diagnosis) -> String {
    let mut lines = vec![
        format!("state     {}", settings.var.display()),
        format!("database  {}", settings.db.display()),
        String::new(),
        "registries".to_owned(),
    ];
    for registry in &diagnosis.registries {
        match &registry.address {
            Some(address) => lines.push(format!("  {:<9}{address} (from {})", registry.what, registry.from)),
            None => lines.push(format!("  {:<9}not known: {}", registry.what, registry.from)),
        }
    }
    lines.extend([String::new(), "programs".to_owned()]);
    for program in &diagnosis.programs {
        let state = serde_json::to_value(program.state).ok().and_then(|v| v.as_str().map(str::to_owned));
        let path = program.path.as_ref().map(|p| p.display().to_string()).unwrap_or_default();
        let version = program.version.as_deref().unwrap_or("-");
        let state = state.unwrap_or_default();
        lines.push(
            format!("  {:<8}{state:<9}{version:<10}{} {path}", program.what, program.note)
                .trim_end()
                .to_owned(),
        );
    }
    lines.extend([String::new(), "sandbox".to_owned()]);
    lines.push(match diagnosis.sandbox {
        Some(SandboxLevel::Bwrap) => {
            "  bwrap: servers run in namespaces of their own, without network".to_owned()
        }
        Some(SandboxLevel::Reduced) => {
            "  reduced: servers run under Landlock, seccomp and limits; no namespaces can be had here"
                .to_owned()
        }
        _ => "  none can be had: catalogue scan refuses to start strangers' code unless told --sandbox none"
            .to_owned(),
    });
    if diagnosis.sandbox.is_some() {
        lines.push(match &diagnosis.without_cgroup {
            None => "  memory of a server and all it starts is bounded by the kernel, by a cgroup".to_owned(),
            Some(why) => format!("  memory of a server and all it starts is watched; no cgroup: {why}"),
        });
    }
    lines.extend(diagnosis.sandbox_notes.iter().map(|note| format!("  {note}")));
    lines.push(String::new());
    lines.join("\n")
}
