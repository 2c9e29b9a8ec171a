//! The only bars and the only log set-up. Results go to standard output, talk to standard error.
//!
//! Everything that leaves for a terminal passes [`crate::model::emit::for_terminal`] here, also the log and the messages of errors.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::model::emit::{for_terminal, json_line};

/// What begins the head of a table, what marks words, and what ends both. No other escape leaves the program.
pub const BOLD: &str = "\u{1b}[1m";
/// See [`BOLD`].
pub const BRIGHT: &str = "\u{1b}[1;33m";
/// See [`BOLD`].
pub const PLAIN: &str = "\u{1b}[0m";

/// Sends log lines to standard error: warnings, with one `-v` information, with two everything of ours.
/// `RUST_LOG` wins.
pub fn start_log(verbose: u8) {
    let default = match verbose {
        0 => "warn",
        1 => "catalogue=info,warn",
        _ => "catalogue=debug,info",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Gate)
        .with_ansi(false)
        .without_time()
        .try_init();
    // A second start (tests in one process) keeps the first.
    drop(started);
}

/// One line of talk on standard error.
pub fn say(line: &str) {
    // A closed standard error is nobody listening.
    let _ = writeln!(std::io::stderr(), "{}", for_terminal(line, &[]));
}

/// Text of a result on standard output. Control characters that are not our own colours are spelled out.
///
/// # Errors
/// Standard output is closed (a pipe whose reader ended) or full.
pub fn print(text: &str) -> std::io::Result<()> {
    let styles: &[&str] = if colours() { &[BOLD, BRIGHT, PLAIN] } else { &[] };
    let mut out = std::io::stdout().lock();
    out.write_all(for_terminal(text, styles).as_bytes())?;
    out.flush()
}

/// A value as one line of JSON on standard output.
///
/// # Errors
/// As [`print()`].
pub fn print_json<T: Serialize + ?Sized>(value: &T) -> std::io::Result<()> {
    print(&json_line(value)?)
}

/// Where the log goes: one record is one line, whatever is in it.
struct Gate;

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let record = text.strip_suffix('\n').unwrap_or(&text).replace(['\n', '\t'], " ");
        std::io::stderr().write_all(format!("{}\n", for_terminal(&record, &[])).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

/// True if people read standard output directly: tables may have colours.
pub fn colours() -> bool {
    std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// A bar over a known number of things, with what is running now. Silent unless standard error is a terminal.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    running: Mutex<Vec<String>>,
    answered: Mutex<usize>,
}

impl Bar {
    /// A bar over `total` things; a hidden one with `quiet`.
    pub fn new(total: usize, quiet: bool) -> Self {
        let bar = if quiet || !std::io::stderr().is_terminal() {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(total as u64)
        };
        let style = ProgressStyle::with_template("{bar:24} {pos}/{len} {elapsed} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, running: Mutex::new(Vec::new()), answered: Mutex::new(0) }
    }

    /// A bar for something whose end is not known: the time, and what [`Bar::note`] says.
    pub fn open_ended(quiet: bool) -> Self {
        let bar = Self::new(0, quiet);
        let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.bar.set_style(style);
        bar
    }

    /// One thing begins.
    pub fn begin(&self, name: &str) {
        if let Ok(mut running) = self.running.lock() {
            running.push(name.to_owned());
        }
        self.show();
    }

    /// One thing ended.
    pub fn end(&self, name: &str, answered: bool) {
        if let Ok(mut running) = self.running.lock() {
            running.retain(|r| r != name);
        }
        if answered && let Ok(mut count) = self.answered.lock() {
            *count += 1;
        }
        self.bar.inc(1);
        self.show();
    }

    /// So many are done, and of so many.
    pub fn stand(&self, done: usize, of: usize) {
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
    }

    /// So many more are done.
    pub fn advance(&self, by: usize) {
        self.bar.inc(by as u64);
    }

    /// A line that says what is being done before the first thing begins.
    pub fn note(&self, text: &str) {
        self.bar.set_message(in_bar(text));
    }

    /// Prints a line above the bar.
    pub fn line(&self, text: &str) {
        self.bar.suspend(|| say(text));
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn show(&self) {
        let running = self.running.lock().map(|r| r.join(", ")).unwrap_or_default();
        let answered = self.answered.lock().map(|a| *a).unwrap_or_default();
        self.bar.set_message(format!("{answered} answered  {}", in_bar(&running)));
    }
}

/// On one line, or the bar would leave lines behind.
fn in_bar(text: &str) -> String {
    for_terminal(&text.replace(['\n', '\t'], " "), &[]).into_owned()
}
