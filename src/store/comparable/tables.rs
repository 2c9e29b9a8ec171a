//! What is compared of each table, and what is not.

use super::{Compared, LeftOut};

const RUN: &str = "it is of one run";
const PLACE: &str = "where one machine stands in a list";
const ROW: &str = "a row's number; the rows are named by what they hold";

/// Every table that holds the catalogue, in the order in which its rows refer to each other.
pub const COMPARED: &[Compared] = &[
    Compared {
        table: "servers",
        query: "SELECT key, registry, name, visibility, visibility_from, first_seen FROM servers ORDER BY key",
    },
    Compared {
        table: "releases",
        query: "
            SELECT s.key AS server, r.version AS version, r.purl AS purl, r.published_at AS published_at, r.title AS title,
              r.description AS description, r.repository AS repository, r.homepage AS homepage, r.licence AS licence,
              r.first_seen AS first_seen
            FROM releases r JOIN servers s ON s.id = r.server_id ORDER BY server, version",
    },
    // Tools in the order in which the server lists them: definition, bytes, what is wrong with an entry that is no tool. Two probes that
    // say the same of the same time are one.
    Compared {
        table: "probes",
        query: "
            SELECT DISTINCT s.key AS server, r.version AS version, p.finished_at AS finished_at, p.scanner_schema AS scanner_schema,
              p.outcome AS outcome, p.detail AS detail, p.sandbox AS sandbox, p.memory_bound AS memory_bound,
              p.transport AS transport, p.protocol AS protocol, p.server_info AS server_info, p.capabilities AS capabilities,
              p.instructions AS instructions, p.interpreter AS interpreter, p.pages AS pages, p.noise_lines AS noise_lines,
              p.marks AS marks,
              (SELECT json_group_array(json_array(t.definition_hash, t.raw_sha256, t.problem) ORDER BY t.position)
               FROM probe_tools t WHERE t.probe_id = p.id) AS tools
            FROM probes p JOIN releases r ON r.id = p.release_id JOIN servers s ON s.id = r.server_id
            WHERE p.finished_at IS NOT NULL
            ORDER BY server, version, finished_at, scanner_schema, p.outcome, p.detail, p.sandbox, p.memory_bound, p.transport,
              p.protocol, p.server_info, p.capabilities, p.instructions, p.interpreter, p.pages, p.noise_lines, p.marks, tools",
    },
    Compared {
        table: "definitions",
        query: "SELECT hash, name, title, description, canonical, first_seen FROM definitions ORDER BY hash",
    },
    Compared { table: "raw_tools", query: "SELECT sha256, bytes FROM raw_tools ORDER BY sha256" },
    Compared { table: "rule_sets", query: "SELECT hash, first_used FROM rule_sets ORDER BY hash" },
    // In the order in which they came into force: the last one is.
    Compared {
        table: "rule_set_uses",
        query: "
            SELECT row_number() OVER (ORDER BY id) AS place, rule_set_hash, used_at FROM rule_set_uses ORDER BY place",
    },
    Compared {
        table: "verdicts",
        query: "
            SELECT definition_hash, rule_set_hash, class, risk, signals, confidence, needs_review, evidence, made_at
            FROM verdicts ORDER BY definition_hash, rule_set_hash",
    },
    // Of several made at one time the later row is in force.
    Compared {
        table: "overrides",
        query: "
            SELECT server_key, tool, definition_hash, made_at,
              row_number() OVER (PARTITION BY server_key, tool, definition_hash ORDER BY made_at, id) AS place,
              class, risk, signals, who, why, origin, listed
            FROM overrides ORDER BY server_key, tool, definition_hash, place",
    },
    Compared {
        table: "candidates",
        query: "
            SELECT key, obstacle, rank, etag, first_seen, changed_at, looked_at, missing_at, scanned_at
            FROM candidates ORDER BY key",
    },
    Compared {
        table: "candidate_signs",
        query: "SELECT key, told_by, sign FROM candidate_signs ORDER BY key, told_by, sign",
    },
    Compared {
        table: "listings",
        query: "
            SELECT source, name, version, status, stamp, record, first_seen, changed_at, gone_at
            FROM listings ORDER BY source, name, version",
    },
    Compared {
        table: "listing_candidates",
        query: "SELECT source, name, version, key FROM listing_candidates ORDER BY source, name, version, key",
    },
    Compared {
        table: "declared_lists",
        query: "
            SELECT d.about AS about, d.declared_by AS declared_by, d.source AS source, d.name AS name, d.version AS version,
              d.place AS place, d.hash AS hash, d.grows AS grows, d.read_at AS read_at,
              (SELECT json_group_array(json_array(e.kind, e.name, e.description) ORDER BY e.kind, e.position)
               FROM declared_entries e WHERE e.list_id = d.id) AS entries
            FROM declared_lists d ORDER BY d.about, d.declared_by, d.source, d.name, d.version, d.place, d.hash, d.grows,
              d.read_at, entries",
    },
    Compared { table: "package_facts", query: "SELECT key, facts, read_at FROM package_facts ORDER BY key" },
    Compared {
        table: "version_names",
        query: "SELECT key, version, names, read_at FROM version_names ORDER BY key, version",
    },
    Compared {
        table: "repository_ids",
        query: "SELECT forge, path, id, first_seen FROM repository_ids ORDER BY forge, path, id",
    },
    Compared {
        table: "provenances",
        query: "SELECT key, version, said, read_at FROM provenances ORDER BY key, version",
    },
    Compared {
        table: "identity_links",
        query: "SELECT a, b, kind, tier, evidence, apart FROM identity_links ORDER BY a, b, kind",
    },
    Compared { table: "project_members", query: "SELECT node, project FROM project_members ORDER BY node" },
    Compared {
        table: "identity_findings",
        query: "
            SELECT node, kind, other, evidence FROM identity_findings ORDER BY node, kind, other, evidence",
    },
];

const fn left(table: &'static str, column: &'static str, why: &'static str) -> LeftOut {
    LeftOut { table, column, why }
}

/// Everything else.
pub const LEFT_OUT: &[LeftOut] = &[
    left("servers", "id", ROW),
    left("releases", "id", ROW),
    left("releases", "server_id", ROW),
    left("probes", "id", ROW),
    left("probes", "release_id", ROW),
    left("probes", "started_at", "beside the end it is a duration"),
    left("probes", "chosen_attempt", "it counts attempts"),
    left("attempts", "*", "how often something had to be tried, and how long that took, is of one run"),
    left("probe_tools", "*", "shown with their probes"),
    left("rule_set_uses", "id", ROW),
    left("overrides", "id", ROW),
    left("declared_lists", "id", ROW),
    left("declared_entries", "*", "shown with their lists"),
    left("listings", "position", PLACE),
    left("listings", "walk_id", PLACE),
    left("sources", "*", PLACE),
    left("walks", "*", PLACE),
    left("source_pages", "*", PLACE),
    left("work", "*", "the queue of one machine: who holds what, and whose scanner died"),
    left("resting_hosts", "*", RUN),
    left("fleet_queues", "*", "which results of a fleet are here already, with their workers' names"),
    left("fleet_results", "*", "which results of a fleet are here already, with their workers' names"),
    left("identity_state", "*", "it says when the rows beside it were computed"),
    left("site_edits", "*", "a random mark for the next build"),
    left("server_edits", "*", "random marks for the next build"),
    left("identity_edits", "*", "a random mark for the next build"),
];
