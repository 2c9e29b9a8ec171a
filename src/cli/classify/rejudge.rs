//! `catalogue classify` on the database: every stored definition under the rules in force, and what that changed.
//!
//! Verdicts are added under the new rule set's hash piece by piece, each piece stored as it is judged, and the rule set
//! is put in force when all is there: a run that is ended goes on where it was, and until then the old verdicts are shown.

use rayon::prelude::*;

use super::super::clock::Clock;
use super::super::corrections;
use super::super::exit::Exit;
use super::super::scan::report::counted;
use super::super::settings::Settings;
use super::ClassifyOptions;
use crate::classify::RuleSet;
use crate::model::{Class, ToolDefinition, Untrusted};
use crate::progress;
use crate::store::{ChangedTool, Judgement, Move, Store, changed_tools, moves};

/// Canonical JSON that is judged and stored at once.
const PIECE_BYTES: usize = 4 << 20;
/// Changed tools that are printed unless `--limit` says otherwise.
const SHOWN: u32 = 50;

pub(super) fn run(settings: &Settings, rules: &RuleSet, options: &ClassifyOptions) -> anyhow::Result<Exit> {
    let mut store = corrections::open(settings)?;
    let earlier = store.rule_set_in_force()?;
    let mut judged = classify_missing(&mut store, rules.hash(), settings.clock, || Ok(rules))?;
    store.use_rule_set(rules.hash(), settings.clock.now())?;
    // What a scan stored meanwhile under the rules it began with.
    judged += classify_missing(&mut store, rules.hash(), settings.clock, || Ok(rules))?;
    corrections::say_expired(store.connection())?;
    let said = format!("{} judged by rule set {}", counted(judged, "definition"), short(rules.hash()));
    let earlier = match earlier.as_deref() {
        None => return said_only(options, &format!("{said}; nothing was judged before")),
        Some(earlier) if earlier == rules.hash() => {
            return said_only(options, &format!("the rules are unchanged; {said}"));
        }
        Some(earlier) => earlier,
    };
    let db = store.connection();
    if options.json {
        changed_tools(db, earlier, rules.hash(), options.limit, |tool| -> anyhow::Result<()> {
            Ok(progress::print_json(&tool)?)
        })?;
    } else if !options.quiet {
        let moves = moves(db, earlier, rules.hash())?;
        progress::print(&format!("{said}; before it, {} was in force\n\n{}", short(earlier), table(&moves)))?;
        let limit = options.limit.unwrap_or(SHOWN);
        let mut shown = 0;
        changed_tools(db, earlier, rules.hash(), Some(limit), |tool| -> anyhow::Result<()> {
            shown += 1;
            Ok(progress::print(&paragraph(&tool, shown == 1))?)
        })?;
        let more = changed(&moves).saturating_sub(shown);
        if more > 0 {
            progress::print(&format!("\nand {more} more; --limit N shows N, --json all of them\n"))?;
        }
    }
    Ok(Exit::Ok)
}

/// With `--json` standard output belongs to the changed tools, of which there are none.
fn said_only(options: &ClassifyOptions, line: &str) -> anyhow::Result<Exit> {
    if options.json {
        progress::say(line);
    } else if !options.quiet {
        progress::print(&format!("{line}\n"))?;
    }
    Ok(Exit::Ok)
}

/// Judges every definition that has no verdict under these rules, storing each piece as it is judged; returns how many.
/// The rules are asked for, by the hash they have, only where there is something to judge.
pub(in crate::cli) fn classify_missing<'r>(
    store: &mut Store,
    hash: &str,
    clock: Clock,
    rules: impl Fn() -> anyhow::Result<&'r RuleSet>,
) -> anyhow::Result<usize> {
    let (mut count, mut after) = (0, None);
    loop {
        let piece = store.definitions_without_verdict(hash, after.as_ref(), PIECE_BYTES)?;
        let Some((last, _)) = piece.last() else { return Ok(count) };
        let rules = rules()?;
        after = Some(last.clone());
        let judged: Vec<_> = piece
            .into_par_iter()
            .filter_map(|(hash, canonical)| {
                // Canonical text was a tool when it was stored; what cannot be read any more is left without a verdict.
                let tool = ToolDefinition::from_json(&canonical).ok()?;
                Some((hash, rules.judge(&tool)))
            })
            .collect();
        store.add_verdicts(hash, &judged, clock.now())?;
        count += judged.len();
    }
}

