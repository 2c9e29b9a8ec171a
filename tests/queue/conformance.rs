//! What every work queue must do, asked of each database.

use catalogue::model::work::{Claim, QUARANTINE_DEATHS};

use crate::backend::{Backend, all};

fn on_all(check: impl Fn(&mut dyn Backend)) {
    for mut backend in all() {
        check(&mut *backend);
    }
}

fn key(claim: Option<Claim>) -> Option<String> {
    claim.map(|claim| claim.key)
}

#[test]
fn targets_are_handed_out_once_and_in_order() {
    on_all(|queue| {
        queue.enqueue(&["npm:c@1", "npm:a@1", "npm:b@1"]);
        for (worker, wanted) in [("w1", "npm:c@1"), ("w2", "npm:a@1"), ("w1", "npm:b@1")] {
            assert_eq!(key(queue.claim(worker)).as_deref(), Some(wanted));
        }
        assert_eq!(queue.claim("w2"), None);
    });
}

#[test]
fn enqueueing_again_wakes_what_is_done_and_nothing_else() {
    on_all(|queue| {
        queue.enqueue(&["npm:a@1", "npm:b@1"]);
        let first = queue.claim("w1").unwrap();
        queue.enqueue(&["npm:a@1", "npm:b@1"]);
        assert_eq!(key(queue.claim("w2")).as_deref(), Some("npm:b@1"), "a is still held");
        assert_eq!(queue.claim("w2"), None);
        assert!(queue.complete(&first));
        assert_eq!(queue.claim("w2"), None, "done is done");
        queue.enqueue(&["npm:a@1"]);
        let again = queue.claim("w2").unwrap();
        assert_eq!((again.key.as_str(), again.deaths), ("npm:a@1", 0));
        assert!(!queue.complete(&first), "the delivery of before is none");
    });
}

#[test]
fn only_who_holds_the_lease_can_do_anything_to_it() {
    on_all(|queue| {
        queue.enqueue(&["npm:a@1"]);
        let first = queue.claim("w1").unwrap();
        let guesses = [
            Claim { token: "00000000-0000-4000-8000-000000000000".to_owned(), ..first.clone() },
            Claim { attempt: first.attempt + 1, ..first.clone() },
        ];
        for guess in &guesses {
            assert!(!queue.heartbeat(guess) && !queue.complete(guess) && !queue.fail(guess));
        }
        assert!(queue.heartbeat(&first));
        queue.lose("w1");
        assert!(!queue.heartbeat(&first) && !queue.complete(&first) && !queue.fail(&first), "it was lost");
        let second = queue.claim("w1").unwrap();
        assert!(second.attempt > first.attempt && second.token != first.token);
        assert!(!queue.complete(&first), "also by the same worker");
        assert!(queue.complete(&second));
    });
}

#[test]
fn completing_twice_is_answered_as_the_first_time() {
    on_all(|queue| {
        queue.enqueue(&["npm:a@1"]);
        let held = queue.claim("w1").unwrap();
        assert!(queue.complete(&held) && queue.complete(&held));
        assert!(!queue.fail(&held) && !queue.heartbeat(&held));
        assert_eq!(queue.states()["npm:a@1"], ("done".to_owned(), 0, 0));
    });
}

#[test]
fn giving_back_costs_nothing_and_leads_to_the_back() {
    on_all(|queue| {
        queue.enqueue(&["npm:a@1", "npm:b@1"]);
        for _ in 0..5 {
            for wanted in ["npm:a@1", "npm:b@1"] {
                let held = queue.claim("w").unwrap();
                assert_eq!((held.key.as_str(), held.deaths, held.company_deaths), (wanted, 0, 0));
                assert!(queue.fail(&held));
            }
        }
    });
}

#[test]
fn the_fourth_delivery_after_three_deaths_alone_is_a_case_for_quarantine() {
    on_all(|queue| {
        queue.enqueue(&["npm:a@1"]);
        for deaths in 0..QUARANTINE_DEATHS {
            let held = queue.claim("w").unwrap();
            assert_eq!((held.deaths, held.is_to_be_quarantined()), (deaths, false));
            queue.lose("w");
        }
        let held = queue.claim("w").unwrap();
        assert!(held.is_to_be_quarantined() && held.should_run_alone());
        assert!(queue.complete(&held));
        queue.enqueue(&["npm:a@1"]);
        assert_eq!(queue.claim("w").unwrap().deaths, 0, "a new order forgets them");
    });
}

#[test]
fn a_death_in_company_condemns_nobody() {
    on_all(|queue| {
        queue.enqueue(&["npm:a@1", "npm:b@1"]);
        for round in 0..4 {
            for _ in 0..2 {
                let held = queue.claim("w").unwrap();
                assert_eq!((held.deaths, held.company_deaths), (0, round));
                assert_eq!(held.should_run_alone(), round >= 2);
            }
            queue.lose("w");
        }
        queue.claim("w").unwrap();
        queue.claim("other").unwrap();
        queue.lose("w");
        queue.lose("other");
        let deaths: Vec<u32> = queue.states().into_values().map(|(_, deaths, _)| deaths).collect();
        assert_eq!(deaths, [1, 1], "each was all that its worker held");
    });
}

#[test]
fn a_lost_workers_targets_go_to_the_back() {
    on_all(|queue| {
        queue.enqueue(&["npm:a@1", "npm:b@1", "npm:c@1"]);
        queue.claim("dead").unwrap();
        queue.claim("alive").unwrap();
        queue.lose("dead");
        assert_eq!(key(queue.claim("alive")).as_deref(), Some("npm:c@1"));
        assert_eq!(key(queue.claim("alive")).as_deref(), Some("npm:a@1"));
        assert_eq!(queue.states()["npm:b@1"].0, "leased", "only the lost one's");
    });
}
