//! What every page has, and the press that makes pages and their twins of views.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;
use url::Url;

use super::check::Checker;
use super::digest::{Digest, Inputs};
use super::html::{Engine, Markup, Sheet};
use super::kinds::PageKind;
use super::report::Tally;
use super::sections::Sections;
use super::twin;
use super::twins::Twins;
use super::write::{OpenUnit, Output};
use super::{BuildOptions, RenderError};
use crate::model::ReportAddress;

/// The site as every page knows it. Nothing here changes with each scan, so that unchanged pages stay unchanged.
#[derive(Debug, Clone, Serialize)]
pub(super) struct SiteView {
    /// The program's version.
    pub(super) version: &'static str,
    /// The rule set's hash, 12 digits of it.
    pub(super) rules: String,
    /// Made for the owner of the database: nothing of it is for search engines.
    pub(super) private: bool,
    /// Where reports go.
    pub(super) report: Option<ReportAddress>,
}

/// What reports call the scripts of the search’s index, and of what the page that checks a configuration looks servers up in.
const INDEX: &str = "search-index";

/// Where the pages go: engine, output and what they share.
pub(super) struct Press<'a> {
    pub(super) engine: Engine,
    pub(super) output: Output,
    pub(super) site: SiteView,
    pub(super) options: &'a BuildOptions,
    /// Everything that all pages are made from: templates, address, version.
    pub(super) shared: Digest,
    pub(super) twins: Twins,
    pub(super) tally: Tally,
    pub(super) checker: Option<Checker>,
    pub(super) sections: Sections,
}

