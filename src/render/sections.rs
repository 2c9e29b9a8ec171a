//! Sections of a tool's page from stencils: what depends on a few words and some names is printed once for made-up names; after
//! that the real names are put in their place.
//!
//! As with single documents (see [`super::fragments`]) this is the same text only for plain names, so all others are printed by themselves.
//! Builds with debug assertions (all tests) print each section both ways and compare. Why: documents and questions were half of a
//! page's cost, and a catalogue of 100,000 tools has some hundred kinds of them (docs/PERFORMANCE.md).

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use serde::Serialize;

use super::RenderError;
use super::control::{Control, Policies, control_of, shown};
use super::digest::{Digest, Inputs};
use super::effects::Effects;
use super::facts::Facts;
use super::fragments::{
    KEY, Piece, RELEASE, SERVER, Shape, TOOL, UNNAMEABLE, has_stand_in, is_plain_key, is_plain_text, pieces,
    stand_in,
};
use super::html::{Markup, Sheet, escape_in_text};
use super::lines::Lines;
use super::name::ServerName;
use super::page::Press;
use super::questions::{Question, entries, questions};
use super::rules_kind::{Kind, RulesKind};
use super::stencils::Stencils;
use super::tool_lines::ToolLines;
use super::tool_page::{FirstQuestions, NearLines, ParameterKind, PartKind, ReasonKind};
use super::words::{ClassWord, RiskWord, SignalWord, base_risk, class_word, risk_word, signal_word};
use crate::model::Signal;
use crate::policy::{Keyed, ServerPolicy, Tier, ToolPolicy, default_server_key};

/// Every stencil of one build.
#[derive(Debug, Default)]
pub(super) struct Sections {
    rules: Stencils<(RulesKind, usize), RulesSection>,
    documents: Stencils<DocumentsKind, Vec<Vec<Piece>>>,
    questions: Stencils<QuestionsKind, QuestionsSection>,
    parts: Stencils<PartKind, Markup>,
    pub(super) near: NearLines,
    pub(super) parameters: Lines<ParameterKind>,
    pub(super) reasons: Lines<ReasonKind>,
    pub(super) tools: ToolLines,
    pub(super) first_questions: FirstQuestions,
}

/// What documents that show rules on arguments depend on beside names: those rules, and which documents the section asks for.
type DocumentsKind = (RulesKind, usize, Digest);

/// What the questions on rules and risk depend on beside names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct QuestionsKind {
    rules: RulesKind,
    signals: Vec<Signal>,
    corrected: bool,
}

/// What the documents call one server, if it is plain.
pub(super) struct ServerNames<'a> {
    key: String,
    server: String,
    release: &'a str,
}

/// A tool whose names are plain.
pub(super) struct PlainTool<'a> {
    kind: RulesKind,
    tool: &'a str,
    /// The same in lower case.
    lower: Cow<'a, str>,
    server: &'a ServerNames<'a>,
    policies: [&'a ToolPolicy; 3],
    /// Of the rules on its arguments.
    arguments: Digest,
}

/// The section on how to control a tool.
#[derive(Debug)]
pub(super) struct RulesSection {
    /// Of a made-up tool, without its documents.
    control: Control,
    /// None if the template does more with a document than show it.
    html: Option<Vec<Piece>>,
}

/// The section of one tool.
pub(super) struct ToolRules {
    section: Arc<RulesSection>,
    /// Those that show its own rules on arguments.
    documents: Option<Arc<Vec<Vec<Piece>>>>,
}

impl ToolRules {
    /// Writes its markup.
    pub(super) fn put(&self, tool: &PlainTool<'_>, out: &mut String) {
        let documents = self.documents.as_deref().map(Vec::as_slice).unwrap_or_default();
        tool.fill(self.section.html.as_deref().unwrap_or_default(), documents, out);
    }
}

/// The questions on rules and risk.
#[derive(Debug)]
pub(super) struct QuestionsSection {
    html: Vec<Piece>,
    json: Vec<Piece>,
}

impl<'a> ServerNames<'a> {
    /// None if the names need more care than a stencil takes.
    pub(super) fn plain(policies: &'a Policies) -> Option<Self> {
        let policy = policies.of(Tier::Recommended);
        let (key, server) = (default_server_key(&policy.server), policy.server.to_string());
        let plain = (is_plain_key(&key) || key == UNNAMEABLE)
            && is_plain_text(&server)
            && is_plain_text(&policy.release);
        plain.then_some(Self { key, server, release: &policy.release })
    }

