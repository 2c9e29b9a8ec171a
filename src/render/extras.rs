//! What is said of few servers only, read once: who is corrected, declared or spoken of, and when a definition was first seen that a
//! server listed before which is not shown. Called when stock is taken.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::RenderError;
use super::digest::{Digest, Inputs};
use super::stock::Asked;
use crate::store::page_dates::{self, Turn};
use crate::store::site::SiteServer;
use crate::store::{Connection, declared_servers, site_inputs};

/// Who has rows in tables that most servers are not in.
#[derive(Debug, Default)]
pub(super) struct Extras {
    /// Servers with corrections.
    pub(super) corrected: BTreeSet<String>,
    /// Servers of which lists are declared.
    pub(super) declared: BTreeSet<String>,
    /// The digest of what is known of who is who; None where nothing is.
    pub(super) identity: Option<String>,
    /// Another one whenever something of that came, went or changed; None where nobody kept count.
    identity_token: Option<Vec<u8>>,
    /// When definitions were first seen that a server listed before which is not shown.
    pub(super) first_seen: BTreeMap<String, Timestamp>,
    /// How the rules came into force, newest first.
    pub(super) turns: Vec<Turn>,
}

impl Extras {
    /// What stands for all rows of a server as long as it is the same; None where they have to be read.
    pub(super) fn stamp(&self, key: &str, server: &SiteServer) -> Option<Digest> {
        // What is said of few servers is not counted with their rows.
        if self.corrected.contains(key) || self.declared.contains(key) {
            return None;
        }
        let token = server.token.as_deref()?;
        let of_identity = match &self.identity {
            Some(digest) => Some((digest, self.identity_token.as_deref()?)),
            None => None,
        };
        Some(Digest::of(&(
            token,
            server.answer,
            server.newest,
            server.answers,
            server.tries,
            of_identity,
            self.seen(),
        )))
    }

    /// A digest of it; None where it is empty.
    pub(super) fn seen(&self) -> Option<Digest> {
        (!self.first_seen.is_empty()).then(|| {
            let mut inputs = Inputs::default();
            for (hash, seen) in &self.first_seen {
                inputs.add(&(hash, seen.to_string()));
            }
            inputs.done()
        })
    }
}

/// Reads all of it.
///
/// # Errors
/// The database cannot be read.
pub(super) fn extras(db: &Connection, asked: &Asked<'_>) -> Result<Extras, RenderError> {
    let declared = declared_servers(db, asked.corrected_by, asked.audience.sees_private())?;
    Ok(Extras {
        corrected: site_inputs::corrected_servers(db, asked.corrected_by)?,
        declared: declared.into_iter().map(|server| server.about).collect(),
        identity: site_inputs::identity_digest(db)?,
        identity_token: site_inputs::identity_token(db)?,
        first_seen: if asked.audience.sees_private() {
            BTreeMap::new()
        } else {
            site_inputs::first_seen_in_public(db)?
        },
        turns: page_dates::turns(db, asked.rules.hash(), asked.corrected_by)?,
    })
}
