//! Reads a template into steps: the part of Tera's language that our templates use. Everything else becomes a step that says
//! so, and the page is left to Tera.

use super::expression::{Expression, Names, Symbol, Tokens, expression};

/// One step of a plate.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Text(String),
    Write(Expression),
    /// Conditions with what is printed under them, and what is printed if none holds.
    If(Vec<(Expression, Vec<Step>)>, Vec<Step>),
    For {
        variable: Symbol,
        list: Box<Expression>,
        body: Vec<Step>,
        empty: Vec<Step>,
    },
    Set(Symbol, Expression),
    /// A variable that is what its body prints.
    Catch(Symbol, Vec<Step>),
    /// Another template in this place.
    Include(String),
    /// A component by its name, with the arguments it is given.
    Component(String, Vec<(Symbol, Expression)>),
    /// A component by its number, with all of its arguments.
    Call(usize, Vec<(Symbol, Expression)>),
    /// Steps whose variables nobody else sees.
    Scope(Vec<Step>),
    /// A part that a template which extends this one may put another in the place of.
    Block(String, Vec<Step>),
    /// Nothing that a plate can do.
    Odd,
}

// A page goes through hundreds of them; what is larger lies elsewhere.
const _: () = assert!(size_of::<Step>() <= 72);

/// A component: its arguments with their defaults, and what it prints.
#[derive(Debug, Clone)]
pub(super) struct Component {
    pub(super) arguments: Vec<(Symbol, Option<Expression>)>,
    pub(super) body: Vec<Step>,
}

/// One template as it is written.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) extends: Option<String>,
    pub(super) steps: Vec<Step>,
    pub(super) components: Vec<(String, Component)>,
}

/// Reads a template; one that cannot be read is one odd step.
pub(super) fn read(text: &str, names: &mut Names) -> Source {
    let mut source = Source::default();
    let steps = pieces(text).and_then(|pieces| {
        let mut reader = Reader { pieces, at: 0, names, source: &mut source };
        let steps = reader.until(&[])?;
        (reader.at >= reader.pieces.len()).then_some(steps)
    });
    match steps {
        Some(steps) => source.steps = steps,
        // Nor is anything of it used that was read before.
        None => source = Source { steps: vec![Step::Odd], ..Source::default() },
    }
    source
}

enum Piece<'a> {
    Text(String),
    Value(&'a str),
    Tag(&'a str),
}

/// Cuts a template at its marks; white space beside a mark with a dash goes.
fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut found = Vec::new();
    let (mut rest, mut trim) = (text, false);
    loop {
        let next = rest
            .match_indices('{')
            .find(|(at, _)| rest.get(at + 1..).is_some_and(|after| after.starts_with(['{', '%', '#'])));
        let (before, mark) = match next {
            Some((at, _)) => rest.split_at(at),
            None => (rest, ""),
        };
        let before = if trim { before.trim_start() } else { before };
        let cut = mark.strip_prefix("{{-").or(mark.strip_prefix("{%-")).or(mark.strip_prefix("{#-"));
        let before = if cut.is_some() { before.trim_end() } else { before };
        if !before.is_empty() {
            found.push(Piece::Text(before.to_owned()));
        }
        if mark.is_empty() {
            return Some(found);
        }
        let kind = mark.get(1..2)?;
        let inner = cut.or_else(|| mark.get(2..))?;
        let end = match kind {
            "{" => "}}",
            "%" => "%}",
            _ => "#}",
        };
        let (inner, after) = inner.split_once(end)?;
        trim = inner.ends_with('-');
        let inner = inner.strip_suffix('-').unwrap_or(inner).trim();
        match kind {
            "{" => found.push(Piece::Value(inner)),
            "%" => found.push(Piece::Tag(inner)),
            _ => {}
        }
        rest = after;
    }
}

struct Reader<'a, 'n> {
    pieces: Vec<Piece<'a>>,
    at: usize,
    names: &'n mut Names,
    source: &'n mut Source,
}

