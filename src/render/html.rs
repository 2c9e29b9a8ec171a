//! The template engine: every template loaded once, escaping always on, and the few filters that templates use.
//!
//! Tera says how a template reads; pages are printed from plates (see `plate`), which read the same templates.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, TeraResult, Value};

use super::RenderError;
use super::plate::{self, Odd, Plates, Special};
use super::squeeze::squeezed;

/// The loaded templates.
pub(super) struct Engine {
    tera: Tera,
    plates: Plates,
    /// Templates that plates could not print, each with why.
    left: Mutex<BTreeSet<String>>,
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
                let text =
                    if name.ends_with(".html") { squeezed(name, text).into() } else { Cow::Borrowed(text) };
                sources.push((name.as_str(), text));
            }
        }
        let sources = || sources.iter().map(|(name, text)| (*name, text.as_ref()));
        let (plates, read) = rayon::join(|| Plates::new(sources()), || tera.add_raw_templates(sources()));
        read.map_err(|source| RenderError::Templates { source })?;
        if let Some(name) = needed.iter().find(|name| !tera.contains_template(name)) {
            return Err(RenderError::MissingTemplate { name });
        }
        Ok(Self { tera, plates, left: Mutex::default() })
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
        match self.plates.print(template, &sheet.0) {
            Ok(text) => Ok(text),
            Err(odd) => {
                let text = self.by_tera(template, sheet)?;
                self.left
                    .lock()
                    .expect("no thread panics while it notes this")
                    .insert(format!("{template}: {odd}"));
                Ok(text)
            }
        }
    }

    /// The same page by Tera itself.
    ///
    /// # Errors
    /// As [`Engine::text`].
    pub(super) fn by_tera(&self, template: &str, sheet: &Sheet) -> Result<String, RenderError> {
        let failed = |source| RenderError::Template { name: template.to_owned(), source };
        let mut context = Context::new();
        for (name, value) in sheet.0.fields() {
            match value.markup() {
                Some(markup) => context.insert_value(name.to_owned(), Value::safe_string(markup)),
                None => context.insert(name.to_owned(), &value),
            }
        }
        self.tera.render(template, &context).map_err(failed)
    }

    /// What every page knows, laid out once.
    pub(super) fn share(&mut self, name: &'static str, value: &impl Serialize) {
        self.tera.global_context().insert(name, value);
        if let Err(odd) = self.plates.share(name, value) {
            self.left.lock().expect("no other thread is there yet").insert(format!("{name}: {odd}"));
        }
    }

    /// Templates of which a page had to be left to Tera, each with why.
    pub(super) fn left_to_tera(&self) -> Vec<String> {
        self.left.lock().expect("no thread panics while it notes this").iter().cloned().collect()
    }
}

/// Markup that a template of ours has printed, with everything foreign in it escaped. Nothing else becomes markup again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Markup(String);

impl Markup {
    /// What a template printed that escapes, or pieces of it put together again.
    pub(super) fn printed(text: String) -> Self {
        Self(text)
    }

    /// The same as a text of its own.
    pub(super) fn into_string(self) -> String {
        self.0
    }

    /// The markup.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A view laid out for templates; more can be put beside it, and several templates can use it.
pub(super) struct Sheet(plate::Sheet);

impl Sheet {
    /// Lays out a view.
    ///
    /// # Errors
    /// A view that is no struct.
    pub(super) fn of(template: &str, view: &impl Serialize) -> Result<Self, RenderError> {
        plate::Sheet::lay(view).map(Self).map_err(|odd| cannot(template, odd))
    }

    /// Puts a value beside the view.
    ///
    /// # Errors
    /// A value that no template can show.
    pub(super) fn set(
        &mut self,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), RenderError> {
        self.0.put(name, value).map_err(|odd| cannot(name, odd))
    }
}

impl Sheet {
    /// Puts markup beside the view, which is not escaped again.
    ///
    /// # Errors
    /// More than a sheet holds.
    pub(super) fn set_markup(&mut self, name: &'static str, markup: &Markup) -> Result<(), RenderError> {
        self.0.put_markup(name, markup.as_str()).map_err(|odd| cannot(name, odd))
    }

    /// The same with markup that is written where it will lie.
    ///
    /// # Errors
    /// What `write` ends with, and more than a sheet holds.
    pub(super) fn write_markup(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut String) -> Result<(), RenderError>,
    ) -> Result<(), RenderError> {
        self.0.write_markup(name, write, |odd| cannot(name, odd))
    }

