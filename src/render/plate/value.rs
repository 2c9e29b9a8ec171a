//! Values of templates: what a condition, a filter and an operator make of them. As Tera does, or not at all.

use bumpalo::Bump;

use super::expression::{Comparison, Field, Filter};
use super::node::{Kind, Node, Stretch};
use super::sheet::{Odd, Sheet};
use crate::render::html::{escape_in_text, escape_json_into, push_digits, thousands};

/// A value on its way to the page. What is made on the way lies in an arena that lives as long as the page is printed.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(super) enum Value<'a> {
    /// Not there; to print it is a fault.
    Undefined,
    None,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
    Markup(&'a str),
    List(&'a Sheet, Stretch),
    Map(&'a Sheet, Stretch),
    /// Place from 0, and how many there are.
    Loop(usize, usize),
}

#[inline(always)]
pub(super) fn seen(sheet: &Sheet, node: Node) -> Value<'_> {
    match node.kind {
        Kind::None => Value::None,
        Kind::Bool => Value::Bool(node.as_bool()),
        Kind::Unsigned => Value::Unsigned(node.as_unsigned()),
        Kind::Signed => Value::Signed(node.as_signed()),
        Kind::Float => Value::Float(node.as_float()),
        Kind::Text => Value::Text(sheet.text_of(node.stretch())),
        Kind::Markup => Value::Markup(sheet.text_of(node.stretch())),
        Kind::List => Value::List(sheet, node.stretch()),
        Kind::Map => Value::Map(sheet, node.stretch()),
    }
}

/// A field of what has no fields of its own: of a list, of a loop.
#[cold]
pub(super) fn field_of<'a>(value: Value<'a>, field: &Field) -> Result<Value<'a>, Odd> {
    match value {
        Value::List(sheet, list) if field.place.is_some() => {
            let node = field.place.and_then(|at| list.of(&sheet.rows.items).get(at as usize));
            Ok(seen(sheet, *node.ok_or(Odd("a place behind the end of a list"))?))
        }
        _ if field.place.is_some() => Err(Odd("a place in what is no list")),
        Value::Undefined => Err(Odd("a field of what is not there")),
        Value::Loop(at, of) => Ok(match &*field.name {
            "index" => Value::Unsigned(at as u64 + 1),
            "index0" => Value::Unsigned(at as u64),
            "first" => Value::Bool(at == 0),
            "last" => Value::Bool(at + 1 == of),
            "length" => Value::Unsigned(of as u64),
            _ => return Err(Odd("something else of a loop")),
        }),
        _ => Ok(Value::Undefined),
    }
}

/// As a condition.
pub(super) fn holds(value: &Value<'_>) -> bool {
    match value {
        Value::Undefined | Value::None => false,
        Value::Bool(value) => *value,
        Value::Unsigned(value) => *value != 0,
        Value::Signed(value) => *value != 0,
        Value::Float(value) => *value != 0.0,
        Value::Text(text) | Value::Markup(text) => !text.is_empty(),
        Value::List(sheet, list) => !list.of(&sheet.rows.items).is_empty(),
        Value::Map(sheet, map) => !map.of(&sheet.rows.entries).is_empty(),
        Value::Loop(..) => true,
    }
}

/// As text, not escaped.
pub(super) fn plain(value: &Value<'_>, out: &mut String) -> Result<(), Odd> {
    use std::fmt::Write as _;
    let written = match value {
        Value::None => Ok(()),
        Value::Bool(value) => write!(out, "{value}"),
        Value::Unsigned(value) => {
            push_digits(*value, out);
            Ok(())
        }
        Value::Signed(value) => write!(out, "{value}"),
        Value::Float(value) => write!(out, "{value:?}"),
        Value::Text(text) | Value::Markup(text) => out.write_str(text),
        Value::Undefined | Value::List(..) | Value::Map(..) | Value::Loop(..) => {
            return Err(Odd("a value that is no text"));
        }
    };
    written.map_err(|_| Odd("a value that cannot be written"))
}

#[inline]
pub(super) fn text<'v>(value: &Value<'v>) -> Option<&'v str> {
    match value {
        Value::Text(text) | Value::Markup(text) => Some(text),
        _ => None,
    }
}

