//! One start of a server: from the box to what it answered and how that is called.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::link::LinkError;
use super::mcp::{self, ListError, Listing};
use super::plan::signs::Signs;
use super::sandbox::{BoxSpec, Exceeded, Sandbox};
use super::wire::{LAST_WORDS, LogRing, StdioLink};
use crate::config::limits::Limits;
use crate::model::{Outcome, Untrusted};

/// Most bytes of a log that are kept with an attempt.
pub const LOG_TAIL: usize = 8 * 1024;
/// How long a server that says it listens on HTTP is still waited for.
const HTTP_PATIENCE: Duration = Duration::from_secs(3);
/// How often its log is looked at for that.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How one start ended.
#[derive(Debug)]
pub struct Answer {
    /// The word for it.
    pub outcome: Outcome,
    /// One line for people.
    pub detail: Untrusted,
    /// What it listed, if it did.
    pub listing: Option<Listing>,
    /// Lines on standard output that were no message.
    pub noise_lines: u32,
    /// A line had to be decoded lossily.
    pub damaged: bool,
    /// Standard error, then noise.
    pub log_tail: Untrusted,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub took: Duration,
}

/// How often a box is tried that could not be made for want of processes: a neighbour has them, and will be ended.
const TRIES: u32 = 4;
/// How long such a neighbour is given.
const PAUSE: Duration = Duration::from_secs(1);

