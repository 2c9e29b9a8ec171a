//! Plates: the templates once more, read into steps that print a page without an interpreter's cost.
//!
//! Tera stays what says how a template reads. A plate knows the part of its language that our templates use; whatever it does not know,
//! or finds wrong, it leaves to Tera, which then prints the page or says what is the matter. `build --check` prints every page both ways
//! and compares. Why: Tera was a third of a build; a plate takes a tenth of that (docs/PERFORMANCE.md).

mod expression;
mod flat;
mod fold;
mod lay;
mod node;
mod print;
mod read;
mod sheet;
mod spare;
mod special;
mod value;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};

use expression::Names;
use read::{Component, Source, Step, read};

pub(super) use sheet::{Odd, Sheet};
pub(super) use spare::{keep_text, text as empty_text};
pub(super) use special::Special;

/// Every template of a site.
#[derive(Debug, Default)]
pub(super) struct Plates {
    pages: HashMap<String, Plate>,
    /// What each component prints.
    components: Vec<Vec<Step>>,
    /// What every page knows.
    shared: Sheet,
}

/// One template, with what it extends put together.
#[derive(Debug)]
struct Plate {
    steps: Vec<Step>,
    folded: fold::Folded,
    /// How long the last page of it was.
    room: AtomicUsize,
}

impl Plates {
    /// Reads all templates; what cannot be read is left to Tera.
    pub(super) fn new<'a>(templates: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut names = Names::default();
        let mut sources: BTreeMap<String, Source> =
            templates.into_iter().map(|(name, text)| (name.to_owned(), read(text, &mut names))).collect();
        let mut components: BTreeMap<String, Component> = BTreeMap::new();
        for source in sources.values_mut() {
            components.extend(std::mem::take(&mut source.components));
        }
        let components: Vec<(String, Component)> = components.into_iter().collect();
        let whole = |name: &String| joined(name, &sources).unwrap_or_else(|| vec![Step::Odd]);
        let templates = sources.keys().map(|name| (name.clone(), whole(name))).collect();
        let flat = flat::Flat::new(&templates, &components);
        let pages = templates.iter().map(|(name, steps)| {
            let steps = flat.steps(steps, &mut vec![name.as_str()]);
            (name.clone(), Plate { steps, folded: fold::Folded::new(), room: AtomicUsize::new(1 << 12) })
        });
        let pages = pages.collect();
        let bodies = components.iter().map(|(_, component)| flat.steps(&component.body, &mut Vec::new()));
        let bodies = bodies.collect();
        Self { pages, components: bodies, shared: Sheet::default() }
    }

    /// What every page knows, laid out once.
    pub(super) fn share(&mut self, name: &'static str, value: &impl serde::Serialize) -> Result<(), Odd> {
        for plate in self.pages.values_mut() {
            plate.folded = fold::Folded::new();
        }
        self.shared.put(name, value)
    }

    /// Prints one page; an error where only Tera can.
    pub(super) fn print(&self, template: &str, sheet: &Sheet) -> Result<String, Odd> {
        let plate = self.pages.get(template).ok_or(Odd("a template that is not there"))?;
        let escapes = [".html", ".xml"].iter().any(|end| template.ends_with(end));
        let room = plate.room.load(Ordering::Relaxed);
        let arena = bumpalo::Bump::new();
        let out = spare::text(room + room / 4);
        let mut printer = print::Printer::new(self, sheet, &arena, escapes, out);
        // A view may have a name that every page knows for something of its own.
        let folded =
            if printer.shadows { None } else { plate.folded.steps(self, &plate.steps, sheet, escapes) };
        printer.print(folded.unwrap_or(&plate.steps))?;
        plate.room.store(printer.out.len(), Ordering::Relaxed);
        Ok(printer.out)
    }

    fn included(&self, name: &str) -> Option<&[Step]> {
        self.pages.get(name).map(|plate| plate.steps.as_slice())
    }

    fn component(&self, place: usize) -> Option<&[Step]> {
        self.components.get(place).map(Vec::as_slice)
    }
}

/// A template's steps with those of what it extends: its own blocks take the place of theirs.
fn joined(name: &str, sources: &BTreeMap<String, Source>) -> Option<Vec<Step>> {
    let mut blocks: HashMap<&str, &[Step]> = HashMap::new();
    let mut source = sources.get(name)?;
    let mut passed = 0;
    while let Some(parent) = &source.extends {
        collect(&source.steps, &mut blocks);
        source = sources.get(parent)?;
        passed += 1;
        if passed > sources.len() {
            return None;
        }
    }
    Some(source.steps.iter().map(|step| filled(step, &blocks)).collect())
}

/// Blocks of a template that extends another; those nearest to the page come first and stay.
fn collect<'a>(steps: &'a [Step], blocks: &mut HashMap<&'a str, &'a [Step]>) {
    for step in steps {
        match step {
            Step::Block(name, body) => {
                blocks.entry(name).or_insert(body);
                collect(body, blocks);
            }
            Step::If(branches, rest) => {
                branches.iter().for_each(|(_, body)| collect(body, blocks));
                collect(rest, blocks);
            }
            Step::For { body, empty, .. } => {
                collect(body, blocks);
                collect(empty, blocks);
            }
            Step::Catch(_, body) => collect(body, blocks),
            _ => {}
        }
    }
}

fn filled(step: &Step, blocks: &HashMap<&str, &[Step]>) -> Step {
    let all = |steps: &[Step]| steps.iter().map(|step| filled(step, blocks)).collect();
    match step {
        Step::Block(name, body) => {
            let body = blocks.get(name.as_str()).copied().unwrap_or(body);
            Step::Block(name.clone(), all(body))
        }
        Step::If(branches, rest) => {
            let branches = branches.iter().map(|(asks, body)| (asks.clone(), all(body))).collect();
            Step::If(branches, all(rest))
        }
        Step::For { variable, list, body, empty } => {
            Step::For { variable: *variable, list: list.clone(), body: all(body), empty: all(empty) }
        }
        Step::Catch(name, body) => Step::Catch(*name, all(body)),
        step => step.clone(),
    }
}

/// Escapes as Tera does: five characters, in text and in quoted attributes alike.
pub(super) fn escape_html(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = Special::Attribute.first(rest.as_bytes()) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let mut after = after.chars();
        out.push_str(match after.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            _ => "&#39;",
        });
        rest = after.as_str();
    }
    out.push_str(rest);
}