pub(super) fn number(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Unsigned(value) => Some(i128::from(*value)),
        Value::Signed(value) => Some(i128::from(*value)),
        _ => None,
    }
}

pub(super) fn unsigned(value: &Value<'_>) -> Option<u64> {
    number(value).and_then(|number| u64::try_from(number).ok())
}

pub(super) fn compare(how: Comparison, a: &Value<'_>, b: &Value<'_>) -> Result<bool, Odd> {
    use std::cmp::Ordering;
    let known = match (text(a), text(b), number(a), number(b)) {
        (Some(a), Some(b), _, _) => Some(a.cmp(b)),
        (_, _, Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => match (a, b) {
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::None, Value::None) | (Value::Undefined, Value::Undefined) => Some(Ordering::Equal),
            (Value::Float(_) | Value::List(..) | Value::Map(..) | Value::Loop(..), _)
            | (_, Value::Float(_) | Value::List(..) | Value::Map(..) | Value::Loop(..)) => {
                return Err(Odd("a comparison of what is neither text nor number"));
            }
            // Values of two kinds are never equal.
            _ => None,
        },
    };
    match (how, known) {
        (how, Some(order)) => Ok(how.is(order)),
        (Comparison::Equal, None) => Ok(false),
        (Comparison::Unequal, None) => Ok(true),
        (_, None) => Err(Odd("an order of two kinds")),
    }
}

pub(super) fn sum<'a>(
    a: &Value<'_>,
    b: &Value<'_>,
    how: fn(i128, i128) -> Option<i128>,
) -> Result<Value<'a>, Odd> {
    let both = number(a).zip(number(b)).and_then(|(a, b)| how(a, b));
    let sum = both.and_then(|sum| i64::try_from(sum).ok()).ok_or(Odd("a sum of what is no small number"))?;
    Ok(Value::Signed(sum))
}

/// What was made on the way.
pub(super) fn made(text: &str, is_markup: bool) -> Value<'_> {
    if is_markup { Value::Markup(text) } else { Value::Text(text) }
}

pub(super) fn filtered<'a>(value: &Value<'a>, filter: &'a Filter, arena: &'a Bump) -> Result<Value<'a>, Odd> {
    let is_markup = matches!(value, Value::Markup(_));
    let made = |text: String, markup| Ok(made(arena.alloc_str(&text), markup));
    match (filter, text(value)) {
        (Filter::Length, Some(text)) => Ok(Value::Unsigned(text.chars().count() as u64)),
        (Filter::Length, None) => match value {
            Value::List(sheet, list) => Ok(Value::Unsigned(list.of(&sheet.rows.items).len() as u64)),
            Value::Map(sheet, map) => Ok(Value::Unsigned(map.of(&sheet.rows.entries).len() as u64)),
            _ => Err(Odd("the length of what has none")),
        },
        (Filter::Number, None) => {
            made(thousands(unsigned(value).ok_or(Odd("no number to set apart"))?), false)
        }
        (Filter::Pluralize(words), None) => {
            let [singular, plural] = &**words;
            let number = number(value).ok_or(Odd("no number to count with"))?;
            Ok(Value::Text(if number.abs() == 1 { singular } else { plural }))
        }
        (Filter::Lower, Some(text)) if text.is_ascii() => {
            let lower = arena.alloc_str(text);
            lower.make_ascii_lowercase();
            Ok(self::made(lower, is_markup))
        }
        (Filter::Lower, Some(text)) => made(text.to_lowercase(), is_markup),
        (Filter::Upper, Some(text)) => made(text.to_uppercase(), is_markup),
        (Filter::InText, Some(text)) => {
            let mut out = String::with_capacity(text.len());
            escape_in_text(text, &mut out);
            made(out, true)
        }
        (Filter::JsonScript, Some(text)) => {
            let mut out = String::with_capacity(text.len() + text.len() / 8);
            escape_json_into(text, &mut out);
            made(out, true)
        }
        (Filter::Safe, Some(text)) => Ok(Value::Markup(text)),
        (Filter::Replace(words), Some(text)) if !is_markup => {
            let [from, to] = &**words;
            made(text.replace(from, to), false)
        }
        _ => Err(Odd("a filter of something else")),
    }
}
