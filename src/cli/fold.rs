//! `catalogue fold`: a built site with few files, for hosts that bound how many a site may have and run no function.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::build::{exit_of, problems_text};
use super::exit::Exit;
use super::scan::report::counted;
use super::settings::Settings;
use crate::model::Risk;
use crate::progress::{self, Bar};
use crate::render::{self, FoldReport};

/// `catalogue fold`.
#[derive(Debug, Args)]
pub(super) struct FoldOptions {
    /// The built site [default: dist]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Where the folded one is written: a new or empty folder, or an earlier folded site
    #[arg(long, value_name = "DIR", default_value = "folded")]
    into: PathBuf,
    /// From which risk on a tool keeps a page of its own
    #[arg(long, value_name = "RISK", default_value = "high")]
    own: Own,
    /// Check links, anchors, ids, titles, HTML and structured data of the folded site; problems end with code 1
    #[arg(long)]
    check: bool,
    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,
    /// Say nothing
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Own {
    High,
    Critical,
    /// No tool does
    None,
}

pub(super) fn run(settings: &Settings, options: &FoldOptions) -> anyhow::Result<Exit> {
    let out = options.out.clone().or_else(|| settings.config.paths.out.clone());
    let fold = render::FoldOptions {
        out: out.unwrap_or_else(|| PathBuf::from("dist")),
        into: options.into.clone(),
        own_from: match options.own {
            Own::High => Some(Risk::High),
            Own::Critical => Some(Risk::Critical),
            Own::None => None,
        },
        check: options.check,
    };
    let bar = Bar::new(0, options.quiet || options.json);
    let report = render::fold(&fold, &|done, of| bar.stand(done, of));
    bar.finish();
    let report = report?;
    if options.json {
        progress::print_json(&report)?;
    } else if !options.quiet {
        progress::print(&text(&report, &fold.into))?;
    }
    Ok(exit_of(report.problems.as_deref()))
}

fn text(report: &FoldReport, into: &std::path::Path) -> String {
    let mean = report.section_bytes as f64 / report.sections.max(1) as f64;
    let mut text = format!(
        "{} of {:.1} MB in {}\n{} on servers' pages, {:.1} KB each, the largest {:.1} KB; {} with pages of their own\n\
         {} written, {} removed\n",
        counted(report.files, "file"),
        report.bytes as f64 / 1e6,
        into.display(),
        counted(report.sections, "tool"),
        mean / 1e3,
        report.largest_section as f64 / 1e3,
        counted(report.own_pages, "tool"),
        counted(report.files_written, "file"),
        report.files_removed
    );
    text.push_str(&problems_text(report.problems.as_deref()));
    text
}
