//! Where readers are asked to send what they think is wrong.

use super::engine::{plain, synthetic};
use super::{build_from, html_pages};

#[test]
fn an_address_for_reports_stands_on_every_tools_page_and_nowhere_where_none_is_given() {
    let (folder, db) = synthetic();
    let out = folder.path().join("reports");
    let options = |report: Option<&str>| catalogue::render::BuildOptions {
        report: report.map(|address| address.parse().unwrap()),
        check: true,
        ..plain(&out)
    };
    let is_tool = |path: &str| path.starts_with("servers/") && path.contains("/tools/");
    let given = [
        (
            "mailto:tools@cat.example?subject=a%20verdict",
            "<a href=\"mailto:tools@cat.example?subject=a%20verdict\">tools@cat.example</a>",
        ),
        (
            "https://cat.example/'reports'/?a=1&b=\"2\"",
            "<a href=\"https://cat.example/&#39;reports&#39;/?a=1&amp;b=%222%22\">cat.example/&#39;reports&#39;</a>",
        ),
    ];
    for (address, link) in given {
        let report = build_from(&db, &options(Some(address))).unwrap();
        assert_eq!(report.problems, Some(Vec::new()));
        let pages = html_pages(&out);
        let with: Vec<&String> =
            pages.iter().filter(|(_, page)| page.contains(link)).map(|(path, _)| path).collect();
        let tools: Vec<&String> = pages.keys().filter(|path| is_tool(path)).collect();
        assert!(tools.len() > 20 && with == tools, "{} of {}", with.len(), tools.len());
    }
    // Another address, or none, is another page.
    build_from(&db, &options(None)).unwrap();
    let pages = html_pages(&out);
    assert!(pages.values().all(|page| !page.contains("mailto:") && !page.contains("cat.example/&#39;")));
    assert!(pages.iter().any(|(path, page)| is_tool(path) && page.contains("with your reason:</p>")));
}
