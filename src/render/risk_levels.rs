//! One page on the four risk levels together: what each of them means, how many tools and servers have it, and where the
//! gravest tools are. The page of each level is made by `lists` and `risk_page`.

use std::cmp::Reverse;

use serde::Serialize;

use super::RenderError;
use super::catalogue::{Catalogue, ServerEntry, ToolEntry};
use super::chart::{Chart, share};
use super::digest::Digest;
use super::html::Sheet;
use super::kinds::{MadeFrom, Make, PageKind};
use super::lists::Figures;
use super::name::ServerName;
use super::questions::{Question, entries, json_ld, questions};
use super::site_work::WholeWork;
use super::words::{ClassCount, ClassWord, RiskWord, base_risk, class_counts, class_word, risk_word};
use crate::model::{Class, Risk};

/// Servers that are named.
const SERVERS: usize = 10;
/// The questions and their answers.
const QUESTIONS: &str = "risks-questions.txt";
const PATH: &str = "risks/index.html";

/// One page.
pub(super) const KIND: PageKind = PageKind {
    id: "risks",
    path: PATH,
    templates: &["risks.html", QUESTIONS],
    made_from: MadeFrom::Catalogue,
    counts: true,
    make: Make::Whole(risks),
};

/// One level, counted over the whole catalogue.
#[derive(Serialize)]
struct LevelView {
    risk: RiskWord,
    tools: usize,
    /// Its share of all tools, `12.3`.
    share: String,
    /// Servers that have such a tool.
    servers: usize,
    /// Its tools that an attack pattern fits.
    exposed: usize,
    /// Classes that occur in it, most severe first.
    classes: Vec<ClassCount>,
    /// The class whose tools begin here.
    begins: Option<ClassWord>,
}

/// A server with its tools of the two upper levels.
#[derive(Serialize)]
struct GraveServer<'a> {
    name: &'a ServerName,
    critical: usize,
    high: usize,
    /// Its tools, of whatever risk, that an attack pattern fits.
    exposed: usize,
    total: usize,
}

#[derive(Serialize)]
struct Asked<'a> {
    figures: &'a Figures,
    /// Gravest first.
    levels: &'a [LevelView],
    /// Tools of the two upper levels, and the servers that have them.
    grave: usize,
    grave_servers: usize,
}

#[derive(Serialize)]
struct RisksView<'a> {
    #[serde(flatten)]
    asked: Asked<'a>,
    chart: Chart,
    servers: Vec<GraveServer<'a>>,
    questions: &'a [Question],
    json_ld: String,
}

fn risks(work: &WholeWork<'_>) -> Result<(), RenderError> {
    let (catalogue, press) = (work.common.catalogue, work.common.press);
    let levels: Vec<LevelView> = Risk::ALL.iter().rev().map(|risk| level(catalogue, *risk)).collect();
    let chart = Chart::new(
        ("risks", "Tools by risk"),
        ("Risk", "Tools"),
        levels.iter().map(|level| {
            let word = level.risk;
            (word.word.to_owned(), word.css, format!("risks/{}.html", word.id), level.tools)
        }),
    );
    let mut servers: Vec<GraveServer<'_>> =
        catalogue.servers.iter().filter_map(|entry| grave(catalogue, entry)).collect();
    let (grave, grave_servers) = (servers.iter().map(GraveServer::grave).sum(), servers.len());
    // By key where they have equally many.
    servers.sort_by_key(|server| Reverse((server.grave(), server.critical)));
    servers.truncate(SERVERS);
    let asked = Asked { figures: &work.figures, levels: &levels, grave, grave_servers };
    let questions = questions(&press.part(QUESTIONS, &Sheet::of(QUESTIONS, &asked)?)?);
    let json_ld = json_ld(&entries(&questions));
    let told = Twin::new(catalogue, &levels, &servers);
    press.twin(work.unit, PATH, Digest::of(&told), || Ok(&told))?;
    let view = RisksView { asked, chart, servers, questions: &questions, json_ld };
    work.listed(PATH.to_owned());
    press.page(&KIND, work.unit, PATH, &view)
}

