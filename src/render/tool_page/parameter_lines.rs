//! The rows of a tool's parameters, from stencils: beside its words a row depends on which of its parts there are.

use std::borrow::Cow;

use serde::Serialize;

use super::ToolPages;
use crate::render::RenderError;
use crate::render::html::Sheet;
use crate::render::parameters::{Flag, Parameter, Parameters};
use crate::render::quote::Stretch;

/// The template of one row.
const ROW: &str = "parts/parameter.html";
/// Most stretches of a description, and most reasons, of a row that is not printed by itself.
const STRETCHES: usize = 3;
const FLAGS: usize = 2;

#[derive(Serialize)]
struct ParameterPart<'a> {
    parameter: &'a Parameter<'a>,
}

/// What a row depends on beside words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(in crate::render) struct ParameterKind {
    required: bool,
    has_kind: bool,
    risky: bool,
    has_default: bool,
    /// Number and mark of each.
    description: [Option<(usize, &'static str)>; STRETCHES],
    flags: [Option<Flag>; FLAGS],
    values: usize,
    more_values: usize,
}

impl ParameterKind {
    /// None for a row that is printed.
    fn of(parameter: &Parameter<'_>) -> Option<Self> {
        if parameter.description.len() > STRETCHES || parameter.flags.len() > FLAGS {
            return None;
        }
        let mut kind = Self {
            required: parameter.required,
            has_kind: !parameter.kind.is_empty(),
            risky: parameter.risky,
            has_default: parameter.default.is_some(),
            values: parameter.values.len(),
            more_values: parameter.more_values,
            ..Self::default()
        };
        for (place, stretch) in kind.description.iter_mut().zip(&parameter.description) {
            *place = Some((stretch.evidence, stretch.css));
        }
        for (place, flag) in kind.flags.iter_mut().zip(&parameter.flags) {
            *place = Some(*flag);
        }
        Some(kind)
    }
}

impl ToolPages<'_> {
    /// Puts the rows beside the view.
    ///
    /// # Errors
    /// A template that does not fit.
    pub(super) fn put_parameters(
        &self,
        parameters: &Parameters<'_>,
        sheet: &mut Sheet,
    ) -> Result<(), RenderError> {
        let lines = &self.work.common.press.sections.parameters;
        let row = |parameter: &Parameter<'_>| self.printed(ROW, &ParameterPart { parameter });
        let mut words = Vec::new();
        sheet.write_markup("parameter_rows", |rows| {
            for parameter in &parameters.list {
                rows.push('\n');
                let Some(kind) = ParameterKind::of(parameter) else {
                    rows.push_str(row(parameter)?.as_str());
                    continue;
                };
                words.clear();
                put_words(parameter, &mut words);
                lines.put(kind, &words, rows, |words| row(&with_words(parameter, words)))?;
            }
            Ok(())
        })
    }
}

/// The words of a row in the order of its parts.
fn put_words<'a>(parameter: &'a Parameter<'_>, words: &mut Vec<&'a str>) {
    words.extend([&*parameter.name, &*parameter.kind, parameter.default.as_deref().unwrap_or_default()]);
    words.extend(parameter.description.iter().map(|stretch| &*stretch.text));
    words.extend(parameter.values.iter().map(|value| &**value));
}

/// A parameter with other words in the same places.
fn with_words<'a>(parameter: &Parameter<'a>, words: &[&'a str]) -> Parameter<'a> {
    let mut words = words.iter().copied();
    let mut next = || words.next().unwrap_or_default();
    let (name, kind, default) = (next(), next(), next());
    let described = parameter.description.iter();
    let description = described.map(|stretch| Stretch { text: next().into(), ..*stretch }).collect();
    Parameter {
        name: name.into(),
        kind: if parameter.kind.is_empty() { Cow::Borrowed("") } else { kind.into() },
        description,
        values: parameter.values.iter().map(|_| next().into()).collect(),
        default: parameter.default.as_ref().map(|_| default.into()),
        ..parameter.clone()
    }
}
