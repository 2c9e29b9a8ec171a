//! Pages of ours, tag by tag. `page_text` holds every page to what is relied upon here: `<` and `>` of texts are escaped, elements are closed,
//! values stand in double quotes.

use super::super::page_text::split_tag;

/// A tag that opens an element, as it stands there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag<'a> {
    /// From `<` to `>`.
    pub(super) raw: &'a str,
    pub(super) name: &'a str,
}

/// An attribute of a tag.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    /// Where its value begins in the tag.
    at: usize,
}

/// A page in pieces, which are the whole page when they are put together.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece<'a> {
    Open(Tag<'a>),
    Close(&'a str),
    /// Text, and what is no element.
    Text(&'a str),
}

/// Takes a page apart.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    let mut in_script = false;
    std::iter::from_fn(move || {
        let (piece, after) = step(rest, in_script)?;
        in_script = matches!(piece, Piece::Open(Tag { name: "script", .. }));
        rest = after;
        Some(piece)
    })
}

/// The tags that open elements.
pub(super) fn tags(text: &str) -> impl Iterator<Item = Tag<'_>> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Open(tag) => Some(tag),
        _ => None,
    })
}

fn step(rest: &str, in_script: bool) -> Option<(Piece<'_>, &str)> {
    if rest.is_empty() {
        return None;
    }
    let text = |end: usize| rest.split_at_checked(end).map(|(text, after)| (Piece::Text(text), after));
    if in_script {
        // Nothing, where a script comes from a file.
        return text(rest.find("</script>").unwrap_or(rest.len()));
    }
    let Some(inner) = rest.strip_prefix('<') else { return text(rest.find('<').unwrap_or(rest.len())) };
    let Some((tag, after)) = split_tag(inner) else { return text(rest.len()) };
    let raw = rest.get(..rest.len() - after.len())?;
    if tag.starts_with('!') {
        return Some((Piece::Text(raw), after));
    }
    if tag.starts_with('/') {
        return Some((Piece::Close(raw), after));
    }
    let end = tag.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(tag.len());
    Some((Piece::Open(Tag { raw, name: tag.get(..end)? }), after))
}

impl<'a> Tag<'a> {
    /// Its attributes that have a value.
    pub(super) fn attributes(self) -> impl Iterator<Item = Attribute<'a>> {
        let mut at = 1 + self.name.len();
        std::iter::from_fn(move || {
            let rest = self.raw.get(at..)?;
            let equals = rest.find("=\"")?;
            let name = rest.get(..equals)?.rsplit(|c: char| c.is_ascii_whitespace()).next()?;
            let begin = at + equals + 2;
            let value = self.raw.get(begin..)?.split('"').next()?;
            at = begin + value.len() + 1;
            Some(Attribute { name, value, at: begin })
        })
    }

    /// The value of an attribute.
    pub(super) fn value(self, name: &str) -> Option<&'a str> {
        self.attributes().find(|attribute| attribute.name == name).map(|attribute| attribute.value)
    }

    /// True for an element of that name that has an attribute of that value.
    pub(super) fn is(self, name: &str, attribute: &str, value: &str) -> bool {
        self.name == name && self.value(attribute) == Some(value)
    }

    /// Appends the tag with other values in the places of those for which there is another one.
    pub(super) fn put_with(self, out: &mut String, other: impl Fn(Attribute<'a>) -> Option<String>) {
        let mut done = 0;
        for attribute in self.attributes() {
            let Some(value) = other(attribute) else { continue };
            out.push_str(self.raw.get(done..attribute.at).unwrap_or_default());
            out.push_str(&value);
            done = attribute.at + attribute.value.len();
        }
        out.push_str(self.raw.get(done..).unwrap_or_default());
    }
}

/// A part of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) before: &'a str,
    /// The tag that opens it.
    pub(super) tag: &'a str,
    pub(super) inner: &'a str,
    pub(super) after: &'a str,
}

/// The first element that has an attribute of that value.
pub(super) fn element<'a>(text: &'a str, name: &str, attribute: &str, value: &str) -> Option<Element<'a>> {
    element_that(text, |tag| tag.is(name, attribute, value))
}

/// The first element whose tag is like that.
pub(super) fn element_that<'a>(text: &'a str, is: impl Fn(Tag<'a>) -> bool) -> Option<Element<'a>> {
    let (mut at, mut depth) = (0, 0_usize);
    let mut found: Option<(usize, Tag<'a>)> = None;
    for piece in pieces(text) {
        let begin = at;
        let raw = match piece {
            Piece::Open(tag) => tag.raw,
            Piece::Close(raw) | Piece::Text(raw) => raw,
        };
        at += raw.len();
        match (piece, found) {
            (Piece::Open(tag), None) if is(tag) => found = Some((begin, tag)),
            (Piece::Open(tag), Some((_, first))) if tag.name == first.name => depth += 1,
            (Piece::Close(raw), Some((from, first))) if raw.get(2..raw.len() - 1) == Some(first.name) => {
                if depth == 0 {
                    return Some(Element {
                        before: text.get(..from)?,
                        tag: first.raw,
                        inner: text.get(from + first.raw.len()..begin)?,
                        after: text.get(at..)?,
                    });
                }
                depth -= 1;
            }
            _ => {}
        }
    }
    None
}

/// What stands between two texts, of which the first begins where it is found first.
pub(super) fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    Some(rest.split_once(to)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<!DOCTYPE html>\n<p class=\"a > b\" hidden id=\"x\">1 <br>2</p><script src=\"y\"></script><script type=\"z\">{\"a\":\"b\"}</script><svg><rect x=\"1\"/></svg>";

    #[test]
    fn the_pieces_are_the_whole_page() {
        let raw = pieces(PAGE).map(|piece| match piece {
            Piece::Open(tag) => tag.raw,
            Piece::Close(raw) | Piece::Text(raw) => raw,
        });
        assert_eq!(raw.collect::<String>(), PAGE);
        let names: Vec<&str> = tags(PAGE).map(|tag| tag.name).collect();
        assert_eq!(names, ["p", "br", "script", "script", "svg", "rect"]);
    }

    #[test]
    fn values_are_changed_where_they_stand() {
        let mut out = String::new();
        let tag = tags(PAGE).next().unwrap();
        tag.put_with(&mut out, |attribute| {
            (attribute.name == "id").then(|| format!("t.{}", attribute.value))
        });
        assert_eq!(out, "<p class=\"a > b\" hidden id=\"t.x\">");
        assert_eq!(tag.value("class"), Some("a > b"));
        assert!(tag.is("p", "id", "x") && !tag.is("p", "id", "y"));
    }

    #[test]
    fn an_element_ends_where_it_is_closed() {
        let text = "a<ul id=\"l\"><li><ul><li>1</li></ul></li></ul>b";
        let found = element(text, "ul", "id", "l").unwrap();
        assert_eq!(found.inner, "<li><ul><li>1</li></ul></li>");
        assert_eq!((found.before, found.after), ("a", "b"));
        assert_eq!(found.tag, "<ul id=\"l\">");
        assert!(element(text, "ul", "id", "m").is_none());
        assert!(element("<p id=\"x\">", "p", "id", "x").is_none());
    }
}
