//! Templates put together: what blocks and includes stand for is put in their place once, and components are numbered, so that nothing
//! is looked up by its name while a page is printed.

use std::collections::HashMap;

use super::expression::{Expression, Symbol};
use super::read::{Component, Step};

/// What the names in templates stand for.
pub(super) struct Flat<'a> {
    /// Every template with what it extends.
    templates: &'a HashMap<String, Vec<Step>>,
    components: &'a [(String, Component)],
}

impl<'a> Flat<'a> {
    pub(super) fn new(
        templates: &'a HashMap<String, Vec<Step>>,
        components: &'a [(String, Component)],
    ) -> Self {
        Self { templates, components }
    }

    /// The same steps without blocks, and without includes but for those that would go round in a ring.
    pub(super) fn steps(&self, steps: &'a [Step], within: &mut Vec<&'a str>) -> Vec<Step> {
        let mut flat = Vec::with_capacity(steps.len());
        steps.iter().for_each(|step| self.put(step, within, &mut flat));
        flat
    }

    fn put(&self, step: &'a Step, within: &mut Vec<&'a str>, flat: &mut Vec<Step>) {
        match step {
            Step::Text(text) => match flat.last_mut() {
                Some(Step::Text(before)) => before.push_str(text),
                _ => flat.push(step.clone()),
            },
            Step::Block(_, body) => body.iter().for_each(|step| self.put(step, within, flat)),
            Step::Include(name) if !within.contains(&name.as_str()) => {
                let Some(body) = self.templates.get(name) else { return flat.push(step.clone()) };
                within.push(name);
                if sets(body) {
                    flat.push(Step::Scope(self.steps(body, within)));
                } else {
                    body.iter().for_each(|step| self.put(step, within, flat));
                }
                within.pop();
            }
            Step::If(branches, rest) => {
                let branches = branches.iter().map(|(asks, body)| (asks.clone(), self.steps(body, within)));
                let branches = branches.collect();
                flat.push(Step::If(branches, self.steps(rest, within)));
            }
            Step::For { variable, list, body, empty } => {
                let (body, empty) = (self.steps(body, within), self.steps(empty, within));
                flat.push(Step::For { variable: *variable, list: list.clone(), body, empty });
            }
            Step::Catch(name, body) => flat.push(Step::Catch(*name, self.steps(body, within))),
            Step::Component(name, given) => flat.push(self.call(name, given)),
            step => flat.push(step.clone()),
        }
    }

    /// A component with a value for each of its arguments; what is missing or too much is for Tera to say.
    fn call(&self, name: &str, given: &[(Symbol, Expression)]) -> Step {
        let known = self.components.iter().position(|(own, _)| own == name);
        let Some((place, (_, component))) = known.and_then(|at| Some((at, self.components.get(at)?))) else {
            return Step::Odd;
        };
        let value = |(argument, default): &(Symbol, Option<Expression>)| {
            let given = given.iter().find(|(own, _)| own == argument).map(|(_, value)| value);
            Some((*argument, given.or(default.as_ref())?.clone()))
        };
        let arguments: Option<Vec<(Symbol, Expression)>> = component.arguments.iter().map(value).collect();
        match arguments.filter(|arguments| given.len() <= arguments.len()) {
            Some(arguments) => Step::Call(place, arguments),
            None => Step::Odd,
        }
    }
}

/// True if a variable is set that whoever includes these steps would see.
fn sets(steps: &[Step]) -> bool {
    steps.iter().any(|step| match step {
        Step::Set(..) | Step::Catch(..) => true,
        Step::Block(_, body) => sets(body),
        Step::If(branches, rest) => branches.iter().any(|(_, body)| sets(body)) || sets(rest),
        _ => false,
    })
}
