//! Images that lists name: which were not read since their record changed, and what was read of them.

use jiff::Timestamp;
use rusqlite::{Row, Transaction, params};

use super::super::{Store, StoreError, stored_time};
use super::{ADD_VERSION_NAMES, remember_package};
use crate::model::identity::{Node, PackageFacts};
use crate::model::source::SourceName;

const UNSEEN: &str = "
    SELECT c.key AS key, max(l.record) AS record
    FROM candidates c JOIN listing_candidates n ON n.key = c.key
      JOIN listings l ON l.source = n.source AND l.name = n.name AND l.version = n.version
    WHERE (c.key LIKE 'oci:%' OR c.key LIKE 'docker:%')
      AND n.source = ?1 AND l.gone_at IS NULL AND l.record IS NOT NULL
      AND (c.looked_at IS NULL OR c.looked_at < c.changed_at)
    GROUP BY c.key ORDER BY c.rank DESC, c.key LIMIT ?2";
const LOOKED: &str = "UPDATE candidates SET looked_at = ?2 WHERE key = ?1";

/// An image whose labels are to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnseenImage {
    /// Its key, `oci:` and its name as the record writes it.
    pub key: String,
    /// The record that names it, as JSON.
    pub record: String,
}

/// What an image's labels say.
#[derive(Debug, Clone, Copy)]
pub struct ImageSaid<'a> {
    /// Its node.
    pub node: &'a Node,
    /// The tag or digest that was read.
    pub version: &'a str,
    /// Names of the official registry that it gives itself.
    pub names: &'a std::collections::BTreeSet<String>,
    /// What else it says.
    pub facts: &'a PackageFacts,
}

impl Store {
    /// Images that a list names and whose labels were not read since their record changed.
    ///
    /// # Errors
    /// [`StoreError`], here and below.
    pub fn unseen_images(&self, source: SourceName, limit: u32) -> Result<Vec<UnseenImage>, StoreError> {
        let read = |row: &Row<'_>| Ok(UnseenImage { key: row.get("key")?, record: row.get("record")? });
        self.connection
            .prepare_cached(UNSEEN)
            .and_then(|mut statement| statement.query_map(params![source.as_str(), limit], read)?.collect())
            .map_err(|e| StoreError::from_sql(&self.connection, e))
    }

    /// Keeps what an image's labels say; without that it is known that it was looked at.
    ///
    /// # Errors
    /// As above.
    pub fn image_looked(
        &mut self,
        key: &str,
        said: Option<ImageSaid<'_>>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let now = stored_time(now);
        self.write(|tx| keep(tx, key, said, &now).map_err(|e| StoreError::from_sql(tx, e)))
    }
}

fn keep(tx: &Transaction<'_>, key: &str, said: Option<ImageSaid<'_>>, now: &str) -> rusqlite::Result<()> {
    if let Some(ImageSaid { node, version, names, facts }) = said {
        // A label is one tag's: it counts for the entry that lists this very tag.
        let names = serde_json::to_string(names).expect("strings are always JSON");
        tx.execute(ADD_VERSION_NAMES, params![node, version, names, now])?;
        remember_package(tx, node, facts, now)?;
    }
    tx.execute(LOOKED, params![key, now]).map(drop)
}
