//! A server's page: its tools gravest first, the policy for all of them, and how it was asked; or why it was not heard.

use std::collections::BTreeSet;

use serde::Serialize;

use super::catalogue::{Catalogue, ServerEntry, ToolEntry, ToolLine};
use super::declared::{DeclaredView, declared_views};
use super::digest::Digest;
use super::exposure::{AttackLine, server_attack_lines};
use super::facts::{AttemptView, Facts, attempt_views, facts};
use super::hints::{Hints, hints};
use super::identity::{IdentityView, identity_view};
use super::judged::JudgedTool;
use super::kinds::{MadeFrom, Make, PageKind};
use super::launch::{Launch, launch, shell_line};
use super::like_servers::{LikeServer, like_servers};
use super::name::ServerName;
use super::page::{Pager, parts};
use super::policy_files::{ServerFormat, server_formats};
use super::server_questions::{self, Asked, put_questions};
use super::site_work::{Common, ServerWork};
use super::tool_lines::LINE;
use super::trifecta::{Leg, legs};
use super::words::{ClassCount, Day, RiskCount, day, risk_counts};
use super::{RenderError, badge, markdown, structured, twin};
use crate::model::{Class, Signal};
use crate::policy::Tier;
use crate::store::StoredDeclared;
use crate::store::identity::{NodeIdentity, SitePlace};
use crate::store::site::{SiteAttempt, SiteProbe};
use crate::store::site_history::SiteHistory;

/// Lines of a list of tools on one page.
const TOOLS_ON_PAGE: usize = 500;
/// Tools whose hints contradict the verdict that are named.
const MISMATCHES: usize = 10;
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
    /// What it listed before.
    pub(super) history: SiteHistory,
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
    pager: Pager,
    formats: &'a [ServerFormat],
    launch: &'a Launch,
    /// The server's key as one word for a shell; empty where none should be pasted.
    target: &'a str,
    hints: HintCounts,
    mismatches: &'a [ToolLine<'a>],
    mismatches_left_out: usize,
    newer: Option<NewerView>,
    declared: Vec<DeclaredView>,
    identity: &'a IdentityView,
    attacks: &'a [AttackLine<'a>],
    /// Tools behind the lethal trifecta.
    legs: &'a [Leg<'a>],
    /// Other servers with similar tools.
    like: &'a [LikeServer<'a>],
    by_risk: &'a [RiskCount],
    /// For the questions.
    asked: &'a Asked<'a>,
    json_ld: &'a str,
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

/// What its authors' hints come to.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct HintCounts {
    /// Tools that state one at least.
    stated: usize,
    /// Tools that say they only read, and how many of them are judged so.
    read_only: usize,
    read_only_right: usize,
    /// Tools with a hint that contradicts the verdict.
    contradicting: usize,
}

/// A server that answered.
pub(super) const ANSWERED: PageKind = PageKind {
    id: "server",
    path: "servers/{registry}/{name}/index.html, …/list/{part}.html, …/policy/{format}",
    templates: &["server.html", LINE, server_questions::TEMPLATE],
    made_from: MadeFrom::Server,
    counts: false,
    make: Make::Server(answered),
};
/// A server that never did.
pub(super) const QUIET: PageKind = PageKind {
    id: "server-quiet",
    path: "servers/{registry}/{name}/index.html",
    templates: &["server-quiet.html"],
    made_from: MadeFrom::Server,
    counts: false,
    make: Make::Server(quiet),
};

/// The pages of a server itself.
pub(super) fn pages(entry: &ServerEntry) -> Vec<String> {
    own_parts(entry).into_iter().map(|(path, _)| path).collect()
}

fn own_parts(entry: &ServerEntry) -> Vec<(String, Pager)> {
    let path = &entry.name.path;
    parts(&format!("{path}/index.html"), &format!("{path}/list"), entry.tool_count, TOOLS_ON_PAGE)
}

