//! What every work queue must do. Written against the trait, so that another database gets the same tests.

use std::collections::BTreeSet;
use std::time::Duration;

use catalogue::model::Outcome;
use catalogue::model::work::{Claim, QUARANTINE_DEATHS};
use catalogue::store::{Store, WorkQueue};
use jiff::{SignedDuration, Timestamp};

use crate::sample;

const LEASE: Duration = Duration::from_secs(60);

fn keys(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("npm:{name}")).collect()
}

fn at(seconds: i64) -> Timestamp {
    sample::start() + SignedDuration::from_secs(seconds)
}

fn filled(queue: &mut impl WorkQueue, names: &[&str]) -> Vec<String> {
    let keys = keys(names);
    queue.enqueue(&keys, at(0)).unwrap();
    keys
}

fn claim(queue: &mut impl WorkQueue, among: &[String], worker: &str, now: i64) -> Option<(String, u32)> {
    queue.claim(among, worker, LEASE, at(now)).unwrap().map(|claim| (claim.key, claim.deaths))
}

fn held(queue: &mut impl WorkQueue, among: &[String], worker: &str, now: i64) -> Claim {
    queue.claim(among, worker, LEASE, at(now)).unwrap().unwrap()
}

#[test]
fn targets_are_handed_out_once_and_in_order() {
    let (_folder, _path, mut queue) = sample::empty();
    let all = filled(&mut queue, &["a", "b", "c"]);
    assert_eq!(claim(&mut queue, &all, "w1", 1), Some(("npm:a".into(), 0)));
    assert_eq!(claim(&mut queue, &all, "w2", 1), Some(("npm:b".into(), 0)));
    assert_eq!(claim(&mut queue, &keys(&["a", "b"]), "w2", 1), None, "both are leased");
    assert_eq!(claim(&mut queue, &[], "w2", 1), None);
    assert_eq!(claim(&mut queue, &all, "w1", 1), Some(("npm:c".into(), 0)));
    assert_eq!(claim(&mut queue, &all, "w1", 1), None);
}

