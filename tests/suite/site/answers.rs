//! Questions on pages of servers, classes, risks, signals, patterns and terms: word for word what search engines get, and never against the page's own counts.

use std::path::Path;

use serde_json::Value;

use super::{Tool, add_server, build_from, built, html_pages, options, rules, tool};
use crate::sample;
use catalogue::model::{Class, Risk, Signal};

/// The questions that a page shows, with their answers.
fn shown(page: &str) -> Vec<(String, String)> {
    if let Some((_, rest)) = page.split_once("<div class=\"answers\">") {
        let headed = rest.split_once("</div>").unwrap().0.split("<h2>").skip(1);
        let pair = |item: &str| {
            let (question, rest) = item.split_once("</h2><p").unwrap();
            let (_, answer) = rest.split_once('>').unwrap();
            (plain(question), plain(answer.split_once("</p>").unwrap().0))
        };
        return headed.map(pair).collect();
    }
    let section = page.split_once("<section class=\"questions\"").map_or("", |(_, rest)| rest);
    let section = section.split_once("</section>").map_or("", |(section, _)| section);
    let items = section.split("<summary>").skip(1);
    let pair = |item: &str| {
        let (question, rest) = item.split_once("</summary><p>").unwrap();
        (plain(question), plain(rest.split_once("</p>").unwrap().0))
    };
    items.map(pair).collect()
}

fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The questions that search engines get.
fn told(page: &str) -> Vec<(String, String)> {
    let blocks = page.split("<script type=\"application/ld+json\">").skip(1);
    let blocks = blocks.map(|block| block.split_once("</script>").unwrap().0);
    let data = blocks.map(|text| serde_json::from_str::<Value>(text).unwrap());
    let faq = data.filter(|data| data["@type"] == "FAQPage");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let pair = |entry: &Value| (text(&entry["name"]), text(&entry["acceptedAnswer"]["text"]));
    faq.flat_map(|faq| faq["mainEntity"].as_array().unwrap().iter().map(pair).collect::<Vec<_>>()).collect()
}

fn json(out: &Path, page: &str) -> Value {
    serde_json::from_slice(&std::fs::read(out.join(page).with_extension("json")).unwrap()).unwrap()
}

/// The number that a text begins with.
fn first_number(text: &str) -> usize {
    let digits: String = text.replace(',', "").chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("no number: {text}"))
}

#[test]
fn pages_answer_to_search_engines_what_they_answer_to_readers() {
    let (mut servers, mut risks, mut others) = (0, 0, 0);
    for (name, page) in html_pages(&built().out) {
        let (shown, told) = (shown(&page), told(&page));
        assert_eq!(shown, told, "{name}");
        let listed =
            name.starts_with("servers/") && name.ends_with("/index.html") && page.contains("id=\"policy\"");
        let levels = name == "risks/index.html";
        let first_of = |folder: &str| name.starts_with(folder) && name.matches('/').count() == 1;
        let risk = first_of("risks/") && !levels;
        if listed || levels {
            assert_eq!(shown.len(), 4, "{name}");
        } else if name.starts_with("glossary/") && name != "glossary/index.html" {
            assert_eq!(shown.len(), 2, "{name}");
        } else if first_of("classes/") || first_of("signals/") {
            let none =
                page.contains("tool in the catalogue yet.") || page.contains("No tool in the catalogue has");
            assert_eq!(shown.len(), if none { 3 } else { 4 }, "{name}");
            others += 1;
        } else if first_of("attacks/") && name != "attacks/index.html" {
            assert_eq!(shown.len(), 4, "{name}");
            others += 1;
        } else if risk {
            let none = page.contains("There is no tool with");
            assert_eq!(shown.len(), if none { 2 } else { 5 }, "{name}");
        } else {
            assert_eq!(shown.len(), if name.contains("/tools/") { 6 } else { 0 }, "{name}");
        }
        servers += usize::from(listed);
        risks += usize::from(risk);
        for (question, answer) in shown {
            assert!(question.ends_with('?') && answer.ends_with('.'), "{name}: {question} {answer}");
        }
    }
    assert!(servers >= 5 && risks == 4 && others > 60, "{servers} {risks} {others}");
}

