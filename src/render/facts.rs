//! How a server was asked, as pages tell it: package, version, start, sandbox, protocol, what was given.

use serde::Serialize;
use url::Url;

use super::name::tool_name;
use super::words::{Day, day, registry_word};
use crate::model::{MemoryBound, Outcome, SandboxLevel, ServerKey, Untrusted};
use crate::store::site::{SiteAttempt, SiteProbe};

/// Provenance of everything a page says.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Facts {
    /// `npm`, `pypi`, `github`, `remote` or `local`.
    pub(super) registry: &'static str,
    /// The registry's name in a sentence.
    pub(super) registry_word: &'static str,
    /// The package's, repository's or server's name in its registry.
    pub(super) package: String,
    /// Empty where there are no versions.
    pub(super) version: String,
    pub(super) published: Option<Day>,
    pub(super) asked: Day,
    /// As it can be linked: `https` only.
    pub(super) repository: Option<String>,
    pub(super) homepage: Option<String>,
    pub(super) licence: Option<String>,
    /// What the registry says it is. Foreign text.
    pub(super) description: Option<String>,
    pub(super) sandbox: &'static str,
    /// `cgroup`, `watched`, or empty.
    pub(super) memory_bound: &'static str,
    pub(super) transport: &'static str,
    pub(super) protocol: Option<String>,
    pub(super) interpreter: Option<String>,
    /// Program and arguments as one line for a shell.
    pub(super) started_with: String,
    /// Settings that were given placeholders.
    pub(super) given: Vec<String>,
    /// Arguments that were added.
    pub(super) added: String,
    pub(super) dependencies_as_of: Option<String>,
    pub(super) seconds: String,
    pub(super) pages: u32,
    pub(super) malformed: u32,
    pub(super) noise_lines: u32,
    pub(super) marks: Vec<String>,
}

/// One attempt as a page shows it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AttemptView {
    pub(super) number: usize,
    /// The ladder's word for it.
    pub(super) rung: String,
    pub(super) command: String,
    pub(super) given: Vec<String>,
    pub(super) outcome: &'static str,
    pub(super) meaning: &'static str,
    pub(super) detail: String,
    pub(super) seconds: String,
    /// The last lines it wrote. Foreign text.
    pub(super) log: String,
}

/// Reads the facts of one probe.
pub(super) fn facts(key: &ServerKey, probe: &SiteProbe, chosen: Option<&SiteAttempt>) -> Facts {
    let line =
        |text: &Option<Untrusted>| text.as_ref().filter(|t| !t.is_blank()).map(|t| t.for_page_line(300));
    let date = |text: &String| text.split('T').next().unwrap_or_default().to_owned();
    Facts {
        registry: key.registry().as_str(),
        registry_word: registry_word(key.registry()),
        package: Untrusted::new(key.name()).for_page_line(300),
        version: Untrusted::new(probe.version.as_str()).for_page_line(100),
        published: probe.published_at.map(day),
        asked: day(probe.finished_at),
        repository: probe.repository.as_ref().and_then(https_only),
        homepage: probe.homepage.as_ref().and_then(https_only),
        licence: line(&probe.licence),
        description: line(&probe.description),
        sandbox: probe.sandbox.map_or("", SandboxLevel::as_str),
        memory_bound: probe.memory_bound.map_or("", MemoryBound::as_str),
        transport: transport_word(probe.transport.as_deref()),
        protocol: line(&probe.protocol),
        interpreter: probe.interpreter.as_deref().map(|t| Untrusted::new(t).for_page_line(80)),
        started_with: chosen.map(|a| command_line(&a.command)).unwrap_or_default(),
        given: chosen.map(given).unwrap_or_default(),
        added: chosen.map(|a| command_line(&a.args)).unwrap_or_default(),
        dependencies_as_of: chosen.and_then(|a| a.dependencies_as_of.as_ref()).map(date),
        seconds: chosen.map(|a| seconds(a.millis)).unwrap_or_default(),
        pages: probe.pages,
        malformed: probe.malformed,
        noise_lines: probe.noise_lines,
        marks: probe.marks.iter().map(|m| Untrusted::new(m.as_str()).for_page_line(60)).collect(),
    }
}

/// The attempts of a probe; only the last one that left a log carries it, to keep pages small.
pub(super) fn attempt_views(attempts: &[SiteAttempt]) -> Vec<AttemptView> {
    let last_log = attempts.iter().rposition(|a| !a.log_tail.is_blank());
    let view = |(i, a): (usize, &SiteAttempt)| AttemptView {
        number: i + 1,
        rung: a.rung.clone(),
        command: command_line(&a.command),
        given: given(a),
        outcome: a.outcome.as_str(),
        meaning: Outcome::meaning(a.outcome),
        detail: a.detail.for_page_line(300),
        seconds: seconds(a.millis),
        log: if Some(i) == last_log { a.log_tail.for_page(8_192) } else { String::new() },
    };
    attempts.iter().enumerate().map(view).collect()
}

/// An address that may be linked.
fn https_only(text: &Untrusted) -> Option<String> {
    let url = Url::parse(text.raw().trim()).ok()?;
    (url.scheme() == "https"
        && url.host_str().is_some()
        && url.as_str().len() <= 500
        && url.username().is_empty()
        && url.password().is_none())
    .then(|| url.to_string())
}

fn transport_word(transport: Option<&str>) -> &'static str {
    match transport {
        Some("streamable-http") => "streamable HTTP",
        Some("http-sse") => "HTTP with SSE",
        _ => "stdio",
    }
}

fn given(attempt: &SiteAttempt) -> Vec<String> {
    attempt.env.keys().map(|name| tool_name(name, 100)).collect()
}

fn command_line(words: &[String]) -> String {
    let line = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_default();
    Untrusted::new(line).for_page_line(500)
}

/// `0.31`, `12.4`, `60`: as exact as it means something.
fn seconds(millis: u64) -> String {
    let seconds = millis as f64 / 1_000.0;
    match millis {
        0..10_000 => format!("{seconds:.2}"),
        10_000..60_000 => format!("{seconds:.1}"),
        _ => format!("{seconds:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_addresses_are_linked() {
        let link = |text: &str| https_only(&Untrusted::from(text));
        assert_eq!(link("https://h.example/o/r").as_deref(), Some("https://h.example/o/r"));
        for bad in [
            "http://h.example/",
            "javascript:alert(1)",
            "https://u:p@h.example/",
            "https://:p@h.example/",
            "data:text/html,x",
            "",
        ] {
            assert_eq!(link(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_are_as_exact_as_they_mean_something() {
        assert_eq!(
            (seconds(310), seconds(12_440), seconds(60_000)),
            ("0.31".into(), "12.4".into(), "60".into())
        );
    }
}
