//! What search engines are told: on each page the kinds of data that its kind has, each with what schema.org and the search
//! engines' own documentation ask of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::kinds::by_kind;
use super::site::MADE_UP;

/// What is wrong with one block of data.
fn faults(data: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let text = |of: &Value, key: &str| of[key].as_str().unwrap_or_default().to_owned();
    let mut wants = |is_so: bool, what: &str| {
        if !is_so {
            faults.push(format!("{what}: {data}").chars().take(300).collect());
        }
    };
    let whole = |address: &str| address.starts_with("https://cat.example/") && !address.contains(' ');
    let list = |key: &str| data[key].as_array().cloned().unwrap_or_default();
    wants(data["@context"] == "https://schema.org", "the context");
    match text(data, "@type").as_str() {
        "BreadcrumbList" => {
            let steps = list("itemListElement");
            wants(steps.len() > 1, "two steps");
            for (nth, step) in steps.iter().enumerate() {
                wants(step["@type"] == "ListItem" && step["position"] == nth + 1, "steps in order");
                wants(
                    !text(step, "name").trim().is_empty() && whole(&text(step, "item")),
                    "a step's name and address",
                );
            }
        }
        "FAQPage" => {
            let questions = list("mainEntity");
            wants(!questions.is_empty(), "questions");
            let names: BTreeSet<_> = questions.iter().map(|question| text(question, "name")).collect();
            wants(names.len() == questions.len(), "different questions");
            for question in &questions {
                let answer = &question["acceptedAnswer"];
                wants(
                    question["@type"] == "Question" && answer["@type"] == "Answer",
                    "questions with answers",
                );
                wants(
                    text(question, "name").ends_with('?') && text(answer, "text").len() > 10,
                    "both in words",
                );
            }
        }
        "SoftwareApplication" => {
            for key in ["name", "identifier", "applicationCategory"] {
                wants(!text(data, key).trim().is_empty(), key);
            }
            wants(whole(&text(data, "url")), "an address");
        }
        "Dataset" => {
            wants(!text(data, "name").is_empty() && whole(&text(data, "url")), "a name and an address");
            wants((50..=5_000).contains(&text(data, "description").chars().count()), "a description");
            let files = list("distribution");
            wants(!files.is_empty(), "files");
            for file in &files {
                let address = text(file, "contentUrl");
                wants(file["@type"] == "DataDownload" && whole(&address), "a file's address");
                let path = address.trim_start_matches("https://cat.example/");
                wants(MADE_UP.out.join(path).is_file(), "a file that is there");
            }
        }
        "DefinedTerm" => {
            let set = &data["inDefinedTermSet"];
            wants(!text(data, "name").is_empty() && whole(&text(data, "url")), "a name and an address");
            wants(text(data, "description").len() > 50, "what it means");
            wants(
                set["@type"] == "DefinedTermSet" && !text(set, "name").is_empty() && whole(&text(set, "url")),
                "the glossary that it is in",
            );
        }
        "Article" => {
            for key in ["headline", "description"] {
                wants(text(data, key).len() > 10, key);
            }
            let date = text(data, "datePublished");
            wants(date.ends_with("T00:00:00Z") && date.len() == 20, "its day");
            wants(!text(&data["author"], "name").is_empty(), "an author");
        }
        _ => wants(false, "a kind of data that we know"),
    }
    faults
}

#[test]
fn search_engines_are_told_what_they_ask_for() {
    let start = "<script type=\"application/ld+json\">";
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (kind, pages) in by_kind(&MADE_UP) {
        for (path, _) in pages {
            let page = std::fs::read_to_string(MADE_UP.out.join(&path)).unwrap();
            let mut told = BTreeSet::new();
            for block in page.split(start).skip(1) {
                let (text, _) = block.split_once("</script>").unwrap();
                let data: Value = serde_json::from_str(text).unwrap();
                assert_eq!(faults(&data), Vec::<String>::new(), "{path}");
                let sort = data["@type"].as_str().unwrap().to_owned();
                *counts.entry(sort.clone()).or_default() += 1;
                assert!(told.insert(sort), "{path} says the same twice");
            }
            // What is said of the whole of a list stands on its first part.
            let first = path.matches('/').count() == 1;
            let wanted: &[&str] = match kind {
                "tool" => &["FAQPage"],
                "class" | "risk" | "signal" if first => &["FAQPage"],
                "risks" | "attack" => &["FAQPage"],
                "term" => &["DefinedTerm", "FAQPage"],
                "server" if !path.contains("/list/") => &["FAQPage", "SoftwareApplication"],
                "home" | "report" => &["Dataset"],
                "note" => &["Article"],
                _ => &[],
            };
            assert!(wanted.iter().all(|sort| told.contains(*sort)), "{path}: {told:?}");
            let has_crumbs = page.contains("aria-label=\"Breadcrumb\"");
            assert_eq!(has_crumbs, told.contains("BreadcrumbList"), "{path}: {told:?}");
        }
    }
    println!("structured data: {counts:?}");
    // And a fault is found.
    for wrong in [
        serde_json::json!({"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": []}),
        serde_json::json!({"@context": "https://schema.org", "@type": "FAQPage", "mainEntity": [{"@type": "Question", "name": "x"}]}),
        serde_json::json!({"@context": "https://schema.org", "@type": "SoftwareApplication", "name": "x"}),
        serde_json::json!({"@context": "https://schema.org", "@type": "Dataset", "name": "x"}),
        serde_json::json!({"@context": "https://schema.org", "@type": "DefinedTerm", "name": "x"}),
        serde_json::json!({"@context": "https://schema.org", "@type": "Article", "headline": "x"}),
        serde_json::json!({"@context": "https://schema.org", "@type": "Thing"}),
    ] {
        assert!(!faults(&wrong).is_empty(), "{wrong}");
    }
}
