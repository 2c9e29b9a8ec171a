//! `catalogue build`: the static site, from the database only.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;
use url::Url;

use super::corrections;
use super::exit::Exit;
use super::scan::report::counted;
use super::settings::Settings;
use crate::assets::{Files, Folder};
use crate::model::ReportAddress;
use crate::progress::{self, Bar};
use crate::render::{self, BuildReport, Compression, Problem, Shard, Twins};
use crate::store::site::Audience;

/// Problems that are printed.
const PROBLEMS_SHOWN: usize = 20;

/// `catalogue build`.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct BuildOptions {
    /// Where the site is written [default: dist]
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    /// Where it will be served; only for canonical addresses, feeds and the sitemap
    #[arg(long, value_name = "URL")]
    base_url: Option<Url>,
    /// Where readers are asked to send reports: https://… or mailto:…; the end of every tool's page links it
    #[arg(long, value_name = "ADDRESS")]
    report: Option<ReportAddress>,
    /// The time the pages speak of [default: the newest probe in the database]
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// Show private servers too; every page then tells search engines to keep out
    #[arg(long)]
    include_private: bool,
    /// What lies beside the pages, with commas between: json, md, svg (badges), policies (the policy files of servers), all or none
    #[arg(long, value_name = "LIST", default_value = "all")]
    twins: Twins,
    /// Put the database, without private rows, logs and commands, and a table of all tools beside the pages
    #[arg(long)]
    download: bool,
    /// Compressed copies beside the files: gz, br, or both with a comma
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = ["gz", "br"])]
    compress: Vec<String>,
    /// Build one part of several, to be put together: 1/4 is the first of four
    #[arg(long, value_name = "N/M")]
    shards: Option<Shard>,
    /// Threads [default: as many as cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Look at every page, whatever is remembered of the last build
    #[arg(long)]
    fresh: bool,
    /// Check links, anchors, ids, titles, HTML and structured data of every page, in the same pass
    #[arg(long)]
    check: bool,
    /// Print what was done as one JSON object
    #[arg(long)]
    json: bool,
    /// Say nothing
    #[arg(short, long)]
    pub(super) quiet: bool,
}

pub(super) fn run(settings: &Settings, options: &BuildOptions) -> anyhow::Result<Exit> {
    let (out, report) = build(settings, options)?;
    corrections::say_expired(&corrections::open_read_only(settings)?)?;
    if options.json {
        progress::print_json(&report)?;
    } else if !options.quiet {
        progress::print(&text(&report, &out))?;
    }
    Ok(exit_of(report.problems.as_deref()))
}

/// Ends with 1 if a check found something.
pub(super) fn exit_of(problems: Option<&[Problem]>) -> Exit {
    if problems.unwrap_or_default().is_empty() { Exit::Ok } else { Exit::Findings }
}

/// What a check found, if there was one.
pub(super) fn problems_text(problems: Option<&[Problem]>) -> String {
    let Some(problems) = problems else { return String::new() };
    let mut text = match problems.len() {
        0 => "checked: no problems\n".to_owned(),
        count => format!("checked: {}\n", counted(count, "problem")),
    };
    for problem in problems.iter().take(PROBLEMS_SHOWN) {
        text.push_str(&format!("  {}: {} {}\n", problem.page, problem.link, problem.why));
    }
    text
}

fn text(report: &BuildReport, out: &std::path::Path) -> String {
    let mut text = format!(
        "{}, {} and {} in {}\n",
        counted(report.pages, "page"),
        counted(report.servers, "server"),
        counted(report.tools, "tool"),
        out.display()
    );
    let files = counted(report.files_written, "file");
    text.push_str(&format!(
        "{files} written, {} removed; {:.1} MB in all; {:.1} s\n",
        report.files_removed,
        report.bytes as f64 / 1e6,
        report.seconds
    ));
    for kind in report.kinds.iter().take(3).filter(|kind| kind.rendered > 0) {
        text.push_str(&format!(
            "  {:<8} {:>8} made, {:.1} s, slowest {:.0} ms: {}\n",
            kind.kind, kind.rendered, kind.seconds, kind.slowest_ms, kind.slowest
        ));
    }
    text.push_str(&problems_text(report.problems.as_deref()));
    text
}

/// Builds; returns where.
pub(super) fn build(settings: &Settings, options: &BuildOptions) -> anyhow::Result<(PathBuf, BuildReport)> {
    let mut db = corrections::open_read_only(settings)?;
    let out = options
        .out
        .clone()
        .or_else(|| settings.config.paths.out.clone())
        .unwrap_or_else(|| PathBuf::from("dist"));
    if render::is_folded(&out) {
        anyhow::bail!(
            "{} holds a site of catalogue fold; choose another folder with --out, and fold into this one again",
            out.display()
        );
    }
    let build = render::BuildOptions {
        out: out.clone(),
        base_url: options.base_url.clone().or_else(|| settings.config.site.base_url.clone()),
        report: options.report.clone().or_else(|| settings.config.site.report.clone()),
        as_of: options.as_of,
        audience: if options.include_private { Audience::Owner } else { Audience::Everyone },
        templates: settings.template_files()?,
        site: settings.site_files()?,
        data: data(settings)?,
        benchmark: settings.benchmark_result()?,
        version: env!("CARGO_PKG_VERSION"),
        twins: options.twins,
        download: options.download,
        compression: Compression {
            gzip: options.compress.iter().any(|word| word == "gz"),
            brotli: options.compress.iter().any(|word| word == "br"),
        },
        shard: options.shards,
        threads: options.threads.map(usize::from),
        fresh: options.fresh,
        check: options.check,
        shelf: Some(shelf(settings, &out)?),
    };
    let bar = Bar::new(0, options.quiet || options.json);
    let passed = |done, of| bar.stand(done, of);
    let report = render::build(&mut db, &settings.rule_book()?, &settings.numbers()?, &build, &passed)?;
    bar.finish();
    Ok((out, report))
}

/// How clients write their files is known to the program where a data folder of the user's own does not say it: a page reads by it.
fn data(settings: &Settings) -> anyhow::Result<Files> {
    const CLIENTS: &str = "clients.toml";
    let mut data = settings.data_files()?;
    if !data.contains_key(CLIENTS)
        && let Some(known) = Folder::Data.files(None)?.remove(CLIENTS)
    {
        data.insert(CLIENTS.to_owned(), known);
    }
    Ok(data)
}

/// Where it is remembered what the site in that folder was made from: in the state folder, not in the site.
fn shelf(settings: &Settings, out: &std::path::Path) -> anyhow::Result<PathBuf> {
    let place = std::path::absolute(out)?;
    let name = crate::model::digest::sha256_hex(place.as_os_str().as_encoded_bytes());
    let name: String = name.chars().take(16).collect();
    Ok(settings.var.join("sites").join(name))
}
