//! `catalogue db export`: what is stored, as lines that two databases can be compared by.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::classify::destination::Destination;
use super::exit::Exit;
use super::settings::Settings;
use crate::model::emit::json_line;
use crate::store::Store;
use crate::store::comparable::compare;

/// `catalogue db`.
#[derive(Debug, Args)]
pub(super) struct DbOptions {
    #[command(subcommand)]
    command: DbCommand,
}

#[derive(Debug, Subcommand)]
enum DbCommand {
    /// Print the rows of the database as JSON lines, in an order of their own.
    Export(ExportOptions),
}

#[derive(Debug, Args)]
struct ExportOptions {
    /// Every row of the catalogue, but for attempts, durations, workers' names, row numbers and what is of one run
    #[arg(long, required = true)]
    comparable: bool,
    /// Where the lines go; - is standard output
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
}

/// Runs the command.
pub(super) fn run(settings: &Settings, options: &DbOptions) -> anyhow::Result<Exit> {
    let DbCommand::Export(options) = &options.command;
    debug_assert!(options.comparable, "the one shape there is");
    let db = Store::open_read_only(&settings.db)?;
    let mut out = Destination::open(&options.output)?;
    compare(&db, |row| -> anyhow::Result<()> { Ok(out.write_all(json_line(row)?.as_bytes())?) })?;
    out.finish()?;
    Ok(Exit::Ok)
}