impl Press<'_> {
    /// Makes one page in its place, unless what it is made from is what it was made from the last time.
    ///
    /// # Errors
    /// A template that does not fit its page, or a file that cannot be written.
    pub(super) fn page(
        &self,
        kind: &PageKind,
        unit: &OpenUnit,
        path: &str,
        view: &impl Serialize,
    ) -> Result<(), RenderError> {
        self.page_from(kind, unit, path, Digest::of(view), || Ok(view))
    }

    /// The same for a view that is costly to make: it is made only if `inputs`, which stand for it, are not the last ones.
    ///
    /// # Errors
    /// As [`Press::page`], and what making the view brings.
    pub(super) fn page_from<V: Serialize>(
        &self,
        kind: &PageKind,
        unit: &OpenUnit,
        path: &str,
        inputs: Digest,
        view: impl FnOnce() -> Result<V, RenderError>,
    ) -> Result<(), RenderError> {
        self.page_as(kind.templates.first().copied().unwrap_or_default(), kind, unit, path, inputs, view)
    }

    /// The same with another template than the kind's.
    ///
    /// # Errors
    /// As [`Press::page_from`].
    pub(super) fn page_as<V: Serialize>(
        &self,
        template: &str,
        kind: &PageKind,
        unit: &OpenUnit,
        path: &str,
        inputs: Digest,
        view: impl FnOnce() -> Result<V, RenderError>,
    ) -> Result<(), RenderError> {
        self.page_on(template, kind, unit, path, inputs, || Sheet::of(template, &view()?))
    }

    /// The same for a view that is laid out already.
    ///
    /// # Errors
    /// As [`Press::page_from`].
    pub(super) fn page_on(
        &self,
        template: &str,
        kind: &PageKind,
        unit: &OpenUnit,
        path: &str,
        inputs: Digest,
        sheet: impl FnOnce() -> Result<Sheet, RenderError>,
    ) -> Result<(), RenderError> {
        self.made(kind.id, unit, path, (template, inputs), || {
            let mut sheet = sheet()?;
            // The way to the site's root: `../` as often as needed; empty at the top.
            sheet.set_markup("root", &Markup::printed(root_from(path)))?;
            sheet.set("path", path)?;
            sheet.set("canonical", &self.canonical(path))?;
            let mut text = self.engine.text(template, &sheet)?;
            if let Some(checker) = &self.checker
                && text != self.engine.by_tera(template, &sheet)?
            {
                checker.fault(path, template, "is not what its template says");
            }
            let blank = text.len() - text.trim_start().len();
            text.drain(..blank);
            if path.ends_with(".html") {
                super::structured::add_breadcrumbs(&mut text, path, self.options.base_url.as_ref());
            }
            Ok(text)
        })
    }

    /// A part of a page, printed by itself.
    ///
    /// # Errors
    /// A template that does not fit.
    pub(super) fn part(&self, template: &str, sheet: &Sheet) -> Result<String, RenderError> {
        let text = self.engine.text(template, sheet)?;
        if let Some(checker) = &self.checker
            && text != self.engine.by_tera(template, sheet)?
        {
            checker.fault(template, template, "is not what its template says");
        }
        Ok(text)
    }

    /// Makes the JSON twin of a page, if twins are wanted.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn twin<V: Serialize>(
        &self,
        unit: &OpenUnit,
        page: &str,
        inputs: Digest,
        view: impl FnOnce() -> Result<V, RenderError>,
    ) -> Result<(), RenderError> {
        self.twin_text(unit, page, inputs, || Ok(twin::json_text(&view()?)))
    }

    /// The same for a twin that is written already.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn twin_text(
        &self,
        unit: &OpenUnit,
        page: &str,
        inputs: Digest,
        text: impl FnOnce() -> Result<String, RenderError>,
    ) -> Result<(), RenderError> {
        if !self.twins.json {
            return Ok(());
        }
        let path = twin::json_path(page);
        self.made("json", unit, &path, ("json", inputs), text)
    }

    /// Puts what belongs beside a page, its path with another ending, if such twins are wanted.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn beside(
        &self,
        ending: &'static str,
        unit: &OpenUnit,
        page: &str,
        inputs: impl FnOnce() -> Digest,
        text: impl FnOnce() -> String,
    ) -> Result<(), RenderError> {
        if !self.twins.has(ending) {
            return Ok(());
        }
        let inputs = inputs();
        let path = format!("{}.{ending}", page.strip_suffix(".html").unwrap_or(page));
        self.made(ending, unit, &path, (ending, inputs), || Ok(text()))
    }

    fn made(
        &self,
        kind: &'static str,
        unit: &OpenUnit,
        path: &str,
        inputs: (&str, Digest),
        text: impl FnOnce() -> Result<String, RenderError>,
    ) -> Result<(), RenderError> {
        let begun = Instant::now();
        let inputs = self.all_inputs(path, inputs);
        if unit.inputs_before(path) == Some(inputs) && self.output.keep(unit, path)? {
            self.tally.kept(kind);
            if let Some(checker) = &self.checker {
                checker.look(path, &String::from_utf8_lossy(&self.output.read(path)?));
            }
            return Ok(());
        }
        let text = text()?;
        if let Some(checker) = &self.checker {
            checker.look(path, &text);
        }
        let bytes = text.len();
        let written = self.output.put_text(unit, path, inputs, text)?;
        self.tally.made(kind, path, bytes, written, begun.elapsed());
        Ok(())
    }

    /// What a file is made from, with what all are made from.
    fn all_inputs(&self, path: &str, (what, inputs): (&str, Digest)) -> Digest {
        let mut all = Inputs::default();
        all.add(&(self.shared, path, what, inputs));
        all.done()
    }

    /// Makes a script of the search index, unless what it is made from is what it was made from the last time.
    ///
    /// # Errors
    /// A file that cannot be written, and what making the text brings.
    pub(super) fn script(
        &self,
        unit: &OpenUnit,
        path: &str,
        inputs: Digest,
        text: impl FnOnce() -> Result<String, RenderError>,
    ) -> Result<(), RenderError> {
        self.made(INDEX, unit, path, (INDEX, inputs), text)
    }

    /// What the list of files says such a script is made from.
    pub(super) fn script_inputs(&self, path: &str, inputs: Digest) -> Digest {
        self.all_inputs(path, (INDEX, inputs))
    }

    /// True if such a script is there from the last build and can be kept.
    pub(super) fn has_script(&self, unit: &OpenUnit, path: &str, inputs: Digest) -> bool {
        let inputs = self.script_inputs(path, inputs);
        unit.inputs_before(path) == Some(inputs) && self.output.can_keep(unit, path)
    }

    /// Leaves such scripts as they are, if all that begin so can be left; false if not, and then none is.
    ///
    /// # Errors
    /// [`RenderError::SamePlace`].
    pub(super) fn keep_scripts(&self, unit: &OpenUnit, prefix: &str) -> Result<bool, RenderError> {
        let ours = || unit.paths_before(prefix).filter(|path| path.ends_with(".js"));
        if !ours().all(|path| self.output.can_keep(unit, path)) {
            return Ok(false);
        }
        for path in ours() {
            self.output.keep(unit, path)?;
            self.tally.kept(INDEX);
            if let Some(checker) = &self.checker {
                checker.exists(path);
            }
        }
        Ok(true)
    }

    fn canonical(&self, path: &str) -> Option<String> {
        let base = self.options.base_url.as_ref().filter(|_| !self.site.private);
        base.map(|base| absolute(base, path))
    }

    /// Puts a file that is no page.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn file(&self, unit: &OpenUnit, path: &str, content: &[u8]) -> Result<(), RenderError> {
        let begun = Instant::now();
        let written = self.output.put(unit, path, None, content)?;
        if let Some(checker) = &self.checker {
            checker.exists(path);
        }
        self.tally.made("file", path, content.len(), written, begun.elapsed());
        Ok(())
    }

    /// Puts a file that is too big to be held, from where it was written on the same disk. It gets no compressed copies.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    pub(super) fn big_file(
        &self,
        unit: &OpenUnit,
        path: &str,
        from: &std::path::Path,
    ) -> Result<(), RenderError> {
        let begun = Instant::now();
        let (bytes, written) = self.output.put_big(unit, path, from)?;
        if let Some(checker) = &self.checker {
            checker.exists(path);
        }
        self.tally.made("file", path, usize::try_from(bytes).unwrap_or(usize::MAX), written, begun.elapsed());
        Ok(())
    }

    /// Copies the static files to the site's root folder `static/`.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub(super) fn static_files(&self, unit: &OpenUnit) -> Result<(), RenderError> {
        for (name, bytes) in folder(&self.options.site, "static/") {
            if !name.split('/').any(|part| part.starts_with('.')) {
                self.file(unit, &format!("static/{name}"), bytes)?;
            }
        }
        Ok(())
    }
}

