//! A server's page: its tools gravest first, the policy for all of them, and how it was asked; or why it was not heard.

use serde::Serialize;

use super::RenderError;
use super::catalogue::{Catalogue, ServerEntry, ToolEntry, ToolLine};
use super::control::{FormatView, Launch, launch, server_formats, shell_line};
use super::declared::{DeclaredView, declared_views};
use super::facts::{AttemptView, Facts, attempt_views, facts};
use super::identity::{IdentityView, identity_view};
use super::judged::JudgedTool;
use super::name::ServerName;
use super::page::{Pager, Press, parts};
use super::words::{ClassCount, Day, day};
use crate::policy::{Judged, Numbers, ServerPolicy, Tier, policy_for_server};
use crate::store::StoredDeclared;
use crate::store::identity::{NodeIdentity, SitePlace};
use crate::store::site::{SiteAttempt, SiteProbe};

/// Lines of a list of tools on one page.
const TOOLS_ON_PAGE: usize = 500;
/// Lines of a policy that are shown; the file has all of them.
const POLICY_LINES: usize = 40;

/// Everything read for one server; nothing after needs the database.
#[derive(Debug)]
pub(super) struct ServerRows {
    /// Its place in the catalogue.
    pub(super) index: usize,
    /// The probe its page shows.
    pub(super) shown: SiteProbe,
    /// Attempts of that probe.
    pub(super) attempts: Vec<SiteAttempt>,
    /// The newest probe, where it is another one.
    pub(super) newer: Option<SiteProbe>,
    /// Lists that others declare of it.
    pub(super) declared: Vec<StoredDeclared>,
    /// Its tools, if it answered.
    pub(super) tools: Option<super::judged::ToolRows>,
    /// Who it is.
    pub(super) identity: (NodeIdentity, Vec<SitePlace>),
}

impl ServerRows {
    /// The attempt whose list was kept.
    pub(super) fn chosen(&self) -> Option<&SiteAttempt> {
        let chosen = self.shown.chosen?;
        self.attempts.iter().find(|a| a.position == chosen)
    }
}

#[derive(Serialize)]
struct ServerView<'a> {
    server: &'a ServerName,
    facts: &'a Facts,
    total: usize,
    classes: Vec<ClassCount>,
    tools: Vec<ToolLine>,
    pager: Pager,
    formats: &'a [FormatView],
    launch: &'a Launch,
    hints: usize,
    mismatches: Vec<ToolLine>,
    newer: Option<NewerView>,
    declared: Vec<DeclaredView>,
    identity: &'a IdentityView,
}

/// A newer probe than the one shown, which did not answer.
#[derive(Debug, Clone, Serialize)]
struct NewerView {
    version: String,
    outcome: &'static str,
    meaning: &'static str,
    asked: Day,
}

#[derive(Serialize)]
struct QuietView<'a> {
    server: &'a ServerName,
    facts: Facts,
    outcome: &'static str,
    meaning: &'static str,
    hint: &'static str,
    detail: String,
    lasting: bool,
    attempts: Vec<AttemptView>,
    log: String,
    target: String,
    others: Vec<super::catalogue::ServerLine>,
    declared: Vec<DeclaredView>,
    identity: IdentityView,
}

/// The policy of a server from the verdicts its pages show.
pub(super) fn server_policy(entry: &ServerEntry, judged: &[JudgedTool], numbers: &Numbers) -> ServerPolicy {
    let tools = judged.iter().map(|t| Judged { definition: &t.definition, verdict: &t.verdict });
    policy_for_server(entry.key(), &entry.version, tools, numbers, Tier::default())
}

