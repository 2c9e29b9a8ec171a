//! The reasons of a verdict as rows, from stencils: what a rule says is known, and only the words that were found are the tool's own.

use serde::Serialize;

use super::ToolPages;
use crate::render::RenderError;
use crate::render::html::Sheet;
use crate::render::quote::{Reason, Stretch};
use crate::render::words::{ClassWord, RiskWord, SignalWord};

/// The template of one row.
const ROW: &str = "parts/reason.html";
/// Most stretches of a quote: before what was found, that, and after it.
const STRETCHES: usize = 3;

#[derive(Serialize)]
struct ReasonPart<'a> {
    reason: &'a Reason<'a>,
    root: &'a str,
}

/// What a row depends on beside words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::render) struct ReasonKind {
    /// As in [`Reason::rule_text`], and whether it is said what the rule says.
    rule_text: usize,
    said: [bool; 2],
    place: &'static str,
    /// Each of them marked or not, with the stylesheet's class.
    quote: [Option<(bool, &'static str)>; STRETCHES],
    class: Option<ClassWord>,
    risk: Option<RiskWord>,
    signal: Option<SignalWord>,
    against: bool,
    /// How long the way to the site's root is.
    root: usize,
}

impl ReasonKind {
    /// None for a row that is printed.
    fn of(reason: &Reason<'_>, root: &str) -> Option<Self> {
        let Reason { rule_text, what, why, place, class, risk, signal, against, .. } = *reason;
        if reason.quote.len() > STRETCHES || (rule_text == 0 && !(what.is_empty() && why.is_empty())) {
            return None;
        }
        let mut quote = [None; STRETCHES];
        for (place, stretch) in quote.iter_mut().zip(&reason.quote) {
            *place = Some((stretch.evidence > 0, stretch.css));
        }
        let said = [!what.is_empty(), !why.is_empty()];
        Some(Self { rule_text, said, place, quote, class, risk, signal, against, root: root.len() })
    }
}

impl ToolPages<'_> {
    /// Puts the rows beside the view.
    ///
    /// # Errors
    /// A template that does not fit.
    pub(super) fn put_reasons(
        &self,
        reasons: &[Reason<'_>],
        root: &str,
        sheet: &mut Sheet,
    ) -> Result<(), RenderError> {
        let lines = &self.work.common.press.sections.reasons;
        let row = |reason: &Reason<'_>| self.printed(ROW, &ReasonPart { reason, root });
        sheet.write_markup("reason_rows", |rows| {
            for reason in reasons {
                rows.push('\n');
                let Some(kind) = ReasonKind::of(reason, root) else {
                    rows.push_str(row(reason)?.as_str());
                    continue;
                };
                let mut words = [reason.number, reason.rule, &reason.within, "", "", ""];
                for (word, stretch) in words.iter_mut().skip(3).zip(&reason.quote) {
                    *word = &stretch.text;
                }
                lines.put(kind, &words, rows, |words| {
                    let &[number, rule, within, ref quote @ ..] = words else { unreachable!("six words") };
                    let stretches = reason.quote.iter().zip(quote);
                    let quote = stretches.map(|(stretch, word)| Stretch { text: (*word).into(), ..*stretch });
                    let (within, quote) = (within.into(), quote.collect());
                    row(&Reason { number, rule, within, quote, ..*reason })
                })?;
            }
            Ok(())
        })
    }
}
