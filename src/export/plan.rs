//! From the neutral policy to what one format can say: degrading, names that become one, and the count of what is lost.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::Untrusted;
use crate::policy::{Check, Keyed, Rule, ServerPolicy, Tier, ToolPolicy};

use super::names::gemini_key_is_safe;
use super::{EffectiveRule, Exporter, Form, Reason};

/// What a person asked for beside the format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// A limit that cannot be said becomes allow and not ask.
    pub limit_may_become_allow: bool,
    /// The servers' keys are the person's own already: read from the client's file, or named with the command.
    pub keys_are_own: bool,
}

/// One tool as the format will have it.
#[derive(Debug, Clone)]
pub struct Planned<'a> {
    /// The neutral entry.
    pub policy: &'a ToolPolicy,
    /// The name a rule of the format has to use.
    pub name: Cow<'a, str>,
    /// What the document does.
    pub effective: EffectiveRule,
}

/// One server as the format will have it.
#[derive(Debug, Clone)]
pub struct PlannedServer<'a> {
    /// Its name in the client.
    pub key: &'a str,
    /// The neutral policy.
    pub policy: &'a ServerPolicy,
    /// What becomes of tools that are not named.
    pub default: Rule,
    /// Its tools, sorted by their own names.
    pub tools: Vec<Planned<'a>>,
}

impl<'a> PlannedServer<'a> {
    /// The tools that the document names, in the order of the names of its rules; each name once.
    pub(super) fn named(&self) -> Vec<(&str, &Planned<'a>)> {
        let named = self.tools.iter().filter(|tool| tool.effective.named);
        let mut named: Vec<(&str, &Planned<'a>)> = named.map(|tool| (&*tool.name, tool)).collect();
        // Raw names are in order as they come.
        if !named.is_sorted_by(|(a, _), (b, _)| a < b) {
            named.sort_by_key(|(name, _)| *name);
            // Of several with one name the last.
            named.reverse();
            named.dedup_by_key(|(name, _)| *name);
            named.reverse();
        }
        named
    }

    /// The rule names whose tools get this kind of rule.
    pub(super) fn names_with(&self, wanted: impl Fn(Rule) -> bool) -> Vec<&str> {
        self.named().into_iter().filter(|(_, t)| wanted(t.effective.rule)).map(|(name, _)| name).collect()
    }
}

/// A document before it is written.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    /// The tier of the neutral policy.
    pub tier: Tier,
    /// The servers, sorted by key.
    pub servers: Vec<PlannedServer<'a>>,
    /// What the document says of itself: our own words, with names made safe for a line. Empty in a fragment for a page.
    pub header: Vec<String>,
    /// More than half of the tools of a server got something stricter because the format cannot say their rules, limits
    /// among them.
    pub mostly_lost: bool,
}

impl Plan<'_> {
    /// What the document does with each tool, in their order.
    pub(super) fn effects(&self) -> Vec<EffectiveRule> {
        self.servers.iter().flat_map(|server| &server.tools).map(|tool| tool.effective).collect()
    }
}