/// Writes the pages and policy files of a server that answered; returns the pages' paths.
///
/// # Errors
/// See [`Press::page`].
pub(super) fn write_server(
    press: &Press<'_>,
    catalogue: &Catalogue,
    entry: &ServerEntry,
    rows: &ServerRows,
    judged: &[JudgedTool],
    policy: &ServerPolicy,
) -> Result<Vec<String>, RenderError> {
    let path = &entry.name.path;
    let mut formats = Vec::new();
    for (view, whole) in server_formats(policy, path, POLICY_LINES)? {
        press.output.put(&view.file, whole.as_bytes())?;
        formats.push(view);
    }
    let mut tools: Vec<&ToolEntry> = catalogue.tools_of(entry).iter().collect();
    tools.sort_by(|a, b| (b.class, b.risk, &a.raw_name).cmp(&(a.class, a.risk, &b.raw_name)));
    let facts = facts(entry.key(), &rows.shown, rows.chosen());
    let launch = launch(entry.key(), &rows.shown, rows.chosen());
    let classes: Vec<ClassCount> = entry.line().classes;
    let identity = identity_view(catalogue, entry.key(), &rows.identity);
    let mismatch = crate::model::Signal::AnnotationMismatch;
    let mut pages = Vec::new();
    for (page, pager) in
        parts(&format!("{path}/index.html"), &format!("{path}/list"), tools.len(), TOOLS_ON_PAGE)
    {
        let start = (pager.number - 1) * TOOLS_ON_PAGE;
        let declared = if pager.number == 1 { declared_views(&rows.declared) } else { Vec::new() };
        let lines = tools.iter().skip(start).take(TOOLS_ON_PAGE);
        let view = ServerView {
            server: &entry.name,
            facts: &facts,
            total: tools.len(),
            classes: classes.clone(),
            tools: lines.map(|t| catalogue.tool_line(t, false)).collect(),
            pager,
            formats: &formats,
            launch: &launch,
            hints: judged.iter().filter(|t| has_hints(t)).count(),
            mismatches: tools
                .iter()
                .filter(|t| t.signals.contains(&mismatch))
                .take(10)
                .map(|t| catalogue.tool_line(t, false))
                .collect(),
            newer: rows.newer.as_ref().map(newer_view),
            declared,
            identity: &identity,
        };
        press.page("server.html", &page, &view)?;
        pages.push(page);
    }
    Ok(pages)
}

fn newer_view(probe: &SiteProbe) -> NewerView {
    NewerView {
        version: crate::model::Untrusted::new(probe.version.as_str()).for_page_line(100),
        outcome: probe.outcome.as_str(),
        meaning: probe.outcome.meaning(),
        asked: day(probe.finished_at),
    }
}

fn has_hints(tool: &JudgedTool) -> bool {
    let hints = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];
    hints.iter().any(|h| tool.definition.hint(h).is_some())
}

/// Writes the page of a server that never answered; returns its path.
///
/// # Errors
/// See [`Press::page`].
pub(super) fn write_quiet(
    press: &Press<'_>,
    catalogue: &Catalogue,
    entry: &ServerEntry,
    rows: &ServerRows,
) -> Result<String, RenderError> {
    let outcome = rows.shown.outcome;
    let attempts = attempt_views(&rows.attempts);
    let release = crate::model::Release { server: entry.key().clone(), version: rows.shown.version.clone() }
        .to_string();
    let view = QuietView {
        server: &entry.name,
        facts: facts(entry.key(), &rows.shown, rows.attempts.last()),
        outcome: outcome.as_str(),
        meaning: outcome.meaning(),
        hint: outcome.hint(),
        detail: rows.shown.detail.for_page_line(400),
        lasting: outcome.is_lasting(),
        log: attempts.iter().rev().find(|a| !a.log.is_empty()).map(|a| a.log.clone()).unwrap_or_default(),
        attempts,
        // An address may hold what a shell takes for a command of its own.
        target: shell_line([release.as_str()]),
        others: same_outcome(catalogue, entry),
        declared: declared_views(&rows.declared),
        identity: identity_view(catalogue, entry.key(), &rows.identity),
    };
    let path = format!("{}/index.html", entry.name.path);
    press.page("server-quiet.html", &path, &view)?;
    Ok(path)
}

/// A few other servers that ended the same way: those that come next by key.
fn same_outcome(catalogue: &Catalogue, entry: &ServerEntry) -> Vec<super::catalogue::ServerLine> {
    let same = |s: &&ServerEntry| !s.answered() && s.outcome == entry.outcome && s.key() != entry.key();
    let place = catalogue.servers.partition_point(|s| s.key().to_string() < entry.key().to_string());
    let (before, after) = catalogue.servers.split_at(place.min(catalogue.servers.len()));
    after.iter().chain(before).filter(same).take(4).map(ServerEntry::line).collect()
}
