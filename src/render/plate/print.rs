//! Prints a plate with a view on it.

use super::expression::{Comparison, Expression, Field, Filter, LOOP, Symbol};
use super::node::{Kind, Node};
use super::read::Step;
use super::sheet::{Odd, Sheet};
use bumpalo::Bump;

use super::value::{Value, compare, field_of, filtered, holds, made, plain, seen, sum, text, unsigned};
use super::{Plates, escape_html};
use crate::render::html::{escape_in_text, escape_json_into, push_thousands};

/// Prints one page.
pub(super) struct Printer<'a> {
    plates: &'a Plates,
    sheet: &'a Sheet,
    /// Where texts lie that are made on the way.
    arena: &'a Bump,
    escapes: bool,
    locals: Vec<(Symbol, Value<'a>)>,
    /// A bit for each of them that can be seen, some of which share one: most names are no local's.
    named: u64,
    /// Locals that can be seen begin here.
    base: usize,
    /// Where the scope begins in which a variable is set.
    scope: usize,
    /// In a component the view's own fields cannot be seen.
    in_component: bool,
    depth: u8,
    /// The view has a field with the name of one that every page knows.
    pub(super) shadows: bool,
    pub(super) out: String,
}

impl<'a> Printer<'a> {
    pub(super) fn new(
        plates: &'a Plates,
        sheet: &'a Sheet,
        arena: &'a Bump,
        escapes: bool,
        out: String,
    ) -> Self {
        Self {
            plates,
            sheet,
            arena,
            escapes,
            locals: Vec::with_capacity(16),
            named: 0,
            base: 0,
            scope: 0,
            in_component: false,
            depth: 0,
            shadows: sheet.shares_names(&plates.shared),
            out,
        }
    }

    pub(super) fn print(&mut self, steps: &'a [Step]) -> Result<(), Odd> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn step(&mut self, step: &'a Step) -> Result<(), Odd> {
        match step {
            Step::Text(text) => self.out.push_str(text),
            Step::Write(Expression::Path(root, name, fields)) => {
                let value = self.path(*root, name, fields)?;
                self.write(&value)?;
            }
            // The longest texts of a page: a policy, a schema.
            Step::Write(Expression::Filter(of, Filter::InText)) => {
                let value = self.of(of)?;
                escape_in_text(text(&value).ok_or(Odd("a filter of something else"))?, &mut self.out);
            }
            Step::Write(Expression::Filter(of, Filter::JsonScript)) => {
                let value = self.value(of)?;
                escape_json_into(text(&value).ok_or(Odd("a filter of something else"))?, &mut self.out);
            }
            Step::Write(Expression::Filter(of, Filter::Number)) => {
                let number = unsigned(&self.of(of)?).ok_or(Odd("no number to set apart"))?;
                push_thousands(number, &mut self.out);
            }
            Step::Write(expression) => {
                let value = self.value(expression)?;
                self.write(&value)?;
            }
            Step::If(branches, rest) => {
                for (asks, body) in branches {
                    if self.asked(asks)? {
                        return self.print(body);
                    }
                }
                return self.print(rest);
            }
            Step::For { variable, list, body, empty } => return self.repeat(*variable, list, body, empty),
            Step::Set(name, value) => {
                let value = self.value(value)?;
                self.set(*name, value);
            }
            Step::Catch(name, body) => {
                let from = self.out.len();
                self.print(body)?;
                let caught: &'a str = self.arena.alloc_str(self.out.get(from..).unwrap_or_default());
                self.out.truncate(from);
                self.set(*name, made(caught, self.escapes));
            }
            Step::Include(name) => {
                let steps = self.plates.included(name).ok_or(Odd("a template that is not there"))?;
                return self.inside(|printer| printer.print(steps));
            }
            Step::Scope(body) => return self.inside(|printer| printer.print(body)),
            Step::Call(place, arguments) => return self.component(*place, arguments),
            Step::Block(_, body) => return self.print(body),
            Step::Component(..) | Step::Odd => return Err(Odd("a step that plates do not have")),
        }
        Ok(())
    }

