//! What a worker's login may do in the database, tried as that login.

use std::time::Duration;

use catalogue::model::Outcome;
use catalogue::queue::QueueError;
use catalogue::queue::jobs::{Again, Job};
use catalogue::queue::worker::{Claimed, Fault, Worker};

use crate::postgres::{Database, PASSWORD, queue, runtime};

pub(crate) fn worker(number: u32) -> Worker {
    Worker {
        name: format!("test:{number}"),
        session: format!("00000000-0000-4000-9000-{number:012}"),
        scanner_schema: catalogue::model::probe::SCANNER_SCHEMA,
        lease: Duration::from_secs(60),
    }
}

pub(crate) fn fill(database: &Database, targets: &[&str]) {
    let job = |text: &&str| Job { target: text.parse().unwrap(), newest: false, rank: 0 };
    let jobs: Vec<Job> = targets.iter().map(job).collect();
    runtime().block_on(async { database.keeper().enqueue(&jobs, false, Again::Unlasting).await }).unwrap();
}

#[test]
fn a_workers_login_reaches_four_functions_and_nothing_else() {
    let Some(database) = queue() else { return };
    fill(&database, &["npm:a@1"]);
    let hand = database.hand();
    let denied = |text: &str| {
        let error = database.server.sql_as(&hand, &database.name, text).expect_err(text);
        assert_eq!(error.code().unwrap().code(), "42501", "{text}: {error:?}");
    };
    for table in ["meta", "jobs", "results", "paces", "tallies"] {
        denied(&format!("SELECT * FROM catalogue_queue.{table}"));
        denied(&format!("DELETE FROM catalogue_queue.{table}"));
        denied(&format!("TRUNCATE catalogue_queue.{table} CASCADE"));
        denied(&format!("COPY catalogue_queue.{table} TO STDOUT"));
    }
    denied("UPDATE catalogue_queue.jobs SET token = gen_random_uuid()");
    denied(
        "INSERT INTO catalogue_queue.jobs (key, target, registry, scanner_schema, place) VALUES ('x', 'x', 'npm', 2, 1)",
    );
    denied("SELECT catalogue_queue.sweep()");
    denied("SELECT nextval('catalogue_queue.places')");
    denied("CREATE FUNCTION catalogue_queue.now() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    denied("ALTER FUNCTION catalogue_queue.sweep() OWNER TO CURRENT_USER");
    denied("DROP SCHEMA catalogue_queue CASCADE");
    // `claim` is there twice: workers of version 1 are told which version this is.
    let mine = "SELECT count(DISTINCT p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                WHERE n.nspname = 'catalogue_queue' AND has_function_privilege(p.oid, 'EXECUTE')";
    assert_eq!(database.server.sql_as(&hand, &database.name, mine).unwrap()[0][0].as_deref(), Some("4"));
    // Tables of its own, made to be found before the queue's, change nothing: the functions look in their own schema.
    let trap = "CREATE TEMP TABLE jobs (id int); CREATE TEMP TABLE meta (version int);
                SELECT job FROM catalogue_queue.claim(2, 2, 'w', gen_random_uuid(), NULL, 60000)";
    let job = database.server.sql_as(&hand, &database.name, trap).unwrap();
    assert!(job[0][0].is_some(), "{job:?}");
}

#[test]
fn a_taken_over_worker_spoils_what_it_holds_and_no_more() {
    let Some(database) = queue() else { return };
    fill(&database, &["npm:mine@1", "npm:yours@1"]);
    runtime().block_on(async {
        let link = database.worker();
        let Claimed::Job(mine) = link.claim(&worker(1)).await.unwrap() else { panic!("nothing") };
        let Claimed::Job(yours) = link.claim(&worker(2)).await.unwrap() else { panic!("nothing") };
        let mut forged = yours.clone();
        forged.claim.token.clone_from(&mine.claim.token);
        assert!(!link.complete(&forged, Outcome::Ok, Duration::ZERO, Some(b"{}")).await.unwrap());
        assert!(!link.heartbeat(&forged, Duration::from_secs(1)).await.unwrap());
        assert!(!link.fail(&forged, &Fault::Drained).await.unwrap());
        let large = vec![b'x'; (8 << 20) + 1];
        let refused = link.complete(&mine, Outcome::Ok, Duration::ZERO, Some(&large)).await;
        assert!(matches!(refused, Err(QueueError::TooLarge { .. })), "{refused:?}");
        assert!(link.complete(&yours, Outcome::Ok, Duration::ZERO, Some(b"{}")).await.unwrap());
    });
    assert_eq!(database.number("SELECT count(*) FROM catalogue_queue.results"), 1);
}

#[test]
fn a_registry_that_rests_rests_for_every_worker_and_the_pace_is_shared() {
    let Some(database) = queue() else { return };
    fill(&database, &["npm:a@1", "npm:b@1", "pypi:c==1"]);
    database.sql("UPDATE catalogue_queue.paces SET interval_ms = 60000 WHERE registry = 'npm'");
    runtime().block_on(async {
        let link = database.worker();
        let Claimed::Job(first) = link.claim(&worker(1)).await.unwrap() else { panic!("nothing") };
        assert_eq!(first.claim.key, "npm:a@1");
        let Claimed::Job(second) = link.claim(&worker(2)).await.unwrap() else { panic!("nothing") };
        assert_eq!(second.claim.key, "pypi:c==1", "npm was asked a moment ago");
        let nothing = link.claim(&worker(3)).await.unwrap();
        assert!(matches!(nothing, Claimed::Nothing { is_open: true, .. }), "{nothing:?}");
        let fault = Fault::Transient {
            outcome: Outcome::RegistryError,
            why: "429".to_owned(),
            wait: Duration::from_secs(300),
            rest: true,
        };
        assert!(link.fail(&second, &fault).await.unwrap());
    });
    let rest = "SELECT (next_at > now() + interval '4 minutes')::int FROM catalogue_queue.paces WHERE registry = 'pypi'";
    assert_eq!(database.number(rest), 1);
    let kept = "SELECT deaths + company_deaths FROM catalogue_queue.jobs WHERE target = 'pypi:c==1'";
    assert_eq!(database.number(kept), 0, "a fault of the network costs nothing");
}

#[test]
fn after_eight_transient_faults_a_job_ends_and_the_same_command_wakes_it() {
    let Some(database) = queue() else { return };
    fill(&database, &["npm:a@1"]);
    runtime().block_on(async {
        let link = database.worker();
        let fault = Fault::Transient {
            outcome: Outcome::NoNetwork,
            why: "no route\u{0}".to_owned(),
            wait: Duration::ZERO,
            rest: false,
        };
        for round in 0..8 {
            let Claimed::Job(held) = link.claim(&worker(1)).await.unwrap() else { panic!("round {round}") };
            assert_eq!((held.faults, held.claim.deaths), (round, 0));
            assert!(link.fail(&held, &fault).await.unwrap());
        }
        let nothing = link.claim(&worker(1)).await.unwrap();
        assert!(matches!(nothing, Claimed::Nothing { is_open: false, .. }), "{nothing:?}");
    });
    assert_eq!(
        database.number("SELECT count(*) FROM catalogue_queue.results WHERE outcome = 'no-network'"),
        1
    );
    fill(&database, &["npm:a@1"]);
    assert_eq!(
        database.number("SELECT count(*) FROM catalogue_queue.jobs WHERE state = 'waiting' AND faults = 0"),
        1
    );
}

#[test]
fn a_claim_whose_answer_was_lost_is_answered_again_with_the_same_job() {
    let Some(database) = queue() else { return };
    fill(&database, &["npm:a@1", "npm:b@1"]);
    runtime().block_on(async {
        let link = database.worker();
        let claim =
            async |session: u32, request: &str| match link.claim_for(&worker(session), Some(request)).await {
                Ok(Claimed::Job(held)) => Some(held),
                Ok(Claimed::Nothing { .. }) => None,
                Err(error) => panic!("{error}"),
            };
        let (one, two) = ("00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b");
        let first = claim(1, one).await.unwrap();
        assert_eq!(claim(1, one).await.unwrap(), first, "the same delivery, the same token");
        let second = claim(2, one).await.unwrap();
        assert_ne!(second.job, first.job, "a name is its worker's own");
        assert_eq!(claim(1, two).await, None);
        assert!(link.complete(&first, Outcome::Ok, Duration::ZERO, Some(b"{}")).await.unwrap());
        assert_eq!(claim(1, one).await, None, "what is done is not held");
        assert!(link.fail(&second, &Fault::Drained).await.unwrap());
        assert_eq!(claim(1, one).await.unwrap().claim.attempt, 2, "a delivery of its own");
    });
    assert_eq!(database.number("SELECT sum(deaths + company_deaths) FROM catalogue_queue.jobs"), 0);
}

#[test]
fn versions_are_checked_on_both_sides() {
    let Some(database) = queue() else { return };
    fill(&database, &["npm:a@1"]);
    let runtime = runtime();
    let stale = Worker { scanner_schema: 1, ..worker(1) };
    let error = runtime.block_on(async { database.worker().claim(&stale).await }).unwrap_err();
    assert!(matches!(error, QueueError::Scanner { .. }) && !error.passes(), "{error:?}");
    let older = "SELECT job FROM catalogue_queue.claim(1, 2, 'w', gen_random_uuid(), 60000)";
    let said = database.server.sql_as(&database.hand(), &database.name, older).unwrap_err();
    assert_eq!(said.code().map(|code| code.code()), Some("CQ001"), "a worker of before is told so: {said}");
    database.sql("UPDATE catalogue_queue.meta SET version = 7");
    let error = runtime.block_on(async { database.worker().claim(&worker(1)).await }).unwrap_err();
    assert!(
        error.to_string().contains("version 7") && error.to_string().contains("update this program"),
        "{error}"
    );
    let error = runtime.block_on(async { database.keeper().check_version().await }).unwrap_err();
    assert!(matches!(error, QueueError::Version { found: 7, .. }), "{error:?}");
    let login = runtime.block_on(async { database.link(&database.hand(), "wrong").claim(&worker(1)).await });
    let error = login.unwrap_err();
    assert!(matches!(error, QueueError::Login { .. }) && !error.passes(), "{error:?}");
    assert!(!format!("{error:?}").contains("wrong") && !format!("{error:?}").contains(PASSWORD));
    database.sql("DROP SCHEMA catalogue_queue CASCADE");
    let error = runtime.block_on(async { database.worker().claim(&worker(1)).await }).unwrap_err();
    assert!(error.to_string().contains("catalogue queue init"), "{error}");
}