/// Degrades a rule to what can be said: limit to ask to deny, hide to deny, deny to hide, never to allow.
pub(super) fn degraded(exporter: &Exporter, tool: &ToolPolicy, tier: Tier, wishes: Wishes) -> EffectiveRule {
    let can = exporter.can;
    let asks = can.ask && !(exporter.strict_refuses && tier == Tier::Strict);
    let refuse = |reason| {
        let rule = if exporter.asking_hides || !can.deny { Rule::Hide } else { Rule::Deny };
        EffectiveRule::new(rule, reason)
    };
    let ask = |reason| if asks { EffectiveRule::new(Rule::Ask, reason) } else { refuse(reason) };
    let loses_arguments = !tool.arguments.is_empty() && !can.arguments;
    let narrowed = tool.arguments.iter().any(|r| matches!(r.check, Check::Be { .. }));
    if exporter.advisory && matches!(tool.rule, Rule::Deny | Rule::Hide) {
        return EffectiveRule::new(Rule::Ask, Reason::AdviceOnly);
    }
    match tool.rule {
        Rule::Allow if loses_arguments => ask(Reason::NoArguments),
        Rule::Allow => EffectiveRule::new(Rule::Allow, Reason::AsRecommended),
        Rule::Limit { .. } if can.limit && !loses_arguments => {
            EffectiveRule::new(tool.rule, Reason::AsRecommended)
        }
        Rule::Limit { .. } if can.limit => ask(Reason::NoArguments),
        // What only repeats the schema, the server checks itself; what narrows it is lost with the limit.
        Rule::Limit { .. } if wishes.limit_may_become_allow && !(narrowed && loses_arguments) => {
            EffectiveRule::new(Rule::Allow, Reason::LimitLifted)
        }
        Rule::Limit { .. } => ask(Reason::NoLimit),
        Rule::Ask if asks => EffectiveRule::new(Rule::Ask, Reason::AsRecommended),
        Rule::Ask => refuse(Reason::NoApproval),
        Rule::Deny if can.deny => EffectiveRule::new(Rule::Deny, Reason::AsRecommended),
        Rule::Deny => EffectiveRule::new(Rule::Hide, Reason::AsRecommended),
        Rule::Hide if can.hide => EffectiveRule::new(Rule::Hide, Reason::AsRecommended),
        Rule::Hide => EffectiveRule::new(Rule::Deny, Reason::DeniedNotHidden),
    }
}

/// What a format does with tools that no rule names.
fn default_of(exporter: &Exporter, rule: Rule) -> Rule {
    match rule {
        _ if exporter.believes_hints => Rule::Allow,
        Rule::Deny | Rule::Hide if exporter.can.deny_by_default => Rule::Deny,
        // Said in the header: the client asks about what it does not know, and cannot be told otherwise.
        Rule::Deny | Rule::Hide | Rule::Ask if exporter.can.ask => Rule::Ask,
        _ => Rule::Deny,
    }
}

/// Plans a document.
pub(super) fn plan<'a>(exporter: &Exporter, tier: Tier, servers: &'a [Keyed], wishes: Wishes) -> Plan<'a> {
    plan_from(exporter, tier, servers, wishes, ServerPolicy::fingerprint)
}

/// The same for one server whose policy's fingerprint is known.
pub(super) fn of_one<'a>(
    exporter: &Exporter,
    tier: Tier,
    keyed: &'a Keyed,
    fingerprint: Option<&str>,
) -> Plan<'a> {
    let known = |_: &ServerPolicy| fingerprint.map(str::to_owned);
    plan_from(exporter, tier, std::slice::from_ref(keyed), Wishes::default(), known)
}

