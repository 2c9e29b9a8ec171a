//! What a scan says: one object a target with `--json`, the closing table, the summary.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Class, Outcome, SandboxLevel, Untrusted};
use crate::progress;

/// How one target ended, in the shape that `--json` prints.
#[derive(Debug, Clone, Serialize)]
pub(in crate::cli) struct Row {
    /// The server's key.
    pub server: String,
    /// The exact release; empty where there is none.
    pub release: String,
    /// The outcome's word.
    pub outcome: Outcome,
    /// True if it was stored before and not asked again.
    pub stored: bool,
    /// One line on why. Foreign text, cleaned.
    pub detail: String,
    /// What to do next.
    pub hint: &'static str,
    /// Tools it lists.
    pub tools: u32,
    /// Tools by class.
    pub classes: BTreeMap<Class, u32>,
    /// How far it was locked in.
    pub sandbox: Option<SandboxLevel>,
    /// Starts that were made.
    pub attempts: usize,
    /// Wall seconds for this target, installing and waiting for the registry included.
    pub seconds: f64,
    /// False if nothing was recorded: it does not exist, or could not be reached.
    pub recorded: bool,
}

impl Row {
    pub(super) fn new(server: String, release: String, outcome: Outcome, detail: &str) -> Self {
        Self {
            server,
            release,
            outcome,
            stored: false,
            detail: Untrusted::new(detail).for_terminal(300),
            hint: outcome.hint(),
            tools: 0,
            classes: BTreeMap::new(),
            sandbox: None,
            attempts: 0,
            seconds: 0.0,
            recorded: false,
        }
    }
}

/// Everything a scan did.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Summary {
    /// One row a target, in the order of the targets.
    pub rows: Vec<Row>,
    /// Targets that were not reached because the scan was ended.
    pub left: usize,
    /// Ended by Ctrl-C.
    pub interrupted: bool,
    /// Wall seconds.
    pub seconds: f64,
}

impl Summary {
    /// Servers whose tools are known now.
    pub(in crate::cli) fn answered(&self) -> usize {
        self.rows.iter().filter(|r| r.outcome == Outcome::Ok).count()
    }

    /// The closing table and what it adds up to.
    pub(in crate::cli) fn table(&self) -> String {
        let head = ["server", "outcome", "tools", "read", "write", "exec", "destr", "seconds"];
        let mut lines: Vec<[String; 8]> = vec![head.map(str::to_owned)];
        for row in &self.rows {
            let of =
                |class: Class| row.classes.get(&class).map_or_else(|| "-".to_owned(), ToString::to_string);
            let name = if row.release.is_empty() {
                row.server.clone()
            } else {
                format!("{} {}", row.server, row.release)
            };
            let outcome =
                if row.stored { format!("{} (stored)", row.outcome) } else { row.outcome.to_string() };
            lines.push([
                Untrusted::new(name).for_terminal(60),
                outcome,
                row.tools.to_string(),
                of(Class::Read),
                of(Class::Write),
                of(Class::Execute),
                of(Class::Destructive),
                format!("{:.1}", row.seconds),
            ]);
        }
        let width = |i: usize| lines.iter().map(|l| l[i].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..8).map(width).collect();
        let (bold, plain) = if progress::colours() { (progress::BOLD, progress::PLAIN) } else { ("", "") };
        let mut text = String::new();
        for (i, line) in lines.iter().enumerate() {
            let cells: Vec<String> = line
                .iter()
                .zip(&widths)
                .enumerate()
                .map(
                    |(column, (cell, width))| {
                        if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                    },
                )
                .collect();
            let joined = cells.join("  ");
            let joined = joined.trim_end();
            text.push_str(&if i == 0 { format!("{bold}{joined}{plain}\n") } else { format!("{joined}\n") });
        }
        text
    }

    /// What the table adds up to, and each advice once.
    pub(in crate::cli) fn closing(&self) -> String {
        let tools: u32 = self.rows.iter().map(|r| r.tools).sum();
        let mut text = format!(
            "{} of {} answered, {} in {:.1} s\n",
            self.answered(),
            counted(self.rows.len() + self.left, "server"),
            counted(tools as usize, "tool"),
            self.seconds
        );
        let mut advice: BTreeMap<Outcome, Vec<&Row>> = BTreeMap::new();
        for row in self.rows.iter().filter(|r| r.outcome != Outcome::Ok) {
            advice.entry(row.outcome).or_default().push(row);
        }
        for (outcome, rows) in advice {
            text.push_str(&format!("\n{outcome}: {}; {}\n", outcome.meaning(), outcome.hint()));
            for row in rows {
                text.push_str(&format!("  {}: {}\n", row.server, row.detail));
            }
        }
        if self.left > 0 {
            text.push_str(&format!(
                "\n{} left; run the same command again to go on\n",
                counted(self.left, "server")
            ));
        }
        text
    }
}

/// `1 tool`, `2 tools`.
pub(in crate::cli) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lines_up_and_says_stored() {
        let mut row = Row::new("npm:a".into(), "1.0.0".into(), Outcome::Ok, "");
        row.stored = true;
        row.tools = 1;
        row.classes.insert(Class::Read, 1);
        let failed = Row::new("pypi:b".into(), String::new(), Outcome::Crashed, "it ended\u{1b}[31m");
        let summary = Summary { rows: vec![row, failed], ..Summary::default() };
        let text = summary.table() + &summary.closing();
        assert!(text.contains("npm:a 1.0.0  ok (stored)"), "{text}");
        assert!(text.contains("1 of 2 servers answered, 1 tool in"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
