//! The table of all rules for `rules/README.md`.

use std::fmt::Write;

use super::RuleSet;

/// The line after which the generated table stands.
pub const LISTING_BEGIN: &str = "<!-- generated: UPDATE=1 cargo test --test suite rules -->";
/// The line before which it ends.
pub const LISTING_END: &str = "<!-- end of the generated part -->";

impl RuleSet {
    /// Markdown: one table for each file of rules, in order.
    pub fn listing(&self) -> String {
        let mut out = String::new();
        let mut topic = "";
        for rule in &self.rules {
            if rule.topic != topic {
                topic = &rule.topic;
                let _ = write!(
                    out,
                    "\n### {topic}\n\n| rule | what it looks for | effect | why |\n| --- | --- | --- | --- |\n"
                );
            }
            let class = rule.class.map(|class| format!("{class} {:+}", rule.points));
            let signal = rule.signal.map(|signal| format!("`{signal}`"));
            let effect: Vec<String> = class.into_iter().chain(signal).collect();
            let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
            let _ = writeln!(
                out,
                "| `{}` | {} | {} | {} |",
                rule.text.id,
                cell(&rule.text.what),
                effect.join(", "),
                cell(&rule.text.why)
            );
        }
        out
    }
}