/// Pages and policy files of a server that answered.
fn answered(work: &ServerWork<'_>) -> Result<(), RenderError> {
    let (Some(judged), Some(policies)) = (work.judged, work.policies) else { return Ok(()) };
    let Common { press, catalogue, .. } = work.common;
    let (entry, rows) = (work.entry, work.rows);
    let folder = &entry.name.path;
    let read_back = press.checker.is_some();
    let formats = server_formats(policies, POLICY_LINES, press.twins.policies, read_back, |file, text| {
        press.file(work.unit, &format!("{folder}/{file}"), text.as_bytes())
    })?;
    let mut tools: Vec<(&ToolEntry, &str)> =
        catalogue.tools_of(entry).iter().map(|tool| (tool, catalogue.name_of(tool))).collect();
    tools.sort_by(|(a, a_name), (b, b_name)| (b.class, b.risk, a_name).cmp(&(a.class, a.risk, b_name)));
    let lines: Vec<ToolLine<'_>> = tools.iter().map(|(tool, _)| catalogue.tool_line(tool, false)).collect();
    let asked = Asked::of(tools.iter().map(|(tool, _)| *tool).zip(&lines));
    let legs = legs(entry, tools.iter().map(|(tool, _)| *tool).zip(&lines));
    let said: Vec<Hints> = judged.iter().map(|tool| hints(&tool.definition, &tool.verdict)).collect();
    let contradicting = judged.iter().zip(&said).filter(|(_, said)| said.contradicts);
    let contradicting: BTreeSet<&str> = contradicting.map(|(tool, _)| tool.definition.name()).collect();
    let mut mismatches: Vec<ToolLine<'_>> = tools
        .iter()
        .zip(&lines)
        .filter(|((tool, name), _)| tool.has(Signal::AnnotationMismatch) || contradicting.contains(name))
        .map(|(_, line)| line.clone())
        .collect();
    let hint_counts = hint_counts(judged, &said, mismatches.len());
    mismatches.truncate(MISMATCHES);
    let facts = work.facts();
    let launch = launch(entry.key(), &rows.shown, rows.chosen());
    let classes: Vec<ClassCount> = entry.line().classes;
    // An address may hold what a shell takes for a command of its own.
    let target = shell_line([entry.key().to_string().as_str()]);
    let identity = identity_view(catalogue, entry.key(), &rows.identity);
    let attacks = server_attack_lines(work.common.library, entry.traits);
    let by_risk = risk_counts(entry.risks(catalogue));
    let like = like_servers(work);
    let json_ld = structured::server(entry, facts, press.options.base_url.as_ref());
    let page = format!("{folder}/index.html");
    press.twin_text(work.unit, &page, twin::SERVER.inputs(&(entry.rows, &like)), || {
        let names = tools.iter().map(|(_, name)| *name);
        let twin = twin::ServerTwin::answered(entry, facts, &classes, &lines);
        Ok(twin.come_to(&by_risk, policies.of(Tier::Recommended), names).like(&like).text())
    })?;
    let of_markdown = || Digest::of(&(entry.rows, press.twins, &like));
    press.beside("md", work.unit, &page, of_markdown, || {
        let counts = (classes.as_slice(), by_risk.as_slice());
        markdown::server(&entry.name, facts, counts, &lines, &like, press.twins.policies)
    })?;
    press.beside("svg", work.unit, &page, || Digest::of(&classes), || badge::server(&classes))?;
    for (page, pager) in own_parts(entry) {
        let start = (pager.number - 1) * TOOLS_ON_PAGE;
        let declared = if pager.number == 1 { declared_views(&rows.declared) } else { Vec::new() };
        let first = pager.number == 1;
        let own = work.server_inputs(pager.number);
        // Only the first part names other servers.
        let inputs = if first { Digest::of(&(own, &like)) } else { own };
        let view = || ServerView {
            server: &entry.name,
            facts,
            total: tools.len(),
            classes: classes.clone(),
            pager,
            formats: &formats,
            launch: &launch,
            target: &target,
            hints: hint_counts,
            mismatches_left_out: hint_counts.contradicting - mismatches.len(),
            mismatches: &mismatches,
            newer: rows.newer.as_ref().map(newer_view),
            declared,
            identity: &identity,
            attacks: &attacks,
            legs: &legs,
            like: &like,
            by_risk: &by_risk,
            asked: &asked,
            json_ld: &json_ld,
        };
        let shown = lines.get(start..lines.len().min(start + TOOLS_ON_PAGE)).unwrap_or_default();
        press.page_on("server.html", &ANSWERED, work.unit, &page, inputs, || {
            let mut sheet = press.sheet_with_tools("server.html", &page, &view(), shown)?;
            if first {
                put_questions(press, &mut sheet)?;
            }
            Ok(sheet)
        })?;
    }
    Ok(())
}

