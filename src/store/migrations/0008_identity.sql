-- Who is who: what packages and repositories say of themselves, the links that follow, and what is joined by them.
-- A project joins names of one server. It moves no tool, page or key. All names here are foreign text.

-- What a package's own document says of who it is, as it was read last.
CREATE TABLE package_facts (
  key TEXT PRIMARY KEY,                          -- npm:NAME, pypi:NAME, oci:…
  facts TEXT NOT NULL,                           -- JSON: mcp_names, repository, attested, publishers, readme, shape
  read_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The registry's names that one version of a package gives itself: asked for where the newest one does not name an entry that lists
-- that version.
CREATE TABLE version_names (
  key TEXT NOT NULL,
  version TEXT NOT NULL,
  names TEXT NOT NULL,                           -- JSON array
  read_at TEXT NOT NULL,
  PRIMARY KEY (key, version)
) STRICT, WITHOUT ROWID;

-- Every number that a forge was seen to give to a name. Two numbers for one name: the name was taken over.
CREATE TABLE repository_ids (
  forge TEXT NOT NULL,
  path TEXT NOT NULL,                            -- owner/name in lower case
  id INTEGER NOT NULL,
  first_seen TEXT NOT NULL,
  PRIMARY KEY (forge, path, id)
) STRICT, WITHOUT ROWID;

-- Computed anew as a whole, from here on.
CREATE TABLE identity_links (
  a TEXT NOT NULL,
  b TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('package', 'remote', 'repository', 'twin', 'same-tools', 'same-readme')),
  tier TEXT NOT NULL CHECK (tier IN ('verified', 'two-way', 'claimed', 'looks-alike')),
  evidence TEXT NOT NULL,
  apart TEXT,                                    -- why it joins nothing; NULL if it does
  PRIMARY KEY (a, b, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_links_by_b ON identity_links (b);

CREATE TABLE project_members (
  node TEXT PRIMARY KEY,
  project TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX project_members_by_project ON project_members (project, node);

CREATE TABLE identity_findings (
  node TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('look-alike', 'conflict', 'resurrected', 'republished', 'copied', 'crowded-repository',
    'generated-name')),
  other TEXT NOT NULL,                           -- whom it has to do with; '' where nobody
  evidence TEXT NOT NULL,
  PRIMARY KEY (node, kind, other, evidence)
) STRICT, WITHOUT ROWID;

-- What these rows were computed from and by: the same again is not written again.
CREATE TABLE identity_state (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  digest TEXT NOT NULL,
  computed_at TEXT NOT NULL
) STRICT;

-- Documents were read for their signs alone before: they are read again.
UPDATE candidates SET looked_at = NULL, etag = NULL WHERE looked_at IS NOT NULL AND missing_at IS NULL;
