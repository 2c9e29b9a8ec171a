//! Sitemaps list pages, not places on pages: what is a section now leaves them, and a part that lists nothing then leaves the others' list.

use std::io;

use super::links::Links;

const MAP: &str = "sitemap.xml";

/// True for the sitemap and its parts.
pub(super) fn is_one(path: &str) -> bool {
    path == MAP || path.starts_with("sitemaps/")
}

/// A sitemap without what has no page any more; None for a part that lists nothing then. `part` reads another one.
///
/// # Errors
/// A part that cannot be read.
pub(super) fn without_folded(
    links: &Links<'_>,
    text: &str,
    part: &dyn Fn(&str) -> io::Result<String>,
) -> io::Result<Option<String>> {
    let Some(base) = &links.base else { return Ok(Some(text.to_owned())) };
    let mut out = String::with_capacity(text.len());
    let (mut listed, mut left_out) = (0, 0);
    // One address stands on a line.
    for line in text.split_inclusive('\n') {
        let place = line.split_once("<loc>").and_then(|(_, rest)| Some(rest.split_once("</loc>")?.0));
        let path = place.and_then(|place| place.strip_prefix(base.as_str()));
        let stays = match path {
            None => true,
            Some(path) if line.starts_with("<sitemap>") => {
                without_folded(links, &part(path)?, part)?.is_some()
            }
            Some(path) => links.table.landing(path).is_none(),
        };
        if stays {
            listed += usize::from(path.is_some());
            out.push_str(line);
        } else {
            left_out += 1;
        }
    }
    Ok((listed > 0 || left_out == 0).then_some(out))
}

#[cfg(test)]
mod tests {
    use super::super::table::Table;
    use super::*;

    #[test]
    fn what_is_a_section_is_not_listed_and_no_part_is_empty() {
        let table = Table::made_up(&["servers/b/tool-x"]);
        let links = Links { table: &table, base: Some("https://c.example/".to_owned()) };
        let line = |name: &str, path: &str| format!("<{name}><loc>https://c.example/{path}</loc></{name}>\n");
        let (kept, gone) = (line("url", "servers/b/tools/y.html"), line("url", "servers/b/tools/x.html"));
        let part =
            |path: &str| Ok(if path == "sitemaps/1.xml" { kept.clone() + &gone } else { gone.clone() });
        let read = |text: &str| without_folded(&links, text, &part).unwrap();
        assert_eq!(
            read(&format!("<urlset>\n{kept}{gone}</urlset>")),
            Some(format!("<urlset>\n{kept}</urlset>"))
        );
        assert_eq!(read(&gone), None);
        assert_eq!(
            read("<urlset>\n</urlset>").as_deref(),
            Some("<urlset>\n</urlset>"),
            "a site that knows no address"
        );
        let (first, second) = (line("sitemap", "sitemaps/1.xml"), line("sitemap", "sitemaps/2.xml"));
        assert_eq!(read(&(first.clone() + &second)), Some(first));
    }
}
