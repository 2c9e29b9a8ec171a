//! Markdown twins of tool and server pages: the facts, without the prose. Whatever others wrote stands in a code span or a fence.

use std::fmt::Write as _;

use super::catalogue::ToolLine;
use super::control::{RuleWord, policy_file, shown};
use super::facts::Facts;
use super::like_servers::LikeServer;
use super::name::ServerName;
use super::page::root_from;
use super::quote::Stretch;
use super::tool_page::ToolView;
use super::words::{ClassCount, RiskCount};
use crate::model::Untrusted;
use crate::model::emit::for_markdown;
use crate::policy::Tier;

/// Longest line of foreign text.
const LINE: usize = 300;

fn own(text: &str) -> String {
    for_markdown(&Untrusted::new(text), LINE)
}

fn item(out: &mut String, name: &str, value: impl std::fmt::Display) {
    let _ = writeln!(out, "- {name}: {value}");
}

/// A fenced block, its fence longer than any in the text.
fn fenced(out: &mut String, text: &str) {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = writeln!(out, "{fence}\n{}\n{fence}", text.trim_end());
}

fn rule(rule: RuleWord) -> String {
    match rule.kind {
        "limit" => format!("limit to {} per {}", rule.max, rule.window),
        kind => kind.to_owned(),
    }
}

fn words<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let all: Vec<&str> = words.into_iter().collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

