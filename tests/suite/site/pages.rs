//! What is on which page: order, completeness, addresses, links, questions, and that a build can be repeated.

use catalogue::model::slug::slug;
use catalogue::render::{RenderError, check};

use super::hostile::parse;
use super::{build_from, built, built_anew, files, hostile, html_pages, options};

/// The text of the only JSON-LD element, as a parser sees it.
fn json_ld(page: &str) -> serde_json::Value {
    let start = "<script type=\"application/ld+json\">";
    let (_, rest) = page.split_once(start).unwrap();
    let (text, _) = rest.split_once("</script>").unwrap();
    assert!(!text.contains('<') && !text.contains('&') && !text.contains('\u{2028}'));
    serde_json::from_str(text).unwrap()
}

fn unescape(text: &str) -> String {
    let pairs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[test]
fn every_internal_link_resolves_and_every_fragment_is_there() {
    let site = built_anew();
    assert_eq!(check(&site.out), []);
    // And the check can fail.
    std::fs::remove_file(site.out.join("classes/read.html")).unwrap();
    assert!(!check(&site.out).is_empty());
}

#[test]
fn every_tool_has_its_page_at_its_permanent_address() {
    let site = built();
    for name in hostile::NAMES {
        let path = site.out.join("servers/npm/@awkward/names/tools").join(format!("{}.html", slug(name)));
        assert!(path.exists(), "{name:?}");
    }
    let mixed = format!("servers/npm/{}", slug("Mixed.Case"));
    for path in [
        "index.html",
        "404.html",
        "sitemap.xml",
        "robots.txt",
        "method.html",
        "about.html",
        "classes/read.html",
        "classes/write.html",
        "classes/execute.html",
        "classes/destructive.html",
        "risks/low.html",
        "risks/medium.html",
        "risks/high.html",
        "risks/critical.html",
        "servers/index.html",
        "servers/unanswered.html",
        "servers/npm/@awkward/names/index.html",
        "servers/npm/@awkward/names/policy/intercept.yaml",
        "servers/npm/@awkward/names/policy/policylayer.json",
        "servers/npm/quiet/index.html",
        "servers/pypi/quiet/index.html",
        &format!("{mixed}/tools/twice.html"),
    ] {
        assert!(site.out.join(path).exists(), "{path}");
    }
}

#[test]
fn a_private_server_is_nowhere() {
    for (name, bytes) in files(&built().out) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(name.split('/').all(|part| part != "hidden") && !text.contains("hidden_tool"), "{name}");
    }
}

#[test]
fn a_tool_page_has_everything_in_the_order_people_read_it() {
    let page = std::fs::read_to_string(built().out.join("servers/pypi/one-tool/tools/run_it.html")).unwrap();
    let mut from = 0;
    for part in [
        "<h1><code>run_it</code></h1>",
        "class=\"scale x\"",
        "class=\"risk high\"",
        "id=\"description\"",
        "</sup>s it.",
        "id=\"asked\"",
        "<dt>Package</dt>",
        "<dt>Version</dt>",
        "<dt>Asked</dt>",
        "<dt>Protocol</dt>",
        "id=\"parameters\"",
        "<strong>required</strong>",
        "id=\"signals\"",
        "Confidence <strong>0.95</strong>",
        "id=\"does\"",
        "id=\"why\"",
        "id=\"reason-1\"",
        "Why Execute and not Write",
        "href=\"#control\"",
        "id=\"control\"",
        "at most 10 times a minute",
        "class=\"code\"",
        "class=\"copy\"",
        "class=\"steps\"",
        "id=\"siblings\"",
        "1 tool</a>",
        "id=\"similar\"",
        "id=\"questions\"",
    ] {
        let at = page.get(from..).unwrap().find(part);
        from += at.unwrap_or_else(|| panic!("{part} is not there after {from}")) + part.len();
    }
    assert_eq!(page.matches("<summary>").count(), 6);
    assert!(page.contains(
        "<link rel=\"canonical\" href=\"https://cat.example/below/servers/pypi/one-tool/tools/run_it.html\">"
    ));
}

#[test]
fn similar_tools_are_of_the_same_class_on_other_servers() {
    let pages = html_pages(&built().out);
    let similar = |path: &str| {
        let (_, rest) = pages[path].split_once("id=\"similar\"").unwrap();
        rest.split_once("</section>").unwrap().0.to_owned()
    };
    let one = similar("servers/pypi/one-tool/tools/run_it.html");
    assert!(one.contains("runIt") && one.contains("remote:https://r.example/x"), "{one}");
    assert!(!one.contains("effect r\"") && !one.contains(">run_it<"), "{one}");
    let none = similar("servers/npm/@awkward/names/tools/case.html");
    assert!(!none.contains("@awkward"), "a tool of the same server is no neighbour: {none}");
}

#[test]
fn search_engines_get_the_same_questions_word_for_word() {
    let mut seen = 0;
    for (name, page) in html_pages(&built().out).iter().filter(|(name, _)| name.contains("/tools/")) {
        let entities = json_ld(page);
        let entities = entities["mainEntity"].as_array().unwrap();
        assert_eq!(entities.len(), 6, "{name}");
        for entity in entities {
            let question = entity["name"].as_str().unwrap();
            let answer = entity["acceptedAnswer"]["text"].as_str().unwrap();
            assert!(
                unescape(page).contains(&format!("<summary>{question}</summary>\n<p>{answer}</p>")),
                "{name}: {question}"
            );
        }
        seen += 1;
    }
    assert!(seen > 20);
}