fn newer_view(probe: &SiteProbe) -> NewerView {
    NewerView {
        version: crate::model::Untrusted::new(probe.version.as_str()).for_page_line(100),
        outcome: probe.outcome.as_str(),
        meaning: probe.outcome.meaning(),
        asked: day(probe.finished_at),
    }
}

fn hint_counts(judged: &[JudgedTool], said: &[Hints], contradicting: usize) -> HintCounts {
    let stated = said.iter().filter(|said| said.stated).count();
    let mut counts = HintCounts { contradicting, stated, ..HintCounts::default() };
    for tool in judged {
        if tool.definition.hint("readOnlyHint") == Some(true) {
            counts.read_only += 1;
            counts.read_only_right += usize::from(tool.verdict.class == Class::Read);
        }
    }
    counts
}

/// The page of a server that never answered.
fn quiet(work: &ServerWork<'_>) -> Result<(), RenderError> {
    if work.judged.is_some() {
        return Ok(());
    }
    let Common { press, catalogue, .. } = work.common;
    let (entry, rows) = (work.entry, work.rows);
    let outcome = rows.shown.outcome;
    let attempts = attempt_views(&rows.attempts);
    let release = crate::model::Release { server: entry.key().clone(), version: rows.shown.version.clone() }
        .to_string();
    let facts = facts(entry.key(), &rows.shown, rows.attempts.last());
    let path = format!("{}/index.html", entry.name.path);
    press.twin_text(work.unit, &path, twin::SERVER.inputs(&entry.rows), || {
        Ok(twin::ServerTwin::quiet(entry, &facts).text())
    })?;
    let inputs = Digest::of(&(entry.rows, "quiet"));
    press.beside(
        "md",
        work.unit,
        &path,
        || inputs,
        || markdown::quiet(&entry.name, &facts, outcome.as_str(), outcome.meaning()),
    )?;
    press.beside("svg", work.unit, &path, || inputs, badge::not_judged)?;
    let view = QuietView {
        server: &entry.name,
        facts,
        outcome: outcome.as_str(),
        meaning: outcome.meaning(),
        hint: outcome.hint(),
        detail: rows.shown.detail.for_page_line(400),
        lasting: outcome.is_lasting(),
        log: attempts.iter().rev().find(|a| !a.log.is_empty()).map(|a| a.log.clone()).unwrap_or_default(),
        attempts,
        // An address may hold what a shell takes for a command of its own.
        target: shell_line([release.as_str()]),
        others: same_outcome(catalogue, entry).map(ServerEntry::line).collect(),
        declared: declared_views(&rows.declared),
        identity: identity_view(catalogue, entry.key(), &rows.identity),
    };
    press.page(&QUIET, work.unit, &path, &view)
}

/// A few other servers that ended the same way: those that come next by key.
pub(super) fn same_outcome<'a>(
    catalogue: &'a Catalogue,
    entry: &'a ServerEntry,
) -> impl Iterator<Item = &'a ServerEntry> {
    let same = |s: &&ServerEntry| !s.answered() && s.outcome == entry.outcome && s.key() != entry.key();
    let own = entry.key_text();
    let place = catalogue.servers.partition_point(|s| s.key_text() < own);
    let (before, after) = catalogue.servers.split_at(place.min(catalogue.servers.len()));
    after.iter().chain(before).filter(same).take(4)
}