    /// None if the tool's name does, or if its documents say more than names and rules.
    pub(super) fn tool(&'a self, policies: &'a Policies, tool: &'a str) -> Option<PlainTool<'a>> {
        let shape = Shape::of(tool)?;
        let of = |tier: Tier| policies.of(tier).tool(tool);
        let [strict, recommended, permissive] = [of(Tier::ALL[0])?, of(Tier::ALL[1])?, of(Tier::ALL[2])?];
        let all = [strict, recommended, permissive];
        let alike = |other: &&ToolPolicy| (other.class, other.risk) == (strict.class, strict.risk);
        // Reasons and places are in no document that pages show.
        static NO_RULES: LazyLock<Digest> = LazyLock::new(|| Digest::of(&()));
        let same = [0, 1].map(|i| all[i].arguments == all[i + 1].arguments);
        let arguments = if all.iter().all(|tool| tool.arguments.is_empty()) {
            Some(*NO_RULES)
        } else {
            // Which of them are the same is part of the kind.
            let mut arguments = Inputs::default();
            arguments.add(&strict.arguments);
            let others = [recommended, permissive].into_iter().zip(same).filter(|(_, same)| !same);
            others.for_each(|(tool, _)| arguments.add(&tool.arguments));
            // What is said of the arguments holds no made-up name.
            Some(arguments.done()).filter(|_| !arguments.hold("qz"))
        }?;
        all.iter().all(alike).then(|| PlainTool {
            kind: RulesKind::new(Kind {
                rules: all.map(|tool| tool.rule),
                defaults: [0, 1, 2].map(|i| policies.of(Tier::ALL[i]).default),
                class: strict.class,
                risk: strict.risk,
                unnamed: self.release.is_empty(),
                unnameable: self.key == UNNAMEABLE,
                shape,
                effects: Effects::of(all),
                alike: same,
            }),
            tool,
            lower: if shape == Shape::Camel { tool.to_ascii_lowercase().into() } else { tool.into() },
            server: self,
            policies: all,
            arguments,
        })
    }
}

impl PlainTool<'_> {
    /// What the documents call its server.
    pub(super) fn key(&self) -> &str {
        &self.server.key
    }

    /// Writes the markup of questions with this tool's names.
    pub(super) fn put_html(&self, section: &QuestionsSection, out: &mut String) {
        self.fill(&section.html, &[], out);
    }

    /// Writes their entries as JSON.
    pub(super) fn put_json(&self, section: &QuestionsSection, out: &mut String) {
        self.fill(&section.json, &[], out);
    }

    /// Documents in the order in which they are asked for.
    fn fill(&self, pieces: &[Piece], documents: &[Vec<Piece>], text: &mut String) {
        let mut documents = documents.iter();
        for piece in pieces {
            match piece {
                Piece::Document(..) => {
                    let document = documents.next().expect("there is a document for each place of one");
                    document.iter().for_each(|piece| text.push_str(self.word(piece)));
                }
                piece => text.push_str(self.word(piece)),
            }
        }
    }

    /// What is put in.
    fn word<'p>(&'p self, piece: &'p Piece) -> &'p str {
        match piece {
            Piece::Text(text) => text,
            Piece::Tool => self.tool,
            Piece::LowerTool => &self.lower,
            Piece::Key => &self.server.key,
            Piece::Server => &self.server.server,
            Piece::Release => self.server.release,
            Piece::Document(..) => "",
        }
    }

    /// The same tool under made-up names, with marks for the documents that show its own rules on arguments.
    fn made_up(&self) -> Control {
        let tiers = Tier::ALL.iter().enumerate();
        let keyed = tiers.map(|(i, tier)| (*tier, self.made_up_in(i))).collect();
        let mut control = control_of(keyed).expect("each policy names the tool");
        for (i, format) in control.formats.iter_mut().enumerate() {
            for part in format.parts.iter_mut().filter(|part| part.of.1) {
                part.text = stand_in(i, part.of.0);
            }
        }
        control
    }

    fn made_up_in(&self, tier: usize) -> Keyed {
        let Kind { defaults, unnamed, unnameable, shape, .. } = self.kind.kind;
        let tool = self.policies[tier].clone();
        let policy = ServerPolicy {
            server: SERVER.parse().expect("a package's name"),
            release: if unnamed { String::new() } else { RELEASE.to_owned() },
            default: defaults[tier],
            tools: vec![ToolPolicy { tool: shape.name().into(), definition: String::new(), ..tool }],
        };
        Keyed { key: if unnameable { UNNAMEABLE } else { KEY }.to_owned(), policy }
    }
}

#[derive(Serialize)]
struct RulesView<'a> {
    name: &'a str,
    control: &'a Control,
    root: &'a str,
}

#[derive(Serialize)]
struct QuestionsView<'a> {
    name: &'a str,
    control: &'a Control,
    class: ClassWord,
    risk: RiskWord,
    base: RiskWord,
    signals: Vec<SignalWord>,
    correction: Option<Corrected>,
}

#[derive(Serialize)]
struct Corrected {
    agrees: bool,
}

/// What the last question asks for.
#[derive(Serialize)]
pub(super) struct ProviderView<'a> {
    pub(super) name: &'a str,
    pub(super) server: &'a ServerName,
    pub(super) facts: &'a Facts,
}

#[derive(Serialize)]
struct Asked<'a> {
    questions: &'a [Question],
}

