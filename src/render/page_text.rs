//! Reads a page of ours as strictly as we write it: every element closed where it should be, every attribute quoted, nothing
//! inline that the page's own policy forbids, structured data that reads.
//!
//! It is stricter than a browser and knows less: whatever it lets through, the tests' HTML5 parser takes without an error.

use std::collections::BTreeSet;

/// Elements without content.
const VOID: [&str; 10] = ["area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source"];

/// What there is to check on a page.
#[derive(Debug, Default)]
pub(super) struct PageText {
    pub(super) title: String,
    pub(super) links: Vec<String>,
    pub(super) ids: BTreeSet<String>,
    /// What is wrong with it: what, and why.
    pub(super) faults: Vec<(String, &'static str)>,
}

/// Reads a page.
pub(super) fn read_page(text: &str) -> PageText {
    let mut reader =
        Reader { page: PageText::default(), open: Vec::new(), headings: 0, titles: 0, rest: text };
    if !text.starts_with("<!DOCTYPE html>") {
        reader.fault("", "does not begin with <!DOCTYPE html>");
    }
    while reader.step() {}
    while let Some(name) = reader.open.pop() {
        reader.fault(name, "is not closed");
    }
    if reader.titles != 1 || reader.page.title.trim().is_empty() {
        reader.fault("title", "there must be one, and it must say something");
    }
    if reader.headings != 1 {
        reader.fault("h1", "there must be exactly one");
    }
    reader.page
}

struct Reader<'a> {
    page: PageText,
    open: Vec<&'a str>,
    headings: usize,
    titles: usize,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn fault(&mut self, what: &str, why: &'static str) {
        self.page.faults.push((what.chars().take(120).collect(), why));
    }

    fn step(&mut self) -> bool {
        let Some((text, after)) = self.rest.split_once('<') else {
            self.entities(self.rest);
            return false;
        };
        self.entities(text);
        if self.open.last() == Some(&"title") && !self.open.contains(&"svg") {
            self.page.title = unescape(text);
        }
        if let Some(comment) = after.strip_prefix("!--") {
            self.rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
            return true;
        }
        let Some((tag, rest)) = split_tag(after) else {
            self.fault(after, "a tag does not end");
            return false;
        };
        self.rest = rest;
        if let Some(name) = tag.strip_prefix('/') {
            match self.open.pop() {
                Some(open) if open == name => {}
                _ => self.fault(name, "is closed where another element is open"),
            }
        } else if !tag.starts_with('!') {
            self.element(tag);
        }
        true
    }

    fn element(&mut self, tag: &'a str) {
        let (tag, closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let name = tag.split_ascii_whitespace().next().unwrap_or_default();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return self.fault(tag, "is no tag: a < of the text is not escaped");
        }
        match name {
            "h1" => self.headings += 1,
            "title" if !self.open.contains(&"svg") => self.titles += 1,
            "style" => self.fault(name, "inline styles are against the page's own policy"),
            _ => {}
        }
        let attributes = self.attributes(tag, name);
        let has = |wanted: &str| attributes.iter().any(|(name, _)| *name == wanted);
        let value = |wanted: &str| attributes.iter().find(|(n, _)| *n == wanted).map(|(_, v)| v.as_str());
        if name == "img" && !has("alt") {
            self.fault(tag, "an image without alt");
        }
        if name == "html" && !has("lang") {
            self.fault(tag, "the page's language is not stated");
        }
        if name == "script" {
            let data = value("type") == Some("application/ld+json");
            return self.script(data, has("src"));
        }
        // Only elements of SVG can be closed as they begin.
        let closed = closed && (name == "svg" || self.open.contains(&"svg"));
        if !VOID.contains(&name) && !closed {
            self.open.push(name);
        }
    }

    /// What stands in a script is no HTML.
    fn script(&mut self, is_data: bool, has_source: bool) {
        let Some((text, rest)) = self.rest.split_once("</script>") else {
            self.rest = "";
            return self.fault("script", "is not closed");
        };
        self.rest = rest;
        if is_data {
            if let Err(why) = structured(text) {
                self.fault(text, why);
            }
        } else if !has_source || !text.trim().is_empty() {
            self.fault("script", "inline scripts are against the page's own policy");
        }
    }

