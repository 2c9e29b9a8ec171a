//! What a document really does with one tool, and why it is not what was recommended.

use serde::Serialize;

use crate::policy::Rule;

/// Why a format does what it does with one tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It says exactly what was recommended.
    AsRecommended,
    /// Recommended hidden; this format's document refuses the call and leaves the tool listed.
    DeniedNotHidden,
    /// A person should decide; this format has no approval, so the call is refused until a person changes the rule.
    NoApproval,
    /// A limit was recommended; this format cannot count calls of a tool whose name holds a dot, so it is refused.
    NoLimitOnDottedName,
    /// The name would be a wildcard in this format: it is left out, and the default refuses it.
    WildcardName,
    /// The name is empty or blank: it is left out, and the default refuses it.
    BlankName,
    /// The name is too long for this format.
    LongName,
    /// A limit was recommended; this format cannot count.
    NoLimit,
    /// A limit was recommended; somebody asked for allow where it cannot be said.
    LimitLifted,
    /// Rules on arguments were recommended; this format cannot look into them, or not into these.
    NoArguments,
    /// Another tool has the same name in this format, and a stricter rule.
    SharedName,
    /// The form that this format gives to the name is not known.
    UnsureName,
    /// The target takes it as advice and blocks nothing: a person is asked.
    AdviceOnly,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Reason; 13] = [
        Reason::AsRecommended,
        Reason::DeniedNotHidden,
        Reason::NoApproval,
        Reason::NoLimitOnDottedName,
        Reason::WildcardName,
        Reason::BlankName,
        Reason::LongName,
        Reason::NoLimit,
        Reason::LimitLifted,
        Reason::NoArguments,
        Reason::SharedName,
        Reason::UnsureName,
        Reason::AdviceOnly,
    ];

    /// The word that templates choose their sentence by.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::AsRecommended => "as-recommended",
            Reason::DeniedNotHidden => "denied-not-hidden",
            Reason::NoApproval => "no-approval",
            Reason::NoLimitOnDottedName => "no-limit-on-dotted-name",
            Reason::WildcardName => "wildcard-name",
            Reason::BlankName => "blank-name",
            Reason::LongName => "long-name",
            Reason::NoLimit => "no-limit",
            Reason::LimitLifted => "limit-lifted",
            Reason::NoArguments => "no-arguments",
            Reason::SharedName => "shared-name",
            Reason::UnsureName => "unsure-name",
            Reason::AdviceOnly => "advice-only",
        }
    }

    /// The reason as a file's header says it.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Reason::AsRecommended => "as recommended",
            Reason::DeniedNotHidden => "the tool stays listed",
            Reason::NoApproval => "this format cannot ask: a person should decide and change the rule",
            Reason::NoLimitOnDottedName => "this format cannot count calls of a name with a dot",
            Reason::WildcardName => "the name would be a wildcard here",
            Reason::BlankName => "the name is blank",
            Reason::LongName => "the name is too long here",
            Reason::NoLimit => "this format cannot count calls",
            Reason::LimitLifted => "this format cannot count calls, and --lossy-limit allow was given",
            Reason::NoArguments => "this format cannot check those arguments",
            Reason::SharedName => "another tool has the same name here and a stricter rule",
            Reason::UnsureName => "how this format spells the name is not known",
            Reason::AdviceOnly => "this format is advice: it blocks nothing and the client asks",
        }
    }
}

/// What a document of one format does with one tool, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct EffectiveRule {
    /// What becomes of a call.
    #[serde(flatten)]
    pub rule: Rule,
    /// Why.
    pub reason: Reason,
    /// The document names the tool; false where only the default refuses it.
    pub named: bool,
    /// The document holds the rules on arguments.
    pub arguments: bool,
}

impl EffectiveRule {
    pub(super) fn new(rule: Rule, reason: Reason) -> Self {
        Self { rule, reason, named: true, arguments: false }
    }

    pub(super) fn left_out(reason: Reason) -> Self {
        Self { rule: Rule::Deny, reason, named: false, arguments: false }
    }

    /// The same for another reason and with another rule.
    pub(super) fn instead(self, rule: Rule, reason: Reason) -> Self {
        Self { rule, reason, ..self }
    }
}
