//! Expressions of templates: read as Tera binds them. Source: tera 2.4, `parsing/parser.rs`, `binary_binding_power`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// A name of a variable, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Symbol(u32);

impl Symbol {
    /// One bit of 64.
    #[inline]
    pub(super) fn bit(self) -> u64 {
        1 << (self.0 % 64)
    }
}

/// What a loop tells of itself.
pub(super) const LOOP: Symbol = Symbol(0);

/// Every name of variables.
#[derive(Debug)]
pub(super) struct Names(HashMap<String, Symbol>);

impl Default for Names {
    fn default() -> Self {
        Self(HashMap::from([("loop".to_owned(), LOOP)]))
    }
}

impl Names {
    pub(super) fn symbol(&mut self, name: &str) -> Symbol {
        let next = Symbol(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        *self.0.entry(name.to_owned()).or_insert(next)
    }
}

/// A field's name, and where it was found the last time. Small, as everything a plate is made of: a page goes through some hundred of them.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Box<str>,
    /// It is no name but a place in a list, from 0.
    pub(super) place: Option<u32>,
    /// Its place in the row of fields, and the address of the name there. Another thread's hint is as good as ours.
    hint: (AtomicU32, AtomicUsize),
}

impl Field {
    pub(super) fn new(name: String) -> Self {
        Self { name: name.into(), place: None, hint: Default::default() }
    }

    fn at(place: u32) -> Self {
        Self { name: "".into(), place: Some(place), hint: Default::default() }
    }

    /// Where it was found the last time. The two halves may be of two times: the reader compares the name's length, too, and
    /// an address is that of one constant for good.
    #[inline]
    pub(super) fn hint(&self) -> (usize, usize) {
        let (at, address) = &self.hint;
        (at.load(Ordering::Relaxed) as usize, address.load(Ordering::Relaxed))
    }

    pub(super) fn found(&self, at: usize, name: &'static str) {
        self.found_at(at);
        self.hint.1.store(name.as_ptr() as usize, Ordering::Relaxed);
    }

    /// The same where its name is no constant.
    pub(super) fn found_at(&self, at: usize) {
        self.hint.0.store(u32::try_from(at).unwrap_or_default(), Ordering::Relaxed);
    }
}

impl Clone for Field {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), place: self.place, hint: Default::default() }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Expression {
    None,
    Bool(bool),
    Number(i64),
    Text(String),
    List(Vec<Expression>),
    /// A variable, by its number among locals and its name among the view's fields, and fields of it.
    Path(Symbol, Field, Box<[Field]>),
    Filter(Box<Expression>, Filter),
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Compare(Comparison, Box<Expression>, Box<Expression>),
    /// Both as text, one behind the other.
    Join(Box<Expression>, Box<Expression>),
    Plus(Box<Expression>, Box<Expression>),
    Minus(Box<Expression>, Box<Expression>),
    Times(Box<Expression>, Box<Expression>),
    In(Box<Expression>, Box<Expression>),
    Defined(Box<Expression>),
    Begins(Box<Expression>, String),
    /// What cannot be read here.
    Odd,
    /// The first if the second holds, else the third.
    Choice(Box<Expression>, Box<Expression>, Box<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

impl Comparison {
    /// True if two values that lie so to each other are as it says.
    pub(super) fn is(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::More => order.is_gt(),
            Self::MoreOrEqual => order.is_ge(),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Filter {
    Lower,
    Upper,
    Number,
    Length,
    JsonScript,
    InText,
    Safe,
    /// For one, and for any other number.
    Pluralize(Box<[String; 2]>),
    /// From, to.
    Replace(Box<[String; 2]>),
}

/// The tokens of one expression.
pub(super) struct Tokens {
    /// Last first.
    rest: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Number(i64),
    Text(String),
    Sign(&'static str),
}

const SIGNS: [&str; 26] = [
    "==", "!=", "<=", ">=", "//", "**", "<", ">", "=", "+", "-", "*", "/", "%", "~", "|", "(", ")", "[", "]",
    "{", "}", ",", ".", ":", "?",
];

impl Tokens {
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut all = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            if matches!(first, '"' | '\'' | '`') {
                let (inner, after) = rest.get(1..)?.split_once(first)?;
                // What an escape means is Tera's to say.
                if inner.contains('\\') {
                    return None;
                }
                all.push(Token::Text(inner.to_owned()));
                rest = after;
            } else if first.is_ascii_alphanumeric() || first == '_' {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
                let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
                all.push(if first.is_ascii_digit() {
                    Token::Number(word.parse().ok()?)
                } else {
                    Token::Word(word.to_owned())
                });
                rest = after;
            } else {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign))?;
                all.push(Token::Sign(sign));
                rest = rest.strip_prefix(sign)?;
            }
            rest = rest.trim_start();
        }
        all.reverse();
        Some(Self { rest: all })
    }

    pub(super) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(&mut self, sign: &'static str) -> bool {
        let found = self.rest.last() == Some(&Token::Sign(sign));
        if found {
            self.rest.pop();
        }
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.rest.last(), Some(Token::Word(own)) if own == word);
        if found {
            self.rest.pop();
        }
        found
    }

    pub(super) fn word(&mut self) -> Option<String> {
        match self.rest.pop() {
            Some(Token::Word(word)) => Some(word),
            Some(other) => {
                self.rest.push(other);
                None
            }
            None => None,
        }
    }

