//! Reads the manifests of bundles that the official registry names: they cannot be started here, and what they declare is
//! shown as declared. One at a time; a host that fails is left alone for the rest of the run.

use std::collections::BTreeSet;

use super::walk::{Walked, Walker};
use crate::http::host_of;
use crate::model::Untrusted;
use crate::model::source::SourceName;
use crate::sources::bundle::{self, BundleError};
use crate::store::Store;

/// Reads, and stores what was declared; without a list that names bundles there is nothing to do.
pub(super) async fn look(walker: &Walker<'_>, store: &mut Store, walked: &mut Walked) -> anyhow::Result<()> {
    // Bundles are large and decide nothing of the order: a look at what would be scanned leaves them where they are.
    if walker.source.name != SourceName::Mcp || walker.options.dry_run {
        return Ok(());
    }
    let words = &walker.words.mcp;
    let most = walker.options.limit.map_or(words.bundles_a_run, |limit| limit.min(words.bundles_a_run));
    let bundles = store.unseen_bundles(SourceName::Mcp, most)?;
    let mut failed: BTreeSet<String> = BTreeSet::new();
    for (done, unseen) in bundles.iter().enumerate() {
        walker.bar.note(&format!("bundles: {done} of {}", bundles.len()));
        let key = Untrusted::new(unseen.key.as_str()).for_terminal(200);
        let found = match bundle::stated(&unseen.record, &unseen.key) {
            Err(why) => {
                tracing::info!(bundle = key, why, "its manifest is not read");
                None
            }
            Ok(stated) if failed.contains(&host_of(&stated.address)) => continue,
            Ok(stated) => {
                let cap_bytes = words.bundle_mib.saturating_mul(1024 * 1024);
                let list = walker.address();
                let read = tokio::select! {
                    read = bundle::declared(&walker.client, list, &unseen.key, &stated, cap_bytes) => read,
                    () = walker.cancel.cancelled() => {
                        walked.interrupted = true;
                        return Ok(());
                    }
                };
                match read {
                    Ok(list) => Some(list),
                    Err(error) if error.may_pass() => {
                        tracing::info!(bundle = key, %error, "its manifest is read another time");
                        if !matches!(error, BundleError::Disk(_)) {
                            failed.insert(host_of(&stated.address));
                        }
                        continue;
                    }
                    Err(error) => {
                        tracing::info!(bundle = key, %error, "its manifest is not read");
                        None
                    }
                }
            }
        };
        store.bundle_looked(SourceName::Mcp, unseen, found, walker.now())?;
    }
    Ok(())
}
