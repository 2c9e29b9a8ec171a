//! What an author's hints say beside what is inferred here. An unstated hint means what the protocol says it means.

use serde::Serialize;

use crate::model::{Class, Signal, ToolDefinition, Verdict};

/// The hints of one tool.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Hints {
    /// Its author states one of them at least.
    pub(super) stated: bool,
    /// One of them contradicts the verdict.
    pub(super) contradicts: bool,
    /// All four, stated or not.
    pub(super) list: [HintView; 4],
}

impl Hints {
    /// A number that is the same for all hints of which the page says the same.
    pub(super) fn kind(&self) -> u16 {
        let digit = |word| match word {
            "true" => 2,
            "false" => 1,
            _ => 0,
        };
        self.list.iter().fold(0, |kind, hint| (kind * 3 + digit(hint.stated)) * 3 + digit(hint.inferred))
    }
}

/// One hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub(super) struct HintView {
    pub(super) name: &'static str,
    /// `true`, `false`, or `unstated`.
    pub(super) stated: &'static str,
    /// What the protocol says of a tool that does not state it.
    pub(super) default: bool,
    /// `true`, `false`, or `open`: nothing is inferred.
    pub(super) inferred: &'static str,
    /// `agrees`, `contradicts`, `careful` (it admits more than is inferred) or `open`.
    pub(super) result: &'static str,
}

/// Each hint with its default. Source: MCP specification 2025-11-25, schema, `ToolAnnotations`.
const HINTS: [(&str, bool); 4] =
    [("readOnlyHint", false), ("destructiveHint", true), ("idempotentHint", false), ("openWorldHint", true)];

/// Compares the hints of a tool with the verdict in force.
pub(super) fn hints(tool: &ToolDefinition, verdict: &Verdict) -> Hints {
    let list = HINTS.map(|(name, default)| {
        let stated = tool.hint(name);
        let inferred = inferred(name, verdict);
        HintView {
            name,
            stated: stated.map_or("unstated", word),
            default,
            inferred: inferred.map_or("open", word),
            result: result(name, stated, inferred),
        }
    });
    Hints {
        stated: list.iter().any(|hint| hint.stated != "unstated"),
        contradicts: list.iter().any(|hint| hint.result == "contradicts"),
        list,
    }
}

fn word(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// What the verdict says to the same question; None where it says nothing.
fn inferred(name: &str, verdict: &Verdict) -> Option<bool> {
    match name {
        "readOnlyHint" => Some(verdict.class == Class::Read),
        "destructiveHint" => match verdict.class {
            Class::Destructive => Some(true),
            Class::Read | Class::Write => Some(false),
            // It depends on what is set going.
            Class::Execute => None,
        },
        "openWorldHint" => {
            let outside = [Signal::NetworkEgress, Signal::OutboundMessage, Signal::UntrustedContent];
            outside.iter().any(|signal| verdict.signals.contains(signal)).then_some(true)
        }
        _ => None,
    }
}

fn result(name: &str, stated: Option<bool>, inferred: Option<bool>) -> &'static str {
    let (Some(stated), Some(inferred)) = (stated, inferred) else { return "open" };
    // Read-only and not destructive are the claims that let a client ask less.
    let claims_less = stated == (name == "readOnlyHint");
    match (stated == inferred, claims_less) {
        (true, _) => "agrees",
        (false, true) => "contradicts",
        (false, false) => "careful",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Risk;

    fn of(
        annotations: &str,
        class: Class,
        signals: &[Signal],
    ) -> Vec<(&'static str, &'static str, &'static str)> {
        let text = format!(r#"{{"name":"t","annotations":{annotations}}}"#);
        let verdict = Verdict {
            class,
            risk: Risk::Low,
            signals: signals.to_vec(),
            confidence: 1.0,
            needs_review: false,
            evidence: vec![],
        };
        let hints = hints(&ToolDefinition::from_json(&text).unwrap(), &verdict);
        hints.list.iter().map(|h| (h.stated, h.inferred, h.result)).collect()
    }

    #[test]
    fn a_claim_of_harmlessness_contradicts_and_a_careful_hint_does_not() {
        let read_only = r#"{"readOnlyHint":true,"destructiveHint":false,"openWorldHint":false}"#;
        assert_eq!(
            of(read_only, Class::Destructive, &[Signal::NetworkEgress]),
            [
                ("true", "false", "contradicts"),
                ("false", "true", "contradicts"),
                ("unstated", "open", "open"),
                ("false", "true", "contradicts"),
            ]
        );
        let careful = r#"{"readOnlyHint":false,"destructiveHint":true}"#;
        let all = of(careful, Class::Read, &[]);
        assert_eq!(all.first().map(|h| h.2), Some("careful"));
        assert_eq!(all.get(1).map(|h| h.2), Some("careful"));
        assert_eq!(of(read_only, Class::Read, &[]).first().map(|h| h.2), Some("agrees"));
        assert_eq!(of(read_only, Class::Execute, &[]).get(1), Some(&("false", "open", "open")));
        assert!(of("{}", Class::Write, &[]).iter().all(|h| h.2 == "open" && h.0 == "unstated"));
    }
}