    fn attributes(&mut self, tag: &'a str, element: &str) -> Vec<(&'a str, String)> {
        let mut found: Vec<(&str, String)> = Vec::new();
        let mut rest = tag.split_once(|c: char| c.is_ascii_whitespace()).map_or("", |(_, rest)| rest).trim();
        let canonical = tag.contains("rel=\"canonical\"") || element == "base";
        while !rest.is_empty() {
            let end = rest.find(|c: char| c == '=' || c.is_ascii_whitespace()).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let (value, after) = match after.strip_prefix("=\"") {
                Some(quoted) => match quoted.split_once('"') {
                    Some((value, after)) => (value, after),
                    None => return found,
                },
                None if after.starts_with('=') => {
                    self.fault(tag, "an attribute is not quoted");
                    return found;
                }
                None => ("", after),
            };
            rest = after.trim_start();
            self.entities(value);
            let value = unescape(value);
            if found.iter().any(|(known, _)| *known == name) {
                self.fault(name, "an attribute comes twice");
            }
            match name {
                "id" if !self.page.ids.insert(value.clone()) => self.fault(&value, "this id comes twice"),
                "id" if value.is_empty() || value.contains(char::is_whitespace) => {
                    self.fault(&value, "an id must be one word");
                }
                "style" => self.fault(name, "inline styles are against the page's own policy"),
                "href" | "src" | "action" if !canonical => self.page.links.push(value.clone()),
                _ if name.starts_with("on") => {
                    self.fault(name, "inline scripts are against the page's own policy")
                }
                _ => {}
            }
            found.push((name, value));
        }
        found
    }

    /// An ampersand begins an entity that we use, or it is not escaped.
    fn entities(&mut self, text: &str) {
        for after in text.split('&').skip(1) {
            let known = ["amp;", "lt;", "gt;", "quot;", "#39;", "#x27;", "#x2F;", "#"];
            if !known.iter().any(|entity| after.starts_with(entity)) {
                return self.fault(after, "an ampersand is not escaped");
            }
        }
    }
}

/// A tag up to its end: an attribute's value may hold `>`.
pub(super) fn split_tag(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let end = text.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '>' && !quoted
    });
    let (at, _) = end?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What schema.org asks of the kinds we use. Source: schema.org, FAQPage and BreadcrumbList, and its `@context`.
fn structured(text: &str) -> Result<(), &'static str> {
    let data: serde_json::Value = serde_json::from_str(text).map_err(|_| "structured data is not JSON")?;
    let objects = data.as_array().map_or(std::slice::from_ref(&data), Vec::as_slice);
    for object in objects {
        if object.get("@context").and_then(|c| c.as_str()) != Some("https://schema.org") {
            return Err("structured data without the context https://schema.org");
        }
        let list = |name: &str| object.get(name).and_then(|l| l.as_array()).filter(|l| !l.is_empty());
        match object.get("@type").and_then(|t| t.as_str()) {
            Some("FAQPage") => {
                let questions = list("mainEntity").ok_or("an FAQPage without questions")?;
                let whole = |q: &serde_json::Value| {
                    let text =
                        |path: &str| q.pointer(path).and_then(|t| t.as_str()).is_some_and(|t| !t.is_empty());
                    text("/name") && text("/acceptedAnswer/text")
                };
                if !questions.iter().all(whole) {
                    return Err("a question without text or answer");
                }
            }
            Some("BreadcrumbList") => {
                list("itemListElement").ok_or("a BreadcrumbList without entries")?;
            }
            Some(_) if object.get("name").is_some() => {}
            Some(_) => return Err("structured data without a name"),
            None => return Err("structured data without a type"),
        }
    }
    Ok(())
}

fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let pairs =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(body: &str) -> Vec<&'static str> {
        let text = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><title>x &amp; y</title></head><body><h1>x</h1>{body}</body></html>"
        );
        read_page(&text).faults.into_iter().map(|(_, why)| why).collect()
    }

    #[test]
    fn a_page_as_we_write_it_has_no_faults() {
        let body = r#"<p>1 &lt; 2 &amp;&quot;<br><img src="a.svg" alt="a > b"><button hidden>x</button></p>
            <svg><title>t</title><path d="M0"/></svg><script src="a.js" defer></script>
            <script type="application/ld+json">{"@context":"https://schema.org","@type":"FAQPage","mainEntity":[
            {"@type":"Question","name":"a?","acceptedAnswer":{"@type":"Answer","text":"b \u003c"}}]}</script>"#;
        assert_eq!(faults(body), Vec::<&str>::new());
    }

    #[test]
    fn each_fault_is_found() {
        for (body, why) in [
            ("<p><b></p></b>", "is closed where another element is open"),
            ("<div>", "is closed where another element is open"),
            ("<h1>y</h1>", "there must be exactly one"),
            ("<p>a & b</p>", "an ampersand is not escaped"),
            ("<p>a <= b></p>", "is no tag: a < of the text is not escaped"),
            ("<p class=x></p>", "an attribute is not quoted"),
            ("<p id=\"a\"></p><p id=\"a\"></p>", "this id comes twice"),
            ("<p style=\"x\"></p>", "inline styles are against the page's own policy"),
            ("<p onclick=\"x\"></p>", "inline scripts are against the page's own policy"),
            ("<script>x</script>", "inline scripts are against the page's own policy"),
            ("<img src=\"a\">", "an image without alt"),
            ("<script type=\"application/ld+json\">{</script>", "structured data is not JSON"),
            (
                "<script type=\"application/ld+json\">{\"@context\":\"https://schema.org\",\"@type\":\"FAQPage\"}</script>",
                "an FAQPage without questions",
            ),
        ] {
            assert!(faults(body).contains(&why), "{body}: {:?}", faults(body));
        }
    }
}
