//! Steps with what all pages of one depth have in common put in for good: the way to the site's root, and what every page knows. A fifth
//! of a page's steps are such words and the pieces of text around them.

use std::sync::OnceLock;

use bumpalo::Bump;

use super::Plates;
use super::expression::{Expression, Field, Symbol};
use super::node::Kind;
use super::print::Printer;
use super::read::Step;
use super::sheet::Sheet;

/// What the way to the root is called.
const ROOT: &str = "root";
/// Ways of all depths.
const WAYS: &str = "../../../../../../../../../";
/// One more than the deepest.
const DEPTHS: usize = WAYS.len() / 3 + 1;

/// The steps of one template by depth, made when a page of that depth is printed.
#[derive(Debug)]
pub(super) struct Folded {
    root: Field,
    by_depth: [OnceLock<Vec<Step>>; DEPTHS],
}

impl Folded {
    pub(super) fn new() -> Self {
        Self { root: Field::new(ROOT.to_owned()), by_depth: Default::default() }
    }

    /// The steps for a page at the depth of that sheet; None where it names no root, or one that is no way up.
    pub(super) fn steps(
        &self,
        plates: &Plates,
        steps: &[Step],
        sheet: &Sheet,
        escapes: bool,
    ) -> Option<&[Step]> {
        let root = sheet.field(&sheet.rows.root, &self.root)?;
        if !matches!(root.kind, Kind::Text | Kind::Markup) {
            return None;
        }
        let way = sheet.text_of(root.stretch());
        if !way.len().is_multiple_of(3) || WAYS.get(..way.len()) != Some(way) {
            return None;
        }
        let folded = self.by_depth.get(way.len() / 3)?;
        if folded.get().is_none() {
            let mut known = Sheet::default();
            known.put_markup(ROOT, way).ok()?;
            let mut bound = Vec::new();
            bind(steps, &mut bound);
            let fold = Fold { plates, known: &known, bound, escapes };
            // Another thread may be faster; it makes the same.
            let _ = folded.set(fold.steps(steps));
        }
        folded.get().map(Vec::as_slice)
    }
}

/// The variables that these steps set.
fn bind(steps: &[Step], bound: &mut Vec<Symbol>) {
    for step in steps {
        match step {
            Step::Set(name, _) => bound.push(*name),
            Step::Catch(name, body) => {
                bound.push(*name);
                bind(body, bound);
            }
            Step::For { variable, body, empty, .. } => {
                bound.push(*variable);
                bind(body, bound);
                bind(empty, bound);
            }
            Step::If(branches, rest) => {
                branches.iter().for_each(|(_, body)| bind(body, bound));
                bind(rest, bound);
            }
            Step::Scope(body) | Step::Block(_, body) => bind(body, bound),
            Step::Text(_)
            | Step::Write(_)
            | Step::Include(_)
            | Step::Component(..)
            | Step::Call(..)
            | Step::Odd => {}
        }
    }
}

struct Fold<'a> {
    plates: &'a Plates,
    /// Holds the root alone.
    known: &'a Sheet,
    bound: Vec<Symbol>,
    escapes: bool,
}

impl Fold<'_> {
    fn steps(&self, steps: &[Step]) -> Vec<Step> {
        let mut folded = Vec::with_capacity(steps.len());
        steps.iter().for_each(|step| self.put(step, &mut folded));
        folded
    }

    fn put(&self, step: &Step, folded: &mut Vec<Step>) {
        match step {
            Step::Text(text) => put_text(text, folded),
            Step::Write(expression) if self.is_known(expression) => match self.printed(step) {
                Some(text) => put_text(&text, folded),
                None => folded.push(step.clone()),
            },
            Step::If(branches, rest) => {
                let mut left = Vec::new();
                let mut rest = rest;
                for (asks, body) in branches {
                    match self.asked(asks) {
                        Some(false) => {}
                        Some(true) => {
                            rest = body;
                            break;
                        }
                        None => left.push((asks.clone(), self.steps(body))),
                    }
                }
                if left.is_empty() {
                    rest.iter().for_each(|step| self.put(step, folded));
                } else {
                    folded.push(Step::If(left, self.steps(rest)));
                }
            }
            Step::For { variable, list, body, empty } => folded.push(Step::For {
                variable: *variable,
                list: list.clone(),
                body: self.steps(body),
                empty: self.steps(empty),
            }),
            Step::Catch(name, body) => folded.push(Step::Catch(*name, self.steps(body))),
            Step::Scope(body) => folded.push(Step::Scope(self.steps(body))),
            step => folded.push(step.clone()),
        }
    }

    fn printed(&self, step: &Step) -> Option<String> {
        let arena = Bump::new();
        let mut printer = Printer::new(self.plates, self.known, &arena, self.escapes, String::new());
        printer.print(std::slice::from_ref(step)).ok()?;
        Some(printer.out)
    }

    /// What a condition comes to, if that is known.
    fn asked(&self, asks: &Expression) -> Option<bool> {
        let arena = Bump::new();
        let printer = Printer::new(self.plates, self.known, &arena, self.escapes, String::new());
        self.is_known(asks).then(|| printer.asked(asks).ok())?
    }

    /// True if nothing in it is a page's own.
    fn is_known(&self, expression: &Expression) -> bool {
        match expression {
            Expression::None | Expression::Bool(_) | Expression::Number(_) | Expression::Text(_) => true,
            Expression::List(items) => items.iter().all(|item| self.is_known(item)),
            Expression::Path(symbol, name, _) => !self.bound.contains(symbol) && self.names(name),
            Expression::Filter(of, _)
            | Expression::Not(of)
            | Expression::Defined(of)
            | Expression::Begins(of, _) => self.is_known(of),
            Expression::And(a, b)
            | Expression::Or(a, b)
            | Expression::Compare(_, a, b)
            | Expression::Join(a, b)
            | Expression::Plus(a, b)
            | Expression::Minus(a, b)
            | Expression::Times(a, b)
            | Expression::In(a, b) => self.is_known(a) && self.is_known(b),
            Expression::Choice(a, b, c) => [a, b, c].into_iter().all(|of| self.is_known(of)),
            Expression::Odd => false,
        }
    }

    fn names(&self, name: &Field) -> bool {
        let shared = &self.plates.shared;
        name.place.is_none()
            && (&*name.name == ROOT || shared.field(&shared.rows.root, &name.clone()).is_some())
    }
}

/// Text behind text becomes one.
fn put_text(text: &str, folded: &mut Vec<Step>) {
    match folded.last_mut() {
        Some(Step::Text(before)) => before.push_str(text),
        _ => folded.push(Step::Text(text.to_owned())),
    }
}