fn plan_from<'a>(
    exporter: &Exporter,
    tier: Tier,
    servers: &'a [Keyed],
    wishes: Wishes,
    fingerprint: impl Fn(&ServerPolicy) -> Option<String>,
) -> Plan<'a> {
    let mut servers: Vec<PlannedServer<'a>> =
        servers.iter().map(|keyed| planned(exporter, tier, keyed, wishes)).collect();
    let collisions = join_collisions(exporter, &mut servers);
    let mut header = vec![format!(
        "Policy made by catalogue, tier {}, for {} ({}).",
        tier.as_str(),
        exporter.title,
        if exporter.advisory { "advice only: it blocks nothing" } else { exporter.tried_with }
    )];
    for server in &servers {
        let key = Untrusted::new(server.key).for_terminal(80);
        let release = if server.policy.release.is_empty() {
            String::new()
        } else {
            format!(" {}", Untrusted::new(&server.policy.release).for_terminal(40))
        };
        let made_from = fingerprint(server.policy);
        let made_from = made_from.map(|hex| format!(" Definitions {hex}.")).unwrap_or_default();
        let advice = if wishes.keys_are_own {
            ", as your configuration has it."
        } else {
            ": change the key to the one in your own configuration."
        };
        header.push(format!(
            "Server {}{release} under the key \"{key}\"{advice}{made_from}",
            Untrusted::new(server.policy.server.to_string()).for_terminal(120)
        ));
    }
    let defaults_lost =
        servers.iter().filter(|s| s.default.strictness() < s.policy.default.strictness()).count();
    if defaults_lost > 0 {
        let instead = match exporter.believes_hints {
            true => "runs unasked if its server calls it read-only, and is asked about if not",
            false => "is asked about and not refused",
        };
        let servers =
            if defaults_lost == 1 { "1 server".to_owned() } else { format!("{defaults_lost} servers") };
        header.push(format!("Lost: the default of {servers}: a tool that is added later {instead}."));
    }
    header.extend(losses(&servers));
    for (name, tools) in &collisions {
        header.push(format!(
            "Shared name: {} tools are one here, {}; the strictest of their rules holds for all.",
            tools,
            Untrusted::new(name.replace('\0', " ")).for_terminal(80)
        ));
    }
    for server in servers.iter().filter(|s| names_tools_only(exporter, s.key)) {
        header.push(format!(
            "Key \"{}\": no rule here holds for the whole server, and in yolo mode a tool that it adds later runs unasked. Its \
             rules name tools like {}, and hit those of any other server whose key becomes the same; rename it to 1 to 25 \
             of [A-Za-z0-9.:-].",
            Untrusted::new(server.key).for_terminal(80),
            Untrusted::new(exporter.form.whole(server.key, "TOOL")).for_terminal(80),
        ));
    }
    header.extend(exporter.notes.iter().map(|note| (*note).to_owned()));
    let mostly_lost = servers.iter().any(|server| {
        let count =
            |lost: &[Reason]| server.tools.iter().filter(|t| lost.contains(&t.effective.reason)).count();
        let limits = [Reason::NoLimit, Reason::NoLimitOnDottedName];
        let all = [&limits[..], &[Reason::NoApproval, Reason::NoArguments]].concat();
        // The flag that is named then is about limits alone: without one it would help nobody.
        count(&limits) > 0 && count(&all) * 2 > server.tools.len()
    });
    Plan { tier, servers, header, mostly_lost }
}

/// Plans a document without a header, for some tools of one server.
pub(super) fn fragment<'a>(exporter: &Exporter, tier: Tier, keyed: &'a Keyed) -> Plan<'a> {
    let mut servers = vec![planned(exporter, tier, keyed, Wishes::default())];
    if keyed.policy.tools.len() > 1 {
        join_collisions(exporter, &mut servers);
    }
    Plan { tier, servers, header: Vec::new(), mostly_lost: false }
}

/// Gemini has no rule for the whole of a server whose key it mangles; each tool by its whole name is all there is.
fn names_tools_only(exporter: &Exporter, key: &str) -> bool {
    exporter.form == Form::Gemini && !gemini_key_is_safe(key)
}

/// What a document does with tools that it does not name.
pub(super) fn default_in(exporter: &Exporter, tier: Tier, keyed: &Keyed) -> Rule {
    match exporter.strict_refuses && tier == Tier::Strict {
        true => Rule::Deny,
        false if names_tools_only(exporter, &keyed.key) => Rule::Ask,
        false => default_of(exporter, keyed.policy.default),
    }
}

fn planned<'a>(exporter: &Exporter, tier: Tier, keyed: &'a Keyed, wishes: Wishes) -> PlannedServer<'a> {
    let tools = keyed.policy.tools.iter().map(|policy| Planned {
        policy,
        name: exporter.form.in_rule(&keyed.key, policy.tool.raw()),
        effective: exporter.effective_for(&keyed.key, policy, tier, wishes),
    });
    let default = default_in(exporter, tier, keyed);
    let mut server =
        PlannedServer { key: &keyed.key, policy: &keyed.policy, default, tools: tools.collect() };
    // A tool that must not be called and may be spelt otherwise there: then the whole server is switched off.
    let unsure = |t: &Planned<'_>| t.effective.reason == Reason::UnsureName && t.effective.rule == Rule::Hide;
    if exporter.id == "kiro" && server.tools.iter().any(unsure) {
        for tool in &mut server.tools {
            tool.effective = EffectiveRule::new(Rule::Hide, Reason::UnsureName);
        }
    }
    server
}

