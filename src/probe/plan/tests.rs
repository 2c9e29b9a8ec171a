//! The ladder, walked with made-up last words in the shape of real ones.

use jiff::Timestamp;

use super::*;
use crate::model::Untrusted;

fn ended(step: &Step, outcome: Outcome, tools: u32, log: &str) -> Attempt {
    Attempt {
        rung: step.rung.to_owned(),
        command: vec!["server".to_owned()],
        args: step.args.clone(),
        env: step.env.clone(),
        dependencies_as_of: step.dated.then(|| "2026-01-01".to_owned()),
        extras: step.extras.clone(),
        outcome,
        detail: Untrusted::default(),
        tools,
        started_at: Timestamp::UNIX_EPOCH,
        millis: 1,
        log_tail: Untrusted::new(log),
    }
}

/// Walks the ladder against a made-up server; returns the starts that were tried.
fn walk(facts: &LaunchFacts, server: impl Fn(&Step) -> (Outcome, u32, String)) -> Vec<Attempt> {
    let mut history = Vec::new();
    while let Some(step) = next_step(facts, &history) {
        let (outcome, tools, log) = server(&step);
        history.push(ended(&step, outcome, tools, &log));
        assert!(history.len() <= MAX_ATTEMPTS);
    }
    history
}

#[test]
fn a_server_that_answers_bare_is_started_once() {
    let history = walk(&LaunchFacts::default(), |_| (Outcome::Ok, 3, String::new()));
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].rung, "bare");
}

#[test]
fn placeholders_come_one_at_a_time_and_stop_when_it_answers() {
    let history = walk(&LaunchFacts::default(), |step| {
        if step.env.contains_key("ACME_TOKEN") && step.env.contains_key("ACME_TEAM_ID") {
            (Outcome::Ok, 8, String::new())
        } else {
            (
                Outcome::NeedsConfig,
                0,
                "Please set ACME_TOKEN and ACME_TEAM_ID environment variables".to_owned(),
            )
        }
    });
    let sizes: Vec<usize> = history.iter().map(|a| a.env.len()).collect();
    assert_eq!(sizes, [0, 1, 2]);
}

#[test]
fn an_address_is_given_where_one_is_asked_for() {
    let history = walk(&LaunchFacts::default(), |step| {
        if step.args.first().is_some_and(|a| a.starts_with("postgresql://")) {
            (Outcome::Ok, 1, String::new())
        } else {
            (Outcome::NeedsConfig, 0, "Please provide a database URL as a command-line argument".to_owned())
        }
    });
    assert_eq!(history.len(), 2);
}

#[test]
fn a_server_on_http_is_told_to_use_standard_streams_at_once() {
    let history = walk(&LaunchFacts::default(), |step| {
        if step.args == ["--stdio"] {
            (Outcome::Ok, 1, String::new())
        } else {
            (Outcome::TimedOut, 0, "listening at http://127.0.0.1:3333".to_owned())
        }
    });
    assert_eq!(history.len(), 2);
}

#[test]
fn a_broken_import_goes_to_the_release_date_before_anything_is_guessed() {
    let facts =
        LaunchFacts { can_be_dated: true, readme_env: vec!["ACME_KEY".to_owned()], ..LaunchFacts::default() };
    let history = walk(&facts, |step| {
        if step.dated {
            (Outcome::Ok, 4, String::new())
        } else {
            (Outcome::Crashed, 0, "ImportError: cannot import name 'Server' from 'mcp'".to_owned())
        }
    });
    assert_eq!(history.iter().map(|a| a.rung.as_str()).collect::<Vec<_>>(), ["bare", "dated"]);
}

#[test]
fn a_rung_whose_install_failed_is_not_built_upon() {
    let facts = LaunchFacts {
        can_be_dated: true,
        readme_args: vec![vec!["serve".to_owned()]],
        ..LaunchFacts::default()
    };
    let mut history =
        vec![ended(&Step::default(), Outcome::Crashed, 0, "ImportError: cannot import name 'x' from 'y'")];
    let dated = next_step(&facts, &history).unwrap();
    assert!(dated.dated);
    history.push(Attempt { command: Vec::new(), ..ended(&dated, Outcome::Crashed, 0, "no solution found") });
    let next = next_step(&facts, &history).unwrap();
    assert_eq!((next.dated, next.args), (false, vec!["serve".to_owned()]));
}

#[test]
fn zero_tools_climbs_by_groups_and_keeps_the_larger_list() {
    let names =
        ["WIKI_URL", "WIKI_USERNAME", "WIKI_API_TOKEN", "BUGS_URL", "BUGS_API_TOKEN", "READ_ONLY_MODE"];
    let facts = LaunchFacts { readme_env: names.map(str::to_owned).to_vec(), ..LaunchFacts::default() };
    let history = walk(&facts, |step| {
        let groups = [["WIKI_URL", "WIKI_API_TOKEN"], ["BUGS_URL", "BUGS_API_TOKEN"]];
        let on = groups.iter().filter(|g| g.iter().all(|n| step.env.contains_key(*n))).count();
        let tools = u32::try_from(on * 10).unwrap();
        (if tools > 0 { Outcome::Ok } else { Outcome::NoTools }, tools, String::new())
    });
    assert_eq!(history.len(), 3);
    assert_eq!(chosen(&history), Some(2));
    assert!(!history[2].env.contains_key("READ_ONLY_MODE"));
}

#[test]
fn an_argument_and_a_placeholder_are_tried_together() {
    let history =
        walk(&LaunchFacts::default(), |step| match (step.args.first().map(String::as_str), step.env.len()) {
            (Some("start"), 1) => (Outcome::Ok, 2, String::new()),
            (Some("start"), _) => (Outcome::NeedsConfig, 0, "ACME_KEY is required".to_owned()),
            _ => (Outcome::NeedsConfig, 0, "usage: acme COMMAND\nno command given".to_owned()),
        });
    assert_eq!(history.last().unwrap().outcome, Outcome::Ok);
}

#[test]
fn a_hopeless_server_ends_within_the_bound_and_is_told_by_what_got_furthest() {
    let history = walk(&LaunchFacts::default(), |step| {
        if step.env.is_empty() {
            (Outcome::NeedsConfig, 0, "ACME_KEY is required".to_owned())
        } else {
            (Outcome::NeedsNetwork, 0, "getaddrinfo ENOTFOUND api.acme.example".to_owned())
        }
    });
    assert_eq!(history[most_telling(&history).unwrap()].outcome, Outcome::NeedsNetwork);
    assert_eq!(chosen(&history), None);
}
