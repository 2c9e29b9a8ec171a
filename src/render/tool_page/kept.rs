//! Parts of a tool's page that are alike for all tools of one kind, or of one server: printed once for each kind, then put in as they
//! are. Builds with debug assertions (all tests) print each of them again and compare. Why: docs/PERFORMANCE.md, "Site".

use std::sync::Arc;

use serde::Serialize;

use super::{ToolPages, ToolView};
use crate::model::{Class, Risk, Signal, Verdict};
use crate::render::RenderError;
use crate::render::exposure::AttackLine;
use crate::render::facts::Facts;
use crate::render::hints::Hints;
use crate::render::html::{Markup, Sheet};
use crate::render::words::{ClassWord, RiskWord, SignalWord};

/// What a part depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::render) enum PartKind {
    /// What the author's hints say beside what is inferred.
    Hints(Class, u16),
    /// The attack patterns, as the bits of their set, and how long the way to the site's root is.
    Attacks(u64, usize),
    /// The signals, as bits, and the way to the root.
    Signals(u32, usize),
    /// The verdict at a glance: class, risk, the confidence as it is shown and what it means, and the way to the root.
    Verdict(Class, Risk, [u8; 4], &'static str, usize),
}

#[derive(Serialize)]
struct HintsPart<'a> {
    hints: &'a Hints,
    class: ClassWord,
}

#[derive(Serialize)]
struct AttacksPart<'a> {
    attacks: &'a [AttackLine<'a>],
    full_name: &'a str,
    root: &'a str,
}

#[derive(Serialize)]
struct SignalsPart<'a> {
    signals: &'a [SignalWord],
    root: &'a str,
}

#[derive(Serialize)]
struct VerdictPart<'a> {
    class: ClassWord,
    risk: RiskWord,
    base: RiskWord,
    confidence: &'a str,
    sureness: &'a str,
    correction: &'a Option<super::CorrectionView>,
    root: &'a str,
}

#[derive(Serialize)]
struct AskedPart<'a> {
    facts: &'a Facts,
}

impl ToolPages<'_> {
    /// Puts these parts beside the view.
    ///
    /// # Errors
    /// A template that does not fit.
    pub(super) fn put_kept(
        &self,
        (place, view): (usize, &ToolView<'_>),
        verdict: &Verdict,
        root: &str,
        sheet: &mut Sheet,
    ) -> Result<(), RenderError> {
        let (class, risk) = (verdict.class, verdict.risk);
        self.put_parameters(&view.parameters, sheet)?;
        self.put_reasons(&view.reasons, root, sheet)?;
        let hints = Some(PartKind::Hints(class, view.hints.kind()));
        let part = HintsPart { hints: &view.hints, class: view.class };
        sheet.set_markup("hints_html", &*self.kept(hints, "parts/hints.html", &part)?)?;

        let attacks = Some(PartKind::Attacks(self.exposed(place).0, root.len()));
        let part = AttacksPart { attacks: &view.attacks, full_name: &view.full_name, root };
        sheet.set_markup("attacks_html", &*self.kept(attacks, "parts/attacks.html", &part)?)?;

        let signals = bits(&verdict.signals).map(|bits| PartKind::Signals(bits, root.len()));
        let part = SignalsPart { signals: &view.signals, root };
        sheet.set_markup("signals_html", &*self.kept(signals, "parts/signals.html", &part)?)?;

        // What a person said of it is not kept.
        let shown =
            <[u8; 4]>::try_from(view.confidence.as_bytes()).ok().filter(|_| view.correction.is_none());
        let verdict = shown.map(|shown| PartKind::Verdict(class, risk, shown, view.sureness, root.len()));
        let ToolView { confidence, sureness, correction, .. } = view;
        let (class, risk, base) = (view.class, view.risk, view.base);
        let part = VerdictPart { class, risk, base, confidence, sureness, correction, root };
        sheet.set_markup("verdict_html", &*self.kept(verdict, "parts/verdict.html", &part)?)?;

        if self.asked.get().is_none() {
            // Another thread may be faster; it makes the same.
            let _ = self.asked.set(self.printed("parts/asked.html", &AskedPart { facts: self.facts })?);
        }
        self.asked.get().map_or(Ok(()), |asked| sheet.set_markup("asked_html", asked))
    }

    /// A part from those that were printed; without a kind it is printed.
    fn kept(
        &self,
        kind: Option<PartKind>,
        template: &'static str,
        view: &impl Serialize,
    ) -> Result<Arc<Markup>, RenderError> {
        let Some(kind) = kind else { return Ok(Arc::new(self.printed(template, view)?)) };
        let kept = self.work.common.press.sections.part(kind, || self.printed(template, view))?;
        debug_assert_eq!(*kept, self.printed(template, view)?);
        Ok(kept)
    }

    pub(super) fn printed(
        &self,
        template: &'static str,
        view: &impl Serialize,
    ) -> Result<Markup, RenderError> {
        self.work.common.press.part(template, &Sheet::of(template, view)?).map(Markup::printed)
    }
}

/// A bit for each signal; None if they are not in their own order, which then matters.
fn bits(signals: &[Signal]) -> Option<u32> {
    let bit = |signal: &Signal| 1 << *signal as u32;
    signals.is_sorted_by(|a, b| a < b).then(|| signals.iter().fold(0, |bits, signal| bits | bit(signal)))
}
