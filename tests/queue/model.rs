//! Random interleavings of the operations, by three workers, against a model of a few lines.

use std::collections::BTreeMap;

use catalogue::model::work::Claim;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::backend::{Backend, Line, Postgres, Sqlite};
use crate::postgres;

const KEYS: [&str; 4] = ["npm:a@1", "npm:b@1", "pypi:c==1", "npm:d@1"];
const WORKERS: [&str; 3] = ["w0", "w1", "w2"];

#[derive(Debug, Clone)]
enum Step {
    Enqueue(Vec<usize>),
    Claim(usize),
    /// With any claim that was ever handed out, by its number.
    Heartbeat(usize),
    Complete(usize),
    Fail(usize),
    Lose(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let any = 0..1000usize;
    prop_oneof![
        2 => proptest::sample::subsequence((0..KEYS.len()).collect::<Vec<_>>(), 1..=KEYS.len()).prop_map(Step::Enqueue),
        5 => (0..WORKERS.len()).prop_map(Step::Claim),
        1 => any.clone().prop_map(Step::Heartbeat),
        3 => any.clone().prop_map(Step::Complete),
        2 => any.prop_map(Step::Fail),
        2 => (0..WORKERS.len()).prop_map(Step::Lose),
    ]
}

#[derive(Debug, Clone, Default)]
struct Job {
    place: u64,
    deaths: u32,
    company: u32,
    state: State,
}

#[derive(Debug, Clone, Default, PartialEq)]
enum State {
    #[default]
    Waiting,
    /// By a worker, with the number of its claim.
    Leased(usize, usize),
    /// With that number.
    Done(usize),
}

#[derive(Default)]
struct Model {
    jobs: BTreeMap<&'static str, Job>,
    next: u64,
    claims: Vec<&'static str>,
}

impl Model {
    fn place(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn enqueue(&mut self, key: &'static str) {
        let place = self.place();
        match self.jobs.get_mut(key) {
            Some(Job { state: State::Waiting | State::Leased(..), .. }) => {}
            _ => drop(self.jobs.insert(key, Job { place, ..Job::default() })),
        }
    }

    fn claim(&mut self, worker: usize) -> Option<&'static str> {
        let waiting = self.jobs.iter_mut().filter(|(_, job)| job.state == State::Waiting);
        let (key, job) = waiting.min_by_key(|(_, job)| job.place)?;
        job.state = State::Leased(worker, self.claims.len());
        self.claims.push(key);
        Some(key)
    }

    fn holds(&self, claim: usize) -> bool {
        matches!(self.jobs[self.claims[claim]].state, State::Leased(_, held) if held == claim)
    }

    fn complete(&mut self, claim: usize) -> bool {
        let holds = self.holds(claim);
        let job = self.jobs.get_mut(self.claims[claim]).unwrap();
        if holds {
            *job = Job { place: job.place, state: State::Done(claim), ..Job::default() };
        }
        job.state == State::Done(claim)
    }

    fn fail(&mut self, claim: usize) -> bool {
        let (holds, place) = (self.holds(claim), self.place());
        if holds {
            let job = self.jobs.get_mut(self.claims[claim]).unwrap();
            (job.state, job.place) = (State::Waiting, place);
        }
        holds
    }

    fn lose(&mut self, worker: usize) {
        let mut held: Vec<_> = self
            .jobs
            .values_mut()
            .filter(|job| matches!(job.state, State::Leased(w, _) if w == worker))
            .collect();
        held.sort_by_key(|job| job.place);
        let alone = held.len() == 1;
        for job in held {
            self.next += 1;
            (job.state, job.place) = (State::Waiting, self.next);
            if alone { job.deaths += 1 } else { job.company += 1 }
        }
    }

    fn states(&self) -> BTreeMap<String, Line> {
        let line = |job: &Job| {
            let word = match job.state {
                State::Waiting => "waiting",
                State::Leased(..) => "leased",
                State::Done(_) => "done",
            };
            (word.to_owned(), job.deaths, job.company)
        };
        self.jobs.iter().map(|(key, job)| ((*key).to_owned(), line(job))).collect()
    }
}

fn play(queue: &mut dyn Backend, steps: &[Step]) -> Result<(), TestCaseError> {
    queue.clear();
    let (mut model, mut claims): (Model, Vec<Claim>) = (Model::default(), Vec::new());
    for step in steps {
        let pick = |number: &usize| if claims.is_empty() { None } else { Some(number % claims.len()) };
        match step {
            Step::Enqueue(which) => {
                let keys: Vec<&'static str> = which.iter().map(|i| KEYS[*i]).collect();
                queue.enqueue(&keys);
                keys.iter().for_each(|key| model.enqueue(key));
            }
            Step::Claim(worker) => {
                let got = queue.claim(WORKERS[*worker]);
                let wanted = model.claim(*worker);
                prop_assert_eq!(got.as_ref().map(|claim| claim.key.as_str()), wanted);
                claims.extend(got);
            }
            Step::Heartbeat(number) => {
                if let Some(at) = pick(number) {
                    prop_assert_eq!(queue.heartbeat(&claims[at]), model.holds(at));
                }
            }
            Step::Complete(number) => {
                if let Some(at) = pick(number) {
                    prop_assert_eq!(queue.complete(&claims[at]), model.complete(at));
                }
            }
            Step::Fail(number) => {
                if let Some(at) = pick(number) {
                    prop_assert_eq!(queue.fail(&claims[at]), model.fail(at));
                }
            }
            Step::Lose(worker) => {
                queue.lose(WORKERS[*worker]);
                model.lose(*worker);
            }
        }
        prop_assert_eq!(queue.states(), model.states());
    }
    Ok(())
}

fn random(mut queue: impl Backend, cases: u32) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let steps = proptest::collection::vec(step(), 1..30);
    let queue = std::cell::RefCell::new(&mut queue);
    runner.run(&steps, |steps| play(&mut **queue.borrow_mut(), &steps)).unwrap();
}

#[test]
fn random_interleavings_over_sqlite_are_the_models() {
    random(Sqlite::new(), 40);
}

#[test]
fn random_interleavings_over_postgresql_are_the_models() {
    if let Some(database) = postgres::queue() {
        random(Postgres::new(database), 40);
    }
}