    /// In a scope of its own, which sees all that is outside.
    fn inside(&mut self, print: impl FnOnce(&mut Self) -> Result<(), Odd>) -> Result<(), Odd> {
        self.depth += 1;
        if self.depth > 40 {
            return Err(Odd("templates that include each other without end"));
        }
        let (scope, length, named) = (self.scope, self.locals.len(), self.named);
        self.scope = length;
        print(self)?;
        self.locals.truncate(length);
        (self.scope, self.named) = (scope, named);
        self.depth -= 1;
        Ok(())
    }

    fn repeat(
        &mut self,
        variable: Symbol,
        list: &'a Expression,
        body: &'a [Step],
        empty: &'a [Step],
    ) -> Result<(), Odd> {
        let Value::List(sheet, stretch) = self.of(list)? else {
            return Err(Odd("a loop over what is no list"));
        };
        let items = stretch.of(&sheet.rows.items);
        if items.is_empty() {
            return self.print(empty);
        }
        self.inside(|printer| {
            let from = printer.locals.len();
            printer.named |= LOOP.bit() | variable.bit();
            for (i, node) in items.iter().enumerate() {
                printer.locals.truncate(from);
                printer.locals.push((LOOP, Value::Loop(i, items.len())));
                printer.locals.push((variable, seen(sheet, *node)));
                printer.print(body)?;
            }
            Ok(())
        })
    }

    fn set(&mut self, name: Symbol, value: Value<'a>) {
        let scope = self.scope;
        match self.locals.iter_mut().skip(scope).find(|(own, _)| *own == name) {
            Some(known) => known.1 = value,
            None => {
                self.locals.push((name, value));
                self.named |= name.bit();
            }
        }
    }

    fn component(&mut self, place: usize, arguments: &'a [(Symbol, Expression)]) -> Result<(), Odd> {
        let body = self.plates.component(place).ok_or(Odd("a component that is not there"))?;
        let from = self.locals.len();
        // None of them sees another one.
        let mut values = [Value::Undefined; 4];
        if arguments.len() > values.len() {
            return Err(Odd("a component with more arguments than there is room for"));
        }
        for (value, (_, given)) in values.iter_mut().zip(arguments) {
            *value = self.value(given)?;
        }
        self.locals.extend(arguments.iter().map(|(argument, _)| *argument).zip(values));
        let before = (self.base, self.in_component, self.scope, self.named);
        let named = arguments.iter().fold(0, |named, (argument, _)| named | argument.bit());
        (self.base, self.in_component, self.scope, self.named) = (from, true, from, named);
        self.depth += 1;
        if self.depth > 40 {
            return Err(Odd("components that use each other without end"));
        }
        self.print(body)?;
        self.depth -= 1;
        self.locals.truncate(from);
        (self.base, self.in_component, self.scope, self.named) = before;
        Ok(())
    }

    // In one piece with what is done with the value, so that it is handed on in registers.
    #[inline(always)]
    fn path(&self, root: Symbol, name: &Field, fields: &'a [Field]) -> Result<Value<'a>, Odd> {
        let mut value = if self.named & root.bit() == 0 {
            if self.in_component { Value::Undefined } else { self.of_view(name) }
        } else {
            self.local(root, name)
        };
        for field in fields {
            value = match value {
                Value::Map(sheet, map) if field.place.is_none() => {
                    let entries = map.of(&sheet.rows.entries);
                    match sheet.hinted(entries, field).or_else(|| sheet.searched(entries, field)) {
                        Some(node) => seen(sheet, node),
                        None => Value::Undefined,
                    }
                }
                value => field_of(value, field)?,
            };
        }
        Ok(value)
    }

    /// A local, or a field of the view whose name shares its bit with one.
    fn local(&self, root: Symbol, name: &Field) -> Value<'a> {
        let locals = self.locals.get(self.base..).unwrap_or_default();
        match locals.iter().rev().find(|(own, _)| *own == root) {
            Some((_, value)) => *value,
            None if self.in_component => Value::Undefined,
            None => self.of_view(name),
        }
    }

