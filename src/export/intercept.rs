//! Intercept YAML, version 1: the proxy's own policy file.
//!
//! What the format can and cannot say is in research/policylayer.md section 2.1 and research/policy-targets.md section
//! 2.1. Names are raw and exact; the key `*` is every call, so a tool of that name cannot be addressed; a rate limit
//! on a name with a dot does not load in either of its forms, so such a tool is denied instead.

mod validate;

use super::yaml::{Yaml, quoted_len};
use super::{
    Action, Decisions, EffectiveRule, ExportError, Exporter, Reason, by_name, messages, read_back,
    recommended,
};
use crate::model::Class;
use crate::policy::{ServerPolicy, ToolPolicy};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "intercept",
    title: "Intercept",
    file_name: "policy.yaml",
    language: "yaml",
    limits: true,
    hides: true,
    asks: false,
    write,
    validate: validate::validate,
    effective,
};

/// YAML readers look no further than 1,024 characters for the colon behind a key.
const LONGEST_KEY: usize = 1_000;

pub(super) use validate::decisions;

fn effective(policy: &ToolPolicy) -> EffectiveRule {
    let name = policy.tool.raw();
    if policy.tool.is_blank() {
        return EffectiveRule::left_out(Reason::BlankName);
    }
    if name == "*" {
        return EffectiveRule::left_out(Reason::WildcardName);
    }
    if quoted_len(name) > LONGEST_KEY {
        return EffectiveRule::left_out(Reason::LongName);
    }
    let rule = recommended(policy.rule);
    match rule.action {
        Action::Limited { .. } if name.contains('.') => {
            EffectiveRule::new(Action::Denied, Reason::NoLimitOnDottedName)
        }
        // The document keeps the tool listed, so that the agent reads why it is refused.
        Action::Hidden => EffectiveRule::new(Action::Denied, Reason::DeniedNotHidden),
        _ => rule,
    }
}

fn write(policy: &ServerPolicy) -> Result<String, ExportError> {
    let mut tools = Vec::new();
    for (name, tool) in by_name(policy)? {
        let effective = effective(tool);
        if effective.named {
            let rules = Yaml::List(rules(effective, tool.class));
            tools.push((name.to_owned(), Yaml::Fields(vec![("rules", rules)])));
        }
    }
    let release = if policy.release.is_empty() { String::new() } else { format!(" {}", policy.release) };
    let text = Yaml::Fields(vec![
        ("version", Yaml::text("1")),
        ("description", Yaml::Text(format!("Recommended policy for {}{release}", policy.server))),
        ("default", Yaml::text("deny")),
        ("tools", Yaml::Names(tools)),
    ])
    .document();
    read_back(&EXPORTER, policy, text)
}

fn rules(effective: EffectiveRule, class: Class) -> Vec<Yaml> {
    match effective.action {
        Action::Allowed => vec![],
        Action::Limited { max, window } => vec![Yaml::Fields(vec![
            ("name", Yaml::text("limit calls")),
            ("rate_limit", Yaml::Text(format!("{max}/{}", window.as_str()))),
            ("on_deny", Yaml::text(messages::LIMIT)),
        ])],
        Action::Denied | Action::Hidden => {
            let (name, message) = match effective.reason {
                Reason::NoApproval => ("ask a person", messages::ASK),
                Reason::NoLimitOnDottedName => ("no limit on a dotted name", messages::NO_LIMIT),
                _ if class == Class::Destructive => ("deny", messages::DESTRUCTIVE),
                _ => ("deny", messages::DENIED),
            };
            vec![Yaml::Fields(vec![
                ("name", Yaml::text(name)),
                ("action", Yaml::text("deny")),
                ("on_deny", Yaml::text(message)),
            ])]
        }
    }
}

/// What the rules of one tool make of a call, if they are of the simple kinds written here.
fn action_of(deny: bool, limit: Option<Action>) -> Action {
    if deny { Action::Denied } else { limit.unwrap_or(Action::Allowed) }
}

/// The decisions of a document, see [`super::decisions`].
fn collect(named: impl Iterator<Item = (String, Action)>, deny_by_default: bool) -> Decisions {
    let otherwise = if deny_by_default { Action::Denied } else { Action::Allowed };
    Decisions { named: named.collect(), otherwise }
}
