//! What a tool's page says of the tool alone, cut out of it: the verdict and why, its evidence, how to control it, hints, parameters, attack
//! patterns, similar tools, history. Left out is what its server's page says anyway (how it was asked, other tools, policies, which are there
//! for all tools together) and what repeats the rest (questions, the reasons for a policy).

use super::markup::{between, element};

/// Headings of a page, and what they are in a section of a list.
const HEADINGS: [(&str, &str); 4] = [("<h3", "<h4"), ("</h3>", "</h4>"), ("<h2", "<h3"), ("</h2>", "</h3>")];
/// From this size on a section does without its tool's exact schema: parameters, risks and reasons are shown all the same.
const LONG: usize = 12 << 10;
/// The part of the policies that is of all tools.
const POLICY: &str =
    "<p>It is part of <a href=\"../index.html#policy\">the server’s policy</a>, in all formats.</p>";

/// The section of a tool, with names and links as they are on its own page; None if that is not as `build` writes it.
pub(super) fn cut(page: &str) -> Option<String> {
    let mut out = String::with_capacity(8 << 10);
    let name = between(page, "<h1>", "</h1>")?;
    out.push_str("<details><summary>More about ");
    out.push_str(name);
    out.push_str("</summary>");
    let under = between(page, "<p class=\"under\">", "<p class=\"lead\" id=\"does\">")?;
    let title = under.split_once(" Its title is ").map(|(_, title)| title);
    put(&mut out, &["<p>", between(page, "<p class=\"lead\" id=\"does\">", "</p>")?]);
    match title.and_then(|title| title.strip_suffix("</p>")) {
        Some(title) => put(&mut out, &[" Its title is ", title, "</p>"]),
        None => out.push_str("</p>"),
    }
    let verdict = element(page, "section", "class", "verdict")?;
    put_verdict(&mut out, verdict.inner)?;
    // Notices of what a reader must not miss stand between the verdict and its reasons.
    put(&mut out, &[verdict.after.split_once("<div class=\"pair\">")?.0]);

    out.push_str(of_section(page, "evidence")?);
    let control = of_section(page, "control")?;
    let (control, _) = control.split_once("<ul class=\"tabs\">").unwrap_or((control, ""));
    put(&mut out, &[&control.replace("<p class=\"lead\">", "<p>"), POLICY]);
    out.push_str(of_section(page, "hints")?);
    out.push_str(&without_json(of_section(page, "parameters")?));
    out.push_str(of_section(page, "attacks").unwrap_or_default());
    for (from, to) in [("similar", "siblings"), ("history", "asked")] {
        let heading = format!("<h2 id=\"{from}\">");
        put(&mut out, &[&heading, between(page, &heading, &format!("<h2 id=\"{to}\">"))?]);
    }
    put(
        &mut out,
        &[
            "<h2>If this is wrong</h2>",
            between(page, "<h2 id=\"dispute\">If this is wrong</h2>", "</aside>")?,
        ],
    );
    out.push_str("</details>");
    if out.len() > LONG {
        out = without_schema(&out);
    }
    Some(HEADINGS.iter().fold(out, |text, (from, to)| text.replace(from, to)))
}

fn put(out: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| out.push_str(part));
}

/// In words: the steps of the scale stand in the line above.
fn put_verdict(out: &mut String, verdict: &str) -> Option<()> {
    let (_, risk) = verdict.split_once("<p class=\"cap\">Risk of one wrong call</p>")?;
    let (risk, sureness) = risk.split_once("<p class=\"cap\">Confidence</p>")?;
    // The level with its link, then why.
    let (_, why) = risk.split_once("</p>")?;
    let why = between(why, "<p>", "</p></div>")?;
    let confidence = between(sureness, "<p class=\"big\">", "</p>")?;
    let means = between(sureness.split_once("</p>")?.1, "<p>", "</p></div>")?;
    put(out, &["<p><b>Risk.</b> ", why, "</p><p><b>Confidence ", confidence, ".</b> ", means, "</p>"]);
    Some(())
}

fn of_section<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    Some(element(page, "section", "aria-labelledby", name)?.inner)
}

/// A schema that is cut leads to the tool's JSON, which is not there.
fn without_json(parameters: &str) -> String {
    let Some((front, rest)) = parameters.rsplit_once("; <a href=\"") else { return parameters.to_owned() };
    match rest.split_once("\">the JSON</a> has all of it") {
        Some((address, after)) if address.ends_with(".json") && !address.contains('"') => {
            format!("{front}{after}")
        }
        _ => parameters.to_owned(),
    }
}

/// Says instead how long it is.
fn without_schema(section: &str) -> String {
    const SCHEMA: &str = "<details><summary>Exact input schema, ";
    let parts = section.split_once(SCHEMA).and_then(|(front, rest)| {
        let (length, rest) = rest.split_once("</summary>")?;
        Some((front, length, rest.split_once("</details>")?.1))
    });
    match parts {
        Some((front, length, after)) => {
            format!("{front}<p class=\"quiet\">Its exact schema of {length} is left out here.</p>{after}")
        }
        None => section.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_section_says_how_long_its_schema_is() {
        let section =
            "a<details><summary>Exact input schema, 651 characters</summary><pre>{}</pre></details>b";
        let short = "a<p class=\"quiet\">Its exact schema of 651 characters is left out here.</p>b";
        assert_eq!((without_schema(section).as_str(), without_schema("ab").as_str()), (short, "ab"));
    }

    #[test]
    fn a_schema_that_is_cut_leads_nowhere() {
        let cut = "<p class=\"quiet\">Cut here after 6,000 characters; <a href=\"x.json\">the JSON</a> has all of it.</p>";
        assert_eq!(without_json(cut), "<p class=\"quiet\">Cut here after 6,000 characters.</p>");
        assert_eq!(without_json("<p>; &lt;a href=\"</p>"), "<p>; &lt;a href=\"</p>");
    }

    #[test]
    fn what_is_no_page_of_a_tool_has_no_section() {
        assert_eq!(cut("<!DOCTYPE html>\n<h1>x</h1>"), None);
    }
}
