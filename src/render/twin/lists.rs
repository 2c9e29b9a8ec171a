//! JSON twins of servers and lists. The tools of a list are written one by one, straight into its text.

use serde::Serialize;

use super::{SERVER, SERVER_LIST, ServerRef, TOOL_LIST, compact, json_path, visible};
use crate::model::text::every;
use crate::policy::ServerPolicy;
use crate::render::catalogue::{ServerEntry, ServerLine, ToolLine};
use crate::render::facts::Facts;
use crate::render::like_servers::LikeServer;
use crate::render::page::Pager;
use crate::render::words::{ClassCount, ClassWord, RiskCount, RiskWord, SignalWord};

/// Ends a document that has no field for its tools yet with a list of them.
fn with_tools(head: &impl Serialize, lines: &[ToolLine<'_>]) -> String {
    let mut text = visible(compact(head));
    text.truncate(text.trim_end().len() - 1);
    text.push_str(",\"tools\":[");
    for (i, line) in lines.iter().enumerate() {
        if i > 0 {
            text.push(',');
        }
        put_line(line, &mut text);
    }
    text.push_str("]}\n");
    text
}

/// A line of a list of tools. There are some five of each tool, so they are not laid out for a serializer.
fn put_line(line: &ToolLine<'_>, out: &mut String) {
    out.push_str("{\"name\":");
    put_text(&line.name, out);
    for part in [",\"class\":\"", line.class.id, "\",\"risk\":\"", line.risk.id, "\",\"signals\":["] {
        out.push_str(part);
    }
    for (i, signal) in line.signals.iter().enumerate() {
        out.push_str(if i > 0 { ",\"" } else { "\"" });
        out.push_str(signal.id);
        out.push('"');
    }
    out.push_str("],\"says\":");
    put_text(line.line, out);
    out.push_str(",\"page\":");
    put_text(&line.path, out);
    out.push_str(",\"json\":");
    put_text(&json_path(&line.path), out);
    if let Some(server) = line.server {
        out.push_str(",\"server\":");
        put_text(&server.key, out);
    }
    out.push('}');
}

/// A text with its quotes.
fn put_text(text: &str, out: &mut String) {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') & !matches!(byte, b'"' | b'\\');
    if every(text.as_bytes(), is_plain) {
        for part in ["\"", text, "\""] {
            out.push_str(part);
        }
    } else {
        let json = serde_json::to_string(text).expect("a text is always JSON");
        out.push_str(visible(json).trim_end());
    }
}

/// How many of a class.
#[derive(Serialize)]
struct CountTwin {
    class: &'static str,
    tools: usize,
}

/// How many of a risk.
#[derive(Serialize)]
struct RiskTwin {
    risk: &'static str,
    tools: usize,
}

/// For how many the recommended tier says this.
#[derive(Serialize)]
struct RuleCountTwin {
    rule: &'static str,
    tools: usize,
}

/// Another server with similar tools.
#[derive(Serialize)]
struct SimilarServerTwin<'a> {
    key: &'a str,
    name: &'a str,
    /// Tools of this server that have one there.
    tools: usize,
    page: String,
    json: String,
}

/// The rules of these tools, the most open first.
fn rule_counts<'n>(policy: &ServerPolicy, names: impl Iterator<Item = &'n str>) -> Vec<RuleCountTwin> {
    let mut counts = ["allow", "limit", "ask", "deny", "hide"].map(|rule| RuleCountTwin { rule, tools: 0 });
    for tool in names.filter_map(|name| policy.tool(name)) {
        let known = counts.iter_mut().find(|count| count.rule == tool.rule.word());
        known.into_iter().for_each(|count| count.tools += 1);
    }
    counts.into_iter().filter(|count| count.tools > 0).collect()
}

/// One server with its tools in short.
#[derive(Serialize)]
pub(in crate::render) struct ServerTwin<'a> {
    format: &'static str,
    #[serde(flatten)]
    server: ServerRef<'a>,
    outcome: &'static str,
    asked: &'a str,
    registry: &'a str,
    package: &'a str,
    repository: Option<&'a str>,
    licence: Option<&'a str>,
    sandbox: &'a str,
    transport: &'a str,
    total: usize,
    classes: Vec<CountTwin>,
    risks: Vec<RiskTwin>,
    recommended: Vec<RuleCountTwin>,
    similar_servers: Vec<SimilarServerTwin<'a>>,
    #[serde(skip)]
    tools: &'a [ToolLine<'a>],
}