/// How many tools [`changed_tools`] hands over.
fn changed(moves: &[Move]) -> u64 {
    let known = moves.iter().filter_map(|m| m.was.map(|was| (was, m)));
    known.map(|(was, m)| if was == m.is { m.other_risk + m.other_signals } else { m.tools }).sum()
}

/// From class to class, the furthest first, then what stayed.
fn table(moves: &[Move]) -> String {
    let mut crossed: Vec<(i32, Class, &Move)> = moves
        .iter()
        .filter_map(|m| m.was.filter(|was| *was != m.is).map(|was| (m.is as i32 - was as i32, was, m)))
        .collect();
    crossed.sort_by_key(|(step, was, _)| (-step.abs(), -step, *was));
    let mut lines: Vec<(String, u64)> =
        crossed.iter().map(|(_, was, m)| (format!("{was} -> {}", m.is), m.tools)).collect();
    let stayed = || moves.iter().filter(|m| m.was == Some(m.is));
    let (risk, signals) =
        (stayed().map(|m| m.other_risk).sum::<u64>(), stayed().map(|m| m.other_signals).sum::<u64>());
    lines.push(("same class, other risk".to_owned(), risk));
    lines.push(("same class and risk, other signals or review".to_owned(), signals));
    lines.push(("unchanged".to_owned(), stayed().map(|m| m.tools).sum::<u64>() - risk - signals));
    let first = moves.iter().filter(|m| m.was.is_none()).map(|m| m.tools).sum();
    lines.push(("judged for the first time".to_owned(), first));
    lines.retain(|(_, tools)| *tools > 0);
    let wide = lines.iter().map(|(what, _)| what.chars().count()).max().unwrap_or(0);
    lines.iter().map(|(what, tools)| format!("{what:wide$}  {tools:>7}\n")).collect()
}

fn paragraph(tool: &ChangedTool, first: bool) -> String {
    let show = |text: &str, most| Untrusted::new(text).for_terminal(most);
    let corrected = if tool.corrected { "; a person's correction is in force" } else { "" };
    format!(
        "{}{} {}  {}\n  {} -> {}{corrected}\n",
        if first { "\n" } else { "" },
        show(&tool.server, 120),
        show(&tool.release, 40),
        show(&tool.tool, 80),
        words(&tool.was, &tool.is),
        words(&tool.is, &tool.was),
    )
}

/// A judgement in words; what only says more where it differs is left out where it does not.
fn words(one: &Judgement, other: &Judgement) -> String {
    let mut text = format!("{}, {}", one.class, one.risk);
    if one.signals != other.signals {
        let signals: Vec<&str> = one.signals.iter().map(|signal| signal.as_str()).collect();
        text.push_str(&format!(
            " ({})",
            if signals.is_empty() { "no signal".to_owned() } else { signals.join(", ") }
        ));
    }
    if one.needs_review != other.needs_review && one.needs_review {
        text.push_str(", needs review");
    }
    text
}

/// Enough of a hash to tell rule sets apart.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_furthest_move_first_and_adds_up() {
        let moved =
            |was, is, tools, other_risk, other_signals| Move { was, is, tools, other_risk, other_signals };
        let moves = [
            moved(None, Class::Read, 4, 0, 0),
            moved(Some(Class::Destructive), Class::Read, 2, 2, 0),
            moved(Some(Class::Read), Class::Destructive, 3, 3, 0),
            moved(Some(Class::Read), Class::Read, 100, 5, 7),
            moved(Some(Class::Read), Class::Write, 6, 1, 1),
        ];
        let table = table(&moves);
        let rows: Vec<(String, u64)> = table
            .lines()
            .filter_map(|line| line.rsplit_once("  "))
            .map(|(what, tools)| (what.trim().to_owned(), tools.trim().parse().unwrap()))
            .collect();
        let expected = [
            ("read -> destructive", 3),
            ("destructive -> read", 2),
            ("read -> write", 6),
            ("same class, other risk", 5),
            ("same class and risk, other signals or review", 7),
            ("unchanged", 88),
            ("judged for the first time", 4),
        ];
        assert_eq!(rows, expected.map(|(what, tools)| (what.to_owned(), tools)));
        assert_eq!(changed(&moves), 3 + 2 + 6 + 5 + 7);
    }
}
