//! How to control one tool: its rule in each tier, what the documents of each format do with it, and the documents.

use serde::Serialize;

use super::answers::{Answers, answers};
use super::fragments::Alone;
use crate::export::{EXPORTERS, EffectiveRule, Exporter, Reason};
use crate::policy::{Keyed, Numbers, Rule, ServerPolicy, Tier, ToolPolicy, Window, default_server_key};

/// A neutral rule, or what a format makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct RuleWord {
    /// `allow`, `limit`, `deny`, `hide` or `ask`.
    pub(super) kind: &'static str,
    /// Calls a window, where it is a limit.
    pub(super) max: u32,
    /// `minute`, `hour` or `day`, where it is a limit.
    pub(super) window: &'static str,
}

/// A tier for a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct TierWord {
    /// What people type.
    pub(super) id: &'static str,
    /// As it begins a line.
    pub(super) word: &'static str,
}

/// The policies of one server in every tier.
#[derive(Debug)]
pub(super) struct Policies {
    by_tier: Vec<(Tier, Keyed)>,
}

impl Policies {
    /// Makes the policy of each tier.
    pub(super) fn new(make: impl Fn(Tier) -> ServerPolicy) -> Self {
        let keyed = |policy: ServerPolicy| Keyed { key: default_server_key(&policy.server), policy };
        Self { by_tier: Tier::ALL.iter().map(|tier| (*tier, keyed(make(*tier)))).collect() }
    }

    /// The policy of one tier.
    pub(super) fn of(&self, tier: Tier) -> &ServerPolicy {
        &self.keyed(tier).policy
    }

    /// The same under the name that the server is likely to have in a client.
    pub(super) fn keyed(&self, tier: Tier) -> &Keyed {
        let found = self.by_tier.iter().find(|(other, _)| *other == tier);
        &found.expect("every tier was made").1
    }
}

/// What a tier says of a tool.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct TierRule {
    pub(super) tier: TierWord,
    pub(super) rule: RuleWord,
}

/// Everything a tool's page says on how to control it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Control {
    /// The recommended rule.
    pub(super) rule: RuleWord,
    /// The rule of each tier, the strictest first.
    pub(super) tiers: Vec<TierRule>,
    /// The formats whose documents are shown.
    pub(super) formats: Vec<FormatView>,
    /// The files of the other formats.
    pub(super) others: &'static [OtherFormat],
    /// What the questions are answered from.
    pub(super) answers: Answers,
    /// The server's key in the documents.
    pub(super) key: String,
}

/// What the view of a tool's page holds of it.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum InView<'a> {
    /// The documents and the questions on them were printed before.
    Printed { key: &'a str, others: &'static [OtherFormat] },
    /// Everything.
    Whole(Box<Control>),
}

impl InView<'_> {
    /// Everything, where it is there.
    pub(super) fn whole(&self) -> Option<&Control> {
        match self {
            Self::Printed { .. } => None,
            Self::Whole(control) => Some(control),
        }
    }
}

/// One format on a tool's page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FormatView {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// The first format is shown until another is chosen.
    pub(super) first: bool,
    /// Name of the file for the whole server.
    pub(super) file: String,
    /// Its documents, each once.
    pub(super) parts: Vec<PartView>,
}

/// One document and the tiers that it is of.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PartView {
    /// The tiers' words with spaces between, for the script.
    pub(super) tiers: &'static str,
    /// The tiers as a heading.
    pub(super) label: &'static str,
    /// The recommended tier is among them.
    pub(super) recommended: bool,
    /// What it does with a call.
    pub(super) effect: EffectWord,
    /// The document. Holds foreign names.
    pub(super) text: String,
    /// The number of the first tier, and whether its rules on arguments stand in the document.
    #[serde(skip)]
    pub(super) of: (usize, bool),
}

/// What a document does with calls of one tool, and why it is not what was wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct EffectWord {
    #[serde(flatten)]
    pub(super) rule: RuleWord,
    /// See the exporter's reasons; `several`: no one of them holds for all tiers of a document.
    pub(super) reason: &'static str,
    /// The format could ask a person, in another tier at least.
    pub(super) can_ask: bool,
}

