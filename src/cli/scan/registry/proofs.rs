//! Asks registries for the provenance of packages that nothing else ties to their source. It decides nothing of the order: what
//! cannot be asked for now is asked for in a later run, and that there is none is no failure.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use futures_util::stream;

use super::look::{AT_ONCE, CHOICE, is_of_one};
use super::walk::{Walked, Walker};
use crate::cli::identity::Unproven;
use crate::http::HttpError;
use crate::model::Registry;
use crate::model::identity::ProvenanceSaid;
use crate::sources;
use crate::store::Store;

/// Releases whose provenance is stored at once.
const BATCH: usize = 100;
/// A registry that could not answer so often is asked no more in this run.
const FAILURES: usize = 3;

/// Asks, and stores what it read.
pub(super) async fn look(walker: &Walker<'_>, store: &mut Store, walked: &mut Walked) -> anyhow::Result<()> {
    let most = walker.words.triage.provenances_a_run;
    let most = walker.options.limit.map_or(most, |limit| limit.saturating_mul(CHOICE).min(most));
    let mut all = crate::cli::identity::unproven(store)?;
    all.retain(|one| walker.base_of(one.server.registry()).is_some());
    all.truncate(most as usize);
    let mut left_alone: BTreeSet<Registry> = BTreeSet::new();
    let mut failures = 0;
    for (done, batch) in all.chunks(BATCH).enumerate() {
        walker.bar.note(&format!("provenance: {} of {}", done * BATCH, all.len()));
        let asked: Vec<&Unproven> =
            batch.iter().filter(|one| !left_alone.contains(&one.server.registry())).collect();
        let mut answers = stream::iter(asked).map(|one| ask(walker, one)).buffer_unordered(AT_ONCE);
        let mut read = Vec::new();
        loop {
            let answer = tokio::select! {
                answer = answers.next() => answer,
                () = walker.cancel.cancelled() => {
                    walked.interrupted = true;
                    break;
                }
            };
            match answer {
                None => break,
                Some((one, Ok(said))) => {
                    read.push((one.server.to_string(), one.newest.version.clone(), said));
                }
                Some((one, Err(error))) => {
                    tracing::info!(server = %one.server, %error, "its provenance is asked for another time");
                    failures += 1;
                    // It said so itself; one that merely fails is left alone here, and asked for other things.
                    let rests = matches!(error, HttpError::Registry { retry_after: Some(_), .. });
                    walked.resting |= rests;
                    if rests || !is_of_one(&error) || failures >= FAILURES {
                        left_alone.insert(one.server.registry());
                    }
                }
            }
        }
        drop(answers);
        store.remember_provenances(&read, walker.now())?;
        if walked.interrupted {
            break;
        }
    }
    Ok(())
}

async fn ask<'a>(
    walker: &Walker<'_>,
    one: &'a Unproven,
) -> (&'a Unproven, Result<ProvenanceSaid, HttpError>) {
    let said = match walker.base_of(one.server.registry()) {
        Some(base) => sources::provenance(&walker.client, base, &one.server, &one.newest).await,
        None => Ok(ProvenanceSaid::None),
    };
    (one, said)
}
