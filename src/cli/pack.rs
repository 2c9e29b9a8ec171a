//! `catalogue pack`: a built site in packs, for hosts that bound how many files a site may have.

use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::scan::report::counted;
use super::settings::Settings;
use crate::progress::{self, Bar};
use crate::render::{self, PackReport};

/// `catalogue pack`.
#[derive(Debug, Args)]
pub(super) struct PackOptions {
    /// The built site [default: dist]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where the packs are written: a new or empty folder, or one of earlier packs
    #[arg(long, value_name = "DIR", default_value = "packs")]
    into: PathBuf,
    /// MiB of the site that go into one pack at most, before compressing; smaller ones for hosts that know no ranges
    #[arg(long, value_name = "MIB", default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=16))]
    size: u64,
    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,
    /// Say nothing
    #[arg(short, long)]
    quiet: bool,
}

pub(super) fn run(settings: &Settings, options: &PackOptions) -> anyhow::Result<Exit> {
    let out = options.out.clone().or_else(|| settings.config.paths.out.clone());
    let pack = render::PackOptions {
        out: out.unwrap_or_else(|| PathBuf::from("dist")),
        into: options.into.clone(),
        size: options.size << 20,
        site: settings.site_files()?,
    };
    let bar = Bar::new(0, options.quiet || options.json);
    let report = render::pack(&pack, &|done, of| bar.stand(done, of));
    bar.finish();
    let report = report?;
    if options.json {
        progress::print_json(&report)?;
    } else if !options.quiet {
        progress::print(&text(&report, &pack.into))?;
    }
    Ok(Exit::Ok)
}

fn text(report: &PackReport, into: &std::path::Path) -> String {
    format!(
        "{} in {} in {}\n{:.1} MB of {:.1}, the largest pack {:.1} MB; {} compressed anew, {} written, {} removed\n",
        counted(report.files, "file"),
        counted(report.packs, "pack"),
        into.display(),
        report.bytes as f64 / 1e6,
        report.tree_bytes as f64 / 1e6,
        report.largest_pack as f64 / 1e6,
        counted(report.packed_anew, "file"),
        counted(report.files_written, "file"),
        report.files_removed
    )
}