    pub(super) fn text(&mut self) -> Option<String> {
        match self.rest.pop() {
            Some(Token::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// Reads an expression whose operators bind at least so strongly.
pub(super) fn expression(tokens: &mut Tokens, least: u8, names: &mut Names) -> Option<Expression> {
    let mut left = first(tokens, names)?;
    loop {
        let boxed = |left| Box::new(left);
        let (sign, binds) = match tokens.rest.last() {
            Some(Token::Word(word)) => match word.as_str() {
                "or" => ("or", 1),
                "and" => ("and", 3),
                "in" => ("in", 5),
                "is" => ("is", 5),
                "if" if least == 0 => ("if", 0),
                _ => break,
            },
            Some(Token::Sign(sign)) => match *sign {
                "==" | "!=" | "<" | "<=" | ">" | ">=" => (*sign, 7),
                "+" | "-" => (*sign, 11),
                "~" | "*" => (*sign, 13),
                "|" => (*sign, 17),
                "/" | "%" | "//" | "**" => return None,
                _ => break,
            },
            _ => break,
        };
        if binds < least {
            break;
        }
        tokens.rest.pop();
        if sign == "|" {
            let filter = filter(tokens)?;
            left = Expression::Filter(boxed(left), filter);
            continue;
        }
        if sign == "is" {
            let not = tokens.take_word("not");
            let test = if tokens.take_word("starting_with") {
                let given = tokens.take("(") && tokens.take_word("pat") && tokens.take("=");
                given.then_some(())?;
                let beginning = tokens.text()?;
                tokens.take(")").then_some(())?;
                Expression::Begins(boxed(left), beginning)
            } else {
                tokens.take_word("defined").then_some(())?;
                Expression::Defined(boxed(left))
            };
            left = if not { Expression::Not(Box::new(test)) } else { test };
            continue;
        }
        if sign == "if" {
            let asks = expression(tokens, 1, names)?;
            tokens.take_word("else").then_some(())?;
            let other = expression(tokens, 0, names)?;
            left = Expression::Choice(boxed(left), Box::new(asks), Box::new(other));
            continue;
        }
        let right = Box::new(expression(tokens, binds + 1, names)?);
        let left_box = boxed(left);
        let compare = |how, left, right| Expression::Compare(how, left, right);
        left = match sign {
            "or" => Expression::Or(left_box, right),
            "and" => Expression::And(left_box, right),
            "in" => Expression::In(left_box, right),
            "+" => Expression::Plus(left_box, right),
            "-" => Expression::Minus(left_box, right),
            "*" => Expression::Times(left_box, right),
            "~" => Expression::Join(left_box, right),
            "==" => compare(Comparison::Equal, left_box, right),
            "!=" => compare(Comparison::Unequal, left_box, right),
            "<" => compare(Comparison::Less, left_box, right),
            "<=" => compare(Comparison::LessOrEqual, left_box, right),
            ">" => compare(Comparison::More, left_box, right),
            _ => compare(Comparison::MoreOrEqual, left_box, right),
        };
    }
    Some(left)
}

fn first(tokens: &mut Tokens, names: &mut Names) -> Option<Expression> {
    match tokens.rest.pop()? {
        Token::Number(number) => Some(Expression::Number(number)),
        Token::Text(text) => Some(Expression::Text(text)),
        Token::Sign("(") => {
            let inner = expression(tokens, 0, names)?;
            tokens.take(")").then_some(inner)
        }
        Token::Sign("[") => {
            let mut items = Vec::new();
            while !tokens.take("]") {
                items.push(expression(tokens, 1, names)?);
                let _ = tokens.take(",");
            }
            Some(Expression::List(items))
        }
        Token::Word(word) => match word.as_str() {
            "not" => Some(Expression::Not(Box::new(expression(tokens, 5, names)?))),
            "true" | "True" => Some(Expression::Bool(true)),
            "false" | "False" => Some(Expression::Bool(false)),
            "none" | "None" | "null" => Some(Expression::None),
            _ => {
                let mut fields = Vec::new();
                loop {
                    if tokens.take(".") {
                        fields.push(Field::new(tokens.word()?));
                    } else if tokens.take("[") {
                        let Some(Token::Number(place)) = tokens.rest.pop() else { return None };
                        tokens.take("]").then_some(())?;
                        fields.push(Field::at(u32::try_from(place).ok()?));
                    } else {
                        break;
                    }
                }
                // A function, or a field that may be missing.
                let plain = !matches!(tokens.rest.last(), Some(Token::Sign("(" | "?")));
                plain.then(|| Expression::Path(names.symbol(&word), Field::new(word), fields.into()))
            }
        },
        Token::Sign(_) => None,
    }
}

fn filter(tokens: &mut Tokens) -> Option<Filter> {
    let name = tokens.word()?;
    let mut given: HashMap<String, String> = HashMap::new();
    if tokens.take("(") {
        while !tokens.take(")") {
            let argument = tokens.word()?;
            tokens.take("=").then_some(())?;
            given.insert(argument, tokens.text()?);
            let _ = tokens.take(",");
        }
    }
    let mut take = |name: &str| given.remove(name);
    let read = match name.as_str() {
        "lower" => Filter::Lower,
        "upper" => Filter::Upper,
        "number" => Filter::Number,
        "length" => Filter::Length,
        "json_script" => Filter::JsonScript,
        "in_text" => Filter::InText,
        "safe" => Filter::Safe,
        "pluralize" => {
            let plural = take("plural").unwrap_or_else(|| "s".to_owned());
            Filter::Pluralize(Box::new([take("singular").unwrap_or_default(), plural]))
        }
        "replace" => Filter::Replace(Box::new([take("from")?, take("to")?])),
        _ => return None,
    };
    given.is_empty().then_some(read)
}
