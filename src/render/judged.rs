//! One server's tools with the verdict in force: stored or judged here, corrected by people, doubles put together.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::classify::RuleBook;
use crate::model::text::every;
use crate::model::{ToolDefinition, Verdict};
use crate::store::Override;
use crate::store::site::Corrections;
use crate::store::stored_tool::SiteTool;

/// One tool of a page: a name, the definition that speaks for it, and what was decided.
#[derive(Debug, Clone)]
pub(super) struct JudgedTool {
    /// The definition; of doubles the more severe one.
    pub(super) definition: ToolDefinition,
    /// When that definition was first seen.
    pub(super) first_seen: jiff::Timestamp,
    /// The verdict in force.
    pub(super) verdict: Arc<Verdict>,
    /// What the rules said.
    pub(super) by_rules: Arc<Verdict>,
    /// The evidence of that as it is stored, JSON on one line; None where it was judged here.
    pub(super) evidence: Option<String>,
    /// The correction that was applied.
    pub(super) correction: Option<Override>,
    /// Other entries of the list that have the same name, with other definitions.
    pub(super) others: Vec<OtherDefinition>,
}

/// A further definition under a name that a server lists twice.
#[derive(Debug, Clone)]
pub(super) struct OtherDefinition {
    /// The definition.
    pub(super) definition: ToolDefinition,
    /// Its verdict.
    pub(super) verdict: Arc<Verdict>,
}

/// Rows of one server, read together so that everything after needs no database.
#[derive(Debug)]
pub(super) struct ToolRows {
    tools: Vec<SiteTool>,
    corrections: Corrections,
}

impl ToolRows {
    /// What [`judge`] needs.
    pub(super) fn new(tools: Vec<SiteTool>, corrections: Corrections) -> Self {
        Self { tools, corrections }
    }
}

/// Every name once, in the order the server lists them. Pure.
pub(super) fn judge(rows: ToolRows, rules: &RuleBook) -> Vec<JudgedTool> {
    let mut tools: Vec<JudgedTool> = Vec::with_capacity(rows.tools.len());
    let mut place: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.tools {
        // What is stored as a definition was read once already; one that no longer reads is none.
        let Ok(definition) = ToolDefinition::from_canonical(row.canonical, row.hash) else {
            continue;
        };
        let by_rules = Arc::new(row.verdict.unwrap_or_else(|| rules.judge(&definition)));
        let name = definition.name().to_owned();
        let correction = if rows.corrections.is_empty() {
            None
        } else {
            rows.corrections.get(&(name.clone(), definition.hash().clone())).cloned()
        };
        let verdict = match &correction {
            Some(correction) => Arc::new(correction.applied_to(&by_rules)),
            None => Arc::clone(&by_rules),
        };
        let tool = JudgedTool {
            definition,
            first_seen: row.first_seen,
            verdict,
            by_rules,
            // Written by `store`; a person who put line ends into it finds them gone.
            evidence: row.evidence.filter(|text| every(text.as_bytes(), |byte| byte >= b' ')),
            correction,
            others: Vec::new(),
        };
        match place.get(&name) {
            None => {
                place.insert(name, tools.len());
                tools.push(tool);
            }
            Some(i) => {
                if let Some(known) = tools.get_mut(*i) {
                    put_together(known, tool);
                }
            }
        }
    }
    tools
}

/// The more severe definition speaks for the name; the other one is kept beside it.
fn put_together(known: &mut JudgedTool, mut twin: JudgedTool) {
    if twin.definition.hash() == known.definition.hash() {
        return;
    }
    let severity = |v: &Verdict| (v.class, v.risk, v.needs_review);
    if severity(&twin.verdict) > severity(&known.verdict) {
        std::mem::swap(known, &mut twin);
        known.others.append(&mut twin.others);
    }
    known.others.push(OtherDefinition { definition: twin.definition, verdict: twin.verdict });
}
