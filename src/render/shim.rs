//! Stand-ins until the branch with classify, policy and export is merged.
#![allow(missing_docs, clippy::allow_attributes, clippy::allow_attributes_without_reason)]

pub mod classify {
    use crate::model::*;
    pub struct RuleText {
        pub id: String,
        pub what: String,
        pub why: String,
    }
    #[derive(Default)]
    pub struct RuleSet {
        pub texts: Vec<RuleText>,
    }
    impl RuleSet {
        pub fn hash(&self) -> &str {
            "0000000000000000000000000000000000000000000000000000000000000000"
        }
        pub fn judge(&self, tool: &ToolDefinition) -> Verdict {
            let name = tool.name().to_lowercase();
            let (class, risk, word) = if name.contains("delete") {
                (Class::Destructive, Risk::Critical, "delete")
            } else if name.contains("run") {
                (Class::Execute, Risk::High, "run")
            } else if name.contains("create") {
                (Class::Write, Risk::Medium, "create")
            } else {
                (Class::Read, Risk::Low, "")
            };
            let start = name.find(word).unwrap_or(0);
            let start = name.char_indices().take_while(|(i, _)| *i < start).count();
            let evidence = vec![Evidence {
                rule: format!("name-{word}"),
                field: "/name".to_owned(),
                span: (!word.is_empty()).then_some([start, start + word.len()]),
                text: word.to_owned(),
                effect: Effect { class: Some(class), weight: 1.0, ..Effect::default() },
            }];
            Verdict { class, risk, signals: vec![], confidence: 0.9, needs_review: false, evidence }
        }
        pub fn meaning(&self, id: &str) -> Option<&RuleText> {
            self.texts.iter().find(|t| t.id == id)
        }
    }
}

pub mod policy {
    use crate::model::*;
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum Window {
        Minute,
        Hour,
        Day,
    }
    impl Window {
        pub fn as_str(self) -> &'static str {
            match self {
                Window::Minute => "minute",
                Window::Hour => "hour",
                Window::Day => "day",
            }
        }
    }
    #[derive(Clone, Copy, PartialEq, Eq, Debug)]
    pub enum Rule {
        Allow,
        Limit { max: u32, window: Window },
        Hide,
        Ask,
    }
    #[derive(Clone, Debug)]
    pub struct ToolPolicy {
        pub tool: Untrusted,
        pub class: Class,
        pub risk: Risk,
        pub rule: Rule,
    }
    #[derive(Clone, Debug)]
    pub struct ServerPolicy {
        pub server: ServerKey,
        pub release: String,
        pub tools: Vec<ToolPolicy>,
    }
    #[derive(Default)]
    pub struct Numbers;
    pub fn policy_for_tool(tool: &str, v: &Verdict, _: &Numbers) -> ToolPolicy {
        let rule = match v.class {
            _ if v.needs_review && v.confidence < 0.5 => Rule::Ask,
            Class::Read => Rule::Allow,
            Class::Write => Rule::Limit { max: 30, window: Window::Minute },
            Class::Execute => Rule::Limit { max: 10, window: Window::Minute },
            Class::Destructive => Rule::Hide,
        };
        ToolPolicy { tool: Untrusted::new(tool), class: v.class, risk: v.risk, rule }
    }
    pub fn policy_for_server(
        server: &ServerKey,
        release: &str,
        tools: &[(String, Verdict)],
        numbers: &Numbers,
    ) -> ServerPolicy {
        let tools = tools.iter().map(|(n, v)| policy_for_tool(n, v, numbers)).collect();
        ServerPolicy { server: server.clone(), release: release.to_owned(), tools }
    }
}

pub mod export {
    use super::policy::*;
    #[derive(Debug)]
    pub struct ExportError;
    impl std::fmt::Display for ExportError {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("x")
        }
    }
    impl std::error::Error for ExportError {}
    pub struct Exporter {
        pub id: &'static str,
        pub title: &'static str,
        pub file_name: &'static str,
        pub language: &'static str,
        pub limits: bool,
        pub hides: bool,
        pub asks: bool,
        pub write: fn(&ServerPolicy) -> Result<String, ExportError>,
    }
    #[derive(Clone, Copy, PartialEq, Eq)]
    pub enum Action {
        Allowed,
        Limited { max: u32, window: Window },
        Denied,
        Hidden,
    }
    #[derive(Clone, Copy)]
    pub enum Reason {
        AsRecommended,
        DeniedNotHidden,
        NoApproval,
        NoLimitOnDottedName,
    }
    impl Reason {
        pub fn as_str(self) -> &'static str {
            match self {
                Reason::AsRecommended => "as-recommended",
                Reason::DeniedNotHidden => "denied-not-hidden",
                Reason::NoApproval => "no-approval",
                Reason::NoLimitOnDottedName => "no-limit-on-dotted-name",
            }
        }
    }
    pub struct EffectiveRule {
        pub action: Action,
        pub reason: Reason,
        pub named: bool,
    }
    impl Exporter {
        pub fn effective(&self, p: &ToolPolicy) -> EffectiveRule {
            let (action, reason) = match p.rule {
                Rule::Allow => (Action::Allowed, Reason::AsRecommended),
                Rule::Limit { .. } if self.id == "intercept" && p.tool.raw().contains('.') => {
                    (Action::Denied, Reason::NoLimitOnDottedName)
                }
                Rule::Limit { max, window } => (Action::Limited { max, window }, Reason::AsRecommended),
                Rule::Hide if self.id == "intercept" => (Action::Denied, Reason::DeniedNotHidden),
                Rule::Hide => (Action::Hidden, Reason::AsRecommended),
                Rule::Ask => (Action::Denied, Reason::NoApproval),
            };
            EffectiveRule { action, reason, named: true }
        }
    }
    fn write(p: &ServerPolicy) -> Result<String, ExportError> {
        Ok(p.tools.iter().map(|t| format!("{:?}: {:?}\n", t.tool.raw(), t.rule)).collect())
    }
    pub const EXPORTERS: &[Exporter] = &[
        Exporter {
            id: "policylayer",
            title: "PolicyLayer",
            file_name: "policy.json",
            language: "json",
            limits: true,
            hides: true,
            asks: false,
            write,
        },
        Exporter {
            id: "intercept",
            title: "Intercept",
            file_name: "policy.yaml",
            language: "yaml",
            limits: true,
            hides: true,
            asks: false,
            write,
        },
    ];
}