/// The files of one folder, by their name in it.
pub(super) fn folder<'a>(
    files: &'a BTreeMap<String, Vec<u8>>,
    prefix: &'a str,
) -> impl Iterator<Item = (&'a str, &'a [u8])> {
    files.iter().filter_map(move |(path, bytes)| Some((path.strip_prefix(prefix)?, bytes.as_slice())))
}

/// The way from a page to the site's root.
pub(super) fn root_from(path: &str) -> String {
    "../".repeat(path.matches('/').count())
}

/// A page's address on the web: an index page is called by its folder.
pub(super) fn absolute(base: &Url, path: &str) -> String {
    let path = match path.strip_suffix("index.html") {
        Some(folder) if folder.is_empty() || folder.ends_with('/') => folder,
        _ => path,
    };
    [base.as_str().trim_end_matches('/'), "/", path].concat()
}

/// One part of a long list.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Pager {
    /// This part, from 1.
    pub(super) number: usize,
    /// How many parts there are.
    pub(super) count: usize,
    /// Parts that are linked: the first, the last and some around this one.
    pub(super) links: Vec<PagerLink>,
}

/// A link to a part.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PagerLink {
    pub(super) number: usize,
    pub(super) path: String,
    pub(super) current: bool,
    /// Parts between the one before and this one are not linked.
    pub(super) gap: bool,
}

/// The parts of a list of `total` lines: their paths and pagers. At least one, also for an empty list.
///
/// The first part keeps the list's own address; the others are numbered below `more`.
pub(super) fn parts(first: &str, more: &str, total: usize, size: usize) -> Vec<(String, Pager)> {
    let count = total.div_ceil(size).max(1);
    let path = |number: usize| if number == 1 { first.to_owned() } else { format!("{more}/{number}.html") };
    (1..=count)
        .map(|number| {
            let near = |n: &usize| *n <= 1 || *n == count || n.abs_diff(number) <= 3;
            let mut before = 0;
            let links = (1..=count)
                .filter(near)
                .map(|n| {
                    let link =
                        PagerLink { number: n, path: path(n), current: n == number, gap: n != before + 1 };
                    before = n;
                    link
                })
                .collect();
            (path(number), Pager { number, count, links })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_root_and_the_address_on_the_web() {
        assert_eq!(root_from("index.html"), "");
        assert_eq!(root_from("servers/npm/@a/b/tools/x.html"), "../../../../../");
        let base: Url = "https://cat.example/below".parse().unwrap();
        assert_eq!(absolute(&base, "index.html"), "https://cat.example/below/");
        assert_eq!(absolute(&base, "a/index.html"), "https://cat.example/below/a/");
        assert_eq!(absolute(&base, "a/b.html"), "https://cat.example/below/a/b.html");
    }

    #[test]
    fn a_long_list_has_few_links_on_each_part() {
        let parts = parts("a.html", "a", 100_000, 200);
        assert_eq!(parts.len(), 500);
        assert!(parts.iter().all(|(_, p)| p.links.len() <= 9));
        assert_eq!(parts.get(1).map(|(path, _)| path.as_str()), Some("a/2.html"));
        assert_eq!(super::parts("a.html", "a", 0, 200).len(), 1);
    }
}