/// A format that is not shown on a tool's page.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OtherFormat {
    pub(super) title: &'static str,
    /// Its file below the server's folder.
    pub(super) file: String,
}

/// One format with one tool in all tiers.
pub(super) struct InTiers {
    pub(super) exporter: &'static Exporter,
    /// By tier, the strictest first.
    pub(super) effects: [EffectiveRule; 3],
    /// Another document of this format could limit this tool.
    pub(super) can_limit: bool,
}

pub(super) fn rule_word(rule: Rule) -> RuleWord {
    match rule {
        Rule::Limit { max, window } => RuleWord { kind: "limit", max, window: window.as_str() },
        rule => RuleWord { kind: rule.word(), max: 0, window: "" },
    }
}

pub(super) fn tier_word(tier: Tier) -> TierWord {
    let word = match tier {
        Tier::Strict => "Strict",
        Tier::Recommended => "Recommended",
        Tier::Permissive => "Permissive",
    };
    TierWord { id: tier.as_str(), word }
}

static SHOWN: std::sync::LazyLock<Vec<&'static Exporter>> = std::sync::LazyLock::new(|| {
    let mut list: Vec<&Exporter> = EXPORTERS.iter().filter(|exporter| exporter.on_pages).collect();
    list.sort_by_key(|exporter| exporter.title);
    list
});

/// The formats that pages show, by title.
pub(super) fn shown() -> &'static [&'static Exporter] {
    &SHOWN
}

/// The formats that pages only link, by title.
pub(super) fn linked() -> Vec<&'static Exporter> {
    let mut list: Vec<&Exporter> = EXPORTERS.iter().filter(|exporter| !exporter.on_pages).collect();
    list.sort_by_key(|exporter| exporter.title.to_lowercase());
    list
}

/// The files of the formats that pages only link.
pub(super) fn others() -> &'static [OtherFormat] {
    &OTHERS
}

static OTHERS: std::sync::LazyLock<Vec<OtherFormat>> = std::sync::LazyLock::new(|| {
    let other = |exporter: &'static Exporter| OtherFormat {
        title: exporter.title,
        file: policy_file(exporter, Tier::Recommended),
    };
    linked().into_iter().map(other).collect()
});

/// The file of a format's document for a whole server, below the server's folder.
pub(super) fn policy_file(exporter: &Exporter, tier: Tier) -> String {
    match tier {
        Tier::Recommended => format!("policy/{}.{}", exporter.id, exporter.language),
        tier => format!("policy/{}/{}.{}", tier.as_str(), exporter.id, exporter.language),
    }
}

/// Everything about one tool of a server; None if a policy does not name it.
pub(super) fn control(policies: &Policies, tool: &str) -> Option<Control> {
    let alone = |tier: Tier| -> Option<Keyed> {
        let Keyed { key, policy: whole } = policies.keyed(tier);
        let policy = ServerPolicy {
            server: whole.server.clone(),
            release: whole.release.clone(),
            default: whole.default,
            tools: vec![whole.tool(tool)?.clone()],
        };
        Some(Keyed { key: key.clone(), policy })
    };
    control_of(Tier::ALL.iter().map(|tier| Some((*tier, alone(*tier)?))).collect::<Option<Vec<_>>>()?)
}

