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
        "risks/index.html",
        "risks/low.html",
        "risks/medium.html",
        "risks/high.html",
        "risks/critical.html",
        "servers/index.html",
        "servers/unanswered.html",
        "servers/npm/@awkward/names/index.html",
        "servers/npm/@awkward/names/policy/intercept.yaml",
        "servers/npm/@awkward/names/policy/policylayer.json",
        "servers/npm/@awkward/names/policy/strict/claude-code.json",
        "servers/npm/@awkward/names/policy/permissive/toolhive.yaml",
        "servers/npm/@awkward/names/policy/docker.yaml",
        "servers/npm/@awkward/names/index.md",
        "servers/npm/@awkward/names/index.svg",
        "servers/npm/quiet/index.svg",
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
        "id=\"does\"",
        "class=\"scale x\"",
        "class=\"risk high\"",
        "class=\"big\">0.95",
        "id=\"evidence\"",
        "</sup>s it.",
        "id=\"reason-1\"",
        "Execute and not Write",
        "id=\"signals\"",
        "id=\"control\"",
        "at most 10 times a minute",
        "href=\"#rule-claude-code\"",
        "id=\"rule-claude-code\"",
        "data-tier=\"strict\"",
        "id=\"rule-codex\"",
        "id=\"rule-gemini-cli\"",
        "id=\"rule-intercept\"",
        "id=\"rule-policylayer\"",
        "id=\"rule-toolhive\"",
        "class=\"steps\"",
        "../policy/docker.yaml",
        "id=\"why\"",
        "id=\"hints\"",
        "id=\"parameters\"",
        "<b>required</b>",
        "Exact input schema",
        "id=\"questions\"",
        "id=\"similar\"",
        "id=\"siblings\"",
        "1 tool</a>",
        "id=\"history\"",
        "first listed",
        "id=\"asked\"",
        "<dt>Package</dt>",
        "<dt>Version</dt>",
        "<dt>Asked</dt>",
        "<dt>Protocol</dt>",
        "id=\"dispute\"",
    ] {
        let at = page.get(from..).unwrap().find(part);
        from += at.unwrap_or_else(|| panic!("{part} is not there after {from}")) + part.len();
    }
    assert_eq!(page.matches("<summary>").count(), 7, "six questions and the schema");
    assert!(page.contains(
        "<link rel=\"canonical\" href=\"https://cat.example/below/servers/pypi/one-tool/tools/run_it.html\">"
    ));
}

