//! Reads the labels of images that a list names: they cannot be started here, and say which entry of the official registry they
//! are. One at a time; a host that fails, or wants to be left alone, is left alone for the rest of the run.

use std::collections::BTreeSet;

use super::walk::{Walked, Walker};
use crate::model::Untrusted;
use crate::model::source::SourceName;
use crate::sources::oci::{self, Places};
use crate::store::Store;
use crate::store::identity::ImageSaid;

/// Reads, and stores what the labels say.
pub(super) async fn look(walker: &Walker<'_>, store: &mut Store, walked: &mut Walked) -> anyhow::Result<()> {
    // Images decide nothing of the order: a look at what would be scanned leaves their registries alone.
    let name = walker.source.name;
    if !matches!(name, SourceName::Mcp | SourceName::Docker) || walker.options.dry_run {
        return Ok(());
    }
    let words = &walker.words.oci;
    let most = walker.options.limit.map_or(words.images_a_run, |limit| limit.min(words.images_a_run));
    let images = store.unseen_images(name, most)?;
    let places = Places { list: walker.address(), known: &words.registries, configured: walker.images() };
    let mut failed: BTreeSet<String> = BTreeSet::new();
    for (done, unseen) in images.iter().enumerate() {
        walker.bar.note(&format!("images: {done} of {}", images.len()));
        let key = Untrusted::new(unseen.key.as_str()).for_terminal(200);
        let found = match oci::image_of_record(&unseen.record, &unseen.key) {
            None => {
                tracing::info!(image = key, "its name is none that a registry would take");
                None
            }
            Some(image) if failed.contains(image.host()) => continue,
            Some(image) => {
                let read = tokio::select! {
                    read = oci::labels(&walker.client, places, &image) => read,
                    () = walker.cancel.cancelled() => {
                        walked.interrupted = true;
                        return Ok(());
                    }
                };
                match read {
                    Ok(found) => found,
                    Err(error) if error.may_pass() => {
                        tracing::info!(image = key, %error, "its labels are read another time");
                        failed.insert(image.host().to_owned());
                        continue;
                    }
                    Err(error) => {
                        tracing::info!(image = key, %error, "its labels are not read");
                        None
                    }
                }
            }
        };
        let said = found.as_ref().map(|found| ImageSaid {
            node: &found.node,
            version: &found.version,
            names: &found.mcp_names,
            facts: &found.facts,
        });
        store.image_looked(&unseen.key, said, walker.now())?;
    }
    Ok(())
}
