//! The rows of a tool's parameters: most of them say a name, a type and one text, and are printed from stencils.

use serde::Serialize;

use super::ToolPages;
use crate::render::RenderError;
use crate::render::html::Sheet;
use crate::render::lines::LineOnce;
use crate::render::parameters::{Parameter, Parameters};
use crate::render::quote::Stretch;

/// The template of one row.
const ROW: &str = "parts/parameter.html";

#[derive(Serialize)]
struct ParameterPart<'a> {
    parameter: &'a Parameter<'a>,
}

/// A row of each kind: required or not, with a type or without, with a description or without.
pub(in crate::render) type ParameterLines = [[[LineOnce; 2]; 2]; 2];

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
        sheet.write_markup("parameter_rows", |rows| {
            for parameter in &parameters.list {
                rows.push('\n');
                match plain(parameter) {
                    Some(words) => self.put_row(words, parameter.required, rows)?,
                    None => rows.push_str(self.printed(ROW, &ParameterPart { parameter })?.as_str()),
                }
            }
            Ok(())
        })
    }

    fn put_row(&self, words: [&str; 3], required: bool, rows: &mut String) -> Result<(), RenderError> {
        let [_, with_kind, with_text] = words.map(|word| !word.is_empty());
        let lines = &self.work.common.press.sections.parameters[usize::from(required)];
        lines[usize::from(with_kind)][usize::from(with_text)].put(&words, rows, |words| {
            let &[name, kind, text, ..] = words else { unreachable!("there are more words") };
            let text = with_text.then(|| Stretch { text: text.into(), evidence: 0, css: "" });
            let parameter = Parameter {
                name: name.into(),
                kind: if with_kind { kind } else { "" }.into(),
                required,
                description: text.into_iter().collect(),
                ..Parameter::default()
            };
            self.printed(ROW, &ParameterPart { parameter: &parameter })
        })
    }
}

/// Name, type and description of a parameter of which there is nothing else to say.
fn plain<'a>(parameter: &'a Parameter<'_>) -> Option<[&'a str; 3]> {
    let Parameter { name, kind, required: _, description, flags, risky, values, more_values, default } =
        parameter;
    let text = match description.as_slice() {
        [] => "",
        [Stretch { text, evidence: 0, .. }] => text,
        _ => return None,
    };
    let is_plain = flags.is_empty() && !risky && values.is_empty() && *more_values == 0 && default.is_none();
    is_plain.then_some([name, kind, text])
}
