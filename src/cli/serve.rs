//! `catalogue serve`: a built site on this machine, for looking at, or one in packs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::exit::Exit;
use super::settings::Settings;
use crate::progress;
use crate::render;

/// `catalogue serve`.
#[derive(Debug, Args)]
pub(super) struct ServeOptions {
    /// The built site, or its packs [default: dist]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Port on this machine's own address
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

pub(super) fn run(settings: &Settings, options: &ServeOptions) -> anyhow::Result<Exit> {
    let out = options
        .out
        .clone()
        .or_else(|| settings.config.paths.out.clone())
        .unwrap_or_else(|| PathBuf::from("dist"));
    anyhow::ensure!(
        out.join("index.html").is_file() || render::serve::is_in_packs(&out),
        "{}: no site there; run catalogue build first, or give its place with --out",
        out.display()
    );
    let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), options.port);
    progress::say(&format!("http://{address}/ shows {}; end with Ctrl-C", out.display()));
    render::serve::serve(&out, address)
        .with_context(|| format!("{address} cannot be served; give another port with --port"))?;
    Ok(Exit::Ok)
}