#[test]
fn two_workers_never_get_the_same_target() {
    let (_folder, path, mut queue) = sample::empty();
    let names: Vec<String> = (0..60).map(|n| n.to_string()).collect();
    let all = filled(&mut queue, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let taken: Vec<Vec<String>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|worker| {
                let (path, all) = (&path, &all);
                scope.spawn(move || {
                    let mut own = Store::open(path).unwrap();
                    let mut taken = Vec::new();
                    while let Some((key, _)) = claim(&mut own, all, &format!("w{worker}"), 1) {
                        taken.push(key);
                    }
                    taken
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let once: BTreeSet<&String> = taken.iter().flatten().collect();
    assert_eq!(taken.iter().flatten().count(), 60);
    assert_eq!(once.len(), 60);
}

#[test]
fn enqueueing_again_wakes_what_is_done_and_nothing_else() {
    let (_folder, _path, mut queue) = sample::empty();
    let all = filled(&mut queue, &["a", "b"]);
    let first = held(&mut queue, &all, "w1", 1);
    assert_eq!(first.key, "npm:a");
    queue.enqueue(&all, at(2)).unwrap();
    assert_eq!(claim(&mut queue, &all, "w2", 3).unwrap().0, "npm:b", "a is still leased");
    assert_eq!(claim(&mut queue, &all, "w2", 3), None);
    assert!(queue.complete(&first, at(4)).unwrap());
    assert_eq!(claim(&mut queue, &all, "w2", 5), None, "done is done");
    queue.enqueue(&all, at(6)).unwrap();
    assert_eq!(claim(&mut queue, &all, "w2", 7), Some(("npm:a".into(), 0)));
}

#[test]
fn a_heartbeat_keeps_a_lease_and_says_when_it_is_lost() {
    let (_folder, _path, mut queue) = sample::empty();
    let all = filled(&mut queue, &["a"]);
    let first = held(&mut queue, &all, "w1", 0);
    assert!(queue.heartbeat(&first, LEASE, at(50)).unwrap());
    assert!(queue.sweep(&|_| true, at(100)).unwrap().is_empty(), "prolonged to 110 s");
    let guessed = Claim { token: "0".repeat(32), ..first.clone() };
    assert!(!queue.heartbeat(&guessed, LEASE, at(100)).unwrap(), "another's token");
    assert_eq!(queue.sweep(&|_| true, at(110)).unwrap(), ["npm:a"]);
    assert!(!queue.heartbeat(&first, LEASE, at(111)).unwrap());
    assert!(!queue.complete(&first, at(111)).unwrap(), "a lost lease completes nothing");
    assert!(!queue.fail(&first, at(111)).unwrap());
    let second = held(&mut queue, &all, "w1", 112);
    assert_eq!((second.key.as_str(), second.deaths), ("npm:a", 1));
    assert!(!queue.complete(&first, at(113)).unwrap(), "a lease of before is none, also of the same worker");
    assert!(queue.complete(&second, at(113)).unwrap());
}

#[test]
fn a_dead_workers_targets_go_to_the_back_at_once() {
    let (_folder, _path, mut queue) = sample::empty();
    let all = filled(&mut queue, &["a", "b", "c"]);
    claim(&mut queue, &all, "dead", 0);
    claim(&mut queue, &all, "alive", 0);
    assert_eq!(queue.sweep(&|worker| worker == "alive", at(1)).unwrap(), ["npm:a"]);
    assert_eq!(claim(&mut queue, &all, "alive", 2), Some(("npm:c".into(), 0)));
    assert_eq!(claim(&mut queue, &all, "alive", 2), Some(("npm:a".into(), 1)));
}

#[test]
fn giving_back_costs_nothing() {
    let (_folder, _path, mut queue) = sample::empty();
    let all = filled(&mut queue, &["a", "b"]);
    for round in 0..5 {
        for key in ["npm:a", "npm:b"] {
            let first = held(&mut queue, &all, "w", round);
            assert_eq!((first.key.as_str(), first.deaths), (key, 0), "to the back");
            assert!(queue.fail(&first, at(round)).unwrap());
        }
    }
}

#[test]
fn three_deaths_without_progress_are_a_case_for_quarantine_and_a_new_order_forgets_them() {
    let (_folder, _path, mut queue) = sample::empty();
    let all = filled(&mut queue, &["a"]);
    for deaths in 0..QUARANTINE_DEATHS {
        let handed = queue.claim(&all, "w", LEASE, at(1)).unwrap().unwrap();
        assert_eq!(handed.deaths, deaths);
        assert!(!handed.is_to_be_quarantined());
        queue.sweep(&|_| false, at(2)).unwrap();
    }
    let handed = queue.claim(&all, "w", LEASE, at(3)).unwrap().unwrap();
    assert!(handed.is_to_be_quarantined());
    assert!(queue.complete(&handed, at(4)).unwrap());
    queue.enqueue(&all, at(5)).unwrap();
    assert_eq!(claim(&mut queue, &all, "w", 6), Some(("npm:a".into(), 0)));
}

/// Ten killed scans of eleven servers once condemned four that had only been near.
#[test]
fn a_death_in_company_condemns_nobody_and_makes_its_company_run_alone() {
    let (_folder, _path, mut queue) = sample::empty();
    let all = filled(&mut queue, &["a", "b"]);
    for round in 0..6 {
        for _ in 0..2 {
            let handed = queue.claim(&all, "w", LEASE, at(round)).unwrap().unwrap();
            assert_eq!((handed.deaths, handed.company_deaths), (0, u32::try_from(round).unwrap()));
            assert!(!handed.is_to_be_quarantined());
            assert_eq!(handed.should_run_alone(), round >= 2);
        }
        queue.sweep(&|_| false, at(round)).unwrap();
    }
    let alone = queue.claim(&all, "w", LEASE, at(9)).unwrap().unwrap();
    queue.sweep(&|_| false, at(9)).unwrap();
    let _other = queue.claim(&all, "w", LEASE, at(9)).unwrap().unwrap();
    let again = queue.claim(&all, "v", LEASE, at(9)).unwrap().unwrap();
    assert_eq!((again.key, again.deaths), (alone.key, 1));
}

/// How the store ties both together: an attempt that is stored is progress.
#[test]
fn a_death_after_progress_counts_anew() {
    let (_folder, _path, mut store) = sample::empty();
    let all = filled(&mut store, &["a"]);
    let release = sample::release("npm:a", "1.0.0");
    let row = store.remember_release(&release, &Default::default(), at(0)).unwrap();
    for round in 0..6 {
        let (key, deaths) = claim(&mut store, &all, "w", round).unwrap();
        assert_eq!(deaths, u32::from(round > 0));
        let open = store.begin_probe(row, 1, at(round)).unwrap();
        let tried = sample::attempt("bare", Outcome::Crashed, 0, at(round));
        store.add_attempt(open.id, open.attempts.len(), &tried, Some(&key)).unwrap();
        store.sweep(&|_| false, at(round)).unwrap();
    }
    for deaths in 1..=3 {
        assert_eq!(claim(&mut store, &all, "w", 9).unwrap().1, deaths);
        store.sweep(&|_| false, at(9)).unwrap();
    }
}