    /// The same with a text, which templates escape.
    ///
    /// # Errors
    /// More than a sheet holds.
    pub(super) fn write_text(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut String),
    ) -> Result<(), RenderError> {
        self.0.write_text(name, write).map_err(|odd| cannot(name, odd))
    }
}

fn cannot(name: &str, odd: Odd) -> RenderError {
    RenderError::Template { name: name.to_owned(), source: tera::Error::message(odd) }
}

/// JSON text as it may stand inside a `script` element: nothing in it can end the element or begin another.
///
/// In JSON these characters occur only inside strings, where an escape means the same.
/// Source: threat table row 18 (research/scale.md section 3).
fn json_script(json: &str, _: Kwargs, _: &State<'_>) -> Value {
    Value::safe_string(&escape_json(json))
}

/// Text for any place of a page, attributes among them.
pub(super) fn escape(text: &str, out: &mut String) {
    plate::escape_html(text, out);
}

pub(super) fn escape_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + json.len() / 8);
    escape_json_into(json, &mut out);
    out
}

pub(super) fn escape_json_into(json: &str, out: &mut String) {
    let mut rest = json;
    while let Some(at) = Special::Json.first(rest.as_bytes()) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let mut after = after.chars();
        match after.next() {
            Some('<') => out.push_str("\\u003c"),
            Some('>') => out.push_str("\\u003e"),
            Some('&') => out.push_str("\\u0026"),
            Some('\u{2028}') => out.push_str("\\u2028"),
            Some('\u{2029}') => out.push_str("\\u2029"),
            // Another character that begins with their byte.
            other => out.extend(other),
        }
        rest = after.as_str();
    }
    out.push_str(rest);
}

/// Text between two tags: only what could begin markup there is escaped. Quotes stay, which policies and schemas are full of; not for
/// attributes.
fn in_text(text: &str, _: Kwargs, _: &State<'_>) -> Value {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    escape_in_text(text, &mut out);
    Value::safe_string(&out)
}

pub(super) fn escape_in_text(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = Special::Text.first(rest.as_bytes()) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let mut after = after.chars();
        out.push_str(match after.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            _ => "&gt;",
        });
        rest = after.as_str();
    }
    out.push_str(rest);
}

/// `12345` as `12,345`.
fn number(value: u64, _: Kwargs, _: &State<'_>) -> TeraResult<String> {
    Ok(thousands(value))
}

pub(super) fn thousands(value: u64) -> String {
    let mut out = String::new();
    push_thousands(value, &mut out);
    out
}

pub(super) fn push_thousands(value: u64, out: &mut String) {
    push_number::<true>(value, out);
}

/// `12345` as it is.
pub(super) fn push_digits(value: u64, out: &mut String) {
    push_number::<false>(value, out);
}

