//! `catalogue run`: the main job in one command.

use clap::Args;

use super::build::{self, BuildOptions};
use super::corrections;
use super::exit::Exit;
use super::scan::report::counted;
use super::scan::{self, ScanOptions};
use super::settings::Settings;
use crate::progress;

/// `catalogue run`.
#[derive(Debug, Args)]
pub(super) struct RunOptions {
    #[command(flatten)]
    build: BuildOptions,
    /// Servers asked at once [default: cores + 1]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    jobs: Option<u16>,
    /// Probe again even if an outcome that lasts is stored
    #[arg(long)]
    refresh: bool,
}

pub(super) fn run(settings: &Settings, options: &RunOptions) -> anyhow::Result<Exit> {
    let scan_options = ScanOptions::starter(options.jobs, options.refresh, options.build.quiet);
    let summary = scan::scan(settings, &scan_options)?;
    if !options.build.quiet {
        progress::print(&format!("{}\n{}", summary.table(), summary.closing()))?;
    }
    let exit = scan::exit_of(&summary);
    if exit != Exit::Ok {
        return Ok(exit);
    }
    let (out, built) = build::build(settings, &options.build)?;
    corrections::say_expired(&corrections::open_read_only(settings)?)?;
    if !options.build.quiet {
        let open = std::path::absolute(&out)?.join("index.html");
        progress::print(&format!(
            "\ndatabase  {}\nsite      {}, {}\nopen      {}\n",
            settings.db.display(),
            counted(built.pages, "page"),
            counted(built.tools, "tool"),
            open.display()
        ))?;
    }
    Ok(exit)
}
