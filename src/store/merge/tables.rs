//! Tables whose rows have keys: what becomes of two rows of one key, column by column.

use rusqlite::{Transaction, params_from_iter};

use super::super::{StoreError, candidates};
use super::input::Input;

/// What becomes of two values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Join {
    /// It is the key, or follows from it.
    Key,
    /// The lesser one; nothing counts for nothing.
    Least,
    /// The greater one; nothing counts for nothing.
    Greatest,
    /// Nothing, if either has nothing; else the lesser one.
    Nothing,
    /// That of the row that wins as a whole, by `order`.
    Winner,
    /// Here it stays as it is; a new row gets what was read.
    Ours,
}

use Join::{Greatest, Key, Least, Nothing, Ours, Winner};

/// A table to be merged.
pub(super) struct Mergeable {
    table: &'static str,
    /// Reads the columns, in their order.
    select: &'static str,
    columns: &'static [(&'static str, Join)],
    /// What a conflict is about.
    key: &'static str,
    /// Of two rows the one that is greater in these wins (`{}` is the row); least, if the first says `least`.
    order: &'static [&'static str],
    least: bool,
    /// How a value is written that is not the value read.
    written: &'static [(&'static str, &'static str)],
}

const PLAIN: Mergeable =
    Mergeable { table: "", select: "", columns: &[], key: "", order: &[], least: false, written: &[] };

/// Addresses that became links without having been checked.
const HTTPS: &str = "CASE WHEN ?{n} LIKE 'https://%' THEN ?{n} END";

pub(super) const BEFORE_PROBES: &[Mergeable] = &[
    Mergeable {
        table: "servers",
        select: "SELECT key, registry, name, visibility, visibility_from, first_seen FROM servers ORDER BY key",
        columns: &[
            ("key", Key),
            ("registry", Key),
            ("name", Key),
            ("visibility", Winner),
            ("visibility_from", Winner),
            ("first_seen", Least),
        ],
        key: "key",
        // What a person said stays said, private before public; what a list or a command named is not private for having
        // stood in somebody's configuration, too.
        order: &["CASE {}visibility_from WHEN 'person' THEN 4 WHEN 'scan' THEN 2 ELSE 0 END + ({}visibility = 'private')"],
        ..PLAIN
    },
    Mergeable {
        table: "releases",
        select: "
            SELECT s.key, r.version, r.purl, r.published_at, r.title, r.description, r.repository, r.homepage, r.licence,
              r.first_seen
            FROM releases r JOIN servers s ON s.id = r.server_id ORDER BY s.key, r.version",
        columns: &[
            ("server_id", Key),
            ("version", Key),
            ("purl", Least),
            ("published_at", Least),
            ("title", Least),
            ("description", Least),
            ("repository", Least),
            ("homepage", Least),
            ("licence", Least),
            ("first_seen", Least),
        ],
        key: "server_id, version",
        written: &[
            ("server_id", "(SELECT id FROM servers WHERE key = ?{n})"),
            ("repository", HTTPS),
            ("homepage", HTTPS),
        ],
        ..PLAIN
    },
    Mergeable {
        table: "definitions",
        select: "SELECT hash, name, title, description, canonical, first_seen FROM definitions ORDER BY hash",
        columns: &[
            ("hash", Key),
            ("name", Key),
            ("title", Key),
            ("description", Key),
            ("canonical", Key),
            ("first_seen", Least),
        ],
        key: "hash",
        ..PLAIN
    },
    Mergeable {
        table: "raw_tools",
        select: "SELECT sha256, bytes FROM raw_tools ORDER BY sha256",
        columns: &[("sha256", Key), ("bytes", Key)],
        key: "sha256",
        ..PLAIN
    },
    Mergeable {
        table: "rule_sets",
        select: "SELECT hash, first_used FROM rule_sets ORDER BY hash",
        columns: &[("hash", Key), ("first_used", Least)],
        key: "hash",
        ..PLAIN
    },
];