/// Everything about one tool that is alone in each policy; None if it is not.
pub(super) fn control_of(keyed: Vec<(Tier, Keyed)>) -> Option<Control> {
    let rule_of = |keyed: &Keyed| keyed.policy.tools.first().map(|tool| tool.rule);
    let mut tiers = Vec::new();
    for (tier, keyed) in &keyed {
        tiers.push(TierRule { tier: tier_word(*tier), rule: rule_word(rule_of(keyed)?) });
    }
    let rule = tiers.iter().find(|t| t.tier.id == Tier::Recommended.as_str())?.rule;
    let (mut formats, mut all) = (Vec::new(), Vec::new());
    let alone: Vec<(Tier, Alone<'_>)> =
        keyed.iter().map(|(tier, keyed)| (*tier, Alone::new(keyed))).collect();
    let limited = keyed.first().and_then(|(_, keyed)| keyed.policy.tools.first()).map(limited);
    for exporter in shown() {
        let documents: Vec<(Tier, String, EffectiveRule)> = alone
            .iter()
            .filter_map(|(tier, alone)| {
                let (text, effect) = alone.fragment(exporter, *tier);
                Some((*tier, text, effect?))
            })
            .collect();
        let effects: Vec<EffectiveRule> = documents.iter().map(|(_, _, effect)| *effect).collect();
        all.push(InTiers {
            exporter,
            effects: effects.try_into().ok()?,
            can_limit: limited.as_ref().is_some_and(|limited| can_limit(exporter, limited)),
        });
        formats.push(FormatView {
            id: exporter.id,
            title: exporter.title,
            first: formats.is_empty(),
            file: policy_file(exporter, Tier::Recommended),
            parts: parts(exporter, documents),
        });
    }
    let key = keyed.into_iter().next()?.1.key;
    Some(Control { rule, tiers, formats, others: &OTHERS, answers: answers(&all), key })
}

/// A tool with a limit, to ask formats for: see [`can_limit`].
pub(super) fn limited(tool: &ToolPolicy) -> ToolPolicy {
    ToolPolicy { rule: Rule::Limit { max: 1, window: Window::Minute }, ..tool.clone() }
}

/// A document of this format could count the calls of that tool.
pub(super) fn can_limit(exporter: &Exporter, limited: &ToolPolicy) -> bool {
    exporter.can.limit && matches!(exporter.effective(limited).rule, Rule::Limit { .. })
}

/// Documents that are the same in several tiers once.
fn parts(exporter: &Exporter, documents: Vec<(Tier, String, EffectiveRule)>) -> Vec<PartView> {
    let mut groups: Vec<(Vec<Tier>, String, Vec<EffectiveRule>)> = Vec::new();
    for (tier, text, effect) in documents {
        match groups.iter_mut().find(|(_, known, of)| *known == text && of[0].rule == effect.rule) {
            Some((tiers, _, effects)) => {
                effects.push(effect);
                tiers.push(tier);
            }
            None => groups.push((vec![tier], text, vec![effect])),
        }
    }
    let part = |(tiers, text, effects): (Vec<Tier>, String, Vec<EffectiveRule>)| {
        let ((ids, label), bound) = (several(&tiers), effects[0].arguments);
        PartView {
            tiers: ids,
            label,
            recommended: tiers.contains(&Tier::Recommended),
            effect: EffectWord {
                reason: reason_of_all(exporter, &effects),
                ..effect_word(exporter, effects[0])
            },
            text: text.trim().to_owned(),
            of: (Tier::ALL.iter().position(|tier| tiers.first() == Some(tier)).unwrap_or_default(), bound),
        }
    };
    groups.into_iter().map(part).collect()
}

/// Why documents that are the same are so, in a word for the template: `several` where no reason holds for all of their tiers.
fn reason_of_all(exporter: &Exporter, effects: &[EffectiveRule]) -> &'static str {
    // What the template has no sentence for is said of the rule alone.
    let told = |reason| match reason {
        Reason::DeniedNotHidden | Reason::LimitLifted | Reason::AdviceOnly => Reason::AsRecommended,
        reason => reason,
    };
    let mut reasons: Vec<Reason> = effects.iter().map(|effect| told(effect.reason)).collect();
    reasons.dedup();
    match reasons[..] {
        [reason] => reason.as_str(),
        [Reason::NoApproval, Reason::NoLimit] | [Reason::NoLimit, Reason::NoApproval]
            if !exporter.can.ask =>
        {
            Reason::NoLimit.as_str()
        }
        _ => "several",
    }
}

fn several(tiers: &[Tier]) -> (&'static str, &'static str) {
    match tiers {
        [Tier::Strict] => ("strict", "Strict"),
        [Tier::Recommended] => ("recommended", "Recommended"),
        [Tier::Permissive] => ("permissive", "Permissive"),
        [Tier::Strict, Tier::Recommended] => ("strict recommended", "Strict and recommended"),
        [Tier::Strict, Tier::Permissive] => ("strict permissive", "Strict and permissive"),
        [Tier::Recommended, Tier::Permissive] => ("recommended permissive", "Recommended and permissive"),
        _ => ("strict recommended permissive", "In every tier"),
    }
}

