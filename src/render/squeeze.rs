//! The white space that templates have for whoever reads them, and pages need not have: line ends beside elements that stand on lines of
//! their own anyway. It is a fortieth of a tool's page.

/// Elements before and behind which a browser shows no white space, in our stylesheet either.
const ON_LINES: [&str; 41] = [
    "article",
    "aside",
    "blockquote",
    "body",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "head",
    "header",
    "hr",
    "legend",
    "li",
    "link",
    "main",
    "meta",
    "nav",
    "ol",
    "p",
    "pre",
    "script",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
];

/// A template without them. Text between `<pre` and `</pre>` stays as it is. The last line end of a part is as good as the one behind the
/// tag that includes it.
pub(super) fn squeezed(name: &str, template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = if name.starts_with("parts/") { template.trim_end_matches('\n') } else { template };
    while let Some(at) = rest.find('\n') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let next = after.trim_start();
        // Spaces at a line's end do not occur in our templates.
        if !in_pre(&out) && (begins_with_element(next) || (ends_with_element(&out) && !next.is_empty())) {
            rest = next;
        } else {
            out.push('\n');
            rest = after.strip_prefix('\n').unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

fn in_pre(text: &str) -> bool {
    text.rfind("<pre").is_some_and(|begun| text.rfind("</pre>").is_none_or(|ended| ended < begun))
}

fn begins_with_element(text: &str) -> bool {
    let Some(tag) = text.strip_prefix('<') else { return false };
    is_on_lines(tag.strip_prefix('/').unwrap_or(tag))
}

fn ends_with_element(text: &str) -> bool {
    let Some(tag) = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) else { return false };
    is_on_lines(tag.1.strip_prefix('/').unwrap_or(tag.1))
}

/// True if that text behind a `<` begins with the name of such an element.
fn is_on_lines(tag: &str) -> bool {
    let end = tag.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(tag.len());
    tag.get(..end).is_some_and(|name| ON_LINES.contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_beside_blocks_go_and_those_between_words_stay() {
        let template = "<ul>\n{%- for x in y %}\n<li>{{ x }} <b>\nx</b>\n<i>z</i></li>\n\n{% endfor %}\n</ul>\ntext\nmore\n</p>\n";
        assert_eq!(
            squeezed("a.html", template),
            "<ul>{%- for x in y %}<li>{{ x }} <b>\nx</b>\n<i>z</i></li>{% endfor %}</ul>text\nmore</p>\n"
        );
        assert_eq!(squeezed("a.html", "<pre>\n<p>\n</pre>\n<p>"), "<pre>\n<p>\n</pre><p>");
        assert_eq!(squeezed("a.html", "<!DOCTYPE html>\n<html>\n<head>"), "<!DOCTYPE html>\n<html><head>");
        assert_eq!(squeezed("parts/a.html", "<b>x</b>\n"), "<b>x</b>");
    }
}