pub(super) const AFTER_PROBES: &[Mergeable] = &[
    // The one that was made first: a verdict is a function of definition and rules.
    Mergeable {
        table: "verdicts",
        select: "
            SELECT definition_hash, rule_set_hash, class, risk, signals, confidence, needs_review, evidence, made_at
            FROM verdicts ORDER BY definition_hash, rule_set_hash",
        columns: &[
            ("definition_hash", Key),
            ("rule_set_hash", Key),
            ("class", Winner),
            ("risk", Winner),
            ("signals", Winner),
            ("confidence", Winner),
            ("needs_review", Winner),
            ("evidence", Winner),
            ("made_at", Winner),
        ],
        key: "definition_hash, rule_set_hash",
        order: &[
            "{}made_at", "{}class", "{}risk", "{}signals", "{}confidence", "{}needs_review", "{}evidence",
        ],
        least: true,
        ..PLAIN
    },
    // That the list is known; where a walk through it stands is its machine's business.
    Mergeable {
        table: "sources",
        select: "SELECT name, address FROM sources ORDER BY name",
        columns: &[("name", Key), ("address", Ours)],
        key: "name",
        ..PLAIN
    },
    // The record that changed last, or that was last seen to be gone.
    Mergeable {
        table: "listings",
        select: "
            SELECT source, name, version, status, stamp, record, '', 0, first_seen, changed_at, gone_at
            FROM listings ORDER BY source, name, version",
        columns: &[
            ("source", Key),
            ("name", Key),
            ("version", Key),
            ("status", Winner),
            ("stamp", Winner),
            ("record", Winner),
            ("position", Ours),
            ("walk_id", Ours),
            ("first_seen", Least),
            ("changed_at", Winner),
            ("gone_at", Winner),
        ],
        key: "source, name, version",
        order: &[
            "max({}changed_at, coalesce({}gone_at, ''))",
            "{}changed_at",
            "{}status",
            "coalesce({}stamp, '')",
            "coalesce({}record, '')",
        ],
        ..PLAIN
    },
    Mergeable {
        table: "candidates",
        select: "
            SELECT key, obstacle, rank, etag, first_seen, changed_at, looked_at, missing_at, scanned_at
            FROM candidates ORDER BY key",
        columns: &[
            ("key", Key),
            ("obstacle", Nothing),
            ("rank", Ours),
            ("etag", Winner),
            ("first_seen", Least),
            ("changed_at", Greatest),
            ("looked_at", Winner),
            ("missing_at", Winner),
            ("scanned_at", Greatest),
        ],
        key: "key",
        order: &["coalesce({}looked_at, '')", "coalesce({}missing_at, '')", "coalesce({}etag, '')"],
        ..PLAIN
    },
    Mergeable {
        table: "listing_candidates",
        select: "SELECT source, name, version, key FROM listing_candidates ORDER BY source, name, version, key",
        columns: &[("source", Key), ("name", Key), ("version", Key), ("key", Key)],
        key: "source, name, version, key",
        ..PLAIN
    },
    Mergeable {
        table: "candidate_signs",
        select: "SELECT key, told_by, sign FROM candidate_signs ORDER BY key, told_by, sign",
        columns: &[("key", Key), ("told_by", Key), ("sign", Key)],
        key: "key, told_by, sign",
        ..PLAIN
    },
    Mergeable {
        table: "package_facts",
        select: "SELECT key, facts, read_at FROM package_facts ORDER BY key",
        columns: &[("key", Key), ("facts", Winner), ("read_at", Winner)],
        key: "key",
        order: &["{}read_at", "{}facts"],
        ..PLAIN
    },
    Mergeable {
        table: "version_names",
        select: "SELECT key, version, names, read_at FROM version_names ORDER BY key, version",
        columns: &[("key", Key), ("version", Key), ("names", Winner), ("read_at", Winner)],
        key: "key, version",
        order: &["{}read_at", "{}names"],
        ..PLAIN
    },
    Mergeable {
        table: "repository_ids",
        select: "SELECT forge, path, id, first_seen FROM repository_ids ORDER BY forge, path, id",
        columns: &[("forge", Key), ("path", Key), ("id", Key), ("first_seen", Least)],
        key: "forge, path, id",
        ..PLAIN
    },
    Mergeable {
        table: "provenances",
        select: "SELECT key, version, said, read_at FROM provenances ORDER BY key, version",
        columns: &[("key", Key), ("version", Key), ("said", Winner), ("read_at", Winner)],
        key: "key, version",
        order: &["{}read_at", "{}said"],
        ..PLAIN
    },
    // What was collected there is here now. A mark counts transactions.
    Mergeable {
        table: "fleet_queues",
        select: "SELECT queue, mark FROM fleet_queues ORDER BY queue",
        columns: &[("queue", Key), ("mark", Winner)],
        key: "queue",
        order: &["length({}mark)", "{}mark"],
        ..PLAIN
    },
    Mergeable {
        table: "fleet_results",
        select: "SELECT queue, result, worker, refused FROM fleet_results ORDER BY queue, result",
        columns: &[("queue", Key), ("result", Key), ("worker", Ours), ("refused", Ours)],
        key: "queue, result",
        ..PLAIN
    },
];

