//! What the method page says of the benchmark: nothing was measured, measured with these rules, or with older ones.

use catalogue::classify::RuleSet;
use catalogue::eval::{Benchmark, BenchmarkResult, ListedTool, ServerAnswer, run_benchmark};
use catalogue::model::ToolDefinition;
use serde_json::json;

use super::{build_from, html_pages, options, rules, seed};
use crate::sample;

/// A result of made-up labels: so many tools that are listed, started and deleted, one of them labelled wrong.
pub(super) fn result(rules: &RuleSet, each: usize) -> BenchmarkResult {
    let mut labels =
        "[[server]]\npurl = \"pkg:npm/a@1.0.0\"\nlicence = \"MIT\"\nset = \"held-out\"\n".to_owned();
    let mut tools = Vec::new();
    for i in 0..each {
        for (name, says, class) in [
            ("list", "Lists the records.", "read"),
            ("add", "Adds a record.", "write"),
            ("run", "Runs a shell command.", "execute"),
            ("delete", "Permanently deletes a record.", "destructive"),
            ("get", "Returns a record.", if i == 0 { "execute" } else { "read" }),
        ] {
            let raw = json!({"name": format!("{name}_record_{i}"), "description": says}).to_string();
            let tool = ToolDefinition::from_json(&raw).unwrap();
            let (name, hash) = (tool.name().to_owned(), tool.hash().clone());
            labels.push_str(&format!(
                "[[server.tool]]\nname = \"{name}\"\nhash = \"{hash}\"\nclass = \"{class}\"\nrisk = \"low\"\n"
            ));
            tools.push(ListedTool { name, hash, canonical: tool.canonical().to_owned() });
        }
    }
    let benchmark = Benchmark::parse(&labels, "labels").unwrap();
    let answer = ServerAnswer { probed_at: sample::start(), tools };
    run_benchmark(&benchmark, &[Some(answer)], rules).result
}

fn method_page(benchmark: Option<BenchmarkResult>) -> String {
    let (folder, db, mut store) = sample::empty();
    seed(&mut store, &rules());
    drop(store);
    let out = folder.path().join("dist");
    build_from(&db, &catalogue::render::BuildOptions { benchmark, ..options(&out) }).unwrap();
    html_pages(&out).remove("method.html").unwrap()
}

#[test]
fn without_a_result_the_page_says_so() {
    let page = method_page(None);
    assert!(page.contains("No benchmark result is there") && !page.contains("older rules"));
}

#[test]
fn a_result_is_shown_with_its_matrix_its_date_and_both_halves() {
    let rules = rules();
    let measured = result(&rules, 8);
    let all = &measured.sets.all.all;
    assert_eq!((all.tools, all.dangerous_as_read), (40, 1), "{all:?}");
    let page = method_page(Some(measured.clone()));
    for words in [
        "1 of 1 package answered",
        "<time datetime=\"2026-03-01T12:00:00Z\">1 March 2026</time>",
        "40 labels could be compared",
        "It happened to 1 of 17 tools labelled",
        "Held out",
        "<strong>8</strong>",
        "<th scope=\"row\">Labels compared</th><td class=\"number\">40</td><td class=\"number\">0</td>",
        "<th scope=\"row\">Right class</th><td class=\"number\">97.5\u{a0}%</td><td class=\"number\">–</td>",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    assert!(!page.contains("older rules") && !page.contains("No benchmark result"));
    let short: String = rules.hash().chars().take(12).collect();
    assert!(page.contains(&short));
}

#[test]
fn a_result_of_other_rules_says_that_it_is_one() {
    let mut measured = result(&rules(), 1);
    measured.rule_set = "0123456789abcdef".repeat(4);
    let page = method_page(Some(measured));
    assert!(page.contains("made with older rules, <code>0123456789ab</code>"), "{page}");
}
