//! Intercept YAML, version 1: the proxy's own policy file.
//!
//! What the format can and cannot say is in research/policylayer.md section 2.1 and research/policy-targets.md section
//! 2.1. Names are raw and exact; the key `*` is every call, so a tool of that name cannot be addressed; a rate limit
//! on a name with a dot does not load in either of its forms, so such a tool is denied instead.

mod read;
mod validate;

use super::operators::expressible;
use super::plan::Plan;
use super::yaml::{LONGEST_KEY, Yaml, quoted_len};
use super::{Can, EffectiveRule, Exporter, Form, Reason, any_key, messages};
use crate::policy::{ArgumentRule, Check, Rule, Scalar, ToolPolicy};

/// The table's entry.
pub(super) const EXPORTER: Exporter = Exporter {
    id: "intercept",
    title: "Intercept",
    file_name: "policy.yaml",
    language: "yaml",
    can: Can {
        limit: true,
        ask: false,
        deny: true,
        // The document keeps such a tool listed, so that the agent reads why it is refused.
        hide: false,
        arguments: true,
        deny_by_default: true,
        several: false,
    },
    on_pages: true,
    advisory: false,
    strict_refuses: false,
    asking_hides: false,
    believes_hints: false,
    tried_with: "its loader and validator at 77f0429",
    notes: &[],
    form: Form::Raw,
    key_fault: any_key,
    exact,
    write,
    validate: validate::validate,
    read: read::read,
};

fn exact(_: &str, policy: &ToolPolicy, effective: EffectiveRule) -> EffectiveRule {
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
    let denied = EffectiveRule { arguments: false, ..effective };
    match effective.rule {
        Rule::Limit { .. } if name.contains('.') => denied.instead(Rule::Deny, Reason::NoLimitOnDottedName),
        Rule::Allow | Rule::Limit { .. } if !policy.arguments.iter().all(expressible) => {
            denied.instead(Rule::Deny, Reason::NoArguments)
        }
        Rule::Allow | Rule::Limit { .. } => effective,
        _ => denied,
    }
}

fn write(plan: &Plan<'_>) -> String {
    let Some(server) = plan.servers.first() else { return String::new() };
    let mut tools = Vec::new();
    for (name, tool) in server.named() {
        let rules = rules(tool.effective, &tool.policy.arguments);
        tools.push((name, Yaml::Fields(vec![("rules", Yaml::List(rules))])));
    }
    let policy = server.policy;
    let release = if policy.release.is_empty() { String::new() } else { format!(" {}", policy.release) };
    let description = format!("{} policy for {}{release}", plan.tier.as_str(), policy.server);
    let mut fields = vec![("version", Yaml::text("1"))];
    // A fragment says nothing of itself.
    if !plan.header.is_empty() {
        fields.push(("description", Yaml::Text(description.into())));
    }
    fields.push(("default", Yaml::text("deny")));
    fields.push(("tools", Yaml::Names(tools)));
    Yaml::Fields(fields).document_below(&plan.header)
}

fn rules(effective: EffectiveRule, arguments: &[ArgumentRule]) -> Vec<Yaml<'_>> {
    let mut rules = Vec::new();
    if effective.arguments {
        rules.push(Yaml::Fields(vec![
            ("name", Yaml::text("arguments")),
            ("conditions", Yaml::List(arguments.iter().map(condition).collect())),
            ("on_deny", Yaml::text(messages::ARGUMENTS)),
        ]));
    }
    match effective.rule {
        Rule::Allow => {}
        Rule::Limit { max, window } => rules.push(Yaml::Fields(vec![
            ("name", Yaml::text("limit calls")),
            ("rate_limit", Yaml::Text(format!("{max}/{}", window.as_str()).into())),
            ("on_deny", Yaml::text(messages::LIMIT)),
        ])),
        Rule::Ask | Rule::Deny | Rule::Hide => {
            let (name, message) = match effective.reason {
                Reason::NoApproval => ("ask a person", messages::ASK),
                Reason::NoLimitOnDottedName => ("no limit on a dotted name", messages::NO_LIMIT),
                _ => ("deny", messages::DENIED),
            };
            rules.push(Yaml::Fields(vec![
                ("name", Yaml::text(name)),
                ("action", Yaml::text("deny")),
                ("on_deny", Yaml::text(message)),
            ]));
        }
    }
    rules
}

/// A condition that must hold. It also fails where the argument is missing: stricter than the neutral rule.
fn condition(rule: &ArgumentRule) -> Yaml<'_> {
    let (op, value) = match &rule.check {
        Check::BePresent => ("exists", Yaml::Plain("true".into())),
        Check::BeAtMost { max } => ("lte", Yaml::Plain(max.to_string().into())),
        Check::BeOneOf { values } => ("in", Yaml::List(values.iter().map(scalar).collect())),
        Check::Be { value, .. } => ("eq", Yaml::Plain(if *value { "true" } else { "false" }.into())),
    };
    Yaml::Fields(vec![
        ("path", Yaml::Text(["args.", &rule.argument].concat().into())),
        ("op", Yaml::text(op)),
        ("value", value),
    ])
}

fn scalar(value: &Scalar) -> Yaml<'_> {
    match value {
        Scalar::Bool(b) => Yaml::Plain(if *b { "true" } else { "false" }.into()),
        Scalar::Number(n) => Yaml::Plain(n.to_string().into()),
        Scalar::Text(text) => Yaml::text(text),
    }
}