fn push_number<const SET_APART: bool>(value: u64, out: &mut String) {
    // As many digits and commas as the largest number has.
    let mut text = [0u8; 26];
    let (mut from, mut rest, mut digits) = (text.len(), value, 0);
    loop {
        if SET_APART && digits > 0 && digits % 3 == 0 {
            from -= 1;
            text[from] = b',';
        }
        from -= 1;
        text[from] = b'0' + (rest % 10) as u8;
        (rest, digits) = (rest / 10, digits + 1);
        if rest == 0 {
            break;
        }
    }
    out.push_str(text.get(from..).and_then(|digits| std::str::from_utf8(digits).ok()).unwrap_or_default());
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

    #[derive(Serialize)]
    struct Row {
        name: &'static str,
        list: Vec<i32>,
    }

    /// A value of each kind. Numbers of serde_json are no numbers here: it keeps them as they are written.
    #[derive(Serialize)]
    struct Everything {
        x: &'static str,
        n: u64,
        below: BTreeMap<&'static str, &'static str>,
        f: f64,
        yes: bool,
        nothing: Option<&'static str>,
        list: Vec<&'static str>,
        empty: Vec<&'static str>,
        one: usize,
        json: &'static str,
        big: u64,
        rows: Vec<Row>,
    }

    /// Every construct that plates know, and some that only look like it, both ways.
    #[test]
    fn a_plate_prints_what_tera_prints() {
        let base = "<t>{% block a %}base {{ x }}{% endblock a %}</t>\n{%- block b %}{% block c %}c{% endblock c %}{% endblock b %}\n";
        let cases = [
            "{% extends \"base.html\" %}{% block a %}own {{ x }}{% endblock a %}\n{% block c %}mine{% endblock c %}",
            "{{ x }} {{ n }} {{ below.y }} {{ f }} {{ yes }} {{ nothing }}|",
            "a\n  {%- if n > 2 and x %} yes {%- elif n == 1 or below.y %}one{% else %} no {%- endif -%}\n  b",
            "{% for i in list %}{% if loop.first %}[{% endif %}{{ loop.index }}:{{ i }}{% if not loop.last %}, {% else %}]{% endif %}{% else %}none{% endfor %}",
            "{% for i in empty %}x{% else %}none {{ n | number }}{% endfor %}",
            "{% set y = x %}{{ y }}{% set n = below.y ~ \"&\" ~ n %}{{ n }}{% for i in list %}{% set y = i %}{{ y }}{% endfor %}{{ y }}",
            "{% set caught %}<b>{{ x }}</b>{% endset %}{{ caught }}{{ caught | lower }}{% include \"part.txt\" %}{{ k }}",
            "{{ list | length }} {{ list | length + 1 }} {{ x | length }} {{ list | length | pluralize }} {{ one | pluralize(singular=\"is\", plural=\"are\") }}",
            "{{ x | upper }} {{ x | replace(from=\"<\", to=\"(\") }} {{ json | json_script }} {{ x | safe }} {{ big | number }}",
            "{{ <chip text={below.y} more={list} /> }}{{ <chip text=\"<\" more={empty} size={n + 1} /> }}",
            "{% if below.y == \"why\" and not empty %}1{% endif %}{% if nothing == x %}2{% endif %}{% if missing %}3{% endif %}{% if n != 12 %}4{% endif %}",
            "{# a {{ x }} #}{%- if x in [\"a\", \"<b>'\\\"&\"] %}in{% endif -%}  end {{ 1 if n else 2 }}",
            "{% if nothing is defined %}d{% endif %}{% if missing is defined %}d{% else %}u{% endif %}{{ n - 20 }}",
            "{% if x is starting_with(pat=\"<b\") %}{{ n * 3 + 1 }}{% elif x is not starting_with(pat=\"<b\") %}{{ one }}{% endif %}",
            "{% if \"<b\" in x %}1{% endif %}{% if x in \"<b>\" %}2{% endif %}{% if \"b\" in list %}3{% endif %}{% if not (\"<b\" in list) %}4{% endif %}",
            "{% if one in rows[0].list %}1{% endif %}{% if n in rows[0].list %}2{% endif %}{% if x in empty %}3{% endif %}{% if n in x %}4{% endif %}",
            "{% set y = \"<\" ~ \"b\" %}{% if y in x %}1{% endif %}{% if \"w\" in below.y and \"\" in x %}2{% endif %}{% if nothing in list %}3{% endif %}",
            "{{ x | in_text }}{{ rows[0].name }}{{ list[1] }}{% if rows[1].list %}y{% endif %}{{ rows[0].list[1] + 1 }}",
            "{% for row in rows %}{{ row.name }}{% for i in row.list %}{{ i }}{{ loop.last }}{% endfor %}{{ loop.last }}{% endfor %}",
        ];
        let below = BTreeMap::from([("y", "why")]);
        let rows = vec![Row { name: "r", list: vec![1, 2] }, Row { name: "s", list: vec![] }];
        let view = Everything {
            x: "<b>'\"&",
            n: 12,
            below,
            f: 2.5,
            yes: true,
            nothing: None,
            list: vec!["a<", "b"],
            empty: vec![],
            one: 1,
            json: r#"{"a":"</script>"}"#,
            big: 1_234_567,
            rows,
        };
        let part = "({{ x }}{% set k = \"inner\" %}{{ k }}{% for i in list %}{{ i }}{% endfor %})\n";
        let chip = "{% component chip(text, more, size=3) -%}\n<i>{{ text }}{{ size }}{% for m in more %}{{ m }}{% endfor %}</i>\n{%- endcomponent chip %}";
        for (i, case) in cases.iter().enumerate() {
            let mut files = BTreeMap::new();
            let all = [
                ("base.html", base),
                ("part.txt", part),
                ("chip.html", chip),
                ("case.html", *case),
                ("case.txt", *case),
            ];
            for (name, text) in all {
                files.insert(name.to_owned(), text.as_bytes().to_vec());
            }
            let mut engine = Engine::new(&files, &[]).unwrap();
            engine.share("k", &"shared");
            for name in ["case.html", "case.txt"] {
                let sheet = Sheet::of(name, &view).unwrap();
                let by_tera = engine.by_tera(name, &sheet).unwrap();
                assert_eq!(engine.text(name, &sheet).unwrap(), by_tera, "{case}");
            }
            // An escaped quotation mark in a template is Tera's.
            assert_eq!(engine.left_to_tera().is_empty(), i != 11, "{case}: {:?}", engine.left_to_tera());
        }
    }

    #[test]
    fn what_pages_of_one_depth_have_in_common_is_put_in_as_tera_prints_it() {
        let cases = [
            "<a href=\"{{ root }}x\">{{ site.name }}</a>{{ own }}{% if site.private %}p{% elif site.name %}n{% endif %}!",
            "{% if own and site.name %}a{% endif %}{% if site.private or not root %}b{% else %}c{% endif %}{{ root | length }}",
            "{% for site in list %}{{ site }}{{ root }}{% endfor %}{% if site.name == \"<n>\" %}{{ own }}{% endif %}",
            "{% set root = own %}{{ root }}{{ site.name | lower }}",
            "{% for i in list %}{% if site.private %}{{ i }}{% else %}{{ root }}{{ loop.index }}{% endif %}{% endfor %}",
            "{% if site.private %}{% set own = 1 %}{% endif %}{{ own }}{{ root }}",
        ];
        #[derive(Serialize)]
        struct Site {
            name: &'static str,
            private: bool,
        }
        for (case, private) in cases.iter().flat_map(|case| [(case, false), (case, true)]) {
            let files = [("a.html".to_owned(), case.as_bytes().to_vec())].into();
            let mut engine = Engine::new(&files, &[]).unwrap();
            engine.share("site", &Site { name: "<N>", private });
            for root in ["", "../", "../../", "../", "/no/way/up/", "..", ""] {
                let view = serde_json::json!({"own": "<own>", "list": ["a", "<b>"]});
                let mut sheet = Sheet::of("a.html", &view).unwrap();
                sheet.set_markup("root", &Markup::printed(root.to_owned())).unwrap();
                let by_tera = engine.by_tera("a.html", &sheet).unwrap();
                assert_eq!(engine.text("a.html", &sheet).unwrap(), by_tera, "{case} {root}");
            }
            // A view's own `site` is what is meant.
            let view =
                serde_json::json!({"own": "", "list": [], "site": {"name": "other", "private": !private}});
            let mut sheet = Sheet::of("a.html", &view).unwrap();
            sheet.set_markup("root", &Markup::printed("../".to_owned())).unwrap();
            let by_tera = engine.by_tera("a.html", &sheet).unwrap();
            assert_eq!(engine.text("a.html", &sheet).unwrap(), by_tera, "{case}");
            assert_eq!(engine.left_to_tera(), Vec::<String>::new(), "{case}");
        }
    }

    #[test]
    fn only_what_was_printed_is_markup() {
        let files =
            [("a.html".to_owned(), b"{{ x }}{{ y }}{% if y %}{{ y | length }}{% endif %}".to_vec())].into();
        let engine = Engine::new(&files, &[]).unwrap();
        let mut sheet = Sheet::of("a.html", &serde_json::json!({"x": "<b>"})).unwrap();
        sheet.set_markup("y", &Markup::printed("<i>".to_owned())).unwrap();
        let text = engine.text("a.html", &sheet).unwrap();
        assert_eq!(text, "&lt;b&gt;<i>3");
        assert_eq!(text, engine.by_tera("a.html", &sheet).unwrap());
        assert_eq!(engine.left_to_tera(), Vec::<String>::new());
    }

    #[test]
    fn what_a_page_does_not_have_is_an_error_and_not_left_out() {
        for text in ["{{ missing }}", "{{ x.y }}", "{{ missing.y }}", "{% for i in x %}{% endfor %}"] {
            let files = [("a.html".to_owned(), text.as_bytes().to_vec())].into();
            let engine = Engine::new(&files, &[]).unwrap();
            let sheet = Sheet::of("a.html", &serde_json::json!({"x": {"z": 1}})).unwrap();
            assert!(engine.plates.print("a.html", &sheet.0).is_err(), "{text}");
        }
    }
}
