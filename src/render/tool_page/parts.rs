//! The parts of a tool's page that are printed by themselves: its rules and its questions.

use super::{ToolPages, ToolView};
use crate::render::RenderError;
use crate::render::control::control;
use crate::render::html::{Markup, Sheet};
use crate::render::judged::JudgedTool;
use crate::render::questions::{entries, json_ld, questions};
use crate::render::sections::{PlainTool, QuestionsSection, ToolRules, provider, questions_html, rules_html};

/// The section on how to control the tool.
#[derive(Clone, Copy)]
pub(super) enum Rules<'a> {
    /// Printed for this tool.
    Printed(&'a Markup),
    /// From a stencil.
    Filled(&'a PlainTool<'a>, &'a ToolRules),
}

impl ToolPages<'_> {
    /// The view with the sections and the questions that are printed by themselves.
    pub(super) fn sheet(
        &self,
        tool: &JudgedTool,
        view: &ToolView<'_>,
        rules: Rules<'_>,
    ) -> Result<Sheet, RenderError> {
        let press = self.work.common.press;
        let mut sheet = Sheet::of("tool.html", view)?;
        let asked = |template| Ok::<_, RenderError>(questions(&press.part(template, &sheet)?));
        let printed = |template| {
            let asked = asked(template)?;
            Ok::<_, RenderError>((questions_html(press, &asked)?, entries(&asked)))
        };
        let corrected = view.correction.as_ref().is_some_and(|correction| !correction.agrees);
        let plain = match rules {
            Rules::Printed(_) => None,
            Rules::Filled(plain, _) => Some(plain),
        };
        let on_rules = match rules {
            Rules::Filled(plain, section) => {
                let signals = &tool.verdict.signals;
                let made = press.sections.questions(press, plain, section, signals, corrected)?;
                debug_assert_eq!(made, {
                    let control = control(self.policies, tool.definition.name());
                    let mut sheet = Sheet::of("faq-rules.txt", view)?;
                    sheet.set("control", &control)?;
                    let asked = questions(&press.part("faq-rules.txt", &sheet)?);
                    (questions_html(press, &asked)?, entries(&asked))
                });
                made
            }
            Rules::Printed(_) => printed("faq-rules.txt")?,
        };
        let first = printed("faq.txt")?;
        let last = match plain.zip(plain.and(self.provider()?)) {
            Some((plain, section)) => {
                let made = plain.asked(section);
                debug_assert_eq!(made, printed("faq-server.txt")?);
                made
            }
            None => printed("faq-server.txt")?,
        };
        sheet.set("json_ld", &json_ld(&[&first.1, &on_rules.1, &last.1]))?;
        sheet.write_markup("questions_html", |out| {
            out.extend([&first.0, &on_rules.0, &last.0].map(Markup::as_str));
            Ok(())
        })?;
        sheet.write_markup("rules_html", |out| {
            match rules {
                Rules::Printed(html) => out.push_str(html.as_str()),
                Rules::Filled(plain, rules) => rules.put(plain, out),
            }
            Ok(())
        })?;
        Ok(sheet)
    }

    fn provider(&self) -> Result<Option<&QuestionsSection>, RenderError> {
        if self.provider.get().is_none() {
            let made = provider(self.work.common.press, &self.work.entry.name, &self.facts)?;
            // Another thread may have been faster; it made the same.
            let _ = self.provider.set(made);
        }
        Ok(self.provider.get().and_then(Option::as_ref))
    }

    /// In builds with debug assertions: the stencil gives what the template prints.
    pub(super) fn compare(
        &self,
        view: &ToolView<'_>,
        (plain, rules): (&PlainTool<'_>, &ToolRules),
        root: &str,
    ) -> Result<(), RenderError> {
        if cfg!(debug_assertions)
            && let Some(control) = control(self.policies, &view.full_name)
        {
            let mut html = String::new();
            rules.put(plain, &mut html);
            let printed = rules_html(self.work.common.press, &view.name, &control, root)?;
            assert_eq!(html, printed.as_str());
        }
        Ok(())
    }
}