impl Sections {
    /// A part of a page that is the same for all tools of its kind.
    ///
    /// # Errors
    /// What `make` ends with, where it was not made before.
    pub(super) fn part(
        &self,
        kind: PartKind,
        make: impl FnOnce() -> Result<Markup, RenderError>,
    ) -> Result<Arc<Markup>, RenderError> {
        self.parts.get(kind, make)
    }

    /// How to control a tool: the section of its kind, with its documents; None if its template does more with a document than show it.
    /// `root` is the way to the site's root.
    ///
    /// # Errors
    /// A template that does not fit.
    pub(super) fn rules(
        &self,
        press: &Press<'_>,
        tool: &PlainTool<'_>,
        root: &str,
    ) -> Result<Option<ToolRules>, RenderError> {
        let name = tool.kind.kind.shape.name();
        let section = self.rules.get((tool.kind, root.len()), || {
            let mut control = tool.made_up();
            let html = rules_html(press, name, &control, root)?;
            control.formats.clear();
            let html = Some(pieces(html.as_str(), name)).filter(|html| !has_stand_in(html));
            Ok(RulesSection { control, html })
        })?;
        let Some(pieces) = &section.html else { return Ok(None) };
        let shown = || {
            let places = pieces.iter().filter_map(|piece| match piece {
                Piece::Document(format, tier) => Some((usize::from(*format), usize::from(*tier))),
                _ => None,
            });
            Ok(places.map(|place| document(tool, place)).collect())
        };
        let documents = match pieces.iter().any(|piece| matches!(piece, Piece::Document(..))) {
            true => Some(self.documents.get((tool.kind, root.len(), tool.arguments), shown)?),
            false => None,
        };
        Ok(Some(ToolRules { section, documents }))
    }

    /// The questions on rules and risk: their markup, and their entries as JSON. They tell of the documents, not of their text.
    ///
    /// # Errors
    /// A template that does not fit.
    pub(super) fn questions(
        &self,
        press: &Press<'_>,
        tool: &PlainTool<'_>,
        rules: &ToolRules,
        signals: &[Signal],
        corrected: bool,
    ) -> Result<Arc<QuestionsSection>, RenderError> {
        let kind = QuestionsKind { rules: tool.kind, signals: signals.to_vec(), corrected };
        let name = tool.kind.kind.shape.name();
        self.questions.get(kind, || {
            let Kind { class, risk, .. } = tool.kind.kind;
            let view = QuestionsView {
                name,
                control: &rules.section.control,
                class: class_word(class),
                risk: risk_word(risk),
                base: risk_word(base_risk(class)),
                signals: signals.iter().copied().map(signal_word).collect(),
                correction: corrected.then_some(Corrected { agrees: false }),
            };
            let asked = questions(&press.part("faq-rules.txt", &Sheet::of("faq-rules.txt", &view)?)?);
            let html = questions_html(press, &asked)?;
            Ok(QuestionsSection { html: pieces(html.as_str(), name), json: pieces(&entries(&asked), name) })
        })
    }
}

/// A document of a tool, escaped as documents are.
fn document(tool: &PlainTool<'_>, (format, tier): (usize, usize)) -> Vec<Piece> {
    let (text, _) = shown()[format].fragment(&tool.made_up_in(tier), Tier::ALL[tier]);
    let mut html = String::with_capacity(text.len());
    escape_in_text(text.trim(), &mut html);
    pieces(&html, tool.kind.kind.shape.name())
}

/// The question which server provides a tool, for all tools of one server with plain names; None if the server's own words could be
/// taken for a made-up name.
///
/// # Errors
/// A template that does not fit.
pub(super) fn provider(
    press: &Press<'_>,
    server: &ServerName,
    facts: &Facts,
) -> Result<Option<QuestionsSection>, RenderError> {
    const TEMPLATE: &str = "faq-server.txt";
    let mut words = Inputs::default();
    words.add(&(server, facts));
    if words.hold("qz") {
        return Ok(None);
    }
    let view = ProviderView { name: TOOL, server, facts };
    let asked = questions(&press.part(TEMPLATE, &Sheet::of(TEMPLATE, &view)?)?);
    let html = questions_html(press, &asked)?;
    Ok(Some(QuestionsSection { html: pieces(html.as_str(), TOOL), json: pieces(&entries(&asked), TOOL) }))
}

/// The section's markup as its template prints it.
///
/// # Errors
/// A template that does not fit.
pub(super) fn rules_html(
    press: &Press<'_>,
    name: &str,
    control: &Control,
    root: &str,
) -> Result<Markup, RenderError> {
    const TEMPLATE: &str = "parts/rules.html";
    press.part(TEMPLATE, &Sheet::of(TEMPLATE, &RulesView { name, control, root })?).map(Markup::printed)
}

/// Questions as they are unfolded.
///
/// # Errors
/// A template that does not fit.
pub(super) fn questions_html(press: &Press<'_>, asked: &[Question]) -> Result<Markup, RenderError> {
    const TEMPLATE: &str = "parts/questions.html";
    press.part(TEMPLATE, &Sheet::of(TEMPLATE, &Asked { questions: asked })?).map(Markup::printed)
}
