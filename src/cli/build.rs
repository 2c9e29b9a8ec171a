//! `catalogue build`: the static site, from the database only.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use url::Url;

use super::corrections;
use super::exit::Exit;
use super::scan::report::counted;
use super::settings::Settings;
use crate::progress;
use crate::render;
use crate::store::site::Audience;

/// `catalogue build`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct BuildOptions {
    /// Where the site is written [default: dist]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Where it will be served; only for canonical addresses, feeds and the sitemap
    #[arg(long, value_name = "URL")]
    base_url: Option<Url>,
    /// The time the pages speak of [default: the newest probe in the database]
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// Show private servers too; every page then tells search engines to keep out
    #[arg(long)]
    include_private: bool,
    /// Say nothing
    #[arg(short, long)]
    pub(super) quiet: bool,
}

pub(super) fn run(settings: &Settings, options: &BuildOptions) -> anyhow::Result<Exit> {
    let (out, summary) = build(settings, options)?;
    corrections::say_expired(&corrections::open_read_only(settings)?)?;
    if !options.quiet {
        progress::print(&format!(
            "{}, {} and {} in {}\n",
            counted(summary.pages, "page"),
            counted(summary.servers, "server"),
            counted(summary.tools, "tool"),
            out.display()
        ))?;
    }
    Ok(Exit::Ok)
}

/// Builds; returns where.
pub(super) fn build(
    settings: &Settings,
    options: &BuildOptions,
) -> anyhow::Result<(PathBuf, render::BuildSummary)> {
    let db = corrections::open_read_only(settings)?;
    let out = options
        .out
        .clone()
        .or_else(|| settings.config.paths.out.clone())
        .unwrap_or_else(|| PathBuf::from("dist"));
    let build = render::BuildOptions {
        out: out.clone(),
        base_url: options.base_url.clone().or_else(|| settings.config.site.base_url.clone()),
        as_of: options.as_of,
        audience: if options.include_private { Audience::Owner } else { Audience::Everyone },
        templates: settings.template_files()?,
        site: settings.site_files()?,
        benchmark: settings.benchmark_result()?,
        version: env!("CARGO_PKG_VERSION"),
    };
    let summary = render::build(&db, &settings.rule_set()?, &settings.numbers()?, &build)?;
    Ok((out, summary))
}
