-- Written once, never changed: later shapes come in later files.
-- Times are RFC 3339 in UTC. Nothing a server answered and no verdict is ever overwritten.

-- Who a server is. The key never changes.
CREATE TABLE servers (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,                      -- npm:NAME, pypi:NAME, github:OWNER/REPO, remote:URL, local:NAME
  registry TEXT NOT NULL CHECK (registry IN ('npm', 'pypi', 'github', 'remote', 'local')),
  name TEXT NOT NULL,                            -- the key without its prefix
  visibility TEXT NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'private')),
  first_seen TEXT NOT NULL
) STRICT;

-- One version of a server; version is '' for remote and local servers.
CREATE TABLE releases (
  id INTEGER PRIMARY KEY,
  server_id INTEGER NOT NULL REFERENCES servers (id),
  version TEXT NOT NULL,
  purl TEXT,
  published_at TEXT,                             -- when the registry says it came out
  title TEXT,                                    -- the registry's title, where it has one
  description TEXT,
  repository TEXT,                               -- https address, checked
  homepage TEXT,
  licence TEXT,
  first_seen TEXT NOT NULL,
  UNIQUE (server_id, version)
) STRICT;

-- One row for each time a release was probed. outcome is NULL while it runs (or after the scanner died in it).
CREATE TABLE probes (
  id INTEGER PRIMARY KEY,
  release_id INTEGER NOT NULL REFERENCES releases (id),
  scanner_schema INTEGER NOT NULL,               -- the scanner's way of asking; see model/probe.rs
  started_at TEXT NOT NULL,
  finished_at TEXT,
  outcome TEXT,                                  -- closed list, see docs/DATABASE.md
  detail TEXT,                                   -- one line for people
  sandbox TEXT CHECK (sandbox IN ('bwrap', 'reduced', 'none', 'remote')),
  transport TEXT CHECK (transport IN ('stdio', 'streamable-http', 'http-sse')),
  chosen_attempt INTEGER,                        -- position of the attempt whose list was kept
  protocol TEXT,
  server_info TEXT,                              -- JSON as answered
  capabilities TEXT,                             -- JSON as answered
  instructions TEXT,
  interpreter TEXT,
  pages INTEGER NOT NULL DEFAULT 0,
  noise_lines INTEGER NOT NULL DEFAULT 0,
  marks TEXT NOT NULL DEFAULT '[]'               -- JSON array of findings on the wire
) STRICT;
CREATE INDEX probes_by_release ON probes (release_id, id);

-- Every start of the server within a probe, written as it ends.
CREATE TABLE attempts (
  probe_id INTEGER NOT NULL REFERENCES probes (id),
  position INTEGER NOT NULL,
  rung TEXT NOT NULL,
  command TEXT NOT NULL,                         -- JSON array
  args TEXT NOT NULL,                            -- JSON array: what was added to the bare start
  env TEXT NOT NULL,                             -- JSON object: placeholders, never a real secret
  dependencies_as_of TEXT,
  extras TEXT NOT NULL DEFAULT '[]',             -- JSON array
  outcome TEXT NOT NULL,
  detail TEXT NOT NULL,
  tools INTEGER NOT NULL,
  started_at TEXT NOT NULL,
  millis INTEGER NOT NULL,
  log_tail TEXT NOT NULL,
  PRIMARY KEY (probe_id, position)
) STRICT;

-- A tool definition, once, by the SHA-256 of its canonical bytes.
CREATE TABLE definitions (
  hash TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  title TEXT,
  description TEXT,
  canonical TEXT NOT NULL,                       -- keys sorted, no white space, without _meta and icons
  first_seen TEXT NOT NULL
) STRICT;

-- The bytes as they came, once, by their own SHA-256.
CREATE TABLE raw_tools (
  sha256 TEXT PRIMARY KEY,
  bytes BLOB NOT NULL
) STRICT;

-- What each probe saw, in the order it came. definition_hash is NULL for an entry that is no tool.
CREATE TABLE probe_tools (
  probe_id INTEGER NOT NULL REFERENCES probes (id),
  position INTEGER NOT NULL,
  definition_hash TEXT REFERENCES definitions (hash),
  raw_sha256 TEXT NOT NULL REFERENCES raw_tools (sha256),
  problem TEXT,                                  -- why it is no tool
  PRIMARY KEY (probe_id, position)
) STRICT;
CREATE INDEX probe_tools_by_definition ON probe_tools (definition_hash);

-- Rule sets by the hash of their files; the one in force is the newest row of rule_set_uses.
CREATE TABLE rule_sets (
  hash TEXT PRIMARY KEY,
  first_used TEXT NOT NULL
) STRICT;
CREATE TABLE rule_set_uses (
  id INTEGER PRIMARY KEY,
  rule_set_hash TEXT NOT NULL REFERENCES rule_sets (hash),
  used_at TEXT NOT NULL
) STRICT;

-- A verdict is a function of a definition and a rule set, with the time it was first made.
CREATE TABLE verdicts (
  definition_hash TEXT NOT NULL REFERENCES definitions (hash),
  rule_set_hash TEXT NOT NULL REFERENCES rule_sets (hash),
  class TEXT NOT NULL CHECK (class IN ('read', 'write', 'execute', 'destructive')),
  risk TEXT NOT NULL CHECK (risk IN ('low', 'medium', 'high', 'critical')),
  signals TEXT NOT NULL,                         -- JSON array of words
  confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
  needs_review INTEGER NOT NULL CHECK (needs_review IN (0, 1)),
  evidence TEXT NOT NULL,                        -- JSON: [{rule, field, span, text, effect}]
  made_at TEXT NOT NULL,
  PRIMARY KEY (definition_hash, rule_set_hash)
) STRICT;

-- Corrections by people. The newest one for a (server, tool, definition) is in force; older ones stay.
CREATE TABLE overrides (
  id INTEGER PRIMARY KEY,
  server_key TEXT NOT NULL,
  tool TEXT NOT NULL,
  definition_hash TEXT NOT NULL,
  class TEXT CHECK (class IN ('read', 'write', 'execute', 'destructive')),
  risk TEXT CHECK (risk IN ('low', 'medium', 'high', 'critical')),
  signals TEXT,                                  -- JSON array, replaces the verdict's; NULL keeps it
  who TEXT NOT NULL,
  why TEXT NOT NULL,
  made_at TEXT NOT NULL
) STRICT;
CREATE INDEX overrides_by_tool ON overrides (server_key, tool, definition_hash, id);

-- The work queue: enqueue, claim, heartbeat, complete, fail. One row a target.
CREATE TABLE work (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,                      -- the target as it can be typed again
  state TEXT NOT NULL CHECK (state IN ('waiting', 'leased', 'done')),
  worker TEXT,                                   -- who holds the lease
  lease_until TEXT,
  deaths INTEGER NOT NULL DEFAULT 0,             -- how often its scanner died while it ran alone, no progress in between
  company_deaths INTEGER NOT NULL DEFAULT 0,     -- how often its scanner died while it ran beside others
  progress INTEGER NOT NULL DEFAULT 0,           -- grows with each attempt written; a death after progress counts anew
  progress_at_claim INTEGER NOT NULL DEFAULT 0,
  place INTEGER NOT NULL,                        -- order of claiming; one whose scanner died goes to the back
  enqueued_at TEXT NOT NULL,
  finished_at TEXT
) STRICT;
CREATE INDEX work_by_state ON work (state, place);