impl<'a> Reader<'a, '_> {
    /// Steps up to a tag that begins with one of `ends`, which is not passed.
    fn until(&mut self, ends: &[&str]) -> Option<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            match self.pieces.get(self.at) {
                None => return ends.is_empty().then_some(steps),
                Some(Piece::Text(text)) => {
                    steps.push(Step::Text(text.clone()));
                    self.at += 1;
                }
                Some(Piece::Value(inner)) => {
                    let inner = *inner;
                    self.at += 1;
                    steps.push(self.value(inner).unwrap_or(Step::Odd));
                }
                Some(Piece::Tag(tag)) => {
                    let tag = *tag;
                    let word = tag.split_whitespace().next().unwrap_or_default();
                    if ends.contains(&word) {
                        return Some(steps);
                    }
                    self.at += 1;
                    let rest = tag.strip_prefix(word).unwrap_or_default().trim();
                    if let Some(step) = self.tag(word, rest)? {
                        steps.push(step);
                    }
                }
            }
        }
    }

    /// The tag that ended a body, passed: its word and the rest.
    fn ended(&mut self) -> Option<(&'a str, &'a str)> {
        let Some(Piece::Tag(tag)) = self.pieces.get(self.at) else { return None };
        let tag: &'a str = tag;
        self.at += 1;
        let word = tag.split_whitespace().next()?;
        Some((word, tag.strip_prefix(word)?.trim()))
    }

    /// One whole expression.
    fn whole(&mut self, text: &str) -> Option<Expression> {
        let mut tokens = Tokens::of(text)?;
        let read = expression(&mut tokens, 0, self.names)?;
        tokens.is_done().then_some(read)
    }

    fn value(&mut self, inner: &str) -> Option<Step> {
        let Some(call) = inner.strip_prefix('<') else { return self.whole(inner).map(Step::Write) };
        let call = call.trim_end().strip_suffix("/>")?;
        let mut tokens = Tokens::of(call)?;
        let name = tokens.word()?;
        let mut arguments = Vec::new();
        while let Some(argument) = tokens.word() {
            let argument = self.names.symbol(&argument);
            tokens.take("=").then_some(())?;
            let value = if tokens.take("{") {
                let value = expression(&mut tokens, 0, self.names)?;
                tokens.take("}").then_some(value)?
            } else {
                tokens.text().map(Expression::Text)?
            };
            arguments.push((argument, value));
        }
        tokens.is_done().then_some(Step::Component(name, arguments))
    }

    /// What a tag begins. None of a step: it leaves none. None at all: the template cannot be read.
    fn tag(&mut self, word: &str, rest: &str) -> Option<Option<Step>> {
        let step = match word {
            "extends" => {
                self.source.extends = Some(quoted(rest)?);
                return Some(None);
            }
            "include" => Step::Include(quoted(rest)?),
            "block" => {
                let body = self.until(&["endblock"])?;
                self.ended()?;
                Step::Block(rest.to_owned(), body)
            }
            "component" => {
                self.component(rest)?;
                return Some(None);
            }
            "if" => self.condition(rest)?,
            "for" => self.repetition(rest)?,
            "set" => match rest.split_once('=').filter(|(name, _)| is_name(name.trim())) {
                Some((name, value)) => {
                    let value = self.whole(value).unwrap_or(Expression::Odd);
                    Step::Set(self.names.symbol(name.trim()), value)
                }
                None if is_name(rest) => {
                    let body = self.until(&["endset"])?;
                    self.ended()?;
                    Step::Catch(self.names.symbol(rest), body)
                }
                None => return None,
            },
            _ => return None,
        };
        Some(Some(step))
    }

    fn condition(&mut self, first: &str) -> Option<Step> {
        let mut branches = Vec::new();
        let mut asked = first;
        loop {
            let asks = self.whole(asked).unwrap_or(Expression::Odd);
            let body = self.until(&["elif", "else", "endif"])?;
            branches.push((asks, body));
            match self.ended()? {
                ("elif", next) => asked = next,
                ("else", _) => {
                    let rest = self.until(&["endif"])?;
                    self.ended()?;
                    return Some(Step::If(branches, rest));
                }
                _ => return Some(Step::If(branches, Vec::new())),
            }
        }
    }

    fn repetition(&mut self, rest: &str) -> Option<Step> {
        let (variable, list) = rest.split_once(" in ")?;
        let list = self.whole(list);
        let body = self.until(&["else", "endfor"])?;
        let mut empty = Vec::new();
        if self.ended()?.0 == "else" {
            empty = self.until(&["endfor"])?;
            self.ended()?;
        }
        // Over a map: two variables.
        let (Some(list), true) = (list, is_name(variable.trim())) else { return Some(Step::Odd) };
        Some(Step::For { variable: self.names.symbol(variable.trim()), list: Box::new(list), body, empty })
    }

    fn component(&mut self, rest: &str) -> Option<()> {
        let mut tokens = Tokens::of(rest)?;
        let name = tokens.word()?;
        tokens.take("(").then_some(())?;
        let mut arguments = Vec::new();
        while !tokens.take(")") {
            let argument = self.names.symbol(&tokens.word()?);
            let mut default = None;
            if tokens.take(":") {
                tokens.word()?;
            }
            if tokens.take("=") {
                default = Some(expression(&mut tokens, 0, self.names)?);
            }
            arguments.push((argument, default));
            let _ = tokens.take(",");
        }
        let known = tokens.is_done();
        let body = self.until(&["endcomponent"])?;
        self.ended()?;
        let body = if known { body } else { vec![Step::Odd] };
        self.source.components.push((name, Component { arguments, body }));
        Some(())
    }
}

fn quoted(text: &str) -> Option<String> {
    let mut tokens = Tokens::of(text)?;
    let name = tokens.text()?;
    tokens.is_done().then_some(name)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
