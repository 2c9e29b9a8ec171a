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
