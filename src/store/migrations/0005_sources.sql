-- Lists of servers and what was found in them. Everything here is foreign text that only orders and names what is to be scanned:
-- that something is a server is proven by a probe alone.

-- One row for each list that was ever walked.
CREATE TABLE sources (
  name TEXT PRIMARY KEY,                         -- mcp, npm, pypi
  address TEXT NOT NULL,                         -- without user, password and query
  mark TEXT,                                     -- where the next walk for changes begins; NULL until one reached its end
  listed INTEGER,                                -- how many records the last whole walk saw
  note TEXT,                                     -- what keeps it from being complete
  asked_not_before TEXT                          -- it asked to be left alone until then
) STRICT, WITHOUT ROWID;

-- One row for each pass through a list. The position is stored with the rows of the page before it.
CREATE TABLE walks (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL REFERENCES sources (name),
  kind TEXT NOT NULL CHECK (kind IN ('full', 'changes', 'since')),
  since TEXT,                                    -- the point its user named, for kind since
  position TEXT NOT NULL,                        -- the page that comes next, as the source writes it
  pages INTEGER NOT NULL DEFAULT 0,
  seen INTEGER NOT NULL DEFAULT 0,               -- records, those that are no business of ours included
  added INTEGER NOT NULL DEFAULT 0,
  changed INTEGER NOT NULL DEFAULT 0,
  unchanged INTEGER NOT NULL DEFAULT 0,
  malformed INTEGER NOT NULL DEFAULT 0,
  gone INTEGER NOT NULL DEFAULT 0,               -- listings that were taken to be gone when it ended
  frozen INTEGER NOT NULL DEFAULT 0,             -- listings that were not, because they were too many at once
  started_at TEXT NOT NULL,
  touched_at TEXT NOT NULL,
  ended_at TEXT,
  ended_by TEXT,                                 -- absent-cursor, repeated-cursor, nothing-new, cap, not-modified, replaced
  failure TEXT,                                  -- what stopped it last; it goes on from its position
  note TEXT
) STRICT;
CREATE INDEX walks_by_source ON walks (source, id);

-- The pages of a list as they were read last: for validators, and to see that a walk goes in circles.
CREATE TABLE source_pages (
  source TEXT NOT NULL REFERENCES sources (name),
  position TEXT NOT NULL,
  walk_id INTEGER NOT NULL REFERENCES walks (id),
  etag TEXT,
  next TEXT,                                     -- the position after it; NULL if it was the last
  PRIMARY KEY (source, position)
) STRICT, WITHOUT ROWID;

-- What each list says. Nothing is deleted: what is not listed any more has a time in gone_at.
CREATE TABLE listings (
  source TEXT NOT NULL REFERENCES sources (name),
  name TEXT NOT NULL,
  version TEXT NOT NULL,                         -- '' where the list has names only
  status TEXT NOT NULL CHECK (status IN ('active', 'deprecated', 'deleted')),
  stamp TEXT,                                    -- changes whenever the record does
  record TEXT,                                   -- JSON as it came
  position TEXT NOT NULL,                        -- the page it was on
  walk_id INTEGER NOT NULL,                      -- the walk that saw it last
  first_seen TEXT NOT NULL,
  changed_at TEXT NOT NULL,
  gone_at TEXT,
  PRIMARY KEY (source, name, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX listings_by_page ON listings (source, position);

-- What could be scanned. rank is the sum of the weights of its signs: it orders, it excludes nothing.
CREATE TABLE candidates (
  key TEXT PRIMARY KEY,                          -- a server's key, or KIND:IDENTIFIER where there is an obstacle
  obstacle TEXT CHECK (obstacle IN ('kind', 'variables', 'malformed')),
  rank INTEGER NOT NULL,
  etag TEXT,                                     -- of its own document
  first_seen TEXT NOT NULL,
  changed_at TEXT NOT NULL,
  looked_at TEXT,                                -- when its own document was read
  missing_at TEXT,                               -- when its registry said that there is none
  scanned_at TEXT                                -- when a scan recorded an outcome for it
) STRICT, WITHOUT ROWID;
CREATE INDEX candidates_by_rank ON candidates (rank DESC, key);

-- Which records name a candidate.
CREATE TABLE listing_candidates (
  source TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  key TEXT NOT NULL REFERENCES candidates (key),
  PRIMARY KEY (source, name, version, key),
  FOREIGN KEY (source, name, version) REFERENCES listings (source, name, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX listing_candidates_by_key ON listing_candidates (key);

-- What speaks for and against a candidate's being a server, and who says so.
CREATE TABLE candidate_signs (
  key TEXT NOT NULL REFERENCES candidates (key),
  told_by TEXT NOT NULL,                         -- a source, or document: the candidate's own
  sign TEXT NOT NULL,
  PRIMARY KEY (key, told_by, sign)
) STRICT, WITHOUT ROWID;