/// Gives tools that share a name the strictest of their rules; returns the names with the number of tools.
fn join_collisions(exporter: &Exporter, servers: &mut [PlannedServer<'_>]) -> Vec<(String, usize)> {
    // Raw names of one server are different where they come in order, as they do.
    if let ([server], Form::Raw) = (&*servers, exporter.form)
        && server.tools.is_sorted_by(|a, b| a.policy.tool.raw() < b.policy.tool.raw())
    {
        return Vec::new();
    }
    let mut names: Vec<(Cow<'_, str>, usize, usize)> = Vec::new();
    for (at, server) in servers.iter().enumerate() {
        names.extend(server.tools.iter().enumerate().map(|(place, tool)| {
            let whole = match exporter.form {
                // A rule names the tool by the whole name.
                Form::ClaudeCode | Form::OpenCode | Form::Copilot => (&*tool.name).into(),
                form => form.whole(server.key, tool.policy.tool.raw()).into(),
            };
            (whole, at, place)
        }));
    }
    names.sort_unstable();
    let shared = names.chunk_by(|(a, ..), (b, ..)| a == b).filter(|group| group.len() > 1);
    let shared: Vec<(String, Vec<(usize, usize)>)> = shared
        .filter_map(|group| {
            let places = group.iter().map(|(_, at, place)| (*at, *place)).collect();
            Some((group.first()?.0.clone().into_owned(), places))
        })
        .collect();
    drop(names);
    for (_, places) in &shared {
        let effective = |(at, place): &(usize, usize)| Some(servers.get(*at)?.tools.get(*place)?.effective);
        let rules = places.iter().filter_map(effective).map(|effective| effective.rule);
        let strictest = rules.fold(Rule::Allow, Rule::or_stricter);
        for (at, place) in places {
            let Some(tool) = servers.get_mut(*at).and_then(|s| s.tools.get_mut(*place)) else { continue };
            if strictest.strictness() > tool.effective.rule.strictness() {
                tool.effective = EffectiveRule::new(strictest, Reason::SharedName);
            } else {
                tool.effective.named = true;
            }
        }
    }
    shared.into_iter().map(|(name, places)| (name, places.len())).collect()
}

/// One line for each kind of loss, with its count.
fn losses(servers: &[PlannedServer<'_>]) -> Vec<String> {
    let mut counts: Vec<((&str, &str, &str), usize)> = Vec::new();
    let mut arguments = 0;
    for tool in servers.iter().flat_map(|s| &s.tools) {
        let (wanted, got) = (tool.policy.rule, tool.effective.rule);
        if tool.effective.reason != Reason::AsRecommended {
            let loss = (wanted.word(), got.word(), tool.effective.reason.words());
            match counts.iter_mut().find(|(known, _)| *known == loss) {
                Some((_, count)) => *count += 1,
                None => counts.push((loss, 1)),
            }
        }
        if !tool.policy.arguments.is_empty()
            && !tool.effective.arguments
            && matches!(got, Rule::Allow | Rule::Ask)
        {
            arguments += tool.policy.arguments.len();
        }
    }
    let line = |(wanted, got, why): (&str, &str, &str)| format!("{wanted} -> {got} ({why})");
    let counts: BTreeMap<String, usize> =
        counts.into_iter().map(|(loss, count)| (line(loss), count)).collect();
    let mut lines: Vec<String> =
        counts.into_iter().map(|(line, count)| format!("Lost: {count} x {line}.")).collect();
    if arguments > 0 {
        lines.push(format!("Lost: {arguments} x argument rule (this format cannot look into arguments)."));
    }
    if lines.is_empty() {
        lines.push("Lost: nothing.".to_owned());
    }
    lines
}
