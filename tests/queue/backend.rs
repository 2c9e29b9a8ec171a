//! Both databases behind the five operations, for the conformance suite and the model.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use catalogue::model::work::Claim;
use catalogue::model::{Outcome, Target};
use catalogue::queue::Link;
use catalogue::queue::jobs::{Again, Job};
use catalogue::queue::worker::{Claimed, Fault, Held, Worker};
use catalogue::store::{Store, WorkQueue};
use jiff::{SignedDuration, Timestamp};

use crate::postgres::{self, Database, runtime};

/// State, deaths alone, deaths in company.
pub(crate) type Line = (String, u32, u32);

/// A queue, whichever database it is in.
pub(crate) trait Backend {
    fn enqueue(&mut self, keys: &[&str]);
    fn claim(&mut self, worker: &str) -> Option<Claim>;
    fn heartbeat(&mut self, held: &Claim) -> bool;
    fn complete(&mut self, held: &Claim) -> bool;
    fn fail(&mut self, held: &Claim) -> bool;
    /// A worker is lost: its leases run out, and the queue finds out.
    fn lose(&mut self, worker: &str);
    fn states(&mut self) -> BTreeMap<String, Line>;
    /// Everything is gone.
    fn clear(&mut self);
}

/// Every back end that can be had here, each empty.
pub(crate) fn all() -> Vec<Box<dyn Backend>> {
    let mut all: Vec<Box<dyn Backend>> = vec![Box::new(Sqlite::new())];
    if let Some(database) = postgres::queue() {
        all.push(Box::new(Postgres::new(database)));
    }
    all
}

/// The queue of a scan on one machine.
pub(crate) struct Sqlite {
    _folder: tempfile::TempDir,
    path: PathBuf,
    store: Store,
    now: Timestamp,
    keys: Vec<String>,
}

impl Sqlite {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("work.db");
        let store = Store::open(&path).unwrap();
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        Self { _folder: folder, path, store, now, keys: Vec::new() }
    }

    fn tick(&mut self) -> Timestamp {
        self.now += SignedDuration::from_millis(1);
        self.now
    }
}

const LEASE: Duration = Duration::from_secs(600);

impl Backend for Sqlite {
    fn enqueue(&mut self, keys: &[&str]) {
        let (keys, now): (Vec<String>, _) = (keys.iter().map(|key| (*key).to_owned()).collect(), self.tick());
        self.store.enqueue(&keys, now).unwrap();
        self.keys.extend(keys);
    }

    fn claim(&mut self, worker: &str) -> Option<Claim> {
        let now = self.tick();
        self.store.claim(&self.keys, worker, LEASE, now).unwrap()
    }

    fn heartbeat(&mut self, held: &Claim) -> bool {
        let now = self.tick();
        self.store.heartbeat(held, LEASE, now).unwrap()
    }

    fn complete(&mut self, held: &Claim) -> bool {
        let now = self.tick();
        self.store.complete(held, now).unwrap()
    }

    fn fail(&mut self, held: &Claim) -> bool {
        let now = self.tick();
        self.store.fail(held, now).unwrap()
    }

    fn lose(&mut self, worker: &str) {
        let now = self.tick();
        self.store.sweep(&|other| other != worker, now).unwrap();
    }

    fn states(&mut self) -> BTreeMap<String, Line> {
        let db = Store::open_read_only(&self.path).unwrap();
        let mut read =
            db.prepare("SELECT key, state, deaths, company_deaths FROM work ORDER BY key").unwrap();
        let rows = read.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?, row.get(3)?))));
        rows.unwrap().map(Result::unwrap).collect()
    }

    fn clear(&mut self) {
        *self = Self::new();
    }
}

/// The queue of a fleet. Workers use their own role, the rest is its keeper's.
pub(crate) struct Postgres {
    database: Database,
    runtime: tokio::runtime::Runtime,
    keeper: Link,
    hands: Link,
    held: HashMap<String, Held>,
    workers: Vec<String>,
}

impl Postgres {
    pub(crate) fn new(database: Database) -> Self {
        let (keeper, hands) = (database.keeper(), database.worker());
        Self { database, runtime: runtime(), keeper, hands, held: HashMap::new(), workers: Vec::new() }
    }

    fn worker(&mut self, name: &str) -> Worker {
        if !self.workers.iter().any(|known| known == name) {
            self.workers.push(name.to_owned());
        }
        let number = self.workers.iter().position(|known| known == name).unwrap();
        Worker {
            name: name.to_owned(),
            session: format!("00000000-0000-4000-8000-{number:012}"),
            scanner_schema: catalogue::model::probe::SCANNER_SCHEMA,
            lease: LEASE,
        }
    }

    /// The job of a claim, also of one whose token was guessed.
    fn held(&self, claim: &Claim) -> Held {
        let known = self.held.get(&claim.key).unwrap();
        Held { claim: claim.clone(), ..known.clone() }
    }
}

impl Backend for Postgres {
    fn enqueue(&mut self, keys: &[&str]) {
        let job = |key: &&str| Job { target: key.parse::<Target>().unwrap(), newest: false, rank: 0 };
        let jobs: Vec<Job> = keys.iter().map(job).collect();
        self.runtime.block_on(self.keeper.enqueue(&jobs, false, Again::All)).unwrap();
    }

    fn claim(&mut self, worker: &str) -> Option<Claim> {
        let worker = self.worker(worker);
        match self.runtime.block_on(self.hands.claim(&worker)).unwrap() {
            Claimed::Job(held) => {
                self.held.insert(held.claim.key.clone(), held.clone());
                Some(held.claim)
            }
            Claimed::Nothing { .. } => None,
        }
    }

    fn heartbeat(&mut self, held: &Claim) -> bool {
        self.runtime.block_on(self.hands.heartbeat(&self.held(held), LEASE)).unwrap()
    }

    fn complete(&mut self, held: &Claim) -> bool {
        let held = self.held(held);
        self.runtime.block_on(self.hands.complete(&held, Outcome::Ok, Duration::ZERO, Some(b"{}"))).unwrap()
    }

    fn fail(&mut self, held: &Claim) -> bool {
        self.runtime.block_on(self.hands.fail(&self.held(held), &Fault::Drained)).unwrap()
    }

    fn lose(&mut self, worker: &str) {
        self.database.sql(&format!(
            "UPDATE catalogue_queue.jobs SET lease_until = now() - interval '1 second', lease_ms = 0 WHERE state = 'leased' AND worker = '{worker}';
             SELECT catalogue_queue.sweep()"
        ));
    }

    fn states(&mut self) -> BTreeMap<String, Line> {
        let rows = self
            .database
            .sql("SELECT target, state, deaths, company_deaths FROM catalogue_queue.jobs ORDER BY target");
        let text = |cell: &Option<String>| cell.clone().unwrap();
        let read = |row: &Vec<Option<String>>| {
            let count = |i: usize| text(&row[i]).parse().unwrap();
            (text(&row[0]), (text(&row[1]), count(2), count(3)))
        };
        rows.iter().map(read).collect()
    }

    fn clear(&mut self) {
        self.database.sql("DELETE FROM catalogue_queue.jobs");
        self.held.clear();
    }
}