/// Starts `spec` in a box and asks for its tools. The box is gone when this returns.
pub async fn ask(
    sandbox: &Sandbox,
    spec: &BoxSpec,
    limits: &Limits,
    patience: Duration,
    cancel: &CancellationToken,
) -> Answer {
    let mut tried = 1;
    loop {
        let answer = ask_once(sandbox, spec, limits, patience, cancel).await;
        let full = answer.outcome == Outcome::ScannerError
            && answer.detail.raw().contains("Resource temporarily unavailable");
        if !full || tried == TRIES || cancel.is_cancelled() {
            return answer;
        }
        tried += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn ask_once(
    sandbox: &Sandbox,
    spec: &BoxSpec,
    limits: &Limits,
    patience: Duration,
    cancel: &CancellationToken,
) -> Answer {
    let started_at = Timestamp::now();
    let begun = Instant::now();
    let mut answer = Answer {
        outcome: Outcome::ScannerError,
        detail: Untrusted::default(),
        listing: None,
        noise_lines: 0,
        damaged: false,
        log_tail: Untrusted::default(),
        started_at,
        took: Duration::ZERO,
    };
    let mut process = match sandbox.start(spec) {
        Ok(process) => process,
        Err(error) => {
            answer.detail = Untrusted::new(format!("the box cannot be started: {error}"));
            return answer;
        }
    };
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (process.stdin.take(), process.stdout.take(), process.stderr.take())
    else {
        answer.detail = Untrusted::new("the box has no streams");
        process.end().await;
        return answer;
    };
    let (log, reader) = LogRing::follow(stderr);
    let mut link = StdioLink::new(stdin, stdout, limits, begun + patience);
    let mut listed = tokio::select! {
        listed = mcp::list_tools(&mut link, limits) => Some(listed),
        () = cancel.cancelled() => None,
        () = serves_http(&log) => Some(Err(ListError::Link(LinkError::TimedOut))),
        () = log.flooded() => Some(Err(too_loud())),
    };
    // A server that ended by itself has its last words in the pipe; one that answered is not asked for any.
    let (mut status, mut never_made) = (None, false);
    if matches!(listed, Some(Err(ListError::Link(LinkError::Closed { .. })))) {
        let ended = tokio::time::timeout(LAST_WORDS, process.wait()).await;
        let _ = tokio::time::timeout(LAST_WORDS, reader).await;
        never_made = ended.is_ok() && process.was_never_made();
        status = ended.ok().flatten();
        // It may have ended because nobody read the flood on, and that may have been seen first.
        if log.was_flooded() {
            listed = Some(Err(too_loud()));
        }
    }
    let exceeded = process.exceeded();
    answer.noise_lines = link.noise_lines;
    answer.damaged = link.damaged;
    let marks = link.marks();
    let noise = link.noise_tail();
    drop(link);
    process.end().await;
    answer.took = begun.elapsed();
    let mut words = log.tail(LOG_TAIL);
    if !noise.is_empty() {
        words.push_str("\n[standard output]\n");
        words.push_str(&noise);
    }
    answer.log_tail = Untrusted::new(words);
    match listed {
        None => {
            answer.outcome = Outcome::Interrupted;
            answer.detail = Untrusted::new("the scan was ended");
        }
        Some(_) if exceeded.is_some() => {
            answer.outcome = Outcome::TooLarge;
            answer.detail = Untrusted::new(match exceeded {
                Some(Exceeded::Processes) => {
                    format!("it started as many processes as it may, {}", spec.limits.processes)
                }
                _ => format!("it used more than {} MiB of memory", spec.limits.memory_bytes >> 20),
            });
        }
        Some(_) if never_made => {
            let said = Untrusted::new(telling_line(answer.log_tail.raw())).for_terminal(300);
            answer.detail = Untrusted::new(format!("the box cannot be made: {said}"));
        }
        Some(Ok(mut listing)) => {
            listing.marks.extend(marks);
            answer.listed(listing);
        }
        Some(Err(error)) => answer.failed(&error, status),
    }
    answer
}

fn too_loud() -> ListError {
    ListError::Link(LinkError::TooLarge { what: "standard error".to_owned() })
}

impl Answer {
    /// An answer that came over HTTP, where nothing was started here.
    pub fn remote(started_at: Timestamp, took: Duration, listed: Result<Listing, ListError>) -> Self {
        let mut answer = Self {
            outcome: Outcome::ScannerError,
            detail: Untrusted::default(),
            listing: None,
            noise_lines: 0,
            damaged: false,
            log_tail: Untrusted::default(),
            started_at,
            took,
        };
        match listed {
            Ok(listing) => answer.listed(listing),
            // There is no log and no status that could say more.
            Err(ListError::Link(LinkError::Closed { detail })) => {
                answer.outcome = Outcome::Crashed;
                let detail = format!("the connection was closed: {detail}");
                answer.detail = Untrusted::new(Untrusted::new(detail).for_terminal(400));
            }
            Err(error) => answer.failed(&error, None),
        }
        answer
    }

    fn listed(&mut self, listing: Listing) {
        let tools = listing.tools.len();
        let bad = listing.malformed.len();
        (self.outcome, self.detail) = match (tools, bad) {
            (0, 0) => (Outcome::NoTools, Untrusted::new("it answered with an empty list")),
            (0, _) => (Outcome::ProtocolError, Untrusted::new(format!("none of {bad} entries is a tool"))),
            (_, 0) => (Outcome::Ok, Untrusted::new(format!("tools listed: {tools}"))),
            _ => (Outcome::Ok, Untrusted::new(format!("tools listed: {tools}, malformed: {bad}"))),
        };
        self.listing = Some(listing);
    }

    fn failed(&mut self, error: &ListError, status: Option<i32>) {
        let (outcome, detail) = match error {
            ListError::Pagination(why) => (Outcome::BadPagination, why.clone()),
            ListError::TooManyTools(most) => (Outcome::TooLarge, format!("it lists more than {most} tools")),
            ListError::Shape(why) => (Outcome::ProtocolError, why.clone()),
            ListError::Refused { code, message } => {
                let said = format!("tools/list was refused with code {code}: {}", message.raw());
                (from_words(message.raw()).unwrap_or(Outcome::ProtocolError), said)
            }
            ListError::Link(error) => self.broken(error, status),
        };
        if let ListError::Link(LinkError::Auth { said, .. }) = error {
            self.log_tail = Untrusted::new(said.as_str());
        }
        self.outcome = outcome;
        self.detail = Untrusted::new(Untrusted::new(detail).for_terminal(400));
    }

    fn broken(&self, error: &LinkError, status: Option<i32>) -> (Outcome, String) {
        match error {
            LinkError::Closed { .. } => {
                let words = self.log_tail.raw();
                let last = telling_line(words);
                let how = match status {
                    Some(status) => format!("it ended with status {status}"),
                    None => "it ended".to_owned(),
                };
                let said = if last.is_empty() {
                    format!("{how} and said nothing")
                } else {
                    format!("{how}: {last}")
                };
                (from_words(words).unwrap_or(Outcome::Crashed), said)
            }
            LinkError::TimedOut => {
                let signs = Signs::read(self.log_tail.raw());
                let why = if signs.listens_on_http {
                    "it serves HTTP and does not read its input"
                } else {
                    "no answer in time"
                };
                let outcome = if signs.unreachable && !signs.listens_on_http {
                    Outcome::NeedsNetwork
                } else {
                    Outcome::TimedOut
                };
                (outcome, why.to_owned())
            }
            LinkError::TooSlow { what } => (Outcome::TimedOut, what.clone()),
            LinkError::TooLarge { what } => {
                (Outcome::TooLarge, format!("{what} is larger than the limits let in"))
            }
            LinkError::Protocol { detail } => (Outcome::ProtocolError, detail.clone()),
            LinkError::Auth { detail, .. } => (Outcome::AuthRequired, detail.clone()),
            LinkError::NotMcp { detail } => (Outcome::NotMcp, detail.clone()),
            LinkError::Network { detail } => (Outcome::NoNetwork, detail.clone()),
        }
    }
}

/// What a server's own words say about why it did not answer; None if they say nothing of the kind.
fn from_words(words: &str) -> Option<Outcome> {
    let signs = Signs::read(words);
    if signs.unauthorised {
        Some(Outcome::AuthRequired)
    } else if signs.broken_dependency || signs.missing_addon {
        Some(Outcome::Crashed)
    } else if signs.unreachable || signs.container_daemon {
        Some(Outcome::NeedsNetwork)
    } else if signs.wants_config() {
        Some(Outcome::NeedsConfig)
    } else {
        None
    }
}

/// The line of a log that says most: the last that names an error, else the last that is not empty.
fn telling_line(words: &str) -> String {
    let lines = || words.lines().rev().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("at "));
    let named = lines().find(|l| {
        let l = l.to_ascii_lowercase();
        l.contains("error") || l.contains("required") || l.contains("missing") || l.contains("please")
    });
    named.or_else(|| lines().next()).unwrap_or_default().to_owned()
}

/// Comes back once the log has said for a while that the server listens on HTTP.
async fn serves_http(log: &LogRing) {
    let mut since = None;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if since.is_none() && Signs::read(&log.tail(LOG_TAIL)).listens_on_http {
            since = Some(Instant::now());
        }
        if since.is_some_and(|s| s.elapsed() > HTTP_PATIENCE) {
            return;
        }
    }
}