#[test]
fn the_answers_of_classes_and_signals_are_their_own_counts() {
    let site = built();
    for (name, page) in html_pages(&site.out) {
        let is_list = name.starts_with("classes/") || name.starts_with("signals/");
        if !is_list || name.matches('/').count() > 1 {
            continue;
        }
        let total = json(&site.out, &name)["total"].as_u64().unwrap() as usize;
        let answer = &shown(&page)[1].1;
        if total == 0 {
            assert!(answer.starts_with("None of the "), "{name}: {answer}");
        } else {
            assert_eq!(first_number(answer), total, "{name}: {answer}");
        }
    }
}

/// A pattern's page says of itself what its front matter says: what no policy on a tool stops is said not to be stopped, and what
/// has happened is the newest case with its source.
#[test]
fn the_answers_of_patterns_are_their_own_facts() {
    let site = built();
    let pages = html_pages(&site.out);
    let (mut beyond, mut happened) = (0, 0);
    for (name, page) in &pages {
        let twin =
            name.starts_with("attacks/") && name.matches('/').count() == 1 && name != "attacks/index.html";
        if !twin {
            continue;
        }
        let (twin, asked) = (json(&site.out, name), shown(page));
        let text = |key: &str| twin[key].as_str().unwrap().to_owned();
        let [exposes, stops, has, who] = asked.as_slice() else { panic!("{name}: {asked:?}") };
        assert!(
            asked.iter().all(|(question, _)| question.contains(&format!("“{}”", text("title")))),
            "{name}"
        );
        for signal in twin["signals"].as_array().unwrap() {
            assert!(exposes.1.contains(signal.as_str().unwrap()), "{name}: {}", exposes.1);
        }
        assert!(stops.1.ends_with(&text("stops")), "{name}: {}", stops.1);
        let per_tool = twin["per_tool"].as_bool().unwrap();
        assert_eq!(stops.1.starts_with("A policy on single tools cannot stop it"), !per_tool, "{name}");
        assert!(per_tool || stops.1.contains(&text("why_not")), "{name}: {}", stops.1);
        beyond += usize::from(!per_tool);
        let incidents = twin["incidents"].as_array().unwrap();
        let newest = incidents.first();
        assert!(newest.is_none_or(|one| has.1.contains(one["what"].as_str().unwrap())), "{name}: {}", has.1);
        let real = incidents
            .iter()
            .find(|one| ["in-the-wild", "accident", "incident"].contains(&one["kind"].as_str().unwrap()));
        assert_eq!(has.1.starts_with("Yes. "), real.is_some(), "{name}: {}", has.1);
        assert!(real.is_none_or(|one| has.1.contains(one["what"].as_str().unwrap())), "{name}: {}", has.1);
        assert_eq!(has.1.contains("Source: "), newest.is_some(), "{name}: {}", has.1);
        happened += usize::from(real.is_some());
        let tools = twin["tools"].as_u64().unwrap() as usize;
        if tools > 0 {
            assert_eq!(first_number(&who.1), tools, "{name}: {}", who.1);
        } else {
            assert!(who.1.starts_with("No tool "), "{name}: {}", who.1);
        }
    }
    assert!(beyond > 5 && happened > 5, "{beyond} {happened}");
}

#[test]
fn a_servers_answers_are_its_own_counts() {
    let site = built();
    for (name, page) in html_pages(&site.out) {
        let asked = shown(&page);
        if !name.starts_with("servers/") || asked.len() != 4 {
            continue;
        }
        let twin = json(&site.out, &name);
        let tools = twin["tools"].as_array().unwrap();
        let of = |class: &str| tools.iter().filter(|tool| tool["class"] == class).count();
        for counts in ["classes", "risks", "recommended"] {
            let counted = twin[counts].as_array().unwrap().iter().map(|one| one["tools"].as_u64().unwrap());
            assert_eq!(counted.sum::<u64>(), tools.len() as u64, "{name}: {counts}");
        }
        let (total, destructive, read) = (tools.len(), of("destructive"), of("read"));
        let answer = &asked[0].1;
        match (destructive, total) {
            (0, 1) => {
                assert!(answer.starts_with("It has none: its only tool is judged "), "{name}: {answer}")
            }
            (0, _) => assert!(answer.starts_with("None of its "), "{name}: {answer}"),
            (_, 1) => assert!(answer.starts_with("Its only tool, “"), "{name}: {answer}"),
            (some, all) if some < all => assert_eq!(first_number(answer), some, "{name}: {answer}"),
            _ => assert!(answer.starts_with("Both ") || answer.starts_with("All of "), "{name}: {answer}"),
        }
        let answer = &asked[1].1;
        assert_eq!(
            answer.starts_with("It is not judged to change anything"),
            read == total,
            "{name}: {answer}"
        );
        let answer = &asked[2].1;
        assert!(
            if total == 1 { answer.starts_with("One, ") } else { first_number(answer) == total },
            "{answer}"
        );
    }
}