impl<'a> ServerTwin<'a> {
    pub(in crate::render) fn answered(
        entry: &'a ServerEntry,
        facts: &'a Facts,
        classes: &[ClassCount],
        tools: &'a [ToolLine<'a>],
    ) -> Self {
        let count = |c: &ClassCount| CountTwin { class: c.class.id, tools: c.count };
        Self {
            total: tools.len(),
            classes: classes.iter().map(count).collect(),
            tools,
            ..Self::quiet(entry, facts)
        }
    }

    /// The same with what its tools come to: how many of each risk, and of each rule of a policy, by their names.
    pub(in crate::render) fn come_to<'n>(
        self,
        risks: &[RiskCount],
        policy: &ServerPolicy,
        names: impl Iterator<Item = &'n str>,
    ) -> Self {
        let risks = risks.iter().filter(|risk| risk.count > 0);
        Self {
            risks: risks.map(|risk| RiskTwin { risk: risk.risk.id, tools: risk.count }).collect(),
            recommended: rule_counts(policy, names),
            ..self
        }
    }

    /// The same with servers that have similar tools.
    pub(in crate::render) fn like(self, servers: &[LikeServer<'a>]) -> Self {
        let twin = |other: &LikeServer<'a>| SimilarServerTwin {
            key: &other.name.key,
            name: &other.name.name,
            tools: other.tools,
            page: format!("{}/index.html", other.name.path),
            json: format!("{}/index.json", other.name.path),
        };
        Self { similar_servers: servers.iter().map(twin).collect(), ..self }
    }

    pub(in crate::render) fn quiet(entry: &'a ServerEntry, facts: &'a Facts) -> Self {
        Self {
            format: SERVER.0,
            server: ServerRef::new(entry),
            outcome: entry.outcome.as_str(),
            asked: &facts.asked.iso,
            registry: facts.registry,
            package: &facts.package,
            repository: facts.repository.as_deref(),
            licence: facts.licence.as_deref(),
            sandbox: facts.sandbox,
            transport: facts.transport,
            total: 0,
            classes: Vec::new(),
            risks: Vec::new(),
            recommended: Vec::new(),
            similar_servers: Vec::new(),
            tools: &[],
        }
    }

    /// The document, with its tools behind the rest.
    pub(in crate::render) fn text(&self) -> String {
        with_tools(self, self.tools)
    }
}

/// Where a part of a list stands.
#[derive(Serialize)]
struct PartTwin {
    number: usize,
    of: usize,
    next: Option<String>,
}

impl PartTwin {
    fn new(pager: &Pager) -> Self {
        let next = pager.links.iter().find(|link| link.number == pager.number + 1);
        Self { number: pager.number, of: pager.count, next: next.map(|link| json_path(&link.path)) }
    }
}

/// A list of tools.
#[derive(Serialize)]
pub(in crate::render) struct ToolListTwin<'a> {
    format: &'static str,
    class: Option<&'static str>,
    risk: Option<&'static str>,
    signal: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
    total: usize,
    part: PartTwin,
    #[serde(skip)]
    tools: &'a [ToolLine<'a>],
}

impl<'a> ToolListTwin<'a> {
    pub(in crate::render) fn new(
        class: Option<ClassWord>,
        risk: Option<RiskWord>,
        total: usize,
        pager: &Pager,
        lines: &'a [ToolLine<'a>],
    ) -> Self {
        Self {
            format: TOOL_LIST.0,
            class: class.map(|c| c.id),
            risk: risk.map(|r| r.id),
            signal: None,
            server: None,
            total,
            part: PartTwin::new(pager),
            tools: lines,
        }
    }

    /// The same, of tools with a signal.
    pub(in crate::render) fn with_signal(self, signal: Option<SignalWord>) -> Self {
        Self { signal: signal.map(|s| s.id), ..self }
    }

    /// The same, of one server's tools.
    pub(in crate::render) fn of_server(self, key: String) -> Self {
        Self { server: Some(key), ..self }
    }

    /// The document, with its tools behind the rest.
    pub(in crate::render) fn text(&self) -> String {
        with_tools(self, self.tools)
    }
}

/// A line of a list of servers.
#[derive(Serialize)]
struct ServerLineTwin<'a> {
    key: &'a str,
    name: &'a str,
    version: &'a str,
    outcome: &'static str,
    asked: &'a str,
    total: usize,
    classes: Vec<CountTwin>,
    page: String,
    json: String,
}

/// A list of servers.
#[derive(Serialize)]
pub(in crate::render) struct ServerListTwin<'a> {
    format: &'static str,
    list: &'static str,
    total: usize,
    part: PartTwin,
    servers: Vec<ServerLineTwin<'a>>,
}

impl<'a> ServerListTwin<'a> {
    pub(in crate::render) fn new(
        list: &'static str,
        total: usize,
        pager: &Pager,
        lines: &'a [ServerLine],
    ) -> Self {
        let count = |c: &ClassCount| CountTwin { class: c.class.id, tools: c.count };
        let servers = lines.iter().map(|line| ServerLineTwin {
            key: &line.name.key,
            name: &line.name.name,
            version: &line.version,
            outcome: line.outcome,
            asked: &line.asked.iso,
            total: line.tools,
            classes: line.classes.iter().map(count).collect(),
            page: format!("{}/index.html", line.name.path),
            json: format!("{}/index.json", line.name.path),
        });
        Self { format: SERVER_LIST.0, list, total, part: PartTwin::new(pager), servers: servers.collect() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::text::is_unprintable;
    use crate::model::{Class, Risk, Signal};
    use crate::render::words::{class_word, risk_word, signal_word};

    #[test]
    fn a_line_reads_back_as_what_it_says() {
        for name in ["get_x", "a\"b\\c", "tab\t\u{202e}x\u{7f}", "天気 é", ""] {
            let tool = ToolLine {
                name: name.into(),
                path: "servers/npm/x/tools/y.html".to_owned(),
                class: class_word(Class::Write),
                risk: risk_word(Risk::High),
                signals: vec![signal_word(Signal::Bulk), signal_word(Signal::Reversible)],
                signal_bits: 0,
                line: "Says \"it\".",
                server: None,
            };
            let text = with_tools(&json!({ "total": 2 }), &[tool.clone(), tool]);
            assert!(!text.trim_end().chars().any(is_unprintable), "{text:?}");
            let line = json!({
                "name": name, "class": "write", "risk": "high", "says": "Says \"it\".",
                "signals": [Signal::Bulk.as_str(), Signal::Reversible.as_str()],
                "page": "servers/npm/x/tools/y.html", "json": "servers/npm/x/tools/y.json",
            });
            let read: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(read, json!({ "total": 2, "tools": [line, line] }));
        }
    }
}