impl Mergeable {
    /// Copies the rows of `input`, each into its place.
    pub(super) fn copy(&self, input: &Input, tx: &Transaction<'_>) -> Result<(), StoreError> {
        let refused = |e| input.not_taken(tx, e);
        let mut write = tx.prepare(&self.insert()).map_err(refused)?;
        input.each(self.select, [], |values| {
            write.execute(params_from_iter(values)).map(drop).map_err(refused)
        })
    }

    fn insert(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let values: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let other = self.written.iter().find(|(column, _)| column == name);
                other.map_or("?{n}", |(_, value)| value).replace("{n}", &(at + 1).to_string())
            })
            .collect();
        let changes: Vec<(&str, String)> =
            self.columns.iter().filter_map(|(name, join)| Some((*name, self.joined(name, *join)?))).collect();
        let conflict = match changes.as_slice() {
            [] => "NOTHING".to_owned(),
            changes => {
                let sets: Vec<String> =
                    changes.iter().map(|(name, value)| format!("{name} = {value}")).collect();
                // What stays as it is is not written: a trigger takes every write for a change.
                let moves: Vec<String> = changes
                    .iter()
                    .map(|(name, value)| format!("{}.{name} IS NOT {value}", self.table))
                    .collect();
                format!("UPDATE SET {} WHERE {}", sets.join(", "), moves.join(" OR "))
            }
        };
        format!(
            "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO {conflict}",
            self.table,
            names.join(", "),
            values.join(", "),
            self.key
        )
    }

    /// The value of a column of two rows; None where nothing changes.
    fn joined(&self, name: &str, join: Join) -> Option<String> {
        let (ours, theirs) = (format!("{}.{name}", self.table), format!("excluded.{name}"));
        match join {
            Key | Ours => None,
            Least => Some(format!("coalesce(min({ours}, {theirs}), {ours}, {theirs})")),
            Greatest => Some(format!("coalesce(max({ours}, {theirs}), {ours}, {theirs})")),
            Nothing => Some(format!("min({ours}, {theirs})")),
            Winner => {
                let of = |row: &str| {
                    self.order.iter().map(|o| o.replace("{}", row)).collect::<Vec<_>>().join(", ")
                };
                let sign = if self.least { "<" } else { ">" };
                let (other, here) = (of("excluded."), of(&format!("{}.", self.table)));
                Some(format!("(CASE WHEN ({other}) {sign} ({here}) THEN {theirs} ELSE {ours} END)"))
            }
        }
    }
}

/// Puts candidates into the place that all their signs give them.
pub(super) fn rank_again(input: &Input, tx: &Transaction<'_>) -> Result<(), StoreError> {
    input.rows("SELECT key FROM candidates ORDER BY key", [], |row| {
        let key: String = row.get(0).map_err(|e| input.refused(e))?;
        candidates::rank_again(tx, &key).map_err(|e| input.not_taken(tx, e))
    })
}