#[test]
fn similar_tools_are_on_other_servers_and_safer_ones_stand_apart() {
    let pages = html_pages(&built().out);
    let similar = |path: &str| {
        let (_, rest) = pages[path].split_once("id=\"similar\"").unwrap();
        rest.split_once("id=\"siblings\"").unwrap().0.to_owned()
    };
    let one = similar("servers/pypi/one-tool/tools/run_it.html");
    assert!(one.contains("runIt") && one.contains("remote:https://r.example/x"), "{one}");
    assert!(!one.contains("<b class=\"r\"") && !one.contains(">run_it<"), "{one}");
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
                unescape(page).contains(&format!("<summary>{question}</summary><p>{answer}</p>")),
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
    assert!(
        dotted.contains("Yes: with PolicyLayer, as") && dotted.contains("cannot count its calls"),
        "{dotted}"
    );
    let asked = answer("delete_it", 3);
    assert!(!asked.contains("Yes") && asked.contains("Not in the recommended tier"), "{asked}");
    assert!(asked.contains("at most 10 times an hour"), "the permissive tier limits it: {asked}");
    let block = answer("delete_it", 4);
    assert!(block.contains("Intercept, PolicyLayer and ToolHive already refuse every call"), "{block}");
    assert!(block.contains("The strict documents of Claude Code, Codex and Gemini CLI refuse"), "{block}");
    let read = answer("plain", 4);
    assert!(!read.contains("already") && read.contains("take its entry out"), "{read}");
    assert!(answer("plain", 3).contains("No limit is recommended"));
    let doubtful = answer("doubtful", 1);
    assert!(doubtful.contains("ask a person before each call"), "{doubtful}");
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
    let site = built_anew();
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

#[test]
fn what_became_of_a_tool_is_told_from_every_answer_of_its_server() {
    let pages = html_pages(&built().out);
    let history = |tool: &str| {
        let page = &pages[&format!("servers/npm/grown/tools/{tool}.html")];
        let (_, rest) = page.split_once("id=\"history\"").unwrap();
        rest.split_once("id=\"asked\"").unwrap().0.to_owned()
    };
    let grow = history("grow");
    for part in [
        "<code>1.1.0</code>, changed: description; new parameter <code>force</code>; without parameter <code>b</code>;",
        "was Read, low risk",
        "<code>1.0.0</code>, first listed",
        "answered 2 times",
    ] {
        assert!(grow.contains(part), "{part}: {grow}");
    }
    assert!(grow.find("1.1.0").unwrap() < grow.find("first listed").unwrap(), "the newest first");
    let stay = history("stay");
    assert!(
        stay.contains("<code>1.0.0</code>, <code>1.1.0</code></dd>") && !stay.contains("changed"),
        "{stay}"
    );
    assert!(!pages.contains_key("servers/npm/grown/tools/gone.html"));
    let once = &pages["servers/pypi/one-tool/tools/run_it.html"];
    assert!(once.contains("The server has answered once."));
}

#[test]
fn hints_stand_beside_what_is_inferred_and_a_contradiction_is_marked() {
    let pages = html_pages(&built().out);
    let page = &pages["servers/npm/grown/tools/stay.html"];
    let (_, table) = page.split_once("id=\"hints\"").unwrap();
    let table = table.split_once("</section>").unwrap().0;
    for part in [
        "<code>readOnlyHint</code></th><td>true</td><td>false</td><td class=\"no\">≠ contradicts",
        "<code>destructiveHint</code></th><td>not stated, so true</td>",
        "<code>idempotentHint</code></th><td>false</td><td>nothing</td><td>– open",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let server = &pages["servers/npm/grown/index.html"];
    assert!(server.contains("1 is said to be read-only; it is not judged Read."), "{server}");
}

#[test]
fn every_tier_of_a_format_says_what_its_document_does() {
    let page = std::fs::read_to_string(built().out.join("servers/pypi/one-tool/tools/run_it.html")).unwrap();
    let of = |format: &str| {
        let (_, rest) = page.split_once(&format!("id=\"rule-{format}\"")).unwrap();
        rest.split_once("</section>").unwrap().0.to_owned()
    };
    let claude = of("claude-code");
    assert!(claude.contains("data-tier=\"recommended permissive\" class=\"on\""), "{claude}");
    assert!(claude.contains("It cannot count calls, so a person is asked"), "{claude}");
    assert_eq!(of("intercept").matches("<pre>").count(), 3);
    assert!(of("intercept").contains("rate_limit: \"10/minute\""));
    assert!(of("toolhive").contains("In every tier"));
    assert_eq!(page.matches("class=\"rule on\"").count(), 1);
}

#[test]
fn without_policy_files_no_page_links_one_and_twins_are_left_out() {
    let site = built_anew();
    let mut few = options(&site.out);
    few.twins = "json".parse().unwrap();
    build_from(&site.db, &few).unwrap();
    assert_eq!(check(&site.out), []);
    let names: Vec<String> = files(&site.out).into_keys().collect();
    assert!(names.iter().any(|n| n.ends_with("/run_it.json")));
    let wrong = |n: &&String| {
        n.contains("/policy/") || n.ends_with(".md") || (n.ends_with(".svg") && !n.starts_with("static/"))
    };
    assert_eq!(names.iter().find(wrong), None);
}

#[test]
fn without_twins_no_page_and_no_file_for_models_leads_to_one() {
    let site = built_anew();
    let mut none = options(&site.out);
    none.twins = "none".parse().unwrap();
    build_from(&site.db, &none).unwrap();
    assert_eq!(check(&site.out), []);
    let files = files(&site.out);
    let text = |path: &str| String::from_utf8(files[path].clone()).unwrap();
    for twin in ["changes.json", "feed.json", "report.json"] {
        assert!(
            !files.contains_key(twin)
                && !text("changes.html").contains(twin)
                && !text("report.html").contains(twin),
            "{twin}"
        );
    }
    let models = text("llms.txt");
    for link in models.split("](https://cat.example/below/").skip(1) {
        let path = link.split(')').next().unwrap();
        assert!(files.contains_key(path), "llms.txt leads to {path}");
    }
    assert!(!models.contains("JSON file"), "{models}");
}

/// What to read next stands on the pages that many come to first.
#[test]
fn pages_of_the_whole_say_what_to_read_next() {
    let pages = html_pages(&built().out);
    for path in ["method", "index", "changes", "owasp", "report", "servers/unanswered"] {
        let page = &pages[&format!("{path}.html")];
        let (_, reading) = page.split_once("<h2 id=\"reading\">Related reading</h2>").expect(path);
        assert!(reading.contains("guides/what-a-catalogue-cannot-tell.html"), "{path}");
    }
}

#[test]
fn a_markdown_twin_holds_foreign_text_in_code_only() {
    use pulldown_cmark::{Event, Parser};
    let twins = files(&built().out).into_iter().filter(|(name, _)| name.ends_with(".md"));
    let mut seen = 0;
    for (name, bytes) in twins {
        let text = String::from_utf8(bytes).unwrap();
        for event in Parser::new(&text) {
            assert!(!matches!(event, Event::Html(_) | Event::InlineHtml(_)), "{name}: {event:?}\n{text}");
            if let Event::Text(words) = event {
                assert!(!words.contains("evil.example"), "{name}: {words}");
            }
        }
        seen += 1;
    }
    assert!(seen > 20);
}

#[test]
fn quiet_servers_are_those_that_never_listed_a_tool() {
    let text = std::fs::read_to_string(built().out.join("servers/unanswered.json")).unwrap();
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    let servers = list["servers"].as_array().unwrap();
    assert_eq!(list["list"], "quiet");
    assert!(servers.iter().all(|server| server["total"] == 0), "{text}");
    assert!(!servers.is_empty() && servers.iter().all(|server| server["outcome"] != "ok"), "{text}");
}
