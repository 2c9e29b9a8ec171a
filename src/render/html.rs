//! The template engine: every template loaded once, escaping always on, and the few filters that templates use.

use std::collections::BTreeMap;

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, TeraResult, Value};

use super::RenderError;

/// The loaded templates.
pub(super) struct Engine {
    tera: Tera,
}

impl Engine {
    /// Loads `*.html`, `*.xml` and `*.txt`; text templates are not escaped by themselves, only where they are included.
    ///
    /// # Errors
    /// A template that is not UTF-8 or does not parse, with its place; one of `needed` that is not there.
    pub(super) fn new(
        files: &BTreeMap<String, Vec<u8>>,
        needed: &[&'static str],
    ) -> Result<Self, RenderError> {
        let mut tera = Tera::new();
        tera.register_filter("json_script", json_script);
        tera.register_filter("number", number);
        tera.register_filter("in_text", in_text);
        tera.autoescape_on([".html", ".xml"]);
        let mut sources = Vec::new();
        for (name, bytes) in files {
            if [".html", ".xml", ".txt"].iter().any(|end| name.ends_with(end)) {
                let text = std::str::from_utf8(bytes)
                    .map_err(|_| RenderError::TemplateText { name: format!("templates/{name}") })?;
                sources.push((name.as_str(), text));
            }
        }
        tera.add_raw_templates(sources).map_err(|source| RenderError::Templates { source })?;
        if let Some(name) = needed.iter().find(|name| !tera.contains_template(name)) {
            return Err(RenderError::MissingTemplate { name });
        }
        Ok(Self { tera })
    }

    /// True if there is a template of that name.
    pub(super) fn has(&self, template: &str) -> bool {
        self.tera.contains_template(template)
    }

    /// One page.
    ///
    /// # Errors
    /// A template that uses what its page does not have.
    #[cfg(test)]
    pub(super) fn render(&self, template: &str, view: &impl Serialize) -> Result<String, RenderError> {
        self.text(template, &Sheet::of(template, view)?)
    }

    /// One page of a view that is laid out.
    ///
    /// # Errors
    /// A template that uses what its page does not have.
    pub(super) fn text(&self, template: &str, sheet: &Sheet) -> Result<String, RenderError> {
        let failed = |source| RenderError::Template { name: template.to_owned(), source };
        self.tera.render(template, &sheet.0).map_err(failed)
    }

    /// What every page knows, laid out once.
    pub(super) fn share(&mut self, name: &'static str, value: &impl Serialize) {
        self.tera.global_context().insert(name, value);
    }
}

/// A view laid out for templates; more can be put beside it, and several templates can use it.
pub(super) struct Sheet(Context);

impl Sheet {
    /// Lays out a view.
    ///
    /// # Errors
    /// A view that is no struct.
    pub(super) fn of(template: &str, view: &impl Serialize) -> Result<Self, RenderError> {
        let failed = |source| RenderError::Template { name: template.to_owned(), source };
        Context::from_serialize(view).map(Self).map_err(failed)
    }

    /// Puts a value beside the view.
    pub(super) fn set(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) {
        self.0.insert(name, value);
    }
}

/// JSON text as it may stand inside a `script` element: nothing in it can end the element or begin another.
///
/// In JSON these characters occur only inside strings, where an escape means the same.
/// Source: threat table row 18 (research/scale.md section 3).
fn json_script(json: &str, _: Kwargs, _: &State<'_>) -> Value {
    Value::safe_string(&escape_json(json))
}

pub(super) fn escape_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 8);
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Text between two tags: only what could begin markup there is escaped. Quotes stay, which policies and schemas are full of; not for
/// attributes.
fn in_text(text: &str, _: Kwargs, _: &State<'_>) -> Value {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    Value::safe_string(&out)
}

/// `12345` as `12,345`.
fn number(value: u64, _: Kwargs, _: &State<'_>) -> TeraResult<String> {
    let digits = value.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_a_script_element_reads_back_and_cannot_end_it() {
        let value = serde_json::json!({"a": "</script><!-- \u{2028}&"});
        let text = escape_json(&value.to_string());
        assert!(!text.contains('<') && !text.contains('&') && !text.contains('\u{2028}'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn text_between_tags_keeps_its_quotes_and_nothing_else() {
        let files = [("a.html".to_owned(), b"{{ x | in_text }}".to_vec())].into();
        let engine = Engine::new(&files, &[]).unwrap();
        let view = serde_json::json!({"x": "\"a\" 'b' </code><i>&amp;"});
        let text = engine.render("a.html", &view).unwrap();
        assert_eq!(text, "\"a\" 'b' &lt;/code&gt;&lt;i&gt;&amp;amp;");
    }

    #[test]
    fn included_text_is_escaped_where_it_is_included() {
        let files = [
            ("a.txt", "{{ x }}"),
            ("a.html", "{% include \"a.txt\" %}{% set y %}{% include \"a.txt\" %}{% endset %}{{ y }}"),
            ("a.xml", "{{ x }}"),
        ];
        let files = files.map(|(n, t)| (n.to_owned(), t.as_bytes().to_vec())).into();
        let engine = Engine::new(&files, &[]).unwrap();
        let view = serde_json::json!({"x": "<b>"});
        assert_eq!(engine.render("a.html", &view).unwrap(), "&lt;b&gt;&lt;b&gt;");
        assert_eq!(engine.render("a.xml", &view).unwrap(), "&lt;b&gt;");
        assert_eq!(engine.render("a.txt", &view).unwrap(), "<b>");
    }

    #[test]
    fn thousands_are_set_apart() {
        let files = [("n.txt".to_owned(), b"{{ n | number }}".to_vec())].into();
        let engine = Engine::new(&files, &[]).unwrap();
        for (n, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567")] {
            let view: BTreeMap<&str, u64> = [("n", n)].into();
            assert_eq!(engine.render("n.txt", &view).unwrap(), text);
        }
    }
}
