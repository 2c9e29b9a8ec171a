//! The parts of a tool's page that are printed by themselves: its rules and its questions.

use super::first_question::QuestionLines;
use super::{ToolPages, ToolView};
use crate::render::RenderError;
use crate::render::control::control;
use crate::render::html::{Markup, Sheet};
use crate::render::judged::JudgedTool;
use crate::render::questions::{entries, put_json_ld, questions};
use crate::render::sections::{
    PlainTool, ProviderView, QuestionsSection, ToolRules, provider, questions_html, rules_html,
};

/// The section on how to control the tool.
#[derive(Clone, Copy)]
pub(super) enum Rules<'a> {
    /// Printed for this tool.
    Printed(&'a Markup),
    /// From a stencil.
    Filled(&'a PlainTool<'a>, &'a ToolRules),
}

/// Some of the questions.
pub(super) enum Asked<'a> {
    /// Printed for this tool: their markup, and their entries as JSON.
    Printed((Markup, String)),
    /// From a stencil.
    Filled(&'a PlainTool<'a>, &'a QuestionsSection),
    /// The first one from a stencil, with the tool's name and its description.
    First(&'a QuestionLines, [&'a str; 2]),
}

impl Asked<'_> {
    fn put_html(&self, out: &mut String) {
        match self {
            Self::Printed((html, _)) => out.push_str(html.as_str()),
            Self::Filled(plain, section) => plain.put_html(section, out),
            Self::First(lines, words) => lines.put_html(words, out),
        }
    }

    fn put_json(&self, out: &mut String) {
        match self {
            Self::Printed((_, json)) => out.push_str(json),
            Self::Filled(plain, section) => plain.put_json(section, out),
            Self::First(lines, words) => lines.put_json(words, out),
        }
    }

    /// Both, to compare them.
    fn both(&self) -> (Markup, String) {
        let (mut html, mut json) = (String::new(), String::new());
        self.put_html(&mut html);
        self.put_json(&mut json);
        (Markup::printed(html), json)
    }
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
        let printed = |template| {
            let asked = questions(&press.part(template, &sheet)?);
            Ok::<_, RenderError>((questions_html(press, &asked)?, entries(&asked)))
        };
        let corrected = view.correction.as_ref().is_some_and(|correction| !correction.agrees);
        let (kept, plain) = match rules {
            Rules::Filled(plain, section) => {
                let signals = &tool.verdict.signals;
                (Some(press.sections.questions(press, plain, section, signals, corrected)?), Some(plain))
            }
            Rules::Printed(_) => (None, None),
        };
        let first = match self.first_question(view, tool.verdict.class)? {
            Some(asked) => asked,
            None => printed("faq.txt").map(Asked::Printed)?,
        };
        let on_rules = match plain.zip(kept.as_deref()) {
            Some((plain, section)) => Asked::Filled(plain, section),
            None => printed("faq-rules.txt").map(Asked::Printed)?,
        };
        let last = match plain.zip(plain.and(self.provider()?)) {
            Some((plain, section)) => Asked::Filled(plain, section),
            None => self.printed_last(view).map(Asked::Printed)?,
        };
        debug_assert_eq!(first.both(), printed("faq.txt")?);
        debug_assert_eq!(last.both(), self.printed_last(view)?);
        debug_assert_eq!(on_rules.both(), {
            let control = control(self.policies, tool.definition.name());
            let mut sheet = Sheet::of("faq-rules.txt", view)?;
            sheet.set("control", &control)?;
            let asked = questions(&press.part("faq-rules.txt", &sheet)?);
            (questions_html(press, &asked)?, entries(&asked))
        });
        sheet.write_text("json_ld", |out| {
            let put = |asked| move |out: &mut String| Asked::put_json(asked, out);
            put_json_ld([&put(&first) as &dyn Fn(&mut String), &put(&on_rules), &put(&last)], out);
        })?;
        sheet.write_markup("questions_html", |out| {
            [&first, &on_rules, &last].into_iter().for_each(|asked| asked.put_html(out));
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

    /// The last question, for this tool alone.
    fn printed_last(&self, view: &ToolView<'_>) -> Result<(Markup, String), RenderError> {
        let press = self.work.common.press;
        let view = ProviderView { name: &view.name, server: view.server, facts: view.facts };
        let asked = questions(&press.part("faq-server.txt", &Sheet::of("faq-server.txt", &view)?)?);
        Ok((questions_html(press, &asked)?, entries(&asked)))
    }

    fn provider(&self) -> Result<Option<&QuestionsSection>, RenderError> {
        if self.provider.get().is_none() {
            let made = provider(self.work.common.press, &self.work.entry.name, self.facts)?;
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
