//! `catalogue dev`: what developers of the program need and its users do not.

mod chance;
mod made_up;
mod synth;
mod tool;
mod words;

use clap::{Args, Subcommand};

use super::exit::Exit;
use super::settings::Settings;

/// `catalogue dev`.
#[derive(Debug, Args)]
pub(super) struct DevOptions {
    #[command(subcommand)]
    command: DevCommand,
}

#[derive(Debug, Subcommand)]
enum DevCommand {
    /// Fill a new database with a made-up catalogue of any size, for benchmarks and demonstrations.
    Synth(synth::SynthOptions),
    /// Let one made-up server of such a database answer anew, with one description changed.
    Change(synth::ChangeOptions),
}

pub(super) fn run(settings: &Settings, options: &DevOptions) -> anyhow::Result<Exit> {
    match &options.command {
        DevCommand::Synth(options) => synth::synth(settings, options),
        DevCommand::Change(options) => synth::change(settings, options),
    }
}