fn plain(stretches: &[Stretch<'_>]) -> String {
    stretches.iter().map(|s| s.text.as_ref()).collect()
}

/// Who was asked, when, and how.
fn provenance(out: &mut String, server: &ServerName, facts: &Facts) {
    item(out, "Server", own(&server.key));
    if !facts.version.is_empty() {
        item(out, "Version", own(&facts.version));
    }
    item(out, "Asked", &facts.asked.iso);
    if let Some(repository) = &facts.repository {
        item(out, "Source, as the package states", own(repository));
    }
    if let Some(licence) = &facts.licence {
        item(out, "Licence", own(licence));
    }
    if !facts.started_with.is_empty() {
        item(out, "Started with", own(&facts.started_with));
    }
    if !facts.given.is_empty() {
        let names: Vec<String> = facts.given.iter().map(|name| own(name)).collect();
        item(out, "Given as placeholders", names.join(", "));
    }
    item(out, "Sandbox", if facts.sandbox.is_empty() { "not reached" } else { facts.sandbox });
    item(out, "Transport", facts.transport);
}

/// A tool.
pub(super) fn tool(view: &ToolView<'_>) -> String {
    let mut out = format!("# {}\n\n", own(&view.full_name));
    item(&mut out, "Class", view.class.word);
    item(&mut out, "Risk", view.risk.word);
    item(&mut out, "Signals", words(view.signals.iter().map(|s| s.id)));
    item(&mut out, "Confidence", &view.confidence);
    if view.needs_review {
        item(&mut out, "Looked at by a person", "not yet");
    }
    if let Some(correction) = &view.correction {
        item(&mut out, if correction.agrees { "Confirmed" } else { "Corrected" }, correction.by());
    }
    provenance(&mut out, view.server, view.facts);
    item(&mut out, "Definition", format!("`{}`", view.definition));
    // Words that were found to speak to a model are not repeated for one.
    if view.signals.iter().any(|s| s.id == "description-injection") {
        out.push_str("\n## Description\n\nLeft out here: words in the definition speak to the model.\n");
    } else if !view.says.is_empty() {
        let _ = writeln!(out, "\n## Description\n\nIts author says, unchecked: {}", own(&view.says));
    }
    if view.parameters.total > 0 {
        out.push_str("\n## Parameters\n\n");
        for parameter in &view.parameters.list {
            let kind = if parameter.kind.is_empty() { "any type".to_owned() } else { own(&parameter.kind) };
            let need = if parameter.required { "required" } else { "optional" };
            let risky = if parameter.risky { ", risky" } else { "" };
            item(&mut out, &own(&parameter.name), format!("{kind}, {need}{risky}"));
        }
        if view.parameters.left_out > 0 {
            item(&mut out, "Not listed here", view.parameters.left_out);
        }
    }
    if !view.reasons.is_empty() {
        out.push_str("\n## Reasons\n\n");
        for reason in &view.reasons {
            let _ = write!(out, "{}. {}", reason.number, reason.place);
            if !reason.within.is_empty() {
                let _ = write!(out, " {}", own(&reason.within));
            }
            // Said once: a later reason of the same rule names the rule alone.
            if !reason.what.is_empty() {
                let _ = write!(out, ", {}", reason.what);
            }
            if !reason.quote.is_empty() && view.talks.is_empty() {
                let _ = write!(out, ": {}", own(&plain(&reason.quote)));
            }
            let _ = writeln!(out, " (rule `{}`)", reason.rule);
        }
    }
    out.push_str("\n## Hints\n\n");
    for hint in &view.hints.list {
        item(&mut out, hint.name, format!("{}, inferred {}, {}", hint.stated, hint.inferred, hint.result));
    }
    out.push_str("\n## Policy\n\n");
    out.push_str("The documents name this tool alone; the files of the server name all of its tools.\n\n");
    let control = view.control.whole().expect("sections are printed before only where no Markdown is wanted");
    for tier in &control.tiers {
        item(&mut out, tier.tier.word, rule(tier.rule));
    }
    for format in &control.formats {
        let Some(part) = format.parts.iter().find(|part| part.recommended) else { continue };
        let _ = writeln!(out, "\n### {}\n\nRecommended tier: {}.\n", format.title, rule(part.effect.rule));
        fenced(&mut out, &part.text);
    }
    out
}

/// A server that answered.
pub(super) fn server(
    server: &ServerName,
    facts: &Facts,
    (classes, risks): (&[ClassCount], &[RiskCount]),
    tools: &[ToolLine<'_>],
    like: &[LikeServer<'_>],
    with_policies: bool,
) -> String {
    let mut out = format!("# {}\n\n", own(&server.name));
    provenance(&mut out, server, facts);
    item(&mut out, "Tools", tools.len());
    for count in classes {
        item(&mut out, count.class.word, count.count);
    }
    for count in risks.iter().rev().filter(|risk| risk.count > 0) {
        item(&mut out, &format!("{} risk", count.risk.word), count.count);
    }
    if with_policies {
        out.push_str("\n## Policy files\n\n");
        for exporter in shown() {
            item(&mut out, exporter.title, format!("[{0}]({0})", policy_file(exporter, Tier::Recommended)));
        }
    }
    out.push_str("\n## Tools\n\n");
    for tool in tools {
        let signals = words(tool.signals.iter().map(|s| s.id));
        let file = tool.path.rsplit('/').next().unwrap_or_default();
        let name = format!("[{}](tools/{}.md)", own(&tool.name), file.strip_suffix(".html").unwrap_or(file));
        let line = format!("{}, {} risk, signals: {signals}", tool.class.word, tool.risk.word.to_lowercase());
        item(&mut out, &name, line);
    }
    if !like.is_empty() {
        out.push_str(
            "\n## Servers with similar tools\n\nSimilar by class and name; nothing else was compared.\n\n",
        );
    }
    let root = root_from(&format!("{}/index.md", server.path));
    for other in like {
        let name = format!("[{}]({root}{}/index.md)", own(&other.name.name), other.name.path);
        item(&mut out, &name, format!("{}, {} of {} tools", own(&other.name.key), other.tools, tools.len()));
    }
    out
}

/// A server that never answered.
pub(super) fn quiet(server: &ServerName, facts: &Facts, outcome: &str, meaning: &str) -> String {
    let mut out = format!("# {}\n\nNot judged: it listed no tools.\n\n", own(&server.name));
    provenance(&mut out, server, facts);
    item(&mut out, "Outcome", format!("`{outcome}`, the server {meaning}"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_any_in_the_text() {
        let mut out = String::new();
        fenced(&mut out, "a ```` b\n");
        assert_eq!(out, "`````\na ```` b\n`````\n");
    }

    #[test]
    fn foreign_text_stays_inside_a_code_span() {
        assert_eq!(own("# x [y](z)\n<b>"), "`# x [y](z) <b>`");
        assert_eq!(own("a`b"), "``a`b``");
    }
}