    /// A field of the view, else what every page knows.
    #[inline(always)]
    fn of_view(&self, name: &Field) -> Value<'a> {
        match self.sheet.hinted(&self.sheet.rows.root, name) {
            Some(node) => seen(self.sheet, node),
            None => self.shared_or_searched(name),
        }
    }

    fn shared_or_searched(&self, name: &Field) -> Value<'a> {
        let (own, shared) = (self.sheet, &self.plates.shared);
        let shared = || shared.field(&shared.rows.root, name).map(|node| seen(shared, node));
        let own = || own.searched(&own.rows.root, name).map(|node| seen(own, node));
        let found = if self.shadows { own().or_else(shared) } else { shared().or_else(own) };
        found.unwrap_or(Value::Undefined)
    }

    /// As a condition.
    pub(super) fn asked(&self, expression: &'a Expression) -> Result<bool, Odd> {
        match expression {
            Expression::Path(root, name, fields) => match self.node(*root, name, fields) {
                Some((_, node)) => Ok(node.holds()),
                None => Ok(holds(&self.path(*root, name, fields)?)),
            },
            Expression::Not(of) => Ok(!self.asked(of)?),
            Expression::And(a, b) => Ok(self.asked(a)? && self.asked(b)?),
            Expression::Or(a, b) => Ok(self.asked(a)? || self.asked(b)?),
            Expression::Compare(how, a, b) => self.compared(*how, a, b),
            expression => Ok(holds(&self.value(expression)?)),
        }
    }

    /// A path from a field of the view or of a local, as it lies on its sheet; None where there is more to it.
    #[inline]
    fn node(&self, root: Symbol, name: &Field, fields: &[Field]) -> Option<(&'a Sheet, Node)> {
        let (sheet, mut node, fields) = if self.named & root.bit() == 0 {
            if self.in_component {
                return None;
            }
            (self.sheet, self.sheet.hinted(&self.sheet.rows.root, name)?, fields)
        } else {
            let locals = self.locals.get(self.base..)?;
            let (_, Value::Map(sheet, map)) = locals.iter().rev().find(|(own, _)| *own == root)? else {
                return None;
            };
            let (first, fields) = fields.split_first().filter(|(first, _)| first.place.is_none())?;
            (*sheet, sheet.hinted(map.of(&sheet.rows.entries), first)?, fields)
        };
        for field in fields {
            if node.kind != Kind::Map || field.place.is_some() {
                return None;
            }
            node = sheet.hinted(node.stretch().of(&sheet.rows.entries), field)?;
        }
        Some((sheet, node))
    }

    fn compared(&self, how: Comparison, a: &'a Expression, b: &'a Expression) -> Result<bool, Odd> {
        // Most are of a field with a word or a number.
        if let Expression::Path(root, name, fields) = a
            && let Expression::Text(_) | Expression::Number(_) = b
            && let Some((sheet, node)) = self.node(*root, name, fields)
        {
            match (node.kind, b) {
                (Kind::Text | Kind::Markup, Expression::Text(literal))
                    if matches!(how, Comparison::Equal | Comparison::Unequal) =>
                {
                    let is_same = sheet.text_of(node.stretch()) == literal;
                    return Ok(is_same == (how == Comparison::Equal));
                }
                (Kind::Unsigned, Expression::Number(literal)) => {
                    let own = i128::from(node.as_unsigned());
                    return Ok(how.is(own.cmp(&i128::from(*literal))));
                }
                _ => {}
            }
        }
        let a = self.of(a)?;
        match (how, text(&a), b) {
            (Comparison::Equal, Some(own), Expression::Text(literal)) => Ok(own == literal),
            (Comparison::Unequal, Some(own), Expression::Text(literal)) => Ok(own != literal),
            (how, _, b) => compare(how, &a, &self.of(b)?),
        }
    }

    /// Most values are fields.
    #[inline]
    fn of(&self, expression: &'a Expression) -> Result<Value<'a>, Odd> {
        match expression {
            Expression::Path(root, name, fields) => self.path(*root, name, fields),
            expression => self.value(expression),
        }
    }

    fn value(&self, expression: &'a Expression) -> Result<Value<'a>, Odd> {
        Ok(match expression {
            Expression::None => Value::None,
            Expression::Bool(value) => Value::Bool(*value),
            Expression::Number(value) => Value::Signed(*value),
            Expression::Text(text) => Value::Text(text),
            Expression::List(_) => return Err(Odd("a list that is no one's field")),
            Expression::Path(root, name, fields) => self.path(*root, name, fields)?,
            Expression::Filter(of, filter) => filtered(&self.of(of)?, filter, self.arena)?,
            Expression::Not(of) => Value::Bool(!self.asked(of)?),
            Expression::And(a, b) => {
                let first = self.of(a)?;
                if holds(&first) { self.of(b)? } else { first }
            }
            Expression::Or(a, b) => {
                let first = self.of(a)?;
                if holds(&first) { first } else { self.of(b)? }
            }
            Expression::Compare(how, a, b) => Value::Bool(self.compared(*how, a, b)?),
            Expression::Join(a, b) => {
                let mut text = String::new();
                plain(&self.value(a)?, &mut text)?;
                plain(&self.value(b)?, &mut text)?;
                Value::Text(self.arena.alloc_str(&text))
            }
            Expression::Plus(a, b) => sum(&self.value(a)?, &self.value(b)?, i128::checked_add)?,
            Expression::Minus(a, b) => sum(&self.value(a)?, &self.value(b)?, i128::checked_sub)?,
            Expression::Times(a, b) => sum(&self.value(a)?, &self.value(b)?, i128::checked_mul)?,
            Expression::Begins(of, beginning) => {
                let of = self.value(of)?;
                Value::Bool(
                    text(&of).ok_or(Odd("the beginning of what is no text"))?.starts_with(beginning.as_str()),
                )
            }
            Expression::Odd => return Err(Odd("an expression that plates do not have")),
            Expression::In(a, b) => Value::Bool(self.is_in(a, b)?),
            Expression::Defined(of) => Value::Bool(!matches!(self.value(of)?, Value::Undefined)),
            Expression::Choice(yes, asks, no) => self.value(if self.asked(asks)? { yes } else { no })?,
        })
    }

    /// A value among those of a list, a text in a text.
    fn is_in(&self, wanted: &'a Expression, among: &'a Expression) -> Result<bool, Odd> {
        let wanted = self.value(wanted)?;
        let equal = |value: &Value<'a>| compare(Comparison::Equal, &wanted, value);
        if let Expression::List(items) = among {
            return items.iter().try_fold(false, |found, item| Ok(found | equal(&self.value(item)?)?));
        }
        match self.value(among)? {
            Value::List(sheet, list) => list
                .of(&sheet.rows.items)
                .iter()
                .try_fold(false, |found, node| Ok(found | equal(&seen(sheet, *node))?)),
            Value::Text(all) | Value::Markup(all) => Ok(text(&wanted).is_some_and(|part| all.contains(part))),
            _ => Err(Odd("in what is neither list nor text")),
        }
    }

    fn write(&mut self, value: &Value<'_>) -> Result<(), Odd> {
        match value {
            Value::Undefined => Err(Odd("a value that is not there")),
            Value::Text(text) if self.escapes => {
                escape_html(text, &mut self.out);
                Ok(())
            }
            value => plain(value, &mut self.out),
        }
    }
}