fn level(catalogue: &Catalogue, risk: Risk) -> LevelView {
    let tools = || catalogue.tools.iter().filter(move |tool| tool.risk == risk);
    let total = tools().count();
    let mut counts = [0; 4];
    for (count, class) in counts.iter_mut().zip(Class::ALL) {
        *count = tools().filter(|tool| tool.class == *class).count();
    }
    let has = |entry: &&ServerEntry| catalogue.tools_of(entry).iter().any(|tool| tool.risk == risk);
    LevelView {
        risk: risk_word(risk),
        tools: total,
        share: share(total, catalogue.tools.len()),
        servers: catalogue.servers.iter().filter(has).count(),
        exposed: tools().filter(|tool| is_exposed(tool)).count(),
        classes: class_counts(counts).into_iter().rev().filter(|class| class.count > 0).collect(),
        begins: Class::ALL.iter().copied().find(|class| base_risk(*class) == risk).map(class_word),
    }
}

fn is_exposed(tool: &ToolEntry) -> bool {
    tool.exposed.0 != 0
}

impl GraveServer<'_> {
    fn grave(&self) -> usize {
        self.critical + self.high
    }
}

/// None if it has no tool of the two upper levels.
fn grave<'a>(catalogue: &Catalogue, entry: &'a ServerEntry) -> Option<GraveServer<'a>> {
    let tools = catalogue.tools_of(entry);
    let of = |risk: Risk| tools.iter().filter(|tool| tool.risk == risk).count();
    let server = GraveServer {
        name: &entry.name,
        critical: of(Risk::Critical),
        high: of(Risk::High),
        exposed: tools.iter().filter(|tool| is_exposed(tool)).count(),
        total: tools.len(),
    };
    Some(server).filter(|server| server.grave() > 0)
}

/// The page for programs.
#[derive(Serialize)]
struct Twin<'a> {
    format: &'static str,
    total: usize,
    risks: Vec<LevelTwin<'a>>,
    servers: Vec<ServerTwin<'a>>,
}

#[derive(Serialize)]
struct LevelTwin<'a> {
    risk: &'static str,
    tools: usize,
    share: &'a str,
    servers: usize,
    exposed: usize,
    classes: Vec<CountTwin>,
    page: String,
    json: String,
}

#[derive(Serialize)]
struct CountTwin {
    class: &'static str,
    tools: usize,
}

#[derive(Serialize)]
struct ServerTwin<'a> {
    key: &'a str,
    name: &'a str,
    critical: usize,
    high: usize,
    exposed: usize,
    total: usize,
    page: String,
    json: String,
}

impl<'a> Twin<'a> {
    fn new(catalogue: &Catalogue, levels: &'a [LevelView], servers: &[GraveServer<'a>]) -> Self {
        let count = |c: &ClassCount| CountTwin { class: c.class.id, tools: c.count };
        let level = |level: &'a LevelView| LevelTwin {
            risk: level.risk.id,
            tools: level.tools,
            share: &level.share,
            servers: level.servers,
            exposed: level.exposed,
            classes: level.classes.iter().map(count).collect(),
            page: format!("risks/{}.html", level.risk.id),
            json: format!("risks/{}.json", level.risk.id),
        };
        let server = |server: &GraveServer<'a>| ServerTwin {
            key: &server.name.key,
            name: &server.name.name,
            critical: server.critical,
            high: server.high,
            exposed: server.exposed,
            total: server.total,
            page: format!("{}/index.html", server.name.path),
            json: format!("{}/index.json", server.name.path),
        };
        Self {
            format: "catalogue-risks-1",
            total: catalogue.tools.len(),
            risks: levels.iter().map(level).collect(),
            servers: servers.iter().map(server).collect(),
        }
    }
}