pub(super) fn effect_word(exporter: &Exporter, effect: EffectiveRule) -> EffectWord {
    EffectWord { rule: rule_word(effect.rule), reason: effect.reason.as_str(), can_ask: exporter.can.ask }
}

/// The policies of a server from the verdicts its pages show.
pub(super) fn server_policies(
    entry: &super::catalogue::ServerEntry,
    judged: &[super::judged::JudgedTool],
    numbers: &Numbers,
) -> Policies {
    Policies::new(|tier| {
        let tools =
            judged.iter().map(|t| crate::policy::Judged { definition: &t.definition, verdict: &t.verdict });
        crate::policy::policy_for_server(entry.key(), &entry.version, tools, numbers, tier)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Class, Risk};

    fn of(name: &str, rules: [Rule; 3]) -> Control {
        let policies = Policies::new(|tier| {
            let rule = rules[Tier::ALL.iter().position(|t| *t == tier).unwrap()];
            ServerPolicy {
                server: "npm:@a/files".parse().unwrap(),
                release: "1.0.0".to_owned(),
                default: Rule::Deny,
                tools: vec![ToolPolicy::plain(name, Class::Write, Risk::Medium, rule)],
            }
        });
        control(&policies, name).unwrap()
    }

    const LIMITS: [Rule; 3] = [
        Rule::Hide,
        Rule::Limit { max: 30, window: Window::Minute },
        Rule::Limit { max: 60, window: Window::Minute },
    ];

    #[test]
    fn a_document_is_shown_once_for_all_tiers_that_share_it() {
        let control = of("put", LIMITS);
        assert_eq!(control.formats.len(), 6);
        for format in &control.formats {
            let texts: std::collections::BTreeSet<_> = format.parts.iter().map(|p| &p.text).collect();
            assert_eq!(texts.len(), format.parts.len(), "{}", format.id);
            assert_eq!(format.parts.iter().filter(|p| p.recommended).count(), 1);
            let tiers: usize = format.parts.iter().map(|p| p.tiers.split(' ').count()).sum();
            assert_eq!(tiers, 3, "{}", format.id);
            assert!(format.parts.iter().all(|p| p.text.contains("put") || format.id == "toolhive"));
        }
        assert_eq!(control.others.len() + 6, EXPORTERS.len());
    }

    #[test]
    fn a_fragment_loads_in_its_format_without_the_header() {
        for name in ["put", "a.b", "*", " ", "\u{202e}x", "名前", "__proto__"] {
            for format in of(name, LIMITS).formats {
                let exporter = crate::export::exporter(format.id).unwrap();
                for part in format.parts {
                    let findings = (exporter.validate)(&(part.text.clone() + "\n"));
                    let errors: Vec<_> =
                        findings.iter().filter(|f| f.level == crate::export::Level::Error).collect();
                    assert!(errors.is_empty(), "{} {name:?}: {errors:?}\n{}", format.id, part.text);
                    assert!(!part.text.contains("made by catalogue"));
                }
            }
        }
    }

    #[test]
    fn what_is_said_of_a_fragment_is_what_it_decides() {
        for rules in
            [LIMITS, [Rule::Allow; 3], [Rule::Ask, Rule::Ask, Rule::Limit { max: 1, window: Window::Hour }]]
        {
            for name in ["put", "a.b"] {
                let control = of(name, rules);
                for format in &control.formats {
                    let exporter = crate::export::exporter(format.id).unwrap();
                    for part in &format.parts {
                        let reading = (exporter.read)(&(part.text.clone() + "\n")).unwrap();
                        let found = reading.decide(&control.key, name, None).rule;
                        assert_eq!(rule_word(found), part.effect.rule, "{} {name}\n{}", format.id, part.text);
                    }
                }
            }
        }
    }
}