#[test]
fn no_answer_promises_what_the_shown_policy_does_not_do() {
    let folder = format!("servers/npm/{}/tools", slug("Mixed.Case"));
    let pages = html_pages(&built().out);
    let answer = |tool: &str, place: usize| {
        let page = &pages[&format!("{folder}/{}.html", slug(tool))];
        json_ld(page)["mainEntity"][place]["acceptedAnswer"]["text"].as_str().unwrap().to_owned()
    };
    let dotted = answer("no.limit", 3);
    assert!(dotted.contains("Yes, with PolicyLayer") && dotted.contains("Not with Intercept"), "{dotted}");
    let hidden = answer("delete_it", 3);
    assert!(!hidden.contains("Yes") && hidden.contains("nothing to limit"), "{hidden}");
    assert!(answer("delete_it", 4).contains("already does"));
    assert!(answer("plain", 3).contains("sets no limit"));
    let doubtful = answer("doubtful", 1);
    assert!(doubtful.contains("cannot ask a person"), "{doubtful}");
    assert!(!answer("plain", 0).contains('“'), "an empty description is not echoed");
}

#[test]
fn a_correction_a_double_name_and_a_newer_failure_are_said() {
    let folder = format!("servers/npm/{}", slug("Mixed.Case"));
    let pages = html_pages(&built().out);
    let corrected = &pages[&format!("{folder}/tools/corrected.html")];
    assert!(corrected.contains("Corrected by a person") && corrected.contains("The rules said Write"));
    assert!(corrected.contains("class=\"scale x\""));
    let twice = &pages[&format!("{folder}/tools/twice.html")];
    assert!(twice.contains("listed more than once") && twice.contains("class=\"scale d\""));
    let server = &pages[&format!("{folder}/index.html")];
    assert!(server.contains("A newer try failed") && server.contains("crashed") && server.contains("2.0.0"));
}

#[test]
fn a_server_that_did_not_answer_is_not_judged() {
    let pages = html_pages(&built().out);
    let quiet = &pages["servers/npm/quiet/index.html"];
    for part in
        ["class=\"scale blank\"", "needs-config", "What was tried", "id=\"log\"", "&lt;b&gt;bold&lt;/b&gt;"]
    {
        assert!(quiet.contains(part), "{part}");
    }
    assert!(!quiet.contains("class=\"risk"));
    assert!(pages["servers/pypi/quiet/index.html"].contains("says nothing about the server"));
}

#[test]
fn the_same_database_gives_the_same_bytes_and_touches_nothing_twice() {
    let site = built_anew();
    let again = site.out.with_file_name("again");
    build_from(&site.db, &options(&again)).unwrap();
    assert!(files(&site.out) == files(&again), "two builds differ");
    let summary = build_from(&site.db, &options(&site.out)).unwrap();
    assert_eq!(summary.files_written, 0);
}

#[test]
fn an_earlier_as_of_shows_the_catalogue_as_it_stood() {
    let site = built_anew();
    let mut earlier = options(&site.out);
    earlier.as_of = Some("2020-01-01T00:00:00Z".parse().unwrap());
    let summary = build_from(&site.db, &earlier).unwrap();
    assert_eq!((summary.servers, summary.tools), (0, 0));
    assert!(!site.out.join("servers/npm").exists(), "pages that are gone are removed");
    assert_eq!(check(&site.out), []);
    assert!(html_pages(&site.out)["index.html"].contains("No server has been asked yet"));
    for (name, page) in html_pages(&site.out) {
        assert!(parse(&page).errors.borrow().is_empty(), "{name}");
    }
}

#[test]
fn a_folder_with_other_files_is_refused_and_left_alone() {
    let site = built();
    let other = site.out.with_file_name("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("thesis.txt"), "x").unwrap();
    let error = build_from(&site.db, &options(&other)).unwrap_err();
    assert!(matches!(error, RenderError::ForeignFolder { .. }), "{error}");
    assert_eq!(files(&other).len(), 1);
}

#[test]
fn without_a_base_url_no_page_has_a_canonical_address() {
    let site = built_anew();
    let mut plain = options(&site.out);
    plain.base_url = None;
    build_from(&site.db, &plain).unwrap();
    for (name, page) in html_pages(&site.out) {
        assert!(!page.contains("rel=\"canonical\"") && !page.contains("cat.example"), "{name}");
    }
    assert!(!std::fs::read_to_string(site.out.join("robots.txt")).unwrap().contains("Sitemap"));
}

#[test]
fn a_template_that_does_not_parse_or_is_missing_is_named() {
    let site = built_anew();
    let mut broken = options(&site.out);
    broken.templates.insert("tool.html".to_owned(), b"{% if %}".to_vec());
    let error = build_from(&site.db, &broken).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("tool.html") && cause.contains('1'), "{cause}");
    broken.templates.remove("tool.html");
    let error = build_from(&site.db, &broken).unwrap_err().to_string();
    assert!(error.contains("templates/tool.html is missing"), "{error}");
}
