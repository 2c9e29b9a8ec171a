//! Looks at the most promising candidates' own documents, so that the likely servers come first. A look decides nothing but
//! the order: what cannot be looked at now is scanned all the same, in the place its name gives it.

use futures_util::StreamExt;
use futures_util::stream;

use super::walk::{Walked, Walker};
use crate::http::HttpError;
use crate::model::ServerKey;
use crate::model::source::{Looked, SourceName};
use crate::progress;
use crate::sources;
use crate::store::{Store, Unseen};

/// Candidates looked at for each that is to be scanned: enough to choose from.
pub(super) const CHOICE: u32 = 4;
/// Documents whose signs are stored at once.
const BATCH: usize = 100;
/// Documents asked for at once; each host's own pace is the bound that counts.
pub(super) const AT_ONCE: usize = 16;

/// Looks, stores what it saw, and notes what stopped it.
pub(super) async fn look(walker: &Walker<'_>, store: &mut Store, walked: &mut Walked) -> anyhow::Result<()> {
    let name = walker.source.name;
    let most = walker.words.triage.documents_a_run;
    let most = walker.options.limit.map_or(most, |limit| limit.saturating_mul(CHOICE).min(most));
    let mut all = store.unseen(name, Some(most))?;
    if name == SourceName::Npm {
        all.extend(store.claimed_gone(Some(most))?);
    }
    all.retain(|unseen| walker.base_of(unseen.server.registry()).is_some());
    let mut done = 0;
    for batch in all.chunks(BATCH) {
        walker.bar.note(&format!("{name}: {done} of {} documents", all.len()));
        let mut asked = stream::iter(batch).map(|unseen| one(walker, unseen)).buffer_unordered(AT_ONCE);
        let mut looked = Vec::new();
        let mut failure = None;
        while failure.is_none() {
            let answer = tokio::select! {
                answer = asked.next() => answer,
                () = walker.cancel.cancelled() => {
                    walked.interrupted = true;
                    return Ok(());
                }
            };
            match answer {
                None => break,
                Some(Ok(Some(one))) => looked.push(one),
                Some(Ok(None)) => {}
                // One broken document is its own affair; a host that cannot be asked is everyone's.
                Some(Err((server, error))) if is_of_one(&error) => {
                    tracing::info!(%server, %error, "its document cannot be read");
                }
                Some(Err((_, error))) => failure = Some(error),
            }
        }
        drop(asked);
        store.looked(&looked, walker.now())?;
        done += looked.len();
        if let Some(error) = failure {
            let left = all.len() - done;
            progress::say(&format!("{error}; {left} candidates keep the place their names give them"));
            walked.resting |= error.rest().is_some();
            break;
        }
    }
    if name == SourceName::Github {
        // What is not published can still be scanned where it lies.
        let count = store.stand_by_repositories(walker.now())?;
        tracing::info!(count, "repositories whose packages are not published");
    }
    Ok(())
}

async fn one(
    walker: &Walker<'_>,
    unseen: &Unseen,
) -> Result<Option<(ServerKey, Looked)>, (ServerKey, HttpError)> {
    let Some(base) = walker.base_of(unseen.server.registry()) else { return Ok(None) };
    let looked =
        sources::look(&walker.client, base, &unseen.server, unseen.etag.as_deref(), walker.words).await;
    let looked = looked.map_err(|error| (unseen.server.clone(), error))?;
    Ok(looked.map(|looked| (unseen.server.clone(), looked)))
}

/// Asks for the versions that the official registry lists, where the newest one does not name the entry.
pub(super) async fn confirm(
    walker: &Walker<'_>,
    store: &mut Store,
    walked: &mut Walked,
) -> anyhow::Result<()> {
    let mut all = super::super::super::identity::unconfirmed(store)?;
    all.retain(|(server, _)| walker.base_of(server.registry()).is_some());
    all.truncate(walker.words.triage.documents_a_run as usize);
    walker.bar.note(&format!("{}: {} versions", walker.source.name, all.len()));
    let mut asked = stream::iter(&all).map(|asked| names_of(walker, asked)).buffer_unordered(AT_ONCE);
    let mut read = Vec::new();
    loop {
        let answer = tokio::select! {
            answer = asked.next() => answer,
            () = walker.cancel.cancelled() => {
                walked.interrupted = true;
                break;
            }
        };
        match answer {
            None => break,
            Some((server, version, Ok(names))) => read.push((server.to_string(), version, names)),
            Some((server, _, Err(error))) if is_of_one(&error) => {
                tracing::info!(%server, %error, "the version that the registry lists cannot be read");
            }
            Some((_, _, Err(error))) => {
                walked.resting |= error.rest().is_some();
                break;
            }
        }
    }
    drop(asked);
    store.remember_version_names(&read, walker.now())?;
    Ok(())
}

async fn names_of(
    walker: &Walker<'_>,
    (server, version): &(ServerKey, String),
) -> (ServerKey, String, Result<std::collections::BTreeSet<String>, HttpError>) {
    let names = match walker.base_of(server.registry()) {
        Some(base) => sources::names_in_version(&walker.client, base, server, version).await,
        None => Ok(std::collections::BTreeSet::new()),
    };
    (server.clone(), version.clone(), names)
}

pub(super) fn is_of_one(error: &HttpError) -> bool {
    match error {
        HttpError::BadReply { .. } | HttpError::TooLarge { .. } | HttpError::Refused { .. } => true,
        HttpError::Registry { retry_after, .. } => retry_after.is_none(),
        HttpError::NoNetwork { .. } | HttpError::TimedOut { .. } | HttpError::Resting { .. } => false,
    }
}