#[test]
fn a_risks_answers_are_its_own_counts() {
    let site = built();
    let pages = html_pages(&site.out);
    for risk in Risk::ALL {
        let name = format!("risks/{risk}.html");
        let (page, twin) = (&pages[&name], json(&site.out, &name));
        let total = twin["total"].as_u64().unwrap() as usize;
        let asked = shown(page);
        let answer = &asked[1].1;
        if total == 0 {
            assert!(answer.starts_with("None of the "), "{answer}");
            continue;
        }
        assert_eq!(first_number(answer), total, "{answer}");
        // The pattern and the server that are named first stand first in the lists of the page, too.
        let lists: Vec<&str> = page.split("<ul class=\"patterns\">").skip(1).collect();
        let first = |list: &str| plain(list.split_once(".html\">").unwrap().1.split_once("</a>").unwrap().0);
        let [patterns @ .., servers] = lists.as_slice() else { panic!("{name} lists no servers") };
        for list in patterns {
            assert!(asked[2].1.contains(&format!("“{}”", first(list))), "{name}: {}", asked[2].1);
        }
        assert!(asked[3].1.starts_with(&first(servers)), "{name}: {}", asked[3].1);
    }
}

/// The page of all levels counts what the pages of the levels list, and its twin says the same.
#[test]
fn the_levels_beside_each_other_are_what_each_level_lists() {
    let site = built();
    let pages = html_pages(&site.out);
    let (page, twin) = (&pages["risks/index.html"], json(&site.out, "risks/index.html"));
    let levels = twin["risks"].as_array().unwrap();
    let mut grave = 0;
    for (level, risk) in levels.iter().zip(Risk::ALL.iter().rev()) {
        assert_eq!(level["risk"], risk.as_str());
        let own = json(&site.out, level["page"].as_str().unwrap());
        assert_eq!(level["tools"], own["total"], "{risk}");
        let of_classes: u64 =
            level["classes"].as_array().unwrap().iter().map(|class| class["tools"].as_u64().unwrap()).sum();
        assert_eq!(own["total"], of_classes, "{risk}");
        assert!(page.contains(&format!("href=\"../risks/{risk}.html\"")), "{risk}");
        assert!(pages[&format!("risks/{risk}.html")].contains("href=\"../risks/index.html\""), "{risk}");
        grave += if *risk >= Risk::High { of_classes as usize } else { 0 };
    }
    assert_eq!(levels.len(), 4);
    assert_eq!(first_number(&shown(page)[1].1), grave);
    let of = |server: &Value, key: &str| server[key].as_u64().unwrap();
    let named: Vec<_> = twin["servers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|server| of(server, "critical") + of(server, "high"))
        .collect();
    assert!(named.is_sorted_by(|a, b| a >= b) && named.iter().all(|tools| *tools > 0), "{named:?}");
    assert!(pages["browse.html"].contains("risks/index.html"));
}

/// What a page says where one server lists these classes, each with its signals.
fn said(page: &str, tools: &[(Class, &[Signal])]) -> Vec<String> {
    let (folder, db, mut store) = sample::empty();
    let made = |(i, (class, signals)): (usize, &(Class, &[Signal]))| Tool {
        signals: signals.to_vec(),
        ..tool(&format!("tool_{i}"), "Does it.", *class)
    };
    let tools: Vec<Tool> = tools.iter().enumerate().map(made).collect();
    add_server(&mut store, &rules(), "npm:one", "1.0", None, &tools);
    drop(store);
    let out = folder.path().join("dist");
    build_from(&db, &options(&out)).unwrap();
    let pages = html_pages(&out);
    shown(&pages[page]).into_iter().map(|(_, answer)| answer).collect()
}

fn of_server(tools: &[(Class, &[Signal])]) -> Vec<String> {
    said("servers/npm/one/index.html", tools)
}

#[test]
fn lists_of_none_one_and_many_are_said_as_people_say_them() {
    let (read, gone) = (Class::Read, Class::Destructive);
    let bulk: &[Signal] = &[Signal::Bulk];
    let none = said("classes/destructive.html", &[(read, &[])]);
    assert_eq!(none.len(), 3);
    assert!(none[1].starts_with("The only tool in this catalogue is not. That is as of "), "{}", none[1]);
    assert!(none[2].ends_with("a documented way back lowers it."), "{}", none[2]);
    let one = said("classes/destructive.html", &[(gone, &[]), (read, &[])]);
    assert!(one[1].starts_with("1 of 2 tools in this catalogue, on 1 server. That"), "{}", one[1]);
    assert!(one[2].ends_with("The one tool of this class has critical risk."), "{}", one[2]);
    assert!(one[3].contains("At critical risk: a person decides about each call. Signals"), "{}", one[3]);
    let two = said("classes/read.html", &[(read, &[]), (read, &[])]);
    assert!(two[2].ends_with("Both tools of this class have low risk."), "{}", two[2]);
    let none = said("signals/bulk.html", &[(read, &[]), (gone, &[])]);
    assert_eq!(none.len(), 3);
    assert!(none[1].starts_with("None of the 2 tools in this catalogue. That"), "{}", none[1]);
    let one = said("signals/bulk.html", &[(gone, bulk)]);
    assert!(
        one[1].starts_with("1 of 1 tool in this catalogue, on 1 server: 1 Destructive. That"),
        "{}",
        one[1]
    );
    assert!(one[3].ends_with("asks for this at least: a person decides about each call."), "{}", one[3]);
}

#[test]
fn counts_of_none_one_two_and_many_are_said_as_people_say_them() {
    let (read, write, gone) = (Class::Read, Class::Write, Class::Destructive);
    let bulk: &[Signal] = &[Signal::Bulk];
    let one = of_server(&[(read, bulk)]);
    assert_eq!(one[0], "It has none: its only tool is judged Read.");
    assert_eq!(one[1], "It is not judged to change anything: its only tool is judged Read.");
    assert!(one[2].starts_with("One, a Read tool. It listed this on "), "{}", one[2]);
    assert!(one[3].contains("Then take the policy for its tool from this page"), "{}", one[3]);
    let one = of_server(&[(gone, bulk)]);
    assert!(one[0].starts_with("Its only tool, “tool_0”. A call of it removes"), "{}", one[0]);
    assert!(one[1].starts_with("By its definition “tool_0” does."), "{}", one[1]);
    let two = of_server(&[(gone, &[]), (gone, &[])]);
    assert!(
        two[0].starts_with("Both of its tools: “tool_0” and “tool_1”. A call of one of them"),
        "{}",
        two[0]
    );
    assert!(two[1].starts_with("Not by its definitions: none of the 2 tools that change"), "{}", two[1]);
    assert!(two[2].starts_with("2, both Destructive tools. It listed these on "), "{}", two[2]);
    let many =
        of_server(&[(gone, bulk), (gone, &[]), (gone, bulk), (gone, &[]), (write, bulk), (read, bulk)]);
    assert!(
        many[0].starts_with("4 of its 6 tools: “tool_0”, “tool_1”, “tool_2” and 1 more. A call"),
        "{}",
        many[0]
    );
    assert!(
        many[1].starts_with("By their definitions 3 of its 6 tools do: “tool_0”, “tool_2” and “tool_4”."),
        "{}",
        many[1]
    );
    assert!(
        many[2].starts_with("6 tools: 4 Destructive, 1 Write, 1 Read. It listed these on "),
        "{}",
        many[2]
    );
    let none = of_server(&[(write, &[]), (read, &[])]);
    assert_eq!(none[0], "None of its 2 tools is judged Destructive.");
    assert!(
        none[1].starts_with("Not by its definitions: the one tool that changes something"),
        "{}",
        none[1]
    );
    assert!(none[1].contains("call it again and again"), "{}", none[1]);
}
